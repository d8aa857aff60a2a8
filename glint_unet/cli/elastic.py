"""Processes started by PyTorch's launcher, on one node or several: their group, and runs that it restarts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from glint_unet.cli.arguments import value_on_line
from glint_unet.console import say
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.messages import text

if TYPE_CHECKING:
    from glint_unet.compute.group import Group

_UNNAMED = ("", "none")  # the run id of torchrun without --rdzv_id


def is_launched() -> bool:
    """Whether PyTorch's launcher has started this process."""
    return os.environ.keys() >= {"RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR"}


def joined_group() -> "Group":
    """Joins the group that the launcher describes."""
    from glint_unet.compute.group import Group

    launch_id = os.environ.get("TORCHELASTIC_RUN_ID", "")
    local_rank, local_size = int(os.environ["LOCAL_RANK"]), int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return Group.join(local_rank, local_size, "" if launch_id in _UNNAMED else launch_id)


def resumed_if_restarted(argv: Sequence[str], group: "Group") -> list[str]:
    """The command line; after a restart by the launcher with `--resume auto`, so that it continues the run it began.

    A restart is recognised by the launcher's count, or, since a node that comes back counts from 0 again, by the job
    that the run directory was written by.

    Raises:
        SettingError: the launcher may restart processes, but there is no --output_dir to continue from.
        RunDirectoryError: the run directory is on another node than the main process.
    """
    output_dir = value_on_line(argv, "output_dir")
    if not output_dir:
        if int(os.environ.get("TORCHELASTIC_MAX_RESTARTS", "0")) and not value_on_line(argv, "resume"):
            raise SettingError("elastic_without_output_dir")
        return list(argv)
    from glint_unet.runs.json_file import as_dicts, read_json
    from glint_unet.runs.run_directory import RunDirectory

    run = RunDirectory(Path(output_dir))
    starts = as_dicts(read_json(run.provenance))
    is_same_job = bool(group.launch_id and starts and starts[-1].get("launch_id") == group.launch_id)
    num_restarts = group.all_reduce_max(int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0"))) or 0
    is_begun = run.holds_a_run()
    restarted = group.all_reduce_max(int(is_begun and (is_same_job or num_restarts > 0)))
    if not restarted:
        return list(argv)
    if not group.broadcast(is_begun):
        raise RunDirectoryError("elastic_other_node", path=output_dir)
    if group.is_main:
        say(text("elastic_restart", path=output_dir))
    return [*argv, "--resume", "auto"]
