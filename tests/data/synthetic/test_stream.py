from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from glint_unet.config import TrainConfig
from glint_unet.data.split import epoch_batches
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.stream import SyntheticStream, absolute_h5, is_stream
from glint_unet.errors import ResumeError, RigError
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training.loop import train
from tests.run_files import resumed

RIG = """
[leds]
number = 3
[image]
size = 32
stride = 2
[scene]
level = "easy"
[stream]
images = 12
validation = 4
"""
SMALL: dict[str, Any] = {
    "base_channels": 2,
    "epochs": 3,
    "progress": False,
    "lang": "en",
    "device": "cpu",
    "num_workers": 0,
}


@pytest.fixture
def h5(tmp_path):
    (tmp_path / "rig.toml").write_text(RIG)
    return f"synth:{tmp_path / 'rig.toml'}"


def test_only_the_prefix_makes_a_stream():
    assert is_stream("synth:rig.toml")
    assert not is_stream("synth.h5")


def test_no_training_image_comes_twice_and_validation_images_are_always_the_same(h5):
    stream = SyntheticStream(h5, seed=1)
    first = epoch_batches(stream.split.train, 5, 1, 1)
    seen = np.concatenate([np.concatenate(stream.rows_of_epoch(first, epoch)) for epoch in range(1, 50)])
    assert len(np.unique(seen)) == len(seen) == 49 * 12
    assert not np.isin(stream.split.val, seen).any()
    assert len(stream.split.val) == 4


@pytest.mark.parametrize("num_workers", [0, 2])
def test_the_images_do_not_depend_on_who_draws_them(h5, num_workers):
    rows = [np.array([9, 4]), np.array([1000])]
    drawn = list(SyntheticStream(h5, seed=1, num_workers=num_workers).batches(rows))
    alone = SyntheticStream(h5, seed=1).gather(np.array([1000]))
    assert torch.equal(drawn[1].images, alone.images)
    assert drawn[0].heatmaps is None
    assert drawn[0].images.shape == (2, 32, 32)
    assert not torch.equal(SyntheticStream(h5, seed=2).gather(np.array([1000])).images, alone.images)


def test_a_training_on_a_stream_resumes_to_the_same_end(h5, tmp_path):
    for name in ("whole", "parts"):
        train(TrainConfig(h5=h5, output_dir=str(tmp_path / name), cooldown=0, **SMALL))
    point = find_resume_point(str(tmp_path / "parts"), None)
    train(TrainConfig(**{**point.config.to_dict(), "resume": str(tmp_path / "parts"), "epochs": 5}))
    train(TrainConfig(h5=h5, output_dir=str(tmp_path / "five"), cooldown=0, **{**SMALL, "epochs": 5}))
    one, other = (read_checkpoint(tmp_path / name / "latest_checkpoint.pth") for name in ("parts", "five"))
    for key in ("model_state_dict", "ema_state_dict"):
        assert all(torch.equal(tensor, other[key][name]) for name, tensor in one[key].items())


def test_a_run_finds_its_rig_from_another_working_directory(h5, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = train(TrainConfig(h5="synth:rig.toml", output_dir=str(tmp_path / "run"), **{**SMALL, "epochs": 1}))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert find_resume_point(str(run), None).config.h5 == h5
    train(resumed(run, epochs=2))
    monkeypatch.chdir(tmp_path)
    train(resumed(run, epochs=3, h5="synth:rig.toml"))
    assert "Setting changed: --h5" not in (run / "training.log").read_text()
    assert absolute_h5("eyes.h5") == "eyes.h5"


def test_another_rig_under_the_same_name_is_refused_on_a_resume(h5, tmp_path):
    train(TrainConfig(h5=h5, output_dir=str(tmp_path / "run"), **SMALL))
    (tmp_path / "rig.toml").write_text(RIG.replace("easy", "hard"))
    point = find_resume_point(str(tmp_path / "run"), None)
    with pytest.raises(ResumeError, match="not the data set of this run"):
        train(TrainConfig(**{**point.config.to_dict(), "resume": str(tmp_path / "run"), "epochs": 5}))


def test_a_missing_rig_is_reported_before_anything_is_written(tmp_path):
    with pytest.raises(RigError, match="cannot be read"):
        train(TrainConfig(h5="synth:none.toml", output_dir=str(tmp_path / "run"), **SMALL))
    assert not (tmp_path / "run").exists()


def test_runs_of_rigs_without_an_iris_size_know_their_data_again(tmp_path):
    (tmp_path / "rig.toml").write_text(RIG)
    (tmp_path / "with_iris.toml").write_text(RIG + "[eye]\niris = 0.3\n")
    assert SyntheticStream(f"synth:{tmp_path / 'rig.toml'}", seed=1).md5 == "aecc2a2967059bf2209e458515265f4b"
    assert SyntheticStream(f"synth:{tmp_path / 'with_iris.toml'}", seed=1).md5 == "aecc2a2967059bf2209e458515265f4b"


def test_a_stream_paints_the_frames_that_its_rig_names_and_knows_them_by_their_pixels(h5, tmp_path):
    plain = SyntheticStream(h5, seed=1)
    (tmp_path / "frames").mkdir()
    images, _ = render_eyes(Rig.ring(3, image_size=(96, 128), level="easy"), 7, range(2))
    for k, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "frames" / f"{k}.png")
    (tmp_path / "rig.toml").write_text(RIG.replace("[scene]", '[scene]\nbackgrounds = "frames"\nbackgrounds_share = 1'))
    stream, again = SyntheticStream(h5, seed=1), SyntheticStream(h5, seed=1)
    rows = np.arange(6)
    assert np.array_equal(stream.gather(rows).images, again.gather(rows).images)
    assert not np.array_equal(stream.gather(rows).images, plain.gather(rows).images)
    assert "2 used" in stream.describe()
    assert stream.md5 == again.md5 != plain.md5
    Image.fromarray(images[0][:, ::-1]).save(tmp_path / "frames" / "1.png")
    assert SyntheticStream(h5, seed=1).md5 != stream.md5
