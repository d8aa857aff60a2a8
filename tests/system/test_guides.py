"""Every command of the guides is run, in the order in which it stands there, on a small data set."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDES = ["TRAINING_GUIDE.md", "SHARED_MEMORY_QUICKSTART.md", "SHARED_MEMORY_USAGE.md"]
SMALL = {
    r"--num 1000 --size 256 --heatmap_size 64": "--num 12 --size 32 --heatmap_size 8 --num_classes 8",
    r"--epochs 50": "--epochs 1",
    r"--epochs 100": "--epochs 2",
    r"--epochs 110": "--epochs 3",
    r"(--output_dir experiments/[ab])": r"\1 --epochs 1",
    r"--epochs 2 --kills 3": "--epochs 1 --kills 1",
    r"python shm_manager.py --cleanup-all": "true",  # would reach into the copies of tests beside this one
    r"python test_training_system.py": "true",  # this is it
    r"python (train_glint_unet|shm_manager)": rf"{sys.executable} {ROOT}/\1",
    r"glint-unet ": f"{sys.executable} -m glint_unet ",
}


def blocks(guide: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / guide).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_runs(guide, private_data, tmp_path):
    (tmp_path / "train_256.h5").write_bytes(private_data.read_bytes())
    program = "\n".join(blocks(guide, "bash")).replace("synth train_256.h5", "synth train_256.h5 --overwrite")
    for found, replaced in SMALL.items():
        program = re.sub(found, replaced, program)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    words = ["bash", "-euxc", program]
    ended = subprocess.run(words, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr[-3000:]
    if python := "\n".join(blocks(guide, "python")):
        words = [sys.executable, "-c", python]
        ended = subprocess.run(words, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr[-3000:]


def test_no_two_commands_of_the_documents_write_the_same_file():
    """Following the README and then the guides in one directory must not end at 'exists already'."""
    written = [
        name
        for document in ("README.md", *GUIDES)
        for name in re.findall(r"--(?:out|out_h5|overlay|labelme|picture) (\S+)", "\n".join(blocks(document, "bash")))
    ]
    assert len(written) > 5
    assert sorted(written) == sorted(set(written))


def test_the_chinese_readme_has_the_same_commands():
    chinese, english = (
        [line.partition("#")[0].strip() for block in blocks(name, "bash") for line in block.splitlines()]
        for name in ("README.zh-CN.md", "README.md")
    )
    assert chinese == english


@pytest.mark.parametrize("guide", GUIDES)
def test_the_english_guide_has_the_same_commands(guide):
    for language in ("bash", "python"):
        assert blocks(guide, language) == blocks(f"docs/en/{guide}", language)
