"""The view of a rig file: sliders, and the synthetic eyes that training would see."""

import asyncio
import random
from pathlib import Path
from typing import Any

from nicegui import ui

from glint_unet.data.annotation.image_annotation import led_labels
from glint_unet.data.synthetic.rig import LEVEL_NAMES
from glint_unet.errors import PageError
from glint_unet.messages import text
from glint_unet.page import browse_roots
from glint_unet.page.browse_library import library
from glint_unet.page.context import inside
from glint_unet.page.eye_canvas import EyeCanvas, Mark
from glint_unet.page.parts import heading
from glint_unet.page.rig_draft import RigDraft, draw_eyes
from glint_unet.page.visit import Visit, link

_NUM_EYES = 6
_MOST_LEDS = 32
_SIZES = [64, 96, 128, 192, 256, 384, 512]
_NAME = "rig.toml"


def build(visit: Visit) -> None:
    """Builds the view: a choice of rig files, the sliders and the eyes."""
    heading(text("draft_title"))
    known = browse_roots.rig_files(visit.context)
    word = visit.query.get("rig", "")
    select = ui.select(known, value=word if word in known else None, label=text("draft_open"), clearable=True)
    select.style("width: 420px; max-width: 100%").on_value_change(
        lambda change: ui.navigate.to(link("/rig", rig=change.value) if change.value else "/rig")
    )
    draft = RigDraft.read(browse_roots.chosen_file(visit.context, word)) if word else RigDraft(Path(_NAME))
    _check_backgrounds(visit, draft)
    RigView(visit, draft).build()


def _check_backgrounds(visit: Visit, draft: RigDraft) -> None:
    """Refuses a rig whose frames lie outside the roots: they would be shown."""
    if not draft.rig.backgrounds:
        return
    for root in visit.context.data:
        folder = root if root.is_dir() else root.parent
        try:
            inside(folder, str(Path(draft.rig.backgrounds).resolve()))
        except PageError:
            continue
        return
    raise PageError("ui_not_there", name=draft.rig.backgrounds)


class RigView:
    """One visitor's rig.

    Args:
        visit: the visit.
        draft: the rig.
    """

    def __init__(self, visit: Visit, draft: RigDraft) -> None:
        self._visit, self._draft = visit, draft
        self._seed = 0
        self._wanted = 0  # number of the latest drawing that was requested

    def build(self) -> None:
        """Builds the view in the current place of the page."""
        with ui.row().classes("full-width").style("align-items: flex-start; gap: 20px"):
            with ui.column().style("gap: 10px; width: 330px; max-width: 100%; flex-grow: 1"):
                self._build_sliders()
                self._problem = ui.label().classes("text-negative").props("role=alert")
                self._build_file()
            with ui.column().classes("col").style("gap: 8px; min-width: min(100%, 420px)"):
                does = self._visit.does
                another = ui.button(text("draft_other_eyes"), icon="refresh", on_click=does(self._other_eyes))
                another.props("flat dense no-caps")
                with ui.element("div").classes("glint-eyes full-width"):
                    self._eyes = [EyeCanvas() for _ in range(_NUM_EYES)]
        ui.add_css(
            ".glint-eyes { display: grid; gap: 8px; grid-template-columns: repeat(auto-fill, minmax(160px, 1fr)); }"
        )
        ui.timer(0.01, self._visit.does(self._draw), once=True)

    def _build_sliders(self) -> None:
        rig = self._draft.rig
        leds = self._draft.tables.get("leds", {})
        with ui.element("section").classes("glint-card column full-width").style("gap: 10px"):
            if self._draft.has_positions:
                ui.label(text("draft_positions", num=rig.num_leds)).classes("glint-muted")
            else:
                self._slider(text("draft_number"), "leds_number", 1, _MOST_LEDS, 1, rig.num_leds)
                if not rig.any_layout:
                    start = leds.get("start_deg", -90)
                    self._slider(text("draft_start"), "leds_start_deg", -180, 180, 1, start)
            self._range(text("draft_size"), "leds_size", 0.05, 0.9, rig.layout_size)
            self._range(text("draft_iris"), "eye_iris", 0.02, 1.0, rig.iris_share)
            levels = ui.select(list(LEVEL_NAMES), value=rig.level, label=text("draft_level"))
            levels.on_value_change(self._visit.does(lambda change: self._set(scene_level=change.value)))
            H, W = rig.image_size
            name = f"{H}x{W}"
            sizes: dict[Any, str] = {size: f"{size}x{size}" for size in _SIZES}
            sizes |= {} if H == W and H in sizes else {name: name}
            size = ui.select(sizes, value=H if H == W and H in sizes else name, label=text("draft_image_size"))
            size.on_value_change(self._visit.does(lambda change: self._set_size(change.value, [H, W])))

    def _slider(self, title: str, entry: str, low: float, high: float, step: float, value: float) -> None:
        shown = ui.label(f"{title}: {value:g}")
        slider = ui.slider(min=low, max=high, step=step, value=value).props(f'aria-label="{title}"')

        async def change() -> None:
            number = slider.value if step < 1 else int(slider.value)
            shown.text = f"{title}: {number:g}"
            await self._set(**{entry: number})

        slider.on("change", self._visit.does(change))

    def _range(self, title: str, entry: str, low: float, high: float, value: tuple[float, float]) -> None:
        shown = ui.label(f"{title}: {value[0]:g} .. {value[1]:g}")
        slider = ui.range(min=low, max=high, step=0.01, value={"min": value[0], "max": value[1]})
        slider.props(f'role=group aria-label="{title}"')
        # Quasar gives the group values that only its two thumbs can have
        slider.props(
            " ".join(f':aria-{name}="undefined"' for name in ("valuemin", "valuemax", "valuenow", "orientation"))
        )

        async def change() -> None:
            pair = [round(slider.value["min"], 2), round(slider.value["max"], 2)]
            shown.text = f"{title}: {pair[0]:g} .. {pair[1]:g}"
            await self._set(**{entry: pair})

        slider.on("change", self._visit.does(change))

    def _build_file(self) -> None:
        does = self._visit.does
        with ui.element("section").classes("glint-card column full-width").style("gap: 8px"):
            self._toml = ui.label(self._draft.toml()).classes("glint-code full-width").style("white-space: pre-wrap")
            with ui.row().style("align-items: center; gap: 8px"):
                name = self._draft.path.name
                self._file = ui.input(text("draft_file"), value=name).props("dense").style("width: 150px")
                if self._visit.context.allow_control:
                    self._overwrite = ui.checkbox(text("draft_overwrite")).props("dense")
                    ui.button(text("draft_save"), on_click=does(self._save)).props(
                        "dense no-caps unelevated text-color=on-primary"
                    )
                ui.button(text("draft_download"), on_click=self._download).props("dense outline no-caps")
            ui.label(text("draft_use", name=name)).classes("glint-muted")

    async def _set_size(self, size: Any, given: list[int]) -> None:
        await self._set(image_size=size if isinstance(size, int) else given)

    async def _set(self, **entries: Any) -> None:
        self._draft.set(**entries)
        self._toml.text = self._draft.toml()
        await self._draw()

    async def _other_eyes(self) -> None:
        self._seed = random.randrange(2**31)
        await self._draw()

    async def _draw(self) -> None:
        """Draws the eyes; what was requested later replaces it."""
        self._wanted += 1
        mine, draft = self._wanted, self._draft
        models = library().models
        images, keypoints = await asyncio.to_thread(
            models.call, draw_eyes, draft.path, draft.tables, self._seed, _NUM_EYES
        )
        if mine != self._wanted:
            return
        labels = led_labels("g", draft.rig.num_leds)
        for k, canvas in enumerate(self._eyes):
            canvas.show(images[k], text("draft_eye_alt", number=k + 1, num=_NUM_EYES))
            points = enumerate(keypoints[k].tolist())
            canvas.show_marks([Mark(c, labels[c], x, y, labels[c]) for c, (x, y) in points if x == x])

    def _path(self) -> Path:
        name = Path(self._file.value.strip())
        if name.name != str(name) or name.suffix.lower() != ".toml":
            raise PageError("draft_bad_name", name=self._file.value)
        return browse_roots.folder_of_visitors(self._visit.context) / name

    def _save(self) -> None:
        path = self._path()
        self._draft.save(path, overwrite=self._overwrite.value)
        ui.notify(text("draft_saved", path=path), type="positive")

    def _download(self) -> None:
        ui.download.content(self._draft.toml(), self._file.value.strip() or _NAME)
