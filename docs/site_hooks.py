"""Hooks of mkdocs: the guides at the top of the repository become pages, and links that leave the site become text."""

import os
import re
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
GUIDES = {"TRAINING_GUIDE.md": "training", "SHARED_MEMORY_USAGE.md": "shared_memory_usage"}
GUIDES["SHARED_MEMORY_QUICKSTART.md"] = "shared_memory_quickstart"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#]+)(#[^)]*)?\)")


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The text of a page: of the file that its front matter includes, if any; with links that hold within the site."""
    place = Path(page.file.abs_src_path)
    source = ROOT / page.meta["include"] if "include" in page.meta else place
    text = source.read_text(encoding="utf-8") if "include" in page.meta else markdown
    return _LINK.sub(lambda link: _within_site(link, source, place), text)


def _within_site(link: re.Match[str], source: Path, place: Path) -> str:
    """A link of `source` as it must be on the page at `place`; its label alone if it leads out of the site."""
    label, target, anchor = link[1], Path(os.path.normpath(source.parent / link[2])), link[3] or ""
    if target.name in GUIDES:
        target = DOCS / "guide" / f"{GUIDES[target.name]}.md"
    elif target in (ROOT / "README.md", ROOT / "README.zh-CN.md"):
        target = DOCS / "index.md"
    if not target.is_relative_to(DOCS) or target.is_relative_to(DOCS / "en") or target.is_dir():
        return label
    return f"[{label}]({os.path.relpath(target, place.parent)}{anchor})"
