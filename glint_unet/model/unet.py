"""The plain U-Net (Ronneberger, Fischer and Brox, MICCAI 2015), with its output at the stride of the heatmaps."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_DEPTH = 4


class UNet(nn.Module):
    """A U-Net: from a greyscale image to one heatmap of logits per LED.

    Four levels of downsampling from full resolution, then upsampling to the output stride; each level is two 3x3
    convolutions with batch normalisation and ReLU. An image whose sides are not multiples of 16 is padded at the right
    and bottom by replicating its border, and the output is cropped, so positions do not shift.

    Args:
        num_classes: C, the number of output channels.
        base_channels: channels of the first level; doubled at each further level.
        output_stride: image pixels per heatmap pixel: 1, 2 or 4.
        in_channels: number of input channels.
    """

    coarsest_px = 2**_DEPTH

    def __init__(
        self, num_classes: int = 8, base_channels: int = 16, output_stride: int = 4, in_channels: int = 1
    ) -> None:
        super().__init__()
        self.output_stride = output_stride
        widths = [base_channels * 2**level for level in range(_DEPTH + 1)]
        self.enc1 = _double_conv(in_channels, widths[0])
        self.enc2 = _double_conv(widths[0], widths[1])
        self.enc3 = _double_conv(widths[1], widths[2])
        self.enc4 = _double_conv(widths[2], widths[3])
        self.bottleneck = _double_conv(widths[3], widths[4])
        self._decoder_levels = [4, 3, *[2] * (output_stride <= 2), *[1] * (output_stride == 1)]
        for level in self._decoder_levels:
            wide, narrow = widths[level], widths[level - 1]
            setattr(self, f"up{level}", nn.ConvTranspose2d(wide, narrow, kernel_size=2, stride=2))
            setattr(self, f"dec{level}", _double_conv(2 * narrow, narrow))
        self.out_conv = nn.Conv2d(widths[self._decoder_levels[-1] - 1], num_classes, kernel_size=1)

    def forward(self, images: Tensor) -> Tensor:
        """Computes heatmap logits.

        Args:
            images: (B, 1, H, W) float in [0, 1]; H and W multiples of the output stride.

        Returns:
            (B, C, H / stride, W / stride) float logits; their sigmoid is the heatmaps.
        """
        H, W = images.shape[-2:]
        x = F.pad(images, (0, -W % self.coarsest_px, 0, -H % self.coarsest_px), mode="replicate")
        skips = {1: self.enc1(x)}
        for level, encoder in ((2, self.enc2), (3, self.enc3), (4, self.enc4)):
            skips[level] = encoder(F.max_pool2d(skips[level - 1], 2))
        x = self.bottleneck(F.max_pool2d(skips[4], 2))
        for level in self._decoder_levels:
            x = getattr(self, f"up{level}")(x)
            x = getattr(self, f"dec{level}")(torch.cat([skips[level], x], dim=1))
        logits: Tensor = self.out_conv(x)
        return logits[..., : H // self.output_stride, : W // self.output_stride]


def _double_conv(channels_in: int, channels_out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
        nn.Conv2d(channels_out, channels_out, kernel_size=3, padding=1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(inplace=True),
    )
