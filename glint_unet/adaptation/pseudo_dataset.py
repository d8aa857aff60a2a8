"""Writes pseudo-labelled images, mixed with synthetic ones, as the data set of the fine-tuning run."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.adaptation.pseudo_labels import Rows
from glint_unet.data.dataset_file import DEFAULT_SIGMA_SCALE
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.data.split import draw_split
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.stream import STREAM_PREFIX, absolute_h5, is_stream
from glint_unet.errors import RigError
from glint_unet.inference.trained_model import TrainedModel

_ROWS_AT_ONCE = 64
_FIRST_SYNTHETIC = 2**31  # beyond every row that training drew of the same rig


class PseudoCounts(NamedTuple):
    """Numbers of frames and rows.

    Attributes:
        num_broken: frames that could not be read.
        num_labelled: frames with enough certain glints.
        num_synthetic: synthetic rows.
        num_rows: all rows of the data set.
        num_held_back: rows to validate on.
    """

    num_broken: int
    num_labelled: int
    num_synthetic: int
    num_rows: int
    num_held_back: int


def rig_of(h5: str, model: TrainedModel) -> Rig | None:
    """The rig whose synthetic eyes a model was trained on; None if it was not.

    Args:
        h5: the data set of the run.
        model: the model of the run.

    Raises:
        RigError: the rig file is missing or damaged, or is now that of another rig.
    """
    if not is_stream(h5):
        return None
    path = Path(absolute_h5(h5).removeprefix(STREAM_PREFIX))
    rig = Rig.read(path)
    if (rig.num_leds, rig.image_size) != (model.num_classes, model.image_size):
        (H, W), (model_H, model_W) = rig.image_size, model.image_size
        sizes = {"H": H, "W": W, "model_H": model_H, "model_W": model_W}
        raise RigError("rig_not_of_model", path=path, num=rig.num_leds, num_leds=model.num_classes, **sizes)
    return rig


def synthetic_rows(rig: Rig, num: int, seed: int) -> Rows:
    """Synthetic eyes that the model has not seen, with known keypoints."""
    rows = Rows()
    for start in range(0, num, _ROWS_AT_ONCE):
        indices = range(start, min(start + _ROWS_AT_ONCE, num))
        images, keypoints = render_eyes(rig, seed, [_FIRST_SYNTHETIC + index for index in indices])
        for index, image, points in zip(indices, images, keypoints, strict=True):
            rows.add(image, points, f"synthetic_{index:06d}")
    return rows


def write_pseudo_dataset(path: Path, model: TrainedModel, train: Rows, held_back: Rows, seed: int) -> None:
    """Writes the data set so that a run of this random seed validates on the rows held out.

    Its `val_split` must be their share of all rows.

    Args:
        path: the file, complete or absent.
        model: decides sizes and labels.
        train: rows to train on.
        held_back: rows to validate on; at least one.
        seed: random seed of the run, which draws its split.
    """
    (H, W), stride = model.image_size, model.stride
    writer = DatasetWriter(
        path,
        num_classes=model.num_classes,
        image_size=(H, W),
        heatmap_size=(H // stride, W // stride),
        attributes={
            "sigma_scale": DEFAULT_SIGMA_SCALE,
            "sigma_min": model.sigma_heatmap_px,
            "prefix": model.prefix,
            "stretched": "yes" if model.stretch else "no",
        },
        compression="lzf",
    )
    with writer:
        for images, keypoints, stems in _blocks(train, held_back, seed):
            points = torch.from_numpy(keypoints)
            heatmaps = render_heatmaps(points, (H // stride, W // stride), stride, model.sigma_heatmap_px)
            writer.append(images, heatmaps.numpy().astype(np.float16), keypoints, stems)


def _blocks(
    train: Rows, held_back: Rows, seed: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32], list[str]]]:
    """All rows in blocks, those held out where the split of the run looks for its validation images."""
    num = len(train) + len(held_back)
    split = draw_split(num, len(held_back) / num, seed)
    place = np.empty(num, np.int64)
    place[split.train], place[split.val] = np.arange(len(train)), len(train) + np.arange(len(held_back))
    images, keypoints = train.images + held_back.images, train.keypoints + held_back.keypoints
    stems = train.stems + held_back.stems
    for start in range(0, num, _ROWS_AT_ONCE):
        block = place[start : start + _ROWS_AT_ONCE].tolist()
        yield np.stack([images[k] for k in block]), np.stack([keypoints[k] for k in block]), [stems[k] for k in block]
