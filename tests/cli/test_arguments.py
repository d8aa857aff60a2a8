"""Flags of every command: what is refused, in which words, and that no line of arguments is answered by a traceback."""

import re
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glint_unet.cli.arguments import flags_on_line, known_flags, language_of, suggestions, value_on_line
from glint_unet.cli.main import COMMANDS, arguments_of, main
from glint_unet.config import TrainConfig

KINDS = {name: arguments_of(name) for name in COMMANDS}
NEEDED = {  # what a line must have before another flag of it is looked at
    "pack": ["--in_dir", "none", "--out_h5", "none/a.h5"],
    "check": ["none.h5"],
    "synth": ["none/a.h5"],
    "adapt": ["--run", "none", "--images", "none", "--output_dir", "none"],
    "evaluate": ["--run", "none", "--h5", "none.h5"],
    "predict": ["--run", "none", "--input", "none.png", "--out", "none/a.csv"],
    "live": ["--run", "none", "--source", "none.mp4"],
    "export": ["--run", "none", "--out", "none/a.onnx"],
    "sweep": ["--h5", "none.h5", "--output_dir", "none", "--set", "loss=focal,bce"],
    "rig": ["--images", "none", "--out", "none/rig.toml"],
    "rerun": ["none"],
    "track": ["none"],
    "ui": ["--data", "none"],
}

NO_PATHS = ("prefix", "gpu", "gpus", "save", "model_path", "flip", "allow_changed", "set", "slurm", "tracker")


def flags_of(name, kind_of_value):
    hints = get_type_hints(KINDS[name])
    flags = set(known_flags(KINDS[name]))
    return [flag for flag, hint in hints.items() if flag in flags and kind_of_value in (hint, *get_args(hint))]


def refusal(capsys, *argv):
    capsys.readouterr()
    assert main(list(argv)) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e999"])
@pytest.mark.parametrize(("name", "flag"), [(name, flag) for name in COMMANDS for flag in flags_of(name, float)])
def test_a_number_that_is_not_finite_is_refused_by_every_flag(capsys, name, flag, value):
    err = refusal(capsys, "--lang", "en", name, *NEEDED.get(name, []), f"--{flag}", value)
    assert err.startswith(f"--{flag} ")
    assert "not a finite number" in err


@pytest.mark.parametrize(
    ("name", "flag"), [(name, flag) for name in COMMANDS for flag in flags_of(name, str) if flag not in NO_PATHS]
)
def test_an_empty_path_is_refused_by_every_flag(capsys, tmp_path, monkeypatch, name, flag):
    monkeypatch.chdir(tmp_path)
    err = refusal(capsys, "--lang", "en", name, *NEEDED.get(name, []), f"--{flag}", "")
    assert f"--{flag} is " in err
    assert "is empty" in err or "is missing" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["check", "synth"])
def test_an_empty_path_without_a_flag_is_refused(capsys, name):
    assert "is empty" in refusal(capsys, "--lang", "en", name, "")


@pytest.mark.parametrize(
    ("name", "flag", "value", "limit"),
    [
        ("predict", "threshold", "5", "must be 0 to 1"),
        ("predict", "threshold", "-0.1", "must be 0 to 1"),
        ("predict", "batch", "0", "1 to 4096"),
        ("live", "every_s", "-1", ">= 0"),
        ("live", "threads", "5000", "to 1024"),
        ("evaluate", "worst", "-1", "0 to 400"),
        ("pack", "sigma_min", "0", "> 0"),
        ("pack", "img_h", "9000", "to 8192"),
        ("synth", "seed", "-1", "0 to 4294967295"),
        ("verify-resume", "kills", "0", "1 to 1000"),
        ("train", "epochs", "0", ">= 1"),
    ],
)
def test_a_number_out_of_range_is_refused_by_every_command_alike(capsys, name, flag, value, limit):
    err = refusal(capsys, "--lang", "en", name, *NEEDED.get(name, []), f"--{flag}", value)
    assert err.startswith(f"--{flag} {value}")
    assert limit in err


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("train --h x.h5", "--h (--h5, --help?)"),
        ("train --batch-size 4", "--batch-size (--batch?)"),
        ("train --batch_size=4", "--batch_size (--batch?)"),
        ("train --epoch 3", "--epoch (--epochs?)"),
        ("train --learning_rate 1e-3", "--learning_rate (--lr?)"),
        ("train --split 0.2", "--split (--val_split?)"),
        ("train --no_preloads", "--no_preloads (--no_preload, --preload?)"),
        ("train --xyz 3", "--xyz;"),
        ("train -e 3", "-e (--epochs, --ema_decay?)"),
        ("predict --weights a.pth", "--weights;"),
        ("check a.h5 --jsn", "--jsn (--json?)"),
        ("train --tyro-print-completion bash", "--tyro-print-completion;"),
    ],
)
def test_a_mistyped_flag_is_answered_with_the_flags_probably_meant(capsys, line, meant):
    err = refusal(capsys, "--lang", "en", *line.split())
    assert err.startswith(f"Unknown flag {meant}")
    assert f"glint-unet {line.split()[0]} --help" in err
    assert len(err) < 110


@pytest.mark.parametrize("line", ["train --epochs 3 4", "check a.h5 b.h5", "train --no_augment=3", "train eyes.h5"])
def test_a_word_too_many_is_named(capsys, line):
    assert refusal(capsys, "--lang", "en", *line.split()).startswith("Unexpected argument: ")


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("is_terminal", [False, True])
def test_help_shows_nothing_that_only_the_parser_knows(capsys, monkeypatch, name, is_terminal):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stdout.isatty", lambda: is_terminal)
    with pytest.raises(SystemExit) as ending:
        main([name, "--help"])
    assert ending.value.code == 0
    shown = capsys.readouterr().out
    assert ("\x1b[" in shown) == is_terminal
    plain = re.sub(r"\x1b\[[\d;]*m", "", shown)
    assert "{None}" not in plain
    assert "no_no_" not in plain
    assert all(len(line) <= 80 for line in plain.split("options", 1)[1].splitlines())


def test_the_language_is_that_of_the_last_lang_before_bare_dashes(monkeypatch):
    monkeypatch.setenv("GLINT_LANG", "zh")
    assert language_of(["train", "--epochs", "3"]) == "zh"
    assert language_of(["--lang", "en", "trian"]) == "en"
    assert language_of(["train", "--lang=en"]) == "en"
    assert language_of(["train", "--lang", "en", "--lang", "zh"]) == "zh"
    assert language_of(["verify-resume", "--", "--lang", "en"]) == "zh"
    assert language_of(["train", "--lang"]) == "zh"
    assert value_on_line(["--recipe", "a", "--recipe=b"], "recipe") == "b"


def test_the_flags_given_on_a_line_are_known_by_name():
    line = ["--no_preload", "--output-dir=x", "--lr", "3", "-h", "--nothing", "--", "--epochs"]
    assert flags_on_line(TrainConfig, line) == {"preload", "output_dir", "lr"}
    assert flags_on_line(TrainConfig, ["--no_save_optimizer"]) == {"no_save_optimizer"}
    assert flags_on_line(TrainConfig, ["--no_no_save_optimizer"]) == {"no_save_optimizer"}


def test_suggestions_are_few_and_best_first():
    known = ["epochs", "ema_decay", "h5", "help", "heatmap_size", "no_help"]
    assert suggestions("h", known) == ["h5", "help", "heatmap_size"]
    assert suggestions("size", known) == ["heatmap_size"]
    assert suggestions("qqq", known) == []


NAMES = st.sampled_from([*COMMANDS, "trian", "", "--lang", "-h5", "--", "\udce9"])
NOT_TRIED = {"--help", "--processes", "--work_dir"}  # show help, start processes, make a directory
FLAGS = st.sampled_from(sorted({f"--{flag}" for kind in KINDS.values() for flag in known_flags(kind)} - NOT_TRIED))
TEXTS = "0 1 -1 3 0.5 nan inf 1e999 none None none/a.h5 none.onnx auto en cuda cuda:9 0,1 = {} %s {reason} [b]x[/b] ~ -"
VALUES = st.sampled_from([*TEXTS.split(), "", "a b", "\udce9", "synth:none.toml"]) | st.text(
    alphabet=st.characters(exclude_characters="\0"), max_size=5
).filter(lambda text: text != "-h")
HINTS = [hint for kind in KINDS.values() for hint in get_type_hints(kind).values()]
CHOICES = st.sampled_from(
    sorted({choice for hint in HINTS if get_origin(hint) is Literal for choice in get_args(hint)})
)
WORDS = FLAGS | VALUES | st.tuples(FLAGS, VALUES | CHOICES).map(list) | st.tuples(FLAGS, VALUES).map("=".join)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=NAMES,
    words=st.lists(WORDS, max_size=6),
    needed=st.booleans(),
    leading=st.sampled_from([[], ["--lang", "en"], ["--lang=zh"], ["--lang"]]),
)
def test_a_line_of_random_arguments_gets_one_line_and_status_2(
    capsys, tmp_path, shm_root, monkeypatch, name, words, needed, leading
):
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()
    # `synth NAME` alone would be a good line, and make a data set of that name; `ui` would serve until Ctrl-C
    flat = [one for word in words for one in (word if isinstance(word, list) else [word])]
    capsys.readouterr()
    try:
        status = main([*leading, name, *(NEEDED.get(name, []) if needed or name in ("synth", "ui") else []), *flat])
    finally:
        torch.set_num_threads(threads)
    out, err = capsys.readouterr()
    if status == 2:
        assert (out, len(err.splitlines()), err.count("\n")) == ("", 1, 1)
        assert len(err) < 600
    else:  # nothing is there to work on: only the shared copies can be listed, and help shown
        assert (status, err) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["shm"]


@pytest.mark.parametrize(
    ("line", "zh", "en"),
    [
        ("predict --run a", "缺少参数: --input;", "Missing: --input;"),
        ("pack", "缺少参数: --in_dir, --out_h5;", "Missing: --in_dir, --out_h5;"),
        ("check", "缺少参数: FILE;", "Missing: FILE;"),
        ("train --epochs", "--epochs 后缺少值", "--epochs needs a value"),
        ("train --epochs x", "--epochs 的值 'x' 不是整数", "--epochs 'x' is not a whole number"),
        ("train --lr x", "--lr 的值 'x' 不是有限的数", "--lr 'x' is not a finite number"),
        ("train --arch foo", "--arch 的值 'foo' 无效, 可选: ", "--arch 'foo' is not a valid choice; choose one of: "),
    ],
)
def test_what_the_parser_refuses_is_said_in_the_chosen_language(capsys, line, zh, en):
    for language, said in (("zh", zh), ("en", en)):
        assert refusal(capsys, "--lang", language, *line.split()).startswith(said)
