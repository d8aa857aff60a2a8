"""`glint-unet evaluate`: how good a model is on annotated images."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.pack import check_range
from glint_unet.errors import DatasetError, SettingError
from glint_unet.messages import text


@dataclass(frozen=True)
class EvaluateArguments:
    """Judge a model on the images of a data set: the figures of validation, a table of LEDs, the worst cases."""

    run: str
    """Run directory, checkpoint, or .onnx file."""
    h5: str
    """Data set with the truth."""
    split: Literal["val", "all"] = "val"
    """Images to judge: those that the run validated on, or all of the file."""
    json: str | None = None
    """Also write the figures to this file."""
    worst: int = 16
    """Draw this many of the worst images; 0: none."""
    picture: str | None = None
    """Where to draw them. Default: evaluation_worst.png in the run directory or beside the checkpoint."""
    precise: bool = False
    """Average over four shifts of the image by half a heatmap pixel: more exact, at four times the cost."""
    device: str = "cpu"
    """Where to compute: cpu, cuda, cuda:1, ..."""
    lang: Literal["zh", "en"] = "zh"
    """Language of the messages."""


def run(argv: Sequence[str]) -> int:
    """Prints figures and table."""
    arguments = parse(EvaluateArguments, argv, "glint-unet evaluate")
    from glint_unet.data.synthetic.stream import is_stream
    from glint_unet.files import write_json
    from glint_unet.inference.evaluate import draw_worst, evaluate, rows_to_judge
    from glint_unet.inference.predictor import GlintDetector

    num_worst, model, h5 = check_range("worst", arguments.worst, 0, 400), Path(arguments.run), Path(arguments.h5)
    if is_stream(arguments.h5):
        raise SettingError("evaluate_stream", h5=arguments.h5)
    directory = model if model.is_dir() else model.parent
    outputs = [Path(arguments.json)] if arguments.json else []
    picture = Path(arguments.picture) if arguments.picture else directory / "evaluation_worst.png"
    for output in [*outputs, picture]:
        if not output.parent.is_dir():
            raise DatasetError("output_no_directory", path=output.parent)
    detector = GlintDetector.load(model, arguments.device, precise=arguments.precise)
    evaluation = evaluate(detector, h5, rows_to_judge(model, h5, arguments.split), num_worst)
    figures = {name: "-" if value is None else f"{value:.3f}" for name, value in evaluation.figures.items()}
    print(text("evaluate_head", num=evaluation.num_images, threshold=evaluation.threshold))
    print(text("evaluate_right", **figures))
    print(text("evaluate_px", **figures))
    print(text("evaluate_presence", **figures))
    print(text("evaluate_columns"))
    for led in evaluation.leds:
        label, num_present, num_found, *values = dataclasses.astuple(led)
        print("  ".join([label, str(num_present), str(num_found), *("-" if v is None else f"{v:.3f}" for v in values)]))
    if arguments.json:
        write_json(Path(arguments.json), dataclasses.asdict(evaluation))
    if evaluation.worst:
        draw_worst(detector, h5, evaluation.worst, picture)
        print(text("picture_written", path=picture))
    return 0
