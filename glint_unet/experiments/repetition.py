"""Repeats a run: the command that trains with its settings again, and what would differ from the first time."""

from dataclasses import dataclass
from pathlib import Path

from glint_unet.data.origin import origin_of
from glint_unet.errors import ResumeError, RunDirectoryError
from glint_unet.experiments.run_info import RunInfo, known_settings, read_run
from glint_unet.messages import text
from glint_unet.pretrained import is_pretrained
from glint_unet.runs.json_file import as_count, as_dict, as_text
from glint_unet.runs.provenance import current_versions, git_state
from glint_unet.runs.run_directory import RunDirectory


@dataclass(frozen=True)
class Repetition:
    """How to repeat a run.

    Attributes:
        words: the arguments of `glint-unet train`.
        differences: a line for everything that is not as it was: commit, versions, processes, changed settings.
    """

    words: list[str]
    differences: list[str]


def repetition_of(path: Path, output_dir: str | None) -> Repetition:
    """The repetition of a run.

    Args:
        path: its run directory.
        output_dir: where to train; None: the default of `train`.

    Raises:
        RunDirectoryError: the settings of the run cannot be read.
        ResumeError: the data set is not the one that the run was trained on.
        DatasetError: the data set cannot be used.
    """
    info = read_run(path)
    config = known_settings(info.settings) if info.settings else None
    if config is None:
        raise RunDirectoryError("rerun_no_settings", path=RunDirectory(path).training_args)
    words = ["--config", str(RunDirectory(path).training_args)]
    h5 = _located(config.h5, info)
    words += ["--h5", h5] if h5 != config.h5 else []
    if config.init and not is_pretrained(config.init) and (init := _located(config.init, info)) != config.init:
        words += ["--init", init]
    was = as_text(info.dataset_record.get("md5"))
    md5 = origin_of(h5, config.seed).examine()[1]
    if was and md5 != was:
        raise ResumeError("rerun_other_dataset", path=h5, md5=md5, was=was)
    words += ["--output_dir", output_dir] if output_dir else []
    size = max(config.processes, len(config.gpu.split(",")) if config.gpu else 1)
    return Repetition(words, _differences(info, size))


def _located(given: str, info: RunInfo) -> str:
    """A path of the settings, seen from here: relative ones are relative to where the run was started."""
    prefix, path = ("synth:", given.removeprefix("synth:")) if given.startswith("synth:") else ("", given)
    if Path(path).is_absolute() or not info.starts:
        return given
    elsewhere = Path(as_text(info.starts[0].get("working_directory"))) / path
    return prefix + str(elsewhere) if elsewhere.resolve() != Path(path).resolve() and elsewhere.exists() else given


def _differences(info: RunInfo, num_processes: int) -> list[str]:
    if not info.starts:
        return [text("rerun_no_provenance")]
    last = info.starts[-1]
    lines = []
    was, now = as_dict(last.get("git")), git_state() or {}
    for name in ("commit", "diff_md5"):
        if was and was.get(name) != now.get(name):
            pair = {"was": as_text(was.get(name)) or "-", "now": as_text(now.get(name)) or "-"}
            lines.append(text("rerun_differs", name=name, **pair))
    versions = as_dict(last.get("versions"))
    for name, version in current_versions().items():
        if versions and versions.get(name) != version:
            lines.append(text("rerun_differs", name=name, was=as_text(versions.get(name)) or "-", now=version))
    if (size := as_count(last.get("processes"))) != num_processes:
        lines.append(text("rerun_processes", num=size))
    if any(start.get("changes") for start in info.starts[1:]):
        lines.append(text("rerun_changed_on_the_way"))
    return lines
