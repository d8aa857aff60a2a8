"""`glint-unet evaluate`: measures the accuracy of a model on annotated images."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.detector_arguments import DetectorArguments
from glint_unet.cli.tables import aligned
from glint_unet.errors import DatasetError, SettingError
from glint_unet.messages import text
from glint_unet.pretrained import is_pretrained, model_path
from glint_unet.settings import language_setting, setting

if TYPE_CHECKING:
    from glint_unet.inference.evaluate import Evaluation


@dataclass(frozen=True, kw_only=True)
class EvaluateArguments(DetectorArguments):
    """Evaluate a model on the images of a data set: validation metrics, a table of LEDs, the worst cases."""

    h5: str
    """Annotated data set."""
    split: Literal["val", "all"] = "val"
    """Images to evaluate: the validation images of the run, or all images of the file."""
    json: str | None = None
    """Also write the metrics to this file."""
    worst: int = setting(16, low=0, high=400)
    """Draw this many of the worst images; 0: none."""
    picture: str | None = None
    """Where to draw them. Default: evaluation_worst.png in the run directory or beside the checkpoint; with the
    pretrained weights, beside the data set."""
    html: str | None = None
    """Also write a report to this file: one HTML page with tables, errors, best and worst images."""
    threads: int = setting(0, low=0, high=1024)
    """CPU threads; 0: as many as other programs leave room for."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = EvaluateArguments


def run(argv: Sequence[str]) -> int:
    """Writes the files, then prints the metrics and the table."""
    arguments = parse(EvaluateArguments, argv, "glint-unet evaluate")
    from glint_unet.compute.threads import choose_threads
    from glint_unet.data.synthetic.stream import is_stream
    from glint_unet.files import write_json
    from glint_unet.inference.evaluate import count_trained_on, draw_worst, evaluate, rows_to_judge, write_html
    from glint_unet.inference.trained_model import recorded_decoding

    num_worst, model, h5 = arguments.worst, model_path(arguments.run), Path(arguments.h5)
    if is_stream(arguments.h5):
        raise SettingError("evaluate_stream", h5=arguments.h5)
    directory = h5.parent if is_pretrained(arguments.run) else model if model.is_dir() else model.parent
    outputs = [Path(path) for path in (arguments.json, arguments.html) if path]
    picture = Path(arguments.picture) if arguments.picture else directory / "evaluation_worst.png"
    for output in [*outputs, picture]:
        if not output.parent.is_dir():
            raise DatasetError("output_no_directory", path=output.parent)
    choose_threads(arguments.threads).use()
    detector = arguments.detector()
    rows = rows_to_judge(model, h5, arguments.split)
    num_trained_on = 0 if is_pretrained(arguments.run) else count_trained_on(model, h5, rows)
    evaluation = evaluate(detector, h5, rows, num_worst, num_trained_on)
    if arguments.json:
        write_json(Path(arguments.json), evaluation.to_dict())
    if evaluation.worst:
        draw_worst(evaluation, h5, picture)
    if arguments.html:
        write_html(evaluation, model, h5, Path(arguments.html))
    _print_report(evaluation, is_threshold_given=arguments.threshold is not None)
    if not detector.names_leds:
        print(text("evaluate_unnamed"))
    if arguments.split == "val" and recorded_decoding(model) == "argmax":
        print(text("evaluate_refines"))
    if evaluation.worst:
        print(text("picture_written", path=picture))
    if arguments.html:
        print(text("report_written", path=arguments.html))
    return 0


def _print_report(evaluation: "Evaluation", *, is_threshold_given: bool) -> None:
    head = {"num": evaluation.num_images, "threshold": evaluation.threshold}
    print(text("evaluate_head_given" if is_threshold_given else "evaluate_head", **head))
    if evaluation.num_trained_on is None:
        print(text("evaluate_trained_unknown"))
    elif evaluation.num_trained_on:
        print(text("evaluate_trained_on", num=evaluation.num_trained_on))
    figures = {name: _number(value) for name, value in evaluation.figures.items()}
    print(text("evaluate_right", **figures))
    if "f1_alone" in figures:
        print(text("evaluate_alone", **figures))
    print(text("evaluate_px", **figures))
    print(text("evaluate_presence", **figures))
    table = [text("evaluate_columns").split()]
    for led in evaluation.leds:
        label, num_present, num_found, *values = dataclasses.astuple(led)
        table.append([label, str(num_present), str(num_found), *map(_number, values)])
    print("\n".join(aligned(table)))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
