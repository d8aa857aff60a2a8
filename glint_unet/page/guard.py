"""Keeps other people's pages and other machines out: host names, origins and the token, before anything is answered."""

import hmac
import json
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs, urlsplit

from glint_unet.messages import text

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"same-origin"),
    (
        b"content-security-policy",
        b"default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; frame-ancestors 'self'; "
        b"form-action 'self'; base-uri 'self'",
    ),
)

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


def is_loopback(host: str) -> bool:
    """Whether a server on this host can be reached from this machine alone."""
    return host in _LOOPBACK


class Guard:
    """An ASGI application around another one, which it calls for permitted requests only.

    - The Host header must name this machine. A page of another site whose name is made to point here (DNS rebinding)
      still sends its own name.
    - WebSockets and requests that may change something must come from this very page (Origin header).
    - With a token, it must be in the address once, `?token=...`; a cookie holds it from then on.
    - The browser is forbidden to load anything from another host (Content-Security-Policy).
    """

    def __init__(self, application: Application, hosts: frozenset[str] | None, token: str | None) -> None:
        """Wraps an application.

        Args:
            application: what answers permitted requests.
            hosts: permitted host names, without ports; None: all, which needs a token.
            token: None: no token is needed.

        Raises:
            ValueError: all hosts are permitted and there is no token.
        """
        if hosts is None and not token:
            raise ValueError("a server that other machines can reach needs a token")
        self._application, self._hosts, self._token = application, hosts, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one connection."""
        if scope["type"] not in ("http", "websocket"):
            await self._application(scope, receive, send)
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[0]
        if not self._is_permitted_host(headers.get("host", "")):
            await _refuse(scope, receive, send, 421, text("ui_refused_host"))
        elif not self._is_own_origin(scope, headers):
            await _refuse(scope, receive, send, 403, text("ui_refused_origin"))
        elif not (self._is_token(given) or self._is_token(_value_of(headers, cookie_name(scope)))):
            await _refuse(scope, receive, send, 403, text("ui_refused_token"))
        else:
            keeps = f"{cookie_name(scope)}={given}; Path=/; HttpOnly; SameSite=Strict"
            cookie = keeps if self._token and self._is_token(given) else ""
            await self._application(scope, receive, _with_headers(send, cookie))

    def _is_permitted_host(self, host: str) -> bool:
        return self._hosts is None or _name_of(host) in self._hosts

    def _is_own_origin(self, scope: Scope, headers: dict[str, str]) -> bool:
        origin = headers.get("origin")
        if origin is None:  # not a browser, or a request that a page cannot read the answer of
            return bool(scope["type"] == "http")
        if scope["type"] == "http" and scope["method"] in _SAFE:
            return True
        own: bool = urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
        return own

    def _is_token(self, given: str) -> bool:
        return self._token is None or bool(hmac.compare_digest(given.encode(), self._token.encode()))


def _name_of(host: str) -> str:
    """A host name without its port."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    return name.lower()


def cookie_name(scope: Scope) -> str:
    """The name of the cookie with the token; it holds the port, since cookies of one host are shared by its ports."""
    return f"glint_token_{(scope.get('server') or ('', 0))[1]}"


def _value_of(headers: dict[str, str], name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel else ""


def _with_headers(send: Send, cookie: str) -> Send:
    more = [*_HEADERS, *([(b"set-cookie", cookie.encode("latin-1"))] if cookie else [])]

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            names = {name.lower() for name, _ in message.get("headers", [])}
            kept = [pair for pair in more if pair[0] == b"set-cookie" or pair[0] not in names]
            message = {**message, "headers": [*message.get("headers", []), *kept]}
        await send(message)

    return sent


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 4403})
        return
    headers = [(b"content-type", b"application/json; charset=utf-8")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": reason}, ensure_ascii=False).encode()})
