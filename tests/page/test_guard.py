"""The guard alone: which names of this machine it knows."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from glint_unet.page.guard import Guard, is_loopback

LOCAL = frozenset({"localhost", "127.0.0.1", "[::1]"})


async def passed_on(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Security-Policy", b"sandbox")]})
    await send({"type": "http.response.body", "body": b""})


def answered(guard, query=b"", kind="http", **headers):
    """Status and headers of the answer; None for what was passed on unanswered."""
    sent = []

    async def receive():
        return {}

    async def send(message):
        sent.append(message)

    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "server": ("", 80), "method": "GET", "query_string": query, "headers": pairs}
    with ThreadPoolExecutor(1) as thread:  # the browser of other tests has an event loop in this one
        thread.submit(asyncio.run, guard(scope, receive, send)).result()
    return sent[0].get("status", sent[0].get("code")), dict(sent[0].get("headers", []))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:1", "[::1]", "[::1]:8765"])
def test_names_of_this_machine_are_permitted(host):
    assert answered(Guard(passed_on, LOCAL, None), host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["", "localhost.example", "example:127.0.0.1", "10.0.0.1", "127.0.0.1@example", "[::2]:1"]
)
def test_other_names_are_refused(host):
    assert answered(Guard(passed_on, LOCAL, None), host=host)[0] == 421


def test_a_token_is_kept_in_a_cookie_and_a_stricter_policy_of_an_answer_is_kept():
    guard = Guard(passed_on, None, "right")
    status, headers = answered(guard, b"token=right", host="gpu7:8765")
    assert status == 200
    assert headers[b"set-cookie"].startswith(b"glint_token_80=right; Path=/; HttpOnly; SameSite=Strict")
    assert headers[b"Content-Security-Policy"] == b"sandbox"
    assert b"content-security-policy" not in headers
    assert answered(guard, host="gpu7", cookie="a=b; glint_token_80=right")[0] == 200
    status, headers = answered(guard, b"token=old%0d%0a", host="gpu7", cookie="glint_token_80=right")
    assert (status, b"set-cookie" in headers) == (200, False)
    assert answered(guard, host="gpu7", cookie="glint_token_81=right")[0] == 403
    for cookie in ("glint_token_80=wrong", "glint_token_80=", "\\;=", "glint_token_80=\xe9"):
        assert answered(guard, host="gpu7", cookie=cookie)[0] == 403


def test_a_socket_needs_the_origin_of_the_page():
    guard = Guard(passed_on, LOCAL, None)
    assert answered(guard, kind="websocket", host="localhost:1", origin="http://localhost:1")[0] == 200
    for origin in ("http://localhost:2", "null", "http://example"):
        assert answered(guard, kind="websocket", host="localhost:1", origin=origin)[0] == 4403


def test_a_server_for_all_hosts_needs_a_token():
    with pytest.raises(ValueError, match="token"):
        Guard(passed_on, None, None)
    assert is_loopback("127.0.0.1")
    assert not is_loopback("0.0.0.0")
