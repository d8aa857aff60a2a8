"""The study of a sweep: an optuna study in a journal file, with what each trial gave.

The values of a trial are a function of (seed, number of the trial, results known when it begins), so a sweep that was
killed continues as it would have.
"""

import contextlib
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from glint_unet.errors import RunDirectoryError, one_line
from glint_unet.experiments.sweep_plan import LOWER_IS_BETTER, SweepPlan

State = Literal["running", "complete", "pruned", "failed"]

_STATES: dict[TrialState, State] = {
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_FIRST_PRUNED = 4
"""Trials that are completed before any is pruned."""
_RETRY_OF = "retry_of"
_FEWEST_FOR_IMPORTANCE = 8
_GOOD = 0.25
"""The share of the trials that PED-ANOVA takes as good; its default of 0.1 is misled by noise in 20 trials."""


@dataclass(frozen=True)
class TrialResult:
    """A trial as the study knows it.

    Attributes:
        number: from 0.
        state: running also means interrupted: the next call continues it.
        params: the values of the settings that vary, as text.
        values: the metric of each finished run, in the order of the seeds.
        best_epochs: the epochs at which these values were reached.
        epochs: epochs trained, by all runs.
        seconds: time of these epochs.
        reason: why it failed; empty otherwise.
    """

    number: int
    state: State
    params: dict[str, str]
    values: tuple[float, ...] = ()
    best_epochs: tuple[int, ...] = ()
    epochs: int = 0
    seconds: float = 0.0
    reason: str = ""

    @property
    def mean(self) -> float | None:
        """The mean of the metric over the seeds."""
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """The standard deviation of the metric over the seeds; None for fewer than two."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None


class SweepStudy:
    """Opens the study of a sweep, or begins it; the sweep's lock must be held.

    Args:
        plan: the sweep.

    Raises:
        RunDirectoryError: the journal is damaged.
    """

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        _repair(plan.journal)
        direction = StudyDirection.MINIMIZE if self.is_lower_better else StudyDirection.MAXIMIZE
        pruner = optuna.pruners.MedianPruner(_FIRST_PRUNED, n_warmup_steps=max(1, plan.config.epochs // 4))
        try:
            storage = JournalStorage(JournalFileBackend(str(plan.journal)))
            self._study = optuna.create_study(
                storage=storage, study_name="sweep", load_if_exists=True, direction=direction, pruner=pruner
            )
            self._enqueue_grid()
            if plan.retry_failed:
                self._enqueue_failed()
        except (ValueError, KeyError) as error:
            raise RunDirectoryError("sweep_record_damaged", path=plan.journal, reason=one_line(error)) from error

    def _enqueue_grid(self) -> None:
        """Adds the combinations of a grid that it does not contain yet."""
        grid = (self._plan.space.grid() or [])[: self._plan.num_trials]
        for values in grid[len(self._first_attempts()) :]:
            self._study.enqueue_trial(dict(values))

    def _enqueue_failed(self) -> None:
        """Adds the combinations of failed trials once more, as new trials."""
        trials = self._study.get_trials(deepcopy=False)
        retried = {trial.user_attrs.get(_RETRY_OF) for trial in trials}
        for trial in trials:
            if trial.state == TrialState.FAIL and trial.number not in retried:
                self._study.enqueue_trial(dict(trial.params), user_attrs={_RETRY_OF: trial.number})

    def _first_attempts(self) -> list[FrozenTrial]:
        """All trials but those that repeat a failed one."""
        return [trial for trial in self._study.get_trials(deepcopy=False) if _RETRY_OF not in trial.user_attrs]

    @property
    def is_lower_better(self) -> bool:
        """Whether the best trial has the lowest value."""
        return self._plan.metric in LOWER_IS_BETTER

    def next_trial(self) -> tuple[int, dict[str, str]] | None:
        """Begins a trial; returns its number and values, or None if all have begun."""
        trials = self._study.get_trials(deepcopy=False)
        waiting = [trial.number for trial in trials if trial.state == TrialState.WAITING]
        num_begun = sum(trial.state != TrialState.WAITING for trial in self._first_attempts())
        is_to_retry = any(_RETRY_OF in trials[number].user_attrs for number in waiting)
        if num_begun >= self._plan.num_trials and not is_to_retry:
            return None
        self._study.sampler = self._sampler(waiting[0] if waiting else len(trials), 0)
        trial = self._study.ask()
        return trial.number, self._values(trial)

    def interrupted_trials(self) -> list[tuple[int, dict[str, str]]]:
        """Number and values of all trials that have begun and not ended."""
        trials = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [(trial.number, self._values(self._trial(trial.number))) for trial in trials]

    def _values(self, trial: Trial) -> dict[str, str]:
        """The values of a trial; those that it does not have yet are drawn."""
        values = {}
        for k, parameter in enumerate(self._plan.space.parameters, 1):
            self._study.sampler = self._sampler(trial.number, k)
            values[parameter.name] = parameter.suggest(trial)
        return values

    def _sampler(self, number: int, place: int) -> optuna.samplers.BaseSampler:
        seed = (self._plan.config.seed * 1_000_003 + number * 101 + place) % 2**32
        return optuna.samplers.TPESampler(seed=seed)

    def _trial(self, number: int) -> Trial:
        frozen = self._study.get_trials(deepcopy=False)[number]
        return Trial(self._study, frozen._trial_id)

    def report(self, number: int, epoch: int, value: float) -> None:
        """Records the metric after an epoch, for pruning; of several reports of an epoch the first one counts."""
        if epoch not in self._study.get_trials(deepcopy=False)[number].intermediate_values:
            self._trial(number).report(value, epoch)

    def is_hopeless(self, number: int) -> bool:
        """Whether the trial has fallen behind the median of the others at the same epoch."""
        return self._trial(number).should_prune()

    def end(self, result: TrialResult) -> None:
        """Records how a trial ended: complete, pruned or failed."""
        trial = self._trial(result.number)
        attributes = ("values", "best_epochs", "epochs", "seconds", "reason")
        for name in attributes:
            trial.set_user_attr(name, getattr(result, name))
        if result.state == "complete":
            self._study.tell(result.number, result.mean)
        else:
            state = TrialState.PRUNED if result.state == "pruned" else TrialState.FAIL
            self._study.tell(result.number, state=state)

    def results(self) -> list[TrialResult]:
        """All trials that have begun, in the order of their numbers."""
        trials = self._study.get_trials(deepcopy=False)
        return [_result(trial) for trial in trials if trial.state != TrialState.WAITING]

    def importances(self) -> dict[str, float]:
        """The share of each setting in the difference between good and other trials (PED-ANOVA); empty if unknown."""
        complete = self._study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if len({trial.value for trial in complete}) < 2 or len(complete) < _FEWEST_FOR_IMPORTANCE:
            return {}
        with contextlib.suppress(RuntimeError, ValueError):
            evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=_GOOD)
            found = optuna.importance.get_param_importances(self._study, evaluator=evaluator)
            return {name: share for name, share in found.items() if math.isfinite(share)}
        return {}


def _result(trial: FrozenTrial) -> TrialResult:
    attributes: dict[str, Any] = trial.user_attrs
    params = {name: str(value) if isinstance(value, str | int) else repr(value) for name, value in trial.params.items()}
    return TrialResult(
        number=trial.number,
        state=_STATES[trial.state],
        params=params,
        values=tuple(attributes.get("values", ())),
        best_epochs=tuple(attributes.get("best_epochs", ())),
        epochs=attributes.get("epochs", 0),
        seconds=attributes.get("seconds", 0.0),
        reason=attributes.get("reason", ""),
    )


def best_first(results: Sequence[TrialResult], *, is_lower_better: bool) -> list[TrialResult]:
    """The complete trials, the best mean first."""
    complete = [result for result in results if result.state == "complete"]
    return sorted(complete, key=lambda result: (result.mean or 0.0) * (1 if is_lower_better else -1))


def _repair(journal: Path) -> None:
    """Removes what a killed writer leaves: its lock, and a last line that is not complete."""
    journal.with_name(f"{journal.name}.lock").unlink(missing_ok=True)
    if not journal.exists():
        return
    content = journal.read_bytes()
    complete = content.rfind(b"\n") + 1
    if complete < len(content):
        with journal.open("r+b") as file:
            file.truncate(complete)
