"""Reads rows and arrays of a data set in the compact form in which they are held in memory, checking their values."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from glint_unet.data.dataset_file import DatasetInfo, StoredImages, open_dataset
from glint_unet.data.heatmaps import LEAST_PEAK
from glint_unet.errors import DatasetError, one_line, shortened

_VALUE_TOLERANCE = 1e-3
_READ_TOGETHER, _PACKED_TOGETHER = 8 * 2**20, 64 * 2**20
_ROWS_AT_ONCE = 64
_LONGEST_NAME = 60


def read_images(file: h5py.File, rows: Any) -> NDArray[np.uint8]:
    """Reads images: (B, H, W) uint8; `rows` is a slice or increasing row numbers."""
    images: NDArray[np.uint8] = _read(file, "images", rows)
    return images


def read_heatmaps(file: h5py.File, rows: Any) -> NDArray[Any]:
    """Reads heatmaps in compact form: (B, C, h, w), uint8 as stored, any float type as float16.

    In a file without keypoints, the heatmaps of absent glints (`present` is 0) are set to zero.

    Raises:
        DatasetError: NaN, or values outside [0, 1].
    """
    heatmaps = _compact_heatmaps(file, _read(file, "heatmaps", rows))
    if "present" in file and "keypoints" not in file:
        heatmaps[_read(file, "present", rows) == 0] = 0
    return heatmaps


def _compact_heatmaps(file: h5py.File, heatmaps: NDArray[Any]) -> NDArray[Any]:
    if heatmaps.dtype == np.uint8:
        return heatmaps
    low, high = (heatmaps.min(), heatmaps.max()) if heatmaps.size else (0.0, 0.0)
    if not (low >= -_VALUE_TOLERANCE and high <= 1 + _VALUE_TOLERANCE):
        raise DatasetError("dataset_values", path=file.filename, name="heatmaps", low=low, high=high)
    compact: NDArray[np.float16] = np.clip(heatmaps, 0, 1).astype(np.float16, copy=False)
    return compact


def read_keypoints(file: h5py.File, rows: Any) -> NDArray[np.float32]:
    """Reads keypoints: (B, C, 2) float32, (x, y) in image pixels, NaN where absent.

    Raises:
        DatasetError: the keypoint of a present glint lies outside the image.
    """
    keypoints = _read(file, "keypoints", rows)
    if "present" in file:
        keypoints[_read(file, "present", rows) == 0] = np.nan
    keypoints[np.isnan(keypoints).any(axis=-1)] = np.nan
    _check_inside(file, rows, keypoints)
    return keypoints.astype(np.float32, copy=False)


def _check_inside(file: h5py.File, rows: Any, keypoints: NDArray[Any]) -> None:
    N, H, W = file["images"].shape
    outside = ((keypoints < -0.5) | (keypoints > np.array([W - 0.5, H - 0.5]))).any(axis=-1)
    if outside.any():
        k, c = np.argwhere(outside)[0].tolist()
        (x, y), row = keypoints[k, c].tolist(), int(np.arange(N)[rows][k])
        where = {"row": row, "led": c + 1, "x": x, "y": y, "W": W, "H": H}
        raise DatasetError("dataset_keypoint_outside", path=file.filename, **where)


def read_stems(file: h5py.File, info: DatasetInfo | StoredImages) -> list[str]:
    """Reads the image names; without `stems` in the file, the row numbers."""
    if not info.has_stems:
        return [f"{row:06d}" for row in range(info.num_images)]
    stems = _read(file, "stems", slice(None))
    return [stem.decode(errors="replace") if isinstance(stem, bytes) else str(stem) for stem in stems]


def image_names(info: DatasetInfo, rows: NDArray[np.int64]) -> list[str]:
    """What to call images in pictures: their stems, or "image 17" by row; one line each.

    Raises:
        DatasetError: the file is damaged.
    """
    if not info.has_stems:
        return [f"image {row}" for row in rows]
    with open_dataset(info.path) as (file, _):
        stems = read_stems(file, info)
    return [shortened(" ".join(stems[row].split()), _LONGEST_NAME).encode(errors="replace").decode() for row in rows]


def _read(file: h5py.File, name: str, rows: Any) -> NDArray[Any]:
    try:
        return np.asarray(file[name][rows])
    except (OSError, RuntimeError, ValueError) as error:
        raise DatasetError("dataset_damaged", path=file.filename, name=name, reason=one_line(error)) from error


def read_rows(file: h5py.File, name: str, rows: NDArray[np.int64]) -> NDArray[Any]:
    """Reads rows of an array in compact form, decompressing each chunk once.

    Reads slices, chunk by chunk: h5py takes a hundred times as long for a list of rows (0.5 ms per row).

    Args:
        file: the open data set.
        name: name of the array.
        rows: (B,) increasing row numbers.

    Raises:
        DatasetError: as the reader of the array.
    """
    read, rows_per_chunk = READERS[name], (file[name].chunks or (1,))[0]
    chunks, firsts = np.unique(rows // rows_per_chunk, return_index=True)
    parts = []
    for chunk, wanted in zip(chunks.tolist(), np.split(rows, firsts[1:]), strict=False):  # no rows: one empty part
        start = chunk * rows_per_chunk
        parts.append(read(file, slice(start, start + rows_per_chunk))[wanted - start])
    return np.concatenate(parts) if parts else read(file, slice(0, 0))


def rows_read_together(file: h5py.File, names: Sequence[str]) -> int:
    """The number of rows to read at once: 64 MiB of rows if compressed chunks hold several rows, else 8 MiB."""
    packed = [name for name in names if file[name].chunks and file[name].chunks[0] > 1 and file[name].compression]
    num_bytes = _PACKED_TOGETHER if packed else _READ_TOGETHER
    bytes_per_row = sum(math.prod(file[name].shape[1:]) * file[name].dtype.itemsize for name in names)
    return max(1, num_bytes // int(bytes_per_row))


READERS = {"images": read_images, "heatmaps": read_heatmaps, "keypoints": read_keypoints}
ARRAY_NAMES = tuple(READERS)


def compact_form(file: h5py.File, name: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and dtype of an array in memory: uint8 as stored, other heatmaps float16, keypoints float32."""
    stored = file[name]
    if stored.dtype == np.uint8:
        return stored.shape, np.dtype(np.uint8)
    return stored.shape, np.dtype(np.float32 if name == "keypoints" else np.float16)


def memory_bytes(file: h5py.File, names: Sequence[str]) -> int:
    """Size of the named arrays in memory in compact form, in bytes."""
    forms = [compact_form(file, name) for name in names]
    return sum(math.prod(shape) * dtype.itemsize for shape, dtype in forms)


def row_blocks(part: h5py.Dataset) -> Iterator[slice]:
    """Slices that cover the rows of a dataset in whole chunks, so that no chunk is decompressed twice."""
    rows_per_chunk = part.chunks[0] if part.chunks else 1
    step = rows_per_chunk * math.ceil(_ROWS_AT_ONCE / rows_per_chunk)
    for start in range(0, part.shape[0], step):
        yield slice(start, min(start + step, part.shape[0]))


def read_blocks(file: h5py.File, name: str) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Reads a whole array in compact form, block by block, and checks its values.

    Yields:
        the rows of the block, and their values.

    Raises:
        DatasetError: a value violates the format, or the data is damaged.
    """
    peaks = _Peaks(file) if name == "heatmaps" else None
    for rows in row_blocks(file[name]):
        block = READERS[name](file, rows)
        if peaks:
            peaks.add(rows, block)
        yield rows, block
    if peaks:
        peaks.check()


class _Peaks:
    """Checks that the heatmaps of a file have peaks; without them every glint would count as absent."""

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._full = 255 if file["heatmaps"].dtype == np.uint8 else 1
        self._are_the_truth = "keypoints" not in file
        self._highest = np.zeros(file["heatmaps"].shape[1])

    def add(self, rows: slice, block: NDArray[Any]) -> None:
        """Adds a block; raises DatasetError for a present glint without a peak."""
        peaks = block.max(axis=(2, 3)).astype(np.float64) / self._full
        self._highest = np.maximum(self._highest, peaks.max(axis=0))
        if not self._are_the_truth or "present" not in self._file:
            return
        missing = (peaks < LEAST_PEAK) & (_read(self._file, "present", rows) != 0)
        if missing.any():
            k, c = np.argwhere(missing)[0].tolist()
            where = {"row": rows.start + k, "led": c + 1, "peak": float(peaks[k, c]), "limit": LEAST_PEAK}
            raise DatasetError("dataset_present_without_peak", path=self._file.filename, **where)

    def check(self) -> None:
        """Call after the last block: raises DatasetError for heatmaps of the wrong scale."""
        path = self._file.filename
        if self._full == 255 and self._highest.max(initial=0) * 255 == 1:
            raise DatasetError("dataset_uint8_heatmaps", path=path)
        low = (self._highest > 0) & (self._highest < LEAST_PEAK)
        if self._are_the_truth and low.any():
            c = int(np.argmax(low))
            raise DatasetError(
                "dataset_low_peaks", path=path, led=c + 1, highest=float(self._highest[c]), limit=LEAST_PEAK
            )


def fill_array(file: h5py.File, name: str, out: NDArray[Any]) -> None:
    """Reads a whole array into `out`; raises as `read_blocks` does."""
    for rows, block in read_blocks(file, name):
        out[rows] = block


def load_array(file: h5py.File, name: str) -> NDArray[Any]:
    """Reads a whole array into memory in compact form; raises as `fill_array` does."""
    shape, dtype = compact_form(file, name)
    array = np.empty(shape, dtype)
    fill_array(file, name, array)
    return array
