"""Figures of a detector on annotated images."""

import numpy as np
import pytest
from PIL import Image

from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.errors import CheckpointError, DatasetError
from glint_unet.inference.evaluate import count_trained_on, draw_worst, evaluate, rows_to_judge
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.constellation import Constellation

TRUTH = np.array([[[10.0, 12.0], [30.0, 20.0]], [[8.0, 8.0], [np.nan, np.nan]], [[20.0, 9.0], [33.0, 22.0]]])


@pytest.fixture
def h5(tmp_path):
    """Three images of 32x48, each filled with its number, and two LEDs."""
    path = tmp_path / "three.h5"
    images = np.stack([np.full((32, 48), k, np.uint8) for k in range(3)])
    with DatasetWriter(
        path, num_classes=2, image_size=(32, 48), heatmap_size=(16, 24), attributes={"prefix": "g"}
    ) as writer:
        writer.append(images, np.zeros((3, 2, 16, 24), np.float16), TRUTH.astype(np.float32), ["a", "b", "c"])
    return path


def detector(points, scores, num_leds=2):
    """Gives these predictions for the images of these numbers, whichever it is shown."""

    def network(images):
        rows = images[:, 16, 24]
        return (
            points[rows].astype(np.float32),
            scores[rows].astype(np.float32),
            np.ones((len(rows), num_leds), np.float32),
        )

    return GlintDetector(network, (32, 48), num_leds)


def test_every_led_has_its_own_figures(h5):
    points = np.nan_to_num(TRUTH, nan=5.0) + np.array([0.5, 0.0])
    points[0, 1] += [0.0, 10.0]  # 10 px off
    scores = np.array([[0.9, 0.9], [0.9, 0.9], [0.1, 0.9]])  # one missed, one that is not there
    judged = evaluate(detector(points, scores), h5, np.arange(3), worst=2)
    first, second = judged.leds
    assert (first.label, first.num_present, first.num_found, first.precision, first.recall) == ("g1", 3, 2, 1.0, 2 / 3)
    assert (second.num_present, second.num_found, second.precision, second.recall) == (2, 3, 1 / 3, 1 / 2)
    assert (first.px_median, first.bias_x, first.bias_y) == (0.5, 0.5, 0.0)
    assert judged.figures["f1"] == pytest.approx(2 * 3 / (5 + 5))
    assert judged.num_images == 3
    assert judged.num_trained_on is None
    assert judged.worst[0] == 0  # wrong and far
    assert sum(map(sum, judged.confusion)) == 5


def test_what_predict_calls_absent_is_not_counted_as_found(h5):
    points = np.nan_to_num(TRUTH, nan=5.0)
    points[2, 0] = [-3.0, 9.0]  # outside the image
    judged = evaluate(detector(points, np.full((3, 2), 0.9)), h5, np.arange(3))
    assert judged.leds[0].num_found == 2


def test_nothing_found_is_no_figure_instead_of_a_zero(h5):
    judged = evaluate(detector(np.nan_to_num(TRUTH), np.zeros((3, 2))), h5, np.array([1]))
    assert (judged.leds[0].precision, judged.leds[0].px_median, judged.leds[0].recall) == (None, None, 0.0)
    assert (judged.leds[1].num_present, judged.leds[1].recall) == (0, None)


def test_a_detector_of_other_leds_is_refused(h5):
    nothing = np.zeros((3, 3), np.float32)
    other = GlintDetector(lambda images: (np.zeros((3, 3, 2), np.float32), nothing, nothing), (32, 48), 3)
    with pytest.raises(DatasetError, match="has 2 LEDs"):
        evaluate(other, h5, np.arange(3))


def test_the_rows_to_judge_are_those_that_the_run_did_not_train_on(eyes_run, eyes_h5, eyes_onnx):
    rows = rows_to_judge(eyes_run, eyes_h5, "val")
    assert len(rows) == 6
    assert count_trained_on(eyes_run, eyes_h5, rows) == 0
    assert count_trained_on(eyes_run, eyes_h5, rows_to_judge(eyes_run, eyes_h5, "all")) == 54
    assert count_trained_on(eyes_onnx, eyes_h5, rows) is None
    with pytest.raises(CheckpointError, match="--split all"):
        rows_to_judge(eyes_onnx, eyes_h5, "val")


def test_no_row_of_another_data_set_was_trained_on(eyes_run, h5):
    assert count_trained_on(eyes_run, h5, np.arange(3)) == 0


def test_the_worst_images_become_a_picture(h5, tmp_path):
    one = detector(np.nan_to_num(TRUTH), np.full((3, 2), 0.9))
    draw_worst(evaluate(one, h5, np.array([2, 0]), worst=1), h5, tmp_path / "worst.png")
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.size[0] > 300


def test_the_worst_images_of_unnamed_glints_are_drawn_for_any_number_of_leds(h5, tmp_path):
    def network(images):
        """A class-free network of eight LEDs, whose only peaks are at the two true places."""
        points, ones = np.nan_to_num(TRUTH, nan=5.0)[images[:, 16, 24]].astype(np.float32), np.ones((len(images), 2))
        return points, ones, ones, points, 0.9 * ones[..., None].astype(np.float32), ones.astype(np.float32)

    of_eight = GlintDetector(network, (32, 48), 8, class_free=True)
    judged = evaluate(of_eight, h5, np.arange(3), worst=2)
    assert judged.figures["f1_free"] is not None
    draw_worst(judged, h5, tmp_path / "worst.png")
    with Image.open(tmp_path / "worst.png") as picture:
        assert picture.size[0] > 300


def test_a_data_set_of_one_led_has_the_same_figures_in_both_tables(tmp_path):
    path = tmp_path / "one.h5"
    truth = np.array([[[10.0, 12.0]], [[8.0, 8.0]], [[20.0, 9.0]], [[9.0, 9.0]]], np.float32)
    with DatasetWriter(
        path, num_classes=1, image_size=(32, 48), heatmap_size=(16, 24), attributes={"prefix": "g"}
    ) as writer:
        images = np.stack([np.full((32, 48), k, np.uint8) for k in range(4)])
        writer.append(images, np.zeros((4, 1, 16, 24), np.float16), truth, list("abcd"))
    errors = np.array([0.25, 0.5, 1.0, 4.0])[:, None, None] * [1.0, 0.0]
    judged = evaluate(detector(truth + errors, np.full((4, 1), 0.9), 1), path, np.arange(4))
    (led,) = judged.leds
    names = ("precision", "recall", "px_median", "px_p95")
    assert [getattr(led, name) for name in names] == [judged.figures[name] for name in names]
    assert (led.px_median, led.px_p95) == (0.5, 4.0)


def test_the_network_sees_each_image_once_for_the_figures_with_and_without_the_layout(tmp_path):
    path, leds = tmp_path / "ring.h5", np.array([[0, -8], [8, 0], [0, 8], [-8, 0]], np.float32)
    truth = np.stack([leds + np.array([20 + k, 16]) for k in range(5)]).astype(np.float32)
    with DatasetWriter(
        path, num_classes=4, image_size=(32, 48), heatmap_size=(16, 24), attributes={"prefix": "g"}
    ) as writer:
        images = np.stack([np.full((32, 48), k, np.uint8) for k in range(5)])
        writer.append(images, np.zeros((5, 4, 16, 24), np.float16), truth, list("abcde"))
    seen = []

    def network(images):
        """Confuses the first two LEDs, alone; the peaks are where they are."""
        rows = images[:, 16, 24]
        seen.extend(rows.tolist())
        points, ones = truth[rows], np.ones((len(rows), 4), np.float32)
        scores = np.where(np.eye(4, dtype=bool), 0.9, 0.3).astype(np.float32) * ones[:, None]
        return points[:, [1, 0, 2, 3]], 0.9 * ones, 0.1 * ones, points, scores, 0.1 * ones

    constellation = Constellation.from_layout(leds, (5, 12))
    judged = evaluate(GlintDetector(network, (32, 48), 4, constellation=constellation), path, np.arange(5), worst=0)
    assert judged.figures["f1"] == 1
    assert judged.figures["f1_alone"] == 0.5
    assert seen == list(range(5))
