import base64
import io

import numpy as np
from PIL import Image

from glint_unet.page.eye_canvas import Mark, coloured_heatmaps, png_url
from glint_unet.report.palette import led_colour


def test_an_image_travels_as_a_png_that_is_part_of_the_page():
    pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)
    kind, _, content = png_url(pixels).partition(",")
    assert kind == "data:image/png;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_heatmaps_have_the_colours_of_their_leds_and_are_transparent_elsewhere():
    heatmaps = np.zeros((3, 4, 5), np.uint8)
    heatmaps[0, 1, 1], heatmaps[2, 3, 3] = 255, 100
    picture = coloured_heatmaps(heatmaps, [0, 2])
    assert picture.shape == (4, 5, 4)
    assert "#" + picture[1, 1, :3].tobytes().hex() == led_colour(0)
    assert "#" + picture[3, 3, :3].tobytes().hex() == led_colour(2)
    assert (picture[1, 1, 3], picture[3, 3, 3], picture[0, 0, 3]) == (204, 80, 0)
    assert not coloured_heatmaps(heatmaps, [1])[..., 3].any()


def test_a_mark_travels_with_its_colour():
    mark = Mark(3, "g4", 1.5, 2.5, "g4: there", is_suspicious=True).to_dict()
    assert (mark["colour"], mark["warn"], mark["present"]) == (led_colour(3), True, True)
