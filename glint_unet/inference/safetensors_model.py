"""Models as .safetensors files: bare weights, and in the metadata all that is needed to use them."""

from pathlib import Path

from glint_unet.config import TrainConfig
from glint_unet.errors import CheckpointError, SettingError, one_line
from glint_unet.inference.exported import metadata_of, options_of
from glint_unet.inference.trained_model import TrainedModel
from glint_unet.model.network import new_network, num_heatmaps
from glint_unet.runs.loading import check_fits
from glint_unet.runs.safetensors_file import read_tensors, write_tensors


def export_safetensors(model: TrainedModel, path: Path) -> None:
    """Writes a .safetensors file: metadata as in .onnx files, and the architecture of the network."""
    network = {"arch": model.arch, "base_channels": str(model.base_channels)}
    network["sigma_heatmap_px"] = str(model.sigma_heatmap_px)
    write_tensors(path, model.network.state_dict(), metadata_of(model) | network)


def load_safetensors(path: Path) -> TrainedModel:
    """The inverse of `export_safetensors`.

    Raises:
        CheckpointError: missing, damaged, or not exported by this package.
    """
    weights, metadata = read_tensors(path)
    try:
        options = options_of(metadata)
        names = {"arch": metadata["arch"], "base_channels": int(metadata["base_channels"])}
        config = TrainConfig(**names, class_free=options["class_free"])  # type: ignore[arg-type]  # checked there
        num = num_heatmaps(config, options["num_classes"])
        model = TrainedModel(
            network=new_network(config.arch, num, config.base_channels, options["stride"]).eval(),
            arch=config.arch,
            base_channels=config.base_channels,
            sigma_heatmap_px=float(metadata["sigma_heatmap_px"]),
            epoch=int(metadata["epoch"]),
            dataset_md5=metadata["dataset_md5"],
            path=path,
            **options,
        )
    except (KeyError, TypeError, ValueError, ZeroDivisionError, SettingError) as error:
        raise CheckpointError("export_unusable", path=path, reason=one_line(error)) from error
    check_fits(weights, model.network, path)
    model.network.load_state_dict(weights)
    return model
