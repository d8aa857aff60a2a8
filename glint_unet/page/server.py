"""The server of the page: NiceGUI on this machine, behind the guard."""

import contextlib
import logging
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from nicegui import ui

from glint_unet.errors import PageError
from glint_unet.messages import LANGUAGES, current_language, in_language
from glint_unet.page.context import Context
from glint_unet.page.frame import build_page
from glint_unet.page.guard import Guard, is_loopback
from glint_unet.page.views import View, all_views
from glint_unet.page.visit import Visit

_RUN_FILES = {
    "results.png": "image/png",
    "predictions.png": "image/png",
    "worst.png": "image/png",
    "sweep.png": "image/png",
    "report.html": "text/html; charset=utf-8",
}


def serve(context: Context, host: str, port: int, token: str | None, ready: Callable[[str], None]) -> None:
    """Serves the page until it is interrupted.

    Args:
        context: what is shown and allowed.
        host: address to listen on.
        port: 0: any free one.
        token: None: no token is needed; a server that other machines can reach needs one.
        ready: called with the address of the page when it can be opened.

    Raises:
        PageError: the address cannot be used.
    """
    listening = _listening(host, port)
    hosts = frozenset({"localhost", "127.0.0.1", "[::1]", host}) if is_loopback(host) else None
    application = FastAPI(openapi_url=None)
    _add_files(application, context)
    views = all_views()
    for view in views:
        _add_page(view, views, context)
    logging.getLogger("nicegui").setLevel(logging.ERROR)  # not each address that is not there
    # at start-up it looks at every object in memory, deprecated ones of torch included
    warnings.filterwarnings("ignore", category=FutureWarning, module="nicegui")
    ui.run_with(application, title="glint-unet", tailwind=False, show_welcome_message=False, reconnect_timeout=10)
    settings = uvicorn.Config(
        Guard(application, hosts, token), log_level="warning", lifespan="on", ws_max_size=2**26, server_header=False
    )
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{listening.getsockname()[1]}/" + (f"?token={token}" if token else "")
    ready(address)
    with contextlib.suppress(KeyboardInterrupt):  # uvicorn has shut down before it passes the signal on
        uvicorn.Server(settings).run(sockets=[listening])


def _listening(host: str, port: int) -> socket.socket:
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        listening.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise PageError("ui_no_address", host=host, port=port, reason=reason) from error
    return listening


def _add_page(view: View, views: tuple[View, ...], context: Context) -> None:
    @ui.page(view.route)
    def page(request: Request) -> None:
        language = _language(request)
        names = request.query_params
        queries = {name: names.getlist(name) for name in names}
        visit = Visit(context, language, view.route, dict(names), queries)
        with in_language(language):
            ui.page_title(f"{view.title()} · glint-unet")
            build_page(view, views, visit)


def _language(request: Request) -> str:
    """The language of a visitor: chosen on the page, or else that of the command."""
    chosen = request.cookies.get("glint_lang", "")
    return chosen if chosen in LANGUAGES else current_language()


def _add_files(application: FastAPI, context: Context) -> None:
    """Pictures and reports of runs and sweeps; no other file has an address."""

    @application.get("/file/{name}")
    def run_file(name: str, of: str, request: Request) -> Response:
        try:
            if name not in _RUN_FILES:
                raise PageError("ui_not_there", name=name)
            path = context.run_path(str(Path(of) / name))
            if not path.is_file():
                raise PageError("ui_not_there", name=name)
        except PageError as error:
            return JSONResponse({"error": str(error)}, status_code=404)
        sandbox = {"content-security-policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"}
        return FileResponse(path, media_type=_RUN_FILES[name], headers={"cache-control": "no-cache", **sandbox})
