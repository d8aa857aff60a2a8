"""What a sweep is to do, and its record in sweep.json, with which the same command continues it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glint_unet.config import TrainConfig
from glint_unet.errors import RunDirectoryError, SettingError, one_line
from glint_unet.experiments.sweep_space import Space, flags_of
from glint_unet.files import write_json

LOWER_IS_BETTER = ("px_error", "total")

MAY_CHANGE = frozenset({
    "h5", "threads", "num_workers", "device", "gpu", "lang", "progress", "config", "output_dir",
    "cache", "shared_memory", "preload", "verify_hash", "save_freq", "keep_last_n", "save_every_minutes",
    "tracker", "profile",
})  # fmt: skip
"""Settings that may differ when a sweep is continued: trials stay comparable. For the data set, its MD5 counts."""


@dataclass(frozen=True)
class Slot:
    """A place for one training process at a time.

    Attributes:
        gpu: number of its GPU; None: the device that `train` chooses.
        threads: CPU threads of each of its processes; 0: as many as `train` chooses.
    """

    gpu: str | None
    threads: int


@dataclass(frozen=True)
class SweepPlan:
    """Everything that a sweep is to do.

    Attributes:
        directory: the directory of the sweep.
        flags: flags of `train` for all trials, as the user gave them.
        more_flags: flags of `train` that the sweep adds: how the data is held and read.
        config: the settings that all these flags give.
        dataset_md5: MD5 of the data set.
        space: the settings to vary.
        num_trials: number of combinations to try.
        num_seeds: number of runs of each combination, which differ in their random seed.
        metric: the validation metric to optimise: f1, px_error or total.
        prune: whether to stop runs that fall behind the median of the others.
        retry_failed: whether to repeat trials that failed in an earlier call, as new trials.
        slots: how many runs at a time, and where.
    """

    directory: Path
    flags: tuple[str, ...]
    more_flags: tuple[str, ...]
    config: TrainConfig
    dataset_md5: str
    space: Space
    num_trials: int
    num_seeds: int
    metric: str
    prune: bool
    retry_failed: bool
    slots: tuple[Slot, ...]

    @property
    def record_file(self) -> Path:
        """The record of what the sweep does."""
        return self.directory / "sweep.json"

    @property
    def journal(self) -> Path:
        """The study, which optuna's own tools can open."""
        return self.directory / "study.journal"

    def seeds(self) -> list[int]:
        """The random seeds of the runs of each combination."""
        return [self.config.seed + k for k in range(self.num_seeds)]

    def run_directory(self, number: int, seed: int) -> Path:
        """The run directory of a trial, or of one of its seeds."""
        suffix = f"_seed_{seed}" if self.num_seeds > 1 else ""
        return self.directory / f"trial_{number:03d}{suffix}"

    def console(self, run: Path) -> Path:
        """The file with everything that a run has printed."""
        return self.directory / "consoles" / f"{run.name}.txt"

    def settings(self, params: dict[str, str]) -> list[str]:
        """The flags of `train` for these values of the settings that vary."""
        return [*self.flags, *flags_of(params), f"--best_metric={self.metric}"]

    def run_flags(self, params: dict[str, str], seed: int, slot: Slot) -> list[str]:
        """The flags that start a run of a trial.

        Args:
            params: the values of the settings that vary.
            seed: the random seed.
            slot: where it runs.
        """
        threads = [f"--threads={slot.threads}"] if slot.threads and not self.config.threads else []
        return [*self.settings(params), *self.more_flags, f"--seed={seed}", *threads]

    def check_or_write_record(self) -> None:
        """Compares the plan with the one that the directory was begun with; in a new directory, records it.

        Raises:
            SettingError: the directory contains a sweep with other settings.
            RunDirectoryError: the record is damaged, or cannot be written.
        """
        record = {
            "settings": self.config.to_dict(),
            "dataset_md5": self.dataset_md5,
            "set": [str(parameter) for parameter in self.space.parameters],
            "metric": self.metric,
            "seeds": self.num_seeds,
        }
        if not self.record_file.exists():
            write_json(self.record_file, record)
        elif differing := self._differences(_read(self.record_file), record):
            raise SettingError("sweep_differs", path=self.directory, listed=", ".join(differing))

    def _differences(self, earlier: dict[str, Any], now: dict[str, Any]) -> list[str]:
        try:
            before = TrainConfig.from_dict(dict(earlier["settings"]))
            found = self.config.differences(before)
            pairs = {name: pair for name, pair in found.items() if name not in MAY_CHANGE}
            others = [name for name in now if name != "settings"]
            pairs |= {name: (earlier[name], now[name]) for name in others if earlier[name] != now[name]}
        except (KeyError, TypeError, ValueError, SettingError) as error:
            raise RunDirectoryError("sweep_record_damaged", path=self.record_file, reason=one_line(error)) from error
        return [f"{name}: {was} -> {to}" for name, (was, to) in pairs.items()]


def _read(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return dict(record)
    except (OSError, ValueError, TypeError, RecursionError) as error:
        raise RunDirectoryError("sweep_record_damaged", path=path, reason=one_line(error)) from error
