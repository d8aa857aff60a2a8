"""What all views share: navigation, language, light and dark, style."""

from collections.abc import Sequence

from nicegui import ui

from glint_unet.messages import text
from glint_unet.page.views import View
from glint_unet.page.visit import Visit, problem_line

_BLUE = "#1769b5"
_STYLE = """
:root { --glint-edge: #d5d9df; --glint-muted: #55606e; --glint-shade: #f4f6f8; }
.body--dark { --glint-edge: #3b4350; --glint-muted: #aab4c2; --glint-shade: #1b2027; }
body { font-family: system-ui, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif; }
.glint-bar { border-bottom: 1px solid var(--glint-edge); background: var(--q-page, #fff); color: inherit; }
.body--light .glint-bar { background: #fff; color: #1c2733; }
.body--dark .glint-bar { background: #14181e; color: #e8edf3; }
.glint-muted { color: var(--glint-muted); }
.glint-card { border: 1px solid var(--glint-edge); border-radius: 8px; padding: 12px 16px; background: transparent; }
.glint-grid { display: grid; gap: 12px; width: 100%;
  grid-template-columns: repeat(auto-fit, minmax(min(340px, 100%), 1fr)); }
.glint-log { white-space: pre-wrap; overflow-wrap: anywhere; max-height: 22rem; overflow-y: auto; font-size: 12px;
  line-height: 1.45; background: var(--glint-shade); border-radius: 8px; padding: 10px; width: 100%; margin: 0;
  font-family: ui-monospace, "DejaVu Sans Mono", monospace; }
.glint-code { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: 13px; overflow-wrap: anywhere;
  background: var(--glint-shade); border-radius: 6px; padding: 6px 10px; user-select: all; }
.glint-chart svg { width: 100%; height: auto; display: block; }
.glint-picture { max-width: 100%; height: auto; border-radius: 6px; }
.glint-facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 16px; font-size: 14px; }
.glint-facts dd { margin: 0; overflow-wrap: anywhere; }
.glint-facts dt { color: var(--glint-muted); }
.glint-facts { margin: 0; }
.q-table__top { padding: 0; }
.nicegui-content { padding: 16px; max-width: 1500px; margin: 0 auto; width: 100%; }
.body--dark { --q-primary: #7fbcff !important; --glint-on-primary: #10151b; }
.text-on-primary, .q-uploader__header { color: var(--glint-on-primary, #fff); }
a, .nicegui-link { color: var(--q-primary); }
h1, h2 { line-height: 1.25; margin: 0; }
h1 { font-size: 1.5rem; font-weight: 600; } h2 { font-size: 1.1rem; font-weight: 600; }
a:focus-visible, button:focus-visible, tr:focus-visible { outline: 2px solid #2563eb; outline-offset: 2px; }
.glint-table { border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; }
.glint-table th, .glint-table td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--glint-edge);
  text-align: right; white-space: nowrap; }
.glint-table th:first-child { text-align: left; } .glint-scroll { overflow-x: auto; }
.glint-chart .mark { stroke: var(--glint-muted); stroke-width: 1.6; stroke-dasharray: 2 3; }
.glint-chart .grid { stroke: var(--glint-edge); } .glint-chart text { fill: currentColor; }
@media (max-width: 600px) { .nicegui-content { padding: 8px; } .glint-wide { display: none; } }
"""


def build_page(view: View, views: Sequence[View], visit: Visit) -> None:
    """Builds a whole page: the bar at the top, then the view."""
    ui.add_css(_STYLE)
    ui.add_head_html(f"<script>document.documentElement.lang = '{visit.language}'</script>")
    ui.colors(primary=_BLUE)
    dark = ui.dark_mode(None)
    with ui.header().classes("glint-bar items-center no-wrap").props("role=banner"):
        ui.label("glint-unet").classes("text-weight-bold glint-wide")
        with ui.element("nav").props(f'aria-label="{text("ui_navigation")}"').classes("row no-wrap items-center"):
            for other in views:
                if other.icon:
                    _navigation(other, is_here=other.route == view.route)
        ui.space()
        _switches(visit, dark)
    with ui.element("div").classes("column full-width").style("gap: 14px"):
        try:
            view.build(visit)
        except Exception as error:
            ui.label(problem_line(error)).classes("glint-card").props("role=alert")


def _navigation(view: View, *, is_here: bool) -> None:
    title = view.title()
    button = ui.button(title, icon=view.icon, on_click=lambda: ui.navigate.to(view.route))
    button.props(f'flat dense no-caps color=inherit aria-label="{title}"')
    if is_here:
        button.props('aria-current="page"').classes("text-weight-bold")


def _switches(visit: Visit, dark: ui.dark_mode) -> None:
    other = {"zh": ("en", "English"), "en": ("zh", "中文")}[visit.language]
    ui.button(other[1], on_click=visit.does(lambda: _change_language(other[0]))).props(
        "flat dense no-caps color=inherit"
    )

    async def change_light() -> None:
        is_dark = await ui.run_javascript("document.body.classList.contains('body--dark')")
        dark.set_value(not is_dark)

    name = text("ui_light_or_dark")
    ui.button(icon="contrast", on_click=visit.does(change_light)).props(
        f'flat dense round color=inherit aria-label="{name}"'
    )


def _change_language(language: str) -> None:
    ui.run_javascript(
        f"document.cookie = 'glint_lang={language}; path=/; max-age=31536000; samesite=strict'; location.reload()"
    )
