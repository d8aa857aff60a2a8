"""`glint-unet live`: finds glints in a camera stream or a video in real time."""

import contextlib
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.detector_arguments import DetectorArguments, finder
from glint_unet.cli.familiarity_notice import FamiliarityNotice
from glint_unet.cli.outputs import check_output
from glint_unet.errors import MediaError, one_line
from glint_unet.extras import optional_package
from glint_unet.messages import text
from glint_unet.settings import language_setting, setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class LiveArguments(DetectorArguments):
    """Find glints in a camera stream or video, frame by frame, and print frame rate and latency."""

    source: str
    """Camera number, a video file, or the URL of a stream, such as rtsp://camera/eye."""
    overlay: str | None = None
    """Write the drawn frames to this video (.mp4, .avi)."""
    show: bool = False
    """Show the drawn frames in a window; q closes it."""
    follow: bool = True
    """Look at the region around the glints, and at the whole frame only every 250 frames and where they are lost."""
    num: int = setting(0, low=0, high=2**31)
    """Stop after this many frames; 0: when the source ends."""
    every_s: float = setting(5.0, low=0)
    """Interval between printed statistics, in seconds."""
    threads: int = setting(1, low=0, high=1024)
    """CPU threads; 1 gives the steadiest latency if other programs are running, 0: as many as others leave room for."""
    overwrite: bool = False
    """Replace an existing video."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = LiveArguments


def run(argv: Sequence[str]) -> int:
    """Reads, predicts and draws until the source ends or Ctrl-C."""
    arguments = parse(LiveArguments, argv, "glint-unet live")
    cv2 = optional_package("cv2")

    from glint_unet.compute.threads import choose_threads
    from glint_unet.data.media import Frame, Media, open_video
    from glint_unet.inference.overlay import draw_glints, open_overlay

    choose_threads(arguments.threads).use()
    detector = arguments.detector()
    find = finder(detector, arguments.run, follow=arguments.follow)
    video = open_video(_place(arguments.source))
    overlay = None
    if arguments.overlay:
        check_output(Path(arguments.overlay), overwrite=arguments.overwrite)
        fps = video.get(cv2.CAP_PROP_FPS)
        media = Media(arguments.source, (), 0, fps)
        overlay = open_overlay(Path(arguments.overlay), media, overwrite=arguments.overwrite)
    latencies: list[float] = []
    notice = FamiliarityNotice(detector.familiarity())
    started = time.perf_counter()
    with contextlib.ExitStack() as stack:
        stack.callback(video.release)
        if overlay:
            stack.enter_context(overlay)
        stack.enter_context(contextlib.suppress(KeyboardInterrupt))
        printed = started
        for image in _frames(video, arguments.num):
            came = time.perf_counter()
            glints = find(image[None])
            latencies.append(1e3 * (time.perf_counter() - came))
            notice.add(image[None], glints)
            if overlay or arguments.show:
                drawn = draw_glints(image, glints, 0, detector.labels())
                if overlay:
                    overlay.add(Frame(arguments.source, len(latencies) - 1, None, image), drawn)
                if arguments.show and not _shown(drawn):
                    break
            if time.perf_counter() - printed >= arguments.every_s:
                printed = time.perf_counter()
                print(_figures(latencies, printed - started), flush=True)
    if not latencies:
        raise MediaError("media_no_video", path=arguments.source)
    figures = _figures(latencies, time.perf_counter() - started)
    notice.end()
    print(figures)
    return 0


def _place(source: str) -> int | str | Path:
    """A camera number, the URL of a stream, or a file."""
    if source.isdecimal():
        return int(source)
    return source if "://" in source else Path(source)


def _frames(video: Any, num: int) -> "Iterator[NDArray[np.uint8]]":
    """Yields `num` greyscale frames (H, W), or all if `num` is 0."""
    from glint_unet.data.media import grey_of

    for _ in range(num) if num else itertools.count():
        is_there, picture = video.read()
        if not is_there:
            return
        yield grey_of(picture)


def _shown(picture: "NDArray[np.uint8]") -> bool:
    """Shows an RGB frame; False once the user has pressed q."""
    cv2 = optional_package("cv2")

    try:
        cv2.imshow("glint-unet", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        return bool((cv2.waitKey(1) & 0xFF) != ord("q"))
    except cv2.error as error:
        raise MediaError("live_no_window", reason=one_line(error, 120)) from error


def _figures(latencies: list[float], seconds: float) -> str:
    import numpy as np

    p50, p95, p99 = np.percentile(latencies, (50, 95, 99))
    fps = len(latencies) / seconds
    return text("live_figures", num=len(latencies), fps=fps, p50=p50, p95=p95, p99=p99, worst=max(latencies))
