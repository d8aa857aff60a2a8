"""Example images as SVG."""

import numpy as np

from glint_unet.report.examples import Example, Mark
from glint_unet.report.eye_svg import eye_view


def test_the_image_is_embedded_once_and_parts_refer_to_it():
    marks = (Mark(0, "g1", (10.0, 12.0), (10.5, 12.0), 0.4), Mark(1, "g2", None, (3.0, 3.0), 1.0))
    view = eye_view(Example("eye", np.zeros((40, 50), np.uint8), marks), 7)
    assert str(view.svg).count("data:image/png") == 1
    assert [part.caption for part in view.parts] == ["0.50 px", "false"]
    assert [part.is_right for part in view.parts] == [True, False]
    for part in view.parts:
        assert 'href="#eye7"' in str(part.svg)
        assert "data:" not in str(part.svg)
    assert 'class="truth" cx="10.000" cy="12.000"' in str(view.parts[0].svg)
    assert 'class="truth"' not in str(view.parts[1].svg)


def test_an_image_without_marks_is_shown_alone():
    view = eye_view(Example("blink", np.zeros((40, 50), np.uint8), ()), 0)
    assert view.parts == []
    assert "<circle" not in str(view.svg)
