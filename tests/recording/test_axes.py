import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codesign.errors import CaptureError
from codesign.recording.axes import (
    Axis,
    features,
    held,
    input_axes,
    joined,
    reshaped,
    unsqueezed,
)

T, N, F, H = Axis.TIME, Axis.BATCH, Axis.FEATURE, Axis.HELD
SIZES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def timesteps_of(shape: tuple[int, ...]) -> np.ndarray:
    """An array whose every element is its own timestep; time is its first axis."""
    index = np.arange(shape[0]).reshape(-1, *[1] * (len(shape) - 1))
    return np.broadcast_to(index, shape)


def assert_time_is_labelled(array: np.ndarray, axes: tuple[Axis, ...]) -> None:
    by_time = np.moveaxis(array, axes.index(T), 0)
    for timestep, elements in enumerate(by_time):
        assert (elements == timestep).all()


@given(SIZES, st.integers(1, 4), st.data())
def test_the_axis_called_time_runs_through_the_timesteps(
    sizes: tuple[int, ...], timesteps: int, data: st.DataObject
) -> None:
    """Whatever shape is asked for: it is refused, or the label is right."""
    before = (timesteps, 1, *sizes)
    after = tuple(data.draw(st.permutations(before) | SIZES))
    assume(math.prod(after) == math.prod(before))
    try:
        axes = reshaped((T, N, *[F] * len(sizes)), before, after)
    except CaptureError:
        axes = ()
    array = timesteps_of(before).reshape(after)
    if axes:
        assert_time_is_labelled(array, axes)
    elif timesteps > 1:  # refusing is right: no axis of the result is time
        for position, size in enumerate(after):
            by_axis = np.moveaxis(array, position, 0).reshape(size, -1)
            assert size != timesteps or (by_axis != np.arange(timesteps)[:, None]).any()


@given(SIZES, st.integers(1, 4))
def test_flattening_time_and_batch_and_restoring_them_changes_nothing(
    sizes: tuple[int, ...], timesteps: int
) -> None:
    axes = (T, N, *[F] * len(sizes))
    shape, flat = (timesteps, 1, *sizes), (timesteps, *sizes)
    flattened = reshaped(axes, shape, flat)
    assert flattened == (T, *[F] * len(sizes))
    assert reshaped(flattened, flat, shape) == axes


@given(SIZES, st.integers(1, 4))
def test_flattening_features_keeps_time_and_batch(sizes: tuple[int, ...], timesteps: int) -> None:
    assume(len(sizes) != 2 or sizes[0] != 1)  # (1, 1, 5) to (1, 5): which of the ones is left?
    axes = (T, N, *[F] * len(sizes))
    after = (timesteps, 1, math.prod(sizes))
    labels = reshaped(axes, (timesteps, 1, *sizes), after)
    assert labels == (T, N, F)
    assert features(labels, after) == (math.prod(sizes),)


def test_a_fully_pooled_map_becomes_a_vector() -> None:
    assert reshaped((N, F, F, F), (1, 8, 1, 1), (1, 8)) == (N, F)
    assert reshaped((T, F, F, F), (4, 8, 1, 1), (4, 8)) == (T, F)


def test_one_channel_is_not_mistaken_for_the_batch() -> None:
    assert reshaped((T, F, F, F), (4, 1, 8, 8), (4, 1, 1, 8, 8)) == (T, N, F, F, F)
    assert reshaped((T, N, F, F, F), (4, 1, 1, 8, 8), (4, 1, 8, 8)) == (T, F, F, F)


@pytest.mark.parametrize("after", [(12, 2), (2, 2, 1, 6), (24,)])
def test_time_may_not_be_merged_or_cut(after: tuple[int, ...]) -> None:
    with pytest.raises(CaptureError, match="must keep time as an axis of its own"):
        reshaped((T, N, F), (4, 1, 6), after)


def test_a_static_value_becomes_timed_when_it_is_held() -> None:
    raised = unsqueezed((N, F), 0)
    assert raised == (H, N, F)
    assert held(raised, (1, 1, 8), (4, 1, 8)) == (T, N, F)
    assert held((N, F), (1, 8), (4, 1, 8)) == (T, N, F)
    assert held((N, F), (1, 8), (4, 8)) == (T, F)


def test_a_static_value_is_held_for_the_only_timestep() -> None:
    shape = (1, 1, 8)
    for timesteps in (None, 1):
        assert held((H, N, F), shape, shape, timesteps) == (T, N, F)
        assert held((N, F), shape[1:], shape[1:], timesteps) == (N, F)
        assert held((T, H, F), shape, shape, timesteps) == (T, H, F)
    assert held((H, N, F), shape, shape, 4) == (H, N, F)


@pytest.mark.parametrize(
    ("axes", "before", "after"),
    [
        ((T, N, F), (4, 1, 8), (4, 4, 1, 8)),
        ((T, N, F), (4, 1, 8), (8, 1, 8)),
        ((N, F), (1, 1), (1, 8)),
        ((N, F), (1, 8), (2, 2, 1, 8)),
    ],
)
def test_only_a_static_value_may_be_held_and_once(
    axes: tuple[Axis, ...], before: tuple[int, ...], after: tuple[int, ...]
) -> None:
    with pytest.raises(CaptureError, match="Only a static value may be held"):
        held(axes, before, after)


def test_time_wins_over_a_static_operand() -> None:
    assert joined((T, N, F), (N, F)) == (T, N, F)
    assert joined((H, N, F), (T, N, F)) == (T, N, F)
    assert joined((N, F), (T, F)) == (T, F)
    with pytest.raises(CaptureError, match="time at the same place"):
        joined((T, N, F), (N, T, F))


def test_the_input_is_one_static_image_or_one_sequence() -> None:
    assert input_axes((1, 3, 8, 8)) == (N, F, F, F)
    assert input_axes((4, 1, 3, 8, 8)) == (T, N, F, F, F)
    assert input_axes((4, 1, 9)) == (T, N, F)
    with pytest.raises(CaptureError, match=r"must hold one image \(got 2"):
        input_axes((2, 3, 8, 8))
    with pytest.raises(CaptureError, match=r"must hold one image \(got 3"):
        input_axes((4, 3, 2, 8, 8))
    with pytest.raises(CaptureError, match="must have shape"):
        input_axes((3,))
