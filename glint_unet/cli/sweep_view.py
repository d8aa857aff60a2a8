"""What a sweep shows on the console: a line for each event, and on a terminal a live table below them."""

import shutil
import sys
import time
import unicodedata

from glint_unet.console import say
from glint_unet.experiments.sweep import SweepView
from glint_unet.experiments.sweep_plan import LOWER_IS_BETTER, SweepPlan
from glint_unet.experiments.sweep_report import in_words, write_table
from glint_unet.experiments.sweep_study import SweepStudy, TrialResult, best_first
from glint_unet.experiments.sweep_trial import Trial, TrialRun
from glint_unet.messages import text

_REDRAW_EVERY_S = 1.0
_NUM_BEST = 3


class ConsoleView(SweepView):
    """Writes sweep.csv after every trial, and shows on the console what the sweep does.

    Args:
        plan: the sweep.
    """

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        self._study: SweepStudy | None = None
        self._is_live = sys.stdout.isatty()
        self._num_lines = 0
        self._drawn_at = -_REDRAW_EVERY_S
        self._results: list[TrialResult] = []

    def say(self, line: str) -> None:
        """Prints a line above the table."""
        self._erase()
        say(line)

    def begun(self, study: SweepStudy) -> None:
        """See `SweepView`."""
        self._study = study
        self._results = study.results()
        plan = self._plan
        done = sum(result.state != "running" for result in self._results)
        numbers = {"trials": plan.num_trials, "seeds": plan.num_seeds, "parallel": len(plan.slots), "done": done}
        threads = plan.config.threads or plan.slots[0].threads or "auto"
        self.say(text("sweep_begins", path=plan.directory, threads=threads, **numbers))

    def started(self, trial: Trial, run: TrialRun, *, is_resumed: bool) -> None:
        """See `SweepView`."""
        values = {"run": run.path.name, "params": in_words(trial.params)}
        self.say(text("sweep_run_resumed", **values) if is_resumed else text("sweep_run_started", **values))

    def ended(self, result: TrialResult) -> None:
        """See `SweepView`."""
        assert self._study is not None
        self._results = self._study.results()
        write_table(self._plan, self._results)
        values = {"number": result.number, "metric": self._plan.metric, "epochs": result.epochs}
        if result.state == "failed":
            self.say(text("sweep_trial_failed", number=result.number, reason=result.reason))
        elif result.state == "pruned":
            self.say(text("sweep_trial_pruned", **values))
        else:
            spread = "" if result.spread is None else f" ± {result.spread:.2g}"
            value = f"{result.mean:.4f}{spread}"
            self.say(text("sweep_trial_complete", value=value, seconds=result.seconds, **values))

    def looked(self, trials: list[Trial]) -> None:
        """See `SweepView`."""
        if not self._is_live or time.monotonic() - self._drawn_at < _REDRAW_EVERY_S:
            return
        self._erase()
        width = shutil.get_terminal_size().columns - 1
        lines = [_cut(line, width) for line in self._table(trials)] if trials else []
        for line in lines:
            say(line)
        self._num_lines = len(lines)
        self._drawn_at = time.monotonic()

    def _erase(self) -> None:
        if self._num_lines:
            sys.stdout.write(f"\x1b[{self._num_lines}A\x1b[J")
            self._num_lines = 0
            self._drawn_at = -_REDRAW_EVERY_S

    def _table(self, trials: list[Trial]) -> list[str]:
        plan = self._plan
        ranked = best_first(self._results, is_lower_better=plan.metric in LOWER_IS_BETTER)
        running = [(trial, run) for trial in trials for run in trial.runs if run.state in ("running", "elsewhere")]
        return [
            _row("trial", "epoch", plan.metric, "state", "ETA", ""),
            *(_row(str(r.number), "", f"{r.mean:.4f}", r.state, "", in_words(r.params)) for r in ranked[:_NUM_BEST]),
            *(self._row_of_run(trial, run) for trial, run in running),
            self._last_line(trials),
        ]

    def _row_of_run(self, trial: Trial, run: TrialRun) -> str:
        best = run.best(self._plan.metric)
        left_s = None if run.epoch_s is None else run.epoch_s * (trial.num_epochs - run.num_epochs)
        number = str(trial.number) if len(trial.runs) == 1 else f"{trial.number}/{run.seed}"
        epochs, value = f"{run.num_epochs}/{trial.num_epochs}", f"{best[1]:.4f}" if best else "-"
        return _row(number, epochs, value, run.state, _duration(left_s), in_words(trial.params))

    def _last_line(self, trials: list[Trial]) -> str:
        """How many trials have ended, and about how long the others take."""
        plan = self._plan
        ended = [result for result in self._results if result.state != "running"]
        runs = [run for trial in trials for run in trial.runs]
        epochs = sum(result.epochs for result in ended) + sum(run.num_epochs for run in runs)
        seconds = sum(result.seconds for result in ended) + sum(run.seconds for run in runs)
        all_epochs = (plan.num_trials - len(ended)) * plan.num_seeds * plan.config.epochs
        left = all_epochs - sum(run.num_epochs for run in runs)
        left_s = seconds / epochs * left / len(plan.slots) if epochs else None
        return text("sweep_progress", done=len(ended), trials=plan.num_trials, left=_duration(left_s))


def _row(trial: str, epoch: str, value: str, state: str, left: str, params: str) -> str:
    return f"{trial:>8} {epoch:>9} {value:>9} {state:>10} {left:>8}  {params}".rstrip()


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _cut(line: str, width: int) -> str:
    """The beginning of the line that takes at most `width` columns; Chinese characters take two."""
    taken = 0
    for k, character in enumerate(line):
        taken += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if taken > width:
            return line[:k]
    return line
