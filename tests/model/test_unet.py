"""The plain U-Net."""

import torch

from glint_unet.model.unet import UNet


def test_padding_at_the_right_and_bottom_moves_no_point():
    torch.manual_seed(0)
    network = UNet(num_classes=1, base_channels=2, output_stride=2).eval()
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        whole, cut = network(image), network(image[..., :24, :20])
    assert torch.allclose(whole[..., 0, 0], cut[..., 0, 0], atol=0.2)
    assert cut.shape == (1, 1, 12, 10)


def test_fewer_levels_up_for_a_coarser_output():
    names = {stride: {name.split(".")[0] for name in UNet(2, 2, stride).state_dict()} for stride in (1, 2, 4)}
    assert names[1] - names[2] == {"up1", "dec1"}
    assert names[2] - names[4] == {"up2", "dec2"}
