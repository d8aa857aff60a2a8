"""One visit of one page: its language, its parameters, and actions that end in a message instead of a stack trace."""

import inspect
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from glint_unet.errors import GlintError, one_line
from glint_unet.messages import in_language, text
from glint_unet.page.context import Context

_LOG = logging.getLogger("glint_unet.page")


@dataclass(frozen=True)
class Visit:
    """A visit.

    Attributes:
        context: what the server shows and allows.
        language: 'zh' or 'en'.
        route: path of the page, e.g. /run.
        query: parameters of the address; a repeated one has its last value.
        queries: the same, with all values.
    """

    context: Context
    language: str
    route: str
    query: dict[str, str]
    queries: dict[str, list[str]]

    def does(self, action: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """An event handler or timer callback: in the visitor's language, errors shown as one line on the page.

        Args:
            action: a function or coroutine function; arguments are passed on.
        """
        takes_event = bool(inspect.signature(action).parameters)

        async def run(*event: Any) -> Any:
            with in_language(self.language):
                try:
                    result = action(*event)
                    return await result if inspect.isawaitable(result) else result
                except Exception as error:
                    self.show_problem(error)
                    return None

        async def run_with_event(event: Any) -> Any:  # NiceGUI passes the event only to a parameter that must be given
            return await run(event)

        return run_with_event if takes_event else lambda: run()

    def show_problem(self, error: Exception) -> None:
        """Shows an error as one line that can be closed."""
        ui.notify(problem_line(error), type="negative", multi_line=True, close_button=text("ui_close"), timeout=0)


def problem_line(error: Exception) -> str:
    """An error, being handled, as one line for a visitor; one that nobody foresaw goes to the server's log as well."""
    if isinstance(error, GlintError):
        return str(error)
    if isinstance(error, OSError):
        return text("ui_file_problem", reason=error.strerror or type(error).__name__)
    _LOG.exception("an error that the page does not foresee")
    return text("ui_unforeseen", reason=one_line(error) or type(error).__name__)


def link(route: str, **parameters: Any) -> str:
    """An address of the page; a list gives a repeated parameter."""
    return f"{route}?{urlencode(parameters, doseq=True)}" if parameters else route
