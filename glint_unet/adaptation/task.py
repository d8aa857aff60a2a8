"""What an adaptation is to do, and the files that it writes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from glint_unet.pretrained import is_pretrained
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.settings import language_setting


@dataclass(frozen=True)
class Adaptation:
    """What is to be done; the same values on a second call continue it.

    Attributes:
        run: run directory, checkpoint or .safetensors file of the model to adapt; `pretrained`: that of the package.
        images: folder, video, data set or pattern.
        output_dir: the new run directory.
        rig: rig file whose layout names the glints, and whose synthetic eyes are mixed in; None: those of the run.
        max_images: number of frames at most.
        epochs: epochs of fine-tuning.
        lr: its greatest learning rate.
        seed: random seed.
        device: auto, cpu or cuda.
        threads: CPU threads; 0: as many as other programs leave room for, or as before on a second call.
        lang: language of the messages, and of the log of a new run.
        progress: whether to show progress bars.
    """

    run: Path | str
    images: str
    output_dir: Path
    rig: Path | None = None
    max_images: int = 2000
    epochs: int = 16
    lr: float = 2e-3
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int = 0
    lang: Literal["zh", "en"] = language_setting()
    progress: bool = True

    @property
    def new(self) -> RunDirectory:
        """The new run directory."""
        return RunDirectory(self.output_dir)

    @property
    def identity(self) -> dict[str, Any]:
        """The values that a continuation may not change."""
        names = ("images", "max_images", "epochs", "lr", "seed")
        rig = str(self.rig.resolve()) if self.rig else None
        run = str(self.run) if is_pretrained(self.run) else str(Path(self.run).resolve())
        return {"run": run, "rig": rig, **{name: getattr(self, name) for name in names}}

    @property
    def settings_file(self) -> Path:
        """`identity` of what is done in the directory."""
        return self.output_dir / "adapt_args.json"

    @property
    def counts(self) -> Path:
        """Numbers of frames and rows, written before `dataset`."""
        return self.output_dir / "pseudo_labels.json"

    @property
    def dataset(self) -> Path:
        """The pseudo-labelled data set."""
        return self.output_dir / "pseudo_labels.h5"

    @property
    def rejected(self) -> Path:
        """The fine-tuned model, where the old one is the result."""
        return self.output_dir / "rejected_model.pth"

    @property
    def report(self) -> Path:
        """The report; the last file written."""
        return self.output_dir / "adapt_report.json"

    @property
    def picture(self) -> Path:
        """Frames before and after."""
        return self.output_dir / "adapt_examples.png"
