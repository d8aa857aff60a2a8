import json
import math
from pathlib import Path

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.runs.plain_values import for_json, plain

NUMPY = [np.float16, np.float32, np.float64, np.longdouble, np.int8, np.int64, np.uint64, np.bool_]
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(), st.text(), st.builds(Path, st.just("a"))
) | st.builds(lambda kind, number: kind(number), st.sampled_from(NUMPY), st.integers(0, 100))
keys = st.text(max_size=3) | st.integers(0, 9).map(np.int64) | st.text(max_size=3).map(np.str_)
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.tuples(inner, inner))


@given(values)
def test_whatever_comes_in_only_plain_values_come_out(value):
    def check(item):
        assert type(item) in (type(None), bool, int, float, str, list, tuple, dict)
        for inner in item.items() if isinstance(item, dict) else item if isinstance(item, (list, tuple)) else ():
            check(inner)

    check(plain(value, str))


@given(values)
def test_whatever_comes_in_json_holds_it(value):
    json.dumps(for_json(value, not_finite=lambda _: None), allow_nan=False)


def test_numbers_keep_their_values_and_tensors_become_numbers():
    assert plain({np.int64(1): (np.float32(0.5), np.array([1, 2]))}, str) == {1: (0.5, [1, 2])}
    assert for_json([torch.tensor(0.5), torch.eye(2), math.nan, -math.inf], str) == [
        0.5,
        [[1, 0], [0, 1]],
        "nan",
        "-inf",
    ]
