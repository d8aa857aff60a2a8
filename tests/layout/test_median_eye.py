"""The median eye, and the size of the layout on the iris."""

import numpy as np

from glint_unet.layout.finding import find_rig
from glint_unet.layout.median_eye import HALF_SIDE, MEDIAN_SIDE_PX, median_eye, reach_px, sizes_on_iris
from tests.layout.eyes import detector, frames
from tests.layout.spots import ring


def test_the_glints_of_all_images_coincide_and_the_size_is_that_of_the_drawing_if_irises_are_found():
    images = frames(ring(5), 12, seen=1.0)
    finding = find_rig(detector(), images, "eyes")
    median = median_eye(images, finding.poses, finding.rows)
    assert median.shape == (MEDIAN_SIDE_PX, MEDIAN_SIDE_PX)
    places = (finding.poses.leds / reach_px(finding.poses, images) / HALF_SIDE + 1 + 1j) * (MEDIAN_SIDE_PX - 1) / 2
    for place in places:
        x, y = round(place.real), round(place.imag)
        assert median[y - 3 : y + 4, x - 3 : x + 4].max() > 150
    sizes = sizes_on_iris(images, finding.poses, finding.rows)
    assert sizes is not None
    assert sizes[0] < 20 / 34 < sizes[1]
    flat = [np.full_like(image, 90) for image in images]
    assert sizes_on_iris(flat, finding.poses, finding.rows) is None
