"""Synthetic eyes -> a data set."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from glint_unet.data.annotation.image_annotation import printable
from glint_unet.data.dataset_file import DEFAULT_SIGMA_SCALE
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.data.synthetic.painting import backgrounds_of, is_painted, make_eyes
from glint_unet.data.synthetic.rig import Rig

_ROWS_AT_ONCE = 64


def write_synthetic(out_h5: Path, rig: Rig, *, num: int, seed: int, compression: str | None = None) -> Iterator[int]:
    """Writes `num` synthetic eyes as a data set; yields the number of rows written so far.

    Raises:
        DatasetError: the rig's stride is not 1, 2 or 4.
        GlintError: the rig's frames cannot be used; see `read_backgrounds`.
    """
    backgrounds = backgrounds_of(rig)
    of_frames = {"backgrounds": printable(rig.backgrounds), "backgrounds_share": rig.backgrounds_share}
    writer = DatasetWriter(
        out_h5,
        num_classes=rig.num_leds,
        image_size=rig.image_size,
        heatmap_size=rig.heatmap_size,
        attributes={
            "sigma_scale": DEFAULT_SIGMA_SCALE,
            "sigma_min": rig.sigma_heatmap_px,
            "prefix": "g",
            "seed": seed,
            "level": rig.level,
            **({} if backgrounds is None else {**of_frames, "backgrounds_md5": backgrounds.md5}),
        },
        compression=compression,
    )
    with writer:
        for start in range(0, num, _ROWS_AT_ONCE):
            indices = range(start, min(start + _ROWS_AT_ONCE, num))
            images, keypoints = make_eyes(rig, seed, indices, backgrounds)
            heatmaps = render_heatmaps(torch.from_numpy(keypoints), rig.heatmap_size, rig.stride, rig.sigma_heatmap_px)
            kinds = [
                "painted" if backgrounds is not None and is_painted(rig, seed, index) else "synthetic"
                for index in indices
            ]
            stems = [f"{kind}_{rig.level}_{seed}_{index:06d}" for kind, index in zip(kinds, indices, strict=True)]
            writer.append(images, heatmaps.numpy().astype(np.float16), keypoints, stems)
            yield writer.num_rows
