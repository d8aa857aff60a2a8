"""`glint-unet ui`: runs, data sets and detectors in the browser."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.errors import PageError
from glint_unet.extras import optional_package
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting, setting


@dataclass(frozen=True)
class UiArguments(Settings):
    """Serve a page with runs, sweeps, data sets and detectors; nothing leaves the machine, Ctrl-C ends it."""

    runs: str = "runs"
    """Directory of the runs."""
    data: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Data set, or directory of data sets, images and videos; may be repeated."""
    port: int = setting(8765, low=0, high=65_535)
    """Port; 0: any free one."""
    host: str = "127.0.0.1"
    """Address to listen on. Other machines reach the page at 0.0.0.0; the printed address then contains a token."""
    allow_control: bool = False
    """Let visitors stop and resume runs, and save annotations and rig files; the address then contains a token."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages, and of the page until a visitor chooses another one."""


ARGUMENTS = UiArguments


def run(argv: Sequence[str]) -> int:
    """Serves until Ctrl-C."""
    arguments = parse(UiArguments, argv, "glint-unet ui")
    optional_package("nicegui")
    from glint_unet.page.context import Context
    from glint_unet.page.guard import is_loopback
    from glint_unet.page.server import serve

    runs, data = Path(arguments.runs), tuple(map(Path, arguments.data))
    for path in data:
        if not path.exists():
            raise PageError("ui_not_there", name=path)
    if runs.exists() and not runs.is_dir():
        raise PageError("ui_not_a_directory", path=runs)
    needs_token = arguments.allow_control or not is_loopback(arguments.host)
    token = secrets.token_urlsafe(24) if needs_token else None
    context = Context(runs, data, arguments.allow_control)
    serve(
        context,
        arguments.host,
        arguments.port,
        token,
        lambda address: print(text("ui_serving", address=address), flush=True),
    )
    return 0
