"""The training loss, base + div_weight * div + lam_agg * agg + lam_votes * votes, and its terms.

Legend: B batch, C glint channels, h w heatmap. `logits` and `target` are (B, C, h, w) float, `target` in [0, 1]. Every
loss is a mean over the images of the batch (`vote_loss`: over its pixels), so epoch means weight it by batch size.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.model.votes import split_output, vote_loss

_EPS = 1e-6


def bce_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Binary cross-entropy with soft targets: a scalar, the mean over all pixels."""
    return F.binary_cross_entropy_with_logits(logits, target)


def focal_loss(logits: Tensor, target: Tensor, alpha: float = 1.0, gamma: float = 2.0) -> Tensor:
    """Focal loss (Lin et al., "Focal loss for dense object detection", ICCV 2017, eq. 5), extended to soft targets.

    `alpha * (1 - p_t)^gamma * BCE` with p = sigmoid(logit) and p_t = p * t + (1 - p) * (1 - t) for target t: a scalar,
    the mean over all pixels.
    """
    p = logits.sigmoid()
    p_t = p * target + (1 - p) * (1 - target)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (alpha * (1 - p_t).clamp_min(_EPS).pow(gamma) * bce).mean()


def quality_focal_loss(logits: Tensor, target: Tensor, alpha: float = 1.0, gamma: float = 2.0) -> Tensor:
    """Quality focal loss (Li et al., "Generalized focal loss", NeurIPS 2020, eq. 4): `alpha * |t - p|^gamma * BCE`.

    Its minimum for a target of 0.7 is at p = 0.7, whereas that of `focal_loss` is at 0.88; such intermediate values
    encode the sub-pixel position.

    Returns:
        A scalar: the sum over the pixels of a heatmap, mean over images and channels. A glint covers a few pixels of a
        large heatmap, so with a mean over all pixels training would start slowly (docs/experiments.md).
    """
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    per_pixel = alpha * (target - logits.sigmoid()).abs().clamp_min(_EPS).pow(gamma) * bce
    return per_pixel.sum(dim=(-2, -1)).mean()


def dice_loss(logits: Tensor, target: Tensor) -> Tensor:
    """Soft Dice loss (Milletari et al., "V-Net", 3DV 2016): `1 - (2 sum(p t) + 1) / (sum(p) + sum(t) + 1)`.

    A scalar, the mean over images and channels. Thanks to the smoothing term of 1, an empty prediction for an absent
    glint has zero loss.
    """
    p = logits.sigmoid()
    overlap = (p * target).sum(dim=(-2, -1))
    total = p.sum(dim=(-2, -1)) + target.sum(dim=(-2, -1))
    return (1 - (2 * overlap + 1) / (total + 1)).mean()


def divergence_loss(heatmaps: Tensor, mode: str = "cosine") -> Tensor:
    """The similarity of the channels of an image, as a penalty; 0 for a single channel.

    Args:
        heatmaps: (B, C, h, w) float in [0, 1].
        mode: similarity of channels p and q: 'overlap', the mean of p * q over pixels; 'cosine', their cosine
            similarity; 'kl', exp(-J / 2) with the Jeffreys divergence J = KL(p||q) + KL(q||p) of the heatmaps
            normalised to sum 1.

    Returns:
        A scalar in [0, 1], the mean over images and pairs of channels: 1 if all channels are equal ('overlap': if all
        are 1 everywhere).
    """
    B, C, h, w = heatmaps.shape
    if C < 2:
        return heatmaps.new_zeros(())
    flat = heatmaps.reshape(B, C, h * w)
    if mode == "overlap":
        alike = flat @ flat.mT / (h * w)
    elif mode == "cosine":
        unit = F.normalize(flat, dim=-1, eps=_EPS)
        alike = unit @ unit.mT
    else:
        density = (flat + _EPS) / (flat + _EPS).sum(dim=-1, keepdim=True)
        cross = density @ density.log().mT  # (B, C, C): sum of p log q
        own = cross.diagonal(dim1=-2, dim2=-1)
        jeffreys = own[:, :, None] + own[:, None, :] - cross - cross.mT
        alike = torch.exp(-jeffreys / 2)
    i, j = torch.triu_indices(C, C, offset=1, device=flat.device)
    return alike[:, i, j].mean()


def merge_channels(logits: Tensor, target: Tensor, mode: str = "max") -> tuple[Tensor, Tensor]:
    """Merges all channels into one class-agnostic map.

    Args:
        logits: (B, C, h, w) float.
        target: (B, C, h, w) float in [0, 1].
        mode: 'max': the maximum over channels; 'sum': the sum of probabilities, clipped to 1.

    Returns:
        The merged logits and the merged target, both (B, 1, h, w).
    """
    if mode == "max":
        return logits.amax(dim=1, keepdim=True), target.amax(dim=1, keepdim=True)
    probability = logits.sigmoid().sum(dim=1, keepdim=True).clamp(_EPS, 1 - _EPS)
    return probability.logit(), target.sum(dim=1, keepdim=True).clamp(max=1)


class BaseLoss(NamedTuple):
    """A choice of `--loss`.

    Attributes:
        term: the name in `TERMS` under which it is logged.
        value: computes the scalar loss from logits and target, both (B, C, h, w), and the settings.
    """

    term: str
    value: Callable[[Tensor, Tensor, TrainConfig], Tensor]


BASE_LOSSES = {
    "focal": BaseLoss("focal", lambda logits, target, config: focal_loss(logits, target, config.alpha, config.gamma)),
    "quality_focal": BaseLoss(
        "focal", lambda logits, target, config: quality_focal_loss(logits, target, config.alpha, config.gamma)
    ),
    "bce": BaseLoss("bce", lambda logits, target, config: bce_loss(logits, target)),
    "dice": BaseLoss("dice", lambda logits, target, config: dice_loss(logits, target)),
}
"""Every choice of `--loss` except hybrid, the weighted sum of focal, bce and dice. A new loss is one line here."""

_STORED_TERMS = ("total", "focal", "bce", "dice", "div", "agg", "votes")  # in the order of logs and old checkpoints
TERMS = tuple(dict.fromkeys([*_STORED_TERMS, *(loss.term for loss in BASE_LOSSES.values())]))
"""Names of the terms; those of new losses come last, so that the sums in checkpoints keep their order."""


def loss_terms(output: Tensor, target: Tensor, keypoints: Tensor, config: TrainConfig, info: DatasetInfo) -> Tensor:
    """Computes all terms of the loss, multiplied by their weights.

    Args:
        output: (B, C or C + 3, h, w) network output: logits, and votes if the network votes.
        target: (B, C, h, w) heatmaps in [0, 1]; (B, 1, h, w) if the network is class-free.
        keypoints: (B, C, 2), (x, y) in image pixels; NaN where absent.
        config: choice and weights of the terms.
        info: what the data set declares.

    Returns:
        (T,) float in the order of `TERMS`; the first is the sum of the others. Disabled terms are 0.
    """
    logits, votes = split_output(output, target.shape[1])
    values = dict.fromkeys(TERMS[1:], logits.new_zeros(()))
    for name, weight in _base_weights(config, info).items():
        if weight:
            values[BASE_LOSSES[name].term] = weight * BASE_LOSSES[name].value(logits, target, config)
    if config.div_weight:
        values["div"] = config.div_weight * divergence_loss(logits.sigmoid(), config.div_mode)
    if config.lam_agg:
        values["agg"] = config.lam_agg * _aggregate_loss(logits, target, config)
    if votes is not None and config.lam_votes:
        values["votes"] = config.lam_votes * vote_loss(votes, target, keypoints, info.stride)
    terms = torch.stack([values[name] for name in TERMS[1:]])
    return torch.cat([terms.sum()[None], terms])


def _base_weights(config: TrainConfig, info: DatasetInfo) -> dict[str, float]:
    """Weights of the base losses by name; a class-free heatmap, which holds the glints of all LEDs, weighs as one."""
    share = 1.0 / info.num_classes if config.class_free else 1.0
    if config.loss == "hybrid":
        return {"focal": share * config.lam_focal, "bce": share * config.lam_bce, "dice": share * config.lam_dice}
    return {config.loss: share}


def _aggregate_loss(logits: Tensor, target: Tensor, config: TrainConfig) -> Tensor:
    """The class-agnostic term before weighting: the loss of all channels merged into one map."""
    merged, merged_target = merge_channels(logits, target, config.agg_mode)
    focal = "quality_focal" if config.loss == "quality_focal" else "focal"
    loss = logits.new_zeros(())
    for name, weight in {focal: config.agg_wF, "bce": config.agg_wB, "dice": config.agg_wD}.items():
        if weight:
            loss = loss + weight * BASE_LOSSES[name].value(merged, merged_target, config)
    return loss
