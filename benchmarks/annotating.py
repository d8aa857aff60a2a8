"""How many clicks annotating takes with a model's help: python benchmarks/annotating.py FOLDER --rig rig.toml

FOLDER has images with LabelMe annotations beside them, which are taken as the truth. The script starts `glint-unet ui`
on a copy of the images alone, opens them in Chromium with the pretrained weights and the rig file, and corrects what
is wrong as a user does: a click on the box of an LED that is wrongly present or absent, a drag of a point that is more
than 2 px off. It saves each frame by the Enter key and compares what was saved with the truth.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from tests.browser import chromium, expect

_ROOT = Path(__file__).resolve().parent.parent
_RIGHT_WITHIN_PX = 2.0

Points = dict[str, tuple[float, float]]


def main() -> None:
    """Prints clicks per frame, time per frame and the error of what was saved."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rig", type=Path, required=True)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        lab = Path(temporary) / "lab"
        (lab / "frames").mkdir(parents=True)
        truth = {path.stem: _points(path) for path in sorted(arguments.folder.glob("*.json"))}
        for path in arguments.folder.iterdir():
            if path.suffix != ".json" and path.stem in truth:
                shutil.copy(path, lab / "frames")
        shutil.copy(arguments.rig, lab / "rig.toml")
        seconds, clicks = _annotate(lab, truth)
        saved = {path.stem: _points(path) for path in (lab / "annotations/frames").glob("*.json")}
    num = len(truth)
    errors = [np.hypot(*np.subtract(saved[stem][led], at)) for stem in truth for led, at in truth[stem].items()]
    wrong = sum(saved[stem].keys() != truth[stem].keys() for stem in truth)
    print(f"{num} frames: {sum(clicks) / num:.2f} clicks per frame ({sum(c > 0 for c in clicks)} frames needed any)")
    print(f"one Enter per frame; {seconds / num:.2f} s per frame for the model and the page")
    print(
        f"saved: LEDs wrong in {wrong} frames; error median {np.median(errors):.2f} px, greatest {max(errors):.2f} px"
    )


def _points(path: Path) -> Points:
    return {shape["label"]: tuple(shape["points"][0]) for shape in json.loads(path.read_text())["shapes"]}


def _annotate(lab: Path, truth: dict[str, Points]) -> tuple[float, list[int]]:
    """Annotates all frames in the browser; seconds, and clicks of each frame."""
    words = [sys.executable, "-m", "glint_unet", "ui", "--data", str(lab), "--port", "0", "--allow_control"]
    with subprocess.Popen([*words, "--lang", "en"], cwd=lab.parent, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        address = re.search(r"http\S+", server.stdout.readline())
        assert address
        try:
            with chromium() as browser:
                page = browser.new_page(viewport={"width": 1400, "height": 1000})
                _open(page, address[0])
                started = time.monotonic()
                clicks = [_correct(page, stem, points) for stem, points in truth.items()]
                return time.monotonic() - started, clicks
        finally:
            server.terminate()


def _open(page: Any, address: str) -> None:
    page.goto(address)
    page.goto(address.replace("/?", "/try?"))
    for label, option in (("Rig file", "lab/rig.toml"), ("Images, video or data set", "lab/frames/")):
        page.get_by_label(label, exact=True).click()
        page.get_by_role("option", name=option, exact=True).click()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("button", name="Save and next (Enter)")).to_be_visible()
    expect(page.get_by_role("button", name="Open", exact=True)).to_be_hidden()


def _correct(page: Any, stem: str, truth: Points) -> int:
    """Corrects the frame that is shown, and saves it; the number of clicks and drags."""
    expect(page.locator(f'.eye-canvas[aria-label^="Image {stem}, "]')).to_be_visible()
    page.wait_for_timeout(50)  # for the marks, which follow the image
    shown, clicks = _shown(page), 0
    for label in sorted({*truth, *shown}):
        if (label in truth) != (label in shown):
            page.get_by_role("checkbox", name=label, exact=True).click()
            expect(page.locator(f'.eye-mark[data-led="{label}"]')).to_have_count(int(label in truth))
            clicks += 1
    shown = _shown(page)
    for label, at in truth.items():
        if np.hypot(*np.subtract(shown[label], at)) > _RIGHT_WITHIN_PX:
            _drag(page, label, at)
            clicks += 1
    page.keyboard.press("Enter")
    return clicks


def _shown(page: Any) -> Points:
    places = """marks => marks.map(mark => {
        const ring = mark.querySelector(".eye-ring");
        return [mark.dataset.led, [Number(ring.getAttribute("cx")), Number(ring.getAttribute("cy"))]];
    })"""
    return dict(page.locator(".eye-mark").evaluate_all(places))


def _drag(page: Any, label: str, at: tuple[float, float]) -> None:
    box = page.locator(f'.eye-mark[data-led="{label}"] .eye-ring').bounding_box()
    to_screen = """(svg, [x, y]) => {
        const point = new DOMPoint(x, y).matrixTransform(svg.getScreenCTM());
        return [point.x, point.y];
    }"""
    x, y = page.locator(".eye-canvas").evaluate(to_screen, list(at))
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(x, y, steps=4)
    page.mouse.up()
    page.wait_for_timeout(400)


if __name__ == "__main__":
    main()
