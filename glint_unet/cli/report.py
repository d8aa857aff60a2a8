"""`glint-unet report`: makes the HTML report of a run again, or compares runs in one page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.cli.outputs import check_output
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting


@dataclass(frozen=True)
class ReportArguments(Settings):
    """Write report.html of a run, or compare several in one page: without scripts, no network access needed."""

    runs: tyro.conf.Positional[tuple[str, ...]]
    """Run directory; several: compare them."""
    out: str = "comparison.html"
    """Where to write a comparison; the report of one run is always its report.html."""
    overwrite: bool = False
    """Replace an existing comparison."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the report and the messages."""


ARGUMENTS = ReportArguments


def run(argv: Sequence[str]) -> int:
    """Writes the page and prints where it is."""
    arguments = parse(ReportArguments, argv, "glint-unet report")
    if not arguments.runs:
        raise SettingError("report_of_nothing")
    paths = [Path(path) for path in arguments.runs]
    written = _report(paths[0]) if len(paths) == 1 else _compare(paths, arguments)
    print(text("report_written", path=written))
    return 0


def _report(path: Path) -> Path:
    from glint_unet.runs.run_directory import RunDirectory
    from glint_unet.training.run_report import remake_report

    run_directory = RunDirectory(path)
    remake_report(run_directory)
    return run_directory.report


def _compare(paths: Sequence[Path], arguments: ReportArguments) -> Path:
    from glint_unet.experiments.comparison import compare_runs
    from glint_unet.experiments.comparison_page import write_comparison_page
    from glint_unet.experiments.run_info import DAMAGED, read_run

    out = Path(arguments.out)
    check_output(out, overwrite=arguments.overwrite)
    runs = [read_run(path) for path in paths]
    for one in runs:
        if one.state == DAMAGED:
            raise RunDirectoryError("not_a_run", path=one.path)
    write_comparison_page(runs, compare_runs(runs), out)
    return out
