"""Tables on the console, with Chinese characters two cells wide, and the same as CSV."""

import csv
import io
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any


def aligned(table: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a table: first column left-aligned, others right-aligned; Chinese characters are two cells wide."""
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    lines = []
    for row in table:
        spaces = [" " * (width - _width(cell)) for width, cell in zip(widths, row, strict=True)]
        cells = [space + cell for space, cell in zip(spaces[1:], row[1:], strict=True)]
        lines.append("  ".join([row[0] + spaces[0], *cells]))
    return lines


def _width(cell: str) -> int:
    """Width in terminal columns."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in cell)


def as_csv(records: Sequence[Mapping[str, Any]]) -> str:
    """Records with the same keys as CSV with a header; None becomes an empty cell."""
    out = io.StringIO()
    if records:
        table = csv.DictWriter(out, list(records[0]), lineterminator="\n")
        table.writeheader()
        table.writerows(records)
    return out.getvalue()
