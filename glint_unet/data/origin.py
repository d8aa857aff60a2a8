"""What `--h5` refers to: a data set file or a synthetic stream. The only place that distinguishes the two."""

from abc import ABC, abstractmethod
from pathlib import Path

import torch

from glint_unet.data.dataset_file import DatasetInfo, inspect_dataset
from glint_unet.data.file_identity import key_of_file, md5_of_file
from glint_unet.data.source import Source
from glint_unet.data.sources import choose_cache, open_source
from glint_unet.data.split import Split, draw_split
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.stream import SyntheticStream, is_stream
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import DatasetError


class Origin(ABC):
    """A data set before it is opened."""

    @abstractmethod
    def examine(self, *, again: bool = False) -> tuple[DatasetInfo, str]:
        """Validates the data set; returns what it declares and its MD5.

        Args:
            again: read a file from end to end even if its content has been validated before.

        Raises:
            GlintError: it cannot be used.
        """

    @abstractmethod
    def new_split(self, info: DatasetInfo, val_split: float) -> Split:
        """Draws the split of a new run.

        Args:
            info: what the data set declares.
            val_split: share of validation images.

        Raises:
            DatasetError: too few images.
        """

    @abstractmethod
    def choose_cache(self, cache: str, info: DatasetInfo, device: torch.device, num_processes: int) -> str:
        """Where the data set is held: ram, shared, group, device, or none; see `sources.choose_cache`."""

    def rig(self) -> Rig | None:
        """The rig whose eyes it draws; None for a file of images."""
        return None

    @abstractmethod
    def open(self, info: DatasetInfo, cache: str, *, num_workers: int, device: torch.device) -> Source:
        """Opens the source of batches.

        Args:
            info: what the data set declares.
            cache: a result of `choose_cache`.
            num_workers: loader processes if nothing is held in memory.
            device: the compute device.
        """


class FileOrigin(Origin):
    """An HDF5 file.

    Args:
        path: the file.
        seed: random seed of the split.
    """

    def __init__(self, path: Path, seed: int) -> None:
        self.path = path
        self.seed = seed

    def examine(self, *, again: bool = False) -> tuple[DatasetInfo, str]:
        """See `Origin`."""
        key = key_of_file(self.path)
        validate_dataset(self.path, again=again)
        info, md5 = inspect_dataset(self.path), md5_of_file(self.path)
        if not key == info.key == key_of_file(self.path):
            raise DatasetError("dataset_changing", path=self.path)
        return info, md5

    def new_split(self, info: DatasetInfo, val_split: float) -> Split:
        """See `Origin`."""
        return draw_split(info.num_images, val_split, self.seed)

    def choose_cache(self, cache: str, info: DatasetInfo, device: torch.device, num_processes: int) -> str:
        """See `Origin`."""
        return choose_cache(cache, info, device, num_processes)

    def open(self, info: DatasetInfo, cache: str, *, num_workers: int, device: torch.device) -> Source:
        """See `Origin`."""
        return open_source(info, cache, num_workers=num_workers, device=device)


class StreamOrigin(Origin):
    """A stream of synthetic eyes; it defines its own split and is never held in memory.

    Args:
        h5: 'synth:' followed by the path of a rig file.
        seed: random seed of the scenes.
    """

    def __init__(self, h5: str, seed: int) -> None:
        self.h5 = h5
        self.seed = seed

    def examine(self, *, again: bool = False) -> tuple[DatasetInfo, str]:
        """See `Origin`."""
        stream = SyntheticStream(self.h5, seed=self.seed)
        return stream.info, stream.md5

    def new_split(self, info: DatasetInfo, val_split: float) -> Split:
        """See `Origin`."""
        return SyntheticStream(self.h5, seed=self.seed).split

    def choose_cache(self, cache: str, info: DatasetInfo, device: torch.device, num_processes: int) -> str:
        """See `Origin`."""
        return "none"

    def rig(self) -> Rig:
        """See `Origin`."""
        return SyntheticStream(self.h5, seed=self.seed).rig

    def open(self, info: DatasetInfo, cache: str, *, num_workers: int, device: torch.device) -> Source:
        """See `Origin`."""
        return SyntheticStream(self.h5, seed=self.seed, num_workers=num_workers)


def origin_of(h5: str, seed: int) -> Origin:
    """The data set that `--h5` refers to, for a run with the given random seed."""
    return StreamOrigin(h5, seed) if is_stream(h5) else FileOrigin(Path(h5), seed)
