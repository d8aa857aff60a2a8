"""The study: what it suggests, keeps and computes."""

import pytest

from glint_unet.config import TrainConfig
from glint_unet.experiments.sweep_plan import Slot, SweepPlan
from glint_unet.experiments.sweep_space import Space
from glint_unet.experiments.sweep_study import SweepStudy, TrialResult, best_first


@pytest.fixture
def plan(tmp_path):
    def build(*assignments, metric="f1", trials=20):
        config, space = TrainConfig(), Space.parse(assignments)
        return SweepPlan(tmp_path, (), (), config, "0", space, trials, 1, metric, False, False, (Slot(None, 1),))

    return build


def begin(study):
    begun = study.next_trial()
    assert begun is not None
    return begun


def test_a_trial_that_was_begun_is_given_again_with_the_same_values_after_a_kill(plan):
    ranges = ["lr=1e-4..1e-2:log", "loss=focal,dice"]
    begun = [begin(SweepStudy(plan(*ranges))) for _ in range(3)]
    assert SweepStudy(plan(*ranges)).interrupted_trials() == begun
    assert [number for number, _ in begun] == [0, 1, 2]


def test_values_of_a_trial_killed_while_they_were_drawn_are_drawn_as_they_would_have_been(plan):
    ranges = ["lr=1e-4..1e-2:log", "gamma=0..4"]
    _, whole = begin(SweepStudy(plan(*ranges)))
    lines = plan().journal.read_text().splitlines(keepends=True)
    plan().journal.write_text("".join(lines[:-1]))  # without the last value
    assert SweepStudy(plan(*ranges)).interrupted_trials() == [(0, whole)]


def test_what_a_trial_gave_is_found_again(plan):
    study = SweepStudy(plan("lr=1e-3,2e-3", trials=2))
    number, params = begin(study)
    complete = TrialResult(number, "complete", params, (0.5, 0.7), (3, 4), 8, 1.5)
    failed = TrialResult(1, "failed", {"lr": "2e-3"}, reason="memory ran out")
    study.end(complete)
    study.next_trial()
    study.end(failed)
    assert SweepStudy(plan("lr=1e-3,2e-3", trials=2)).results() == [complete, failed]
    assert study.next_trial() is None


def test_the_importance_is_that_of_the_setting_that_matters(plan):
    study = SweepStudy(plan("lr=1e-4..1e-2:log", "gamma=0..4"))
    assert study.importances() == {}
    while begun := study.next_trial():
        number, params = begun
        study.end(TrialResult(number, "complete", params, (float(params["lr"]),)))
    found = study.importances()
    assert found["lr"] > found["gamma"] > 0
    assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(("is_lower_better", "order"), [(True, [1, 0]), (False, [0, 1])])
def test_the_best_comes_first_and_what_is_not_complete_not_at_all(is_lower_better, order):
    results = [TrialResult(0, "complete", {}, (2.0,)), TrialResult(1, "complete", {}, (1.0,))]
    results.append(TrialResult(2, "pruned", {}, (9.0,)))
    assert [result.number for result in best_first(results, is_lower_better=is_lower_better)] == order
