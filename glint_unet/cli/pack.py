"""`glint-unet pack`: annotations -> a data set."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.outputs import check_output
from glint_unet.data.dataset_file import DEFAULT_SIGMA_MIN, DEFAULT_SIGMA_SCALE, DEFAULT_STRIDE, NUM_CHANNELS_LIMIT
from glint_unet.errors import AnnotationError
from glint_unet.messages import text
from glint_unet.settings import Settings, setting

if TYPE_CHECKING:
    from glint_unet.data.annotation.pack import AnnotatedImage


_LARGEST_SIDE = 8192
_LINES_PER_CAUSE = 3


@dataclass(frozen=True)
class PackArguments(Settings):
    """Pack circles and points labelled g1, g2, ... (LabelMe or another tool) and their images into a data set."""

    in_dir: str
    """Directory of LabelMe JSON files; with --annotations, of the images."""
    out_h5: str
    """Data set to write (HDF5)."""
    annotations: str | None = None
    """One file of another tool: COCO keypoints (.json), CVAT (.xml), DeepLabCut (.csv), or stem,led,x,y (.csv)."""
    format: Literal["auto", "coco", "cvat", "dlc", "csv"] = "auto"
    """Kind of --annotations; auto goes by ending and first line."""
    corner_pixels: bool = False
    """With --annotations: (0, 0) is the corner of the top-left pixel, not its centre; half a pixel is taken off."""
    num_classes: int = setting(8, low=1, high=NUM_CHANNELS_LIMIT)
    """Number of LEDs: labels g1 to gN."""
    img_h: int = setting(256, low=1, high=_LARGEST_SIDE)
    """Height of the data set's images in pixels."""
    img_w: int = setting(256, low=1, high=_LARGEST_SIDE)
    """Width of the data set's images in pixels."""
    hm_h: int | None = setting(None, low=1, high=_LARGEST_SIDE)
    """Height of the heatmaps: img_h divided by 1, 2 or 4. Default: a quarter."""
    hm_w: int | None = setting(None, low=1, high=_LARGEST_SIDE)
    """Width of the heatmaps. Default: a quarter of img_w."""
    sigma_scale: float = setting(DEFAULT_SIGMA_SCALE, low=0)
    """A circle's sigma is this times its radius, both in heatmap pixels."""
    sigma_min: float = setting(DEFAULT_SIGMA_MIN, above=0)
    """Least sigma in heatmap pixels, and the sigma of points."""
    prefix: str = setting("g", is_path=False)
    """Label prefix: g3 is channel 2. Other labels are ignored."""
    recursive: bool = False
    """Look into subdirectories too."""
    compression: Literal["gzip", "lzf", "None"] = "gzip"
    """How images and heatmaps are packed."""
    skip_bad: bool = False
    """Exit with status 0 although files were skipped."""
    overwrite: bool = False
    """Replace an existing out_h5."""
    lang: Literal["zh", "en"] = "zh"
    """Language of the messages."""


ARGUMENTS = PackArguments


def run(argv: Sequence[str]) -> int:
    """Packs; status 1 where a file was skipped, unless --skip_bad."""
    from glint_unet.data.annotation.pack import PackSettings, pack

    arguments = parse(PackArguments, argv, "glint-unet pack")
    out_h5, in_dir = Path(arguments.out_h5), Path(arguments.in_dir)
    settings = PackSettings(
        num_classes=arguments.num_classes,
        image_size=(arguments.img_h, arguments.img_w),
        heatmap_size=(
            arguments.hm_h or max(1, arguments.img_h // DEFAULT_STRIDE),
            arguments.hm_w or max(1, arguments.img_w // DEFAULT_STRIDE),
        ),
        sigma_scale=arguments.sigma_scale,
        sigma_min=arguments.sigma_min,
        prefix=arguments.prefix,
        compression=None if arguments.compression == "None" else arguments.compression,
    )
    check_output(out_h5, overwrite=arguments.overwrite)
    bad = _SkippedFiles()
    stretched: list[str] = []
    try:
        num = pack(_readers(arguments, in_dir), in_dir, out_h5, settings, bad.add, stretched.append)
    finally:
        bad.summarise()
    if stretched:
        H, W = settings.image_size
        print(text("aspect_changed", path=stretched[0], H=H, W=W))
    print(text("packed", num=num, bad=bad.num, path=out_h5))
    return 1 if bad.num and not arguments.skip_bad else 0


class _SkippedFiles:
    """Files that cannot be used: a few lines for each cause, and how many more there were."""

    def __init__(self) -> None:
        self.num = 0
        self._of_cause: dict[str, list[AnnotationError]] = {}

    def add(self, error: AnnotationError) -> None:
        """Counts a file and reports it, unless its cause was reported often enough."""
        self.num += 1
        same = self._of_cause.setdefault(error.key, [])
        same.append(error)
        if len(same) <= _LINES_PER_CAUSE:
            print(text("bad_file", reason=error))

    def summarise(self) -> None:
        """Reports how many files of each cause were not named."""
        for same in self._of_cause.values():
            if len(same) > _LINES_PER_CAUSE:
                print(text("bad_files_more", num=len(same) - _LINES_PER_CAUSE, reason=same[-1]))


def _readers(arguments: PackArguments, in_dir: Path) -> "list[Callable[[], AnnotatedImage]]":
    """One function per annotated image, which reads it."""
    from glint_unet.data.annotation.formats import guess_format, read_notes
    from glint_unet.data.annotation.pack import find_labelme, read_labelme, read_note

    num_classes, prefix = arguments.num_classes, arguments.prefix
    if arguments.annotations is None:
        paths = find_labelme(in_dir, recursive=arguments.recursive)
        return [functools.partial(read_labelme, path, in_dir, num_classes, prefix) for path in paths]
    if not in_dir.is_dir():
        raise AnnotationError("annotation_no_directory", path=in_dir)
    path = Path(arguments.annotations)
    kind = guess_format(path) if arguments.format == "auto" else arguments.format
    notes = read_notes(path, kind, in_dir, num_classes, prefix)
    return [functools.partial(read_note, note, corner_pixels=arguments.corner_pixels) for note in notes]
