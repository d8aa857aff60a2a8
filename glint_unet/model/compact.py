"""The compact network: heatmap peaks identify the LEDs, and votes of the pixels around a peak locate its glint.

Convolutions at full resolution gain little on eye images, so the image is folded by space-to-depth (the inverse of Shi
et al., CVPR 2016; lossless) to a quarter of its side length before the first convolution. 32 channels at this
resolution carry the sub-pixel position, and wider, coarser levels carry the context that identifies the LED. On a
256x256 image with 8 LEDs: 0.34 G multiply-adds, against 2.0 G for the plain U-Net.

Besides C heatmaps it predicts 3 vote maps, shared by all LEDs: the offset (dx, dy), in heatmap pixels, from the pixel
to the centre of the nearest glint, and the logarithm of the scale of its error (as in Kendall and Gal, NeurIPS 2017).
`votes.decode_output` fuses the votes around a peak.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

VOTE_CHANNELS = 3

_FOLD = 4


class CompactNet(nn.Module):
    """A compact network: from a greyscale image to heatmap logits of C LEDs and 3 vote maps.

    Args:
        num_classes: C, the number of LEDs.
        base_channels: half the number of channels of the first level.
        output_stride: image pixels per heatmap pixel: 1, 2 or 4.
    """

    coarsest_px = 32

    def __init__(self, num_classes: int = 8, base_channels: int = 16, output_stride: int = 4) -> None:
        super().__init__()
        self.output_stride = output_stride
        thin, wide = 2 * base_channels, 4 * base_channels
        self.stem = nn.Sequential(_conv(_FOLD**2, thin), _conv(thin, thin))
        self.down8 = nn.Sequential(_conv(thin, wide), _conv(wide, wide))
        self.down16 = nn.Sequential(_conv(wide, wide), _conv(wide, wide))
        self.down32 = nn.Sequential(_conv(wide, wide), _conv(wide, wide))
        self.up16 = _conv(wide, wide)
        self.up8 = _conv(wide, wide)
        self.narrow = nn.Conv2d(wide, thin, kernel_size=1, bias=False)
        self.up4 = _conv(thin, thin)
        finer = (_FOLD // output_stride) ** 2
        self.heatmaps = nn.Sequential(_conv(thin, thin), nn.Conv2d(thin, num_classes * finer, kernel_size=1))
        self.votes = nn.Sequential(_conv(2 * thin, thin), nn.Conv2d(thin, VOTE_CHANNELS * finer, kernel_size=1))
        last = self.heatmaps[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        nn.init.constant_(last.bias, -4.0)  # nearly every heatmap pixel is 0 (Lin et al., ICCV 2017, section 4.1)

    def forward(self, images: Tensor) -> Tensor:
        """Computes heatmap logits and votes.

        Args:
            images: (B, 1, H, W) float in [0, 1]; H and W multiples of the output stride.

        Returns:
            (B, C + 3, H / stride, W / stride) float: C heatmap logits, then dx, dy and the log scale of the votes.
        """
        H, W = images.shape[-2:]
        x = F.pad(images, (0, -W % self.coarsest_px, 0, -H % self.coarsest_px), mode="replicate")
        folded = F.pixel_unshuffle(x, _FOLD).contiguous(memory_format=torch.channels_last)
        fine = self.stem(folded)
        level8 = self.down8(F.max_pool2d(fine, 2))
        level16 = self.down16(F.max_pool2d(level8, 2))
        x = self.down32(F.max_pool2d(level16, 2))
        x = self.up16(level16 + _double(x))
        x = self.up8(level8 + _double(x))
        x = self.up4(fine + _double(self.narrow(x)))
        heatmaps, votes = self.heatmaps(x), self.votes(torch.cat([fine, x], dim=1))
        finer = _FOLD // self.output_stride
        output = torch.cat([F.pixel_shuffle(heatmaps, finer), F.pixel_shuffle(votes, finer)], dim=1)
        return output[..., : H // self.output_stride, : W // self.output_stride]


def _conv(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
