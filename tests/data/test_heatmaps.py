import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.config import TrainConfig
from glint_unet.data.heatmaps import (
    decode_heatmaps,
    keypoints_of_heatmaps,
    render_heatmaps,
    scale_points,
    target_sigma_heatmap_px,
)

SIDE = 64


@given(
    x=st.floats(-0.5, SIDE - 0.5),
    y=st.floats(-0.5, SIDE - 0.5),
    stride=st.sampled_from([1, 2, 4]),
    sigma=st.floats(1.0, 3.0),
)
def test_decoding_finds_a_rendered_gaussian_to_a_hundredth_of_a_pixel(x, y, stride, sigma):
    truth = torch.tensor([[[x, y]]])
    points, scores, widths = decode_heatmaps(render_heatmaps(truth, (SIDE // stride,) * 2, stride, sigma), stride)
    assert (points - truth).abs().max() <= 0.01
    assert 0.6 < scores.item() <= 1
    assert widths.item() == pytest.approx(sigma, rel=1e-3)


@given(x=st.floats(4, SIDE - 5), y=st.floats(4, SIDE - 5))
def test_compact_storage_costs_a_few_hundredths_of_a_pixel(x, y):
    truth = torch.tensor([[[x, y]]])
    heatmaps = render_heatmaps(truth, (SIDE // 4,) * 2, 4, 1.5)
    assert (decode_heatmaps(heatmaps.half(), 4)[0] - truth).abs().max() < 0.02
    assert (decode_heatmaps((heatmaps * 255).round() / 255, 4)[0] - truth).abs().max() < 0.1


def test_the_peak_lies_at_the_true_sub_pixel_centre_of_a_strided_heatmap():
    # image pixel 1.5 is the border between the first and the second half of a heatmap pixel of stride 4
    heatmap = render_heatmaps(torch.tensor([[[1.5, 5.5]]]), (4, 4), 4, 1.5)[0, 0]
    assert heatmap[1, 0] == 1
    assert heatmap[0, 0] == heatmap[2, 0]


def test_an_absent_keypoint_gives_an_empty_heatmap():
    heatmaps = render_heatmaps(torch.tensor([[[torch.nan, torch.nan], [3.0, 3.0]]]), (8, 8), 1, 1.5)
    assert heatmaps[0, 0].abs().max() == 0
    assert heatmaps[0, 1].max() == 1


def test_each_keypoint_may_have_a_sigma_of_its_own():
    keypoints = torch.full((1, 2, 2), 8.0)
    heatmaps = render_heatmaps(keypoints, (16, 16), 1, torch.tensor([[1.5, 3.0]]))
    assert heatmaps[0, 1].sum() > 3 * heatmaps[0, 0].sum()


def test_a_flat_map_decodes_without_nan():
    points, scores, widths = decode_heatmaps(torch.zeros(1, 2, 4, 4), 4)
    assert torch.isfinite(points).all()
    assert scores.max() == 0
    assert torch.isfinite(widths).all()


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (1, 3)])
def test_maps_too_small_for_a_parabola_still_decode(size):
    points, _, _ = decode_heatmaps(torch.ones(1, 1, *size), 1)
    assert torch.isfinite(points).all()


def test_heatmaps_alone_tell_what_is_present():
    truth = torch.tensor([[[5.25, 6.5], [torch.nan, torch.nan]]])
    found = keypoints_of_heatmaps(render_heatmaps(truth, (16, 16), 1, 1.5), 1)
    assert torch.allclose(found[0, 0], truth[0, 0], atol=0.01)
    assert found[0, 1].isnan().all()


@given(x=st.floats(0, 500), y=st.floats(0, 500), sx=st.floats(0.1, 4), sy=st.floats(0.1, 4))
def test_scaling_points_there_and_back_changes_nothing(x, y, sx, sy):
    point = torch.tensor([x, y], dtype=torch.float64)
    assert torch.allclose(scale_points(scale_points(point, sx, sy), 1 / sx, 1 / sy), point, atol=1e-9)


def test_a_pixel_of_a_halved_image_covers_four_old_ones():
    # the centre between old pixels 0 and 1 is the centre of new pixel 0
    assert scale_points(torch.tensor([0.5, 0.5]), 0.5, 0.5).tolist() == [0, 0]


def test_the_targets_width_is_the_files_or_the_settings_in_heatmap_pixels():
    assert target_sigma_heatmap_px(TrainConfig(sigma_px=3.0), 4, 1.5) == 0.75
    assert target_sigma_heatmap_px(TrainConfig(targets="file", augment=False, sigma_px=3.0), 4, 1.5) == 1.5
