"""Integers times a constant: what is recorded of them, and who may read them."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from codesign.errors import CaptureError
from tests.recording.test_products import by_head, products, record


def scores(q: Tensor, k: Tensor) -> Tensor:
    return by_head(q).mT @ by_head(k)


def exact(seen: Tensor) -> np.ndarray:
    """Values of all timesteps as a trace has them."""
    return seen.squeeze(1).numpy()


@settings(max_examples=40, deadline=None)
@given(
    constants=st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=3),
    is_divided=st.booleans(),
    is_tensor=st.booleans(),
)
def test_whatever_the_scale_the_integers_are_recorded(
    constants: list[float], is_divided: bool, is_tensor: bool
) -> None:
    seen: list[Tensor] = []

    def function(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        made = scores(q, k)
        seen.append(made @ by_head(v).mT)
        for constant in constants:
            other = torch.tensor(constant) if is_tensor else constant
            made = made / other if is_divided else made * other
        return made @ by_head(v).mT

    outer = record(function)
    *_, last = products(outer)
    assert np.array_equal(outer.values(last.output), exact(seen[0]))


def test_a_scale_is_no_layer() -> None:
    def unscaled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return scores(q, k) @ by_head(v).mT

    def scaled(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return 32**-0.5 * scores(q, k) @ by_head(v).mT

    assert record(scaled).workload == record(unscaled).workload


@pytest.mark.parametrize("constant", [1e-45, 1e38])
def test_scales_with_which_integers_cannot_be_told_apart_are_refused(constant: float) -> None:
    def function(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        made = scores(q, k) * 11.0  # floats near 1e-45 have steps of 1.4e-45, and end near 3e38
        return made * constant @ by_head(v).mT

    message = r"net \(matmul\): must give integers, times its scale .*, that torch.float32 tells"
    with pytest.raises(CaptureError, match=message):
        record(function)
