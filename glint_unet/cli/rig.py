"""`glint-unet rig`: finds the layout of a rig's LEDs in unlabelled images, and writes it as a rig file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tqdm import tqdm

from glint_unet.cli.arguments import parse
from glint_unet.cli.outputs import check_output
from glint_unet.console import say
from glint_unet.errors import SettingError
from glint_unet.messages import text
from glint_unet.pretrained import PRETRAINED
from glint_unet.settings import Settings, language_setting, setting

if TYPE_CHECKING:
    from glint_unet.data.media import Frame
    from glint_unet.layout.finding import Finding


@dataclass(frozen=True)
class RigArguments(Settings):
    """Find the layout of a rig's LEDs in images without annotations, and write it as a rig file.

    Glints of one eye move together; what moves with them is an LED. The picture beside the rig file shows the layout.
    """

    images: str
    """Images of one rig: folder, video, data set (.h5; its labels are not read), or a quoted pattern 'frames/*.png'."""
    out: str
    """Rig file to write: .toml; the picture gets the same name with .png."""
    run: str = PRETRAINED
    """Run directory, checkpoint, or exported file that finds glints. Default: the pretrained weights."""
    max_images: int = setting(200, low=10, high=10_000)
    """Use at most this many images, evenly spaced."""
    device: str = "cpu"
    """Compute device: cpu, cuda, cuda:1, ..."""
    threads: int = setting(0, low=0, high=1024)
    """CPU threads; 0: as many as other programs leave room for."""
    overwrite: bool = False
    """Replace existing files."""
    progress: bool = True
    """Show a progress bar if the console is a terminal."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = RigArguments


def run(argv: Sequence[str]) -> int:
    """Writes the rig file and its picture; returns 1 if a frame was broken."""
    arguments = parse(RigArguments, argv, "glint-unet rig")
    out = Path(arguments.out)
    if out.suffix.lower() != ".toml":
        raise SettingError("rig_out_no_toml", path=out)
    picture = out.with_suffix(".png")
    for path in (out, picture):
        check_output(path, overwrite=arguments.overwrite)
    from glint_unet.compute.threads import choose_threads
    from glint_unet.data.media import open_media
    from glint_unet.inference.predictor import GlintDetector
    from glint_unet.layout.finding import find_rig
    from glint_unet.layout.looks import read_frames
    from glint_unet.layout.picture import draw_layout
    from glint_unet.layout.rig_file import write_rig

    choose_threads(arguments.threads).use()
    detector = GlintDetector.load(arguments.run, arguments.device)
    media = open_media(arguments.images)
    read = read_frames(_with_bar(media.evenly_spaced(arguments.max_images), arguments.progress))
    if read.problems:
        say(text("rig_broken", num=len(read.problems), reason=read.problems[0]))
    finding = find_rig(detector, read.images, arguments.images)
    draw_layout(finding, picture)
    write_rig(out, finding.shape, finding.sizes, finding.certainty.num_explained)
    print("\n".join([*_lines(finding), text("rig_written", path=out, picture=picture)]))
    return 1 if read.problems else 0


def _with_bar(frames: "Iterator[Frame]", wanted: bool) -> "Iterator[Frame]":
    return iter(tqdm(frames, unit="frame", disable=None if wanted else True, leave=False))


def _lines(finding: "Finding") -> list[str]:
    """What was found and how sure it is."""
    certainty, num = finding.certainty, finding.shape.num_leds
    lines = [_what(finding), _how_sure(finding)]
    lines.append(
        text("rig_explained", num=certainty.num_explained, total=certainty.num_images, glints=100 * certainty.glints)
    )
    if num > 1:
        worst = 100 * float(certainty.spread.max())
        lines.append(text("rig_again", again=100 * certainty.again, error=100 * certainty.error, spread=worst))
        shares = [
            f"{name} {certainty.seen[led]:.0%}" for name, led in zip(finding.names, finding.shape.order, strict=True)
        ]
        lines.append(text("rig_seen", shares=", ".join(shares)))
    return lines + _notes(finding)


def _what(finding: "Finding") -> str:
    shape = finding.shape
    if shape.num_leds == 1:
        return text("rig_one")
    if shape.start_deg is None:
        return text("rig_positions", num=shape.num_leds)
    return text("rig_ring", num=shape.num_leds, start=shape.start_deg, error=100 * shape.ring_error)


def _how_sure(finding: "Finding") -> str:
    from glint_unet.layout.certainty import Grade

    grade = finding.certainty.grade
    if grade is Grade.SURE:
        return text("rig_sure")
    return text("rig_fair") if grade is Grade.FAIR else text("rig_unsure")


def _notes(finding: "Finding") -> list[str]:
    """What the user should know before using the file."""
    from glint_unet.layout.certainty import LEAST_MOVED
    from glint_unet.model.constellation import LEAST_LEDS

    notes = [text("rig_order")] if finding.shape.num_leds > 1 else []
    if finding.shape.num_leds > 1 and finding.certainty.moved < LEAST_MOVED:
        notes.append(text("rig_hardly_moves", moved=100 * finding.certainty.moved))
    if finding.shape.num_leds < LEAST_LEDS:
        notes.append(text("rig_few_leds", least=LEAST_LEDS))
    return notes
