"""The trackers: TensorBoard, MLflow, Weights & Biases, each as a thin sink for scalars, settings and pictures.

Nothing leaves the machine unless the user configures it: TensorBoard and W&B (offline) write into the run directory,
MLflow into `mlruns` beside it; MLFLOW_TRACKING_URI and WANDB_MODE=online name a server.
"""

import uuid
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from glint_unet.extras import optional_package
from glint_unet.runs.status import FAILED, FINISHED

_PROJECT = "glint-unet"
_MOST_PARAMS = 100  # of one request to MLflow
_LONGEST_PARAM = 500


class Sink(ABC):
    """A tracker; its methods may block and raise anything, as its server does.

    Args:
        run: the run directory.
        settings: training_args.json.
        memory: what the tracker needs to continue its own run later: plain values, kept in tracking.json.
    """

    def __init__(self, run: Path, settings: dict[str, Any], memory: dict[str, Any]) -> None:
        self.run = run
        self.settings = settings
        self.memory = memory

    @abstractmethod
    def send_epoch(self, epoch: int, scalars: dict[str, float]) -> None:
        """Sends the scalars of an epoch."""

    @abstractmethod
    def send_picture(self, path: Path, epoch: int) -> None:
        """Sends a PNG."""

    @abstractmethod
    def end(self, state: str) -> None:
        """Flushes and closes.

        Args:
            state: finished, interrupted, failed or running, as in status.json.
        """


class TensorBoardSink(Sink):
    """Event files in `tensorboard/` of the run directory; epochs are steps."""

    def __init__(self, run: Path, settings: dict[str, Any], memory: dict[str, Any]) -> None:
        super().__init__(run, settings, memory)
        writer = optional_package("torch.utils.tensorboard").SummaryWriter
        next_epoch = int(memory.get("epoch", 0)) + 1
        self._writer = writer(str(run / "tensorboard"), purge_step=next_epoch if next_epoch > 1 else None)
        if next_epoch == 1:
            rows = [f"| {name} | {value} |" for name, value in settings.items()]
            table = "\n".join(["| setting | value |", "|---|---|", *rows])
            self._writer.add_text(tag="settings", text_string=table, global_step=0)

    def send_epoch(self, epoch: int, scalars: dict[str, float]) -> None:
        """See `Sink`."""
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, epoch)
        self._writer.flush()

    def send_picture(self, path: Path, epoch: int) -> None:
        """See `Sink`."""
        import numpy as np
        from PIL import Image

        with Image.open(path) as image:
            self._writer.add_image(path.stem, np.asarray(image.convert("RGB")), epoch, dataformats="HWC")

    def end(self, state: str) -> None:
        """See `Sink`."""
        self._writer.close()


class MlflowSink(Sink):
    """A run of the experiment `glint-unet` on the server of MLFLOW_TRACKING_URI, or in `mlruns` beside the run."""

    def __init__(self, run: Path, settings: dict[str, Any], memory: dict[str, Any]) -> None:
        super().__init__(run, settings, memory)
        self._mlflow = optional_package("mlflow")
        self._client = self._mlflow.MlflowClient()
        if "run_id" not in memory:
            memory["run_id"] = self._new_run()
        self._run_id: str = memory["run_id"]
        self._client.update_run(self._run_id, status="RUNNING")

    def _new_run(self) -> str:
        known = self._client.get_experiment_by_name(_PROJECT)
        experiment = known.experiment_id if known else self._client.create_experiment(_PROJECT)
        run_id: str = self._client.create_run(experiment, run_name=self.run.name).info.run_id
        kind = self._mlflow.entities.Param
        params = [kind(name, str(value)[:_LONGEST_PARAM]) for name, value in self.settings.items()]
        for first in range(0, len(params), _MOST_PARAMS):
            self._client.log_batch(run_id, params=params[first : first + _MOST_PARAMS])
        return run_id

    def send_epoch(self, epoch: int, scalars: dict[str, float]) -> None:
        """See `Sink`."""
        kind = self._mlflow.entities.Metric
        self._client.log_batch(self._run_id, [kind(name, value, 0, epoch) for name, value in scalars.items()])

    def send_picture(self, path: Path, epoch: int) -> None:
        """See `Sink`."""
        self._client.log_artifact(self._run_id, str(path))

    def end(self, state: str) -> None:
        """See `Sink`."""
        status = {FINISHED: "FINISHED", FAILED: "FAILED"}.get(state, "KILLED")
        self._client.set_terminated(self._run_id, status)


class WandbSink(Sink):
    """A run of the project `glint-unet`: offline in `wandb/` of the run directory, unless WANDB_MODE says otherwise."""

    def __init__(self, run: Path, settings: dict[str, Any], memory: dict[str, Any]) -> None:
        super().__init__(run, settings, memory)
        self._wandb = optional_package("wandb")
        memory.setdefault("id", uuid.uuid4().hex[:12])
        unwanted = ("silent", "disable_git", "x_disable_meta", "x_disable_stats")
        quiet = self._wandb.Settings(console="off", **dict.fromkeys(unwanted, True))
        self._run = self._wandb.init(
            project=_PROJECT,
            name=run.name,
            id=memory["id"],
            resume="allow",
            dir=str(run),
            config=settings,
            settings=quiet,
        )

    def send_epoch(self, epoch: int, scalars: dict[str, float]) -> None:
        """See `Sink`."""
        self._run.log(scalars, step=epoch)

    def send_picture(self, path: Path, epoch: int) -> None:
        """See `Sink`."""
        self._run.log({path.stem: self._wandb.Image(str(path))}, step=epoch)

    def end(self, state: str) -> None:
        """See `Sink`."""
        self._run.finish(exit_code=0 if state == FINISHED else 1)


SINKS: dict[str, type[Sink]] = {"tensorboard": TensorBoardSink, "mlflow": MlflowSink, "wandb": WandbSink}
