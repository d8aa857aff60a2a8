"""Adapts a trained model to unlabelled images: label what its views agree on, fine-tune, compare, keep the better one.

Every step leaves a complete file in the new run directory, and the same call continues behind the last complete one.
"""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from glint_unet.adaptation.comparison import FrameReport, SelfAgreement
from glint_unet.adaptation.frames import Chosen, choose_frames
from glint_unet.adaptation.old_model import put_back, read_model
from glint_unet.adaptation.pseudo_dataset import PseudoCounts, rig_of, synthetic_rows, write_pseudo_dataset
from glint_unet.adaptation.pseudo_labels import LEAST_CERTAIN, Rows, rows_of
from glint_unet.adaptation.report import AdaptReport, Example, draw_examples
from glint_unet.adaptation.task import Adaptation
from glint_unet.compute.device import choose_device
from glint_unet.compute.group import Group
from glint_unet.compute.threads import choose_threads
from glint_unet.config import TrainConfig
from glint_unet.console import say
from glint_unet.data.media import Media, open_media
from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import AdaptError, MediaError, RigError, RunDirectoryError
from glint_unet.files import write_json
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import TrainedModel
from glint_unet.messages import set_language, text
from glint_unet.pretrained import is_pretrained, model_path
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training.loop import train

LEAST_FRAMES = 4
"""Labelled frames without which nothing is learnt."""

_ROWS_WANTED = 600
_MOST_COPIES, _LEAST_COPIES = 12, 2
_AUG_SCALE = 0.25
_NUM_EXAMPLES = 12
_OF_ANOTHER_MACHINE = ("cache", "shared_memory", "preload", "processes", "gpu", "profile")  # defaults instead


Watch = Callable[[Iterator[Chosen]], Iterator[Chosen]]


def adapt(task: Adaptation, watch: Watch = iter) -> AdaptReport:
    """Makes a model better on images without annotations, or leaves it as it is.

    Args:
        task: what is to be done.
        watch: passes frames on, perhaps to show progress.

    Returns:
        What changed; also in the run directory, beside the model that is kept as the best one.

    Raises:
        GlintError: a mistake of the user, or images in which the model is certain of too few glints.
        Interrupted: a stop signal was received in training; the same call continues.
    """
    _check_same(task)
    task = dataclasses.replace(task, threads=_num_threads(task))
    if task.report.exists():
        return AdaptReport.from_dict(json.loads(task.report.read_text(encoding="utf-8")))
    model, config = read_model(model_path(task.run))
    media = open_media(task.images)
    device = choose_device(TrainConfig(device=task.device), Group())
    old = GlintDetector.load(model.path, device, rig=task.rig)
    if not old.names_leds:
        raise AdaptError("adapt_unnamed", run=task.run)
    model = model._replace(num_classes=old.num_classes, constellation=old.constellation)
    with task.new.locked():
        if not task.dataset.exists():
            _make_dataset(task, model, old, media, _rig(task, config.h5, model), watch)
        counts = PseudoCounts(**json.loads(task.counts.read_text(encoding="utf-8")))
    _fine_tune(task, model, config, counts)
    with task.new.locked():
        new = GlintDetector.load(task.rejected if task.rejected.exists() else task.new.best, device)
        report = _compare(task, media, old, new, counts, watch)
        if not report.is_kept:
            put_back(task.new, task.rejected, model, old)
        write_json(task.report, report.to_dict())
    return report


def _check_same(task: Adaptation) -> None:
    """Refuses a directory that holds another run or another adaptation."""
    if not task.settings_file.exists():
        if task.new.holds_a_run():
            raise RunDirectoryError("adapt_into_a_run", path=task.output_dir)
        return
    was, now = json.loads(task.settings_file.read_text(encoding="utf-8")), task.identity
    if differing := [name for name in now if was.get(name) != now[name]]:
        listed = ", ".join(f"--{name} {was.get(name)} -> {now[name]}" for name in differing)
        raise RunDirectoryError("adapt_other_settings", path=task.output_dir, listed=listed)


def _num_threads(task: Adaptation) -> int:
    """Sets the number of threads before the first look, because sums depend on it; a second call keeps it."""
    recorded = json.loads(task.settings_file.read_text(encoding="utf-8")) if task.settings_file.exists() else {}
    threads = choose_threads(task.threads or recorded.get("threads", 0))
    threads.use()
    return threads.num


def _rig(task: Adaptation, h5: str, model: TrainedModel) -> Rig | None:
    """The rig whose synthetic eyes are mixed in, if there is one; says so where it cannot be used any more."""
    if task.rig:
        return dataclasses.replace(Rig.read(task.rig), image_size=model.image_size)
    try:
        return rig_of(h5, model)
    except RigError as error:
        say(text("adapt_no_rig", reason=error))
        return None


def _make_dataset(
    task: Adaptation, model: TrainedModel, old: GlintDetector, media: Media, rig: Rig | None, watch: Watch
) -> None:
    """Labels the frames and writes the data set; the data set comes last.

    Raises:
        MediaError: every frame is broken.
        AdaptError: too few frames have enough certain glints.
    """
    num_frames, num_labelled, broken = 0, 0, []
    copies = _num_copies(min(media.num_frames or task.max_images, task.max_images))
    rows, held_back = Rows(), Rows()
    for place, frame, is_held_back in watch(choose_frames(media, task.max_images)):
        if frame.image is None:
            broken.append(frame.problem)
            continue
        of_frame = rows_of(old, frame.image, f"frame_{place:06d}", copies, [task.seed, place])
        (held_back if is_held_back else rows).extend(of_frame)
        num_frames, num_labelled = num_frames + 1, num_labelled + bool(len(of_frame))
    if not num_frames:
        raise MediaError("media_all_broken", path=task.images, num=len(broken), reason=broken[0] if broken else "-")
    if num_labelled < LEAST_FRAMES:
        least = min(LEAST_CERTAIN, model.num_classes)
        where = {"path": task.images, "num": num_frames, "run": task.run}
        raise AdaptError("adapt_nothing_certain", labelled=num_labelled, need=LEAST_FRAMES, least=least, **where)
    for emptier, fuller in ((held_back, rows), (rows, held_back)):
        if not len(emptier):
            emptier.extend(fuller.cut_last(copies))
    num_synthetic = _mix_in(rig, rows, held_back, task.seed) if rig else 0
    counts = PseudoCounts(len(broken), num_labelled, num_synthetic, len(rows) + len(held_back), len(held_back))
    write_json(task.settings_file, {**task.identity, "threads": task.threads})
    write_json(task.counts, counts._asdict())
    write_pseudo_dataset(task.dataset, model, rows, held_back, task.seed)


def _mix_in(rig: Rig, rows: Rows, held_back: Rows, seed: int) -> int:
    """Doubles both parts with synthetic eyes, so that the threshold is not chosen on easy images alone."""
    num_train, num_held_back = len(rows), len(held_back)
    synthetic = synthetic_rows(rig, num_train + num_held_back, seed)
    held_back.extend(synthetic.cut_last(num_held_back))
    rows.extend(synthetic)
    return num_train + num_held_back


def _num_copies(num_frames: int) -> int:
    """Training images per frame."""
    return max(_LEAST_COPIES, min(_MOST_COPIES, -(-_ROWS_WANTED // num_frames)))


def _fine_tune(task: Adaptation, model: TrainedModel, config: TrainConfig, counts: PseudoCounts) -> None:
    """Trains from the model's weights on the pseudo-labelled data set, or continues with that."""
    of_this_start: dict[str, Any] = {"threads": task.threads, "progress": task.progress}
    defaults = TrainConfig()
    if task.new.holds_a_run():
        point = find_resume_point(str(task.output_dir), None)
        if point.checkpoint.epoch < task.epochs:
            train(dataclasses.replace(point.config, resume=str(task.output_dir), **of_this_start))
            set_language(task.lang)  # the log keeps its language; what follows is for this call
        return
    settings: dict[str, Any] = {
        "h5": str(task.dataset),
        "init": str(task.run) if is_pretrained(task.run) else str(model.path),
        "output_dir": str(task.output_dir),
        "epochs": task.epochs,
        "lr": task.lr,
        "seed": task.seed,
        "val_split": counts.num_held_back / counts.num_rows,
        "batch": 8 if config.batch == "auto" else config.batch,
        "targets": "keypoints",
        "sigma_px": model.sigma_heatmap_px * model.stride,  # of the model's targets, wherever they came from
        "augment": True,
        "aug_scale": max(config.aug_scale, _AUG_SCALE),
        "device": task.device,
        "lang": task.lang,
        **dict.fromkeys(("resume", "model_path", "save")),
        **{name: getattr(defaults, name) for name in _OF_ANOTHER_MACHINE},
    }
    train(dataclasses.replace(config, **settings, **of_this_start), constellation=model.constellation)


def _compare(
    task: Adaptation, media: Media, old: GlintDetector, new: GlintDetector, counts: PseudoCounts, watch: Watch
) -> AdaptReport:
    """Judges both models on the frames, and draws some of those held out."""
    agreement, frames = SelfAgreement(), []
    examples: list[Example] = []
    for _, frame, is_held_back in watch(choose_frames(media, task.max_images)):
        if frame.image is None:
            continue
        example = Example(frame.image, *(detector(frame.image[..., None]) for detector in (old, new)))
        found = (int(glints.present.sum()) for glints in (example.before, example.after))
        frames.append(FrameReport(frame.source, frame.number, is_held_back, *found))
        if is_held_back:
            agreement.add(old, new, frame.image)
            if len(examples) < _NUM_EXAMPLES:
                examples.append(example)
    if examples:
        draw_examples(examples, old.labels(), task.picture, (text("adapt_before"), text("adapt_after")))
    before, after = agreement.means
    return AdaptReport(
        run=str(task.run),
        images=task.images,
        is_kept=agreement.is_better,
        num_frames=len(frames),
        num_broken=counts.num_broken,
        num_labelled=counts.num_labelled,
        num_synthetic=counts.num_synthetic,
        agreement_before=before,
        agreement_after=after,
        certain_before=agreement.num_certain,
        certain_kept=agreement.num_kept,
        found_before=float(np.mean([frame.found_before for frame in frames])),
        found_after=float(np.mean([frame.found_after for frame in frames])),
        threshold_before=old.threshold,
        threshold_after=new.threshold,
        frames=tuple(frames),
    )
