"""Writes the glints of a sequence of frames as a table (CSV, JSON or Parquet): one row per frame and LED.

Columns: source, frame (from 0), time_s, led (g1, g2, ...), x, y (pixels of the frame), score, sigma (pixels), present
(0 or 1). An absent glint has no x, y and sigma; its score stays, to choose another threshold by. Rows are written
continuously; the file gets its final name when it is closed, even if the input ended early. After an error there is no
file.
"""

import contextlib
import csv
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from glint_unet.data.media import Frame
from glint_unet.errors import SettingError
from glint_unet.extras import optional_package
from glint_unet.files import whole_file, writing
from glint_unet.inference.predictor import Glints

COLUMNS = ("source", "frame", "time_s", "led", "x", "y", "score", "sigma", "present")

_ROWS_AT_ONCE = 8192


class ResultFile:
    """A context manager that writes the table.

    Args:
        path: the file; its suffix is .csv, .json or .parquet.
        labels: the names of the LEDs.

    Raises:
        SettingError: the suffix is none of these.
        MissingPackageError: pyarrow is not installed and the format is Parquet.
    """

    def __init__(self, path: Path, labels: list[str]) -> None:
        kinds: dict[str, type[_Csv | _Json | _Parquet]] = {".csv": _Csv, ".json": _Json, ".parquet": _Parquet}
        if path.suffix.lower() not in kinds:
            raise SettingError("out_ending", flag="out", path=path, known=" ".join(kinds))
        self.path = path
        self.num_frames = 0
        self._labels = labels
        self._kind = kinds[path.suffix.lower()]
        self._context = contextlib.ExitStack()
        self._rows: list[tuple[Any, ...]] = []

    def __enter__(self) -> Self:
        temporary = self._context.enter_context(whole_file(self.path))
        with writing(self.path):
            self._table = self._kind(Path(temporary))
        return self

    def add(self, frame: Frame, glints: Glints, k: int) -> None:
        """Adds the rows of a frame, whose glints are entry `k` of the batch `glints`."""
        source = frame.source.encode(errors="backslashreplace").decode()  # file names need not be UTF-8
        for channel, label in enumerate(self._labels):
            is_there = bool(glints.present[k, channel])
            place = tuple(round(float(v), 4) for v in glints.points[k, channel]) if is_there else (None, None)
            score = round(float(glints.scores[k, channel]), 5)
            sigma = round(float(glints.sigmas[k, channel]), 4) if is_there else None
            time_s = None if frame.time_s is None else round(frame.time_s, 6)
            self._rows.append((source, frame.number, time_s, label, *place, score, sigma, int(is_there)))
        self.num_frames += 1
        if len(self._rows) >= _ROWS_AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        with writing(self.path):
            self._table.write(self._rows)
        self._rows = []

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(_Discarded), self._context:
            if error is not None:  # raised while adding frames: discard the table, and let the error propagate
                with contextlib.suppress(OSError):
                    self._table.close()
                raise _Discarded
            try:
                self._flush()
            finally:
                self._table.close()


class _Discarded(Exception):  # noqa: N818 - not an error
    """Makes `whole_file` discard the file."""


class _Csv:
    def __init__(self, path: Path) -> None:
        self._file = path.open("w", newline="", encoding="utf-8")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(COLUMNS)

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        self._writer.writerows(rows)

    def close(self) -> None:
        self._file.close()


class _Json:
    """A list of objects, one per line."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")
        self._file.write("[")
        self._is_first = True

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        for row in rows:
            self._file.write("\n" if self._is_first else ",\n")
            self._file.write(json.dumps(dict(zip(COLUMNS, row, strict=True)), ensure_ascii=False))
            self._is_first = False

    def close(self) -> None:
        with self._file:
            self._file.write("\n]\n")


class _Parquet:
    def __init__(self, path: Path) -> None:
        pyarrow, parquet = optional_package("pyarrow"), optional_package("pyarrow.parquet")
        kinds = ("string", "int64", "float64", "string", "float64", "float64", "float64", "float64", "int8")
        fields = [(name, getattr(pyarrow, kind)()) for name, kind in zip(COLUMNS, kinds, strict=True)]
        self._arrow = pyarrow
        self._schema = pyarrow.schema(fields)
        self._writer = parquet.ParquetWriter(str(path), self._schema)

    def write(self, rows: list[tuple[Any, ...]]) -> None:
        columns = list(zip(*rows, strict=True)) or [()] * len(COLUMNS)
        arrays = [self._arrow.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
        self._writer.write_table(self._arrow.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._writer.close()
