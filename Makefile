# One environment, made on first use. Every target makes what it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help install demo test test-slow torture coverage check hooks bench bench-gpu bench-accuracy weights docs package clean
.DELETE_ON_ERROR:

help:  ## lists these targets
	@awk -F ':.*  ## ' '/^[a-z-]+:.*  ## / { printf "make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP)  ## makes .venv with everything that the other targets need

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@# torch first and alone: the pinned CPU build, before anything else can ask for a larger one
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt torch numpy
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	touch $@

DEMO_RUN := demo/run_$(shell date +%Y%m%d_%H%M%S)

demo: $(STAMP)  ## makes synthetic eyes, trains, draws the two pictures: about 2 minutes
	mkdir -p demo
	$(BIN)/glint-unet synth demo/eyes.h5 --num 600 --size 128 --level medium --overwrite
	$(BIN)/python train_glint_unet.py --h5 demo/eyes.h5 --output_dir $(DEMO_RUN) --epochs 15
	@echo
	@echo "Look at $(DEMO_RUN)/predictions.png and $(DEMO_RUN)/results.png"

test: $(STAMP)  ## runs the tests
	$(BIN)/python -m pytest -n 2

test-slow: $(STAMP)  ## runs the proofs that take minutes
	$(BIN)/python -m pytest -m slow --timeout 3600

torture: $(STAMP)  ## kills, starves and corrupts the system some 12,000 times: about an hour
	$(BIN)/python benchmarks/torture.py

coverage: $(STAMP)  ## runs the tests and says which lines none of them reaches
	$(BIN)/python -m pytest -n 2 --cov --cov-report term-missing:skip-covered

check: $(STAMP)  ## runs ruff and mypy (strict)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

hooks: $(STAMP)  ## lets git run the checks before every commit
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pre-commit
	$(BIN)/pre-commit install

bench: $(STAMP)  ## measures speed against named peers
	@# MONAI is a peer to compare with; without it the other rows are printed all the same
	-$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bench]"
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/real_recording.py

bench-gpu: $(STAMP)  ## the same on a GPU
	$(BIN)/python benchmarks/speed.py --device cuda

bench-accuracy: $(STAMP)  ## measures accuracy against named peers
	$(BIN)/python benchmarks/accuracy.py

weights: $(STAMP)  ## trains the weights that come with the package, and writes glint_unet/weights/: hours
	$(BIN)/python benchmarks/make_weights.py

docs: $(STAMP)  ## builds the documentation site, into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	@echo "Open site/index.html; with search: $(BIN)/mkdocs serve"

package: $(STAMP)  ## builds the sdist and the wheel, into dist/
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt build
	rm -rf dist build
	$(BIN)/python -m build
	ls -l dist

clean:  ## removes what these targets made
	rm -rf $(VENV) demo build dist site *.egg-info .coverage* htmlcov
