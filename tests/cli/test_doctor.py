"""`glint-unet doctor`."""

import json

from glint_unet.data import shared_cache


def test_a_machine_in_order_has_no_errors_and_every_topic(command, tmp_path):
    status, out, err = command("doctor", "--json", "--directory", tmp_path)
    found = {finding["topic"]: finding for finding in json.loads(out)}
    assert (status, err) == (0, "")
    topics = ["python", "packages", "extras", "disk", "locks", "memory", "weights", "gpu", "threads", "shared_memory"]
    assert list(found) == topics
    assert "torch 2." in found["packages"]["found"]
    assert str(tmp_path) in found["disk"]["found"]
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_comes_with_advice_and_status_1_in_both_languages(command, tmp_path, monkeypatch):
    monkeypatch.setattr(shared_cache, "SHARED_MEMORY_ROOT", tmp_path / "none")
    for language, said in (("en", "No such directory"), ("zh", "没有目录")):
        status, out, _ = command("doctor", "--directory", tmp_path / "none", "--lang", language)
        lines = out.splitlines()
        (place,) = [number for number, line in enumerate(lines) if said in line]
        assert status == 1
        assert "--directory" in lines[place + 1]
        assert "/none" in next(line for line in lines if "hared memory" in line or "共享内存" in line)
    assert lines[-1].startswith("错误 1 项, 警告 ")
