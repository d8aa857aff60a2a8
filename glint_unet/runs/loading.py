"""Loads the weights and optimizer state of a checkpoint into a network and an optimizer: all or nothing."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glint_unet.errors import CheckpointError
from glint_unet.runs.checkpoint import Checkpoint


def load_into(checkpoint: Checkpoint, network: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Loads the weights and, if there is one, the optimizer state; on an error both are unchanged.

    Raises:
        CheckpointError: a different architecture, or an optimizer state that does not match the parameters.
    """
    check_fits(checkpoint.weights, network, checkpoint.path)
    if optimizer is not None and checkpoint.optimizer is not None:
        before = optimizer.state_dict()
        try:
            optimizer.load_state_dict(checkpoint.optimizer)
            _lay_out_state(optimizer)
        except Exception as error:  # a malicious state can raise nearly anything
            optimizer.load_state_dict(before)
            raise CheckpointError("checkpoint_other_optimizer", path=checkpoint.path, reason=error) from error
    network.load_state_dict(checkpoint.weights)


def check_fits(state: Mapping[str, Any], network: nn.Module, path: Path | None) -> None:
    """Checks that a state dict has exactly the names, shapes and dtypes of the network, before any weight is changed.

    Raises:
        CheckpointError: they differ; the message names the first difference.
    """
    own = network.state_dict()
    missing, extra = own.keys() - state.keys(), state.keys() - own.keys()
    if missing or extra:
        example = min(missing or extra)
        num = (len(missing), len(extra))
        raise CheckpointError("checkpoint_other_network", path=path, missing=num[0], extra=num[1], example=example)
    for name, tensor in own.items():
        theirs = state[name]
        if not isinstance(theirs, Tensor) or theirs.shape != tensor.shape or theirs.dtype != tensor.dtype:
            shape = tuple(theirs.shape) if isinstance(theirs, Tensor) else type(theirs).__name__
            raise CheckpointError(
                "checkpoint_other_shape", path=path, name=name, shape=shape, expected=tuple(tensor.shape)
            )


def _lay_out_state(optimizer: torch.optim.Optimizer) -> None:
    """Converts state tensors to their parameters' memory format: fused AdamW (torch 2.13) iterates in memory order.

    Raises:
        ValueError: a tensor does not have the shape that this optimizer uses.
    """
    shapes: dict[int, dict[str, torch.Size]] | None = None
    for k, parameter in enumerate(_parameters(optimizer)):
        state = optimizer.state.get(parameter, {})
        for name, value in state.items():
            if not isinstance(value, Tensor) or (name == "step" and value.numel() == 1):
                continue
            if value.shape == parameter.shape:
                state[name] = torch.empty_like(parameter, dtype=value.dtype, requires_grad=False).copy_(value)
                continue
            shapes = shapes or _shapes_after_a_step(optimizer)
            expected = shapes[k].get(name)
            if value.shape != expected:
                raise ValueError(f"{name} {tuple(value.shape)} != {expected and tuple(expected)}")


def _shapes_after_a_step(optimizer: torch.optim.Optimizer) -> dict[int, dict[str, torch.Size]]:
    """The shapes of an optimizer's state tensors per parameter, found by one step of a copy with zero gradients."""
    probe = copy.deepcopy(optimizer)
    probe.state.clear()
    for parameter in _parameters(probe):
        parameter.grad = torch.zeros_like(parameter)
    probe.step(lambda: 0.0)
    return {
        k: {name: value.shape for name, value in probe.state.get(parameter, {}).items() if isinstance(value, Tensor)}
        for k, parameter in enumerate(_parameters(probe))
    }


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
