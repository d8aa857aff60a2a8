"""Random command lines: a command, some of its flags, and most of the time values that it can use."""

import dataclasses
import typing
from typing import Any

from fuzzing.world import FULL, ODD, World, WrongError, described, run_command

from glint_unet.cli.main import COMMANDS, arguments_of

ODD_PATHS = ("missing.x", "missing/x.csv", "directory", "日本 x", "loop", "broken.h5", "broken.pth", "empty", "n" * 300)
INPUTS = ("eyes.h5", "images", "images/*.png", "images/a.png", "broken.h5", "no/*.png")
FLAGS: dict[str, tuple[str, ...]] = {  # for what an odd value would start minutes of work, all its values
    "h5": ("eyes.h5", "eyes.h5", "synth:rig.toml", "synth:", "synth:missing.toml"),
    "file": ("eyes.h5",),
    "run": ("run", "run/best_model.pth", "run/latest_checkpoint.pth", "run/checkpoints", "images/a.png"),
    "resume": ("run", "auto", "run/best_model.pth", "run/checkpoints"),
    "init": ("run", "run/best_model.pth"),
    "input": INPUTS,
    "source": ("missing.mp4", "images/a.png", "-1", "99"),
    "in_dir": ("labelme", "images"),
    "annotations": ("notes.csv", "notes.json", "notes.xml"),
    "rig": ("rig.toml", "missing.toml", "notes.csv"),
    "out": ("out.csv", "out.json", "out.safetensors", "out.xyz", "out"),
    "out_h5": ("out.h5", "eyes.h5", "out"),
    "json": ("out.json",),
    "picture": ("out.png", "out.xyz"),
    "overlay": ("drawn", "out.avi", "out.mp4", "out.xyz"),
    "labelme": ("drawn_labelme", "labelme"),
    "output_dir": ("new", "run", "new/deeper"),
    "model_path": ("new",),
    "save": ("new",),
    "work_dir": ("directory",),
    "device": ("cpu", "auto", "cuda", "cuda:7", "mps", "foo", "meta"),
    "gpu": ("0", "0,1", "-1", "x", "", "7"),
    "epochs": ("1", "1", "0", "-1", "nan", ""),
    "processes": ("1", "0", "-1", "65", "nan"),
    "threads": ("1", "0", "-1", "nan", ""),
    "num_workers": ("0", "1", "-1", "257", "nan"),
    "batch": ("1", "2", "4", "64", "auto", "0", "nan", "4097", "99999999999999999999"),
    "base_channels": ("2", "1", "3", "0", "-1", "nan", "513"),
    "profile": ("0", "1", "-1", "nan"),
    "num": ("1", "3", "0", "-1", "99999999999"),
    "size": ("16", "32", "33", "15", "4097"),
    "heatmap_size": ("8", "16", "32", "0"),
    "num_classes": ("1", "3", "8", "0", "-1", "99999"),
    "img_h": ("16", "32", "33", "0", "-1", "8193"),
    "img_w": ("16", "32", "33", "0", "-1", "8193"),
    "hm_h": ("8", "16", "32", "0", "-1", "8193"),
    "hm_w": ("8", "16", "32", "0", "-1", "8193"),
    "worst": ("0", "1", "16", "-1", "401"),
}
SERVING = ("ui",)  # it serves until Ctrl-C
LEFT_OUT = ("compile", "show", "verify_hash")  # minutes of compiling, and a window
POSITIONAL = {"check": "file", "synth": "out_h5"}


def command_line(world: World) -> list[str]:
    """A command and some of its flags, most with values that it can use."""
    ending = [name for name in COMMANDS if name not in SERVING]
    name = world.choose(*ending, "predict", "pack", "check", "evaluate", "trian", "", "--lang", "-h")
    if name not in COMMANDS:
        return [name, *world.choose([], ["en"], ["en", "check"], ["--h"], ["zh", "predict", "--run"])]
    if name == "train" and world.rng.random() < 0.5:
        name = "check"  # a training takes most of a second
    fields = [field for field in dataclasses.fields(arguments_of(name)) if field.name not in LEFT_OUT]
    hints = typing.get_type_hints(arguments_of(name))
    required = [field for field in fields if field.default is field.default_factory is dataclasses.MISSING]
    extra = world.rng.sample(fields, world.rng.randint(0, min(4, len(fields))))
    if name == "train":
        words = [*("--h5", value_of(world, "h5", str)), "--epochs", "1", "--base_channels", "2"]
        words += ["--output_dir", f"new_{world.rng.randrange(10**9)}", "--threads", "1", "--no_progress"]
    else:
        words = []
    for field in {field.name: field for field in [*required, *extra]}.values():
        if (name, field.name) == ("verify-resume", "h5"):  # it would train for a minute
            words += ["--h5", world.choose(*ODD_PATHS, *ODD)]
            continue
        if field in required and world.rng.random() < 0.05:
            continue
        words += flag(world, name, field.name, hints[field.name])
    if world.rng.random() < 0.03:
        words.insert(
            world.rng.randint(0, len(words)), world.choose("--h", "--batch-size", "--no_no_x", "--", "extra", "--=")
        )
    return [name, *words]


def flag(world: World, command: str, name: str, hint: Any) -> list[str]:
    if hint is bool:
        return [world.choose(f"--{name}", f"--{name}", f"--no_{name}")]
    value = value_of(world, name, hint)
    if POSITIONAL.get(command) == name:
        return [value]
    return [f"--{name}={value}"] if world.rng.random() < 0.2 else [f"--{name}", value]


def value_of(world: World, name: str, hint: Any) -> str:
    if name in ("h5", "run", "input", "in_dir", "annotations", "resume", "init", "file") and world.rng.random() < 0.2:
        return str(world.choose(*ODD_PATHS, *ODD))
    if name in FLAGS:
        return str(world.choose(*FLAGS[name]))
    kinds = [hint, *typing.get_args(hint)]
    choices = [str(c) for kind in kinds if typing.get_origin(kind) is typing.Literal for c in typing.get_args(kind)]
    if choices and world.rng.random() < 0.8:
        return str(world.choose(*choices))
    if (int in kinds or float in kinds) and world.rng.random() < 0.6:
        return str(world.choose("0", "1", "2", "0.1", "1e-9", "1000"))
    return str(world.choose(*ODD))


def a_command(world: World) -> str:
    words, console = command_line(world), world.choose("utf-8", "utf-8", "utf-8", "gbk", "ascii", "latin-1", FULL)
    try:
        status, err = run_command(words, console)
        if status not in (0, 1, 2) and not 128 < status < 193:
            raise WrongError(f"status {status}")
        lines = err.strip("\n").splitlines()
        if console == FULL and len(lines) > 1 and "standard output" in lines[-1]:
            lines.pop()  # what was lost is said after the mistake
        if "Traceback" in err or (status == 2 and len(lines) != 1):
            raise WrongError(f"status {status} with {len(lines)} lines on stderr: {err[:200]!r}")
    except BaseException as error:
        raise WrongError(f"{described(error)} [glint-unet {words!r} on {console}]") from error
    return words[0] if words[0] in COMMANDS else "no command"
