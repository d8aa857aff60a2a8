"""Reconciles the files of a run directory with the checkpoint that the run resumes from."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from glint_unet.errors import CheckpointError
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.checkpoint_file import write_checkpoint
from glint_unet.runs.progress import Best
from glint_unet.runs.resume_point import ResumePoint
from glint_unet.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class Repair:
    """The outcome of `repair_run`.

    Attributes:
        best: the best epoch so far, whose weights are in the run directory; epoch 0 if there is none.
        history_aside: directory that superseded history was moved to; None if there was none.
        damaged_best: the error of a damaged best model; None if it was intact or missing.
        best_aside: directory that the damaged best model was moved to.
    """

    best: Best
    history_aside: Path | None
    damaged_best: CheckpointError | None
    best_aside: Path | None


def repair_run(run: RunDirectory, point: ResumePoint, best_metric: str) -> Repair:
    """Reconciles the files of a run directory with the checkpoint that the run resumes from.

    A kill between two writes can leave the best model newer than the latest checkpoint; it is kept, because a better
    model is never replaced by a worse one. History newer than the checkpoint and an unreadable best model are moved
    aside, never overwritten. A missing best model is replaced by the best epoch up to the checkpoint whose weights
    still exist.

    Args:
        run: the directory to resume in: the checkpoint's own, or a new one.
        point: the checkpoint to resume from.
        best_metric: the metric that ranks epochs from now on.
    """
    aside = damaged = best_aside = best = None
    if run.latest.exists() and run.latest.resolve() != point.path.resolve() and _is_superseded(run, point):
        aside = run.set_aside_after(point.checkpoint.epoch)
    if run.best.exists():
        try:
            best = _kept_best(run, point, best_metric)
        except CheckpointError as error:
            damaged, best_aside = error, run.set_aside_best()
    if best is None:
        best = _best_of_branch(run, point, best_metric)
    return Repair(best, aside, damaged, best_aside)


def _is_superseded(run: RunDirectory, point: ResumePoint) -> bool:
    try:
        latest = Checkpoint.read(run.latest)
        latest.run_state()
    except CheckpointError:
        return True
    return latest.position > point.checkpoint.position


def _kept_best(run: RunDirectory, point: ResumePoint, best_metric: str) -> Best:
    """The better of the run's best model and the best epoch recorded in the checkpoint, ranked by `best_metric`."""
    checkpoint = Checkpoint.read(run.best)
    found = checkpoint.run_state().best
    if point.config.best_metric != best_metric:
        found = _as_best(checkpoint, best_metric)
    elif not found.beats(point.state.best):
        found = point.state.best
    write_checkpoint(run.best_weights, checkpoint.deployed_weights)
    return found


def _best_of_branch(run: RunDirectory, point: ResumePoint, best_metric: str) -> Best:
    """Writes the best model from the best of the checkpoints up to the resume point."""
    best, chosen = Best(), None
    for checkpoint in _ends_of_epochs(point):
        candidate = _as_best(checkpoint, best_metric)
        if chosen is None or candidate.beats(best):
            best, chosen = candidate, checkpoint
    if chosen is not None:
        replace(chosen, state=replace(chosen.run_state(), best=best)).write(run.best)
        write_checkpoint(run.best_weights, chosen.deployed_weights)
    return best


def _ends_of_epochs(point: ResumePoint) -> Iterator[Checkpoint]:
    """The readable checkpoints of the run whose weights were validated, up to the resume point."""
    paths = [point.run.best, *(path for _, path in point.run.numbered_checkpoints()), point.path]
    for path in dict.fromkeys(path for path in paths if path.exists()):
        try:
            checkpoint = point.checkpoint if path == point.path else Checkpoint.read(path)
            _as_best(checkpoint, point.config.best_metric)
        except CheckpointError:
            continue
        if 1 <= checkpoint.epoch <= point.checkpoint.epoch and checkpoint.position[1] == 0:
            yield checkpoint


def _as_best(checkpoint: Checkpoint, best_metric: str) -> Best:
    checkpoint.run_state()
    try:
        return Best.of_epoch(checkpoint.epoch, checkpoint.metrics["val"], best_metric)
    except (KeyError, TypeError, AssertionError) as error:
        raise CheckpointError("checkpoint_incomplete", path=checkpoint.path, missing="metrics") from error
