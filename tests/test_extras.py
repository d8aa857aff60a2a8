"""A missing package is reported with a command that installs it."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from glint_unet.errors import MissingPackageError
from glint_unet.extras import EXTRA_OF, install_command, missing_package, optional_package

ROOT = Path(__file__).resolve().parent.parent
MODULE_OF = {"opencv-python-headless": "cv2", "mlflow-skinny": "mlflow"}


def test_every_package_of_an_extra_is_known_with_that_extra():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    declared = {}
    for extra in ("video", "export", "parquet", "sweep", "tracking", "cluster", "ui"):
        for requirement in extras[extra]:
            name = re.split(r"[^\w-]", requirement)[0]
            declared[MODULE_OF.get(name, name)] = extra
    assert declared == EXTRA_OF


def test_constraints_name_a_version_of_every_package_of_an_extra():
    constraints = (ROOT / "constraints.txt").read_text()
    package_of = {module: package for package, module in MODULE_OF.items()}
    for module in EXTRA_OF:
        assert re.search(rf"^{package_of.get(module, module)}==\d", constraints, re.MULTILINE), module


def test_the_command_is_that_of_a_checkout_or_of_an_installed_package(tmp_path, monkeypatch):
    checkout = tmp_path / "a b"
    checkout.mkdir()
    (checkout / "constraints.txt").touch()
    elsewhere = f"pip install -c '{checkout}/constraints.txt' -e '{checkout}[video]'"
    assert install_command("video", checkout) == elsewhere
    monkeypatch.chdir(checkout)
    assert install_command("video", checkout) == "pip install -c constraints.txt -e '.[video]'"
    assert install_command(None, checkout) == "pip install -c constraints.txt -e ."
    assert install_command("export", tmp_path) == "pip install 'glint-unet[export]'"
    assert install_command(None, tmp_path) == "pip install glint-unet"


@pytest.mark.parametrize(("module", "extra"), [*EXTRA_OF.items(), ("pyarrow.parquet", "parquet")])
def test_a_missing_module_is_named_by_its_package(monkeypatch, module, extra):
    monkeypatch.setitem(sys.modules, module.partition(".")[0], None)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingPackageError) as refusal:
        optional_package(module)
    message = str(refusal.value)
    assert module.partition(".")[0] in message
    assert f"[{extra}]" in shlex.split(message)[-1]


def test_what_everything_needs_has_no_extra():
    assert "[" not in str(missing_package("h5py"))


def test_a_command_without_its_package_says_which_one_and_how_to_get_it():
    """In a separate process: Python without OpenCV."""
    program = "import sys; sys.modules['cv2'] = None; from glint_unet.cli.main import main; sys.exit(main())"
    words = ["--lang", "en", "live", "--run", "none", "--source", "0"]
    ended = subprocess.run(
        [sys.executable, "-c", program, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    expected = "The Python package cv2 is missing; install it with: pip install -c constraints.txt -e '.[video]'\n"
    assert ended.stderr == expected
