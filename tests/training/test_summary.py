"""The last lines of a run."""

from pathlib import Path

from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.summary import summary
from tests.run_files import settings

RUN = RunDirectory(Path("my runs/first"))


def test_figures_that_are_undefined_are_dashes_and_paths_are_quoted():
    history = [{"epoch": 3, "val": {"f1": 0.5, "precision": 1.0, "recall": 0.25, "px_median": None}}]
    best, evaluate, *_ = summary(RUN, settings(Path("my eyes.h5"), RUN.path), 3, history)
    assert best.endswith("F1 0.500 (precision 1.000, recall 0.250), median error - px")
    assert evaluate.endswith("glint-unet evaluate --run 'my runs/first' --h5 'my eyes.h5'")


def test_without_f1_and_without_a_file_there_is_less_to_say():
    lines = summary(RUN, settings(Path("synth:rig.toml"), RUN.path), 1, [])
    assert len(lines) == 2
    assert not any("evaluate" in line for line in lines)
