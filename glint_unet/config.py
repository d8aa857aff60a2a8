"""Every training setting, once: type, default, help, range, and whether a resume may change it.

The command line's parser, `training_args.json` and the checkpoint's `train_args` are all made from `TrainConfig`.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from glint_unet.errors import SettingError
from glint_unet.settings import Settings, setting

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
"""Per recipe, the settings that differ from the defaults of `TrainConfig` (docs/adr/0005)."""


@dataclass(frozen=True)
class TrainConfig(Settings):
    """Train a glint detector: one heatmap channel per LED, everything kept in one run directory."""

    h5: str = setting("")
    """Data set (HDF5). Required, unless the run to resume names it."""
    output_dir: str | None = setting(None)
    """Run directory. Default: runs/train_YYYYMMDD_HHMMSS."""
    resume: str | None = setting(None, resume="per_start")
    """Go on from a checkpoint file, from a run directory, or `auto`: the newest good checkpoint of --output_dir."""
    allow_changed: str = setting("", resume="per_start")
    """Settings, comma-separated, that this resume may change although they belong to the run, such as lr."""

    recipe: Literal["default", "original"] = setting("default")
    """Network, losses, schedule, targets: ours, or as the original implementation had them; single flags override."""
    epochs: int = setting(50, low=1)
    """Train until this many epochs are done."""
    batch: int | Literal["auto"] = setting(8, low=1, resume="fixed")
    """Images per step. auto: the largest power of two that the GPU holds, at least 16 steps in an epoch."""
    lr: float = setting(4e-3, above=0, high=10, resume="fixed")
    """Greatest learning rate of AdamW."""
    warmup_steps: int = setting(100, low=0, resume="fixed")
    """Steps in which the learning rate rises from 0."""
    cooldown: float = setting(0.5, low=0, high=1, resume="fixed")
    """Share of the epochs, at the end, in which the learning rate falls to a fiftieth; 0: constant."""
    weight_decay: float = setting(0.0, low=0, high=10, resume="fixed")
    """Decoupled weight decay (AdamW) of all weights but biases and normalisation."""
    accumulate: int = setting(1, low=1, resume="fixed")
    """Compute each batch in this many parts, one after the other: for batches larger than the memory."""
    amp: Literal["auto", "none", "bf16", "fp16"] = setting("auto", resume="fixed")
    """Arithmetic of the network in training: float32 (none), or autocast; auto: bf16 on GPUs that have it."""
    compile: bool = setting(False)
    """Compile all from batch to loss, on one GPU with CUDA graphs: a minute at the start, other rounding."""
    clip_norm: float = setting(0.0, low=0, resume="fixed")
    """Clip the gradient's norm to this; 0: never."""
    ema_decay: float = setting(0.99, low=0, high=0.99999, resume="fixed")
    """Validate and keep as best the exponential moving average of the weights, of this decay per step; 0: none."""
    val_split: float = setting(0.1, above=0, high=0.9, resume="fixed")
    """Share of the images kept for validation; drawn once and stored in the run."""
    seed: int = setting(0, low=0, high=2**32 - 1, resume="fixed")
    """Seed of the weights, the split and the order of the batches."""

    arch: Literal["compact", "unet"] = setting("compact", resume="fixed")
    """Network: compact, with votes for the sub-pixel position, or the plain U-Net."""
    base_channels: int = setting(16, low=1, high=512, resume="fixed")
    """Width of the network: channels of the U-Net's first level, half of those of the compact network's."""
    init: str | None = setting(None, resume="fixed")
    """Begin with the best weights of this run directory or checkpoint, of the same network, instead of random ones."""
    decoding: Literal["subpixel", "argmax"] = setting("subpixel", resume="fixed")
    """Glints from heatmaps in validation: refined to a fraction of a pixel, or the highest pixel."""

    targets: Literal["keypoints", "file"] = setting("keypoints", resume="fixed")
    """Heatmaps to learn: rendered from keypoints (the file's, or its heatmaps' peaks), or as the file stores them."""
    sigma_px: float = setting(2.5, above=0, high=100, resume="fixed")
    """Standard deviation of heatmaps rendered from keypoints, in image pixels."""

    augment: bool = setting(True, resume="fixed")
    """Change training images and keypoints at random, as a function of (seed, epoch, sample); ranges: --aug_*."""
    aug_rotate_deg: float = setting(8.0, low=0, high=180, resume="fixed")
    """Greatest rotation in degrees."""
    aug_scale: float = setting(0.1, low=0, high=2, resume="fixed")
    """Greatest enlargement, and as much reduction; 0.1 is 10%."""
    aug_shift: float = setting(0.08, low=0, high=0.5, resume="fixed")
    """Greatest shift as a share of the image's sides."""
    aug_intensity: float = setting(0.2, low=0, high=1, resume="fixed")
    """Greatest change of gain and gamma, in the logarithm, and twice that of the offset."""
    aug_blur: float = setting(0.5, low=0, high=2, resume="fixed")
    """Greatest standard deviation of the blur in pixels."""
    aug_noise: float = setting(5.0, low=0, high=100, resume="fixed")
    """Greatest standard deviation of the noise in grey levels."""
    aug_cutout: float = setting(0.05, low=0, high=0.9, resume="fixed")
    """Chance of each glint to be painted over and so to be absent."""
    flip: str = setting("", resume="fixed")
    """Flip left-right at random; the LEDs then change places, such as 1,8,7,6,5,4,3,2 in a ring. Empty: no flips."""

    loss: Literal["focal", "bce", "dice", "hybrid", "quality_focal"] = setting("quality_focal", resume="fixed")
    """Base loss; hybrid: focal, bce and dice by --lam_*; quality_focal: a focal loss that is right for soft targets."""
    lam_votes: float = setting(0.1, low=0, resume="fixed")
    """Weight of the votes' error, for networks that vote."""
    alpha: float = setting(1.0, low=0, resume="fixed")
    """Weight alpha of the focal loss."""
    gamma: float = setting(2.0, low=0, resume="fixed")
    """Exponent gamma of the focal loss."""
    lam_focal: float = setting(1.0, low=0, resume="fixed")
    """Weight of focal inside hybrid."""
    lam_bce: float = setting(0.0, low=0, resume="fixed")
    """Weight of bce inside hybrid."""
    lam_dice: float = setting(0.0, low=0, resume="fixed")
    """Weight of dice inside hybrid."""
    div_weight: float = setting(0.0, low=0, resume="fixed")
    """Weight of the penalty on channels that look alike."""
    div_mode: Literal["overlap", "cosine", "kl"] = setting("cosine", resume="fixed")
    """How alike two channels are."""
    lam_agg: float = setting(0.0, low=0, resume="fixed")
    """Weight of the class-free term, on all channels as one map."""
    agg_mode: Literal["max", "sum"] = setting("max", resume="fixed")
    """How the channels become one map: their maximum, or their sum clipped to 1."""
    agg_wF: float = setting(1.0, low=0, resume="fixed")
    """Weight of focal inside the class-free term."""
    agg_wB: float = setting(0.0, low=0, resume="fixed")
    """Weight of bce inside the class-free term."""
    agg_wD: float = setting(0.0, low=0, resume="fixed")
    """Weight of dice inside the class-free term."""

    best_metric: Literal["total", "f1", "px_error"] = setting("total", resume="fixed")
    """What makes an epoch the best: least validation loss, greatest f1 (ties: loss), or least px_error."""

    save_freq: int = setting(10, low=0)
    """Keep a numbered checkpoint every N epochs; 0: none."""
    keep_last_n: int = setting(3, low=1)
    """Keep the newest N numbered checkpoints."""
    save_every_minutes: float = setting(10.0, low=0)
    """Save inside the epoch when the last save is this old; 0: only at the end of an epoch."""
    no_save_optimizer: bool = setting(False)
    """Leave the optimizer out of the checkpoints: a third of the size, but no exact resume."""

    profile: int = setting(0, low=0, high=1000)
    """Write a torch profiler trace of this many training steps into the run directory; 0: none."""
    on_nan: Literal["stop", "rollback"] = setting("stop")
    """When the loss is NaN or infinite: stop, or go back to the last checkpoint at half the learning rate, 3 times."""

    preload: bool = setting(True)
    """Hold the data set in memory; --no_preload, the same as --cache none, reads batches from the file."""
    num_workers: int = setting(4, low=0, high=256)
    """Loader processes where batches are read from the file, at most one per core; data in memory need none."""
    shared_memory: bool = setting(False)
    """Hold the data set in memory once for all runs on this machine; the same as --cache shared."""
    cache: Literal["auto", "ram", "shared", "device", "none"] = setting("auto")
    """Where to hold the data set: ram, shared by all runs, the GPU (device), or not at all. auto: GPU if it fits."""
    verify_hash: bool = setting(False)
    """Read and validate the whole data set again, although it is known and seems unchanged."""
    cleanup_shm: bool = setting(False, resume="per_start")
    """Remove this data set's shared copy, then exit."""

    gpu: str | None = setting(None, is_path=False)
    """CUDA device: 0, 1, ..., or several: 0,1. Default: the first one, or the CPU where there is none."""
    device: Literal["auto", "cpu", "cuda"] = setting("auto")
    """Kind of device; auto takes CUDA where there is one."""
    processes: int = setting(1, low=1, high=64)
    """Processes that train together on the CPU, each on its share of every batch; GPUs: name several in --gpu."""
    threads: int = setting(0, low=0, high=1024)
    """Threads that compute on the CPU; 0: one per core. Experiments side by side: cores divided by experiments."""

    lang: Literal["zh", "en"] = setting("zh")
    """Language of log and console."""
    progress: bool = setting(True)
    """Progress bar, where the console is a terminal."""

    model_path: str | None = setting(None, resume="per_start", is_path=False)
    """Deprecated: use --output_dir."""
    save: str | None = setting(None, resume="per_start", is_path=False)
    """Deprecated: use --output_dir."""

    def __post_init__(self) -> None:
        """Checks and converts every setting, and refuses settings that contradict each other.

        Raises:
            SettingError: naming the flag, its value and what is allowed.
        """
        super().__post_init__()
        if self.recipe != "default" and not self._follows_recipe():
            raise SettingError("recipe_not_applied", recipe=self.recipe)
        if self.targets == "file" and self.augment:
            raise SettingError("file_targets_augmented")
        if self.loss == "hybrid" and self.lam_focal + self.lam_bce + self.lam_dice == 0:
            raise SettingError("hybrid_without_weights")
        self.where_to_hold()

    def _follows_recipe(self) -> bool:
        """Whether any setting is the recipe's; none is where Python code names a recipe without applying it."""
        return any(getattr(self, name) == value for name, value in RECIPES[self.recipe].items())

    def where_to_hold(self) -> str:
        """`cache`, or what the original implementation's flags for it, `shared_memory` and `preload`, request.

        Raises:
            SettingError: they contradict each other.
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
        """`batch`, once it is a number."""
        assert self.batch != "auto"
        return self.batch

    @classmethod
    def of_recipe(cls, recipe: str, **given: Any) -> "TrainConfig":
        """The settings of a recipe, overridden by those given.

        Raises:
            SettingError: no such recipe, or settings that cannot be used.
        """
        return cls(**{"recipe": recipe, **RECIPES.get(recipe, {}), **given})

    def with_recipe(self, recipe: str) -> "TrainConfig":
        """These settings, changed to a recipe's where they belong to another one."""
        if recipe == self.recipe:
            return self
        every = {name: getattr(TrainConfig(), name) for values in RECIPES.values() for name in values}
        return TrainConfig(**{**self.to_dict(), **every, **RECIPES.get(recipe, {}), "recipe": recipe})

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainConfig":
        """The config that `to_dict` wrote; settings of other versions are left out."""
        return cls(**{name: value for name, value in values.items() if name in setting_names()})

    @classmethod
    def of_earlier_start(cls, values: dict[str, Any]) -> "TrainConfig":
        """What a resume goes on with: the config that `to_dict` wrote, but for the settings of that start alone."""
        return cls.from_dict({name: value for name, value in values.items() if name not in _names_with("per_start")})

    def to_dict(self) -> dict[str, Any]:
        """Every setting by its name; plain Python values only."""
        return dataclasses.asdict(self)

    def fixed_differences(self, earlier: "TrainConfig") -> dict[str, tuple[Any, Any]]:
        """The settings that differ and that a resume may not change: name -> (earlier value, value now)."""
        return {name: pair for name, pair in self.differences(earlier).items() if name in _names_with("fixed")}

    def differences(self, earlier: "TrainConfig") -> dict[str, tuple[Any, Any]]:
        """The settings of the run that differ from an earlier config: name -> (earlier value, value now)."""
        before, now = earlier.to_dict(), self.to_dict()
        names = [name for name in now if name not in _names_with("per_start")]
        return {name: (before[name], now[name]) for name in names if before[name] != now[name]}


def _names_with(resume: str) -> frozenset[str]:
    return frozenset(f.name for f in dataclasses.fields(TrainConfig) if f.metadata["resume"] == resume)


def setting_names() -> frozenset[str]:
    """The names of all settings, which are also the flags."""
    return frozenset(f.name for f in dataclasses.fields(TrainConfig))
