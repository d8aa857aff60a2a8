"""`glint-unet rerun`: trains again with the settings of a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from glint_unet.cli import train
from glint_unet.cli.arguments import parse
from glint_unet.messages import text
from glint_unet.own_command import own_command
from glint_unet.settings import Settings, language_setting


@dataclass(frozen=True)
class RerunArguments(Settings):
    """Train again with all settings of a run, in a new run directory, on the same data set (verified by its MD5)."""

    run: tyro.conf.Positional[str]
    """Run directory to repeat."""
    output_dir: str | None = None
    """New run directory. Default: runs/train_YYYYMMDD_HHMMSS."""
    dry_run: bool = False
    """Only print the command and what differs from the first time: commit, versions, number of processes."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = RerunArguments


def run(argv: Sequence[str]) -> int:
    """Prints the command and the differences, then trains."""
    arguments = parse(RerunArguments, argv, "glint-unet rerun")
    from glint_unet.experiments.repetition import repetition_of

    repetition = repetition_of(Path(arguments.run), arguments.output_dir)
    print(text("rerun_command", command=own_command(["train", *repetition.words])))
    for line in repetition.differences:
        print(line)
    return 0 if arguments.dry_run else train.run(repetition.words)
