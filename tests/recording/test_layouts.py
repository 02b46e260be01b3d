"""Layouts say where a view's elements are; numpy's own strides are the reference."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import CaptureError
from codesign.recording.axes import Axis
from codesign.recording.layouts import in_order, permuted, reshaped, strides_of

T, N, F = Axis.TIME, Axis.BATCH, Axis.FEATURE


def merged(shape: tuple[int, ...]) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes in which neighbouring axes are one."""
    places = st.integers(0, len(shape))
    return places.map(lambda at: (math.prod(shape[:at]), math.prod(shape[at:])))


SHAPES = st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple)


def elements(shape: tuple[int, ...], layout: tuple[int, ...]) -> np.ndarray:
    """The recorded element at each place of a view."""
    index = np.indices(shape).reshape(len(shape), math.prod(shape))
    return (np.array(layout) @ index).reshape(shape)


@given(SHAPES, st.data())
def test_a_permuted_and_reshaped_view_reads_the_elements_that_numpy_reads(
    shape: tuple[int, ...], data: st.DataObject
) -> None:
    order = tuple(data.draw(st.permutations(range(len(shape)))))
    axes, layout = permuted(None, (F,) * len(shape), shape, order)
    expected = np.arange(math.prod(shape)).reshape(shape).transpose(order)
    strides = strides_of(layout, axes, expected.shape)
    assert np.array_equal(elements(expected.shape, strides), expected)
    after = data.draw(st.permutations(shape).map(tuple) | merged(shape))
    try:
        view = reshaped(layout, expected.shape, after)
    except CaptureError:
        copied = expected.reshape(after)
        assert not np.shares_memory(copied, expected)  # numpy had to copy as well
        return
    strides = in_order(after) if view is None else view
    assert np.array_equal(elements(after, strides), expected.reshape(after))


def test_moving_time_and_batch_keeps_the_order() -> None:
    assert permuted(None, (T, N, F, F), (3, 1, 4, 5), (1, 0, 2, 3)) == ((N, T, F, F), None)
    assert permuted(None, (T, N, F, F), (3, 1, 4, 5), (2, 0, 1, 3)) == ((F, T, N, F), None)


def test_permuting_back_is_the_recorded_order_again() -> None:
    axes, layout = permuted(None, (F, F), (4, 5), (1, 0))
    assert layout == (1, 5)
    assert permuted(layout, axes, (5, 4), (1, 0)) == ((F, F), None)


def test_axes_of_length_1_do_not_make_another_order() -> None:
    assert permuted(None, (F, F), (1, 5), (1, 0)) == ((F, F), None)


def test_what_would_have_to_be_copied_is_refused() -> None:
    with pytest.raises(CaptureError, match=r"must not merge .* \(got \(5, 4\) to \(20,\)\)"):
        reshaped((1, 5), (5, 4), (20,))
