import pytest

from glint_unet.errors import PageError
from glint_unet.page.control import resume_run, stop_run


def test_a_run_that_nothing_writes_to_cannot_be_stopped(eyes_run):
    with pytest.raises(PageError, match=eyes_run.name):
        stop_run(eyes_run)


def test_a_finished_run_and_an_empty_directory_cannot_be_resumed(eyes_run, tmp_path):
    for path in (eyes_run, tmp_path):
        with pytest.raises(PageError, match=path.name):
            resume_run(path)
    assert not (tmp_path / "console.log").exists()
