"""What a user's program sees of the package: names, their types, the version, the licence."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import glint_unet

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
REVEALED = {
    "GlintDetector.load": "glint_unet.inference.predictor.GlintDetector",
    'TrainConfig(h5="a.h5")': "glint_unet.config.TrainConfig",
    'TrainConfig(h5="a.h5").epochs': '"int"',
    "UNet": "glint_unet.model.unet.UNet",
    "decode_heatmaps": "torch",
    "SharedMemoryDatasetCache.compute_md5": "-> str",
}


def says_of(program: str, directory: Path) -> list[str]:
    """What mypy prints of a user's program, line by line.

    With the settings of the project, so that the cache of `make check` serves: seconds are saved.
    """
    (directory / "program.py").write_text(program)
    options = [f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={ROOT / '.mypy_cache'}", "--no-error-summary"]
    words = [sys.executable, "-m", "mypy", *options, "program.py"]
    done = subprocess.run(
        words, cwd=directory, env={"MYPYPATH": str(ROOT)}, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_users_type_checker_knows_what_each_public_name_is(tmp_path: Path) -> None:
    shown = "".join(f"reveal_type(glint_unet.{expression})\n" for expression in REVEALED)
    lines = says_of(f"import glint_unet\n{shown}", tmp_path)
    assert len(lines) == len(REVEALED), lines
    for line, part in zip(lines, REVEALED.values(), strict=True):
        assert "note: Revealed type is" in line
        assert part in line


@pytest.mark.parametrize(
    "mistake",
    [
        'glint_unet.TrainConfig(epochs="many")',
        'glint_unet.train("a.h5")',
        "glint_unet.GlintDetektor",
        'glint_unet.UNet(num_classes="3")',
    ],
)
def test_a_users_type_checker_finds_a_mistake(mistake: str, tmp_path: Path) -> None:
    (line,) = says_of(f"import glint_unet\n{mistake}\n", tmp_path)
    assert line.startswith("program.py:2: error: ")


def test_each_public_name_has_one_home_at_run_time_and_for_a_type_checker() -> None:
    source = (ROOT / "glint_unet" / "__init__.py").read_text()
    for name in glint_unet.__all__:
        module = getattr(glint_unet, name).__module__
        assert f"    from {module} import {name} as {name}\n" in source
    assert source.count(" as ") == len(glint_unet.__all__)


def test_the_version_is_written_once() -> None:
    assert "version" not in PROJECT["project"]
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "glint_unet.__version__"}


def test_a_bare_clone_knows_its_version(tmp_path: Path) -> None:
    words = [sys.executable, "-S", "-c", "import glint_unet; print(glint_unet.__version__)"]  # -S: nothing installed
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == f"{glint_unet.__version__}\n"


def test_the_licence_is_stated_in_the_file_and_in_the_package() -> None:
    assert PROJECT["project"]["license"] == "MIT"
    for name in PROJECT["project"]["license-files"]:
        assert (ROOT / name).read_text().startswith("MIT License\n\nCopyright (c)")
    assert "glint-unet contributors" in (ROOT / "LICENSE").read_text()
