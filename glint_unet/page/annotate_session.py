"""Annotating frames with a model's help: what is shown of each frame, corrected, and saved as LabelMe.

Saving a frame never loses what an earlier session or LabelMe has written: its annotation is shown instead of the
model's glints, and shapes that are no LED's are kept.
"""

import json
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.annotation.image_annotation import AnnotationFile, LabelledPoint, led_number
from glint_unet.data.annotation.labelme import write_labelme
from glint_unet.data.annotation.labels import LedLabels
from glint_unet.data.annotation.readers import read_annotations
from glint_unet.data.images import lies_inside
from glint_unet.files import whole_file
from glint_unet.page.annotate_frames import FrameFile, Look, look_at
from glint_unet.page.worker import Worker


@dataclass(frozen=True)
class Spot:
    """The glint of an LED in a frame, or the place where it would be.

    Attributes:
        x, y: pixels of the frame.
        is_present: whether the LED's glint is there.
        origin: who says so.
        score, sigma_px: of the model; None where it is not the model's.
        radius: of a circle in the annotation file, in pixels; 0 for a point.
    """

    x: float
    y: float
    is_present: bool
    origin: Literal["model", "user", "file"]
    score: float | None = None
    sigma_px: float | None = None
    radius: float = 0.0


@dataclass
class FrameNote:
    """A frame that has been opened.

    Attributes:
        image: (H, W) uint8.
        spots: of the C LEDs.
        others: further shapes of its annotation file.
        is_changed: whether there is something to be saved.
        is_saved: whether it has an annotation file.
    """

    image: NDArray[np.uint8]
    spots: list[Spot]
    others: list[Any] = field(default_factory=list)
    is_changed: bool = False
    is_saved: bool = False


class Session:
    """The frames of an input, one of which is shown.

    Attributes:
        frames: their files.
        labels: the names of the C LEDs.
        position: index of the frame that is shown.
        num_edits: corrections so far, by which the model's help is judged.
    """

    def __init__(
        self,
        frames: Sequence[FrameFile],
        labels: Sequence[str],
        worker: Worker,
        run: str,
        rig: str | None,
        folder: Path,
    ) -> None:
        """A session that saves its annotations in `folder`, which is created with the first one."""
        self.frames = list(frames)
        self.labels = list(labels)
        self.position = 0
        self.num_edits = 0
        self.folder = folder
        self._worker = worker
        self._model = run, rig
        self._notes: dict[int, FrameNote] = {}
        self._lock = threading.Lock()

    def note(self, position: int | None = None) -> FrameNote:
        """A frame, by default the one shown; looked at by the model unless it was before.

        Raises:
            GlintError: the frame, its annotation or the model cannot be read.
        """
        at = self.position if position is None else position
        with self._lock:
            if at not in self._notes:
                self._notes[at] = self._opened(self.frames[at])
            return self._notes[at]

    def prepare(self, position: int) -> None:
        """Has the model look at a frame ahead of time, if there is such a frame; raises as `note`."""
        if position < len(self.frames):
            self.note(position)

    def move(self, channel: int, x: float, y: float) -> None:
        """Places the glint of an LED; a point outside the image is moved to its border."""
        note = self.note()
        H, W = note.image.shape
        place = {"x": float(np.clip(x, 0, W - 1)), "y": float(np.clip(y, 0, H - 1))}
        self._edit(channel, is_present=True, **place)

    def toggle(self, channel: int) -> None:
        """Marks an LED as absent, or, if it is, as present where the model expects it."""
        spot = self.note().spots[channel]
        if spot.is_present:
            self._edit(channel, is_present=False)
        else:
            self.move(channel, spot.x, spot.y)

    def as_the_model_says(self) -> None:
        """Replaces the spots of the shown frame by what the model finds, annotated before or not."""
        note = self.note()
        note.spots = self._spots(self._look(self.frames[self.position]))
        note.is_changed = True
        self.num_edits += 1

    def _edit(self, channel: int, **values: Any) -> None:
        note = self.note()
        note.spots[channel] = replace(note.spots[channel], origin="user", score=None, sigma_px=None, **values)
        note.is_changed = True
        self.num_edits += 1

    def go(self, position: int) -> None:
        """Shows another frame; a position beyond the first or last frame means that one."""
        self.position = min(max(position, 0), len(self.frames) - 1)

    def save(self) -> Path:
        """Saves the annotation of the shown frame, also where nothing was corrected; returns its file.

        Raises:
            GlintError: it cannot be written.
        """
        frame, note = self.frames[self.position], self.note()
        path = self.annotation_file(frame)
        path.parent.mkdir(parents=True, exist_ok=True)
        image = os.path.relpath(frame.image, path.parent)
        if frame.is_copy:
            copy = path.with_name(path.name.removesuffix(".json") + frame.image.suffix)
            if not copy.exists():
                with whole_file(copy, survive_power_cut=False) as temporary:
                    shutil.copyfile(frame.image, temporary)
            image = copy.name
        _write(path, image, self.labels, note)
        note.is_changed, note.is_saved = False, True
        return path

    @property
    def num_saved(self) -> int:
        """Frames that have an annotation file in the folder."""
        return sum(self.annotation_file(frame).is_file() for frame in self.frames)

    def annotation_file(self, frame: FrameFile) -> Path:
        """Where the annotation of a frame is saved."""
        return self.folder / f"{frame.name}.json"

    def _opened(self, frame: FrameFile) -> FrameNote:
        look = self._look(frame)
        note = FrameNote(look.image, self._spots(look))
        path = self.annotation_file(frame)
        if path.is_file():
            _read(path, self.labels, note)
        return note

    def _look(self, frame: FrameFile) -> Look:
        return self._worker.call(look_at, frame.image, *self._model)

    def _spots(self, look: Look) -> list[Spot]:
        glints, (H, W) = look.glints, look.image.shape
        spots = []
        for channel in range(len(self.labels)):
            x, y = (float(v) for v in glints.points[0, channel])
            score, sigma = float(glints.scores[0, channel]), float(glints.sigmas[0, channel])
            is_there = bool(glints.present[0, channel]) and bool(lies_inside(glints.points[0, channel], (H, W)))
            if not np.isfinite((x, y)).all():
                x, y = (W - 1) / 2, (H - 1) / 2
            spots.append(Spot(x, y, is_there, "model", score, sigma))
        return spots


def prefix_of(labels: Sequence[str]) -> str:
    """What the names of LEDs begin with: g of g1, g2, ..."""
    return labels[0].rstrip("0123456789")


def _write(path: Path, image: str, labels: Sequence[str], note: FrameNote) -> None:
    pairs = zip(labels, note.spots, strict=True)
    points = [LabelledPoint(label, spot.x, spot.y, spot.radius) for label, spot in pairs if spot.is_present]
    H, W = note.image.shape
    write_labelme(path, image, (H, W), points, note.others)


def _read(path: Path, labels: Sequence[str], note: FrameNote) -> None:
    """Replaces the spots of a frame by those of its annotation file."""
    prefix = prefix_of(labels)
    file = AnnotationFile(path, path.parent, prefix)
    (annotation,) = read_annotations(file, "labelme")
    H, W = note.image.shape
    leds = LedLabels(len(labels), prefix, (), {})
    glints = {glint.channel: glint for glint in leds.glints(annotation, (H, W))}
    for channel, spot in enumerate(note.spots):
        glint = glints.get(channel)
        if glint is None:
            note.spots[channel] = replace(spot, is_present=False, origin="file", score=None, sigma_px=None)
        else:
            note.spots[channel] = Spot(glint.x, glint.y, True, "file", radius=glint.radius)
    shapes = json.loads(file.text())["shapes"]
    note.others = [shape for shape in shapes if led_number(shape["label"], prefix) is None]
    note.is_saved = True
