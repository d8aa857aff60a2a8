"""`glint-unet adapt`: a better model from images without annotations."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tqdm import tqdm

from glint_unet.cli.arguments import parse
from glint_unet.cli.tables import aligned
from glint_unet.messages import text
from glint_unet.pretrained import PRETRAINED, is_pretrained
from glint_unet.settings import Settings, language_setting, setting

if TYPE_CHECKING:
    from glint_unet.adaptation.frames import Chosen
    from glint_unet.adaptation.report import AdaptReport
    from glint_unet.adaptation.task import Adaptation


@dataclass(frozen=True)
class AdaptArguments(Settings):
    """Make a model better on images of your own rig, without annotations.

    Each image is shown in several views; glints that the views agree on are learnt. The same command again continues
    where it was stopped. A model that agrees with itself less than before is not kept.
    """

    images: str
    """Folder, video, data set (.h5; its labels are not read), or a quoted pattern such as 'frames/*.png'."""
    output_dir: str
    """New run directory."""
    run: str = PRETRAINED
    """Run directory, checkpoint or .safetensors file of the model to adapt. Default: the pretrained weights."""
    rig: str | None = None
    """Rig file (TOML) whose layout names the glints; needed for a class-free model that has recorded none."""
    max_images: int = setting(2000, low=10, high=1_000_000)
    """Use at most this many images, evenly spaced."""
    epochs: int = setting(16, low=1, high=1000)
    """Epochs of fine-tuning."""
    lr: float = setting(2e-3, above=0, high=10)
    """Greatest learning rate of fine-tuning."""
    seed: int = setting(0, low=0, high=2**32 - 1)
    """Random seed."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; auto takes CUDA where there is one."""
    threads: int = setting(0, low=0, high=1024)
    """CPU threads; 0: as many as other programs leave room for, or as before if the command is repeated."""
    progress: bool = True
    """Progress bars, where the console is a terminal."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of log and console."""


ARGUMENTS = AdaptArguments


def run(argv: Sequence[str]) -> int:
    """Adapts and prints what changed; status 0 too where the old model stays the better one."""
    arguments = parse(AdaptArguments, argv, "glint-unet adapt")
    from glint_unet.adaptation.adapt import adapt
    from glint_unet.adaptation.task import Adaptation
    from glint_unet.compute.stop_signals import Interrupted

    run = arguments.run if is_pretrained(arguments.run) else Path(arguments.run)
    places = {"run": run, "output_dir": Path(arguments.output_dir)}
    values = {**vars(arguments), **places, "rig": Path(arguments.rig) if arguments.rig else None}
    task = Adaptation(**values)
    try:
        report = adapt(task, lambda frames: _with_bar(frames, arguments.progress))
    except Interrupted as interrupted:
        return 128 + interrupted.signal_number
    _print(report, task)
    return 0


def _with_bar(frames: "Iterator[Chosen]", wanted: bool) -> "Iterator[Chosen]":
    return iter(tqdm(frames, unit="frame", disable=None if wanted else True, leave=False))


def _print(report: "AdaptReport", task: "Adaptation") -> None:
    print(
        text(
            "adapt_head",
            num=report.num_frames,
            broken=report.num_broken,
            labelled=report.num_labelled,
            synthetic=report.num_synthetic,
        )
    )
    lines = [
        text("adapt_columns").split(),
        [text("adapt_found"), f"{report.found_before:.2f}", f"{report.found_after:.2f}"],
        [text("adapt_agreement"), f"{report.agreement_before:.3f}", f"{report.agreement_after:.3f}"],
        [text("adapt_threshold"), f"{report.threshold_before:.2f}", f"{report.threshold_after:.2f}"],
    ]
    print("\n".join(aligned(lines)))
    if report.is_kept:
        print(text("adapt_kept", path=task.new.best))
    else:
        print(text("adapt_rejected", certain=report.certain_before, kept=report.certain_kept, path=task.output_dir))
    print(text("adapt_written", report=task.report, picture=task.picture))
