"""`glint-unet doctor`: examines the installation and the machine, and says what is wrong and what to do about it."""

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glint_unet.cli.arguments import parse
from glint_unet.cli.machine_checks import Finding, examine_machine
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting


@dataclass(frozen=True)
class DoctorArguments(Settings):
    """Examine packages, GPU, shared memory, disk, main memory and CPU threads; exit status 1 if commands would fail."""

    directory: str = "."
    """Directory in which runs are to be written."""
    json: bool = False
    """Print JSON instead of text."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = DoctorArguments


def run(argv: Sequence[str]) -> int:
    """Prints the findings; returns 1 if one of them is an error."""
    arguments = parse(DoctorArguments, argv, "glint-unet doctor")
    found = []
    for finding in examine_machine(Path(arguments.directory)):
        found.append(finding)
        if not arguments.json:
            _print(finding)
    num_errors, num_warnings = (sum(one.status == status for one in found) for status in ("error", "warning"))
    if arguments.json:
        print(json.dumps([dataclasses.asdict(finding) for finding in found], ensure_ascii=False, indent=2))
    elif num_errors or num_warnings:
        print(text("doctor_summary", errors=num_errors, warnings=num_warnings))
    else:
        print(text("doctor_all_well"))
    return 1 if num_errors else 0


def _print(finding: Finding) -> None:
    mark = {
        "ok": text("doctor_ok"),
        "note": text("doctor_note"),
        "warning": text("doctor_warning"),
        "error": text("doctor_error"),
    }[finding.status]
    print(f"[{mark}] {finding.found}")
    if finding.advice:
        print(f"    -> {finding.advice}")
