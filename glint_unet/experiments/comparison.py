"""Compares runs: differing settings and conditions, best metrics, per-LED metrics, data sets and splits."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from glint_unet.config import TrainConfig
from glint_unet.experiments.run_info import RunInfo
from glint_unet.messages import text
from glint_unet.runs.json_file import as_count, as_dict, as_number, as_text

METRICS = ("total", "f1", "precision", "recall", "px_median", "px_p95")

_OF_ONE_START = ("output_dir", "resume", "allow_changed", "cleanup_shm", "model_path", "save", "lang", "progress")


@dataclass(frozen=True)
class LedResult:
    """How the glints of one LED fared on the validation images of the best epoch.

    Attributes:
        num_present: images in which its glint is present.
        recall: share of them in which it was found within 2 px as this LED; None if it is never present.
        mistaken: share of them in which it was found within 2 px but taken for another LED; None likewise.
    """

    num_present: int
    recall: float | None
    mistaken: float | None


@dataclass(frozen=True)
class Comparison:
    """Runs side by side; every list has one entry per run, in the order of `labels`.

    Attributes:
        labels: short names of the runs, all different.
        settings: for each setting that differs, its values; None where a run has not recorded it.
        conditions: for each differing condition (commit, versions, device, processes, host), its values.
        best_epochs: number of the best epoch; None before the first.
        metrics: for each validation metric of the best epoch, its values; None where undefined.
        leds: label of each LED -> the results; None where a run has no such LED.
        same_data: whether all runs have the same data set, by its MD5; None if one has not recorded it.
        same_split: whether all runs have the same training and validation rows; None if one has not recorded them.
    """

    labels: list[str]
    settings: dict[str, list[Any]]
    conditions: dict[str, list[Any]]
    best_epochs: list[int | None]
    metrics: dict[str, list[float | None]]
    leds: dict[str, list[LedResult | None]]
    same_data: bool | None
    same_split: bool | None


def compare_runs(runs: Sequence[RunInfo]) -> Comparison:
    """Compares two or more runs."""
    leds = [led_results(run) for run in runs]
    rows = [as_dict(run.best_row.get("val")) for run in runs]
    return Comparison(
        labels=short_labels(runs),
        settings=_differing([_settings(run) for run in runs]),
        conditions=_differing([_conditions(run) for run in runs]),
        best_epochs=[as_count(run.best.get("epoch")) or None for run in runs],
        metrics={name: [as_number(row.get(name)) for row in rows] for name in METRICS},
        leds={led: [results.get(led) for results in leds] for results in leds for led in results},
        same_data=_are_equal([run.dataset_record.get("md5") for run in runs]),
        same_split=_are_equal([run.split for run in runs]),
    )


def statements(comparison: Comparison) -> list[str]:
    """Whether the data sets and the splits are equal, in the current language."""
    data, split = comparison.same_data, comparison.same_split
    of_data = text("compare_data_equal") if data else text("compare_data_differ")
    of_split = text("compare_split_equal") if split else text("compare_split_differ")
    return [
        text("compare_data_unknown") if data is None else of_data,
        text("compare_split_unknown") if split is None else of_split,
    ]


def short_labels(runs: Sequence[RunInfo]) -> list[str]:
    """For each run the shortest end of its path that differs from all others."""
    paths = [run.path.resolve().parts for run in runs]
    for num in range(1, max(map(len, paths)) + 1):
        labels = ["/".join(parts[-num:]) for parts in paths]
        if len(set(labels)) == len(labels):
            return labels
    return [f"{run.path} ({number})" for number, run in enumerate(runs, start=1)]  # the same run twice


def _settings(run: RunInfo) -> dict[str, Any]:
    """The settings of a run; those that its version did not have get their present default."""
    recorded = {name: value for name, value in run.settings.items() if name not in _OF_ONE_START}
    defaults = {name: value for name, value in TrainConfig().to_dict().items() if name not in _OF_ONE_START}
    return defaults | recorded if recorded else {}


def _conditions(run: RunInfo) -> dict[str, Any]:
    start = as_dict(run.starts[-1]) if run.starts else {}
    git, versions = as_dict(start.get("git")), as_dict(start.get("versions"))
    changed = as_text(git.get("diff_md5"))[:8]
    commit = as_text(git.get("commit"))[:10]
    return {
        "commit": f"{commit} + {changed}" if changed else commit or None,
        **{name: as_text(versions.get(name)) or None for name in ("python", "glint_unet", "torch", "numpy", "h5py")},
        "device": run.device or None,
        "processes": start.get("processes"),
        "host": run.host or None,
    }


def _differing(tables: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    names = dict.fromkeys(name for table in tables for name in table)
    values = {name: [table.get(name) for table in tables] for name in names}
    return {name: row for name, row in values.items() if len({_key(value) for value in row}) > 1}


def _key(value: Any) -> str:
    """Values that are equal in JSON have equal keys: 1 and 1.0 are."""
    return json.dumps(float(value) if isinstance(value, int) and not isinstance(value, bool) else value, sort_keys=True)


def _are_equal(values: Sequence[Any]) -> bool | None:
    return None if any(value is None for value in values) else all(value == values[0] for value in values)


def led_results(run: RunInfo) -> dict[str, LedResult]:
    """The results of each LED, from the confusion matrix of the best epoch: C rows of C + 1 counts."""
    matrix = run.best_row.get("val_confusion")
    if not isinstance(matrix, list) or not all(isinstance(row, list) and len(row) > len(matrix) for row in matrix):
        return {}
    prefix = as_text(run.dataset_record.get("prefix")) or "g"
    results = {}
    for led, row in enumerate(matrix):
        counts = [as_count(value) for value in row]
        num, right, missed = sum(counts), counts[led], counts[-1]
        shares = (right / num, (num - right - missed) / num) if num else (None, None)
        results[f"{prefix}{led + 1}"] = LedResult(num, *shares)
    return results
