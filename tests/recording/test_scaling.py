"""Integers times a constant: what is recorded of them, and who may read them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from codesign.errors import CaptureError
from codesign.trace import Trace
from codesign.workload import LayerType
from tests.recording.test_products import SIDE, by_head, products, record


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


def scaled_sum(trace: Trace) -> np.ndarray:
    [layer] = [each for each in trace.workload.layers if each.type is LayerType.TIME_MEAN]
    return trace.values(layer.output)


def over_time(made: Tensor) -> Tensor:
    return made.sum(0)


def grown(made: Tensor) -> Tensor:
    return made[0] + made[1] + made[2]


def stacked(made: Tensor) -> Tensor:
    return torch.stack(list(made)).sum(0)


@pytest.mark.parametrize("add_up", [over_time, grown, stacked, lambda made: made.mean(0)])
def test_scaled_integers_are_not_added_up_over_time(add_up: Callable[[Tensor], Tensor]) -> None:
    def function(q: Tensor, k: Tensor, _v: Tensor) -> Tensor:
        return functional.linear(add_up(scores(q, k) * 0.125), torch.ones(5, SIDE * SIDE))

    with pytest.raises(
        CaptureError, match=r"must read integers that are not scaled \(got 'product'"
    ):
        record(function)


@pytest.mark.parametrize("add_up", [over_time, grown, stacked])
def test_integers_are_added_up_over_time_and_scaled_behind(
    add_up: Callable[[Tensor], Tensor],
) -> None:
    seen: list[Tensor] = []

    def function(q: Tensor, k: Tensor, _v: Tensor) -> Tensor:
        seen.append(scores(q, k))
        return functional.linear(add_up(seen[0]), torch.ones(5, SIDE * SIDE))

    assert np.array_equal(scaled_sum(record(function))[0], exact(seen[0].sum(0, keepdim=True))[0])


def test_timesteps_of_different_scales_are_not_collected() -> None:
    def function(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        made = [score * 0.5 ** (step + 1) for step, score in enumerate(scores(q, k))]
        return torch.stack(made) @ by_head(v).mT

    with pytest.raises(CaptureError, match=r"of one scale at all timesteps \(got 0.5, 0.25, 0.125"):
        record(function)


def test_timesteps_of_one_scale_are_collected() -> None:
    def at_once(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (scores(q, k) * 0.3) @ by_head(v).mT

    def one_by_one(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.stack([score * 0.3 for score in scores(q, k)]) @ by_head(v).mT

    traces = [record(function) for function in (at_once, one_by_one)]
    *_, last = products(traces[0])
    assert np.array_equal(*(trace.values(last.output) for trace in traces))
