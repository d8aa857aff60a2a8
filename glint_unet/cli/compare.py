"""`glint-unet compare`: compares runs: settings, curves, metrics of each LED, data set and split."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.cli.tables import aligned, as_csv
from glint_unet.errors import DatasetError, RunDirectoryError, SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting

if TYPE_CHECKING:
    from glint_unet.experiments.comparison import Comparison

_LONGEST_CELL = 32


@dataclass(frozen=True)
class CompareArguments(Settings):
    """Compare runs: settings that differ, metrics of the best epochs and LEDs, data set, split; draw the curves."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Run directories, two or more."""
    picture: str = "comparison.png"
    """Where to draw the learning curves and the recall of each LED."""
    json: bool = False
    """Print JSON instead of tables."""
    csv: bool = False
    """Print CSV instead of tables: one row per run."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = CompareArguments


def run(argv: Sequence[str]) -> int:
    """Draws the picture and prints the comparison."""
    arguments = parse(CompareArguments, argv, "glint-unet compare")
    if arguments.json and arguments.csv:
        raise SettingError("json_or_csv")
    if len(arguments.runs) < 2:
        raise SettingError("compare_too_few", num=len(arguments.runs))
    from glint_unet.experiments.comparison import compare_runs
    from glint_unet.experiments.comparison_picture import draw_comparison
    from glint_unet.experiments.run_info import DAMAGED, read_run

    picture = Path(arguments.picture)
    if not picture.parent.is_dir():
        raise DatasetError("output_no_directory", path=picture.parent)
    runs = [read_run(Path(path)) for path in arguments.runs]
    for one in runs:
        if one.state == DAMAGED:
            raise RunDirectoryError("not_a_run", path=one.path)
    comparison = compare_runs(runs)
    draw_comparison(runs, comparison, picture)
    if arguments.json:
        print(json.dumps(dataclasses.asdict(comparison), ensure_ascii=False, indent=2))
    elif arguments.csv:
        print(as_csv(_records(comparison)), end="")
    else:
        _print(comparison)
        print(text("picture_written", path=picture))
    return 0


def _records(comparison: "Comparison") -> list[dict[str, Any]]:
    """One flat record per run."""
    return [
        {
            "run": label,
            "same_data": comparison.same_data,
            "same_split": comparison.same_split,
            "best_epoch": comparison.best_epochs[k],
            **{name: values[k] for name, values in comparison.metrics.items()},
            **{f"recall_{led}": result.recall if (result := row[k]) else None for led, row in comparison.leds.items()},
            **{name: values[k] for name, values in (comparison.settings | comparison.conditions).items()},
        }
        for k, label in enumerate(comparison.labels)
    ]


def _print(comparison: "Comparison") -> None:
    from glint_unet.experiments.comparison import statements

    table = [["", *map(_short, comparison.labels)]]
    table += [[name, *map(_cell, values)] for name, values in comparison.settings.items()]
    table += [[name, *map(_cell, values)] for name, values in comparison.conditions.items()]
    table.append([text("compare_best_epoch"), *map(_cell, comparison.best_epochs)])
    table += [[name, *map(_figure, values)] for name, values in comparison.metrics.items()]
    for led, results in comparison.leds.items():
        cells = [_figure(result.recall if result else None) for result in results]
        table.append([text("compare_led_recall", led=led), *cells])
    print("\n".join(aligned(table)))
    if not comparison.settings:
        print(text("compare_settings_equal"))
    print("\n".join(statements(comparison)))


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else _short(str(value))


def _short(words: str) -> str:
    """The text without control characters; of a long one, its end, where paths differ."""
    shown = "".join(c if c.isprintable() else "?" for c in words)
    return shown if len(shown) <= _LONGEST_CELL else "..." + shown[3 - _LONGEST_CELL :]
