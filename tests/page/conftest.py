"""One server of the page and one browser for all tests of the page."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from PIL import Image

from glint_unet.data.synthetic.drawing import render_eyes
from tests.browser import expect
from tests.conftest import EYES, ROOT


class Served(NamedTuple):
    """A server.

    Attributes:
        address: of the page, without token.
        token: its token.
        runs: its directory of runs; tests may add to it.
        foreign: addresses on other hosts that any page has requested.
    """

    address: str
    token: str
    runs: Path
    foreign: list[str]


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory, eyes_run: Path, eyes_h5: Path) -> Iterator[Served]:
    """`glint-unet ui --allow_control` on two copies of a run, and a directory `lab` with a data set and frames."""
    root = tmp_path_factory.mktemp("page")
    for name in ("first", "second run"):
        shutil.copytree(eyes_run, root / "runs" / name)
    _fill_lab(root, eyes_h5)
    words = [sys.executable, "-m", "glint_unet", "ui", "--runs", "runs", "--data", "lab", "--port", "0"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    errors = root / "errors.txt"
    with (
        errors.open("w") as console,
        subprocess.Popen(
            [*words, "--allow_control", "--lang", "en"],
            cwd=root,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=console,
            text=True,
        ) as server,
    ):
        try:
            assert server.stdout
            line = server.stdout.readline()
            found = re.search(r"(http://127\.0\.0\.1:\d+)/\?token=(\S+)", line)
            assert found, line + errors.read_text()
            yield Served(found[1], found[2], root / "runs", [])
        finally:
            server.send_signal(signal.SIGINT)
            assert server.wait() == 0
    assert errors.read_text() == ""


def _fill_lab(root: Path, eyes_h5: Path) -> None:
    """A directory with a data set, a broken one, three images, a rig file, and one that leads outside."""
    frames = root / "lab/frames"
    frames.mkdir(parents=True)
    shutil.copy(eyes_h5, root / "lab/eyes.h5")
    (root / "lab/broken.h5").write_bytes(eyes_h5.read_bytes()[:3000])
    for k, image in enumerate(render_eyes(EYES, 2, range(3))[0]):
        Image.fromarray(image).save(frames / f"eye_{k}.png")
    (root / "lab/rig.toml").write_text("[leds]\nnumber = 2\n[image]\nsize = 48\n")
    (root / "secret.toml").write_text("[leds]\nnumber = 2\n")
    (root / "lab/escaping.toml").write_text('[scene]\nbackgrounds = "../runs"\n')


@pytest.fixture(scope="session")
def browser_context(served: Served, browser: Any) -> Iterator[Any]:
    """A browser that has opened the printed address once, and so holds the token."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
    context.on("request", lambda request: _note(request.url, served))
    page = context.new_page()
    page.goto(f"{served.address}/?token={served.token}")
    page.close()
    yield context
    context.close()


def _note(url: str, served: Served) -> None:
    if not url.startswith((served.address, served.address.replace("http", "ws", 1), "data:", "blob:", "about:")):
        served.foreign.append(url)


@pytest.fixture
def page(browser_context: Any, served: Served) -> Iterator[Any]:
    """A new tab; the test fails if it requested anything from another host."""
    tab = browser_context.new_page()
    yield tab
    tab.close()
    assert served.foreign == []


def choose(tab: Any, label: str, option: str) -> None:
    """Chooses an option of a list of the page."""
    tab.get_by_label(label, exact=True).click()
    tab.get_by_role("option", name=option, exact=True).click()


@pytest.fixture
def browsing(page: Any, served: Served) -> Any:
    """The view of the data set `eyes.h5`, its first image shown."""
    page.goto(f"{served.address}/data?data=0:eyes.h5")
    expect(page.locator(".eye-canvas image").first).to_be_attached()
    expect(page.get_by_text("60 of 60 images examined")).to_be_visible()
    return page


@pytest.fixture
def annotating(page: Any, served: Served) -> Any:
    """The view of three images, looked at by the run `first`."""
    page.goto(f"{served.address}/try")
    choose(page, "Model", "first")
    choose(page, "Images, video or data set", "lab/frames/")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Open", exact=True)).to_be_hidden()  # only then, all is in its place
    return page
