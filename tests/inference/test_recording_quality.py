"""Precision, gaps, velocity and swaps of recordings of which they are known."""

import csv

import numpy as np
import pytest

from glint_unet.inference.recording_quality import COLUMNS, RecordingQuality, write_quality
from tests.inference.test_smoothing import glints_of

LEDS = np.array([[100.0, 50.0], [140.0, 50.0], [120.0, 90.0]])


def quality_of(points, present=None, **options):
    quality = RecordingQuality("eye.avi", ["g1", "g2", "g3"], **options)
    quality.add(glints_of(points, present=present))
    return quality.rows()


def test_rms_s2s_of_white_noise_is_twice_its_standard_deviation():
    noise = np.random.default_rng(0).normal(0, 0.2, (2000, 3, 2))
    rows = quality_of(LEDS + noise, fps=500.0, px_per_deg=10.0)
    assert [row["rms_s2s_px"] for row in rows] == pytest.approx([0.4] * 3, rel=0.05)
    assert rows[0]["rms_s2s_deg"] == pytest.approx(rows[0]["rms_s2s_px"] / 10)
    assert [row["swaps"] for row in rows] == [0, 0, 0]


def test_a_few_saccades_change_the_peak_speed_but_not_the_precision():
    motion = np.repeat(np.arange(4) * 30.0, 250)[:, None, None]
    row = quality_of(LEDS + motion, fps=500.0)[0]
    assert row["rms_s2s_px"] == row["speed_median_px_per_s"] == 0
    assert row["speed_peak_px_per_s"] == pytest.approx(30 * 2**0.5 * 500)
    assert row["swaps"] == 0
    assert row["rms_s2s_deg"] is None


def test_gaps_between_frames_with_the_glint_are_counted():
    present = np.ones((100, 3), bool)
    present[10:15, 0] = present[40:60, 0] = present[95:, 0] = False
    present[:, 2] = False
    rows = quality_of(np.tile(LEDS, (100, 1, 1)), present)
    assert [(row["found"], row["gaps"], row["longest_gap_frames"]) for row in rows] == [
        (70, 2, 20),
        (100, 0, 0),
        (0, 0, 0),
    ]
    assert rows[2]["rms_s2s_px"] is rows[0]["speed_peak_px_per_s"] is None


def test_swapped_identities_are_counted_once_each_way():
    points = np.tile(LEDS, (60, 1, 1))
    points[20:30] = points[20:30][:, [1, 0, 2]]
    assert quality_of(points)[0]["swaps"] == 2


def test_the_table_has_a_row_per_recording_and_led(tmp_path):
    quality = RecordingQuality("eye.avi", ["g1", "g2", "g3"], fps=100.0)
    quality.add(glints_of(np.tile(LEDS, (60, 1, 1))))
    write_quality(tmp_path / "quality.csv", [quality, quality])
    with (tmp_path / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [row["led"] for row in rows] == ["g1", "g2", "g3"] * 2
    assert rows[0]["rms_s2s_px"] == "0.0"
    assert rows[0]["rms_s2s_deg"] == ""
