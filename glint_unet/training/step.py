"""A training step, and a pass over the validation images."""

import functools
from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from glint_unet.compute.device import autocast
from glint_unet.compute.group import Group
from glint_unet.config import TrainConfig
from glint_unet.data.augment import Draws, augment
from glint_unet.data.batch import Batch
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.heatmaps import highest_pixels, render_heatmaps, target_sigma_heatmap_px
from glint_unet.model.constellation import Constellation
from glint_unet.model.losses import TERMS, loss_terms
from glint_unet.model.metrics import KeypointMetrics
from glint_unet.model.network import num_heatmaps
from glint_unet.model.peaks import decode_peaks, num_peaks
from glint_unet.model.unnamed import in_order_of_truth, name_peaks
from glint_unet.model.votes import decode_output
from glint_unet.runs.progress import EpochProgress
from glint_unet.training.state import TrainState


def train_step(
    state: TrainState,
    batch: Batch,
    draws: Draws | None,
    config: TrainConfig,
    info: DatasetInfo,
    weight: float = 1.0,
) -> Tensor:
    """Augment, forward, loss, backward, AdamW, average.

    The batch is computed in up to `config.accumulate` parts whose gradients are accumulated; the loss of each part is
    weighted by its share of the images, and all of them by `weight`.

    Args:
        state: the state of the run; advanced by one step.
        batch: the batch (or this process's shard of it), on the compute device.
        draws: random numbers of the augmentation, on the same device; None: no augmentation.
        config: all settings.
        info: what the data set declares.
        weight: weight of a shard in the mean over the process group (`Group.shard`).

    Returns:
        (T,) float32, the weighted loss terms (`TERMS`), still on the device.
    """
    num, device = len(batch.images), batch.images.device
    terms_of = _terms_function(state, config, device)
    state.optimizer.zero_grad(set_to_none=True)
    whole = torch.zeros(len(TERMS), device=device)
    for rows in _parts(num, config.accumulate):
        part_draws = None if draws is None else draws.part(rows)
        terms = terms_of(state.forward, batch.part(rows), part_draws, config, info)
        terms = terms * (weight * (rows.stop - rows.start) / num)
        state.scaler.scale(terms[0]).backward()
        whole += terms.detach()
    if config.clip_norm:
        state.scaler.unscale_(state.optimizer)
        nn.utils.clip_grad_norm_(state.network.parameters(), config.clip_norm)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    state.count_step(config.ema_decay)
    return whole


def batch_terms(
    forward: Callable[[Tensor], Tensor], batch: Batch, draws: Draws | None, config: TrainConfig, info: DatasetInfo
) -> Tensor:
    """The loss terms (T,) float32 of a stored batch; `--compile` compiles this function as one graph."""
    images, targets, keypoints = prepare(batch, draws, config, info)
    with autocast(config.amp, images.device):
        output = forward(images)
    return loss_terms(output.float(), targets, keypoints, config, info)


def _terms_function(state: TrainState, config: TrainConfig, device: torch.device) -> Callable[..., Tensor]:
    """`batch_terms`, compiled if `--compile` is set."""
    if not config.compile:
        return batch_terms
    # an accumulated gradient would be in memory that the next replay of a CUDA graph overwrites
    has_graphs = device.type == "cuda" and config.accumulate == 1 and state.forward is state.network
    return _compiled("reduce-overhead" if has_graphs else "default")


@functools.cache
def _compiled(mode: str) -> Callable[..., Tensor]:
    compiled: Callable[..., Tensor] = torch.compile(batch_terms, dynamic=False, mode=mode)
    return compiled


def _parts(num: int, most: int) -> list[slice]:
    """Slices that divide `num` images into at most `most` parts of nearly equal size."""
    size = -(-num // most)
    return [slice(start, min(start + size, num)) for start in range(0, num, size)]


def part_sizes(num_images: int, config: TrainConfig, group: Group) -> set[int]:
    """All part sizes that any process of the group computes in an epoch of `num_images` images."""
    batches = {min(config.batch_size, num_images), num_images % config.batch_size or config.batch_size}
    ranks = range(group.size)
    shares = {len(Group(rank, group.size).shard(np.arange(num))[0]) for num in batches for rank in ranks}
    return {part.stop - part.start for num in shares for part in _parts(num, config.accumulate)}


@torch.no_grad()
def validate(
    network: nn.Module,
    batches: Iterable[Batch],
    device: torch.device,
    config: TrainConfig,
    info: DatasetInfo,
    constellation: Constellation | None = None,
) -> tuple[dict[str, float | None], list[list[int]]]:
    """Evaluates a network on batches of the data set.

    Returns:
        The means of the loss terms and the keypoint metrics by name, and the confusion matrix of the LEDs; metrics and
        matrix are those at the threshold that is best on these images. With a constellation they are those of the LEDs
        decoded together, and `f1_alone` and `threshold_alone` are those of each LED decoded alone. Those of a
        class-free network without a constellation are regardless of the LED.
    """
    network.eval()
    sums, metrics, alone = EpochProgress(), KeypointMetrics(info.image_size), KeypointMetrics(info.image_size)
    for batch in batches:
        batch = batch.to(device)
        images, targets, keypoints = prepare(batch, None, config, info)
        output = network(images)
        sums.add(loss_terms(output, targets, keypoints, config, info), len(batch.images))
        metrics.add(*decode_for_metrics(output, keypoints, config, info, constellation), keypoints)
        if constellation:
            alone.add(*decode_for_metrics(output, keypoints, config, info), keypoints)
    threshold = metrics.best_threshold()
    figures = {**sums.means(), **metrics.summary(threshold)}
    if constellation:
        threshold_alone = alone.best_threshold()
        figures |= {"f1_alone": alone.summary(threshold_alone)["f1"], "threshold_alone": threshold_alone}
    return figures, metrics.confusion(threshold)


def decode_for_metrics(
    output: Tensor,
    keypoints: Tensor,
    config: TrainConfig,
    info: DatasetInfo,
    constellation: Constellation | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Like `decode`; unnamed glints are in the order of the LEDs that they are nearest to."""
    decoded = decode(output, config, info, constellation)
    if config.class_free and not constellation:
        points, scores, sigmas = in_order_of_truth(keypoints.cpu().numpy(), *(part.numpy() for part in decoded))
        return torch.from_numpy(points), torch.from_numpy(scores), torch.from_numpy(sigmas)
    return decoded


def prepare(batch: Batch, draws: Draws | None, config: TrainConfig, info: DatasetInfo) -> tuple[Tensor, Tensor, Tensor]:
    """Converts a stored batch to network inputs and targets.

    Returns:
        images (B, 1, H, W) in [0, 1], heatmaps (B, C, h, w) in [0, 1], or their maximum (B, 1, h, w) if the network is
        class-free, keypoints (B, C, 2) in image pixels.
    """
    images, keypoints = batch.network_input(), batch.true_keypoints(info)
    if draws is not None:
        images, keypoints = augment(images, keypoints, draws, config)
    if config.targets == "file":
        targets = batch.stored_heatmaps()
    else:
        targets = render_heatmaps(keypoints, info.heatmap_size, info.stride, _sigma(config, info))
    return images, targets.amax(dim=1, keepdim=True) if config.class_free else targets, keypoints


def decode(
    output: Tensor, config: TrainConfig, info: DatasetInfo, constellation: Constellation | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Decodes the network output (B, C or C + 3, h, w): all LEDs together, or each with the decoder of the settings.

    Returns:
        points (B, C, 2), (x, y) in image pixels; scores (B, C); standard deviations (B, C) in image pixels. Without a
        constellation, those of a class-free network are of its highest peaks, whichever LED each of them is.
    """
    C, stride = info.num_classes, info.stride
    if constellation or config.class_free:
        peaks = decode_peaks(output, num_heatmaps(config, C), stride, _sigma(config, info), num_peaks(C))
        at, heights, deviations = (part.cpu().numpy() for part in peaks)
        points, scores, sigmas = map(torch.from_numpy, name_peaks(at, heights, deviations, C, constellation))
        return points, scores, sigmas
    points, scores, sigmas = decode_output(output, C, stride, _sigma(config, info))
    return (highest_pixels(output[:, :C], stride) if config.decoding == "argmax" else points), scores, sigmas


def _sigma(config: TrainConfig, info: DatasetInfo) -> float:
    return target_sigma_heatmap_px(config, info.stride, info.sigma_heatmap_px)
