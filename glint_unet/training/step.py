"""One training step, and one pass over the validation images."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from glint_unet.config import TrainConfig
from glint_unet.data.batches import Batch
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.heatmaps import decode_heatmaps
from glint_unet.model.losses import loss_terms
from glint_unet.training.metrics import KeypointMetrics
from glint_unet.training.state import EpochProgress


def train_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, batch: Batch, config: TrainConfig, info: DatasetInfo
) -> Tensor:
    """Forward, loss, backward, Adam: returns the loss terms (6,), still on the device."""
    terms = loss_terms(network(batch.network_input()), batch.targets(info), config)
    optimizer.zero_grad(set_to_none=True)
    terms[0].backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return terms.detach()


@torch.no_grad()
def validate(
    network: nn.Module, batches: Iterable[Batch], device: torch.device, config: TrainConfig, info: DatasetInfo
) -> tuple[dict[str, float | None], list[list[int]]]:
    """The mean of every loss term with the keypoint metrics over the batches, and the LEDs' confusion matrix."""
    network.eval()
    sums, keypoints = EpochProgress(), KeypointMetrics()
    for batch in batches:
        batch = batch.to(device)
        logits = network(batch.network_input())
        sums.add(loss_terms(logits, batch.targets(info), config), len(batch.images))
        keypoints.add(*decode_heatmaps(logits.sigmoid(), info.stride), batch.true_keypoints(info))
    return {**sums.means(), **keypoints.summary()}, keypoints.confusion()
