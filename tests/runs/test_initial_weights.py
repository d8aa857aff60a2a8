"""What a new network takes over from a trained one."""

import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.model.compact import CompactNet
from glint_unet.model.unet import UNet
from glint_unet.pretrained import pretrained_path
from glint_unet.runs.initial_weights import initial_weights
from glint_unet.runs.safetensors_file import read_tensors, write_tensors

STRIDE = int(read_tensors(pretrained_path())[1]["stride"])


@pytest.mark.parametrize("num_leds", [2, 9])
def test_all_but_the_heatmaps_fits_any_number_of_leds(num_leds):
    network = CompactNet(num_leds, output_stride=STRIDE)
    initial = initial_weights("pretrained", network)
    assert initial.anew == ("heatmaps.1.weight", "heatmaps.1.bias")
    assert initial.taken.keys() | set(initial.anew) == network.state_dict().keys()
    network.load_state_dict(initial.taken, strict=False)
    stored, _ = read_tensors(pretrained_path())
    assert all(torch.equal(network.state_dict()[name], stored[name]) for name in initial.taken)


def test_a_class_free_network_takes_everything_and_another_stride_all_but_the_outputs():
    whole = initial_weights("pretrained", CompactNet(1, output_stride=STRIDE))
    assert (whole.anew, len(whole.taken)) == ((), len(CompactNet(1).state_dict()))
    assert "all" in whole.describe("pretrained")
    other = initial_weights("pretrained", CompactNet(1, output_stride=1))
    assert {name.split(".")[0] for name in other.anew} == {"heatmaps", "votes"}
    assert other.describe("pretrained").endswith(", ".join(other.anew))


@pytest.mark.parametrize("network", [CompactNet(4, base_channels=8), UNet(4)], ids=["width", "architecture"])
def test_another_network_is_refused_in_one_line(network):
    with pytest.raises(CheckpointError, match=r"--init pretrained is another network .*compact, 16"):
        initial_weights("pretrained", network)


def test_tensors_of_another_type_are_refused(tmp_path):
    path = tmp_path / "half.safetensors"
    tensors, metadata = read_tensors(pretrained_path())
    write_tensors(path, {name: tensor.half() for name, tensor in tensors.items()}, metadata)
    with pytest.raises(CheckpointError, match="is another network"):
        initial_weights(str(path), CompactNet(1, output_stride=STRIDE))
