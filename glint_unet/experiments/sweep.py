"""Many runs over a space of settings, some at a time, which can be killed and continued at any instant.

Each trial is one or several ordinary run directories, written by ordinary training processes. What has to be known to
continue is in the run directories and in the study; a trial that was running is resumed from its checkpoint.
"""

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from glint_unet.compute.stop_signals import Interrupted, StopSignals
from glint_unet.errors import RunDirectoryError
from glint_unet.experiments.sweep_engine import Engine
from glint_unet.experiments.sweep_plan import Slot, SweepPlan
from glint_unet.experiments.sweep_study import SweepStudy, TrialResult
from glint_unet.experiments.sweep_trial import Trial, TrialRun
from glint_unet.files import FileLock, sweep_temporaries
from glint_unet.runs.run_directory import RunDirectory

_LOOK_EVERY_S = 0.1


class SweepView:
    """What a sweep reports while it is running; each method does nothing, and subclasses override them."""

    def begun(self, study: SweepStudy) -> None:
        """The study is open."""

    def started(self, trial: Trial, run: TrialRun, *, is_resumed: bool) -> None:
        """A run has been started."""

    def ended(self, result: TrialResult) -> None:
        """A trial has ended."""

    def looked(self, trials: list[Trial]) -> None:
        """Called several times a second with the trials that are open."""


def sweep(plan: SweepPlan, new_engine: Callable[[], Engine], view: SweepView) -> SweepStudy:
    """Runs a sweep until all its trials have ended; those of an earlier call are continued.

    Args:
        plan: what to do.
        new_engine: makes the engine that runs the training processes; called with the directory locked.
        view: called as the sweep proceeds.

    Returns:
        The study.

    Raises:
        RunDirectoryError: another sweep is using the directory, or it cannot be written.
        SettingError: the directory contains a sweep with other settings.
        Interrupted: a stop signal was received; the running trials have saved their state.
    """
    with _locked(plan.directory), StopSignals() as stop:
        plan.check_or_write_record()
        plan.console(plan.directory).parent.mkdir(exist_ok=True)
        study = SweepStudy(plan)
        view.begun(study)
        loop = _Loop(plan, new_engine(), study, view)
        try:
            loop.fill()
            while not loop.is_over(is_stopping=stop.received is not None):
                time.sleep(_LOOK_EVERY_S)
                loop.reap()
                if stop.received is None:
                    loop.fill()
                else:
                    loop.stop()
                view.looked(loop.trials)
        finally:
            loop.stop()
        if stop.received is not None:
            raise Interrupted(stop.received)
    return study


class _Loop:
    """The open trials of a sweep, and which of the slots they take."""

    def __init__(self, plan: SweepPlan, engine: Engine, study: SweepStudy, view: SweepView) -> None:
        self._plan = plan
        self._engine = engine
        self._study = study
        self._view = view
        self.trials = [self._open(number, params) for number, params in study.interrupted_trials()]

    def _open(self, number: int, params: dict[str, str]) -> Trial:
        runs = [TrialRun(self._plan.run_directory(number, seed), seed) for seed in self._plan.seeds()]
        return Trial(number, params, int(params.get("epochs", self._plan.config.epochs)), runs)

    def _active(self) -> list[TrialRun]:
        return [run for trial in self.trials for run in trial.runs if run.state == "running"]

    def is_over(self, *, is_stopping: bool) -> bool:
        """Whether nothing is running, and nothing is left to do or the sweep is to stop."""
        return not self._active() if is_stopping else not self.trials

    def reap(self) -> None:
        """Notes what the runs have done, stops hopeless trials, and records those that have ended."""
        for trial in self.trials:
            for run in trial.runs:
                if run.state == "running" and not run.has_ended():
                    run.update()
            if self._plan.prune:
                self._prune(trial)
        for trial in [trial for trial in self.trials if trial.is_over()]:
            consoles = {run.path: self._plan.console(run.path) for run in trial.runs}
            result = trial.result(self._plan.metric, consoles)
            self.trials.remove(trial)
            if result:
                self._study.end(result)
                self._view.ended(result)

    def _prune(self, trial: Trial) -> None:
        """Reports the new epochs of the first seed, and stops all runs of the trial if they show it to be hopeless."""
        first = trial.runs[0]
        if first.state != "running" or trial.is_pruned:
            return
        for row in first.rows[trial.num_reported :]:
            trial.num_reported += 1
            value = row["val"].get(self._plan.metric)
            if value is not None:
                self._study.report(trial.number, row["epoch"], value)
                if self._study.is_hopeless(trial.number):
                    trial.is_pruned = True
                    self.stop([trial])
                    return

    def fill(self) -> None:
        """Starts runs until all slots are taken or nothing is left to start."""
        free = list(self._plan.slots)
        for run in self._active():
            assert run.slot is not None
            free.remove(run.slot)
        for slot in free:
            if (started := self._next()) is None:
                return
            self._start(*started, slot)

    def _next(self) -> tuple[Trial, TrialRun] | None:
        for trial in self.trials:
            if run := trial.next_run():
                return trial, run
        begun = self._study.next_trial()
        if begun is None:
            return None
        trial = self._open(*begun)
        self.trials.append(trial)
        return trial, trial.runs[0]

    def _start(self, trial: Trial, run: TrialRun, slot: Slot) -> None:
        is_resumed = RunDirectory(run.path).holds_a_run()
        if is_resumed:  # with the settings that it has, threads included, so that it continues exactly
            flags = [f"--resume={run.path}"]
        else:
            flags = [*self._plan.run_flags(trial.params, run.seed, slot), f"--output_dir={run.path}"]
        flags += [f"--lang={self._plan.config.lang}", "--no_progress", *([f"--gpu={slot.gpu}"] if slot.gpu else [])]
        run.process = self._engine.start(flags, self._plan.console(run.path))
        run.state, run.slot = "running", slot
        self._view.started(trial, run, is_resumed=is_resumed)

    def stop(self, trials: list[Trial] | None = None) -> None:
        """Asks the runs of these trials, by default all, to save their state and end."""
        for trial in self.trials if trials is None else trials:
            for run in trial.runs:
                if run.process:
                    run.process.stop()


@contextlib.contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Makes this process the only sweep of the directory."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = FileLock(directory / ".sweep.lock", create=True)
    except OSError as error:
        raise RunDirectoryError(
            "not_writable_by_flag", path=directory, reason=error.strerror, flag="--output_dir"
        ) from error
    try:
        if not lock.acquire(wait=False):
            pid, host = lock.holder()
            raise RunDirectoryError("sweep_in_use", path=directory, pid=pid, host=host)
        lock.describe_holder()
        sweep_temporaries(directory)
        yield
    finally:
        lock.release()
