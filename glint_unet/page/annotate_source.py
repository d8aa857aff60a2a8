"""The choice of what is annotated, and of the model that helps."""

import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from nicegui import events, ui

from glint_unet.data.images import IMAGE_SUFFIXES
from glint_unet.data.media import VIDEO_SUFFIXES
from glint_unet.errors import PageError
from glint_unet.messages import text
from glint_unet.page import browse_roots
from glint_unet.page.visit import Visit
from glint_unet.pretrained import PRETRAINED

_LARGEST_UPLOAD_BYTES = 2 * 2**30
_MOST_FRAMES, _MOST_FRAMES_LIMIT = 100, 5000


class Source(NamedTuple):
    """What is annotated.

    Attributes:
        path: an image, a folder, a video or a data set.
        run: the model, as `GlintDetector.load` takes it.
        rig: a rig file for it, or None.
        most: of a video or data set with more frames, so many are taken.
        folder: where annotations are saved; None: nowhere, they can be downloaded.
    """

    path: Path
    run: str
    rig: str | None
    most: int
    folder: Path | None


class SourceChoice:
    """The choice of one visitor.

    Args:
        visit: the visit.
        workplace: folder for the files that are uploaded.
    """

    def __init__(self, visit: Visit, workplace: Path) -> None:
        self._visit = visit
        self._uploads = workplace / "uploaded"

    def build(self, on_open: Callable[[Source], Awaitable[None]]) -> None:
        """Builds the choice; `on_open` is called with what is chosen or dropped."""
        context, does = self._visit.context, self._visit.does
        media, rigs = browse_roots.media(context), browse_roots.rig_files(context)
        models = browse_roots.models(context)

        async def open_chosen() -> None:
            if not self._media.value:
                raise PageError("annotate_nothing_chosen")
            await on_open(self._source(browse_roots.chosen_file(context, self._media.value), self._media.value))

        async def uploaded(event: events.MultiUploadEventArguments) -> None:
            path = await self._stored(event)
            await on_open(self._source(path, path.name))
            upload.reset()

        with ui.row().classes("full-width").style("align-items: flex-end; gap: 12px"):
            self._model = ui.select(models, value=PRETRAINED, label=text("browse_model")).style("min-width: 180px")
            self._rig = ui.select(rigs, label=text("browse_rig"), clearable=True).style("min-width: 180px")
            self._most = ui.number(
                text("annotate_most"), value=_MOST_FRAMES, min=1, max=_MOST_FRAMES_LIMIT, precision=0
            ).style("width: 110px")
        with ui.row().classes("full-width").style("align-items: flex-end; gap: 12px"):
            self._media = ui.select(media, label=text("annotate_input"), with_input=True).style("min-width: 260px")
            ui.button(text("annotate_open"), on_click=does(open_chosen)).props(
                "no-caps unelevated text-color=on-primary"
            )
        upload = ui.upload(
            label=text("annotate_drop"),
            multiple=True,
            auto_upload=True,
            max_total_size=_LARGEST_UPLOAD_BYTES,
            on_multi_upload=does(uploaded),
            on_rejected=does(self._rejected),
        )
        upload.props(f'accept="{",".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES)}" flat bordered').style(
            "width: 360px; max-width: 100%"
        )
        ui.timer(0, does(lambda: _name_file_button(upload)), once=True)

    def _rejected(self) -> None:
        raise PageError("annotate_rejected", limit_mb=_LARGEST_UPLOAD_BYTES // 2**20)

    async def _stored(self, event: events.MultiUploadEventArguments) -> Path:
        """Stores what was uploaded; returns the file, or the folder of several images.

        Raises:
            PageError: a file is neither an image nor a video, or there are several videos.
        """
        number = sum(1 for _ in self._uploads.glob("*")) if self._uploads.is_dir() else 0
        folder = self._uploads / str(number)
        folder.mkdir(parents=True)
        paths = []
        for file in event.files:
            name = re.sub(r"[^\w.-]+", "_", Path(file.name.replace("\\", "/")).name).lstrip(".")
            if Path(name).suffix.lower() not in IMAGE_SUFFIXES + VIDEO_SUFFIXES:
                raise PageError("annotate_not_media", name=file.name)
            await file.save(folder / name)
            paths.append(folder / name)
        videos = [path for path in paths if path.suffix.lower() in VIDEO_SUFFIXES]
        if videos and len(paths) > 1:
            raise PageError("annotate_one_video", num=len(paths))
        return paths[0] if len(paths) == 1 else folder

    def _source(self, path: Path, name: str) -> Source:
        """The source of a file or folder; `name` distinguishes the folder of its annotations."""
        context = self._visit.context
        folder = None
        if context.allow_control:
            below = re.sub(r"[^\w.-]+", "_", name.partition(":")[2] or name).strip("._") or "frames"
            folder = browse_roots.folder_of_visitors(context) / "annotations" / below
        rig = str(browse_roots.chosen_file(context, self._rig.value)) if self._rig.value else None
        run = browse_roots.chosen_model(context, self._model.value)
        return Source(path, run, rig, int(self._most.value or _MOST_FRAMES), folder)


def _name_file_button(upload: ui.upload) -> None:
    """Quasar's uploader puts its file input into a button without a name; here the input has the name and the focus."""
    ui.run_javascript(f"""
        const input = getHtmlElement({upload.id}).querySelector('input[type=file]'), button = input.closest('a')
        button.removeAttribute('role')
        button.removeAttribute('tabindex')
        input.setAttribute('aria-label', {json.dumps(text("annotate_drop"))})
        input.tabIndex = 0
    """)
