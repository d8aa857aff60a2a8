"""`glint-unet runs`."""

import csv
import io
import json
import shutil

import pytest


@pytest.fixture
def root(finished, tmp_path):
    """A finished run, one that was interrupted, one that failed, and a damaged one."""
    for name in ("done", "stopped", "broken"):
        shutil.copytree(finished, tmp_path / name)
    for name, state, reason in (("stopped", "interrupted", "SIGTERM"), ("broken", "failed", "the loss is NaN")):
        path = tmp_path / name / "status.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"state": state, "epoch": 2, "reason": reason}))
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "latest_checkpoint.pth").write_bytes(b"PK")
    return tmp_path


def test_the_table_has_every_run_and_how_to_resume_it(root, command):
    status, out, err = command("runs", root, "--lang", "en")
    assert (status, err) == (0, "")
    lines = out.splitlines()
    rows = {line.split()[0]: line.split() for line in lines[:5]}
    assert lines[0].split()[:4] == ["run", "state", "epochs", "best"]
    assert rows["done"][1:4] == ["finished", "4/4", "4"]
    assert rows["stopped"][1:3] == ["interrupted", "2/4"]
    assert rows["damaged"][1:3] == ["damaged", "0/?"]
    assert f"Resume stopped: python train_glint_unet.py --resume {root}/stopped" in lines
    assert "broken failed: the loss is NaN" in lines
    assert not any(line.startswith(("Resume done", "Resume damaged")) for line in lines)


def test_the_same_as_json_and_csv_and_only_one_state(root, command):
    records = json.loads(command("runs", root, "--json")[1])
    assert {record["path"].rpartition("/")[2] for record in records} == {"done", "stopped", "broken", "damaged"}
    rows = list(csv.DictReader(io.StringIO(command("runs", root, "--csv")[1])))
    assert {row["path"]: row["state"] for row in rows} == {record["path"]: record["state"] for record in records}
    (only,) = json.loads(command("runs", root, "--json", "--state", "failed")[1])
    assert only["reason"] == "the loss is NaN"


def test_chinese_columns_and_states(root, command):
    out = command("runs", root, "--lang", "zh")[1]
    assert "已中断" in out
    assert "轮次" in out


def test_no_runs_no_directory_and_contradicting_flags(root, command, tmp_path):
    (tmp_path / "empty").mkdir()
    assert command("runs", tmp_path / "empty", "--lang", "en")[:2] == (
        0,
        f"No such runs in {tmp_path}/empty or up to four levels below it\n",
    )
    for words in (["runs", tmp_path / "none"], ["runs", root, "--json", "--csv"]):
        status, out, err = command(*words, "--lang", "en")
        assert (status, out, err.count("\n")) == (2, "", 1)
