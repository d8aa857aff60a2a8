import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.data.split import Split, draw_split, epoch_batches, evenly
from glint_unet.errors import DatasetError


@given(n=st.integers(2, 500), share=st.floats(0.05, 0.9), seed=st.integers(0, 2**32 - 1))
def test_a_split_is_whole_and_without_overlap(n, share, seed):
    if not 1 <= round(n * share) < n:
        return
    split = draw_split(n, share, seed)
    assert sorted([*split.train, *split.val]) == list(range(n))
    assert len(split.val) == round(n * share)
    assert Split.from_dict(split.to_dict()).train.tolist() == split.train.tolist()


@pytest.mark.parametrize(("n", "share"), [(1, 0.5), (3, 0.1), (2, 0.9)])
def test_too_few_images_for_both_sides_are_refused(n, share):
    with pytest.raises(DatasetError, match=f"N={n}"):
        draw_split(n, share, 0)


@given(n=st.integers(1, 100), batch=st.integers(1, 20), seed=st.integers(0, 10), epoch=st.integers(1, 1000))
def test_every_row_is_in_one_batch_of_an_epoch(n, batch, seed, epoch):
    rows = np.arange(n, dtype=np.int64)
    batches = epoch_batches(rows, batch, seed, epoch)
    assert sorted(np.concatenate(batches)) == list(rows)
    assert all(len(b) == batch for b in batches[:-1])


def test_the_order_depends_on_seed_and_epoch_alone():
    rows = np.arange(50, dtype=np.int64)
    first = np.concatenate(epoch_batches(rows, 8, 1, 1))
    assert np.array_equal(first, np.concatenate(epoch_batches(rows, 7, 1, 1)))
    assert not np.array_equal(first, np.concatenate(epoch_batches(rows, 8, 1, 2)))
    assert not np.array_equal(first, np.concatenate(epoch_batches(rows, 8, 2, 1)))


def test_the_order_is_the_same_on_every_machine_and_in_every_year():
    assert np.concatenate(epoch_batches(np.arange(6, dtype=np.int64), 6, 0, 1)).tolist() == [5, 3, 2, 4, 1, 0]
    assert draw_split(10, 0.3, 0).val.tolist() == [2, 7, 9]


@given(st.integers(1, 50), st.integers(1, 60))
def test_evenly_spaced_rows_are_at_most_as_many_as_requested_and_each_once(num, most):
    rows = np.arange(num) * 3
    chosen = evenly(rows, most)
    assert len(chosen) == len(set(chosen)) == min(num, most)
    assert set(chosen) <= set(rows)
    assert chosen[0] == 0
