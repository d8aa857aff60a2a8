"""Reports as one HTML page, which loads nothing from elsewhere and runs no script."""

import dataclasses
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from glint_unet.config import TrainConfig
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.files import write_bytes
from glint_unet.messages import current_language, text
from glint_unet.own_command import own_command, resume_command
from glint_unet.report.charts import curve_figures, error_figures
from glint_unet.report.eye_svg import EyeView, eye_view
from glint_unet.report.judged import Judged
from glint_unet.report.palette import led_colour
from glint_unet.runs.json_file import as_count, as_dict, as_dicts, as_text, read_json
from glint_unet.runs.run_directory import RunDirectory

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_EMPTY: dict[str, Any] = {
    **dict.fromkeys(("subtitle", "judged", "reason"), ""),
    **dict.fromkeys(("key_figures", "curves", "tables", "leds", "confusion", "errors", "eyes"), ()),
    **dict.fromkeys(("settings", "data", "environment", "commands"), ()),
    "side": 0,
}
_KEY_FIGURES = ("f1", "precision", "recall", "px_median", "px_p95")

Facts = Sequence[tuple[str, Any]]


class Table(NamedTuple):
    """A table with a heading; the first cell of each row names it."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


class Cell(NamedTuple):
    """A cell of the confusion matrix: the number of glints, and its share of the row."""

    num: int
    share: float


def write_run_report(run: RunDirectory, judged: Judged | None, best_epoch: int, reason: str = "") -> None:
    """Writes report.html of a run from its files.

    Args:
        run: the run directory.
        judged: its best model on its validation images; None if they cannot be read.
        best_epoch: the epoch of that model; 0: none.
        reason: why there is no `judged`.

    Raises:
        RunDirectoryError: there is no epoch in metrics.json.
    """
    history = history_of(run)
    settings = as_dict(read_json(run.training_args))
    done, epochs = as_count(history[-1]["epoch"]), as_count(settings.get("epochs"))
    known = {"done": done, "epochs": max(done, epochs)}
    progress = (
        text("report_progress", best=best_epoch, **known) if best_epoch else text("report_progress_none", **known)
    )
    content = {
        "title": text("report_title", name=run.path.resolve().name),
        "subtitle": progress,
        "curves": curve_figures(history, best_epoch),
        "settings": settings_tables(settings),
        "data": data_facts(run, settings),
        "environment": environment_facts(run),
        "commands": next_commands(run, settings, known["epochs"]),
        "reason": reason,
        **_judged_content(judged, text("report_of_validation")),
    }
    write_bytes(run.report, render(content))


def write_evaluation_report(path: Path, model: Path, data: Path, judged: Judged) -> None:
    """Writes the report of an evaluation.

    Args:
        path: the HTML file.
        model, data: what was evaluated on what.
        judged: the result.
    """
    content = {
        "title": text("report_evaluation_title", name=model.resolve().name),
        "data": [(text("report_model"), model), (text("report_data_file"), data)],
        **_judged_content(judged, text("report_of_evaluation")),
    }
    write_bytes(path, render(content))


def render(content: dict[str, Any]) -> bytes:
    """The page with this content for the template; sections without content are left out."""
    version = import_module("glint_unet").__version__
    made = text("report_made", time=time.strftime("%Y-%m-%d %H:%M"), version=version)
    language = {"zh": "zh-CN", "en": "en"}[current_language()]
    whole = {**_EMPTY, "text": text, "language": language, "made": made, **content}
    page = _TEMPLATES.get_template("page.html").render(whole)
    return page.encode(errors="replace")


def history_of(run: RunDirectory) -> list[dict[str, Any]]:
    """The rows of metrics.json, checked.

    Raises:
        RunDirectoryError: there is none.
    """
    rows = as_dicts(read_json(run.metrics))
    history = [
        {**row, "epoch": as_count(row.get("epoch")), "train": as_dict(row.get("train")), "val": as_dict(row.get("val"))}
        for row in rows
        if as_count(row.get("epoch"))
    ]
    if not history:
        raise RunDirectoryError("report_no_run", path=run.path)
    return [{**row, "timing": as_dict(row.get("timing"))} for row in history]


def _judged_content(judged: Judged | None, heading: str) -> dict[str, Any]:
    if judged is None:
        return {}
    predictions = judged.predictions
    figures = predictions.metrics().summary(predictions.threshold)
    names = (text("report_f1"), text("report_precision"), text("report_recall"), text("report_median"))
    keys = zip((*names, text("report_p95")), _KEY_FIGURES, strict=True)
    colours = [led_colour(channel) for channel in range(len(judged.labels))]
    views, side = _eye_views(judged)
    where = text("report_judged", num=len(predictions.points), threshold=predictions.threshold)
    return {
        "judged": f"{heading}: {where}",
        "key_figures": [(name, _number(figures[key], is_px=key.startswith("px"))) for name, key in keys],
        "leds": list(zip(predictions.led_reports(judged.labels), colours, strict=True)),
        "confusion": _confusion(predictions.metrics().confusion(predictions.threshold)),
        "errors": error_figures(predictions),
        "eyes": views,
        "side": side,
    }


def _eye_views(judged: Judged) -> tuple[list[tuple[str, list[EyeView]]], int]:
    """The examples by their heading, and the side of their magnified parts in pixels."""
    headings = {"worst": text("report_worst"), "middle": text("report_middle"), "best": text("report_best")}
    views, number = [], 0
    for kind, examples in judged.examples.items():
        views.append((headings[kind], [eye_view(example, number + k) for k, example in enumerate(examples)]))
        number += len(examples)
    return views, next(iter(judged.examples.values()))[0].side


def _confusion(counts: list[list[int]]) -> list[list[Cell]]:
    return [[Cell(count, count / max(sum(row), 1)) for count in row] for row in counts]


def _number(value: float | None, *, is_px: bool = False) -> str:
    if value is None:
        return "-"
    return f"{value:.2f} px" if is_px else f"{value:.3f}"


class SettingTables(NamedTuple):
    """The settings of a run: those that differ from the defaults, and all others."""

    changed: list[tuple[str, Any]]
    others: list[tuple[str, Any]]


def settings_tables(settings: dict[str, Any]) -> SettingTables:
    """Divides the settings of a run; those that this version does not know count as changed."""
    try:
        default = dataclasses.asdict(TrainConfig.of_recipe(as_text(settings.get("recipe")) or "default"))
    except SettingError:
        default = dataclasses.asdict(TrainConfig())
    others = [(name, value) for name, value in settings.items() if name in default and default[name] == value]
    changed = [(name, value) for name, value in settings.items() if (name, value) not in others]
    return SettingTables(changed, others)


def data_facts(run: RunDirectory, settings: dict[str, Any]) -> Facts:
    """The data set of a run and its split, by name; what is not known is left out."""
    dataset, split = as_dict(read_json(run.dataset)), as_dict(read_json(run.split))
    sizes = {name: dataset.get(name) for name in ("image_size", "heatmap_size")}
    shown = {name: " x ".join(map(str, size)) if isinstance(size, list) else None for name, size in sizes.items()}
    parts = [len(split[part]) for part in ("train", "val") if isinstance(split.get(part), list)]
    facts = [
        (text("report_data_file"), settings.get("h5") or dataset.get("path")),
        (text("report_data_md5"), dataset.get("md5")),
        (text("report_data_images"), dataset.get("num_images")),
        (text("report_data_split"), " / ".join(map(str, parts)) or None),
        (text("report_data_sizes"), shown["image_size"]),
        (text("report_data_heatmaps"), shown["heatmap_size"]),
        (text("report_num_leds"), dataset.get("num_classes")),
    ]
    return [(name, value) for name, value in facts if value is not None]


def environment_facts(run: RunDirectory) -> Facts:
    """How the run was last started; empty in runs that did not record it."""
    starts = as_dicts(read_json(run.provenance))
    if not starts:
        return []
    last = starts[-1]
    commit = as_text(as_dict(last.get("git")).get("commit"))
    facts = [
        (text("report_command"), as_text(last.get("command"))),
        (text("report_device"), as_text(last.get("device"))),
        (text("report_host"), as_text(last.get("host"))),
        (text("report_commit"), commit),
        *((str(name), as_text(value)) for name, value in as_dict(last.get("versions")).items()),
        (text("report_starts"), len(starts)),
    ]
    return [(name, value) for name, value in facts if value]


def next_commands(run: RunDirectory, settings: dict[str, Any], epochs: int) -> Facts:
    """The commands that resume a run, find glints with it and evaluate it, by purpose."""
    path, more = str(run.path), epochs + max(10, epochs // 2)
    evaluated = ["evaluate", "--run", path, "--h5", as_text(settings.get("h5"))]
    predicted = ["predict", "--run", path, "--input", "eye.mp4", "--out", "glints.csv"]
    return [
        (text("report_to_resume", epochs=more), f"{resume_command(run.path)} --epochs {more}"),
        (text("report_to_predict"), own_command(predicted)),
        (text("report_to_evaluate"), own_command(evaluated)),
    ]
