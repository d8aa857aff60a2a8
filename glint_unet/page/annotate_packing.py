"""Saved annotations -> a data set, or a file to download."""

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from glint_unet.data.annotation.image_annotation import AnnotationFile
from glint_unet.data.annotation.labelme import find_labelme
from glint_unet.data.annotation.pack import Packed, PackSettings, pack
from glint_unet.data.annotation.readers import check_distinct, read_annotations
from glint_unet.data.dataset_file import DEFAULT_SIGMA_MIN, DEFAULT_SIGMA_SCALE
from glint_unet.data.media import is_image
from glint_unet.errors import AnnotationError, DatasetError
from glint_unet.page.annotate_session import prefix_of


def pack_annotations(folder: Path, out_h5: Path, labels: Sequence[str]) -> Packed:
    """Packs all annotations below a folder into a data set, as `glint-unet pack` does with its defaults.

    Args:
        folder: of LabelMe files.
        out_h5: the file to write; it must not exist.
        labels: the names of the C LEDs.

    Raises:
        GlintError: the file exists, or an annotation or its image cannot be used; nothing is written then.
    """
    if out_h5.exists():
        raise DatasetError("output_exists", path=out_h5)
    prefix, found = prefix_of(labels), []
    for path in find_labelme(folder, recursive=True):
        found += read_annotations(AnnotationFile(path, folder, prefix), "labelme")
    check_distinct(found)
    settings = PackSettings(prefix, DEFAULT_SIGMA_SCALE, DEFAULT_SIGMA_MIN, num_classes=len(labels))
    return pack(found, folder, out_h5, settings, _refuse)


def _refuse(error: AnnotationError) -> None:
    raise error


def zipped(folder: Path) -> bytes:
    """The content of a .zip file with all annotations below a folder, and the images beside them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            if path.is_file() and (path.suffix == ".json" or is_image(path)):
                archive.write(path, path.relative_to(folder))
    return content.getvalue()
