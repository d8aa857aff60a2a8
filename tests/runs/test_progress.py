"""The current epoch and the best epoch, as stored in checkpoints."""

import pytest
import torch

from glint_unet.errors import NonFiniteLossError
from glint_unet.model.losses import TERMS
from glint_unet.runs.progress import Best, EpochProgress


def test_means_are_over_images_not_over_steps():
    progress = EpochProgress()
    progress.add(torch.full((len(TERMS),), 1.0), 3)
    progress.add(torch.full((len(TERMS),), 5.0), 1)
    assert progress.means() == dict.fromkeys(TERMS, 2.0)
    assert (progress.batches_done, progress.images_done) == (2, 4)


def test_progress_survives_its_dict():
    progress = EpochProgress(2, 5, torch.arange(float(len(TERMS)), dtype=torch.float64), 1.5, 0.5)
    again = EpochProgress.from_dict(progress.to_dict())
    assert again.to_dict() | {"term_sums": 0} == progress.to_dict() | {"term_sums": 0}
    assert torch.equal(again.term_sums, progress.term_sums)


def test_a_term_that_the_checkpoint_did_not_know_begins_at_zero():
    stored = EpochProgress().to_dict() | {"term_sums": torch.ones(len(TERMS) - 1, dtype=torch.float64)}
    assert EpochProgress.from_dict(stored).term_sums.tolist() == [1.0] * (len(TERMS) - 1) + [0.0]


@pytest.mark.parametrize(
    "sums",
    [torch.zeros(len(TERMS) + 1), *map(torch.zeros, range(6)), torch.zeros(1, 2), torch.zeros(6, 2), [1.0], None],
)
def test_sums_of_something_else_are_refused(sums):
    with pytest.raises((ValueError, TypeError)):
        EpochProgress.from_dict(EpochProgress().to_dict() | {"term_sums": sums})


def test_a_loss_that_is_not_finite_is_noticed():
    progress = EpochProgress()
    progress.add(torch.full((len(TERMS),), torch.nan), 1)
    with pytest.raises(NonFiniteLossError):
        progress.check_finite(3)


def test_the_best_is_the_lower_rank_then_the_lower_loss():
    by_f1 = [
        Best.of_epoch(k, {"total": t, "f1": f}, "f1") for k, t, f in ((1, 0.5, 0.8), (2, 0.4, 0.8), (3, 0.1, None))
    ]
    assert by_f1[1].beats(by_f1[0])
    assert by_f1[0].beats(by_f1[2])
    assert by_f1[0].beats(Best())
    assert Best.of_epoch(1, {"total": 0.2}, "total").beats(Best.of_epoch(2, {"total": 0.3}, "total"))
