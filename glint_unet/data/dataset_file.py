"""The data set format (HDF5): opens files safely and checks what they declare.

Legend: N images, C glint channels (one per LED), H W image, h w heatmap.

| dataset | shape | dtype | |
|---|---|---|---|
| images | (N, H, W) | uint8 | required |
| heatmaps | (N, C, h, w) | float16, float32, float64 in 0..1; uint8 in 0..255 | required unless keypoints |
| keypoints | (N, C, 2) | float32, float64 | (x, y) in image pixels (frame: see `data.heatmaps`); NaN where absent |
| present | (N, C) | uint8 | optional |
| stems | (N,) | UTF-8 | optional |

Attributes, all optional: num_classes sigma_scale sigma_min img_h img_w hm_h hm_w prefix, and stretched: "yes" if
packing changed the aspect ratio of images, "no" if it padded them instead. A one-element array is treated as a scalar.

The keypoint of a present glint lies inside the image; in a file with only heatmaps, its peak is at least 0.5.
"""

import contextlib
import dataclasses
import math
import numbers
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np

from glint_unet.data.file_identity import FileKey, file_key
from glint_unet.errors import DatasetError, one_line

STRIDES = (1, 2, 4)
DEFAULT_STRIDE = 4
DEFAULT_SIGMA_SCALE = 1.2
DEFAULT_SIGMA_MIN = 1.5
NUM_CHANNELS_LIMIT = 256

_SAFE_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32, h5py.h5z.FILTER_LZF}
_BOMB_BYTES = 2**30
_BOMB_RATIO = 1000


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set file declares; sizes are always taken from here.

    Attributes:
        path: the file.
        num_images: N.
        num_classes: C, the number of LEDs.
        image_size: (H, W) in pixels.
        heatmap_size: (h, w) in heatmap pixels; H / h = W / w is the stride.
        has_heatmaps, has_keypoints, has_present, has_stems: which optional datasets exist.
        sigma_heatmap_px: standard deviation of the Gaussians in the heatmaps, in heatmap pixels.
        prefix: prefix of the LED labels; label g3 is channel 2.
        stretched: whether packing changed the aspect ratio of the images.
        key: `file_key` of the inspected file; None if there is no file.
    """

    path: Path
    num_images: int
    num_classes: int
    image_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    has_heatmaps: bool
    has_keypoints: bool
    has_present: bool
    has_stems: bool
    sigma_heatmap_px: float
    prefix: str
    stretched: bool = False
    key: FileKey | None = field(default=None, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON and checkpoints; without `key`, which does not describe the content."""
        values = {**dataclasses.asdict(self), "path": str(self.path), "stride": self.stride}
        del values["key"]
        values["sigma_px"] = values.pop("sigma_heatmap_px")  # the name on disk
        return values

    @property
    def array_names(self) -> tuple[str, ...]:
        """Names of the arrays that training reads: images, and heatmaps, keypoints or both."""
        return ("images", *["heatmaps"] * self.has_heatmaps, *["keypoints"] * self.has_keypoints)

    @property
    def stride(self) -> int:
        """Image pixels per heatmap pixel: 1, 2 or 4."""
        return self.image_size[0] // self.heatmap_size[0]


@contextlib.contextmanager
def open_dataset(path: str | Path) -> Iterator[tuple[h5py.File, DatasetInfo]]:
    """Opens a data set for reading and checks its structure, but not its values.

    Yields:
        the open file and what it declares.

    Raises:
        DatasetError: the file is missing, not HDF5, truncated or locked by a writer; a dataset is missing, has a wrong
            shape or dtype, refers outside the file, or declares far more data than is stored.
    """
    path = Path(path)
    with open_file(path) as file:
        yield file, _inspect(file, path)


class StoredImages(NamedTuple):
    """What a file says of its images: how many there are, and whether they have names."""

    num_images: int
    has_stems: bool


@contextlib.contextmanager
def open_images(path: Path) -> Iterator[tuple[h5py.File, StoredImages]]:
    """Opens the images of a data set, which may lack labels; raises as `open_dataset` does, of images and names."""
    with open_file(path) as file:
        images, stems = _checked_images(file, path), _safe_dataset(file, path, "stems")
        if stems is not None:
            _check_form(path, stems, "(N,)", (), N=len(images))
        yield file, StoredImages(len(images), stems is not None)


def open_file(path: Path) -> h5py.File:
    """Opens an HDF5 file for reading, without checking its content.

    Raises:
        DatasetError: missing, not HDF5, truncated, or locked by a writer.
    """
    if not path.is_file():
        raise DatasetError("dataset_missing_file", path=path)
    try:
        return h5py.File(path, "r")
    except BlockingIOError as error:
        raise DatasetError("dataset_locked", path=path) from error
    except PermissionError as error:
        raise DatasetError("dataset_unreadable", path=path, reason=error.strerror) from error
    except OSError as error:
        raise DatasetError("dataset_not_hdf5", path=path, size=path.stat().st_size, reason=_reason(error)) from error


def inspect_dataset(path: str | Path) -> DatasetInfo:
    """What the file declares; raises as `open_dataset` does."""
    with open_dataset(path) as (_, info):
        return info


def _inspect(file: h5py.File, path: Path) -> DatasetInfo:
    N, H, W = _checked_images(file, path).shape
    heatmaps = _safe_dataset(file, path, "heatmaps")
    keypoints = _safe_dataset(file, path, "keypoints")
    present = _safe_dataset(file, path, "present")
    stems = _safe_dataset(file, path, "stems")
    if heatmaps is None and keypoints is None:
        raise DatasetError("dataset_missing_part", path=path, name="heatmaps", found=", ".join(file) or "-")
    C = heatmaps.shape[1] if heatmaps is not None and heatmaps.ndim == 4 else 0
    if heatmaps is not None:
        _check_form(path, heatmaps, "(N, C, h, w)", ("float16", "float32", "float64", "uint8"), N=N)
    if keypoints is not None:
        _check_form(path, keypoints, "(N, C, 2)", ("float32", "float64"), N=N, **({"C": C} if C else {}))
        C = C or keypoints.shape[1]
    if present is not None:
        _check_form(path, present, "(N, C)", ("uint8", "bool"), N=N, C=C)
    if stems is not None:
        _check_form(path, stems, "(N,)", (), N=N)
    if not 1 <= C <= NUM_CHANNELS_LIMIT:
        raise DatasetError("dataset_channels", path=path, channels=C, limit=NUM_CHANNELS_LIMIT)
    h, w = heatmaps.shape[2:] if heatmaps is not None else _rendered_size(file, path, H, W)
    check_stride(path, (H, W), (h, w))
    return DatasetInfo(
        path=path,
        num_images=N,
        num_classes=C,
        image_size=(H, W),
        heatmap_size=(h, w),
        has_heatmaps=heatmaps is not None,
        has_keypoints=keypoints is not None,
        has_present=present is not None,
        has_stems=stems is not None,
        sigma_heatmap_px=_positive_attribute(file, path, "sigma_min", DEFAULT_SIGMA_MIN),
        prefix=_text_attribute(file, path, "prefix", "g"),
        stretched=_text_attribute(file, path, "stretched", "no") == "yes",
        key=file_key(os.fstat(file.id.get_vfd_handle())),
    )


def _checked_images(file: h5py.File, path: Path) -> h5py.Dataset:
    images = _safe_dataset(file, path, "images")
    if images is None:
        raise DatasetError("dataset_missing_part", path=path, name="images", found=", ".join(file) or "-")
    _check_form(path, images, "(N, H, W)", ("uint8",))
    if not len(images):
        raise DatasetError("dataset_empty", path=path)
    return images


def _safe_dataset(file: h5py.File, path: Path, name: str) -> h5py.Dataset | None:
    """The dataset, or None; checked to be stored in this file and to have a plausible size."""
    link = file.get(name, getlink=True)
    if link is None:
        return None
    if not isinstance(link, h5py.HardLink):
        raise DatasetError("dataset_foreign_parts", path=path, name=name, kind=type(link).__name__)
    try:
        part = file[name]
        if not isinstance(part, h5py.Dataset):
            raise DatasetError("dataset_not_a_dataset", path=path, name=name)
        _check_storage(part, path, name)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise DatasetError("dataset_damaged", path=path, name=name, reason=_reason(error)) from error
    return part


def _check_storage(part: h5py.Dataset, path: Path, name: str) -> None:
    if part.external or part.is_virtual:
        kind = "external storage" if part.external else "virtual dataset"
        raise DatasetError("dataset_foreign_parts", path=path, name=name, kind=kind)
    properties = part.id.get_create_plist()
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if filters - _SAFE_FILTERS:
        raise DatasetError("dataset_filter", path=path, name=name, filters=sorted(filters - _SAFE_FILTERS))
    declared = math.prod(part.shape or (0,)) * part.dtype.itemsize
    stored = part.id.get_storage_size()
    if declared > _BOMB_BYTES and declared > _BOMB_RATIO * stored:
        raise DatasetError("dataset_bomb", path=path, name=name, declared=declared, stored=stored, ratio=_BOMB_RATIO)
    if part.chunks and math.prod(part.chunks) * part.dtype.itemsize > _BOMB_BYTES:
        raise DatasetError("dataset_chunks", path=path, name=name, chunks=part.chunks, limit=_BOMB_BYTES)


def _check_form(path: Path, part: h5py.Dataset, form: str, dtypes: Sequence[str], **sizes: int) -> None:
    """Checks shape and dtype against the format; `sizes` gives the axes that are already known."""
    name = part.name.lstrip("/")
    axes = form.strip("(),").split(", ")
    expected = [str(sizes[axis]) if axis in sizes else axis for axis in axes]
    known = [sizes.get(axis, int(axis) if axis.isdigit() else None) for axis in axes]
    fits = part.ndim == len(axes) and all(k in (None, size) for k, size in zip(known, part.shape, strict=True))
    if not fits:
        raise DatasetError("dataset_shape", path=path, name=name, shape=part.shape, expected=f"({', '.join(expected)})")
    if dtypes and part.dtype.name not in dtypes:
        raise DatasetError("dataset_dtype", path=path, name=name, dtype=part.dtype, expected=", ".join(dtypes))


def check_stride(path: Path, image_size: tuple[int, int], heatmap_size: tuple[int, int]) -> None:
    """Raises DatasetError unless the stride is 1, 2 or 4 and equal along both axes."""
    (H, W), (h, w) = image_size, heatmap_size
    if (H, W) not in [(h * stride, w * stride) for stride in STRIDES] or min(H, W) == 0:
        raise DatasetError("dataset_stride", path=path, H=H, W=W, h=h, w=w)


def _rendered_size(file: h5py.File, path: Path, H: int, W: int) -> tuple[int, int]:
    """The size (h, w) of heatmaps to render: from the attributes, else for the largest stride that divides H and W."""
    given = {name: _positive_attribute(file, path, name, 1) for name in ("hm_h", "hm_w") if name in file.attrs}
    strides = [side / given[name] for side, name in ((H, "hm_h"), (W, "hm_w")) if name in given]
    stride = strides[0] if strides else max(stride for stride in STRIDES if H % stride == W % stride == 0)
    if min(H, W, stride) == 0:
        return 0, 0
    h, w = given.get("hm_h", H / stride), given.get("hm_w", W / stride)
    if not float(h).is_integer() or not float(w).is_integer():
        raise DatasetError("dataset_stride", path=path, H=H, W=W, h=h, w=w)
    return int(h), int(w)


def _positive_attribute(file: h5py.File, path: Path, name: str, default: float) -> float:
    value = _attribute(file, path, name, default)
    try:
        number = math.nan if np.iscomplexobj(value) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 < number < math.inf:
        raise DatasetError("dataset_attribute", path=path, name=name, value=value)
    return number


def _text_attribute(file: h5py.File, path: Path, name: str, default: str) -> str:
    value = _attribute(file, path, name, default)
    if not isinstance(value, (str, bytes, numbers.Number, np.bool_)):
        raise DatasetError("dataset_attribute_text", path=path, name=name, value=value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _attribute(file: h5py.File, path: Path, name: str, default: Any) -> Any:
    """The value of an attribute; a one-element array, as some tools write, becomes a scalar."""
    try:
        value = file.attrs.get(name, default)
    except (OSError, RuntimeError, ValueError, TypeError) as error:
        raise DatasetError("dataset_damaged", path=path, name=name, reason=_reason(error)) from error
    return value.reshape(-1)[0] if isinstance(value, np.ndarray) and value.size == 1 else value


def _reason(error: BaseException) -> str:
    return one_line(error).strip("'\"")
