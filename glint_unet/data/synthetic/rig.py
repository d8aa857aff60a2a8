"""A rig's LEDs and camera, from a small TOML file: what synthetic eyes are made for.

```toml
[leds]
number = 8                  # a ring: the first LED at the top, then clockwise as the camera sees it
start_deg = -90             # where the first one is; 0 is right, 90 is down
# positions = [[0, -1], [0.7, 0.7]]    # instead of number: any layout, x right and y down, largest distance about 1
# layout = "any"            # each image has 1 to `number` LEDs in another layout; for train --class_free
size = [0.30, 0.85]         # least and greatest size of the reflected layout, as a share of the iris radius

[eye]
iris = [0.08, 0.6]          # least and greatest iris radius, as a share of the image's shorter side (level mixed)

[image]
size = 256                  # or [height, width]
stride = 4                  # image pixels per heatmap pixel: 1, 2 or 4

[scene]
level = "mixed"             # eyes of any size, shape and tone; or one kind to compare methods on: easy, medium, hard
# backgrounds = "frames"    # images, folder, glob pattern, video or data set of the rig, from this file's folder:
                            # unlabelled frames that glints are painted onto
# backgrounds_share = 0.5   # of the images; the others are drawn

[stream]
images = 1000               # training images per epoch of an endless stream; none is ever seen twice
validation = 200            # validation images, always the same
```

Every entry has a default; an unknown one is refused.
"""

import math
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.dataset_file import DEFAULT_SIGMA_MIN, DEFAULT_STRIDE, NUM_CHANNELS_LIMIT, STRIDES
from glint_unet.data.synthetic.variation import IRIS_SHARE
from glint_unet.errors import RigError

LEVEL_NAMES = ("easy", "medium", "hard", "mixed")
LAYOUTS = ("fixed", "any")
LARGEST_SIDE = 4096

_LAYOUT_SIZE = (0.30, 0.42)
_LAYOUT_SIZE_MIXED = (0.30, 0.85)

_TABLES = {
    "leds": ("number", "start_deg", "positions", "layout", "size"),
    "image": ("size", "stride", "sigma"),
    "eye": ("iris",),
    "scene": ("level", "backgrounds", "backgrounds_share"),
    "stream": ("images", "validation"),
}
_LARGEST_FILE = 2**20


@dataclass(frozen=True)
class Rig:
    """What synthetic eyes look like.

    Attributes:
        leds: ((x, y), ...) of the layout in the image: x right, y down, in units of its size.
        layout_size: least and greatest size of the reflected layout, as a share of the iris radius; (0, 0) stands for
            the level's: 0.30 to 0.85 for mixed, 0.30 to 0.42 for the others.
        image_size: (H, W) in pixels.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation of the heatmaps' Gaussians in heatmap pixels.
        level: easy, medium, hard, or mixed: one of them for each image, with eyes of other sizes, shapes and tones.
        num_images: training images per epoch of an endless stream.
        num_validation: its validation images.
        iris_share: least and greatest iris radius as a share of the image's shorter side; level mixed only.
        backgrounds: unlabelled frames that glints are painted onto, as `open_media` takes them; empty: none.
        backgrounds_share: share of the images that are painted frames, if there are any.
        any_layout: each image has 1 to C LEDs in a layout of its own, and `leds` only says how many there are at most.
    """

    leds: tuple[tuple[float, float], ...]
    layout_size: tuple[float, float] = (0.0, 0.0)
    image_size: tuple[int, int] = (256, 256)
    stride: int = DEFAULT_STRIDE
    sigma_heatmap_px: float = DEFAULT_SIGMA_MIN
    level: str = "mixed"
    num_images: int = 1000
    num_validation: int = 200
    iris_share: tuple[float, float] = IRIS_SHARE
    backgrounds: str = ""
    backgrounds_share: float = 0.5
    any_layout: bool = False

    def __post_init__(self) -> None:
        """Fills in the level's size of the layout."""
        if not any(self.layout_size):
            object.__setattr__(self, "layout_size", _LAYOUT_SIZE_MIXED if self.level == "mixed" else _LAYOUT_SIZE)

    @classmethod
    def ring(cls, num_leds: int, start_deg: float = -90.0, **values: Any) -> "Rig":
        """A ring of LEDs, clockwise as the camera sees it."""
        angles = np.deg2rad(start_deg) + 2 * np.pi * np.arange(num_leds) / num_leds
        return cls(leds=tuple((float(np.cos(a)), float(np.sin(a))) for a in angles), **values)

    @classmethod
    def read(cls, path: str | Path) -> "Rig":
        """The rig of a TOML file.

        Raises:
            RigError: missing, no TOML, an unknown entry or a value out of range; each names the entry and what is
                allowed.
        """
        path = Path(path)
        try:
            if path.stat().st_size > _LARGEST_FILE:
                raise RigError("rig_not_toml", path=path, reason=f"> {_LARGEST_FILE} bytes")
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RigError("rig_missing", path=path, reason=error.strerror) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RigError("rig_not_toml", path=path, reason=error) from error
        return cls.of_tables(path, tables)

    @classmethod
    def of_tables(cls, path: Path, tables: dict[str, Any]) -> "Rig":
        """The rig of the tables of a TOML file; `path` is the file, for messages and for the place of its frames.

        Raises:
            RigError: an unknown entry or a value out of range.
        """
        return _Entries(path, tables).rig()

    @property
    def num_leds(self) -> int:
        """C."""
        return len(self.leds)

    @property
    def heatmap_size(self) -> tuple[int, int]:
        """(h, w)."""
        return self.image_size[0] // self.stride, self.image_size[1] // self.stride

    def positions(self) -> NDArray[np.float32]:
        """(C, 2) float32: `leds` as an array."""
        return np.array(self.leds, dtype=np.float32)


class _Entries:
    """The tables of a rig file; every value is checked as it is taken."""

    def __init__(self, path: Path, tables: dict[str, Any]) -> None:
        self._path = path
        self._tables = tables
        for table, values in tables.items():
            if table not in _TABLES or not isinstance(values, dict):
                self._refuse(f"[{table}]", values, ", ".join(f"[{name}]" for name in _TABLES))
            for name, value in values.items():
                if name not in _TABLES[table]:
                    self._refuse(f"{table}.{name}", value, ", ".join(_TABLES[table]))

    def rig(self) -> Rig:
        H, W = self._image_size()
        stride = self._whole("image", "stride", DEFAULT_STRIDE, 1, 4)
        if stride not in STRIDES or H % stride or W % stride:
            self._refuse("image.stride", stride, f"1, 2, 4 ({H}x{W} % stride = 0)")
        level = self._get("scene", "level", "mixed")
        if level not in LEVEL_NAMES:
            self._refuse("scene.level", level, ", ".join(LEVEL_NAMES))
        return Rig(
            leds=self._leds(),
            layout_size=self._layout_size(),
            image_size=(H, W),
            stride=stride,
            sigma_heatmap_px=self._number("image", "sigma", DEFAULT_SIGMA_MIN, 0.3, 20),
            level=level,
            num_images=self._whole("stream", "images", 1000, 1, 10_000_000),
            num_validation=self._whole("stream", "validation", 200, 1, 1_000_000),
            iris_share=self._iris_share(),
            backgrounds=self._backgrounds(),
            backgrounds_share=self._number("scene", "backgrounds_share", 0.5, 0, 1),
            any_layout=self._any_layout(),
        )

    def _leds(self) -> tuple[tuple[float, float], ...]:
        positions = self._get("leds", "positions", None)
        if positions is None:
            number = self._whole("leds", "number", 8, 1, NUM_CHANNELS_LIMIT)
            return Rig.ring(number, self._number("leds", "start_deg", -90.0, -360, 360)).leds
        if "number" in self._tables["leds"] or "start_deg" in self._tables["leds"]:
            self._refuse("leds.number / leds.start_deg", "positions", "one of the two")
        if not isinstance(positions, list) or not 1 <= len(positions) <= NUM_CHANNELS_LIMIT:
            self._refuse("leds.positions", positions, f"[[x, y], ...], 1..{NUM_CHANNELS_LIMIT}")
        for point in positions:
            if not isinstance(point, list) or len(point) != 2 or not all(_is_number(v, -3, 3) for v in point):
                self._refuse("leds.positions", point, "[x, y], -3..3")
        return tuple((float(x), float(y)) for x, y in positions)

    def _any_layout(self) -> bool:
        layout = self._get("leds", "layout", "fixed")
        if layout not in LAYOUTS:
            self._refuse("leds.layout", layout, ", ".join(LAYOUTS))
        for name in ("start_deg", "positions"):
            if layout == "any" and name in self._tables["leds"]:
                self._refuse(f"leds.layout / leds.{name}", layout, "one of the two")
        return bool(layout == "any")

    def _layout_size(self) -> tuple[float, float]:
        size = self._get("leds", "size", None)
        if size is None:
            return (0.0, 0.0)
        pair = size if isinstance(size, list) else [size, size]
        if len(pair) != 2 or not all(_is_number(v, 0.01, 0.9) for v in pair) or pair[0] > pair[1]:
            self._refuse("leds.size", size, "0.01 <= least <= greatest <= 0.9")
        return float(pair[0]), float(pair[1])

    def _iris_share(self) -> tuple[float, float]:
        share = self._get("eye", "iris", list(IRIS_SHARE))
        pair = share if isinstance(share, list) else [share, share]
        if len(pair) != 2 or not all(_is_number(v, 0.02, 1) for v in pair) or pair[0] > pair[1]:
            self._refuse("eye.iris", share, "0.02 <= least <= greatest <= 1")
        return float(pair[0]), float(pair[1])

    def _backgrounds(self) -> str:
        """The frames' place, relative to the rig file's folder."""
        name = self._get("scene", "backgrounds", "")
        if not isinstance(name, str):
            self._refuse("scene.backgrounds", name, '"FOLDER", "VIDEO", "*.png"')
        return str(self._path.parent / name) if name else ""

    def _image_size(self) -> tuple[int, int]:
        size = self._get("image", "size", 256)
        pair = size if isinstance(size, list) else [size, size]
        if len(pair) != 2 or not all(isinstance(v, int) and _is_number(v, 16, LARGEST_SIDE) for v in pair):
            self._refuse("image.size", size, f"16..{LARGEST_SIDE}, or [height, width]")
        return pair[0], pair[1]

    def _get(self, table: str, name: str, default: Any) -> Any:
        return self._tables.get(table, {}).get(name, default)

    def _whole(self, table: str, name: str, default: int, low: int, high: int) -> int:
        value = self._get(table, name, default)
        if not isinstance(value, int) or not _is_number(value, low, high):
            self._refuse(f"{table}.{name}", value, f"{low}..{high}")
        return int(value)

    def _number(self, table: str, name: str, default: float, low: float, high: float) -> float:
        value = self._get(table, name, default)
        if not _is_number(value, low, high):
            self._refuse(f"{table}.{name}", value, f"{low:g}..{high:g}")
        return float(value)

    def _refuse(self, entry: str, value: Any, allowed: str) -> None:
        shown = str(value)
        raise RigError("rig_entry", path=self._path, entry=entry, value=shown[:60], allowed=allowed)


def _is_number(value: Any, low: float, high: float) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
        and low <= value <= high
    )
