"""The model and the switches of its detector: flags common to all commands that look for glints."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from glint_unet.console import say
from glint_unet.messages import text
from glint_unet.pretrained import PRETRAINED
from glint_unet.settings import Settings, setting

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glint_unet.inference.predictor import GlintDetector, Glints


@dataclass(frozen=True, kw_only=True)
class DetectorArguments(Settings):
    """Base class of the arguments of commands that run a detector."""

    run: str = PRETRAINED
    """Run directory, checkpoint, or exported file. Default: the pretrained weights, which find glints of any rig."""
    device: str = "cpu"
    """Compute device: cpu, cuda, cuda:1, ..."""
    threshold: float | None = setting(None, low=0, high=1)
    """Lowest score of a present glint. Default: the threshold chosen on the validation images of the run."""
    stretch: bool = False
    """Stretch frames to the aspect ratio of the network input instead of padding, if training images were stretched."""
    precise: bool = False
    """Average over four shifts of the image by half a heatmap pixel: more accurate, at four times the cost."""
    constellation: bool = True
    """Decode all LEDs of an image together by their layout, if the model has recorded one."""
    closer_look: bool = True
    """Read the part around the LEDs again, closer, where a frame has more pixels than the network input."""
    rig: str | None = None
    """Rig file (TOML) whose layout of the LEDs is used; a class-free model takes any rig, without training for it."""

    def detector(self) -> "GlintDetector":
        """The detector; raises as `GlintDetector.load` does."""
        from glint_unet.inference.predictor import GlintDetector

        return GlintDetector.load(
            self.run,
            self.device,
            precise=self.precise,
            stretch=True if self.stretch else None,
            threshold=self.threshold,
            constellation=None if self.constellation else False,
            closer_look=self.closer_look,
            rig=self.rig,
        )


def finder(detector: "GlintDetector", run: str, *, follow: bool) -> "Callable[[NDArray[np.uint8]], Glints]":
    """The function from the next frames (B, H, W) uint8 to their glints.

    Args:
        detector: looks at whole frames.
        run: what it was loaded from.
        follow: look at the region around the glints where the detector can; if it cannot, a line says so.
    """
    from glint_unet.inference.follow import Follower

    if follow and detector.any_size:
        return Follower(detector).batch
    if follow:
        say(text("follow_fixed_size", path=run))
    return lambda images: detector(images[..., None])  # the last axis is unambiguous for any width
