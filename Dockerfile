# glint-unet with the versions of constraints.txt; with GPUs where the host has them.
#   docker build -t glint-unet .                                # for CPUs: --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu
#   docker run --rm --gpus all --shm-size=8g -v "$PWD":/data glint-unet train --h5 train.h5
FROM python:3.12-slim-bookworm

ARG TORCH_INDEX=https://download.pytorch.org/whl/cu126
ENV PIP_NO_CACHE_DIR=1 PYTHONUNBUFFERED=1

WORKDIR /opt/glint-unet
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY glint_unet glint_unet
RUN pip install --extra-index-url "$TORCH_INDEX" -c constraints.txt '.[video,export,parquet,sweep,tracking]' \
    && useradd --create-home --uid 1000 glint

USER 1000
WORKDIR /data
ENTRYPOINT ["glint-unet"]
CMD ["--help"]
