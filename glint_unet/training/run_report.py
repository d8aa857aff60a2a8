"""Makes report.html of a run from what is on disk, at any time: during training, after it, or on another machine."""

import contextlib

import torch

from glint_unet.data.origin import origin_of
from glint_unet.errors import GlintError, ResumeError
from glint_unet.model.constellation import Constellation
from glint_unet.model.network import build_network
from glint_unet.report.judged import Judged
from glint_unet.report.page import history_of, write_run_report
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.loading import check_fits
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.results import RunView, predict
from glint_unet.training.run_data import examine, needed


def remake_report(run: RunDirectory) -> None:
    """Writes report.html; without the data set or an intact best model, it has no errors and no images, and says why.

    Raises:
        RunDirectoryError: there is no run, or the report cannot be written.
    """
    history_of(run)
    judged, epoch, reason = None, 0, ""
    try:
        best = Checkpoint.read(run.best)
        epoch = best.epoch
        judged = _judged(best)
    except GlintError as error:
        reason = str(error)
    write_run_report(run, judged, epoch, reason)


def _judged(best: Checkpoint) -> Judged:
    """The best model of a run on its validation images."""
    config, state = best.config, best.run_state()
    info, md5 = examine(config)
    if md5 != state.dataset["md5"]:
        raise ResumeError("evaluate_other_dataset", path=config.h5, md5=md5, was=state.dataset["md5"])
    network = build_network(config, info)
    assert best.path is not None
    check_fits(best.deployed_weights, network, best.path)
    network.load_state_dict(best.deployed_weights)
    origin, cpu = origin_of(config.h5, config.seed), torch.device("cpu")
    with contextlib.closing(origin.open(needed(config, info), "none", num_workers=0, device=cpu)) as source:
        view = RunView(source, config, Constellation.of_run(state.dataset))
        return view.judged(predict(network, view, state.split.val, best.threshold), state.split.val)
