"""What a sweep has found: sweep.csv, the best settings as a command line, and which settings are as good."""

import csv
import io
import math
from collections.abc import Mapping, Sequence

from glint_unet.experiments.sweep_plan import SweepPlan
from glint_unet.experiments.sweep_study import TrialResult
from glint_unet.files import write_bytes
from glint_unet.own_command import own_command

_STANDARD_ERRORS = 2.0
_LONG = 8


def write_table(plan: SweepPlan, results: Sequence[TrialResult]) -> None:
    """Writes sweep.csv: one row for each trial that has begun, in the order of their numbers.

    Args:
        plan: the sweep.
        results: its trials.

    Raises:
        SpaceError, RunDirectoryError: the file cannot be written.
    """
    content = io.StringIO()
    names = plan.space.names
    columns = ["trial", "state", plan.metric, f"{plan.metric}_std", f"{plan.metric}_of_seeds", *names]
    table = csv.writer(content, lineterminator="\n")
    table.writerow([*columns, "best_epochs", "epochs", "seconds", "runs", "reason"])
    for result in results:
        runs = [plan.run_directory(result.number, seed).name for seed in plan.seeds()]
        found = [result.number, result.state, _cell(result.mean), _cell(result.spread), _joined(result.values)]
        values = [result.params.get(name, "") for name in names]
        spent = [_joined(result.best_epochs), result.epochs, f"{result.seconds:.1f}"]
        table.writerow([*found, *values, *spent, " ".join(runs), result.reason])
    write_bytes(plan.directory / "sweep.csv", content.getvalue().encode("utf-8", "backslashreplace"))


def best_command(plan: SweepPlan, best: TrialResult) -> str:
    """The shell command that trains with the settings of a trial, in a new run directory."""
    return own_command(["train", *plan.settings(best.params)])


def in_words(params: Mapping[str, str]) -> str:
    """The values of the settings that vary, long numbers shortened."""
    return " ".join(f"{name}={_short(value)}" for name, value in params.items())


def _short(value: str) -> str:
    try:
        return value if len(value) <= _LONG else f"{float(value):.4g}"
    except ValueError:
        return value


def not_distinguishable(best: TrialResult, others: Sequence[TrialResult]) -> list[TrialResult]:
    """The trials whose mean differs from that of the best one by less than two standard errors of the difference.

    Empty for one seed, which says nothing about the noise.
    """
    found = []
    for other in others:
        if best.spread is None or other.spread is None or best.mean is None or other.mean is None:
            continue
        variance = best.spread**2 / len(best.values) + other.spread**2 / len(other.values)
        if abs(best.mean - other.mean) <= _STANDARD_ERRORS * math.sqrt(variance):
            found.append(other)
    return found


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _joined(values: Sequence[float]) -> str:
    return " ".join(f"{value:.6g}" for value in values)
