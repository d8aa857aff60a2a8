"""What a new run takes over from a trained network: `--init`."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from torch import Tensor, nn

from glint_unet.errors import CheckpointError
from glint_unet.messages import text
from glint_unet.pretrained import model_path
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.safetensors_file import SUFFIX, read_tensors


class InitialWeights(NamedTuple):
    """Weights to begin with.

    Attributes:
        taken: tensors by name, of the shapes of the new network.
        anew: names of the others, which keep their random values: of layers with another number of output channels,
            because the number of LEDs or the stride differs.
    """

    taken: dict[str, Tensor]
    anew: tuple[str, ...]

    def describe(self, init: str) -> str:
        """A line for the log; `init` is the setting."""
        total = len(self.taken) + len(self.anew)
        if not self.anew:
            return text("init_whole", init=init, total=total)
        return text("init_part", init=init, num=len(self.taken), total=total, anew=", ".join(self.anew))


def initial_weights(init: str, network: nn.Module) -> InitialWeights:
    """The weights of a trained network that fit a new one of the same architecture and width.

    Args:
        init: a run directory, of which the best weights are taken, a checkpoint, a .safetensors file, or `pretrained`.
        network: the new network; not changed.

    Raises:
        CheckpointError: missing, damaged, or of another architecture or width.
    """
    path = model_path(init)
    path = RunDirectory(path).best if path.is_dir() else path
    state: Mapping[str, Any]
    state = read_tensors(path)[0] if path.suffix == SUFFIX else Checkpoint.read(path).deployed_weights
    own = network.state_dict()
    if odd := own.keys() ^ state.keys():
        raise CheckpointError("init_other_network", init=init, name=min(odd))
    for name, tensor in own.items():
        theirs = state[name]
        if not isinstance(theirs, Tensor) or theirs.dtype != tensor.dtype or theirs.shape[1:] != tensor.shape[1:]:
            raise CheckpointError("init_other_network", init=init, name=name)
    taken = {name: state[name] for name, tensor in own.items() if state[name].shape == tensor.shape}
    return InitialWeights(taken, tuple(name for name in own if name not in taken))
