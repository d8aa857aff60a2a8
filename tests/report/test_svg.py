"""Charts as SVG."""

import pytest

from glint_unet.report.svg import Axis, Chart


def test_epochs_are_ticked_at_whole_numbers_and_losses_at_round_ones():
    assert Axis.around("epoch", [1, 2, 3], is_integer=True).ticks() == [1, 2, 3]
    assert Axis.around("epoch", [1], is_integer=True).ticks() == [1]
    assert Axis.around("loss", [0.012, 0.9], is_logarithmic=True).ticks() == pytest.approx(
        [0.02, 0.05, 0.1, 0.2, 0.5, 1]
    )


@pytest.mark.parametrize("values", [[0.0], [2.0], [-3.0, -1.0], [0.0, 5.0], [1e-9, 1e9]])
def test_an_axis_holds_all_values(values):
    axis = Axis.around("x", values)
    assert all(0 <= axis.share(value) <= 1 for value in values)
    assert len(axis.ticks()) > 1


def test_names_are_escaped():
    chart = Chart(Axis("<b>", 0, 1), Axis("y", 0, 1), '"><script>')
    chart.line([(0, 0), (1, 1)], "#fff", "<i>")
    svg = str(chart.markup())
    assert "<b>" not in svg
    assert "<script>" not in svg
    assert "<i>" not in svg
    assert "&lt;i&gt;: 1, 1" in svg
