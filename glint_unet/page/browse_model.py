"""Labels that a model contradicts, computed in the page's worker process."""

import functools

import numpy as np
from numpy.typing import NDArray

from glint_unet.compute.threads import choose_threads
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.errors import SettingError
from glint_unet.inference.predictor import GlintDetector, Glints
from glint_unet.model.metrics import RIGHT_WITHIN_PX
from glint_unet.page.browse_reading import read_block, read_image_block


@functools.lru_cache(maxsize=2)
def detector_of(run: str, rig: str | None) -> GlintDetector:
    """The detector of a run (`pretrained`: the weights of the package), with the layout of a rig file; kept for reuse.

    Raises:
        GlintError: as `GlintDetector.load`.
    """
    choose_threads().use()
    return GlintDetector.load(run, rig=rig)


def read_contradictions(info: DatasetInfo, start: int, stop: int, run: str, rig: str | None) -> NDArray[np.bool_]:
    """Which labels of rows `start` to `stop` the model contradicts.

    Args:
        info: the data set.
        start, stop: the rows.
        run: of the model.
        rig: a rig file, or None.

    Returns:
        (B, C) bool: the model finds the LED's glint more than 2 px away, or finds it where it is labelled absent, or
        does not find it. A model that does not name LEDs contradicts a label where it finds no glint within 2 px.

    Raises:
        GlintError: the data set or the model cannot be used, or the model has another number of LEDs.
    """
    detector = detector_of(run, rig)
    if detector.names_leds and detector.num_classes != info.num_classes:
        raise SettingError("page_model_leds", run=run, num=detector.num_classes, expected=info.num_classes)
    images = read_image_block(info, start, stop)
    glints = detector.for_leds(info.num_classes)(images[..., None])
    return contradicted(read_block(info, start, stop).keypoints, glints, names_leds=detector.names_leds)


def contradicted(keypoints: NDArray[np.float32], glints: Glints, *, names_leds: bool) -> NDArray[np.bool_]:
    """Which labels (B, C, 2) contradict the glints that a model found, as `read_contradictions` says."""
    is_present = np.isfinite(keypoints).all(axis=-1)
    if names_leds:
        away = np.linalg.norm(glints.points - keypoints, axis=-1)
        both = is_present & glints.present
        differs: NDArray[np.bool_] = (is_present != glints.present) | (both & ~(away <= RIGHT_WITHIN_PX))
        return differs
    between = np.linalg.norm(keypoints[:, :, None] - glints.points[:, None], axis=-1)
    near = ((between <= RIGHT_WITHIN_PX) & glints.present[:, None]).any(axis=-1)
    lonely: NDArray[np.bool_] = is_present & ~near
    return lonely
