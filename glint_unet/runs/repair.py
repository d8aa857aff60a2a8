"""The files of a run brought into agreement with the checkpoint that it goes on from."""

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
    """What was found and done.

    Attributes:
        best: the best epoch so far, whose weights are in the run directory; epoch 0 while there is none.
        history_aside: directory that the superseded history was moved to.
        damaged_best: what is wrong with the best model that was there; it was moved to `best_aside`.
        best_aside: directory that a damaged best model was moved to.
    """

    best: Best
    history_aside: Path | None
    damaged_best: CheckpointError | None
    best_aside: Path | None


def repair_run(run: RunDirectory, point: ResumePoint, best_metric: str) -> Repair:
    """Brings the files of a run into agreement with the checkpoint that it goes on from.

    A kill between two files leaves the best model newer than latest; it is kept, because a better model is never
    replaced by a worse one. History newer than the checkpoint, and a best model that cannot be read, are moved aside,
    never overwritten. Where there is no best model, the best of the epochs up to the checkpoint takes its place, as
    far as their weights are still there.

    Args:
        run: the directory to go on in; the checkpoint's own, or a new one.
        point: where to go on from.
        best_metric: what makes an epoch the best from now on.
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
    """The better of the run's best model and what the checkpoint knows as best, in the unit of `best_metric`."""
    checkpoint = Checkpoint.read(run.best)
    found = checkpoint.run_state().best
    if point.config.best_metric != best_metric:
        found = _as_best(checkpoint, best_metric)
    elif not found.beats(point.state.best):
        found = point.state.best
    write_checkpoint(run.best_weights, checkpoint.deployed_weights)
    return found


def _best_of_branch(run: RunDirectory, point: ResumePoint, best_metric: str) -> Best:
    """Makes the best of the checkpoints up to where the run goes on its best model."""
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
    """The readable checkpoints of the run, up to the one that it goes on from, whose weights were validated."""
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
