import logging

from glint_unet.errors import PageError
from glint_unet.page.context import Context
from glint_unet.page.visit import Visit, link, problem_line


def test_problems_are_one_line_and_those_that_nobody_foresaw_are_logged(caplog):
    with caplog.at_level(logging.ERROR, "glint_unet.page"):
        assert "x.h5" in problem_line(PageError("ui_not_there", name="x.h5"))
        assert "Is a directory" in problem_line(IsADirectoryError(21, "Is a directory"))
        assert not caplog.records
        assert "\n" not in problem_line(ValueError("two\nlines"))
    assert len(caplog.records) == 1


def test_addresses_are_quoted():
    assert link("/run", name="a b&c") == "/run?name=a+b%26c"
    assert link("/compare", run=["a", "b"]) == "/compare?run=a&run=b"
    assert link("/") == "/"


def test_a_handler_takes_the_event_only_if_the_action_does(tmp_path):
    visit = Visit(Context(tmp_path), "en", "/", {}, {})
    seen = []

    def run(coroutine):
        try:
            coroutine.send(None)
        except StopIteration as end:
            return end.value
        raise AssertionError("it waits")

    assert run(visit.does(lambda: seen.append("plain") or 1)()) == 1
    assert run(visit.does(lambda event: seen.append(event) or 2)("event")) == 2
    assert seen == ["plain", "event"]
