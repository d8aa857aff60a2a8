"""Conversion of arbitrary values to the plain Python values that checkpoints and JSON can store."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor


def plain(value: Any, other: Callable[[Any], Any]) -> Any:
    """Converts a value to None, bool, int, float, str, list, tuple and dict; NumPy values to their Python equivalents.

    Args:
        value: any value; containers are converted recursively, including dictionary keys.
        other: converts, or refuses, a value of any other type.
    """
    if isinstance(value, np.floating):
        value = float(value)
    elif isinstance(value, (np.generic, np.ndarray)):
        value = value.tolist()
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, Mapping):
        return {plain(name, str): plain(item, other) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [plain(item, other) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return other(value)


def for_json(value: Any, not_finite: Callable[[float], Any]) -> Any:
    """Converts a value for JSON: tensors become numbers or lists, other objects text.

    Args:
        value: any value.
        not_finite: converts NaN and infinity, which JSON lacks.
    """

    def finite(item: Any) -> Any:
        if isinstance(item, float):
            return item if math.isfinite(item) else not_finite(item)
        if isinstance(item, dict):
            return {name: finite(inner) for name, inner in item.items()}
        return [finite(inner) for inner in item] if isinstance(item, (list, tuple)) else item

    return finite(plain(value, lambda item: item.tolist() if isinstance(item, Tensor) else str(item)))
