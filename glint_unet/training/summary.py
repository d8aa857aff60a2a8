"""The end of a run: its best figures, and the commands that come next."""

from pathlib import Path
from typing import Any

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.stream import is_stream
from glint_unet.messages import text
from glint_unet.own_command import own_command
from glint_unet.runs.run_directory import RunDirectory


def summary(run: RunDirectory, config: TrainConfig, best_epoch: int, history: list[dict[str, Any]]) -> list[str]:
    """The log lines at the end of a run.

    Args:
        run: the run directory.
        config: all settings.
        best_epoch: number of the best epoch.
        history: the rows of metrics.json.
    """
    lines = []
    val: dict[str, Any] = next((row["val"] for row in history if row["epoch"] == best_epoch), {})
    if val.get("f1") is not None:
        figures = {name: _number(val.get(name)) for name in ("f1", "precision", "recall", "px_median")}
        lines.append(text("summary_best", epoch=best_epoch, **figures))
    path = str(run.path)
    if not is_stream(config.h5):
        evaluate = own_command(["evaluate", "--run", path, "--h5", str(Path(config.h5))])
        lines.append(text("next_evaluate", command=evaluate))
    predict = own_command(["predict", "--run", path, "--input", "IMAGES", "--out", "glints.csv"])
    lines.append(text("next_predict", command=predict))
    lines.append(text("next_compare", command=own_command(["runs", str(run.path.parent)])))
    return lines


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
