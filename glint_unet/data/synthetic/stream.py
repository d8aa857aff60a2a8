"""An endless stream of synthetic eyes: `--h5 synth:rig.toml`. No training image is ever seen twice."""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from glint_unet.data.batch import Batch, Rows
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.loader import by_workers, useful_workers
from glint_unet.data.source import Source
from glint_unet.data.split import Split
from glint_unet.data.synthetic.backgrounds import Backgrounds
from glint_unet.data.synthetic.painting import backgrounds_of, make_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.messages import text

STREAM_PREFIX = "synth:"


def is_stream(h5: str) -> bool:
    """Whether `--h5` names a rig to draw eyes of, not a file of images."""
    return h5.startswith(STREAM_PREFIX)


def absolute_h5(h5: str) -> str:
    """`--h5` with the absolute path of its rig file; unchanged where it is a file of images.

    A run records it, so that its rig is found from other working directories.
    """
    return f"{STREAM_PREFIX}{Path(h5.removeprefix(STREAM_PREFIX)).absolute()}" if is_stream(h5) else h5


class SyntheticStream(Source):
    """Synthetic eyes, each drawn on demand from its row number.

    Rows 0 .. num_validation - 1 are the validation images. The first epoch trains on the rows after them; each later
    epoch adds the number of rows once more to its row numbers, so that no training image is repeated.

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

    @functools.cached_property
    def backgrounds(self) -> Backgrounds | None:
        """The rig's frames, read when first needed."""
        return backgrounds_of(self.rig)

    @property
    def md5(self) -> str:
        """MD5 of the rig's values, independent of how its file is formatted, and of its frames' pixels."""
        values = dataclasses.asdict(self.rig)
        if self.rig.level != "mixed":
            del values["iris_share"]  # has no effect; rigs of earlier versions had none
        if not self.rig.any_layout:
            del values["any_layout"]  # rigs of earlier versions had one layout
        frames = self.backgrounds
        if frames is None:
            del values["backgrounds"], values["backgrounds_share"]  # rigs of earlier versions had none
        else:
            values["backgrounds"] = frames.md5
        values["sigma_px"] = values.pop("sigma_heatmap_px")  # the name that the MD5 of earlier runs was made of
        return hashlib.md5(json.dumps(values, sort_keys=True).encode()).hexdigest()

    @property
    def split(self) -> Split:
        """The validation rows and the first epoch's training rows."""
        rows = np.arange(self.info.num_images, dtype=np.int64)
        return Split(train=rows[self.rig.num_validation :], val=rows[: self.rig.num_validation])

    def rows_of_epoch(self, batches_of_rows: Sequence[Rows], epoch: int) -> Sequence[Rows]:
        """See `Source`: the first epoch's row numbers, moved on to rows that no other epoch uses."""
        return [rows + (epoch - 1) * self.info.num_images for rows in batches_of_rows]

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        images, keypoints = make_eyes(self.rig, self.seed, rows, self.backgrounds)
        return Batch.of({"images": images, "keypoints": keypoints})

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        _ = self.backgrounds  # read once, before there are workers
        return by_workers(self.gather, batches_of_rows, self.num_workers)

    def describe(self) -> str:
        """See `Source`."""
        drawn = text("data_drawn", level=self.rig.level, workers=self.num_workers)
        return drawn if self.backgrounds is None else f"{drawn}; {self.backgrounds}"

    def hint(self) -> str:
        """See `Source`."""
        return text("faster_stream", workers=self.num_workers)
