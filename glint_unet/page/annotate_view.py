"""The view that tries a model on images and videos, and in which its glints are corrected and saved."""

import asyncio
import functools
import tempfile
from pathlib import Path

from nicegui import background_tasks, events, ui

from glint_unet.errors import GlintError, PageError
from glint_unet.messages import text
from glint_unet.page.annotate_frames import describe_model, find_frames
from glint_unet.page.annotate_packing import pack_annotations, zipped
from glint_unet.page.annotate_session import Session, Spot
from glint_unet.page.annotate_snap import snapped
from glint_unet.page.annotate_source import Source, SourceChoice
from glint_unet.page.browse_library import library
from glint_unet.page.eye_canvas import EyeCanvas, Mark, Move
from glint_unet.page.eye_toolbar import build_toolbar, icon_button
from glint_unet.page.parts import heading
from glint_unet.page.visit import Visit
from glint_unet.report.palette import led_colour


def build(visit: Visit) -> None:
    """Builds the view: a choice of frames and models, and below it the frames once they are opened."""
    heading(text("annotate_title"))
    workplace = tempfile.TemporaryDirectory(prefix="glint_page_")
    ui.context.client.on_delete(workplace.cleanup)
    choosing = ui.expansion(text("annotate_choose"), icon="folder_open", value=True).classes("full-width glint-card")
    place = ui.column().classes("full-width").style("gap: 14px")

    async def open_it(source: Source) -> None:
        place.clear()
        with place:
            ui.spinner(size="lg").props(f'aria-label="{text("annotate_opening")}"')
        try:
            session = await _opened(source, Path(workplace.name))
        except GlintError:
            place.clear()
            raise
        place.clear()
        choosing.close()
        with place:
            view = AnnotateView(visit, session, source)
            view.build()
        await view.show()

    with choosing:
        SourceChoice(visit, Path(workplace.name)).build(open_it)


async def _opened(source: Source, workplace: Path) -> Session:
    models = library().models
    model = await asyncio.to_thread(models.call, describe_model, source.run, source.rig)
    copies = Path(tempfile.mkdtemp(dir=workplace))
    frames = await asyncio.to_thread(models.call, find_frames, source.path, copies, source.most)
    folder = source.folder or Path(tempfile.mkdtemp(dir=workplace))
    if source.folder is None:
        frames = [frame._replace(is_copy=True) for frame in frames]  # what is downloaded has its images beside it
    return Session(frames, model.labels, models, source.run, source.rig, folder)


class AnnotateView:
    """The frames of one visitor.

    Args:
        visit: the visit.
        session: the frames and their annotations.
        source: where they come from.
    """

    def __init__(self, visit: Visit, session: Session, source: Source) -> None:
        self._visit, self._session, self._source = visit, session, source

    def build(self) -> None:
        """Builds the view in the current place of the page."""
        does = self._visit.does
        with ui.row().classes("full-width").style("align-items: flex-start; gap: 16px"):
            with ui.column().classes("col").style("gap: 8px; min-width: min(100%, 420px)"):
                self._build_navigation()
                self._canvas = EyeCanvas(on_move=does(self._moved), on_toggle=does(self._toggle))
                self._problem = ui.label().classes("text-negative").props("role=alert")
                build_toolbar(self._canvas)
                ui.label(text("annotate_help")).classes("glint-muted")
            with ui.column().style("gap: 12px; width: 330px; max-width: 100%; flex-grow: 1"):
                self._build_leds()
                self._build_saving()
        ui.keyboard(on_key=does(self._on_key))

    def _build_navigation(self) -> None:
        does = self._visit.does
        with ui.row(wrap=False).classes("full-width").style("align-items: center; gap: 4px"):
            icon_button("chevron_left", text("annotate_previous"), does(lambda: self._go(-1)))
            save = ui.button(text("annotate_next"), icon="check", on_click=does(self._save_and_go_on))
            save.props("dense no-caps unelevated text-color=on-primary")
            icon_button("chevron_right", text("annotate_skip"), does(lambda: self._go(1)))
            self._of = ui.label().classes("text-no-wrap")
            self._state = ui.label().classes("text-no-wrap text-positive")
            self._name = ui.label().classes("col ellipsis text-right glint-muted")

    def _build_leds(self) -> None:
        self._leds = []
        with ui.element("section").classes("glint-card column full-width").style("gap: 2px"):
            heading(text("annotate_leds"), 2)
            ui.label(text("annotate_columns")).classes("glint-muted")
            for channel, label in enumerate(self._session.labels):
                with ui.row(wrap=False).classes("full-width").style("align-items: center; gap: 8px"):
                    box = ui.checkbox(label).props("dense").style(f"accent-color: {led_colour(channel)}; width: 64px")
                    box.on("click", self._visit.does(functools.partial(self._toggle, channel)))
                    self._leds.append((box, ui.label().style("font-variant-numeric: tabular-nums")))
            again = ui.button(text("annotate_model_again"), icon="restart_alt", on_click=self._visit.does(self._again))
            again.props("flat dense no-caps")

    def _build_saving(self) -> None:
        does = self._visit.does
        with ui.element("section").classes("glint-card column full-width").style("gap: 8px"):
            heading(text("annotate_saving"), 2)
            self._saved = ui.label()
            if self._source.folder is None:
                ui.label(text("annotate_read_only")).classes("glint-muted")
            else:
                ui.label(str(self._source.folder)).classes("glint-code full-width")
                self._file = ui.input(text("annotate_file"), value="annotated.h5").props("dense").classes("full-width")
                pack = ui.button(text("annotate_pack"), icon="inventory_2", on_click=does(self._pack))
                pack.props("dense outline no-caps")
            download = ui.button(text("annotate_download"), icon="download", on_click=does(self._download))
            download.props("dense outline no-caps")

    async def show(self) -> None:
        """Shows the current frame, and has the model look at the next one meanwhile."""
        session = self._session
        frame, position = session.frames[session.position], session.position
        self._of.text = text("annotate_of", number=position + 1, num=len(session.frames))
        self._name.text = frame.name
        self._problem.text = ""
        try:
            note = await asyncio.to_thread(session.note, position)
        except GlintError as error:
            self._problem.text = str(error)
            return
        if position != session.position:
            return  # the visitor has gone on
        self._canvas.show(note.image, text("annotate_alt", name=frame.name))
        self._refresh()
        background_tasks.create(self._prepare(position + 1))

    async def _prepare(self, position: int) -> None:
        try:
            await asyncio.to_thread(self._session.prepare, position)
        except GlintError:
            return  # it is shown when that frame is

    def _refresh(self) -> None:
        """Draws and lists the glints of the frame that is shown."""
        session, note = self._session, self._session.note()
        marks = []
        for channel, (label, spot) in enumerate(zip(session.labels, note.spots, strict=True)):
            said = _described(spot)
            box, place = self._leds[channel]
            box.set_value(spot.is_present)
            place.text = said
            if spot.is_present:
                marks.append(Mark(channel, label, spot.x, spot.y, f"{label}: {said}", sigma_px=spot.sigma_px))
        self._canvas.show_marks(marks)
        self._state.text = (
            text("annotate_changed") if note.is_changed else text("annotate_is_saved") if note.is_saved else ""
        )
        self._saved.text = text(
            "annotate_counts", saved=session.num_saved, num=len(session.frames), edits=session.num_edits
        )

    def _moved(self, move: Move) -> None:
        place = (move.x, move.y) if move.is_exact else snapped(self._session.note().image, move.x, move.y)
        self._session.move(move.channel, *place)
        self._refresh()

    def _toggle(self, channel: int) -> None:
        self._session.toggle(channel)
        self._refresh()

    async def _again(self) -> None:
        await asyncio.to_thread(self._session.as_the_model_says)
        self._refresh()

    async def _go(self, by: int) -> None:
        self._session.go(self._session.position + by)
        await self.show()

    async def _save_and_go_on(self) -> None:
        await asyncio.to_thread(self._session.save)
        if self._session.position == len(self._session.frames) - 1:
            ui.notify(text("annotate_was_last"))
            self._refresh()
        else:
            await self._go(1)

    async def _pack(self) -> None:
        name = Path(self._file.value.strip())
        if name.name != str(name) or name.suffix.lower() != ".h5" or self._source.folder is None:
            raise PageError("annotate_bad_name", name=self._file.value)
        folder = self._source.folder
        packed = await asyncio.to_thread(pack_annotations, folder, folder / name, self._session.labels)
        ui.notify(text("annotate_packed", num=packed.num_images, path=folder / name), type="positive")

    async def _download(self) -> None:
        content = await asyncio.to_thread(zipped, self._session.folder)
        ui.download.content(content, "annotations.zip")

    async def _on_key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
            return
        key = event.key.name
        if key == "ArrowLeft":
            await self._go(-1)
        elif key == "ArrowRight":
            await self._go(1)
        elif key in ("Enter", " ") and not event.action.repeat:
            await self._save_and_go_on()
        elif key == "0" and not event.action.repeat:
            await self._again()
        elif key.isdigit() and 1 <= int(key) <= len(self._session.labels) and not event.action.repeat:
            self._toggle(int(key) - 1)


def _described(spot: Spot) -> str:
    """A glint in words: its place, and how sure the model is."""
    if not spot.is_present:
        return text("browse_absent") if spot.score is None else text("annotate_absent_score", score=spot.score)
    if spot.score is None or spot.sigma_px is None:
        return f"{spot.x:.1f}, {spot.y:.1f}"
    return f"{spot.x:.1f}, {spot.y:.1f} · {spot.score:.2f} · {spot.sigma_px:.2f}"
