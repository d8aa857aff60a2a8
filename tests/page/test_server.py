"""The page in a real browser: what is shown, in which language, and what is kept from whom."""

import contextlib
import http.client
import re
import shutil
from urllib.parse import quote, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe


def answer(served, path, method="GET", *, token=True, **headers):
    """Status and body of a request with these headers."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token:
        given["Cookie"] = f"glint_token_{urlsplit(served.address).port}={served.token}"
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


def test_a_run_with_a_link_that_leads_outside_is_not_shown(page, served):
    run = served.runs / "with a link"
    run.mkdir()
    (served.runs.parent / "secret.log").write_text("secret\n")
    (run / "training.log").symlink_to(served.runs.parent / "secret.log")
    (run / "training_args.json").write_text("{}")
    page.goto(f"{served.address}/run?name=with%20a%20link")
    page.get_by_role("alert").get_by_text("not in the directories shown").wait_for()
    page.goto(served.address)
    page.get_by_role("link", name="first").wait_for()
    assert page.get_by_role("link", name="with a link").count() == 0
    assert "secret" not in page.content()
    shutil.rmtree(run)


VIEWS = ("/", "/run?name=first", "/compare?run=first&run=second+run", "/sweeps", "/data?data=0:eyes.h5", "/try", "/rig")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_view_has_serious_faults_of_accessibility(page, served, scheme):
    page.emulate_media(color_scheme=scheme)
    for view in VIEWS:
        page.goto(f"{served.address}{view}")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        found = Axe().run(page).response["violations"]
        serious = [
            (fault["id"], [node["html"] for node in fault["nodes"]])
            for fault in found
            if fault["impact"] in ("serious", "critical")
        ]
        assert serious == [], (view, serious)


def test_every_view_fits_a_phone(page, served):
    page.set_viewport_size({"width": 390, "height": 844})
    for view in VIEWS:
        page.goto(f"{served.address}{view}")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, view
