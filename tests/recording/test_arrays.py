"""Integers out of floats: exact, or refused."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import CaptureError
from codesign.recording.arrays import whole_numbers
from codesign.recording.draft import LARGEST_INTEGER


@given(
    st.lists(st.integers(0, LARGEST_INTEGER), min_size=1, max_size=20),
    st.floats(1e-20, 1e20),
    st.sampled_from([torch.float32, torch.float64]),
)
def test_all_integers_that_are_recorded_survive_a_scale(
    integers: list[int], scale: float, dtype: torch.dtype
) -> None:
    data = torch.tensor(integers, dtype=dtype) * scale
    assert np.array_equal(whole_numbers(data, scale), integers)


@pytest.mark.parametrize("dtype", [torch.int64, torch.float16, torch.bfloat16])
def test_small_integers_of_any_type_are_themselves(dtype: torch.dtype) -> None:
    integers = list(range(200))
    assert whole_numbers(torch.tensor(integers, dtype=dtype)).tolist() == integers


@pytest.mark.parametrize(
    ("data", "scale"),
    [
        (torch.tensor([257.0], dtype=torch.bfloat16), 1.0),  # is 256 already
        (torch.tensor([2049.0], dtype=torch.float16), 1.0),
        (torch.tensor([131 * 0.3], dtype=torch.bfloat16), 0.3),  # looks like 130.83
        (torch.tensor([2.0, float("nan")]), 1.0),
        (torch.tensor([float("inf")]), 0.5),
        (torch.tensor([1.5]), 1.0),
    ],
)
def test_what_is_not_surely_an_integer_is_refused(data: torch.Tensor, scale: float) -> None:
    with pytest.raises(CaptureError, match="must give integers, times its scale"):
        whole_numbers(data, scale)
