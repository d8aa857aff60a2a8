"""`glint-unet pack`: annotations -> a data set."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.outputs import check_output
from glint_unet.data.dataset_file import DEFAULT_SIGMA_MIN, DEFAULT_SIGMA_SCALE, NUM_CHANNELS_LIMIT
from glint_unet.errors import AnnotationError, SettingError, shortened, some
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting, setting

if TYPE_CHECKING:
    from glint_unet.data.annotation.image_annotation import ImageAnnotation
    from glint_unet.data.annotation.pack import Packed


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
    format: str = "auto"
    """Format of --annotations: coco, cvat, dlc, csv, ...; auto goes by suffix and first line."""
    corner_pixels: bool = False
    """(0, 0) of the annotations is the corner of the top-left pixel, not its centre; half a pixel is subtracted."""
    num_classes: int | None = setting(None, low=1, high=NUM_CHANNELS_LIMIT)
    """Number of LEDs: labels g1 to gN. Default: the highest label."""
    img_h: int | None = setting(None, low=1, high=_LARGEST_SIDE)
    """Height of the data set's images in pixels. Default: the commonest size, scaled down to 640 pixels at most."""
    img_w: int | None = setting(None, low=1, high=_LARGEST_SIDE)
    """Width of the data set's images in pixels."""
    hm_h: int | None = setting(None, low=1, high=_LARGEST_SIDE)
    """Height of the heatmaps: img_h divided by 1, 2 or 4. Default: a quarter."""
    hm_w: int | None = setting(None, low=1, high=_LARGEST_SIDE)
    """Width of the heatmaps. Default: a quarter of img_w."""
    stretch: bool = False
    """Stretch images of another aspect than the data set's; else they are padded."""
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
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = PackArguments


def run(argv: Sequence[str]) -> int:
    """Packs; status 1 where a file was skipped, unless --skip_bad."""
    from glint_unet.data.annotation.pack import PackSettings, pack

    arguments = parse(PackArguments, argv, "glint-unet pack")
    out_h5, in_dir = Path(arguments.out_h5), Path(arguments.in_dir)
    settings = PackSettings(
        prefix=arguments.prefix,
        sigma_scale=arguments.sigma_scale,
        sigma_min=arguments.sigma_min,
        num_classes=arguments.num_classes,
        image_size=(arguments.img_h, arguments.img_w),
        heatmap_size=(arguments.hm_h, arguments.hm_w),
        stretch=arguments.stretch,
        compression=None if arguments.compression == "None" else arguments.compression,
    )
    _check_format(arguments)
    check_output(out_h5, overwrite=arguments.overwrite)
    bad = _SkippedFiles()
    try:
        annotations = _read(arguments, in_dir, bad)
        packed = pack(annotations, in_dir, out_h5, settings, bad.add, bad.num)
    finally:
        bad.summarise()
    _describe(packed, arguments.stretch)
    print(text("packed", num=packed.num_images, bad=bad.num, path=out_h5))
    return 1 if bad.num and not arguments.skip_bad else 0


def _describe(packed: "Packed", stretch: bool) -> None:
    """Prints what was inferred, and what of the annotations is not in the data set."""

    labels, (H, W), (h, w) = packed.labels, packed.image_size, packed.heatmap_size
    print(text("pack_form", num_classes=labels.num_classes, H=H, W=W, h=h, w=w))
    if labels.in_order:
        print(text("pack_in_order", names=some([f"{k}: {name}" for k, name in enumerate(labels.in_order, start=1)])))
    if labels.ignored:
        names = some([f"{label} ({num})" for label, num in labels.ignored.items()])
        print(text("pack_ignored", num=len(labels.ignored), names=names))
    if packed.unseen:
        print(text("pack_unseen", num=len(packed.unseen), names=some(packed.unseen)))
    if packed.of_other_aspect:
        adapted = {"num": len(packed.of_other_aspect), "stem": shortened(packed.of_other_aspect[0]), "H": H, "W": W}
        print(text("pack_stretched", **adapted) if stretch else text("pack_padded", **adapted))


def _check_format(arguments: PackArguments) -> None:
    from glint_unet.data.annotation.readers import READERS

    name = arguments.format
    if name not in ("auto", *READERS):
        raise SettingError("setting_not_a_choice", flag="format", value=name, choices=", ".join(["auto", *READERS]))
    if arguments.annotations is None and name not in ("auto", "labelme"):
        raise SettingError("format_without_annotations", value=name)


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


def _read(arguments: PackArguments, in_dir: Path, bad: _SkippedFiles) -> "list[ImageAnnotation]":
    """The annotated images; a bad LabelMe file is counted in `bad`, a bad file of another tool is refused."""
    from glint_unet.data.annotation.image_annotation import AnnotationFile
    from glint_unet.data.annotation.labelme import find_labelme
    from glint_unet.data.annotation.readers import check_distinct, from_corner, guess_format, read_annotations

    found = []
    if arguments.annotations is None:
        for path in find_labelme(in_dir, recursive=arguments.recursive):
            try:
                found += read_annotations(AnnotationFile(path, in_dir, arguments.prefix), "labelme")
            except AnnotationError as error:
                bad.add(error)
        check_distinct(found)
    else:
        if not in_dir.is_dir():
            raise AnnotationError("annotation_no_directory", path=in_dir)
        file = AnnotationFile(Path(arguments.annotations), in_dir, arguments.prefix)
        found = read_annotations(file, guess_format(file) if arguments.format == "auto" else arguments.format)
    return list(map(from_corner, found)) if arguments.corner_pixels else found
