"""Files that commands are to write are checked before any work."""

import h5py
import pytest

from glint_unet.cli.outputs import check_output
from glint_unet.errors import DatasetError


def test_a_new_file_in_a_directory_that_is_there_is_accepted(tmp_path):
    check_output(tmp_path / "new.csv", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_directory_is_named_even_where_overwriting_is_requested(tmp_path):
    with pytest.raises(DatasetError, match="nowhere"):
        check_output(tmp_path / "nowhere" / "new.csv", overwrite=True)


def test_an_existing_file_is_replaced_only_on_request(command, tmp_path):
    path = tmp_path / "a.h5"
    path.write_text("mine")
    arguments = ["synth", path, "--num", 2, "--size", 32, "--lang", "en"]
    status, _, err = command(*arguments)
    assert (status, path.read_text()) == (2, "mine")
    assert "--overwrite" in err
    assert command(*arguments, "--overwrite")[0] == 0
    assert h5py.is_hdf5(path)
