"""The user's own frames, unlabelled, as backgrounds for synthetic glints.

Each frame is searched for pupil and iris once. Bright spots on the cornea may be real glints, whose labels nobody
knows: they are painted over. Where no eye is found, as in a blink, so are all spots on ground as dark as an iris.
"""

import functools
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.file_identity import FileKey, file_key
from glint_unet.data.images import Placement, place_image
from glint_unet.data.media import Media, open_media
from glint_unet.data.synthetic.bright_spots import bright_spots, opened, painted_over
from glint_unet.data.synthetic.canvas import Floats, box_mean, pixel_grid, window_around
from glint_unet.data.synthetic.eye_finder import FoundEye, eye_candidates, likeliest_eyes, sampled
from glint_unet.errors import MediaError, some
from glint_unet.messages import text

_LEAST_SIDE = 320  # of a frame as it is kept, shorter side, so that parts of it can be enlarged
_MOST_FRAMES = 400
_MOST_BYTES = 128 * 2**20
_SPOT_REACH = 0.14  # half the width of the widest glint, in iris radii
_CORNEA = 1.25  # radius within which spots are painted over, in iris radii

_UPPER_LASHES = 0.4  # they may be higher above the iris centre than this, in iris radii; skin between them looks bright


@dataclass(frozen=True)
class Background:
    """One frame, placed as the detector places it but a whole number of times as large.

    Attributes:
        image: (H', W') uint8, without bright spots on the cornea.
        eye: pupil and iris in it; None where no eye was found.
        tones: grey levels of the iris and of what surrounds it; without an eye, those of the other frames.
    """

    image: NDArray[np.uint8]
    eye: FoundEye | None
    tones: tuple[float, float]


@dataclass(frozen=True)
class Backgrounds:
    """The frames of an input, at most 400, evenly spaced, and at most 128 MiB of them.

    Attributes:
        name: the name given by the user.
        frames: the readable ones.
        broken: names of the unreadable ones.
    """

    name: str
    frames: tuple[Background, ...]
    broken: tuple[str, ...]

    @property
    def md5(self) -> str:
        """MD5 of the frames' pixels."""
        digest = hashlib.md5()
        for frame in self.frames:
            digest.update(frame.image.tobytes())
        return digest.hexdigest()

    def __str__(self) -> str:
        """How many frames and eyes there are, and which frames are unreadable."""
        num_eyes = sum(frame.eye is not None for frame in self.frames)
        named = f" ({some(self.broken)})" if self.broken else ""
        broken = f"{len(self.broken)}{named}"
        return text("backgrounds_read", name=self.name, num=len(self.frames), found=num_eyes, broken=broken)


def read_backgrounds(name: str, image_size: tuple[int, int]) -> Backgrounds:
    """Reads the frames and finds the eyes in them; the last input is kept as long as its files do not change.

    Args:
        name: an image, a folder, a glob pattern, a video or a data set.
        image_size: (H, W) of the images to be painted.

    Raises:
        MediaError: it does not exist, has no readable frame, or no eye is found in any frame.
        DatasetError: the data set cannot be used.
        MissingPackageError: it is a video and OpenCV is not installed.
    """
    media = open_media(name)
    return _read(media, image_size, tuple(map(_state, media.paths)))


def _state(path: Path) -> FileKey | None:
    """What changes with a file's content; None for a missing one, whose frame is unreadable."""
    try:
        return file_key(path.stat())
    except OSError:
        return None


@functools.lru_cache(maxsize=1)
def _read(media: Media, image_size: tuple[int, int], _states: tuple[FileKey | None, ...]) -> Backgrounds:
    broken: list[str] = []
    enlarged = max(2, -(-_LEAST_SIDE // min(image_size)))
    size = image_size[0] * enlarged, image_size[1] * enlarged
    most = max(1, min(_MOST_FRAMES, _MOST_BYTES // (size[0] * size[1])))
    placed = []
    for frame in media.evenly_spaced(most):
        if frame.image is None:
            broken.append(Path(frame.source).name)
            continue
        placement = Placement.of(frame.image.shape, size)
        placed.append((place_image(frame.image, placement), placement))
    eyes = likeliest_eyes([_candidates(image, placement) for image, placement in placed])
    frames = tuple(_cleaned([image for image, _ in placed], eyes)) if any(eyes) else ()
    if not placed:
        raise MediaError("backgrounds_unreadable", name=media.name, broken=some(broken))
    if not frames:
        raise MediaError("backgrounds_no_eye", name=media.name, num=len(placed))
    return Backgrounds(media.name, frames, tuple(broken))


def _candidates(image: NDArray[np.uint8], placement: Placement) -> list[FoundEye]:
    """Pupils and irises in a placed frame, searched outside its padding."""
    (x, y), (h, w) = placement.corner, placement.inner
    found = eye_candidates(np.ascontiguousarray(image[y : y + h, x : x + w]))
    return [eye.moved(np.ones(2), np.array([x, y])) for eye in found]


def _cleaned(images: list[NDArray[np.uint8]], eyes: list[FoundEye | None]) -> Iterator[Background]:
    """The frames without what may be real glints; at least one has an eye."""
    radius = float(np.median([eye.iris_radius for eye in eyes if eye]))
    tones = [_tones(image.astype(np.float32), eye) if eye else None for image, eye in zip(images, eyes, strict=True)]
    iris, outside = np.median([pair for pair in tones if pair], axis=0)
    for image, eye, pair in zip(images, eyes, tones, strict=True):
        own = pair or (float(iris), float(outside))
        yield Background(_without_glints(image, eye, radius, own), eye, own)


def _tones(image: Floats, eye: FoundEye) -> tuple[float, float]:
    """Grey levels of the iris and of what is beside and below it."""
    plain = opened(image, spot_reach(eye.iris_radius))
    angles = np.deg2rad(np.concatenate([np.arange(-30, 60, 10), np.arange(130, 220, 10)]))
    rays = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    middle = 0.5 * (eye.pupil_radius + eye.iris_radius)
    iris, outside = (sampled(plain, eye.iris + radius * rays) for radius in (middle, 1.3 * eye.iris_radius))
    return float(np.median(iris)), float(np.median(outside))


def _without_glints(
    image: NDArray[np.uint8], eye: FoundEye | None, iris_radius: float, tones: tuple[float, float]
) -> NDArray[np.uint8]:
    """A frame without what may be a real glint."""
    cleaned = image.copy()
    if eye is None:
        window, values, reach = (slice(None), slice(None)), image.astype(np.float32), spot_reach(iris_radius)
        spots = bright_spots(values, reach)
        spots &= _surroundings(values, spots, 2 * reach) < 0.5 * sum(tones)
    else:
        window = window_around(eye.iris, 2.2 * eye.iris_radius, image.shape)
        values = image[window].astype(np.float32)
        eye = eye.moved(np.ones(2), -np.array([window[1].start, window[0].start]))
        spots = _spots_on_cornea(values, eye, tones)
    cleaned[window] = np.clip(painted_over(values, spots) + 0.5, 0, 255).astype(np.uint8)
    return cleaned


def _spots_on_cornea(image: Floats, eye: FoundEye, tones: tuple[float, float]) -> NDArray[np.bool_]:
    """(H, W) bool: bright spots on and just beside the iris, without the skin between lashes."""
    reach = spot_reach(eye.iris_radius)
    y, x = pixel_grid(image.shape)
    distance = np.hypot(x - np.float32(eye.iris[0]), y - np.float32(eye.iris[1])) / np.float32(eye.iris_radius)
    spots = bright_spots(image, reach, distance < 1)
    skin = float(np.quantile(opened(image, reach)[distance < 2], 0.9))
    below_lashes = y > eye.iris[1] - _UPPER_LASHES * eye.iris_radius
    is_skin = ~below_lashes & (image < 1.2 * skin) & (_surroundings(image, spots, 2 * reach) >= 0.5 * sum(tones))
    on_cornea: NDArray[np.bool_] = spots & (distance < _CORNEA) & ~is_skin
    return on_cornea


def _surroundings(image: Floats, spots: NDArray[np.bool_], reach: int) -> Floats:
    """(H, W): mean of what is no spot within `reach` pixels."""
    known = (~spots).astype(np.float32)
    mean: Floats = box_mean(image * known, reach) / np.maximum(box_mean(known, reach), 1e-6)
    return mean


def spot_reach(iris_radius: float) -> int:
    """Half the width of the widest glint in pixels."""
    return max(1, round(_SPOT_REACH * iris_radius))
