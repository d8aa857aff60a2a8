"""The page in a real browser: what is shown, in which language, and what is kept from whom."""

import contextlib
import http.client
import re
from urllib.parse import quote, urlsplit


def answer(served, path, method="GET", *, token=True, **headers):
    """Status and body of a request with these headers."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["Cookie"] = f"glint_token={served.token}"
    with contextlib.closing(http.client.HTTPConnection(urlsplit(served.address).netloc)) as connection:
        connection.request(method, path, headers=given)
        with connection.getresponse() as response:
            return response.status, response.read().decode(errors="replace")


def test_nothing_outside_the_directory_of_runs_is_shown(page, served):
    secret = served.runs.parent / "results.png"
    secret.write_bytes(b"secret")
    link = served.runs / "linked"
    link.symlink_to(served.runs.parent)
    for of in ("..", "../", "first/../..", str(served.runs.parent), "linked", "%2e%2e", "..%2f", "\0", "first/\udcff"):
        name = quote(of.encode(errors="surrogateescape"))
        for path in (f"/file/results.png?of={name}", f"/file/..%2f..%2fresults.png?of={name}", f"/run?name={name}"):
            _, body = answer(served, path)
            assert "secret" not in body, path
            assert "Traceback" not in body
    assert answer(served, "/file/results.png?of=first")[0] == 200
    assert answer(served, "/file/best_model.pth?of=first")[0] == 404
    link.unlink()
    page.goto(f"{served.address}/run?name=..")
    page.get_by_role("alert").wait_for()
    assert re.search(r"does not exist, or is not in the directories", page.get_by_role("alert").inner_text())


def test_other_hosts_origins_and_visitors_without_token_are_refused(served):
    assert answer(served, "/", token=False)[0] == 403
    assert answer(served, "/?token=wrong", token=False)[0] == 403
    assert answer(served, "/")[0] == 200
    assert answer(served, "/", Host="attacker.example")[0] == 421
    assert answer(served, "/file/results.png?of=first", Host="127.0.0.1.attacker.example:80")[0] == 421
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "MDEyMzQ1Njc4OWFiY2RlZg==",
    }
    socket = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert answer(served, socket, **upgrade, Origin="http://attacker.example")[0] == 403
    assert answer(served, socket, **upgrade)[0] == 403
    assert answer(served, "/run", "POST", Origin="http://attacker.example")[0] == 403
