"""Makes the pretrained weights that come with the package, glint_unet/weights/: `make weights`.

Trains a class-free network by the recipe in that folder (`rig.toml`: what the synthetic eyes look like;
`training.toml`: the settings that differ from the defaults), and resumes an interrupted call; or takes a
finished run, whose settings become the recipe. Then it writes the network as .safetensors and .onnx, the model card
with its figures (weights_parts/figures.py), and the SHA-256 of every file. The same recipe on the same kind of machine
gives the same figures.

    python benchmarks/make_weights.py [--run DIR] [--out DIR] [--work_dir DIR] [--frames DIR]
"""

import argparse
import dataclasses
import subprocess
import sys
from pathlib import Path

from unseen_eyes import FRAMES, ROOT
from weights_parts.card import model_card
from weights_parts.figures import figures

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.stream import STREAM_PREFIX
from glint_unet.inference.onnx_file import check_export, export_onnx
from glint_unet.inference.safetensors_model import export_safetensors
from glint_unet.inference.trained_model import TrainedModel, load_model
from glint_unet.pretrained import CARD, MANIFEST, NAME, WEIGHTS, sha256_of
from glint_unet.runs.checkpoint import Checkpoint

RIG, TRAINING = "rig.toml", "training.toml"
LIMIT_BYTES = 3_000_000
MOST_GLINTS = 16
NUM_COMPARED = 32
NOT_IN_RECIPE = {"h5", "output_dir", "resume", "config", "lang", "progress"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, default=None, help="a finished run, instead of training by the recipe")
    parser.add_argument("--out", type=Path, default=WEIGHTS)
    parser.add_argument("--work_dir", type=Path, default=ROOT / "build" / "weights")
    parser.add_argument("--frames", type=Path, default=FRAMES, help="the frames of eight_leds; left out if missing")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    run = arguments.run or trained(out, arguments.work_dir)
    write_recipe(run, out)
    model = unnamed(load_model(run))
    export_safetensors(model, out / f"{NAME}.safetensors")
    export_onnx(model, out / f"{NAME}.onnx")
    images, _ = render_eyes(Rig.read(out / RIG), 1, range(NUM_COMPARED))
    print(f"ONNX differs by at most {check_export(unnamed(load_model(run)), out / f'{NAME}.onnx', images):.5f} px")
    table = figures(out / f"{NAME}.safetensors", arguments.frames)
    print(table)
    (out / CARD).write_text(model_card(model, run, table), encoding="utf-8")
    write_manifest(out)


def trained(recipe: Path, run: Path) -> Path:
    """Trains by the recipe, in a process of its own, from where an earlier call was interrupted."""
    words = [sys.executable, ROOT / "train_glint_unet.py", "--config", recipe / TRAINING, "--lang", "en"]
    words += ["--h5", f"{STREAM_PREFIX}{recipe / RIG}", "--output_dir", run]
    if (run / "latest_checkpoint.pth").exists():
        words += ["--resume", run]
    subprocess.run(list(map(str, words)), check=True)
    return run


def write_recipe(run: Path, out: Path) -> None:
    """The rig file of a run on synthetic eyes, and its settings that differ from the defaults."""
    config = Checkpoint.read(run / "best_model.pth").config
    rig = Path(config.h5.removeprefix(STREAM_PREFIX))
    assert config.h5.startswith(STREAM_PREFIX), f"{config.h5}: not synthetic eyes"
    assert config.class_free, f"{run}: not class-free"
    if rig.resolve() != (out / RIG).resolve():
        (out / RIG).write_bytes(rig.read_bytes())
    default = TrainConfig()
    names = [field.name for field in dataclasses.fields(TrainConfig) if field.name not in NOT_IN_RECIPE]
    changed = {name: getattr(config, name) for name in names if getattr(config, name) != getattr(default, name)}
    lines = [f"{name} = {toml_value(value)}" for name, value in changed.items()]
    head = ["# Settings of the pretrained weights that differ from the defaults: `make weights`.", ""]
    (out / TRAINING).write_text("\n".join([*head, *lines]) + "\n")


def toml_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else repr(value)


def unnamed(model: TrainedModel) -> TrainedModel:
    """The model without the rig of its training: it finds glints, and a rig file says which LED each of them is."""
    known = model.appearance
    seen = known and dataclasses.replace(known, size_px=None, sigma_px=None, num_found=None)  # they depend on the rig
    alone = model.threshold_alone if model.constellation else model.threshold
    path = Path("/pretrained/best_model.pth")  # no path of this machine in the files
    return model._replace(
        constellation=None, threshold=alone, num_classes=MOST_GLINTS, appearance=seen, dataset_md5="", path=path
    )


def write_manifest(out: Path) -> None:
    """The SHA-256 of every file, in the format of sha256sum."""
    files = sorted(path for path in out.iterdir() if path.name != MANIFEST and path.is_file())
    size = sum(path.stat().st_size for path in files)
    assert size < LIMIT_BYTES, f"{size} bytes, above {LIMIT_BYTES}"
    (out / MANIFEST).write_text("".join(f"{sha256_of(path)}  {path.name}\n" for path in files), encoding="ascii")
    print(f"{len(files)} files, {size / 1e6:.2f} MB in {out}")


if __name__ == "__main__":
    main()
