"""The words before a command, and the script that completes them in a shell."""

import dataclasses
import os
import pty
import re
import subprocess
from typing import get_args, get_type_hints

import pytest

from glint_unet.cli.main import COMMANDS, arguments_of
from glint_unet.config import TrainConfig
from glint_unet.messages import current_language


@pytest.mark.parametrize(
    "line",
    [
        "--lang en check none.h5",
        "--lang=en check none.h5",
        "check --lang en none.h5",
        "check none.h5 --lang=en",
        "--lang zh check none.h5 --lang en",
        "--lang en train --h5 none.h5",
        "--lang en verify-resume --h5 none.h5 --bogus",
        "--lang en trian",
        "trian --lang en",
        "train --bogus 3 --lang en",
    ],
)
def test_lang_holds_for_every_error_wherever_it_stands(command, line):
    status, _, err = command(*line.split())
    assert status == 2
    assert not re.search(r"[\u4e00-\u9fff]", err)


def test_a_mistyped_command_is_answered_in_the_language_of_the_user(command, monkeypatch):
    monkeypatch.setenv("GLINT_LANG", "zh")
    assert "没有命令 'trian' (train?)" in command("trian")[2]
    assert "Unknown command 'trian' (train?)" in command("--lang", "en", "trian")[2]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_language_of_every_command_is_by_default_that_of_the_user(name):
    (lang,) = [field for field in dataclasses.fields(arguments_of(name)) if field.name == "lang"]
    assert lang.default_factory is current_language


@pytest.mark.parametrize("line", ["--lang fr train", "--lang train --h5 x.h5", "--lang= check x.h5"])
def test_an_unknown_language_before_the_command_is_refused(command, line):
    status, _, err = command(*line.split())
    assert status == 2
    assert "--lang" in err
    assert "zh, en" in err


def test_a_language_alone_shows_the_commands(command):
    status, out, _ = command("--lang", "en")
    assert status == 0
    assert all(f"  {name} " in out for name in COMMANDS)
    assert "--completion bash|zsh|fish" in out


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("trian", "train?"), ("verify_resume", "verify-resume?"), ("eval", "evaluate?"), ("help", "--help?"), ("x", "")],
)
def test_a_mistyped_command_is_answered_with_the_one_probably_meant(command, typed, meant):
    err = command("--lang", "en", typed)[2]
    assert err.startswith(f"Unknown command '{typed}' ({meant})" if meant else f"Unknown command '{typed}';")


def test_the_bash_completion_is_registered_for_the_program_and_works_in_commands(command):
    status, script, _ = command("--completion", "bash")
    assert status == 0
    assert "complete -F _tyro_glint_unet glint-unet\n" in script
    program = (
        f"{script}\n"
        'ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _tyro_glint_unet; echo "${COMPREPLY[*]}"; }\n'
        "ask glint-unet ver\nask glint-unet train --ep\nask glint-unet train --loss ''\nask glint-unet pack --in\n"
    )
    ended = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert ended.stdout.splitlines() == [
        "verify-resume",
        "--epochs",
        " ".join(get_args(get_type_hints(TrainConfig)["loss"])),
        "--in_dir",
    ]


def test_the_tab_key_completes_in_an_interactive_bash(command, tmp_path):
    """In a terminal of its own, with the line of the README at the start."""
    script = tmp_path / "completion.bash"
    script.write_text(command("--completion", "bash")[1])
    terminal, its_end = pty.openpty()
    shell = subprocess.Popen(
        ["bash", "--noprofile", "--norc", "-i"], stdin=its_end, stdout=its_end, stderr=its_end, start_new_session=True
    )
    os.close(its_end)
    os.write(terminal, f"bind 'set enable-bracketed-paste off'; eval \"$(cat '{script}')\"; echo re''ady\n".encode())
    try:
        read_until(terminal, b"ready\r\n")
        os.write(terminal, b"glint-unet doc\t")
        read_until(terminal, b"glint-unet doctor ")
        os.write(terminal, b"--dir\t")
        read_until(terminal, b"--directory ")
    finally:
        shell.kill()
        shell.wait()
        os.close(terminal)


def read_until(terminal, expected):
    seen = b""
    while expected not in seen:
        seen += os.read(terminal, 4096)
    return seen


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_have_a_script_too(command, shell):
    assert "glint-unet" in command("--completion", shell)[1]


@pytest.mark.parametrize("line", ["--completion", "--completion tcsh", "--completion=tcsh", "--completion bash/../x"])
def test_an_unknown_shell_is_refused(command, line):
    status, out, err = command("--lang", "en", *line.split())
    assert (status, out) == (2, "")
    assert "bash, zsh, fish" in err


@pytest.mark.parametrize("words", [("live", "--source", "0"), ("predict", "--input", "x.png", "--out", "x.csv")])
def test_a_path_that_the_system_refuses_is_one_line(words, command):
    status, _, err = command(*words, "--run", "n" * 300, "--lang", "en")
    assert (status, err.count("\n")) == (2, 1)
    assert "File name too long" in err
