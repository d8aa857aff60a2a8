"""Every command of the guides is run, in its order, on a small data set.

The commands run in this process, which has imported torch already: that their programs start as a user starts them is
proven in test_training_command.py.
"""

import re

import pytest

from tests.documents import arguments, blocks, users_own_files

GUIDES = ["TRAINING_GUIDE.md", "SHARED_MEMORY_QUICKSTART.md", "SHARED_MEMORY_USAGE.md"]
SMALL = {
    r"synth train_256.h5 --num 1000 --size 256 --heatmap_size 64": "synth train_256.h5 --overwrite "
    "--num 12 --size 32 --heatmap_size 8 --num_classes 8",
    r"--epochs 50": "--epochs 1",
    r"--epochs 100": "--epochs 2",
    r"--epochs 110": "--epochs 3",
    r"(--output_dir experiments/[ab])": r"\1 --epochs 1",
    r"--epochs 2 --kills 3": "--epochs 1 --kills 1",
    r"--num_workers 2": "--num_workers 0",
    r"lr=1e-3,4e-3 --parallel 2 --epochs 20": "lr=1e-3 --parallel 2 --epochs 1 --base_channels 2",
}
ELSEWHERE = {
    "wait",  # for trainings begun with &: two at once are in test_training_command.py
    "python shm_manager.py --cleanup-all",  # would reach into the copies of tests beside this one
    "python test_training_system.py",  # this is it
    "glint-unet rig --images frames --out rig.toml",  # needs many frames: tests/cli/test_rig.py
}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_command_of_a_guide_runs(guide, private_data, command, tmp_path, monkeypatch):
    private_data.rename(tmp_path / "train_256.h5")
    monkeypatch.chdir(tmp_path)
    users_own_files(tmp_path)
    lines = [line for block in blocks(guide, "bash") for line in block.splitlines() if line not in ELSEWHERE]
    assert len(lines) > 3
    for line in lines:
        status, _, err = command(*arguments(line, SMALL))
        assert status == 0, f"{line}: {err}"
    for program in blocks(guide, "python"):
        exec(program, {})


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
