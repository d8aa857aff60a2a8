import json
import time

import h5py
import numpy as np
import pytest

from glint_unet.data import file_identity, validation
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import DatasetError

STALLS = "h5_crash_3088.h5"  # the HDF5 library loops in it for ever


def test_a_good_file_is_read_once_and_then_known(private_data, monkeypatch):
    monkeypatch.setattr(file_identity, "_SETTLED_NS", 0)
    time.sleep(0.05)
    validate_dataset(private_data)
    monkeypatch.setattr(validation, "_read_in_child", lambda path: pytest.fail("read again"))
    validate_dataset(private_data)
    with pytest.raises(pytest.fail.Exception, match="read again"):
        validate_dataset(private_data, again=True)


def test_a_bad_value_is_found_before_training_and_never_remembered_as_good(private_data):
    with h5py.File(private_data, "r+") as file:
        file["heatmaps"][7, 1, 0, 0] = np.nan
    for _ in range(2):
        with pytest.raises(DatasetError, match="heatmaps in") as refusal:
            validate_dataset(private_data)
        assert refusal.value.key == "dataset_values"


def test_files_that_crash_or_stall_the_hdf5_library_are_reported_as_bad_files(shared_hostile, monkeypatch):
    refusals = {}
    for path in sorted(shared_hostile.glob("*.h5")):
        monkeypatch.setattr(validation, "_SILENCE_S", 3.0 if path.name == STALLS else 300.0)
        with pytest.raises(DatasetError) as refusal:
            validate_dataset(path)
        assert "\n" not in str(refusal.value)
        refusals[path.name] = refusal.value.key
    assert len(refusals) == 5
    assert set(refusals.values()) >= {"dataset_crashes", "dataset_hangs"}


def test_a_file_replaced_while_it_is_validated_is_never_remembered_as_good(private_data, monkeypatch):
    monkeypatch.setattr(file_identity, "_SETTLED_NS", 0)
    read = validation._read_in_child
    bad = private_data.with_suffix(".bad")
    bad.write_bytes(private_data.read_bytes())
    with h5py.File(bad, "r+") as file:
        file["heatmaps"][7, 1, 0, 0] = np.nan

    def read_and_replace(path):
        read(path)
        if bad.exists():
            bad.replace(private_data)

    monkeypatch.setattr(validation, "_read_in_child", read_and_replace)
    with pytest.raises(DatasetError, match="heatmaps"):
        validate_dataset(private_data)
    known = file_identity.recall(private_data)
    assert known is None or not known.valid


def test_a_file_found_good_by_an_earlier_versions_rules_is_read_again(private_data, monkeypatch):
    monkeypatch.setattr(file_identity, "_SETTLED_NS", 0)
    time.sleep(0.05)
    validate_dataset(private_data)
    sidecar = file_identity._sidecar(file_identity.key_of_file(private_data))
    sidecar.write_text(json.dumps(json.loads(sidecar.read_text()) | {"valid": True}))
    monkeypatch.setattr(validation, "_read_in_child", lambda path: pytest.fail("read again"))
    with pytest.raises(pytest.fail.Exception, match="read again"):
        validate_dataset(private_data)
