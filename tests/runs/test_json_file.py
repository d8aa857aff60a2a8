"""JSON files of runs that may hold anything."""

import os

import pytest

from glint_unet.runs.json_file import as_count, as_dict, as_dicts, as_number, as_text, read_json


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"a": 1} x'])
def test_damaged_files_are_none(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    assert read_json(path) is None


def test_what_is_no_file_is_none_and_does_not_block(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert read_json(tmp_path / "pipe") is None
    assert read_json(tmp_path) is None
    assert read_json(tmp_path / "missing") is None
    (tmp_path / "loop").symlink_to("loop")
    assert read_json(tmp_path / "loop") is None


def test_values_of_other_types_become_empty():
    assert as_dict([1]) == {}
    assert as_dicts({"a": 1}) == []
    assert as_dicts([{"a": 1}, 3, None]) == [{"a": 1}]
    assert [as_number(value) for value in (True, "1", None, float("nan"), 10**400, 2, -1.5)] == [None] * 5 + [2.0, -1.5]
    assert [as_count(value) for value in (-3, 2.9, "7", 1e300)] == [0, 2, 0, int(1e300)]
    assert as_text("a\x1b[31m\nb") == "a[31mb"
    assert as_text(3) == ""
