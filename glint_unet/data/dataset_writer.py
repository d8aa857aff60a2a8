"""Writes data sets in the format of `dataset_file`; a file is either complete or absent."""

import contextlib
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from glint_unet.data.dataset_file import check_stride
from glint_unet.files import check_space, whole_file, writing

_SPARE_BYTES = 8 * 2**20  # for chunks still buffered by HDF5 and for its metadata


class DatasetWriter:
    """A context manager that writes a data set row by row; the file appears once the block ends without an error.

    Args:
        path: the file to create or replace.
        num_classes: C.
        image_size: (H, W).
        heatmap_size: (h, w).
        attributes: additional attributes, such as sigma_min and prefix.
        compression: 'gzip', 'lzf' or None.

    Raises:
        DatasetError: the stride is not 1, 2 or 4.
        RunDirectoryError: the file cannot be created (on entering the block).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        num_classes: int,
        image_size: tuple[int, int],
        heatmap_size: tuple[int, int],
        attributes: dict[str, Any],
        compression: str | None = None,
    ) -> None:
        self.path = Path(path)
        self.num_rows = 0
        (H, W), (h, w), C = image_size, heatmap_size, num_classes
        check_stride(self.path, image_size, heatmap_size)
        self._parts: dict[str, tuple[tuple[int, ...], Any]] = {
            "images": ((H, W), np.uint8),
            "heatmaps": ((C, h, w), np.float16),
            "keypoints": ((C, 2), np.float32),
            "present": ((C,), np.uint8),
            "stems": ((), h5py.string_dtype("utf-8")),
        }
        self._attributes = {"num_classes": C, "img_h": H, "img_w": W, "hm_h": h, "hm_w": w} | attributes
        self._compression = compression
        self._context = contextlib.ExitStack()

    def __enter__(self) -> Self:
        temporary = self._context.enter_context(whole_file(self.path))
        with writing(self.path):
            self._file = self._context.enter_context(h5py.File(temporary, "w"))
        self._file.attrs.update(self._attributes)
        for name, (shape, dtype) in self._parts.items():
            packed = self._compression if name in ("images", "heatmaps") else None
            rows_per_chunk = 1 if len(shape) > 1 else 1024
            self._file.create_dataset(
                name,
                shape=(0, *shape),
                maxshape=(None, *shape),
                chunks=(rows_per_chunk, *shape),
                dtype=dtype,
                compression=packed,
                shuffle=packed is not None,
                fletcher32=len(shape) > 1,  # checksum: a flipped bit raises instead of changing an image
            )
        return self

    def append(
        self,
        images: NDArray[np.uint8],
        heatmaps: NDArray[np.float16],
        keypoints: NDArray[np.float32],
        stems: Sequence[str],
    ) -> None:
        """Appends B rows.

        Args:
            images: (B, H, W) uint8.
            heatmaps: (B, C, h, w) float16 in [0, 1].
            keypoints: (B, C, 2) float32, (x, y) in image pixels, NaN where absent.
            stems: B image names.

        Raises:
            SpaceError: the disk is nearly full.
        """
        # HDF5 can crash the interpreter when the disk fills up during a write, so the space is checked beforehand
        check_space(self.path, images.nbytes + heatmaps.nbytes + _SPARE_BYTES)
        present = np.isfinite(keypoints).all(axis=-1).astype(np.uint8)
        rows = {"images": images, "heatmaps": heatmaps, "keypoints": keypoints, "present": present}
        end = self.num_rows + len(images)
        for name, values in (rows | {"stems": np.array(stems, dtype=object)}).items():
            self._file[name].resize(end, axis=0)
            self._file[name][self.num_rows : end] = values
        self.num_rows = end

    def set_attribute(self, name: str, value: str | float) -> None:
        """Sets an attribute of the file being written."""
        self._file.attrs[name] = value

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.__exit__(kind, error, trace)
