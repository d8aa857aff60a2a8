"""Random command lines, API calls and annotation files: nothing may end in a traceback or in a silent wrong result.

    python benchmarks/fuzz.py [--num 10000] [--seed 0] [--first 0] [--only commands,annotations,calls]

Each case is a function of (seed, number); a failure is printed with the command that repeats it alone. Commands run in
this process, in a directory of their own, with values that a command would work on for minutes left out.
"""

import argparse
import contextlib
import dataclasses
import importlib
import io
import json
import math
import os
import random
import signal
import sys
import tempfile
import typing
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import h5py
import numpy as np
import torch
from PIL import Image

from glint_unet.cli.main import COMMANDS, main
from glint_unet.config import TrainConfig
from glint_unet.data import shared_cache
from glint_unet.data.heatmaps import decode_heatmaps, keypoints_of_heatmaps, render_heatmaps
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import GlintError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_manager import CheckpointManager
from glint_unet.runs.training_log import TrainingLogger

LIMIT_S = 60
NUM_LEDS, STEMS = 3, ("a", "b", "c")

ODD = (
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0.5",
    "99999999999999999999",
    "0x10",
    "½",
    "日本",
    "a\nb",
    "'",
    "-",
)
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
LEFT_OUT = ("compile", "show", "verify_hash")  # minutes of compiling, and a window
POSITIONAL = {"check": "file", "synth": "out_h5"}


class WrongError(Exception):
    """A case whose outcome is not allowed."""


@dataclasses.dataclass
class World:
    """The directory that cases work in, and chance."""

    root: Path
    rng: random.Random

    def choose(self, *values: Any) -> Any:
        return self.rng.choice(values)


def build(root: Path) -> None:
    """Everything that the cases read: a data set, a run of one epoch, images, annotations, broken files."""
    list(
        write_synthetic(
            root / "eyes.h5", Rig.ring(NUM_LEDS, image_size=(32, 32), stride=2, level="easy"), num=8, seed=5
        )
    )
    (root / "rig.toml").write_text(
        "[leds]\nnumber=3\n[image]\nsize=32\nstride=2\n[scene]\nlevel='easy'\n[stream]\nimages=8\nvalidation=2\n"
    )
    small = ("--epochs", "1", "--base_channels", "2", "--no_progress", "--threads", "1", "--device", "cpu")
    training = [
        *("train", "--h5", str(root / "eyes.h5"), "--output_dir", str(root / "run")),
        *small,
        "--save_freq",
        "1",
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(training) == 0
    for name in ("images", "labelme", "directory", "日本 x"):
        (root / name).mkdir()
    for stem in STEMS:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)).save(root / f"images/{stem}.png")
    for name in ("broken.h5", "broken.pth"):
        (root / name).write_bytes(b"\x89HDF\r\n\x1a\n" + b"x" * 100)
    (root / "empty").touch()
    (root / "loop").symlink_to("loop")


# command lines


def command_line(world: World) -> list[str]:
    """A command and some of its flags, most with values that it can use."""
    name = world.choose(*COMMANDS, "predict", "pack", "check", "evaluate", "trian", "", "--lang", "-h")
    if name not in COMMANDS:
        return [name, *world.choose([], ["en"], ["en", "check"], ["--h"], ["zh", "predict", "--run"])]
    if name == "train" and world.rng.random() < 0.5:
        name = "check"  # a training takes most of a second
    fields = [field for field in dataclasses.fields(settings_of(name)) if field.name not in LEFT_OUT]
    hints = typing.get_type_hints(settings_of(name))
    required = [field for field in fields if field.default is dataclasses.MISSING]
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


def settings_of(command: str) -> Any:
    if command == "train":
        return TrainConfig
    module = importlib.import_module(f"glint_unet.cli.{command.replace('-', '_')}")
    found = [
        value for key, value in vars(module).items() if key.endswith("Arguments") and dataclasses.is_dataclass(value)
    ]
    return next(value for value in found if value.__module__ == module.__name__)


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


def run_command(words: list[str], encoding: str) -> tuple[int, str]:
    """(status, stderr) of a command on a console of an encoding."""
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as ending:  # --help
            status = int(ending.code or 0)
        out.flush()
    err.flush()
    return status, err.buffer.getvalue().decode()


def a_command(world: World) -> str:
    words, encoding = command_line(world), world.choose("utf-8", "utf-8", "utf-8", "gbk", "ascii", "latin-1")
    try:
        status, err = run_command(words, encoding)
        if status not in (0, 1, 2) and not 128 < status < 193:
            raise WrongError(f"status {status}")
        lines = err.strip("\n").splitlines()
        if "Traceback" in err or (status == 2 and len(lines) != 1):
            raise WrongError(f"status {status} with {len(lines)} lines on stderr: {err[:200]!r}")
    except BaseException as error:
        raise WrongError(f"{described(error)} [glint-unet {words!r} on {encoding}]") from error
    return words[0] if words[0] in COMMANDS else "no command"


# calls


def odd_number(world: World) -> Any:
    return world.choose(
        *(0, -1, 1.5, math.nan, math.inf, -math.inf, 10**30, True, None, "1", "", b"1", (), [1], {}, 1j),
        *(np.float32(0.5), np.int64(1), np.float64("nan"), np.bool_(True), np.array(1.0), np.array([1, 2])),
        *(torch.tensor(0.5), Path("x"), object()),
    )


def odd_array(world: World) -> Any:
    shape = world.choose(
        (), (0,), (32,), (32, 32), (1, 32, 32), (2, 32, 32, 3), (32, 32, 1), (0, 32, 32), (1, 1), (3, 4, 5, 6, 7)
    )
    dtype = world.choose(
        "uint8", "uint16", "int64", "float32", "float16", "float64", "bool", "complex64", "object", "U1"
    )
    array = np.zeros(shape, dtype) if dtype in ("object", "U1") else np.ones(shape, dtype)
    if array.dtype.kind == "f" and world.rng.random() < 0.5:
        array = array * np.array(world.choose(np.nan, np.inf, 0.5, 300.0), dtype)
    return world.choose(array, array, array, array.tolist(), None, "missing.png", torch.zeros(2))


def a_config(world: World) -> str:
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    config = TrainConfig(**{world.choose(*names): odd_number(world) for _ in range(world.rng.randint(1, 3))})
    json.dumps(config.to_dict(), allow_nan=False)  # what it takes, training_args.json holds
    TrainConfig.from_dict(config.to_dict())
    return "config"


def a_detection(world: World) -> str:
    glints = DETECTOR[0](odd_array(world))
    if not np.isfinite(glints.points[glints.present]).all() or not np.isfinite(glints.scores).all():
        raise WrongError("glints that are no numbers")
    return "detection"


def a_checkpoint(world: World) -> str:
    network = UNet(num_classes=2, base_channels=1, output_stride=4)
    kind = world.choose(torch.optim.AdamW, torch.optim.SGD, torch.optim.NAdam, torch.optim.ASGD, torch.optim.Adafactor)
    optimizer = kind(network.parameters(), lr=0.1)
    network(torch.rand(1, 1, 32, 32)).sum().backward()
    optimizer.step()
    manager = CheckpointManager(world.root / "manager", keep_last_n=2)
    arguments = world.choose({"lr": odd_number(world)}, argparse.Namespace(a=odd_number(world)), {})
    metrics = {"train": {"total": odd_number(world)}, "val": world.choose({"f1": odd_number(world)}, {})}
    path = manager.save_checkpoint(world.choose(1, np.int64(2)), network, optimizer, arguments, metrics)
    try:
        manager.load_checkpoint(path, network, optimizer)
    except GlintError as error:
        raise WrongError(f"saved, but cannot be loaded: {error}") from error
    return "checkpoint"


def a_log_row(world: World) -> str:
    logger, epoch = TrainingLogger(world.root / "log"), world.choose(1, 2, np.int64(3))
    values = {"total": odd_number(world), "f1": odd_number(world)}
    numeric = {k for k, v in values.items() if isinstance(v, (int, float, np.number)) and not isinstance(v, bool)}
    with contextlib.redirect_stdout(io.StringIO()):
        logger.log_epoch(epoch, values, {}, world.choose(0.1, np.float32(0.1)), 1.0)
    rows = json.loads((world.root / "log/metrics.json").read_text())
    row = next(row["train"] for row in rows if row["epoch"] == epoch)
    if texts := [name for name in numeric if isinstance(row[name], str)]:
        raise WrongError(f"{texts} became texts: {row}")
    return "log row"


def a_shared_copy(world: World) -> str:
    name, given = world.choose("images", "heatmaps", "keypoints", "", "own"), odd_array(world)
    of_file = name in ("images", "heatmaps", "keypoints")
    name = name if of_file else f"{name}{world.rng.randrange(10**9)}"  # no other case's copy
    handle, array, _ = shared_cache.SharedMemoryDatasetCache.try_attach_or_create("eyes.h5", name, given)
    try:
        with h5py.File("eyes.h5") as file:
            expected = np.asarray(file[name]) if of_file else given
        same = np.array_equal(array, np.asarray(expected).astype(array.dtype), equal_nan=array.dtype.kind == "f")
    finally:
        handle.close()
    if not same:
        raise WrongError(f"the copy of {name} is not what the file holds")
    return "shared copy"


def a_heatmap(world: World) -> str:
    points = torch.tensor(
        [[[world.choose(0.0, 5.3, -3.0, 31.0, 1e9, math.inf, math.nan) for _ in "xy"] for _ in range(3)]]
    )
    sigma = world.choose(0.8, 1.5, 1e-3, 1e3)
    maps = render_heatmaps(points, (16, 16), 2, sigma)
    if not bool(torch.isfinite(maps).all()):
        raise WrongError(f"a heatmap of {points.tolist()} is not finite")
    spoilt = maps * world.choose(1.0, 0.0, 1e-30, -1.0)
    keypoints_of_heatmaps(spoilt, 2)
    found, scores, _ = decode_heatmaps(spoilt, 2)
    if not bool(torch.isfinite(found).all() and torch.isfinite(scores).all()):
        raise WrongError(f"decoding heatmaps of {points.tolist()}, sigma {sigma}: not finite")
    return "heatmap"


# annotation files

Truth = dict[str, dict[int, tuple[float, float]]]


def coco(truth: Truth) -> str:
    images = [{"id": k, "file_name": f"{stem}.png", "width": 32, "height": 32} for k, stem in enumerate(truth)]
    notes = []
    for k, glints in enumerate(truth.values()):
        values: list[float] = []
        for led in range(NUM_LEDS):
            values += [*glints[led], 2] if led in glints else [0, 0, 0]
        notes.append({"id": k, "image_id": k, "category_id": 1, "keypoints": values})
    category = {"id": 1, "name": "eye", "keypoints": [f"g{led + 1}" for led in range(NUM_LEDS)]}
    return json.dumps({"images": images, "annotations": notes, "categories": [category]})


def cvat(truth: Truth) -> str:
    lines = ["<annotations>"]
    for k, (stem, glints) in enumerate(truth.items()):
        lines.append(f'<image id="{k}" name="{stem}.png" width="32" height="32">')
        lines += [f'<points label="g{led + 1}" occluded="0" points="{x},{y}"/>' for led, (x, y) in glints.items()]
        lines += [
            f'<points label="g{led + 1}" outside="1" points="1,1"/>' for led in range(NUM_LEDS) if led not in glints
        ]
        lines.append("</image>")
    return "\n".join([*lines, "</annotations>"])


def dlc(truth: Truth) -> str:
    names = [f"g{led + 1}" for led in range(NUM_LEDS)]
    rows = [
        ["scorer", *["me"] * 6],
        ["bodyparts", *(n for n in names for _ in "xy")],
        ["coords", *["x", "y"] * NUM_LEDS],
    ]
    for stem, glints in truth.items():
        values = [str(v) if led in glints else "" for led in range(NUM_LEDS) for v in glints.get(led, (0, 0))]
        rows.append([f"labeled-data/video/{stem}.png", *values])
    return "\n".join(",".join(row) for row in rows)


def plain(truth: Truth, led_form: str = "{}") -> str:
    points = [(stem, led, *glint) for stem, glints in truth.items() for led, glint in glints.items()]
    lines = [f"{stem},{led_form.format(led + 1)},{x},{y}" for stem, led, x, y in points]
    return "\n".join(["stem,led,x,y", *lines])


def labelme(stem: str, glints: dict[int, tuple[float, float]]) -> str:
    shapes = [{"label": f"g{led + 1}", "shape_type": "point", "points": [list(point)]} for led, point in glints.items()]
    shapes.append({"label": "pupil", "shape_type": "circle", "points": [[16, 16], [20, 16]]})
    return json.dumps({"shapes": shapes, "imagePath": f"../images/{stem}.png", "imageHeight": 32, "imageWidth": 32})


def mutated(world: World, content: str) -> str:
    """The text with one to three spans deleted, doubled, replaced."""
    for _ in range(world.rng.randint(1, 3)):
        start = world.rng.randrange(len(content) + 1)
        end = min(len(content), start + world.choose(1, 1, 2, 5, 40))
        odd = world.choose(
            "", content[start:end] * 2, *ODD, "1e999", "null", "{", '"', "<", "&x;", "\x00", "\udcff", "NaN", "[]"
        )
        content = content[:start] + odd + content[end:]
    return content


def an_annotation(world: World) -> str:
    def place() -> float:
        return round(world.rng.uniform(0.5, 30), 2)

    truth: Truth = {
        stem: {led: (place(), place()) for led in range(NUM_LEDS) if world.rng.random() < 0.7} for stem in STEMS
    }
    kind, is_mutated = world.choose("coco", "cvat", "dlc", "csv", "labelme"), world.rng.random() < 0.7
    change: Callable[[str], str] = (lambda content: mutated(world, content)) if is_mutated else str
    words = [
        "pack",
        "--out_h5",
        "packed.h5",
        "--overwrite",
        "--num_classes",
        str(NUM_LEDS),
        "--img_h",
        "32",
        "--img_w",
        "32",
    ]
    if kind == "labelme":
        for stem, glints in truth.items():
            write(world.root / "labelme" / f"{stem}.json", change(labelme(stem, glints)))
        words += ["--in_dir", "labelme"]
    else:
        form = world.choose("{}", "g{}", "{}.0")
        content = plain(truth, form) if kind == "csv" else {"coco": coco, "cvat": cvat, "dlc": dlc}[kind](truth)
        name = {"coco": "notes.json", "cvat": "notes.xml"}.get(kind, "notes.csv")
        write(world.root / name, change(content))
        words += ["--in_dir", "images", "--annotations", name, "--format", kind]
    status, err = run_command(words, "utf-8")
    if status not in (0, 1, 2) or (status == 2) != (err.count("\n") == 1) or "Traceback" in err:
        raise WrongError(f"{kind}: status {status}, {err[:200]!r}")
    if not is_mutated:
        with h5py.File(world.root / "packed.h5") as file:
            num = int(np.isfinite(np.asarray(file["keypoints"])).all(axis=-1).sum())
        expected = sum(map(len, truth.values()))
        if status != 0 or (num != expected):
            raise WrongError(f"{kind}: status {status}, {num} glints packed of {expected}: {truth}")
    return f"annotation {kind}"


def write(path: Path, content: str) -> None:
    path.write_bytes(content.encode("utf-8", "surrogateescape"))


# the cases

CALLS = (a_config, a_detection, a_checkpoint, a_log_row, a_shared_copy, a_heatmap)
DETECTOR: list[GlintDetector] = []


def a_call(world: World) -> str:
    """One of `CALLS`, whose arguments may be refused as the API documents it."""
    call = world.choose(*CALLS)
    with contextlib.suppress(GlintError, TypeError, ValueError):
        return str(call(world))
    return f"{call.__name__}, refused"


CASES: dict[str, tuple[Callable[[World], str], int]] = {  # and how often each is drawn
    "commands": (a_command, 11),
    "annotations": (an_annotation, 4),
    "calls": (a_call, 5),
}


def described(error: BaseException) -> str:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = "" if where is None else f" at {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
    return str(error)[:500] if isinstance(error, WrongError) else f"{type(error).__name__}: {str(error)[:200]!r}{place}"


@contextlib.contextmanager
def at_home_in(root: Path) -> Iterator[None]:
    """The directory as working directory, home and shared memory; the rest of the machine is left alone."""
    before, shm, home = Path.cwd(), shared_cache.SHARED_MEMORY_ROOT, os.environ.get("HOME")
    (root / "shm").mkdir()
    os.environ["HOME"], shared_cache.SHARED_MEMORY_ROOT = str(root), root / "shm"
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(before)
        shared_cache.SHARED_MEMORY_ROOT = shm
        if home is not None:
            os.environ["HOME"] = home


def out_of_time(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"longer than {LIMIT_S} s")


def fuzz(num: int, seed: int, first: int = 0, only: Sequence[str] = tuple(CASES)) -> tuple[Counter[str], list[str]]:
    """Runs cases `first` to `first + num - 1`: how many there were of each kind, and what failed."""
    counts: Counter[str] = Counter()
    failures = []
    drawn = [CASES[name][0] for name in only for _ in range(CASES[name][1])]
    before = signal.signal(signal.SIGALRM, out_of_time)
    with tempfile.TemporaryDirectory(prefix="glint_fuzz_") as root, at_home_in(Path(root)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build(Path(root))
        DETECTOR[:] = [GlintDetector.load(Path(root) / "run")]
        for number in range(first, first + num):
            signal.alarm(LIMIT_S)
            try:
                world = World(Path(root), random.Random(f"{seed} {number}"))
                counts[world.choose(*drawn)(world)] += 1
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                repeat = f"python benchmarks/fuzz.py --only {','.join(only)} --seed {seed} --first {number} --num 1"
                failures.append(f"{described(error)}; {repeat}")
            finally:
                signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    return counts, failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default=",".join(CASES))
    given = parser.parse_args()
    torch.set_num_threads(1)
    counted, failed = fuzz(given.num, given.seed, given.first, given.only.split(","))
    for kind_of_case, count in sorted(counted.items()):
        print(f"{count:6} {kind_of_case}")
    for failure in failed:
        print(failure, file=sys.stderr)
    print(f"{len(failed)} failures in {given.num} cases")
    raise SystemExit(int(bool(failed)))
