"""`glint-unet check`: validate and summarise a data set."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.errors import DatasetError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting


@dataclass(frozen=True)
class CheckArguments(Settings):
    """Validate a data set as training does, and print a summary of its content."""

    file: tyro.conf.Positional[str]
    """Data set (HDF5)."""
    json: bool = False
    """Print JSON instead of text."""
    picture: str | None = None
    """Draw labels over images to this PNG file: 12 images, evenly spaced, with every label magnified."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = CheckArguments


def run(argv: Sequence[str]) -> int:
    """Prints the summary."""
    from glint_unet.data.summary import summarise
    from glint_unet.data.validation import validate_dataset

    arguments = parse(CheckArguments, argv, "glint-unet check")
    picture = Path(arguments.picture) if arguments.picture else None
    if picture and not picture.parent.is_dir():
        raise DatasetError("output_no_directory", path=picture.parent)
    validate_dataset(arguments.file)
    summary = summarise(arguments.file)
    if picture:
        from glint_unet.report.labels import draw_labels

        draw_labels(summary.info, picture)
    if arguments.json:
        print(json.dumps(summary.to_dict(), ensure_ascii=False))
        return 0
    info = summary.info
    (H, W), (h, w) = info.image_size, info.heatmap_size
    (low, high), C = summary.image_range, info.num_classes
    print(text("check_file", path=info.path, size_mb=summary.size_bytes / 2**20))
    print(text("check_sizes", N=info.num_images, H=H, W=W, low=low, high=high, mean=summary.image_mean))
    if summary.heatmap_range:
        low_value, high_value = summary.heatmap_range
        maps = {"C": C, "h": h, "w": w, "dtype": summary.heatmap_dtype, "stride": info.stride}
        print(text("check_heatmaps", low=low_value, high=high_value, **maps))
    else:
        print(text("check_rendered", C=C, h=h, w=w, stride=info.stride))
    for channel in summary.channels:
        if channel.x_range is None or channel.y_range is None:
            print(text("check_channel_never", label=channel.label))
            continue
        (x_low, x_high), (y_low, y_high) = channel.x_range, channel.y_range
        share, num = channel.num_present / info.num_images, channel.num_present
        where = {"x_low": x_low, "x_high": x_high, "y_low": y_low, "y_high": y_high}
        print(text("check_channel", label=channel.label, num=num, share=share, **where))
    counts = "  ".join(f"{k}:{num}" for k, num in enumerate(summary.glints_per_image) if num)
    print(text("check_glints", counts=counts))
    if picture:
        print(text("picture_written", path=picture))
    return 0
