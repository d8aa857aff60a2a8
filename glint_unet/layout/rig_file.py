"""Writes a layout that was found as a rig file, with comments on what is known and what is not."""

from pathlib import Path

from glint_unet.data.synthetic.rig import Rig
from glint_unet.files import write_bytes
from glint_unet.layout.shape import Shape
from glint_unet.messages import text


def write_rig(path: Path, shape: Shape, sizes: tuple[float, float] | None, num_images: int) -> None:
    """Writes a rig file that `Rig.read` accepts.

    Args:
        path: the file to create or replace.
        shape: the layout.
        sizes: least and greatest size of the layout as a share of the iris radius; None: unknown.
        num_images: images with glints in which it was found.
    """
    content = rig_text(shape, sizes, num_images)
    write_bytes(path, content.encode(), _check)


def _check(path: Path) -> None:
    Rig.read(path)


def rig_text(shape: Shape, sizes: tuple[float, float] | None, num_images: int) -> str:
    """The content of the rig file, in TOML; its comments are in the language of the messages."""
    lines = [text("rig_file_origin", num=num_images), text("rig_file_row") if shape.is_row else text("rig_file_order")]
    comments = [f"# {line}" for line in lines]
    if sizes is None:
        size = ["# " + text("rig_file_no_size")]
    else:
        size = ["# " + text("rig_file_size"), f"size = [{sizes[0]:.2f}, {sizes[1]:.2f}]"]
    return "\n".join([*comments, "", "[leds]", *_leds(shape), *size, ""])


def _leds(shape: Shape) -> list[str]:
    if shape.start_deg is not None:
        return [f"number = {shape.num_leds}", f"start_deg = {shape.start_deg:g}"]
    pairs = [f"    [{x:g}, {y:g}],  # LED {k}" for k, (x, y) in enumerate(shape.positions.tolist(), start=1)]
    return ["positions = [", *pairs, "]"]
