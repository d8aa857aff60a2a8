"""`glint-unet predict`: finds glints in images, folders, videos and data sets, and writes a table."""

import contextlib
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from tqdm import tqdm

from glint_unet.cli.arguments import parse
from glint_unet.cli.detector_arguments import DetectorArguments, finder
from glint_unet.cli.familiarity_notice import FamiliarityNotice
from glint_unet.cli.glint_page import GlintPage
from glint_unet.cli.outputs import check_output
from glint_unet.console import say
from glint_unet.errors import MediaError, SettingError
from glint_unet.messages import text
from glint_unet.settings import language_setting, setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glint_unet.data.media import Frame, Media
    from glint_unet.inference.over_time import OverTime
    from glint_unet.inference.predictor import GlintDetector, Glints

_MOST_NAMED = 20


@dataclass(frozen=True, kw_only=True)
class PredictArguments(DetectorArguments):
    """Find glints and draw them, or write a table: source, frame, time_s, led, x, y, score, sigma, present."""

    input: str
    """Image, folder, video, data set (.h5), or a quoted pattern such as 'frames/*.png'."""
    out: str | None = None
    """Table to write, one row per frame and LED: .csv, .json or .parquet. Default: none; the glints are drawn."""
    overlay: str | None = None
    """Draw the glints: a video (.mp4, .avi), a directory of PNG files, or a .png of one image. Default without --out:
    beside the input, e.g. eye_glints.png."""
    labelme: str | None = None
    """Also write annotations to correct in LabelMe and pack again, to a directory without annotations."""
    follow: bool = False
    """Consecutive frames of one eye: look at the region around the glints, and at whole frames only now and then."""
    smooth: bool = False
    """Smooth the glints over time by a Kalman filter with constant velocity; blinks stay empty."""
    quality: str | None = None
    """Also write the data quality of each recording over time to this .csv file: precision, speed, gaps, swaps."""
    px_per_deg: float | None = setting(None, low=1e-6, high=1e6)
    """Pixels that a glint moves per degree of gaze, for the columns of --quality in degrees."""
    batch: int = setting(16, low=1, high=4096)
    """Frames per batch."""
    threads: int = setting(0, low=0, high=1024)
    """CPU threads; 0: as many as other programs leave room for."""
    overwrite: bool = False
    """Replace existing files."""
    progress: bool = True
    """Show a progress bar if the console is a terminal."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = PredictArguments


def run(argv: Sequence[str]) -> int:
    """Predicts; returns 1 if a frame was broken, and 130 after Ctrl-C, which keeps the rows written so far."""
    arguments = parse(PredictArguments, argv, "glint-unet predict")
    import numpy as np

    from glint_unet.compute.threads import choose_threads
    from glint_unet.data.media import open_media
    from glint_unet.inference.recording_quality import write_quality

    choose_threads(arguments.threads).use()
    detector = arguments.detector()
    find = finder(detector, arguments.run, follow=arguments.follow)
    media = open_media(arguments.input)
    over_time = _over_time(arguments, detector, media)
    broken: list[Frame] = []
    notice, page = FamiliarityNotice(detector.familiarity()), GlintPage(detector, arguments.run)
    started, interrupted = time.monotonic(), False
    with _Outputs(arguments, media, detector.labels()) as outputs, _bar(arguments.progress, media) as bar:
        try:
            for frames in _batches(media, arguments.batch, broken, bar):
                images = np.stack([frame.image for frame in frames if frame.image is not None])
                glints = over_time(frames, find(images))
                outputs.add(frames, images, glints)
                page.add(frames, glints)
                notice.add(images, glints)
        except KeyboardInterrupt:
            interrupted = True
        num = outputs.num_frames
        if not num and not interrupted:
            reason = broken[0].problem if broken else "-"
            raise MediaError("media_all_broken", path=arguments.input, num=len(broken), reason=reason)
    if arguments.quality:
        write_quality(Path(arguments.quality), over_time.recordings)
    notice.end()
    seconds = max(time.monotonic() - started, 1e-9)
    if arguments.out:
        print(text("predicted", num=num, broken=len(broken), fps=num / seconds, path=arguments.out))
    else:
        print("\n".join(page.lines(outputs.overlay_path)))
    if interrupted:
        print(text("predict_interrupted", num=num))
        return 128 + signal.SIGINT
    return 1 if broken else 0


def _over_time(arguments: PredictArguments, detector: "GlintDetector", media: "Media") -> "OverTime":
    """What is done with the glints over time.

    Raises:
        SettingError: flags that contradict each other or the model.
        GlintError: the file of the data quality exists.
    """
    from glint_unet.inference.over_time import OverTime

    if arguments.px_per_deg is not None and not arguments.quality:
        raise SettingError("px_per_deg_without_quality", value=arguments.px_per_deg)
    if (arguments.smooth or arguments.quality) and not detector.names_leds:
        raise SettingError("over_time_unnamed", run=arguments.run)
    if arguments.quality:
        if Path(arguments.quality).suffix.lower() != ".csv":
            raise SettingError("out_ending", flag="quality", path=arguments.quality, known=".csv")
        check_output(Path(arguments.quality), overwrite=arguments.overwrite)
    return OverTime(arguments.input, detector.labels(), media.fps, arguments.px_per_deg, smooth=arguments.smooth)


class _Outputs:
    """The table, the overlay and the annotations; checked before any frame is read.

    Attributes:
        overlay_path: where the glints are drawn; None: nowhere.
        num_frames: frames whose rows are in the table.
    """

    def __init__(self, arguments: PredictArguments, media: "Media", labels: list[str]) -> None:
        from glint_unet.inference.overlay import LabelMeFolder, open_overlay, path_beside
        from glint_unet.inference.result_file import ResultFile

        overwrite = arguments.overwrite
        self.num_frames = 0
        self._table = ResultFile(Path(arguments.out), labels) if arguments.out else None
        if self._table:
            check_output(self._table.path, overwrite=overwrite)
        drawn = arguments.overlay or (None if arguments.out else path_beside(media))
        self.overlay_path = Path(drawn) if drawn else None
        if self.overlay_path and self.overlay_path.suffix:
            check_output(self.overlay_path, overwrite=overwrite)
        self._overlay = open_overlay(self.overlay_path, media, overwrite=overwrite) if self.overlay_path else None
        self._labelme = LabelMeFolder(Path(arguments.labelme), media.paths) if arguments.labelme else None
        self._labels = labels
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        if self._overlay:
            self._open.enter_context(self._overlay)
        if self._table:
            self._open.enter_context(self._table)  # closed first, so that a failing video does not lose the rows
        return self

    def add(self, frames: "list[Frame]", images: "NDArray[np.uint8]", glints: "Glints") -> None:
        """Writes the glints of intact frames of one size; `images` are theirs, (B, H, W)."""
        from glint_unet.inference.overlay import draw_glints

        for k, frame in enumerate(frames):
            if self._table:
                self._table.add(frame, glints, k)
            self.num_frames += 1
            if self._overlay:
                self._overlay.add(frame, draw_glints(images[k], glints, k, self._labels))
            if self._labelme:
                self._labelme.add(frame, glints, k, self._labels)

    def __exit__(self, *exc: Any) -> None:
        self._open.__exit__(*exc)


def _bar(wanted: bool, media: "Media") -> "tqdm[None]":
    return tqdm(total=media.num_frames or None, unit="frame", disable=None if wanted else True, leave=False)


def _batches(media: "Media", size: int, broken: "list[Frame]", bar: "tqdm[None]") -> "Iterator[list[Frame]]":
    """Yields batches of intact frames of one image size; broken frames are reported and appended to `broken`."""
    group: list[Frame] = []
    for frame in media:
        bar.update()
        if frame.image is None:
            broken.append(frame)
            if len(broken) <= _MOST_NAMED:
                say(text("frame_broken", source=frame.source, number=frame.number, reason=frame.problem))
            continue
        if group and (len(group) == size or group[0].image is None or frame.image.shape != group[0].image.shape):
            yield group
            group = []
        group.append(frame)
    if group:
        yield group
