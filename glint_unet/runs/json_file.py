"""Reads JSON files of runs that may be missing, damaged or made by anyone: nothing raises, nothing blocks."""

import json
import math
from pathlib import Path
from typing import Any

_MOST_BYTES = 2**28


def read_json(path: Path) -> Any:
    """The content of a JSON file; None if it is missing, unreadable, too large or not JSON."""
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:  # a pipe would block, a directory cannot be read
            return None
        return json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None


def as_dict(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_dicts(value: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list; empty if the value is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def as_number(value: Any) -> float | None:
    """The value as a finite float; None if it is not one."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_count(value: Any) -> int:
    """The value as an integer of at least 0; 0 if it is not one."""
    number = as_number(value)
    return max(0, int(number)) if number is not None else 0


def as_text(value: Any) -> str:
    """The value if it is text, without line breaks and control characters, else an empty text."""
    return "".join(c for c in value if c.isprintable()) if isinstance(value, str) else ""
