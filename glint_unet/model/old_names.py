"""Converts weights of the original implementation's U-Net to the parameter names of `UNet`.

Its state dict contains the layers of `UNet` with stride 4 under different names. Both list their tensors in forward
order, so the n-th corresponds to the n-th, and all shapes must match. If its convolutions have biases before batch
normalisation, which `UNet` lacks, the bias is subtracted from the running mean: BN(Wx + b) with mean m equals BN(Wx)
with mean m - b exactly.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def renamed_weights(old: Mapping[str, Any], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Renames the weights of an original state dict.

    Args:
        old: the original state dict, in its original order.
        own: the state dict of a `UNet` of the same width.

    Returns:
        A state dict for `UNet`.

    Raises:
        ValueError: a tensor is missing or superfluous, or its shape differs.
    """
    theirs = [(name, tensor) for name, tensor in old.items() if isinstance(tensor, Tensor)]
    renamed: dict[str, Tensor] = {}
    bias: Tensor | None = None
    for name, tensor in own.items():
        if name.endswith("num_batches_tracked") and not (theirs and theirs[0][0].endswith("num_batches_tracked")):
            renamed[name] = torch.zeros_like(tensor)
            continue
        if not theirs:
            raise ValueError(f"no tensor for {name}")
        their_name, value = theirs.pop(0)
        if value.shape != tensor.shape:
            raise ValueError(f"{their_name} is {tuple(value.shape)}, {name} is {tuple(tensor.shape)}")
        if name.endswith("running_mean") and bias is not None:
            value, bias = value - bias, None
        renamed[name] = value.to(tensor.dtype)
        is_bare = name.endswith("weight") and value.ndim == 4 and name.removesuffix("weight") + "bias" not in own
        if is_bare and theirs and theirs[0][0] == their_name.removesuffix("weight") + "bias":
            bias = theirs.pop(0)[1]
    if theirs:
        raise ValueError(f"unexpected tensor {theirs[0][0]}")
    return renamed
