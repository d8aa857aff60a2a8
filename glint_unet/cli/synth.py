"""`glint-unet synth`: a data set of synthetic eyes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro
from tqdm import tqdm

from glint_unet.cli.arguments import parse
from glint_unet.cli.pack import check_output, check_range
from glint_unet.data.dataset_file import DEFAULT_STRIDE, NUM_CHANNELS_LIMIT
from glint_unet.messages import text


@dataclass(frozen=True)
class SynthArguments:
    """Make a data set of synthetic infrared eyes with known glints; an image is a function of (seed, index)."""

    out_h5: tyro.conf.Positional[str]
    """Data set to write (HDF5)."""
    num: int = 1000
    """Number of images."""
    size: int = 256
    """Side of the images in pixels."""
    heatmap_size: int | None = None
    """Side of the heatmaps: size divided by 1, 2 or 4. Default: a quarter."""
    num_classes: int = 8
    """Number of LEDs in the ring."""
    seed: int = 0
    """Seed of the scenes."""
    compression: Literal["gzip", "lzf", "None"] = "gzip"
    """How images and heatmaps are packed."""
    overwrite: bool = False
    """Replace an existing file."""
    lang: Literal["zh", "en"] = "zh"
    """Language of the messages."""


def run(argv: Sequence[str]) -> int:
    """Writes the data set."""
    from glint_unet.data.synthetic import write_synthetic

    arguments = parse(SynthArguments, argv, "glint-unet synth")
    out_h5 = Path(arguments.out_h5)
    num = check_range("num", arguments.num, 1, 10_000_000)
    size = check_range("size", arguments.size, 16, 4096)
    heatmap_size = size // DEFAULT_STRIDE if arguments.heatmap_size is None else arguments.heatmap_size
    check_output(out_h5, overwrite=arguments.overwrite)
    rows = write_synthetic(
        out_h5,
        num=num,
        size=size,
        heatmap_size=check_range("heatmap_size", heatmap_size, 1, size),
        num_leds=check_range("num_classes", arguments.num_classes, 1, NUM_CHANNELS_LIMIT),
        seed=check_range("seed", arguments.seed, 0, 2**32 - 1),
        compression=None if arguments.compression == "None" else arguments.compression,
    )
    with tqdm(total=num, unit="image", disable=None, leave=False) as bar:
        for done in rows:
            bar.update(done - bar.n)
    print(text("synth_done", num=num, path=out_h5))
    return 0
