import numpy as np

from glint_unet.data.synthetic.lashes import lash_cover
from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene


def test_lashes_cover_a_share_of_each_pixel_and_more_of_them_cover_more():
    shares = []
    for level in (LEVELS["easy"], LEVELS["hard"]):
        covers = []
        for k in range(8):
            rng = np.random.default_rng(k)
            covers.append(lash_cover(rng, sample_scene(rng, Rig.ring(4), level), level, (256, 256), 1))
        assert all(cover.min() >= 0 and cover.max() <= 0.95 for cover in covers)
        shares.append(np.mean(covers))
    assert 0 < shares[0] < shares[1]
