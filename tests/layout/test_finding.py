"""From images to the layout, and what is refused."""

import numpy as np
import pytest

from glint_unet.errors import LayoutError
from glint_unet.layout.certainty import Grade
from glint_unet.layout.finding import find_rig
from tests.layout.eyes import SIZE, detector, frames
from tests.layout.spots import ring


def test_a_ring_is_found_in_images():
    finding = find_rig(detector(), frames(ring(6), 14), "eyes")
    assert finding.shape.num_leds == 6
    assert finding.shape.start_deg is not None
    assert abs(finding.shape.start_deg + 90) < 2
    assert finding.names == ["g1", "g2", "g3", "g4", "g5", "g6"]
    assert finding.certainty.is_consistent
    assert finding.median.max() > 150


def test_a_glint_alone_is_one_led():
    finding = find_rig(detector(), frames(np.zeros(1, complex), seen=1.0), "eyes")
    assert finding.shape.num_leds == 1
    assert finding.certainty.grade is not Grade.SURE
    assert finding.sizes is None


def test_few_images_and_images_without_a_layout_are_refused():
    with pytest.raises(LayoutError, match="only 9 images show glints, at least 10"):
        find_rig(detector(), frames(ring(6), 9), "eyes")
    with pytest.raises(LayoutError, match="only 0 images"):
        find_rig(detector(), [], "eyes")
    rng = np.random.default_rng(0)
    noise = [np.where(rng.random(SIZE) < 0.0004, 255, 20).astype(np.uint8) for _ in range(16)]
    with pytest.raises(LayoutError, match="no consistent layout"):
        find_rig(detector(), noise, "noise")
