"""The model card of the pretrained weights: card.md with its figures filled in."""

import json
from pathlib import Path

from glint_unet.inference.trained_model import TrainedModel
from glint_unet.pretrained import NAME

TEMPLATE = Path(__file__).with_name("card.md")


def model_card(model: TrainedModel, run: Path, figures: str) -> str:
    """The text of the card; `run` is the run directory."""
    history = json.loads((run / "metrics.json").read_text())
    dataset = json.loads((run / "dataset.json").read_text())
    num_validation = len(json.loads((run / "split.json").read_text())["val"])
    H, W = model.image_size
    return TEMPLATE.read_text(encoding="utf-8").format(
        name=NAME,
        num_images=dataset["num_images"] - num_validation,
        epochs=len(history),
        minutes=sum(row["epoch_time"] for row in history) / 60,
        arch=model.arch,
        weights=sum(p.numel() for p in model.network.parameters()),
        H=H,
        W=W,
        epoch=model.epoch,
        threshold=model.threshold,
        figures=figures,
        most=model.num_classes,
        apart=2 * model.stride,
    )
