"""`glint-unet synth`: generates a data set of synthetic eyes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import tyro
from tqdm import tqdm

from glint_unet.cli.arguments import parse
from glint_unet.cli.outputs import check_output
from glint_unet.data.dataset_file import DEFAULT_STRIDE, NUM_CHANNELS_LIMIT, check_stride
from glint_unet.data.synthetic.rig import LARGEST_SIDE, Rig
from glint_unet.errors import SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting, setting


@dataclass(frozen=True)
class SynthArguments(Settings):
    """Generate a data set of synthetic infrared eyes with known glints; images are functions of (rig, seed, index)."""

    out_h5: tyro.conf.Positional[str]
    """Data set to write (HDF5)."""
    num: int = setting(1000, low=1, high=10_000_000)
    """Number of images."""
    rig: str | None = None
    """TOML file describing the rig: LEDs, image size, level; replaces the next four flags."""
    size: int | None = setting(None, low=16, high=LARGEST_SIDE)
    """Side length of the images in pixels. Default: 256."""
    heatmap_size: int | None = setting(None, low=1, high=LARGEST_SIDE)
    """Side length of the heatmaps: size divided by 1, 2 or 4. Default: a quarter of size."""
    num_classes: int | None = setting(None, low=1, high=NUM_CHANNELS_LIMIT)
    """Number of LEDs in the ring. Default: 8."""
    level: Literal["easy", "medium", "hard", "mixed"] | None = None
    """Kind of scenes: eyes of any size, shape and tone (mixed), or one kind to compare methods on. Default: mixed."""
    backgrounds: str | None = None
    """Unlabelled frames of your rig to paint glints onto: image, folder, glob pattern, video or data set."""
    backgrounds_share: float | None = setting(None, low=0, high=1)
    """Share of the images that are painted frames; the others are drawn. Default: 0.5."""
    seed: int = setting(0, low=0, high=2**32 - 1)
    """Random seed of the scenes."""
    compression: Literal["gzip", "lzf", "None"] = "gzip"
    """Compression of images and heatmaps."""
    overwrite: bool = False
    """Replace an existing file."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = SynthArguments


def run(argv: Sequence[str]) -> int:
    """Writes the data set."""
    from glint_unet.data.synthetic.painting import backgrounds_of
    from glint_unet.data.synthetic.writing import write_synthetic

    arguments = parse(SynthArguments, argv, "glint-unet synth")
    out_h5 = Path(arguments.out_h5)
    rig = _rig(arguments)
    check_output(out_h5, overwrite=arguments.overwrite)
    if (frames := backgrounds_of(rig)) is not None:
        print(frames)
    compression = None if arguments.compression == "None" else arguments.compression
    rows = write_synthetic(out_h5, rig, num=arguments.num, seed=arguments.seed, compression=compression)
    with tqdm(total=arguments.num, unit="image", disable=None, leave=False) as bar:
        for done in rows:
            bar.update(done - bar.n)
    print(text("synth_done", num=arguments.num, path=out_h5))
    return 0


def _rig(arguments: SynthArguments) -> Rig:
    """The rig of the file or the flags, with the frames of the flags."""
    rig = _drawn_rig(arguments)
    if arguments.backgrounds is not None:
        rig = replace(rig, backgrounds=arguments.backgrounds)
    if (share := arguments.backgrounds_share) is not None:
        if not rig.backgrounds:
            raise SettingError("share_without_backgrounds", value=share)
        rig = replace(rig, backgrounds_share=share)
    return rig


def _drawn_rig(arguments: SynthArguments) -> Rig:
    of_rig = ("size", "heatmap_size", "num_classes", "level")
    if arguments.rig is not None:
        if given := [f"--{name}" for name in of_rig if getattr(arguments, name) is not None]:
            raise SettingError("rig_and_flags", flags=", ".join(given))
        return Rig.read(arguments.rig)
    size = arguments.size or 256
    heatmap_size = arguments.heatmap_size or size // DEFAULT_STRIDE
    check_stride(Path(arguments.out_h5), (size, size), (heatmap_size, heatmap_size))
    level = arguments.level or "mixed"
    return Rig.ring(arguments.num_classes or 8, image_size=(size, size), stride=size // heatmap_size, level=level)
