"""glint-unet: trains, measures and deploys sub-pixel detectors of corneal reflections (glints).

What is exported here is imported on first use, so that `import glint_unet` and `--help` stay fast.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "CheckpointManager": "runs.checkpoint",
    "CompactNet": "model.compact",
    "GlintDetector": "inference.predictor",
    "GlintError": "errors",
    "SharedMemoryDatasetCache": "data.shared_cache",
    "TrainConfig": "config",
    "TrainingLogger": "runs.training_log",
    "UNet": "model.unet",
    "decode_heatmaps": "data.heatmaps",
    "render_heatmaps": "data.heatmaps",
    "train": "training.loop",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
