"""Sweeps: what runs when, what is stopped and continued."""

import dataclasses
import json
import os
import signal

import pytest

from glint_unet.compute.stop_signals import Interrupted
from glint_unet.config import TrainConfig
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.experiments.sweep import SweepView, sweep
from glint_unet.experiments.sweep_plan import Slot, SweepPlan
from glint_unet.experiments.sweep_space import Space
from glint_unet.files import FileLock
from tests.scripted_training import ScriptedEngine

EPOCHS = 4


@pytest.fixture
def plan(tmp_path):
    """Builds the plan of a sweep in one directory."""

    def build(*assignments, trials=20, seeds=1, prune=False, parallel=2, metric="f1", retry=False, **changes):
        config = TrainConfig(**{"h5": "eyes.h5", "epochs": EPOCHS, "lang": "en", **changes})
        space = Space.parse(assignments)
        return SweepPlan(
            directory=tmp_path / "sweep",
            flags=(f"--epochs={config.epochs}",),
            more_flags=(),
            config=config,
            dataset_md5="0" * 32,
            space=space,
            num_trials=min(trials, len(space.grid() or range(trials))),
            num_seeds=seeds,
            metric=metric,
            prune=prune,
            retry_failed=retry,
            slots=(Slot(None, 1),) * parallel,
        )

    return build


class Watch(SweepView):
    """Notes what happens, and sends SIGTERM to this process when `stop_when` holds for the open trials."""

    def __init__(self, stop_when=lambda trials: False):
        self.stop_when = stop_when
        self.most_running = 0
        self.events = []

    def started(self, trial, run, *, is_resumed):
        self.events.append((run.path.name, "resumed" if is_resumed else "started"))

    def ended(self, result):
        self.events.append((result.number, result.state))

    def looked(self, trials):
        running = [run for trial in trials for run in trial.runs if run.state == "running"]
        self.most_running = max(self.most_running, len(running))
        if self.stop_when(trials):
            self.stop_when = lambda trials: False
            os.kill(os.getpid(), signal.SIGTERM)


LISTS = ["lr=1e-3,2e-3,3e-3,4e-3", "loss=quality_focal"]


def outcomes(study):
    """What a sweep found, without times."""
    return [(r.number, r.state, r.params, r.values, r.best_epochs, r.epochs) for r in study.results()]


def test_a_grid_is_run_in_order_with_as_many_at_a_time_as_there_are_slots(plan):
    view = Watch()
    study = sweep(plan(*LISTS), ScriptedEngine, view)
    results = study.results()
    assert [result.params["lr"] for result in results] == ["1e-3", "2e-3", "3e-3", "4e-3"]
    assert [result.mean for result in results] == pytest.approx([1 / 3, 2 / 3, 1, 2 / 3])
    assert [result.best_epochs for result in results] == [(3,)] * 4
    assert view.most_running == 2


def test_every_gpu_gets_as_many_runs_at_a_time_as_it_has_slots(plan, tmp_path):
    slots = (Slot("0", 1), Slot("1", 1), Slot("0", 1))
    seen = []

    class Gpus(Watch):
        def looked(self, trials):
            running = [run.slot.gpu for trial in trials for run in trial.runs if run.slot]
            seen.append(running.count("0"))
            assert running.count("1") <= 1

    two_gpus = dataclasses.replace(plan("lr=1e-3,2e-3,3e-3,4e-3,2.5e-3", "loss=quality_focal"), slots=slots)
    sweep(two_gpus, ScriptedEngine, Gpus())
    assert max(seen) == 2
    used = [json.loads(path.read_text())["gpu"] for path in sorted((tmp_path / "sweep").glob("trial_*/flags.json"))]
    assert used[:3] == ["0", "1", "0"]


def test_fewer_trials_than_the_grid_has_are_its_first_ones_and_more_are_added_by_a_later_call(plan):
    assert len(sweep(plan(*LISTS, trials=2), ScriptedEngine, Watch()).results()) == 2
    view = Watch()
    study = sweep(plan(*LISTS, trials=3), ScriptedEngine, view)
    assert [result.params["lr"] for result in study.results()] == ["1e-3", "2e-3", "3e-3"]
    assert view.events == [("trial_002", "started"), (2, "complete")]


def test_a_finished_sweep_starts_nothing(plan):
    first = outcomes(sweep(plan(*LISTS), ScriptedEngine, Watch()))
    view = Watch()
    assert outcomes(sweep(plan(*LISTS), ScriptedEngine, view)) == first
    assert view.events == []


def test_failed_and_killed_runs_are_recorded_with_their_last_lines_and_the_others_go_on(plan):
    study = sweep(plan("loss=dice,bce,quality_focal", "lr=3e-3"), ScriptedEngine, Watch())
    failed, killed, complete = study.results()
    assert (failed.state, failed.reason) == ("failed", "first line | no such thing: correct it")
    assert killed.state == "failed"
    assert "SIGKILL" in killed.reason
    assert (complete.state, complete.mean) == ("complete", 1.0)


def test_failed_trials_are_repeated_when_asked_for_as_new_trials_once_each_time(plan):
    lists = ["lr=3e-3,4e-3", "loss=dice,quality_focal"]

    def states(**options):
        return [
            (r.number, r.state, r.params["loss"])
            for r in sweep(plan(*lists, **options), ScriptedEngine, Watch()).results()
        ]

    first = [(0, "failed", "dice"), (1, "complete", "quality_focal"), (2, "failed", "dice")]
    assert states(trials=3) == first
    assert states(trials=3) == first
    second = [*first, (3, "failed", "dice"), (4, "failed", "dice")]
    assert states(trials=3, retry=True) == second
    assert states() == [*second, (5, "complete", "quality_focal")]


def test_a_metric_without_any_value_is_a_failure_that_says_so(plan):
    (result,) = sweep(plan("lr=3e-3", "loss=quality_focal", metric="px_error"), ScriptedEngine, Watch()).results()
    assert result.state == "failed"
    assert "px_error" in result.reason


def test_the_mean_over_the_seeds_counts_and_one_failed_seed_fails_the_trial(plan):
    study = sweep(plan("loss=quality_focal,dice", "lr=3e-3", seeds=3, seed=1), ScriptedEngine, Watch())
    complete, failed = study.results()
    assert complete.values == pytest.approx((1.01, 1.02, 1.03))
    assert complete.mean == pytest.approx(1.02)
    assert complete.spread == pytest.approx(0.01)
    assert failed.state == "failed"


def test_a_range_is_searched_by_values_that_depend_on_the_number_of_the_trial_alone(plan, tmp_path):
    ranges = ["lr=1e-3..1e-2:log", "batch=2..64:log", "loss=quality_focal"]
    first = sweep(plan(*ranges, trials=5, parallel=1), ScriptedEngine, Watch()).results()
    (tmp_path / "sweep").rename(tmp_path / "first")
    second = sweep(plan(*ranges, trials=5, parallel=3), ScriptedEngine, Watch()).results()
    assert [result.params for result in first] == [result.params for result in second]
    assert len({result.params["lr"] for result in first}) == 5
    assert all(1e-3 <= float(result.params["lr"]) <= 1e-2 for result in first)
    assert all(2 <= int(result.params["batch"]) <= 64 for result in first)


def test_a_stopped_sweep_saves_its_runs_and_the_next_call_resumes_them_and_starts_the_others(plan):
    lists = ["loss=quality_focal,focal", "lr=2e-3,3e-3"]  # the trials with focal continue until they are stopped

    def focal_trains(trials):
        return sum(bool(trial.runs[0].rows) for trial in trials if trial.params["loss"] == "focal") == 2

    first = Watch(focal_trains)
    with pytest.raises(Interrupted):
        sweep(plan(*lists), ScriptedEngine, first)
    assert {event for event in first.events if "complete" in event} == {(0, "complete"), (1, "complete")}
    second = Watch()
    study = sweep(plan(*lists), ScriptedEngine, second)
    assert sorted(second.events[:2]) == [("trial_002", "resumed"), ("trial_003", "resumed")]
    assert [result.state for result in study.results()] == ["complete"] * 4
    assert [result.mean for result in study.results()] == pytest.approx([2 / 3, 1, 2 / 3, 1])


def test_a_run_stopped_by_someone_else_is_left_for_the_next_call(plan):
    (run,) = [plan("loss=focal", "lr=3e-3").run_directory(0, 0)]

    class Killer(Watch):
        def looked(self, trials):
            if trials and trials[0].runs[0].rows:
                trials[0].runs[0].process.stop()

    study = sweep(plan("loss=focal", "lr=3e-3"), ScriptedEngine, Killer())
    assert [result.state for result in study.results()] == ["running"]
    study = sweep(plan("loss=focal", "lr=3e-3"), ScriptedEngine, Watch())
    assert [result.state for result in study.results()] == ["complete"]
    assert (run.parent / "starts.txt").read_text() == "trial_000 new\ntrial_000 resumed\n"


def test_hopeless_runs_are_stopped_and_good_ones_are_not(plan):
    lists = ["lr=2.6e-3,2.7e-3,2.8e-3,2.9e-3,3e-3,1e-4", "loss=quality_focal"]
    study = sweep(plan(*lists, prune=True), ScriptedEngine, Watch())
    assert [result.state for result in study.results()] == ["complete"] * 5 + ["pruned"]


def test_a_run_that_another_process_writes_to_is_waited_for(plan):
    lists = ["loss=focal", "lr=3e-3"]
    with pytest.raises(Interrupted):
        sweep(plan(*lists), ScriptedEngine, Watch(lambda trials: trials[0].runs[0].rows))
    lock = FileLock(plan(*lists).run_directory(0, 0) / ".run.lock", create=True)
    lock.acquire()
    seen: list[str] = []

    class Other(Watch):
        def looked(self, trials):
            seen.extend(run.state for trial in trials for run in trial.runs)
            if len(seen) == 3:
                lock.release()

    study = sweep(plan(*lists), ScriptedEngine, Other())
    assert seen[:2] == ["elsewhere", "elsewhere"]
    assert [result.state for result in study.results()] == ["complete"]


def test_two_sweeps_in_one_directory_are_refused(plan):
    lists = plan(*LISTS)
    lists.directory.mkdir()
    with (
        FileLock(lists.directory / ".sweep.lock", create=True),
        pytest.raises(RunDirectoryError, match="another sweep"),
    ):
        sweep(lists, ScriptedEngine, Watch())


def test_another_sweep_in_the_directory_is_refused_with_what_differs(plan):
    sweep(plan(*LISTS, trials=1), ScriptedEngine, Watch())
    with pytest.raises(SettingError, match=r"epochs: 4 -> 5, seeds: 1 -> 2"):
        sweep(plan(*LISTS, seeds=2, epochs=5), ScriptedEngine, Watch())
    sweep(plan(*LISTS, trials=1, threads=2, lang="zh", parallel=1), ScriptedEngine, Watch())


@pytest.mark.parametrize("name", ["sweep.json", "study.journal"])
def test_a_damaged_record_is_refused(plan, name):
    sweep(plan(*LISTS, trials=1), ScriptedEngine, Watch())
    (plan(*LISTS).directory / name).write_text("{}\n[]\n")
    with pytest.raises(RunDirectoryError, match="is damaged"):
        sweep(plan(*LISTS, trials=1), ScriptedEngine, Watch())


def test_what_a_killed_writer_leaves_in_the_journal_does_no_harm(plan):
    first = outcomes(sweep(plan(*LISTS, trials=2), ScriptedEngine, Watch()))
    journal = plan(*LISTS).journal
    with journal.open("ab") as file:
        file.write(b'{"op_code":4,"worker')
    journal.with_name("study.journal.lock").symlink_to(journal)
    assert outcomes(sweep(plan(*LISTS, trials=3), ScriptedEngine, Watch()))[:2] == first
