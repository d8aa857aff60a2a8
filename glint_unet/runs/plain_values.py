"""Values of callers as the plain Python values that checkpoints and JSON hold."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor


def plain(value: Any, other: Callable[[Any], Any]) -> Any:
    """A value of None, bool, int, float, str, list, tuple and dict alone; NumPy's become the ones they stand for.

    Args:
        value: any value; containers are converted at any depth, keys of dictionaries as well.
        other: converts what none of these types can hold, or raises.
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
    """A value as JSON holds it: tensors are numbers and lists, other objects text.

    Args:
        value: any value.
        not_finite: converts NaN and infinity, which are not JSON.
    """

    def finite(item: Any) -> Any:
        if isinstance(item, float):
            return item if math.isfinite(item) else not_finite(item)
        if isinstance(item, dict):
            return {name: finite(inner) for name, inner in item.items()}
        return [finite(inner) for inner in item] if isinstance(item, (list, tuple)) else item

    return finite(plain(value, lambda item: item.tolist() if isinstance(item, Tensor) else str(item)))
