"""glint-unet: trains, evaluates and deploys sub-pixel detectors of corneal reflections (glints).

The public names are imported on first use, so that `import glint_unet` and `--help` stay fast; type checkers see the
imports below.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from glint_unet.config import TrainConfig as TrainConfig
    from glint_unet.data.heatmaps import decode_heatmaps as decode_heatmaps
    from glint_unet.data.heatmaps import render_heatmaps as render_heatmaps
    from glint_unet.data.shared_cache import SharedMemoryDatasetCache as SharedMemoryDatasetCache
    from glint_unet.errors import GlintError as GlintError
    from glint_unet.inference.predictor import GlintDetector as GlintDetector
    from glint_unet.messages import set_language as set_language
    from glint_unet.model.compact import CompactNet as CompactNet
    from glint_unet.model.unet import UNet as UNet
    from glint_unet.runs.checkpoint_manager import CheckpointManager as CheckpointManager
    from glint_unet.runs.training_log import TrainingLogger as TrainingLogger
    from glint_unet.training.loop import train as train

_HOME = {
    "CheckpointManager": "runs.checkpoint_manager",
    "CompactNet": "model.compact",
    "GlintDetector": "inference.predictor",
    "GlintError": "errors",
    "SharedMemoryDatasetCache": "data.shared_cache",
    "TrainConfig": "config",
    "TrainingLogger": "runs.training_log",
    "UNet": "model.unet",
    "decode_heatmaps": "data.heatmaps",
    "render_heatmaps": "data.heatmaps",
    "set_language": "messages",
    "train": "training.loop",
}

__all__ = sorted(_HOME)
__version__ = "0.1.0"

if not TYPE_CHECKING:  # with this function visible, a type checker would accept misspelt names

    def __getattr__(name: str) -> object:
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

    def __dir__() -> list[str]:
        return [*__all__, "__version__"]
