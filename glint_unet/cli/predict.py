"""`glint-unet predict`: glints of images, folders, videos and data sets as a table."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tqdm import tqdm

from glint_unet.cli.arguments import parse
from glint_unet.cli.pack import check_output, check_range
from glint_unet.errors import MediaError
from glint_unet.messages import text

if TYPE_CHECKING:
    from glint_unet.inference.media import Frame, Media

_MOST_NAMED = 20


@dataclass(frozen=True)
class PredictArguments:
    """Find glints and write a row per frame and LED: source, frame, time_s, led, x, y, score, sigma, present."""

    run: str
    """Run directory, checkpoint, or .onnx file."""
    input: str
    """Image, folder, video, data set (.h5), or a quoted pattern such as 'frames/*.png'."""
    out: str
    """Table to write: .csv, .json or .parquet."""
    overlay: str | None = None
    """Also draw the glints: a video (.mp4, .avi), or a directory of PNG files."""
    labelme: str | None = None
    """Also write annotations to correct in LabelMe and to pack again: a directory without annotations."""
    batch: int = 16
    """Frames at once."""
    threshold: float | None = None
    """Score from which a glint counts as present. Default: as chosen on the run's validation images."""
    stretch: bool = False
    """Stretch frames to the network's aspect, for data sets packed elsewhere in that way; else they are padded."""
    precise: bool = False
    """Average over four shifts of the image by half a heatmap pixel: more exact, at four times the cost."""
    device: str = "cpu"
    """Where to compute: cpu, cuda, cuda:1, ..."""
    threads: int = 0
    """CPU threads; 0: one per core."""
    overwrite: bool = False
    """Replace existing files."""
    progress: bool = True
    """Progress bar, where the console is a terminal."""
    lang: Literal["zh", "en"] = "zh"
    """Language of the messages."""


def run(argv: Sequence[str]) -> int:
    """Predicts; status 1 where a frame was broken; Ctrl-C ends with the rows so far in the file, status 130."""
    arguments = parse(PredictArguments, argv, "glint-unet predict")
    import numpy as np

    from glint_unet.compute.device import use_threads
    from glint_unet.inference.media import open_media
    from glint_unet.inference.overlay import LabelMeFolder, Overlay, draw_glints
    from glint_unet.inference.predictor import GlintDetector
    from glint_unet.inference.result_file import ResultFile

    batch, out = check_range("batch", arguments.batch, 1, 4096), Path(arguments.out)
    use_threads(check_range("threads", arguments.threads, 0, 1024))
    detector = GlintDetector.load(
        arguments.run,
        arguments.device,
        precise=arguments.precise,
        stretch=True if arguments.stretch else None,
        threshold=arguments.threshold,
    )
    media, labels = open_media(arguments.input), detector.labels()
    table = ResultFile(out, labels)
    check_output(out, overwrite=arguments.overwrite)
    overlay = None
    if arguments.overlay:
        if Path(arguments.overlay).suffix:
            check_output(Path(arguments.overlay), overwrite=arguments.overwrite)
        overlay = Overlay(Path(arguments.overlay), media.fps)
    labelme = LabelMeFolder(Path(arguments.labelme)) if arguments.labelme else None
    broken: list[Frame] = []
    started, interrupted = time.monotonic(), False
    with contextlib.ExitStack() as stack:
        stack.enter_context(table)
        if overlay:
            stack.callback(overlay.close)
        bar = stack.enter_context(_bar(arguments.progress, media))
        try:
            for frames in _batches(media, batch, broken, bar):
                images = [frame.image for frame in frames if frame.image is not None]
                glints = detector(np.stack(images)[..., None])  # of whatever width
                for k, frame in enumerate(frames):
                    table.add(frame, glints, k)
                    if overlay:
                        overlay.add(frame, draw_glints(images[k], glints, k, labels))
                    if labelme:
                        labelme.add(frame, glints, k, labels)
        except KeyboardInterrupt:
            interrupted = True
        if not table.num_frames and not interrupted:
            reason = broken[0].problem if broken else "-"
            raise MediaError("media_all_broken", path=arguments.input, num=len(broken), reason=reason)
    seconds = max(time.monotonic() - started, 1e-9)
    fps, num = table.num_frames / seconds, table.num_frames
    print(text("predicted", num=num, broken=len(broken), fps=fps, path=out))
    if interrupted:
        print(text("predict_interrupted", num=num))
        return 130
    return 1 if broken else 0


def _bar(wanted: bool, media: "Media") -> "tqdm[None]":
    return tqdm(total=media.num_frames or None, unit="frame", disable=None if wanted else True, leave=False)


def _batches(media: "Media", size: int, broken: "list[Frame]", bar: "tqdm[None]") -> "Iterator[list[Frame]]":
    """Whole frames of one image size; broken ones are named and counted."""
    group: list[Frame] = []
    for frame in media:
        bar.update()
        if frame.image is None:
            broken.append(frame)
            if len(broken) <= _MOST_NAMED:
                told = text("frame_broken", source=frame.source, number=frame.number, reason=frame.problem)
                tqdm.write(told)
            continue
        if group and (len(group) == size or group[0].image is None or frame.image.shape != group[0].image.shape):
            yield group
            group = []
        group.append(frame)
    if group:
        yield group
