"""What differs between runs."""

import json

from glint_unet.experiments.comparison import compare_runs, short_labels
from glint_unet.experiments.run_info import read_run


def make(path, *, lr=0.1, md5="a", train=(1, 2), commit="c" * 40, confusion=None, **settings):
    path.mkdir(parents=True)
    files = {
        "training_args": {
            "h5": "eyes.h5",
            "epochs": 3,
            "lr": lr,
            "output_dir": str(path),
            "lang": path.name,
            **settings,
        },
        "dataset": {"md5": md5, "prefix": "led"},
        "split": {"train": list(train), "val": [0]},
        "provenance": [{"time": "", "git": {"commit": commit}, "versions": {"torch": "2.13"}, "device": "cpu"}],
        "status": {"state": "finished", "epoch": 2, "epochs": 3, "best": {"epoch": 2, "total": 0.5}, "host": "h"},
        "metrics": [
            {"epoch": epoch, "train": {}, "val": {"total": 1 / epoch, "f1": 0.1 * epoch}, "val_confusion": confusion}
            for epoch in (1, 2)
        ],
    }
    for name, content in files.items():
        (path / f"{name}.json").write_text(json.dumps(content))
    return read_run(path)


def test_only_what_differs_is_listed(tmp_path):
    one, other = make(tmp_path / "one"), make(tmp_path / "other", lr=0.2, commit="d" * 40)
    comparison = compare_runs([one, other])
    assert comparison.labels == ["one", "other"]
    assert comparison.settings == {"lr": [0.1, 0.2]}
    assert comparison.conditions == {"commit": ["c" * 10, "d" * 10]}
    assert (comparison.same_data, comparison.same_split) == (True, True)
    assert comparison.best_epochs == [2, 2]
    assert comparison.metrics["f1"] == [0.2, 0.2]
    assert comparison.metrics["recall"] == [None, None]
    metrics = other.path / "metrics.json"
    metrics.write_text(metrics.read_text().replace("0.2", '"damaged"'))
    assert compare_runs([one, read_run(other.path)]).metrics["f1"] == [0.2, None]


def test_a_setting_that_an_earlier_version_lacked_has_its_default(tmp_path):
    comparison = compare_runs([make(tmp_path / "one", seed=0), make(tmp_path / "other")])
    assert comparison.settings == {}
    assert compare_runs([make(tmp_path / "a", seed=3), make(tmp_path / "b")]).settings == {"seed": [3, 0]}


def test_other_data_and_other_splits_are_seen(tmp_path):
    one = make(tmp_path / "one")
    assert compare_runs([one, make(tmp_path / "data", md5="b")]).same_data is False
    assert compare_runs([one, make(tmp_path / "split", train=(2, 1, 3))]).same_split is False
    unknown = make(tmp_path / "unknown")
    (unknown.path / "split.json").write_text("{")
    (unknown.path / "dataset.json").unlink()
    comparison = compare_runs([one, read_run(unknown.path)])
    assert (comparison.same_data, comparison.same_split) == (None, None)


def test_leds_are_counted_from_the_confusion_matrix(tmp_path):
    one = make(tmp_path / "one", confusion=[[6, 1, 3], [0, 0, 0]])
    other = make(tmp_path / "other", confusion=[[5, 0, 5, 0], [0, 1, 0, 0], [0, 0, 0, 4]])
    leds = compare_runs([one, other]).leds
    assert list(leds) == ["led1", "led2", "led3"]
    assert [(led.num_present, led.recall, led.mistaken) for led in leds["led1"]] == [(10, 0.6, 0.1), (10, 0.5, 0.5)]
    assert leds["led2"][0].recall is None
    assert leds["led3"] == [None, leds["led3"][1]]
    assert leds["led3"][1].recall == 0


def test_a_damaged_confusion_matrix_has_no_leds(tmp_path):
    for number, matrix in enumerate([[[1]], [1, 2], "x", [[1, 2, 3], []], None]):
        run = make(tmp_path / str(number), confusion=matrix)
        assert compare_runs([run, run]).leds == {}


def test_labels_are_as_short_as_they_can_be(tmp_path):
    runs = [make(tmp_path / "a" / "run"), make(tmp_path / "b" / "run")]
    assert short_labels(runs) == ["a/run", "b/run"]
    assert len(set(short_labels([runs[0], runs[0]]))) == 2
