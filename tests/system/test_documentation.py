"""The documentation site: it builds, every link holds, nothing is loaded from elsewhere, and its commands run.

The commands of each page are run in their order, on small data, in this process.
"""

import html.parser
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import cv2
import pytest

from glint_unet.cli.arguments import known_flags, parse
from glint_unet.cli.main import COMMANDS, arguments_of
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from tests.documents import ROOT, arguments, blocks, command_lines, users_own_files

PAGES = sorted(
    path.relative_to(ROOT)
    for path in [
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "docs/tutorials").glob("*.md"),
        *(ROOT / "docs/reference").glob("*.md"),
    ]
    if blocks(path, "bash") and not path.name.endswith(".zh.md")
)
README = Path("README.md")
NOT_HERE = ("make ", "glint-unet live --run experiments/first --source 0")  # an installation; a camera
QUICK = ("index", "labelme", "data_format")
SMALL = {
    r"--num \d+": "--num 12",
    r"--epochs (\d+)": "--epochs 1",
    r"--resume (\S+)(.*) --epochs 1": r"--resume \1\2 --epochs 2",
    r"(--h5 train.h5 --output_dir experiments/first)": r"\1 --epochs 1",
    r"(train(?:_glint_unet.py)? --h5 \S+)": r"\1 --base_channels 4 --threads 1",
    r"--set sigma_px=2.0,2.5": "--base_channels 2",
    r"lab_frames.h5 (.*) --num 12": r"lab_frames.h5 \1 --num 40",
    r"(adapt .*)": r"\1 --max_images 20 --epochs 1 --threads 1",
}
SMALL_FILES = {"images = 1000": "images = 16", "validation = 200": "validation = 4", "medium": "easy"}


def follow(page, command, directory):
    """Does what a page says, in a directory."""
    users_own_files(directory)
    for name, content in re.findall(r'```toml title="(.*?)"\n(.*?)```', (ROOT / page).read_text(), re.DOTALL):
        for found, replaced in SMALL_FILES.items():
            content = content.replace(found, replaced)
        (directory / name).write_text(content)
    for program in blocks(page, "python") if page != README else ():  # there, `image` is the reader's
        exec(program, {})
    for line in command_lines(page):
        if line.startswith(NOT_HERE):
            continue
        if line.startswith("python examples/"):
            words = [sys.executable, *line.replace("examples/", f"{ROOT}/examples/").split()[1:]]
            subprocess.run(words, check=True, capture_output=True)
        else:
            status, _, err = command(*arguments(line, SMALL))
            assert status == 0, f"{line}: {err}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.stem in QUICK], ids=lambda page: page.stem)
def test_every_command_of_a_page_runs(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    follow(page, command, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if page.stem not in QUICK], ids=lambda page: page.stem)
def test_every_command_of_a_longer_page_runs(page, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    follow(page, command, tmp_path)


@pytest.mark.slow
def test_every_command_of_the_readme_runs(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    images = render_eyes(Rig.ring(8, image_size=(128, 128), level="easy"), 0, range(40))[0]
    writer = cv2.VideoWriter("eye.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 25.0, (128, 128))
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    writer.release()
    (tmp_path / "ring.toml").write_text("[leds]\nnumber = 8\n")
    assert command("predict", "--input", "eye.mp4", "--rig", "ring.toml", "--labelme", "annotated")[0] == 0
    follow(README, command, tmp_path)


@pytest.mark.parametrize("page", [README, *PAGES], ids=lambda page: page.stem)
def test_every_command_line_parses(page):
    for line in command_lines(page):
        if line.startswith("make "):
            continue
        if line.startswith("python examples/"):
            assert (ROOT / line.split()[1]).exists()
            continue
        name, *words = arguments(line, {})
        assert name in COMMANDS
        if name == "sweep":  # its flags are its own and those of train
            known = {*known_flags(arguments_of("sweep")), *known_flags(arguments_of("train"))}
            assert {word[2:] for word in words if word.startswith("--")} <= known
        else:
            parse(arguments_of(name), words, f"glint-unet {name}")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_chinese_page_has_the_same_commands_and_files(page):
    chinese = page.with_suffix(".zh.md")
    for language in ("bash", "sh", "python", 'toml title=".*?"'):
        if language != "python":
            assert blocks(chinese, language) == blocks(page, language)
        else:  # comments in programs are translated
            assert [re.sub("#.*", "", one) for one in blocks(chinese, language)] == [
                re.sub("#.*", "", one) for one in blocks(page, language)
            ]


def test_every_page_of_the_site_exists_in_chinese():
    english = [path for path in (ROOT / "docs").rglob("*.md") if not path.name.endswith(".zh.md")]
    only_english = {"architecture.md", "benchmarks.md", "experiments.md", "faults.md", "api.md"}
    for path in english:
        if not {"en", "adr"} & set(path.parts) and path.name not in only_english:
            assert path.with_suffix(".zh.md").exists(), path


class Links(html.parser.HTMLParser):
    """What a page loads, what it leads to, and its anchors."""

    def __init__(self, page):
        super().__init__()
        self.loaded, self.links, self.anchors = [], [], set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if values.get("id"):
            self.anchors.add(values["id"])
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if tag in ("script", "img", "iframe", "source") and values.get("src"):
            self.loaded.append(values["src"])
        if tag == "link" and values.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(values["href"])


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The site, built strictly: any warning fails."""
    mkdocs = pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
    assert mkdocs
    place = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-W", "ignore", "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(place)]
    built = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return place


def test_every_link_of_the_site_holds_and_nothing_is_loaded_from_elsewhere(site):
    pages = {page: Links(page) for page in site.rglob("*.html") if page.name != "404.html"}
    assert len(pages) > 40
    for page, links in pages.items():
        for target in links.loaded:
            assert not urlsplit(target).netloc, f"{page} loads {target}"
        for target in [*links.loaded, *links.links]:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            there = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert there.exists(), f"{page.relative_to(site)}: {target}"
            if parts.fragment and there in pages:
                assert unquote(parts.fragment) in pages[there].anchors, f"{page.relative_to(site)}: {target}"
    for sheet in site.rglob("*.css"):
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", sheet.read_text(encoding="utf-8")), sheet


def test_the_reference_shows_the_docstrings_and_both_languages_are_there(site):
    api = (site / "reference" / "api.html").read_text(encoding="utf-8")
    for name in ("GlintDetector", "TrainConfig", "CheckpointManager", "render_heatmaps"):
        assert name in api
    assert "首页" in (site / "zh" / "index.html").read_text(encoding="utf-8")
