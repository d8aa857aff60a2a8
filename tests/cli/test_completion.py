"""Completion scripts are made for every command of the program."""

import pytest

from glint_unet.cli.check import ARGUMENTS as CHECK
from glint_unet.cli.completion import SHELLS, completion_script
from glint_unet.cli.synth import ARGUMENTS as SYNTH
from glint_unet.errors import SettingError


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_knows_commands_and_their_flags(shell):
    script = completion_script({"check": CHECK, "synth": SYNTH}, shell)
    for word in ("glint-unet", "check", "synth", "num_classes", "compression"):
        assert word in script


def test_another_shell_is_refused_with_the_choices():
    with pytest.raises(SettingError, match=r"tcsh.*bash, zsh, fish"):
        completion_script({"check": CHECK, "synth": SYNTH}, "tcsh")
