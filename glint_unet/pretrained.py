"""The pretrained weights that come with the package; `--run pretrained` and `--init pretrained` mean them.

`glint_unet/weights/` has the network as .safetensors (what this package reads) and as .onnx (for other programs), the
model card, the rig file of the synthetic eyes it was trained on, and the SHA-256 of each file in `SHA256SUMS`, in the
format of sha256sum. `benchmarks/make_weights.py` writes them.
"""

import hashlib
from pathlib import Path

from glint_unet.errors import CheckpointError

PRETRAINED = "pretrained"
"""The word that stands for these weights where a run directory or checkpoint is expected; ./pretrained is a path."""

WEIGHTS = Path(__file__).parent / "weights"
NAME = "glints"
CARD = "MODEL_CARD.md"
MANIFEST = "SHA256SUMS"


def model_path(run: str | Path) -> Path:
    """The path that a run is given by; that of the pretrained weights for the word `pretrained`.

    Raises:
        CheckpointError: the pretrained weights are missing or damaged.
    """
    return pretrained_path() if is_pretrained(run) else Path(run)


def is_pretrained(run: str | Path) -> bool:
    """Whether a run is given by the word `pretrained`."""
    return isinstance(run, str) and run == PRETRAINED


def pretrained_path(directory: Path = WEIGHTS) -> Path:
    """The .safetensors file of the pretrained weights, after comparing its SHA-256 with the manifest.

    Raises:
        CheckpointError: a file is missing, or the hash differs.
    """
    path = directory / f"{NAME}.safetensors"
    try:
        expected = read_manifest(directory).get(path.name)
        found = sha256_of(path)
    except (OSError, ValueError) as error:
        raise CheckpointError("pretrained_damaged", path=path, reason=type(error).__name__) from error
    if found != expected:
        raise CheckpointError("pretrained_damaged", path=path, reason="SHA-256")
    return path


def read_manifest(directory: Path = WEIGHTS) -> dict[str, str]:
    """The SHA-256 of each file by its name.

    Raises:
        OSError, ValueError: it is missing or not a manifest.
    """
    lines = (directory / MANIFEST).read_text(encoding="ascii").splitlines()
    pairs = (line.split("  ", 1) for line in lines)
    return {name: digest for digest, name in pairs}


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file in hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
