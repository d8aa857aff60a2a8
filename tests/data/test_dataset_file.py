import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glint_unet.data import dataset_reader
from glint_unet.data.dataset_file import inspect_dataset, open_dataset
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.errors import DatasetError

N, C, H, W, h, w = 6, 2, 16, 24, 8, 12


def make(path: Path, *, drop=(), **changes) -> Path:
    """A file made by somebody else: no attributes, no stems, no present."""
    rng = np.random.default_rng(0)
    parts = {
        "images": rng.integers(0, 255, (N, H, W), dtype=np.uint8),
        "heatmaps": rng.random((N, C, h, w)).astype(np.float32),
    } | changes
    with h5py.File(path, "w") as file:
        for name, values in parts.items():
            if name not in drop:
                file.create_dataset(name, data=values)
    return path


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8"])
@pytest.mark.parametrize("storage", [{}, {"chunks": True}, {"chunks": (5, 1, 4, 4), "compression": "gzip"}])
def test_files_of_others_open_whatever_their_heatmaps_dtype_and_chunking(tmp_path, dtype, storage):
    heatmaps = np.random.default_rng(0).random((N, C, h, w))
    stored = (heatmaps * 255).astype(dtype) if dtype == "uint8" else heatmaps.astype(dtype)
    path = make(tmp_path / "a.h5", drop=["heatmaps"])
    with h5py.File(path, "r+") as file:
        file.create_dataset("heatmaps", data=stored, **storage)
    info = inspect_dataset(path)
    assert (info.num_images, info.num_classes, info.image_size, info.heatmap_size, info.stride) == (
        N,
        C,
        (H, W),
        (h, w),
        2,
    )
    with open_dataset(path) as (file, _):
        loaded = dataset_reader.load_array(file, "heatmaps")
    assert loaded.dtype == (np.uint8 if dtype == "uint8" else np.float16)
    assert np.allclose(loaded / (255 if dtype == "uint8" else 1), heatmaps, atol=0.005)


def test_keypoints_alone_are_a_data_set(tmp_path):
    path = make(tmp_path / "a.h5", drop=["heatmaps"], keypoints=np.zeros((N, C, 2), np.float32))
    info = inspect_dataset(path)
    assert not info.has_heatmaps
    assert info.heatmap_size == (H // 4, W // 4)


def test_present_zero_makes_a_keypoint_absent(tmp_path):
    present = np.ones((N, C), np.uint8)
    present[2, 1] = 0
    path = make(tmp_path / "a.h5", keypoints=np.ones((N, C, 2), np.float32), present=present)
    with open_dataset(path) as (file, _):
        keypoints = dataset_reader.load_array(file, "keypoints")
    assert np.isnan(keypoints[2, 1]).all()
    assert np.isfinite(keypoints).all(axis=-1).sum() == N * C - 1


BAD_FORMS: dict[str, Any] = {
    "no images": ({"drop": ["images"]}, "no dataset images"),
    "no heatmaps": ({"drop": ["heatmaps"]}, "no dataset heatmaps"),
    "images of four axes": ({"images": np.zeros((N, 1, H, W), np.uint8)}, "(6, 1, 16, 24); it must be (N, H, W)"),
    "images of float": ({"images": np.zeros((N, H, W), np.float32)}, "float32; it must be one of uint8"),
    "other N": ({"heatmaps": np.zeros((N - 1, C, h, w), np.float32)}, "(5, 2, 8, 12); it must be (6, C, h, w)"),
    "heatmaps of int": ({"heatmaps": np.zeros((N, C, h, w), np.int32)}, "int32; it must be one of float16"),
    "stride 3": ({"heatmaps": np.zeros((N, C, 5, 8), np.float32)}, "16x24 and heatmap 5x8"),
    "other strides in x and y": ({"heatmaps": np.zeros((N, C, 8, 24), np.float32)}, "16x24 and heatmap 8x24"),
    "no image": ({"images": np.zeros((0, H, W), np.uint8)}, "N=0"),
    "no channel": ({"heatmaps": np.zeros((N, 0, h, w), np.float32)}, "0 channels"),
    "keypoints of three": ({"keypoints": np.zeros((N, C, 3), np.float32)}, "(6, 2, 3); it must be (6, 2, 2)"),
    "present of other C": ({"present": np.zeros((N, C + 1), np.uint8)}, "(6, 3); it must be (6, 2)"),
}


@pytest.mark.parametrize("case", BAD_FORMS)
def test_a_bad_form_is_refused_with_its_value_and_the_limit(tmp_path, case):
    changes, fragment = BAD_FORMS[case]
    path = make(tmp_path / "a.h5", **changes)
    with pytest.raises(DatasetError) as refusal:
        inspect_dataset(path)
    assert fragment in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("value", [np.nan, 1.5, -0.5, np.inf])
def test_values_outside_the_contract_are_refused_while_loading(tmp_path, value):
    heatmaps = np.zeros((N, C, h, w), np.float32)
    heatmaps[3, 1, 2, 2] = value
    path = make(tmp_path / "a.h5", heatmaps=heatmaps)
    with open_dataset(path) as (file, _), pytest.raises(DatasetError, match="heatmaps"):
        dataset_reader.load_array(file, "heatmaps")


def test_uint8_heatmaps_of_zero_and_one_are_refused(tmp_path):
    path = make(tmp_path / "a.h5", heatmaps=np.ones((N, C, h, w), np.uint8))
    with open_dataset(path) as (file, _), pytest.raises(DatasetError, match="multiply them by 255"):
        dataset_reader.load_array(file, "heatmaps")


@pytest.mark.parametrize("content", [b"", b"not a data set", b"\x89HDF\r\n\x1a\n" + bytes(40)])
def test_what_is_not_hdf5_is_refused(tmp_path, content):
    path = tmp_path / "a.h5"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="not a complete HDF5 file"):
        inspect_dataset(path)


def test_a_truncated_file_is_refused(data, tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(data.read_bytes()[: data.stat().st_size // 2])
    with pytest.raises(DatasetError, match="not a complete HDF5 file"):
        inspect_dataset(path)


def test_a_missing_file_and_a_directory_are_refused(tmp_path):
    for path in (tmp_path / "none.h5", tmp_path):
        with pytest.raises(DatasetError, match="No such data set file"):
            inspect_dataset(path)


def test_external_links_external_storage_and_virtual_datasets_are_refused(tmp_path):
    secret = make(tmp_path / "secret.h5")
    raw = tmp_path / "raw.bin"
    raw.write_bytes(bytes(N * H * W))
    for kind in ("link", "soft", "storage", "virtual"):
        path = make(tmp_path / f"{kind}.h5", drop=["images"])
        with h5py.File(path, "r+") as file:
            if kind == "link":
                file["images"] = h5py.ExternalLink(str(secret), "/images")
            elif kind == "soft":
                file["images"] = h5py.SoftLink("/heatmaps")
            elif kind == "storage":
                file.create_dataset("images", (N, H, W), np.uint8, external=[(str(raw), 0, N * H * W)])
            else:
                layout = h5py.VirtualLayout((N, H, W), np.uint8)
                layout[:] = h5py.VirtualSource(str(secret), "images", (N, H, W))
                file.create_virtual_dataset("images", layout)
        with pytest.raises(DatasetError, match="outside the file"):
            inspect_dataset(path)


def test_a_declared_size_far_beyond_the_stored_bytes_is_refused(tmp_path):
    path = make(tmp_path / "a.h5", drop=["images"])
    with h5py.File(path, "r+") as file:
        file.create_dataset("images", (10**9, H, W), np.uint8, chunks=(1, H, W))
    with pytest.raises(DatasetError, match="declares"):
        inspect_dataset(path)


def test_the_writer_leaves_nothing_when_it_fails_and_keeps_what_was_there(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"earlier")
    writer = DatasetWriter(path, num_classes=C, image_size=(H, W), heatmap_size=(h, w), attributes={})
    with pytest.raises(RuntimeError, match="power cut"), writer:
        raise RuntimeError("power cut")
    assert path.read_bytes() == b"earlier"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can mount a small file system")
def test_a_disk_too_small_for_the_data_set_is_reported_without_a_crash(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], check=False)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        (disk / "big.h5").write_bytes(b"earlier")
        words = ["synth", disk / "big.h5", "--num", "400", "--size", "128", "--overwrite", "--lang", "en"]
        words = [sys.executable, "-m", "glint_unet", *map(str, words)]
        ended = subprocess.run(words, check=False, capture_output=True, text=True)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
        assert "Disk full" in ended.stderr
        assert (disk / "big.h5").read_bytes() == b"earlier"
        assert [path.name for path in disk.iterdir()] == ["big.h5"]
    finally:
        subprocess.run(["umount", disk], check=True)


def test_stems_survive_and_are_numbered_where_there_are_none(data, tmp_path):
    with open_dataset(data) as (file, info):
        assert dataset_reader.read_stems(file, info)[3] == "synthetic_easy_5_000003"
    with open_dataset(make(tmp_path / "a.h5")) as (file, info):
        assert dataset_reader.read_stems(file, info)[3] == "000003"


@pytest.mark.parametrize(
    ("size", "attributes", "stride"),
    [
        ((50, 50), {}, 2),
        ((52, 50), {}, 2),
        ((51, 50), {}, 1),
        ((64, 48), {}, 4),
        ((64, 64), {"hm_h": 32}, 2),
        ((64, 48), {"hm_w": 48}, 1),
        ((64, 64), {"hm_h": np.array([32]), "hm_w": np.array([[32.0]])}, 2),
    ],
)
def test_heatmaps_of_keypoints_alone_have_the_largest_stride_that_fits(tmp_path, size, attributes, stride):
    images = np.zeros((N, *size), np.uint8)
    path = make(tmp_path / "a.h5", drop=["heatmaps"], images=images, keypoints=np.zeros((N, C, 2), np.float32))
    with h5py.File(path, "r+") as file:
        file.attrs.update(attributes)
    info = inspect_dataset(path)
    assert info.stride == stride
    assert info.heatmap_size == (size[0] // stride, size[1] // stride)


def test_attributes_that_are_arrays_of_one_value_are_read_as_that_value(tmp_path):
    path = make(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["sigma_min"] = np.array([2.5])
        file.attrs["prefix"] = np.array([b"led"])
        file.attrs["stretched"] = np.array(["yes"], dtype=h5py.string_dtype())
    info = inspect_dataset(path)
    assert (info.sigma_heatmap_px, info.prefix, info.stretched) == (2.5, "led", True)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(["sigma_min", "hm_h", "hm_w", "prefix", "stretched"]),
    value=st.one_of(
        st.integers(-(2**63), 2**63 - 1),
        st.floats(width=64),
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
        st.lists(st.integers(0, 300), max_size=3).map(np.array),
        st.lists(st.floats(width=32), max_size=2).map(lambda values: np.array(values, np.float32)),
        st.binary(max_size=6).map(np.void),
        st.just(h5py.Empty("f4")),
        st.booleans(),
        st.complex_numbers(),
    ),
)
def test_whatever_an_attribute_holds_the_file_opens_in_form_or_is_refused_by_name(tmp_path, name, value):
    path = make(tmp_path / "a.h5", drop=["heatmaps"], keypoints=np.zeros((N, C, 2), np.float32))
    try:
        with h5py.File(path, "r+") as file:
            file.attrs[name] = value
    except (TypeError, ValueError, OSError):
        return  # HDF5 cannot hold it
    try:
        info = inspect_dataset(path)
    except DatasetError:
        return
    assert info.image_size == (info.heatmap_size[0] * info.stride, info.heatmap_size[1] * info.stride)
    assert 0 < info.sigma_heatmap_px < np.inf
    assert isinstance(info.prefix, str)
