"""Tables of glints: what they hold after an error, and whom they blame."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from glint_unet.data.media import Frame
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.inference.predictor import Glints
from glint_unet.inference.result_file import COLUMNS, ResultFile


def glints():
    points = np.array([[[1.5, 2.25], [np.nan, np.nan]]], np.float32)
    scores, sigmas = np.array([[0.9, 0.1]], np.float32), np.array([[0.5, 3.0]], np.float32)
    return Glints(points, scores, sigmas, np.array([[True, False]]))


FRAME = Frame("eye", 7, 0.28, np.zeros((4, 4), np.uint8))


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_an_absent_led_has_a_row_without_a_position(tmp_path, ending):
    path = tmp_path / f"glints.{ending}"
    with ResultFile(path, ["g1", "g2"]) as table:
        table.add(FRAME, glints(), 0)
    if ending == "csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == list(COLUMNS)
        assert [(row["x"], row["y"], row["sigma"], row["present"]) for row in rows] == [
            ("1.5", "2.25", "0.5", "1"),
            ("", "", "", "0"),
        ]
        assert float(rows[1]["score"]) == pytest.approx(0.1)
        return
    if ending == "json":
        rows = json.loads(path.read_text())
    else:
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(path).to_pylist()
    assert [(row["x"], row["y"], row["present"]) for row in rows] == [(1.5, 2.25, 1), (None, None, 0)]
    assert (rows[0]["sigma"], rows[1]["sigma"]) == (0.5, None)
    assert rows[1]["score"] == pytest.approx(0.1)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_an_error_of_the_frames_is_not_blamed_on_the_table_and_leaves_none(tmp_path, ending):
    error = OSError(5, "the camera was unplugged")

    def write():
        with ResultFile(tmp_path / f"g.{ending}", ["g1", "g2"]) as table:
            table.add(FRAME, glints(), 0)
            raise error

    with pytest.raises(OSError, match="unplugged") as caught:
        write()
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


def test_a_table_that_stays_within_no_directory_or_kind_is_refused(tmp_path):
    with pytest.raises(SettingError, match=r"\.csv \.json \.parquet"):
        ResultFile(tmp_path / "g.xlsx", ["g1"])
    for ending in ("csv", "json", "parquet"):
        path = tmp_path / "none" / f"g.{ending}"
        with pytest.raises(RunDirectoryError, match=r"cannot be written"), ResultFile(path, ["g1"]):
            pass


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_source_whose_name_is_not_utf_8_is_written_with_escapes(tmp_path, ending):
    path = tmp_path / f"glints.{ending}"
    with ResultFile(path, ["g1", "g2"]) as table:
        table.add(FRAME._replace(source="eye\udcff.png"), glints(), 0)
    assert b"eye\\udcff.png" in path.read_bytes().replace(b"\\\\", b"\\")


def test_a_table_with_many_rows_is_written_on_the_way(tmp_path):
    path = tmp_path / "g.csv"
    with ResultFile(path, ["g1", "g2"]) as table:
        for _ in range(5000):
            table.add(FRAME, glints(), 0)
        (temporary,) = tmp_path.iterdir()
        assert Path(temporary).stat().st_size > 100_000
        assert not path.exists()
    assert len(path.read_text().splitlines()) == 10_001
