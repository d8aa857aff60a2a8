import dataclasses
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.synthetic.drawing import render_eye
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import DatasetError


def test_the_file_holds_what_was_requested(tmp_path):
    path = tmp_path / "a.h5"
    list(write_synthetic(path, Rig.ring(5, image_size=(32, 48), stride=1), num=3, seed=0))
    info = inspect_dataset(path)
    assert (info.num_images, info.num_classes, info.stride, info.image_size) == (3, 5, 1, (32, 48))
    assert info.has_keypoints
    assert info.has_present
    assert info.has_stems


def test_the_frames_may_be_in_a_folder_whose_name_is_no_text(tmp_path):
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    Path(folder).mkdir()
    rig = Rig.ring(4, image_size=(48, 48), level="easy")
    Image.fromarray(np.kron(render_eye(rig, 0, 1)[0], np.ones((4, 4), np.uint8))).save(folder + "/eye.png")
    path = tmp_path / "a.h5"
    list(write_synthetic(path, dataclasses.replace(rig, backgrounds=folder), num=2, seed=0))
    with h5py.File(path) as file:
        assert file.attrs["backgrounds"] == f"{tmp_path}/caf\\udce9"


def test_a_stride_of_three_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="1, both 2 or both 4"):
        list(write_synthetic(tmp_path / "a.h5", Rig.ring(1, image_size=(30, 30), stride=3), num=1, seed=0))
