"""Weights of the original implementation's U-Net under our names.

Its state dict has the layers of `UNet` with stride 4 under other names (enc1 .. dec2, up3, out_conv). The map: both
list their tensors in the order in which an image passes them, so the n-th is the n-th, and every shape must agree.
Where its convolutions have biases before batch normalisation, which ours have not, the bias is taken off the running
mean: BN(Wx + b) with mean m is BN(Wx) with mean m - b, exactly.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def renamed_weights(old: Mapping[str, Any], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The old weights under our names.

    Args:
        old: the old state dict, in its order.
        own: the state dict of a `UNet` of the same width.

    Raises:
        ValueError: a tensor is missing, left over, or of another shape.
    """
    theirs = [(name, tensor) for name, tensor in old.items() if isinstance(tensor, Tensor)]
    renamed: dict[str, Tensor] = {}
    bias: Tensor | None = None
    for name, tensor in own.items():
        if name.endswith("num_batches_tracked") and not (theirs and theirs[0][0].endswith("num_batches_tracked")):
            renamed[name] = torch.zeros_like(tensor)
            continue
        if not theirs:
            raise ValueError(f"nothing left for {name}")
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
        raise ValueError(f"no place for {theirs[0][0]}")
    return renamed
