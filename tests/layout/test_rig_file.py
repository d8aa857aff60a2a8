"""The rig file states what was found, and is read as any other."""

import numpy as np
import pytest

from glint_unet.data.synthetic.rig import Rig
from glint_unet.layout.rig_file import rig_text, write_rig
from glint_unet.layout.shape import shape_of
from glint_unet.messages import set_language
from tests.layout.spots import TWO_COLUMNS, ring


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("leds", [ring(6), ring(1), TWO_COLUMNS, np.array([-1, 1.0])], ids=len)
def test_the_file_holds_the_layout(tmp_path, leds, language):
    set_language(language)
    shape = shape_of(leds)
    write_rig(tmp_path / "rig.toml", shape, (0.3, 0.5), 40)
    rig = Rig.read(tmp_path / "rig.toml")
    assert np.abs(rig.positions() - shape.positions).max() < 0.002
    assert rig.layout_size == (0.3, 0.5)


def test_an_unknown_size_is_left_to_the_default_and_said_so():
    content = rig_text(shape_of(ring(4)), None, 12)
    assert "size =" not in content
    assert "default range" in content
    assert "12 images" in content
