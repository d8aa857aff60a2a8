"""The training settings, each declared once: type, default, help, range, and whether a resume may change it.

The command-line parser, `training_args.json` and the `train_args` of checkpoints are all derived from `TrainConfig`.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from glint_unet.errors import SettingError
from glint_unet.settings import Settings, language_setting, setting

RECIPES: dict[str, dict[str, Any]] = {
    "default": {},
    "original": {
        "arch": "unet",
        "decoding": "argmax",
        "targets": "file",
        "augment": False,
        "loss": "focal",
        "div_weight": 0.05,
        "lam_agg": 0.2,
        "lr": 1e-3,
        "warmup_steps": 0,
        "cooldown": 0.0,
        "ema_decay": 0.0,
        "amp": "none",
    },
}
"""For each recipe, the settings that differ from the defaults of `TrainConfig` (docs/adr/0005)."""


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Train a glint detector with one heatmap channel per LED; everything is written to one run directory."""

    h5: str = setting("")
    """Data set (HDF5). Required, except on a resume."""
    output_dir: str | None = setting(None)
    """Run directory. Default: runs/train_YYYYMMDD_HHMMSS."""
    resume: str | None = setting(None, resume="per_start")
    """Resume from a checkpoint file, a run directory, or `auto`: the newest intact checkpoint of --output_dir."""
    allow_changed: str = setting("", resume="per_start")
    """Comma-separated settings that this resume may change although they are normally fixed, e.g. lr."""

    recipe: Literal["default", "original"] = setting("default")
    """Network, losses, schedule and targets: ours, or those of the original implementation; single flags override."""
    epochs: int = setting(50, low=1)
    """Number of epochs to train, including those of the resumed run."""
    batch: int | Literal["auto"] = setting(8, low=1, resume="fixed")
    """Images per step. auto: the largest power of two that fits on the GPU, with at least 16 steps per epoch."""
    lr: float = setting(4e-3, above=0, high=10, resume="fixed")
    """Maximum learning rate of AdamW."""
    warmup_steps: int | Literal["auto"] = setting("auto", low=0, resume="fixed")
    """Warm-up steps, in which the learning rate rises from 0. auto: 100, at most a tenth of a run under 1000 steps."""
    cooldown: float = setting(0.5, low=0, high=1, resume="fixed")
    """Final share of the epochs during which the learning rate falls to a fiftieth; 0: constant."""
    weight_decay: float = setting(0.0, low=0, high=10, resume="fixed")
    """Decoupled weight decay (AdamW) of all weights except biases and normalisation."""
    accumulate: int = setting(1, low=1, resume="fixed")
    """Gradient accumulation: compute each batch in this many parts, for batches that do not fit in memory."""
    amp: Literal["auto", "none", "bf16", "fp16"] = setting("auto", resume="fixed")
    """Precision of the network in training: float32 (none), or autocast; auto: bf16 on GPUs that support it."""
    compile: bool = setting(False)
    """Compile the step from batch to loss (on one GPU with CUDA graphs); takes a minute, and rounds differently."""
    clip_norm: float = setting(0.0, low=0, resume="fixed")
    """Maximum norm of the gradient; 0: no clipping."""
    ema_decay: float = setting(0.99, low=0, high=0.99999, resume="fixed")
    """Decay per step of the exponential moving average of the weights, which is validated and saved; 0: no average."""
    val_split: float = setting(0.1, above=0, high=0.9, resume="fixed")
    """Share of the images used for validation; drawn once and stored in the run."""
    seed: int = setting(0, low=0, high=2**32 - 1, resume="fixed")
    """Random seed of the weights, the split, the order of the batches and the augmentation."""

    arch: Literal["compact", "unet"] = setting("compact", resume="fixed")
    """Network: compact, with votes for the sub-pixel position, or the plain U-Net."""
    base_channels: int = setting(16, low=1, high=512, resume="fixed")
    """Width of the network: channels of the first level of the U-Net, half those of the compact network."""
    class_free: bool = setting(False, resume="fixed")
    """One heatmap channel for the glints of all LEDs; the layout of the LEDs, or that of another rig, names them."""
    init: str | None = setting(None, resume="fixed")
    """Initial weights: `pretrained` (those of the package), or a run directory, checkpoint or .safetensors file of the
    same network. Layers for another number of LEDs are initialised randomly."""
    decoding: Literal["subpixel", "argmax"] = setting("subpixel", resume="fixed")
    """Decoding of heatmaps in validation: refined to sub-pixel accuracy, or the highest pixel."""

    targets: Literal["keypoints", "file"] = setting("keypoints", resume="fixed")
    """Target heatmaps: rendered from keypoints (stored, or the peaks of stored heatmaps), or as stored in the file."""
    sigma_px: float = setting(2.5, above=0, high=100, resume="fixed")
    """Standard deviation of heatmaps rendered from keypoints, in image pixels."""

    augment: bool = setting(True, resume="fixed")
    """Augment training images and keypoints, as a function of (seed, epoch, sample); ranges: --aug_*."""
    aug_rotate_deg: float = setting(8.0, low=0, high=180, resume="fixed")
    """Maximum rotation in degrees."""
    aug_scale: float = setting(0.1, low=0, high=2, resume="fixed")
    """Maximum enlargement or reduction; 0.1 is 10%."""
    aug_shift: float = setting(0.08, low=0, high=0.5, resume="fixed")
    """Maximum shift as a share of the width and height of the image."""
    aug_intensity: float = setting(0.2, low=0, high=1, resume="fixed")
    """Maximum change of log gain and log gamma; the offset changes by up to half as much."""
    aug_blur: float = setting(0.5, low=0, high=2, resume="fixed")
    """Maximum standard deviation of the blur in pixels."""
    aug_noise: float = setting(5.0, low=0, high=100, resume="fixed")
    """Maximum standard deviation of the noise in grey levels."""
    aug_cutout: float = setting(0.05, low=0, high=0.9, resume="fixed")
    """Probability that a glint is painted over and becomes absent."""
    flip: str = setting("", resume="fixed")
    """Random left-right flips: the order of the LEDs after a flip, e.g. 1,8,7,6,5,4,3,2 for a ring. Empty: no flips."""

    loss: Literal["focal", "bce", "dice", "hybrid", "quality_focal"] = setting("quality_focal", resume="fixed")
    """Base loss; hybrid: focal, bce and dice weighted by --lam_*; quality_focal: a focal loss for soft targets."""
    lam_votes: float = setting(0.1, low=0, resume="fixed")
    """Weight of the vote loss, for networks that vote."""
    alpha: float = setting(1.0, low=0, resume="fixed")
    """Factor alpha of the focal loss."""
    gamma: float = setting(2.0, low=0, resume="fixed")
    """Exponent gamma of the focal loss."""
    lam_focal: float = setting(1.0, low=0, resume="fixed")
    """Weight of focal in hybrid."""
    lam_bce: float = setting(0.0, low=0, resume="fixed")
    """Weight of bce in hybrid."""
    lam_dice: float = setting(0.0, low=0, resume="fixed")
    """Weight of dice in hybrid."""
    div_weight: float = setting(0.0, low=0, resume="fixed")
    """Weight of the penalty on similar channels."""
    div_mode: Literal["overlap", "cosine", "kl"] = setting("cosine", resume="fixed")
    """Similarity measure of two channels."""
    lam_agg: float = setting(0.0, low=0, resume="fixed")
    """Weight of the class-agnostic term on all channels merged into one."""
    agg_mode: Literal["max", "sum"] = setting("max", resume="fixed")
    """Merging of the channels: their maximum, or their sum clipped to 1."""
    agg_wF: float = setting(1.0, low=0, resume="fixed")
    """Weight of focal in the class-agnostic term."""
    agg_wB: float = setting(0.0, low=0, resume="fixed")
    """Weight of bce in the class-agnostic term."""
    agg_wD: float = setting(0.0, low=0, resume="fixed")
    """Weight of dice in the class-agnostic term."""

    patience: int = setting(0, low=0)
    """Stop if the best epoch is this many epochs ago; 0: never. Allow for gains in the cool-down, late in the run."""
    best_metric: Literal["total", "f1", "px_error"] = setting("total", resume="fixed")
    """Criterion of the best epoch: lowest validation loss (total), highest f1 (ties: loss), or lowest px_error."""

    save_freq: int = setting(10, low=0)
    """Save a numbered checkpoint every N epochs; 0: never."""
    keep_last_n: int = setting(3, low=1)
    """Number of numbered checkpoints to keep, the newest ones."""
    save_every_minutes: float = setting(10.0, low=0)
    """Save during an epoch when the last save is this many minutes old; 0: only at the end of an epoch."""
    no_save_optimizer: bool = setting(False)
    """Omit the optimizer state from checkpoints: a third of the size, but no exact resume."""

    tracker: str = setting("", is_path=False)
    """Comma-separated trackers that receive metrics, settings and pictures: tensorboard, mlflow, wandb."""
    profile: int = setting(0, low=0, high=1000)
    """Write a PyTorch profiler trace of this many training steps to the run directory; 0: none."""
    on_nan: Literal["stop", "rollback"] = setting("stop")
    """If the loss becomes NaN or infinite: stop, or go back to the last checkpoint with half the rate, 3 times."""

    preload: bool = setting(True)
    """Hold the data set in memory; --no_preload, equivalent to --cache none, reads batches from the file."""
    num_workers: int = setting(4, low=0, high=256)
    """Loader processes for reading batches from the file, at most one per core; not used for data in memory."""
    shared_memory: bool = setting(False)
    """Hold one copy of the data set in memory for all runs on this machine; equivalent to --cache shared."""
    cache: Literal["auto", "ram", "shared", "device", "none"] = setting("auto")
    """Where to hold the data set: ram, shared by all runs, GPU memory (device), or none. auto: device if it fits."""
    verify_hash: bool = setting(False)
    """Validate the whole data set again, even if it seems unchanged since the last validation."""
    cleanup_shm: bool = setting(False, resume="per_start")
    """Remove the shared copy of this data set, then exit."""

    gpu: str | None = setting(None, is_path=False)
    """CUDA device: 0, 1, ..., or several: 0,1. Default: the first one, or the CPU if there is none."""
    device: Literal["auto", "cpu", "cuda"] = setting("auto")
    """Type of device; auto: CUDA if available."""
    processes: int = setting(1, low=1, high=64)
    """Number of processes for data-parallel training on the CPU; for several GPUs, use --gpu."""
    threads: int = setting(0, low=0, high=1024)
    """CPU threads per process; 0: as many as other programs leave room for at the start, or OMP_NUM_THREADS."""

    config: str | None = setting(None, resume="per_start")
    """TOML file of settings, or the training_args.json of a run; flags override it. On the command line only."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the log and the console. Default: GLINT_LANG, or else the locale; a resumed run keeps its own."""
    progress: bool = setting(True)
    """Show a progress bar if the console is a terminal."""

    model_path: str | None = setting(None, resume="per_start", is_path=False)
    """Deprecated: use --output_dir."""
    save: str | None = setting(None, resume="per_start", is_path=False)
    """Deprecated: use --output_dir."""

    def __post_init__(self) -> None:
        """Checks and converts every setting, and refuses contradictory settings.

        Raises:
            SettingError: a value or a combination is not allowed; the message names the flag and the allowed values.
        """
        super().__post_init__()
        if self.recipe != "default" and not self._follows_recipe():
            raise SettingError("recipe_not_applied", recipe=self.recipe)
        if self.targets == "file" and self.augment:
            raise SettingError("file_targets_augmented")
        if self.loss == "hybrid" and self.lam_focal + self.lam_bce + self.lam_dice == 0:
            raise SettingError("hybrid_without_weights")
        if self.class_free and (self.decoding == "argmax" or self.div_weight):
            raise SettingError("class_free_conflict", decoding=self.decoding, div_weight=self.div_weight)
        self.where_to_hold()

    def _follows_recipe(self) -> bool:
        """Whether any setting has the recipe's value; none does if Python code sets `recipe` without applying it."""
        return any(getattr(self, name) == value for name, value in RECIPES[self.recipe].items())

    def where_to_hold(self) -> str:
        """Where to hold the data set: `cache`, or its equivalent for the original flags `shared_memory` and `preload`.

        Raises:
            SettingError: the flags contradict each other.
        """
        if self.cache == "auto":
            return "shared" if self.shared_memory else "auto" if self.preload else "none"
        if self.shared_memory and self.cache != "shared":
            raise SettingError("cache_conflict", cache=self.cache, flag="shared_memory")
        if not self.preload and self.cache != "none":
            raise SettingError("cache_conflict", cache=self.cache, flag="no_preload")
        return self.cache

    @property
    def batch_size(self) -> int:
        """`batch` as a number; must not be called while it is still 'auto'."""
        assert self.batch != "auto"
        return self.batch

    @classmethod
    def of_recipe(cls, recipe: str, **given: Any) -> "TrainConfig":
        """The settings of a recipe, with overrides.

        Raises:
            SettingError: there is no such recipe, or a setting is invalid.
        """
        return cls(**{"recipe": recipe, **RECIPES.get(recipe, {}), **given})

    def with_recipe(self, recipe: str) -> "TrainConfig":
        """A copy with another recipe applied; unchanged if it is the current one."""
        if recipe == self.recipe:
            return self
        every = {name: getattr(TrainConfig(), name) for values in RECIPES.values() for name in values}
        return TrainConfig(**{**self.to_dict(), **every, **RECIPES.get(recipe, {}), "recipe": recipe})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The inverse of `to_dict`; unknown settings of other versions are ignored."""
        return cls(**{name: value for name, value in values.items() if name in setting_names()})

    @classmethod
    def of_earlier_start(cls, values: dict[str, Any]) -> "TrainConfig":
        """The settings that a resume inherits: those written by `to_dict`, except the ones that are per start."""
        return cls.from_dict({name: value for name, value in values.items() if name not in _names_with("per_start")})

    def to_dict(self) -> dict[str, Any]:
        """All settings by name, as plain Python values."""
        return dataclasses.asdict(self)

    def fixed_differences(self, earlier: "TrainConfig") -> dict[str, tuple[Any, Any]]:
        """The changed settings that a resume may not change: name -> (earlier value, current value)."""
        return {name: pair for name, pair in self.differences(earlier).items() if name in _names_with("fixed")}

    def differences(self, earlier: "TrainConfig") -> dict[str, tuple[Any, Any]]:
        """The settings that differ from an earlier config, except per-start ones: name -> (earlier, current value)."""
        before, now = earlier.to_dict(), self.to_dict()
        names = [name for name in now if name not in _names_with("per_start")]
        return {name: (before[name], now[name]) for name in names if before[name] != now[name]}


def _names_with(resume: str) -> frozenset[str]:
    return frozenset(f.name for f in dataclasses.fields(TrainConfig) if f.metadata["resume"] == resume)


def setting_names() -> frozenset[str]:
    """The names of all settings, which are also the flags."""
    return frozenset(f.name for f in dataclasses.fields(TrainConfig))
