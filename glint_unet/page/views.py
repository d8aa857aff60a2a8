"""The views of the page."""

from collections.abc import Callable
from typing import NamedTuple

from glint_unet.messages import text
from glint_unet.page.visit import Visit


class View(NamedTuple):
    """A view.

    Attributes:
        route: its path.
        title: gives its title in the current language.
        icon: name of its icon in the navigation; empty: not in the navigation.
        build: adds its elements to the page.
    """

    route: str
    title: Callable[[], str]
    icon: str
    build: Callable[[Visit], None]


def all_views() -> tuple[View, ...]:
    """All views, in the order of the navigation."""
    from glint_unet.page import annotate_view, browse_view, compare_view, rig_view, run_view, runs_view, sweep_view

    return (
        View("/", lambda: text("ui_runs"), "list", runs_view.build),
        View("/run", lambda: text("ui_run"), "", run_view.build),
        View("/compare", lambda: text("ui_compare"), "", compare_view.build),
        View("/sweeps", lambda: text("ui_sweeps"), "tune", sweep_view.build),
        View("/data", lambda: text("browse_title"), "image_search", browse_view.build),
        View("/try", lambda: text("annotate_title"), "draw", annotate_view.build),
        View("/rig", lambda: text("draft_title"), "visibility", rig_view.build),
    )
