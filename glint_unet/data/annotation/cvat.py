"""CVAT for images: an XML file of images with points and ellipses."""

import math
import xml.etree.ElementTree as ET

from glint_unet.data.annotation.image_annotation import (
    AnnotationFile,
    FormatError,
    ImageAnnotation,
    LabelledPoint,
    number,
    side_of,
)

_SHAPES = ("points", "ellipse", "box", "polygon", "polyline", "cuboid", "mask")
_NOT_SHAPES = ("image", "tag", "attribute", "skeleton")  # the points of a skeleton are elements inside it


def read_cvat(file: AnnotationFile) -> list[ImageAnnotation]:
    """The images in the file's order; an ellipse counts as a circle of the same area.

    Raises:
        AnnotationError, ValueError, KeyError, ...: a fault of the file; see `readers.read_annotations`.
    """
    text = file.text()
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise FormatError("annotation_entities")
    root = ET.fromstring(text)
    images = list(root.iter("image"))
    shapes = [[shape for shape in image.iter() if shape.tag not in _NOT_SHAPES] for image in images]
    num_shapes = sum(1 for element in root.iter() if element.tag in _SHAPES)
    if num_shapes > sum(shape.tag in _SHAPES for of_image in shapes for shape in of_image):
        raise FormatError("annotation_of_video")
    return [
        file.annotation(
            image.attrib["name"],
            [_point(shape, file) for shape in of_image],
            declared_size=(side_of(image.get("height")), side_of(image.get("width"))),
        )
        for image, of_image in zip(images, shapes, strict=True)
    ]


def _point(shape: ET.Element, file: AnnotationFile) -> LabelledPoint:
    """The centre of a shape; that of a shape which is no LED's is not needed and may be of any kind."""
    label = shape.attrib["label"]
    if not file.is_led(label) or "1" in (shape.get("occluded"), shape.get("outside")):
        return LabelledPoint(label)
    if shape.tag == "ellipse":
        x, y, across, down = (number(shape.attrib[name]) for name in ("cx", "cy", "rx", "ry"))
        return LabelledPoint.at(label, x, y, math.sqrt(across * down))
    if shape.tag != "points":
        raise FormatError("annotation_other_shape", label=label, kind=shape.tag)
    points = shape.attrib["points"].split(";")
    if len(points) != 1:
        raise FormatError("annotation_several_points", label=label, num=len(points))
    x, y = map(number, points[0].split(","))
    return LabelledPoint.at(label, x, y)
