"""`glint-unet report`: makes the HTML report of a run again."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting


@dataclass(frozen=True)
class ReportArguments(Settings):
    """Write report.html of runs: one page without scripts or network, with curves, errors, images and settings."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Run directories."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the report and the messages."""


ARGUMENTS = ReportArguments


def run(argv: Sequence[str]) -> int:
    """Writes the reports and prints where they are."""
    arguments = parse(ReportArguments, argv, "glint-unet report")
    from glint_unet.runs.run_directory import RunDirectory
    from glint_unet.training.run_report import remake_report

    for path in arguments.runs:
        run_directory = RunDirectory(Path(path))
        remake_report(run_directory)
        print(text("report_written", path=run_directory.report))
    return 0
