from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import LEVEL_NAMES


def test_a_rig_can_name_each_level_or_a_mix_of_them():
    assert (*LEVELS, "mixed") == LEVEL_NAMES


def test_ranges_run_from_low_to_high_and_a_harder_level_is_noisier():
    for level in LEVELS.values():
        ranges = [value for value in vars(level).values() if isinstance(value, tuple)]
        assert all(low <= high for low, high in ranges)
    noise = [level.noise[1] for level in LEVELS.values()]
    assert noise == sorted(noise)
