"""The picture of a comparison."""

import dataclasses

import numpy as np
from PIL import Image

from glint_unet.experiments.comparison import compare_runs
from glint_unet.experiments.comparison_picture import draw_comparison
from glint_unet.experiments.run_info import read_run


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).reshape(-1, 3)


def has_colour(path, colour):
    return bool((np.abs(pixels(path).astype(int) - colour).max(axis=1) < 8).any())


def test_each_run_has_a_colour_of_its_own(finished, four_epochs, tmp_path):
    runs = [read_run(finished), read_run(four_epochs)]
    draw_comparison(runs, compare_runs(runs), tmp_path / "two.png")
    draw_comparison(runs[:1], compare_runs(runs[:1]), tmp_path / "one.png")
    second = (0xD5, 0x5E, 0x00)
    assert has_colour(tmp_path / "two.png", second)
    assert not has_colour(tmp_path / "one.png", second)


def test_runs_without_any_row_are_drawn_empty(tmp_path):
    runs = [read_run(tmp_path / name) for name in "ab"]
    draw_comparison(runs, compare_runs(runs), tmp_path / "empty.png")
    assert len(pixels(tmp_path / "empty.png")) > 500_000


def test_twenty_runs_fit(finished, tmp_path):
    run = read_run(finished)
    runs = [dataclasses.replace(run) for _ in range(20)]
    draw_comparison(runs, compare_runs(runs), tmp_path / "many.png")
    assert len(pixels(tmp_path / "many.png")) > 500_000
