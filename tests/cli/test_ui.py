import socket

import pytest


def test_what_cannot_be_shown_is_refused_in_one_line(command, tmp_path):
    file = tmp_path / "file"
    file.write_text("x")
    for words in (["--data", tmp_path / "none.h5"], ["--runs", file]):
        status, out, err = command("ui", *words, "--port", 0)
        assert (status, out) == (2, "")
        assert str(words[1]) in err
        assert len(err.splitlines()) == 1


def test_a_port_in_use_is_refused_in_one_line(command, tmp_path):
    pytest.importorskip("nicegui")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        status, _, err = command("ui", "--runs", tmp_path, "--port", taken.getsockname()[1])
    assert status == 2
    assert "in use" in err
