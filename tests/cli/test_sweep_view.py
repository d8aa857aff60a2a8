"""What a sweep shows while it is running."""

import io
import re
import sys

import pytest

from glint_unet.cli.sweep_view import ConsoleView
from glint_unet.config import TrainConfig
from glint_unet.experiments.sweep import sweep
from glint_unet.experiments.sweep_plan import Slot, SweepPlan
from glint_unet.experiments.sweep_space import Space
from glint_unet.experiments.sweep_trial import Trial, TrialRun
from glint_unet.messages import set_language
from tests.scripted_training import ScriptedEngine


@pytest.fixture
def plan(tmp_path):
    space = Space.parse(["loss=quality_focal,dice", "lr=3e-3"])
    slots = (Slot(None, 1),) * 2
    return SweepPlan(tmp_path, ("--epochs=4",), (), TrainConfig(epochs=4), "0", space, 2, 2, "f1", False, False, slots)


class Terminal(io.StringIO):
    """A console that is a terminal."""

    def isatty(self):
        return True

    def shown(self):
        """What has been written since the last call."""
        written = self.getvalue()
        self.seek(0)
        self.truncate()
        return written


@pytest.fixture
def terminal(monkeypatch):
    """The console of this process: a terminal of 60 columns."""
    monkeypatch.setenv("COLUMNS", "60")

    def begin():
        console = Terminal()
        monkeypatch.setattr(sys, "stdout", console)
        return console

    return begin


def test_every_event_is_a_line_and_the_table_is_written_each_time(plan, capsys):
    sweep(plan, ScriptedEngine, ConsoleView(plan))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "Sweep in" in out
    assert "trial_000_seed_1 started: loss=quality_focal lr=3e-3" in out
    assert re.search(r"Trial 0 complete: f1 1\.0050 ± 0\.0071 \(8 epochs", out)
    assert "Trial 1 failed: first line | no such thing: correct it" in out
    assert len((plan.directory / "sweep.csv").read_text().splitlines()) == 3


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_terminal_shows_running_trials_which_the_next_event_erases(plan, terminal, language):
    set_language(language)
    console = terminal()
    view = ConsoleView(plan)
    rows = [{"epoch": k, "val": {"f1": k / 10, "total": 1.0}, "epoch_time": 30.0} for k in (1, 2)]
    run = TrialRun(plan.run_directory(0, 1), 1, state="running", rows=rows)
    waiting = TrialRun(plan.run_directory(0, 2), 2)
    view.looked([Trial(0, {"loss": "focal", "lr": "0.00123456789"}, 4, [run, waiting])])
    heading, line, last = console.shown().splitlines()
    assert heading.split() == ["trial", "epoch", "f1", "state", "ETA"]
    assert line.split() == ["0/1", "2/4", "0.2000", "running", "1:00", "loss=foca"]  # cut at the width
    assert "3:30" in last  # 14 of 16 epochs, 30 s each, on 2 slots
    view.say("an event")
    assert console.shown() == "\x1b[3A\x1b[Jan event\n"


def test_lines_of_wide_characters_are_cut_to_the_width_of_the_terminal(plan, terminal, monkeypatch):
    set_language("zh")
    console = terminal()
    monkeypatch.setenv("COLUMNS", "21")
    ConsoleView(plan).looked([Trial(0, {}, 4, [TrialRun(plan.run_directory(0, 1), 1)])])
    lines = console.shown().splitlines()
    assert len(lines) == 2
    assert all(len(line.encode("gbk")) <= 20 for line in lines)
