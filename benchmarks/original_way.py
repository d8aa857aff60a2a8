"""A minimal version of the original implementation's training, the peer of benchmarks/speed.py.

All of the file as float32 arrays, one item at a time, default collate, worker processes, `.to(device)`, one loss per
pair of channels in a loop, Adam, `.item()` at every step.
"""

from pathlib import Path

import h5py
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

ALPHA, GAMMA, DIV_WEIGHT, AGG_WEIGHT = 1.0, 2.0, 0.05, 0.2


class OriginalDataset(Dataset[tuple[Tensor, Tensor]]):
    def __init__(self, path: Path) -> None:
        with h5py.File(path) as file:
            self.images = file["images"][:].astype(np.float32) / 255
            self.heatmaps = file["heatmaps"][:].astype(np.float32)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, k: int) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(self.images[k][None]), torch.from_numpy(self.heatmaps[k])


OriginalLoader = DataLoader[tuple[Tensor, Tensor]]


def original_loader(dataset: OriginalDataset, num_workers: int, batch: int, pinned: bool = False) -> OriginalLoader:
    return DataLoader(dataset, batch, shuffle=True, num_workers=num_workers, pin_memory=pinned)


def original_loss(logits: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(logits)
    pairs, C = logits.new_zeros(()), logits.shape[1]
    for i in range(C):
        for j in range(i + 1, C):
            pairs = pairs + F.cosine_similarity(p[:, i].flatten(1), p[:, j].flatten(1), dim=1).mean()
    merged, merged_target = logits.max(dim=1, keepdim=True)[0], target.max(dim=1, keepdim=True)[0]
    return _focal(logits, target) + DIV_WEIGHT * pairs / (C * (C - 1) / 2) + AGG_WEIGHT * _focal(merged, merged_target)


def _focal(logits: Tensor, target: Tensor) -> Tensor:
    p = torch.sigmoid(logits)
    bce = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (ALPHA * (1 - (p * target + (1 - p) * (1 - target))) ** GAMMA * bce).mean()


def original_epoch(
    network: nn.Module, optimizer: torch.optim.Optimizer, loader: OriginalLoader, device: torch.device
) -> float:
    network.train()
    total = 0.0
    for images, heatmaps in loader:
        images, heatmaps = images.to(device), heatmaps.to(device)
        optimizer.zero_grad()
        loss = original_loss(network(images), heatmaps)
        torch.autograd.backward(loss)
        optimizer.step()
        total += loss.item()
    return total / len(loader)
