"""Commands in documents, and the files that a reader has besides."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {
    "glint-unet": (),
    "python train_glint_unet.py": ("train",),
    "python shm_manager.py": ("shm",),
}


def blocks(document: str | Path, language: str) -> list[str]:
    """The code blocks of a document in a language."""
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / document).read_text(encoding="utf-8"), re.DOTALL)


def command_lines(document: str | Path) -> list[str]:
    """The lines of the bash blocks of a document, without comments."""
    lines = [line.partition("  #")[0].strip() for block in blocks(document, "bash") for line in block.splitlines()]
    return [line for line in lines if line]


def arguments(line: str, small: Mapping[str, str]) -> list[str]:
    """The words that `glint-unet` gets for a line of a document, with replacements that make it small."""
    (program,) = [name for name in PROGRAMS if line.startswith(f"{name} ")]
    for found, replaced in small.items():
        line = re.sub(found, replaced, line)
    return [*PROGRAMS[program], *shlex.split(line.removeprefix(program).removesuffix("&"))]


def users_own_files(directory: Path) -> None:
    """The images and the rig file that documents take for granted."""
    (directory / "rig.toml").write_text("[leds]\nnumber = 8\n")
    (directory / "frames").mkdir()
    for k, image in enumerate(render_eyes(Rig.ring(8, image_size=(64, 64)), 0, range(2))[0]):
        Image.fromarray(image).save(directory / "frames" / f"{k}.png")
        Image.fromarray(image).save(directory / "eye.png")
