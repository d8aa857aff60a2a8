"""What results.png shows."""

import numpy as np
import pytest
from PIL import Image

from glint_unet.report.curves import draw_curves, panels_of


def row(epoch, total, **more):
    part = {"total": total, "focal": total, "bce": 0.0, "votes": 0.0, "f1": 0.5, "px_median": None, **more}
    return {"epoch": epoch, "train": part, "val": part, "lr": 1e-3, "timing": {"compute": 2.0}}


def panel(history, name):
    return next((panel for panel in panels_of(history) if panel.name == name), None)


def test_loss_terms_that_are_off_are_left_out():
    assert panel([row(1, 0.5), row(2, 0.4)], "terms") is None
    names = [curve.name for curve in panel([row(1, 0.5), row(2, 0.4, votes=-0.1)], "terms").curves]
    assert names == ["train_focal", "val_focal", "train_votes", "val_votes"]


def test_undefined_values_have_no_point_and_panels_without_points_are_left_out():
    assert panel([row(1, 0.5)], "error") is None
    (median,) = panel([row(1, 0.5), row(2, 0.4, px_median=0.7)], "error").curves
    assert median.points == ((2, 0.7),)


@pytest.mark.parametrize(("least", "is_logarithmic"), [(0.01, True), (0.4, False), (-0.01, False)])
def test_an_axis_is_logarithmic_only_where_values_are_positive_and_span_far(least, is_logarithmic):
    assert panel([row(1, 0.5), row(2, least)], "loss").is_logarithmic == is_logarithmic


@pytest.mark.parametrize("num", [1, 3, 200])
def test_runs_of_any_length_and_of_earlier_versions_are_drawn(tmp_path, num):
    history = [{key: value for key, value in row(k + 1, 5.0 / (k + 1)).items() if key != "timing"} for k in range(num)]
    draw_curves(history, num, tmp_path / "results.png")
    drawn = np.asarray(Image.open(tmp_path / "results.png").convert("L"))
    assert drawn.std() > 10
