"""Layouts of LEDs: as a rig gives them, and as keypoints show them."""

import subprocess
import sys

import numpy as np
import pytest

from glint_unet.model.constellation import Constellation
from tests.model.test_assignment import RING, UNEVEN, seen_in_mirror


def test_a_layout_is_kept_centred_and_of_unit_size():
    made = Constellation.from_layout(RING * 7 + 3, (2, 50))
    assert np.allclose(made.layout, RING, atol=1e-6)
    assert Constellation.from_dict(made.to_dict()) == made


def mirrored(layout, num, seed=0, share=0.7):
    rng = np.random.default_rng(seed)
    keypoints = np.stack([seen_in_mirror(rng, layout)[0] for _ in range(num)])
    keypoints[rng.random(keypoints.shape[:2]) > share] = np.nan
    return keypoints


@pytest.mark.parametrize("layout", [RING, UNEVEN])
def test_the_layout_is_learnt_from_keypoints_with_missing_points(layout):
    learnt = Constellation.from_keypoints(mirrored(layout, 400))
    expected = Constellation.from_layout(layout, (1, 2))
    assert np.abs(np.array(learnt.layout) - np.array(expected.layout)).max() < 0.04
    assert learnt.size_px[0] < 8
    assert learnt.size_px[1] > 45
    assert 20 <= learnt.turn_deg <= 30
    assert learnt.spread < 0.1


def test_leds_that_are_never_all_seen_together_are_still_one_layout():
    keypoints = mirrored(RING, 300, share=1.0)
    keypoints[::2, :4] = np.nan
    keypoints[1::2, 5:] = np.nan  # LED 5 links both halves, with LED 4 now and then
    keypoints[1::2, 4] = np.nan
    keypoints[::10, 3] = 64 + 20 * RING[3]
    keypoints[::10, 4:] = 64 + 20 * RING[4:]
    keypoints[1::10, 4:6] = 64 + 20 * RING[4:6]
    keypoints[1::10, :4] = 64 + 20 * RING[:4]
    learnt = Constellation.from_keypoints(keypoints)
    assert np.abs(np.array(learnt.layout) - RING).max() < 0.1


def test_nothing_is_learnt_from_few_leds_few_images_or_points_without_a_layout():
    assert Constellation.from_keypoints(mirrored(RING[:3], 100, share=1)) is None
    assert Constellation.from_keypoints(mirrored(RING, 5)) is None
    never = mirrored(RING, 100)
    never[:, 2] = np.nan
    assert Constellation.from_keypoints(never) is None
    apart = mirrored(RING, 100, share=1)
    apart[::2, :4] = np.nan
    apart[1::2, 4:] = np.nan
    assert Constellation.from_keypoints(apart) is None
    assert Constellation.from_keypoints(np.random.default_rng(0).uniform(0, 100, (200, 6, 2))) is None


def test_images_whose_glints_are_all_at_one_place_say_nothing():
    keypoints = mirrored(RING, 200, share=1)
    keypoints[3], keypoints[5, 3:], keypoints[5, :3] = 0, np.nan, 7  # a data set may write (0, 0) for absent LEDs
    learnt = Constellation.from_keypoints(keypoints)
    assert np.abs(np.array(learnt.layout) - RING).max() < 0.04
    assert Constellation.from_dict(learnt.to_dict()) == learnt
    assert Constellation.from_keypoints(np.full((50, 8, 2), 3.0)) is None


MISTAKES = {
    "numbered the other way round": lambda row: row[::-1],
    "mirrored": lambda row: row * [-1, 1] + [128, 0],
    "two exchanged": lambda row: row[[1, 0, *range(2, 8)]],
    "one elsewhere": lambda row: np.concatenate([[[900.0, 3.0]], row[1:]]),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_few_wrongly_annotated_images_change_nothing(mistake):
    keypoints = mirrored(RING, 300)
    expected = Constellation.from_keypoints(keypoints)
    for k in range(0, 300, 30):
        keypoints[k] = MISTAKES[mistake](keypoints[k])
    learnt = Constellation.from_keypoints(keypoints)
    assert np.abs(np.array(learnt.layout) - expected.layout).max() < 0.03
    assert learnt.size_px == pytest.approx(expected.size_px, rel=0.1)
    assert learnt.squeeze == pytest.approx(expected.squeeze, abs=0.02)
    assert learnt.spread == pytest.approx(expected.spread, abs=0.03)
    assert learnt.turn_deg == pytest.approx(expected.turn_deg, abs=5)


def test_images_of_two_rigs_show_no_layout():
    keypoints = mirrored(RING, 300)
    keypoints[::3] = keypoints[::3, ::-1]
    assert Constellation.from_keypoints(keypoints) is None


@pytest.mark.parametrize(
    "change",
    [
        {"layout": [[0, 0], [1, 1]]},
        {"layout": [[0, 0], [1, 1], [2, float("nan")], [0, 1]]},
        {"size_px": [5, 2]},
        {"size_px": 3},
        {"turn_deg": -1},
        {"spread": float("nan")},
    ],
)
def test_a_damaged_record_is_refused(change):
    values = Constellation.from_layout(RING, (2, 50)).to_dict() | change
    with pytest.raises((ValueError, TypeError)):
        Constellation.from_dict(values)


def test_neither_pytorch_nor_anything_else_but_numpy_is_needed():
    program = (
        "import sys; import glint_unet.model.assignment; print(sorted({'torch', 'h5py', 'cv2'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
