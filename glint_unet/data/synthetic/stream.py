"""An endless stream of synthetic eyes: `--h5 synth:rig.toml`. No training image is ever seen twice."""

import dataclasses
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from glint_unet.data.batches import Batch, Rows, by_workers, useful_workers
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.split import Split
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig

STREAM_PREFIX = "synth:"


def is_stream(h5: str) -> bool:
    """Whether `--h5` names a rig to draw eyes of, not a file of images."""
    return h5.startswith(STREAM_PREFIX)


class SyntheticStream:
    """Synthetic eyes by their numbers, drawn when they are asked for.

    Rows 0 .. num_validation - 1 are the validation images; epoch e trains on the rows after them, moved on by
    (e - 1) times the number of rows, so that none comes twice.

    Args:
        h5: 'synth:' and the path of a rig file.
        seed: of the scenes.
        num_workers: processes that draw, at most one per core; 0 draws in this process.

    Raises:
        RigError: the rig file cannot be used.
    """

    def __init__(self, h5: str, *, seed: int, num_workers: int = 0) -> None:
        self.rig = Rig.read(h5.removeprefix(STREAM_PREFIX))
        self.seed = seed
        self.num_workers = useful_workers(num_workers)
        self.info = DatasetInfo(
            path=Path(h5),
            num_images=self.rig.num_validation + self.rig.num_images,
            num_classes=self.rig.num_leds,
            image_size=self.rig.image_size,
            heatmap_size=self.rig.heatmap_size,
            has_heatmaps=False,
            has_keypoints=True,
            has_present=False,
            has_stems=False,
            sigma_heatmap_px=self.rig.sigma_heatmap_px,
            prefix="g",
        )

    @property
    def md5(self) -> str:
        """Of what the rig says, however its file is written."""
        return hashlib.md5(json.dumps(dataclasses.asdict(self.rig), sort_keys=True).encode()).hexdigest()

    @property
    def split(self) -> Split:
        """The validation rows and the first epoch's training rows."""
        rows = np.arange(self.info.num_images, dtype=np.int64)
        return Split(train=rows[self.rig.num_validation :], val=rows[: self.rig.num_validation])

    def rows_of_epoch(self, batches_of_rows: Sequence[Rows], epoch: int) -> list[Rows]:
        """The first epoch's batches as those of another epoch."""
        return [rows + (epoch - 1) * self.info.num_images for rows in batches_of_rows]

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        images, keypoints = render_eyes(self.rig, self.seed, rows)
        return Batch.of({"images": images, "keypoints": keypoints})

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        return by_workers(self.gather, batches_of_rows, self.num_workers)

    def close(self) -> None:
        """See `Source`."""
