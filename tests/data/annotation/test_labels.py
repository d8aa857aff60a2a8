"""Which label is which LED, and how many LEDs there are."""

from pathlib import Path

import pytest

from glint_unet.data.annotation.image_annotation import ImageAnnotation, LabelledPoint
from glint_unet.data.annotation.labels import Glint, LedLabels
from glint_unet.errors import AnnotationError

NOTES = Path("notes")


def image(*labels, names=()):
    points = tuple(LabelledPoint.at(label, k, k) for k, label in enumerate(labels))
    return ImageAnnotation("eye", "notes (eye.png)", Path("eye.png"), points, tuple(names))


def test_the_number_of_leds_is_the_highest_label_of_all_images():
    labels = LedLabels.of([image("g1"), image("g7", "pupil"), image()], "g", None, NOTES)
    assert (labels.num_classes, labels.ignored, labels.in_order) == (7, {"pupil": 1}, ())


def test_a_listed_name_counts_though_no_image_shows_it():
    assert LedLabels.of([image("g1", names=["g1", "g5"])], "g", None, NOTES).num_classes == 5


def test_names_without_numbers_are_leds_in_their_order():
    labels = LedLabels.of([image("left", names=["top", "left"])], "g", None, NOTES)
    assert (labels.num_classes, labels.in_order) == (2, ("top", "left"))
    assert labels.glints(image("left"), (9, 9)) == (Glint(1, 0, 0, 0),)


def test_a_number_that_no_data_set_can_hold_is_not_a_number_of_leds():
    labels = LedLabels.of([image("g300"), image("g2")], "g", None, NOTES)
    assert labels.num_classes == 2
    with pytest.raises(AnnotationError, match=r"label g300 in notes.* must be 1 to 2"):
        labels.glints(image("g300"), (9, 9))


@pytest.mark.parametrize("num_classes", [None, 2])
@pytest.mark.parametrize("annotated", [image("led1", "led2"), image("g0"), image("a", names=["a", "b", "c"] * 100)])
def test_labels_of_which_none_is_an_leds_are_refused(annotated, num_classes):
    if annotated.names and num_classes is None:
        assert LedLabels.of([annotated], "g", None, NOTES).num_classes == 3
        return
    with pytest.raises(AnnotationError, match=r"None of the labels of notes \(.*--prefix"):
        LedLabels.of([annotated], "g", num_classes, NOTES)


def test_without_labels_the_number_of_leds_must_be_given():
    assert LedLabels.of([image()], "g", 4, NOTES).num_classes == 4
    with pytest.raises(AnnotationError, match="specify it with --num_classes"):
        LedLabels.of([image()], "g", None, NOTES)


def test_an_led_annotated_twice_or_outside_the_image_or_larger_than_it_is_refused():
    labels = LedLabels.of([image("g1", "g2")], "g", None, NOTES)
    with pytest.raises(AnnotationError, match="the label g1 twice"):
        labels.glints(image("g1", "g1"), (9, 9))
    with pytest.raises(AnnotationError, match="outside its image of 1x9"):
        labels.glints(image("g1", "g2"), (9, 1))
    large = ImageAnnotation("eye", "notes", Path("eye.png"), (LabelledPoint.at("g1", 1, 1, 10),))
    with pytest.raises(AnnotationError, match="radius 10 of g1"):
        labels.glints(large, (9, 9))
