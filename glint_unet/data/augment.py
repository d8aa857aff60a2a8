"""Augmentation of images and keypoints on the device, as a function of (seed, epoch, sample).

All random numbers come from the Philox counter-based generator keyed by (seed, epoch, row), and pixel noise from a hash
of (key, pixel), never from generator state: a sample is the same in any batch or process, and after any resume.

Legend: B batch, C glint channels, H W image.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from glint_unet.config import TrainConfig
from glint_unet.data.device_memory import send
from glint_unet.errors import SettingError

_NUM_SHARED = 16  # random numbers per image, followed by one per LED
_KERNEL_REACH = 3
_MASK_64 = 2**64 - 1


@dataclass(frozen=True)
class Draws:
    """The random numbers for augmenting a batch.

    Attributes:
        shared: (B, 16) float32 in [0, 1), of the whole image.
        per_led: (B, C) float32 in [0, 1), of each LED.
        keys: (B,) int64 keys of the pixel noise.
    """

    shared: Tensor
    per_led: Tensor
    keys: Tensor

    def to(self, device: torch.device) -> "Draws":
        """The same numbers on a device."""
        return Draws(*(send(part, device) for part in (self.shared, self.per_led, self.keys)))

    def part(self, rows: slice) -> "Draws":
        """The numbers of a slice of the batch."""
        return Draws(self.shared[rows], self.per_led[rows], self.keys[rows])


def sample_augmentation(seed: int, epoch: int, rows: NDArray[np.int64], num_leds: int) -> Draws:
    """Draws the random numbers of samples in one epoch.

    Args:
        seed: random seed of the run.
        epoch: epoch number, from 1.
        rows: (B,) int64 row numbers of the samples.
        num_leds: C.
    """
    raw = np.stack(
        [np.random.Philox(key=[seed + (epoch << 32), int(row)]).random_raw(1 + _NUM_SHARED + num_leds) for row in rows]
    )
    unit = ((raw[:, 1:] >> np.uint64(40)).astype(np.float32)) * np.float32(2**-24)
    return Draws(
        torch.from_numpy(unit[:, :_NUM_SHARED].copy()),
        torch.from_numpy(unit[:, _NUM_SHARED:].copy()),
        torch.from_numpy(raw[:, 0].astype(np.int64)),
    )


def flip_permutation(flip: str, num_leds: int) -> list[int] | None:
    """The channel permutation of a left-right flip: channel c of the flipped image shows LED `flip[c]`.

    Args:
        flip: comma-separated LED numbers, from 1, e.g. '1,8,7,6,5,4,3,2'; empty: no flips.
        num_leds: C.

    Returns:
        The permutation, from 0, or None for no flips.

    Raises:
        SettingError: `flip` is not a permutation of the LEDs, or not its own inverse.
    """
    if not flip:
        return None
    try:
        order = [int(number) - 1 for number in flip.split(",")]
    except ValueError:
        order = []
    if sorted(order) != list(range(num_leds)) or any(order[order[c]] != c for c in range(num_leds)):
        raise SettingError("flip_not_a_permutation", value=flip, num_leds=num_leds)
    return order


def augment(images: Tensor, keypoints: Tensor, draws: Draws, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Transforms and flips a batch, cuts out glints, blurs it, changes its lighting and adds noise.

    Args:
        images: (B, 1, H, W) float32 in [0, 1].
        keypoints: (B, C, 2) float32, (x, y) in image pixels; NaN where absent.
        draws: the random numbers of the batch, on the same device.
        config: the `aug_*` settings, each the range of one transformation, and `flip`.

    Returns:
        images (B, 1, H, W) in [0, 1]; keypoints (B, C, 2), now also NaN where moved out of the image or cut out.

    Raises:
        SettingError: `flip` is not a valid permutation of the LEDs.
    """
    u = draws.shared
    images, keypoints = _cut_out(images, keypoints, draws.per_led, config)
    images, keypoints = _move(images, keypoints, u, config)
    images = _blur(images, u[:, 8] * config.aug_blur) if config.aug_blur else images
    images = _change_light(images, u[:, 9:12], config.aug_intensity) if config.aug_intensity else images
    if config.aug_noise:
        sd = u[:, 12] * config.aug_noise / 255
        images = images + sd[:, None, None, None] * gaussian_noise(draws.keys, images.shape)
    return images.clamp(0, 1), keypoints


def _move(images: Tensor, keypoints: Tensor, u: Tensor, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Rotates, scales, stretches and shifts images about their centre, and flips them."""
    B, _, H, W = images.shape
    signed = 2 * u - 1
    angle = signed[:, 0] * math.radians(config.aug_rotate_deg)
    scale = torch.exp(signed[:, 1] * math.log1p(config.aug_scale))
    aspect = torch.exp(signed[:, 2] * math.log1p(config.aug_scale) / 4)
    order = flip_permutation(config.flip, keypoints.shape[1])
    mirror = 1 - 2.0 * (u[:, 5] < 0.5) if order else torch.ones_like(angle)
    cos, sin = angle.cos() * scale, angle.sin() * scale
    forward = torch.stack([cos * aspect * mirror, -sin / aspect, sin * aspect * mirror, cos / aspect], -1).view(B, 2, 2)
    shift = signed[:, 3:5] * config.aug_shift * _constants(images, W, H)
    middle = _constants(images, (W - 1) / 2, (H - 1) / 2)

    back = torch.linalg.inv_ex(forward).inverse  # `inv` synchronises with the device to check for errors
    start = middle - (back @ (middle + shift)[..., None])[..., 0]  # source position of pixel (0, 0)
    x, y = torch.arange(W, device=images.device), torch.arange(H, device=images.device)
    across = back[:, None, :, 0] * x[:, None]  # (B, W, 2)
    down = back[:, None, :, 1] * y[:, None] + start[:, None]  # (B, H, 2)
    to_unit = _constants(images, 2 / W, 2 / H)  # frame of grid_sample: -1 and 1 are the outer borders
    grid = down[:, :, None] * to_unit + (across * to_unit + (to_unit / 2 - 1))[:, None]
    moved = F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)

    points = (keypoints - middle) @ forward.mT + middle + shift[:, None]
    if order:
        flipped = torch.stack([points[:, c] for c in order], dim=1)
        points = torch.where((mirror < 0)[:, None, None], flipped, points)
    low, high = -0.5, _constants(images, W - 0.5, H - 0.5)
    inside = ((points >= low) & (points <= high)).all(dim=-1, keepdim=True)
    return moved, points.masked_fill(~inside, torch.nan)


def _constants(like: Tensor, *values: float) -> Tensor:
    """(n,) tensor on the device of `like`; building it from a list would copy from the host and synchronise."""
    return torch.stack([like.new_full((), value) for value in values])


def _cut_out(images: Tensor, keypoints: Tensor, u: Tensor, config: TrainConfig) -> tuple[Tensor, Tensor]:
    """Paints some glints over, so that the network also sees absent glints."""
    if not config.aug_cutout:
        return images, keypoints
    chosen = (u < config.aug_cutout) & keypoints.isfinite().all(dim=-1)
    return paint_over(images, keypoints, chosen), keypoints.masked_fill(chosen[..., None], torch.nan)


def paint_over(images: Tensor, points: Tensor, chosen: Tensor) -> Tensor:
    """Paints spots over with the darkest value around them.

    Args:
        images: (B, 1, H, W) float32.
        points: (B, K, 2) float32, (x, y) in image pixels; NaN where there is none.
        chosen: (B, K) bool, the points to paint over.

    Returns:
        (B, 1, H, W) float32.
    """
    _, _, H, W = images.shape
    reach = max(2.0, min(H, W) / 50)
    x, y = (torch.arange(side, device=images.device) for side in (W, H))
    across = torch.exp(-(((x - points[..., :1]) / reach) ** 2)).nan_to_num(0) * chosen[..., None]  # (B, K, W)
    down = torch.exp(-(((y - points[..., 1:]) / reach) ** 2)).nan_to_num(0)
    share = (2 * (down.mT @ across)).clamp(max=1)[:, None]  # (B, 1, H, W)
    darkest = darkest_around(images, round(reach))
    return images + share * (darkest - images)


def darkest_around(images: Tensor, reach: int) -> Tensor:
    """The minimum over a square window of side 2 * reach + 1 around each pixel: (B, 1, H, W).

    Built from windows of 2, 4, 8, ... pixels, each the minimum of two windows half as large: on the CPU 70 times faster
    than max-pooling the negated image.
    """
    least, side = F.pad(images, (reach,) * 4, value=torch.inf), 2 * reach + 1
    for axis in (2, 3):
        width = 1
        while width < side:
            step = min(width, side - width)
            num = least.shape[axis] - step
            least = torch.minimum(least.narrow(axis, 0, num), least.narrow(axis, step, num))
            width += step
    return least


def _blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur of each image with its own standard deviation (B,), in pixels."""
    B, _, H, W = images.shape
    k = torch.arange(-_KERNEL_REACH, _KERNEL_REACH + 1, device=images.device)
    kernel = torch.exp(-(k**2) / (2 * sigma[:, None].clamp_min(0.05) ** 2))
    kernel = (kernel / kernel.sum(dim=1, keepdim=True))[:, None]  # (B, 1, 7)
    padded = F.pad(images.view(1, B, H, W), (_KERNEL_REACH,) * 4, mode="replicate")
    blurred = F.conv2d(F.conv2d(padded, kernel[..., None], groups=B), kernel[..., None, :], groups=B)
    return blurred.view(B, 1, H, W)


def _change_light(images: Tensor, u: Tensor, strength: float) -> Tensor:
    """Applies random gain, offset and gamma; u: (B, 3) in [0, 1)."""
    gain, offset, gamma = (2 * u - 1).unbind(dim=1)
    bent = images.clamp(1e-4, 1) ** torch.exp(gamma * strength)[:, None, None, None]
    return bent * torch.exp(gain * strength)[:, None, None, None] + (offset * strength / 2)[:, None, None, None]


def gaussian_noise(keys: Tensor, shape: torch.Size) -> Tensor:
    """Noise of mean 0 and variance 1 as a function of (key, pixel): a sum of four hashed 16-bit numbers.

    Args:
        keys: (B,) int64.
        shape: (B, 1, H, W).

    Returns:
        (B, 1, H, W) float32 in [-3.5, 3.5].
    """
    B, _, H, W = shape
    bits = keys[:, None] + torch.arange(H * W, device=keys.device) * _signed(0x9E3779B97F4A7C15)
    for factor, turn in ((0xBF58476D1CE4E5B9, 30), (0x94D049BB133111EB, 27)):  # SplitMix64 (Steele et al., OOPSLA 2014)
        bits = (bits ^ ((bits >> turn) & ((1 << (64 - turn)) - 1))) * _signed(factor)
    bits = bits ^ ((bits >> 31) & ((1 << 33) - 1))
    total = sum(((bits >> shift) & 0xFFFF for shift in (16, 32, 48)), bits & 0xFFFF).float()
    return ((total - 2 * 65535) * (math.sqrt(3) / 65536)).view(B, 1, H, W)


def _signed(value: int) -> int:
    """A 64-bit pattern as a signed value for int64 tensors."""
    return value - (_MASK_64 + 1) if value >> 63 else value
