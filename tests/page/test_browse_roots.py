import pytest

from glint_unet.errors import PageError
from glint_unet.page import browse_roots
from glint_unet.page.context import Context


@pytest.fixture
def context(tmp_path):
    root = tmp_path / "lab"
    (root / "day1" / "frames").mkdir(parents=True)
    for name in ("a.h5", "day1/b.h5", "rig.toml", "day1/eye.mp4", "day1/frames/1.png", ".hidden.h5"):
        (root / name).write_text("x")
    (tmp_path / "secret.h5").write_text("x")
    (root / "link.h5").symlink_to(tmp_path / "secret.h5")
    (root / "up").symlink_to(tmp_path)
    single = tmp_path / "other" / "c.h5"
    single.parent.mkdir()
    single.write_text("x")
    run = tmp_path / "runs" / "train_1"
    run.mkdir(parents=True)
    (run / "best_model.pth").write_text("x")
    return Context(tmp_path / "runs", (root, single), allow_control=True)


def test_what_lies_below_the_roots_can_be_chosen(context):
    assert list(browse_roots.data_sets(context)) == ["1:", "0:a.h5", "0:day1/b.h5"]
    assert browse_roots.rig_files(context) == {"0:rig.toml": "lab/rig.toml"}
    assert set(browse_roots.media(context)) == {
        "0:day1/frames", "0:day1/eye.mp4", "0:a.h5", "0:day1/b.h5", "1:",
    }  # fmt: skip
    assert browse_roots.models(context) == {"pretrained": "pretrained", "run:train_1": "train_1"}
    assert browse_roots.chosen_file(context, "0:day1/b.h5").read_text() == "x"
    assert browse_roots.chosen_file(context, "1:").name == "c.h5"
    assert browse_roots.chosen_model(context, "run:train_1").endswith("train_1")


@pytest.mark.parametrize(
    "word",
    [
        "0:../secret.h5",
        "0:link.h5",
        "0:up/secret.h5",
        "0:/etc/passwd",
        "0:%2e%2e/secret.h5",
        "0:a.h5/../../secret.h5",
        "2:a.h5",
        "-1:a.h5",
        ":a.h5",
        "",
        "0:nowhere.h5",
        "0:\0",
        "1:../secret.h5",
    ],
)
def test_nothing_outside_the_roots_can_be_chosen(context, word):
    with pytest.raises(PageError):
        browse_roots.chosen_file(context, word)


def test_models_outside_the_runs_cannot_be_chosen(context):
    with pytest.raises(PageError):
        browse_roots.chosen_model(context, "run:../secret.h5")


def test_visitors_write_into_the_first_folder_and_only_if_they_may(context, tmp_path):
    assert browse_roots.folder_of_visitors(context) == tmp_path / "lab"
    assert browse_roots.folder_of_visitors(Context(tmp_path / "runs", (), allow_control=True)) == tmp_path / "runs"
    with pytest.raises(PageError):
        browse_roots.folder_of_visitors(Context(tmp_path / "runs", (tmp_path,)))
