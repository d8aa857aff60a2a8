"""The metadata of exported models, .onnx and .safetensors alike: strings by name."""

import json
from collections.abc import Mapping
from typing import Any

from glint_unet.data.annotation.image_annotation import led_labels
from glint_unet.data.appearance import Appearance
from glint_unet.inference.trained_model import TrainedModel, checked_threshold
from glint_unet.model.constellation import Constellation
from glint_unet.model.unnamed import UNNAMED_PREFIX

FORMAT = "glint-unet 1"


def metadata_of(model: TrainedModel) -> dict[str, str]:
    """The metadata of a model, as described in onnx_file.py."""
    prefix = UNNAMED_PREFIX if model.class_free else model.prefix
    labels = led_labels(prefix, model.num_classes)
    further = {"class_free": "true"} if model.class_free else {}
    if model.appearance:
        further["appearance"] = json.dumps(model.appearance.to_dict())
    if model.constellation:
        further["constellation"] = json.dumps({**model.constellation.to_dict(), "threshold": model.threshold})
    return {
        "labels": json.dumps(labels),
        "image_size": json.dumps(list(model.image_size)),
        "stride": str(model.stride),
        "threshold": str(threshold_of_scores(model)),
        "stretch": json.dumps(model.stretch),
        "prefix": model.prefix,
        "dataset_md5": model.dataset_md5,
        "epoch": str(model.epoch),
        "run": str(model.path.resolve().parent),
        "format": FORMAT,
        **further,
    }


def options_of(metadata: Mapping[str, str]) -> dict[str, Any]:
    """The keyword arguments of `GlintDetector` that metadata state.

    Raises:
        KeyError, TypeError, ValueError: they are not those of an exported model.
    """
    (H, W), labels = json.loads(metadata["image_size"]), json.loads(metadata["labels"])
    options = {
        "image_size": (int(H), int(W)),
        "num_classes": len(labels),
        "threshold": checked_threshold(metadata["threshold"]),
        "stretch": bool(json.loads(metadata["stretch"])),
        "stride": int(metadata["stride"]),
        "prefix": metadata["prefix"],
        "class_free": "class_free" in metadata,
    }
    if "appearance" in metadata:  # like `constellation`, not in files of earlier versions
        options["appearance"] = Appearance.from_dict(json.loads(metadata["appearance"]))
    if "constellation" in metadata:
        values = json.loads(metadata["constellation"])
        options |= {"threshold": checked_threshold(values["threshold"]), "threshold_alone": options["threshold"]}
        options["constellation"] = Constellation.from_dict(values, len(labels))
    return options


def threshold_of_scores(model: TrainedModel) -> float:
    """The threshold of the ONNX output `scores`, of each LED decoded alone."""
    return model.threshold_alone if model.constellation else model.threshold
