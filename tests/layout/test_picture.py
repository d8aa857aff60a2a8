"""The picture of a layout."""

import numpy as np
from PIL import Image

from glint_unet.layout.finding import find_rig
from glint_unet.layout.picture import draw_layout
from tests.layout.eyes import detector, frames
from tests.layout.spots import ring


def test_leds_are_drawn_in_colours_over_the_grey_eye(tmp_path):
    for leds in (ring(4), np.zeros(1, complex)):
        draw_layout(find_rig(detector(), frames(leds, 12, seen=1.0), "eyes"), tmp_path / "rig.png")
        picture = np.asarray(Image.open(tmp_path / "rig.png").convert("RGB")).astype(int)
        assert picture.shape[1] == 700
        assert (np.ptp(picture, axis=-1) > 60).sum() > 20
