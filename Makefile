# One environment, made on first use. Every target makes what it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install demo test test-slow torture check bench bench-gpu bench-accuracy clean
.DELETE_ON_ERROR:

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and alone: the pinned CPU build, before anything else can ask for a larger one
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

DEMO_RUN := demo/run_$(shell date +%Y%m%d_%H%M%S)

demo: $(STAMP)
	mkdir -p demo
	$(BIN)/glint-unet synth demo/eyes.h5 --num 600 --size 128 --overwrite
	$(BIN)/python train_glint_unet.py --h5 demo/eyes.h5 --output_dir $(DEMO_RUN) --epochs 15
	@echo
	@echo "Look at $(DEMO_RUN)/predictions.png and $(DEMO_RUN)/results.png"

test: $(STAMP)
	$(BIN)/python -m pytest -n 2

test-slow: $(STAMP)
	$(BIN)/python -m pytest -m slow --timeout 3600

torture: $(STAMP)
	$(BIN)/python benchmarks/torture.py

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)
	@# MONAI is a peer to compare with; without it the other rows are printed all the same
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/real_recording.py

bench-gpu: $(STAMP)
	$(BIN)/python benchmarks/speed.py --device cuda

bench-accuracy: $(STAMP)
	$(BIN)/python benchmarks/accuracy.py

clean:
	rm -rf $(VENV) demo build *.egg-info
