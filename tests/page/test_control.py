import json
import os
import shutil

import pytest

from glint_unet.errors import PageError
from glint_unet.files import FileLock
from glint_unet.page.control import resume_run, stop_run
from glint_unet.runs.run_directory import RunDirectory


def test_a_run_that_nothing_writes_to_cannot_be_stopped(eyes_run):
    with pytest.raises(PageError, match=eyes_run.name):
        stop_run(eyes_run)


def test_a_finished_run_and_an_empty_directory_cannot_be_resumed(eyes_run, tmp_path):
    for path in (eyes_run, tmp_path):
        with pytest.raises(PageError, match=path.name):
            resume_run(path)
    assert not (tmp_path / "console.log").exists()


@pytest.mark.parametrize("pid", [os.getppid(), 2**22 + 1, 0, -1])
def test_a_process_that_does_not_hold_the_lock_is_not_stopped(eyes_run, tmp_path, pid):
    run = RunDirectory(tmp_path / "run")
    shutil.copytree(eyes_run, run.path)
    status = json.loads(run.status.read_text())
    run.status.write_text(json.dumps({**status, "state": "running", "pid": pid}))
    lock = FileLock(run.lock_file, create=True)
    assert lock.acquire(wait=False)
    with pytest.raises(PageError, match="cannot be stopped"):
        stop_run(run.path)
    lock.release()
