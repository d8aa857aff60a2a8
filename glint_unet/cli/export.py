"""`glint-unet export`: exports a model for use in other programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.outputs import check_output
from glint_unet.errors import GlintError, SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting

if TYPE_CHECKING:
    from glint_unet.data.batch import Rows
    from glint_unet.inference.trained_model import TrainedModel

_NUM_COMPARED = 64


@dataclass(frozen=True)
class ExportArguments(Settings):
    """Export a model for other programs: .onnx (including decoding), .safetensors, or .pt2 (torch.export)."""

    run: str
    """Run directory or checkpoint."""
    out: str
    """File to write: .onnx, .safetensors or .pt2."""
    half: bool = False
    """Store the weights of an .onnx file as float16, at half the size; computation remains in float32."""
    overwrite: bool = False
    """Replace an existing file."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = ExportArguments


def run(argv: Sequence[str]) -> int:
    """Exports a model, and compares an .onnx file with PyTorch on the validation images of the run."""
    arguments = parse(ExportArguments, argv, "glint-unet export")
    from glint_unet.inference import onnx_file
    from glint_unet.inference.safetensors_model import export_safetensors
    from glint_unet.inference.trained_model import load_model

    out = Path(arguments.out)
    known = (".onnx", ".safetensors", ".pt2")
    if out.suffix not in known or (arguments.half and out.suffix != ".onnx"):
        allowed = known[0] if arguments.half else " ".join(known)
        raise SettingError("out_ending", flag="out", path=out, known=allowed)
    model = load_model(Path(arguments.run))
    check_output(out, overwrite=arguments.overwrite)
    if out.suffix == ".onnx":
        onnx_file.export_onnx(model, out, half=arguments.half)
        images = _images_to_compare(model)
        worst = onnx_file.check_export(load_model(Path(arguments.run)), out, images)
        print(text("export_checked", num=len(images), px=worst, limit=onnx_file.GATE_PX))
    elif out.suffix == ".safetensors":
        export_safetensors(model, out)
    else:
        onnx_file.export_torch(model, out)
    print(text("exported", path=out, mb=out.stat().st_size / 2**20))
    return 0


def _images_to_compare(model: "TrainedModel") -> Any:
    """Validation images of the run, or random images and a message if those are not available."""
    import numpy as np

    from glint_unet.runs.checkpoint import Checkpoint

    checkpoint = Checkpoint.read(model.path)
    if checkpoint.state:
        config = checkpoint.config
        h5 = config.h5
        try:
            images = _validation_images(h5, config.seed, checkpoint.state.split.val[:_NUM_COMPARED])
            if images.shape[1:] == model.image_size:
                return images
            print(text("export_no_images", path=h5, reason="{}x{}".format(*images.shape[1:])))
        except (GlintError, OSError, IndexError) as error:
            print(text("export_no_images", path=h5, reason=error))
    else:
        print(text("export_no_split", path=model.path))
    return np.random.default_rng(0).integers(0, 256, (_NUM_COMPARED, *model.image_size), dtype=np.uint8)


def _validation_images(h5: str, seed: int, rows: "Rows") -> Any:
    import torch

    from glint_unet.data.origin import origin_of

    origin = origin_of(h5, seed)
    info, _ = origin.examine()
    source = origin.open(info, "none", num_workers=0, device=torch.device("cpu"))
    images = source.gather(rows).images.numpy()
    source.close()
    return images
