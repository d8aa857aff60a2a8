"""Curves and pictures of a run."""

import pytest

from glint_unet.runs import pictures


@pytest.mark.parametrize(("least", "scale"), [(0.1, "log"), (-0.1, "linear")])
def test_a_loss_below_zero_is_drawn_too(tmp_path, monkeypatch, least, scale):
    drawn = []
    monkeypatch.setattr(pictures, "_save", lambda figure, path: drawn.append(figure))
    part = [{"total": 0.5, "f1": 0.1, "px_median": 3.0}, {"total": least, "f1": 0.5, "px_median": None}]
    pictures.draw_curves([{"epoch": k + 1, "train": p, "val": p} for k, p in enumerate(part)], tmp_path / "r.png")
    loss = drawn[0].axes[0]
    assert loss.get_yscale() == scale
    assert loss.get_ylim()[0] <= least
