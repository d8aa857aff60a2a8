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

from tests.browser import chromium
from tests.conftest import ROOT


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
    """`glint-unet ui --allow_control` on two copies of a run and a data set."""
    root = tmp_path_factory.mktemp("page")
    for name in ("first", "second run"):
        shutil.copytree(eyes_run, root / "runs" / name)
    shutil.copy(eyes_h5, root / "eyes.h5")
    words = [sys.executable, "-m", "glint_unet", "ui", "--runs", "runs", "--data", "eyes.h5", "--port", "0"]
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


@pytest.fixture(scope="session")
def browser_context(served: Served) -> Iterator[Any]:
    """A browser that has opened the printed address once, and so holds the token."""
    with chromium() as browser:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-US")
        context.on("request", lambda request: _note(request.url, served))
        page = context.new_page()
        page.goto(f"{served.address}/?token={served.token}")
        page.close()
        yield context


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
