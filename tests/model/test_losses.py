"""Every loss against a plain reference, image by image and pair by pair, written from its definition."""

import itertools
import math
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.model.losses import (
    BASE_LOSSES,
    TERMS,
    bce_loss,
    dice_loss,
    divergence_loss,
    focal_loss,
    loss_terms,
    merge_channels,
    quality_focal_loss,
)
from glint_unet.model.votes import vote_loss

EPS = 1e-6


def random_case(seed, B=2, C=3, h=4, w=5, spread=3.0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(B, C, h, w, generator=generator) * spread
    return logits, torch.rand(B, C, h, w, generator=generator)


KEYPOINTS = torch.tensor([[[1.0, 2.0], [3.5, 0.5], [torch.nan, torch.nan]]])
INFO = DatasetInfo(
    path=Path("none.h5"),
    num_images=1,
    num_classes=3,
    image_size=(4, 5),
    heatmap_size=(4, 5),
    has_heatmaps=False,
    has_keypoints=True,
    has_present=False,
    has_stems=False,
    sigma_heatmap_px=1.0,
    prefix="g",
)


def test_every_choice_of_loss_is_there():
    assert {*BASE_LOSSES, "hybrid"} == set(get_args(get_type_hints(TrainConfig)["loss"]))


def test_terms_keep_their_places_in_logs_and_checkpoints():
    assert TERMS[:7] == ("total", "focal", "bce", "dice", "div", "agg", "votes")
    assert {loss.term for loss in BASE_LOSSES.values()} < set(TERMS)


def terms_of(logits, target, config):
    return loss_terms(logits, target, KEYPOINTS.expand(len(logits), -1, -1), config, INFO)


def sigmoid(z):
    return 1 / (1 + math.exp(-z))


def reference_focal(logits, target, alpha, gamma):
    values = []
    for z, t in zip(logits.double().flatten().tolist(), target.double().flatten().tolist(), strict=True):
        p = sigmoid(z)
        p_t = p * t + (1 - p) * (1 - t)
        values.append(alpha * (1 - p_t) ** gamma * -(t * math.log(p) + (1 - t) * math.log(1 - p)))
    return sum(values) / len(values)


def reference_dice(logits, target):
    values = []
    for image, truth in zip(logits.double().sigmoid(), target.double(), strict=True):
        for p, t in zip(image, truth, strict=True):
            values.append(1 - (2 * (p * t).sum() + 1) / (p.sum() + t.sum() + 1))
    return float(sum(values) / len(values))


def reference_alike(p, q, mode):
    p, q = p.flatten(), q.flatten()
    if mode == "overlap":
        return float((p * q).mean())
    if mode == "cosine":
        return float((p * q).sum() / (p.norm() * q.norm()))
    p, q = (p + EPS) / (p + EPS).sum(), (q + EPS) / (q + EPS).sum()
    jeffreys = float((p * (p / q).log()).sum() + (q * (q / p).log()).sum())
    return math.exp(-jeffreys / 2)


def reference_divergence(heatmaps, mode):
    values = []
    for image in heatmaps.double():
        for i, j in itertools.combinations(range(len(image)), 2):
            values.append(reference_alike(image[i], image[j], mode))
    return sum(values) / len(values)


@given(seed=st.integers(0, 10**6), alpha=st.floats(0.1, 2), gamma=st.floats(0, 4))
@settings(max_examples=25)
def test_focal_equals_its_definition(seed, alpha, gamma):
    logits, target = random_case(seed)
    assert focal_loss(logits, target, alpha, gamma).item() == pytest.approx(
        reference_focal(logits, target, alpha, gamma), rel=1e-4
    )


@given(seed=st.integers(0, 10**6), alpha=st.floats(0.1, 2), gamma=st.floats(0.5, 4))
@settings(max_examples=25)
def test_quality_focal_equals_its_definition(seed, alpha, gamma):
    logits, target = random_case(seed)
    values = []
    for z, t in zip(logits.double().flatten().tolist(), target.double().flatten().tolist(), strict=True):
        p = sigmoid(z)
        values.append(alpha * abs(t - p) ** gamma * -(t * math.log(p) + (1 - t) * math.log(1 - p)))
    loss = quality_focal_loss(logits, target, alpha, gamma).item()
    num_maps = logits.shape[0] * logits.shape[1]
    assert loss == pytest.approx(sum(values) / num_maps, rel=1e-3)


@pytest.mark.parametrize(("loss", "best_for_seven_tenths"), [(quality_focal_loss, 0.7), (focal_loss, 0.88)])
def test_what_each_focal_loss_wants_for_a_target_of_seven_tenths(loss, best_for_seven_tenths):
    p = torch.linspace(0.01, 0.99, 981)
    losses = torch.stack([loss(torch.logit(value)[None, None], torch.tensor([[0.7]])) for value in p])
    assert p[losses.argmin()].item() == pytest.approx(best_for_seven_tenths, abs=0.01)


@given(seed=st.integers(0, 10**6))
def test_bce_is_focal_without_focus(seed):
    logits, target = random_case(seed)
    assert bce_loss(logits, target).item() == pytest.approx(reference_focal(logits, target, 1, 0), rel=1e-4)


@given(seed=st.integers(0, 10**6))
def test_dice_equals_its_definition(seed):
    logits, target = random_case(seed)
    assert dice_loss(logits, target).item() == pytest.approx(reference_dice(logits, target), rel=1e-4)


@pytest.mark.parametrize("mode", ["overlap", "cosine", "kl"])
@given(seed=st.integers(0, 10**6), C=st.integers(2, 6))
@settings(max_examples=25)
def test_divergence_equals_its_pairs(mode, seed, C):
    heatmaps = random_case(seed, C=C)[0].sigmoid()
    assert divergence_loss(heatmaps, mode).item() == pytest.approx(reference_divergence(heatmaps, mode), rel=1e-3)


@pytest.mark.parametrize("mode", ["overlap", "cosine", "kl"])
def test_divergence_lies_between_nothing_alike_and_all_the_same(mode):
    same = torch.rand(1, 1, 6, 6).expand(1, 4, 6, 6).contiguous()
    apart = torch.zeros(1, 2, 6, 6)
    apart[0, 0, 0, 0] = apart[0, 1, 5, 5] = 1.0
    assert divergence_loss(apart, mode).item() == pytest.approx(0, abs=1e-3)
    assert divergence_loss(same, mode).item() > 0.1
    if mode != "overlap":
        assert divergence_loss(same, mode).item() == pytest.approx(1, abs=1e-4)
    assert divergence_loss(same[:, :1], mode).item() == 0


def test_merging_by_max_and_by_sum():
    logits, target = random_case(0, C=4)
    p = logits.sigmoid()
    by_max, max_target = merge_channels(logits, target, "max")
    by_sum, sum_target = merge_channels(logits, target, "sum")
    assert torch.allclose(by_max.sigmoid()[:, 0], p.max(dim=1).values)
    assert torch.allclose(by_sum.sigmoid()[:, 0], p.sum(dim=1).clamp(max=1 - EPS), atol=1e-5)
    assert torch.equal(max_target[:, 0], target.max(dim=1).values)
    assert torch.equal(sum_target[:, 0], target.sum(dim=1).clamp(max=1))


CONFIGS = [
    {"loss": loss, "div_mode": div, "agg_mode": agg, "agg_wB": 0.5, "agg_wD": 0.25, "div_weight": 0.05, "lam_agg": 0.2}
    | ({"lam_focal": 0.3, "lam_bce": 0.7, "lam_dice": 0.2} if loss == "hybrid" else {})
    for loss in ("focal", "bce", "dice", "hybrid", "quality_focal")
    for div in ("overlap", "cosine", "kl")
    for agg in ("max", "sum")
]


@pytest.mark.parametrize("case", CONFIGS, ids=lambda c: f"{c['loss']}-{c['div_mode']}-{c['agg_mode']}")
def test_the_total_is_base_plus_weighted_div_plus_weighted_agg(case):
    config = TrainConfig(**case)
    logits, target = random_case(1)
    terms = dict(zip(TERMS, terms_of(logits, target, config).tolist(), strict=True))
    own_focal = quality_focal_loss if config.loss == "quality_focal" else focal_loss
    weights: dict[str, float] = (
        {"focal": 0.3, "bce": 0.7, "dice": 0.2} if config.loss == "hybrid" else {config.loss: 1.0}
    )
    weights["focal"] = weights.get("focal", float(config.loss == "quality_focal"))
    plain = {"focal": own_focal(logits, target), "bce": bce_loss(logits, target), "dice": dice_loss(logits, target)}
    for name, value in plain.items():
        assert terms[name] == pytest.approx(weights.get(name, 0) * value.item(), rel=1e-5)
    assert terms["div"] == pytest.approx(0.05 * divergence_loss(logits.sigmoid(), config.div_mode).item(), rel=1e-5)
    merged = merge_channels(logits, target, config.agg_mode)
    agg = own_focal(*merged) + 0.5 * bce_loss(*merged) + 0.25 * dice_loss(*merged)
    assert terms["agg"] == pytest.approx(0.2 * agg.item(), rel=1e-5)
    assert terms["total"] == pytest.approx(sum(terms[name] for name in TERMS[1:]), rel=1e-5)


def test_terms_that_are_off_are_zero():
    logits, target = random_case(2)
    terms = terms_of(logits, target, TrainConfig(loss="bce")).tolist()
    assert terms[0] == terms[2] > 0
    assert [terms[k] for k in (1, 3, 4, 5, 6)] == [0, 0, 0, 0, 0]


@pytest.mark.parametrize("case", CONFIGS, ids=lambda c: f"{c['loss']}-{c['div_mode']}-{c['agg_mode']}")
@given(spread=st.sampled_from([0.0, 1.0, 30.0, 1000.0]), empty=st.booleans(), gamma=st.sampled_from([0.5, 1.0, 2.0]))
@settings(max_examples=12)
def test_gradients_stay_finite_whatever_the_network_says(case, spread, empty, gamma):
    logits, target = random_case(3, spread=spread)
    logits.requires_grad_()
    total = terms_of(logits, target * (not empty), TrainConfig(**case, gamma=gamma))[0]
    total.backward()
    assert torch.isfinite(total)
    assert torch.isfinite(logits.grad).all()


def test_a_batch_is_the_mean_of_its_images():
    logits, target = random_case(4, B=3)
    config = TrainConfig(loss="hybrid", lam_bce=1, lam_dice=1)
    alone = [terms_of(logits[k : k + 1], target[k : k + 1], config) for k in range(3)]
    assert torch.allclose(terms_of(logits, target, config), torch.stack(alone).mean(dim=0), rtol=1e-5)


def test_a_network_that_votes_is_judged_by_its_votes_too():
    logits, target = random_case(5, B=1)
    votes = torch.randn(1, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    output = torch.cat([logits, votes], dim=1)
    without = terms_of(logits, target, TrainConfig(lam_votes=0.5))
    together = terms_of(output, target, TrainConfig(lam_votes=0.5))
    assert without[6] == 0
    assert together[6].item() == pytest.approx(0.5 * vote_loss(votes, target, KEYPOINTS, 1).item(), rel=1e-5)
    assert together[0].item() == pytest.approx((without[0] + together[6]).item(), rel=1e-5)
    assert terms_of(output, target, TrainConfig(lam_votes=0))[6] == 0
