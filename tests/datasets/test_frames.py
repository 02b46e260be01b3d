"""Frames of event recordings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.datasets.frames import Division, event_frames
from codesign.datasets.sample import Events
from codesign.errors import InputError
from tests.datasets.written import random_events


def recording(count: int, seed: int = 0) -> Events:
    rows = np.array(random_events(count, seed))
    return Events(
        rows[:, 0], rows[:, 1].astype(np.uint8), rows[:, 2].astype(np.uint8), rows[:, 3] == 1
    )


@given(
    count=st.integers(20, 200),
    timesteps=st.integers(1, 8),
    division=st.sampled_from(Division),
    seed=st.integers(0, 99),
)
def test_every_event_is_counted_once_and_binary_is_where_one_was(
    count: int, timesteps: int, division: Division, seed: int
) -> None:
    events = recording(count, seed)
    frames = event_frames(events, timesteps, division=division)
    assert frames.shape == (timesteps, 2, 128, 128)
    assert frames.sum() == count
    assert frames[:, 1].sum() == events.is_rising.sum()
    binary = event_frames(events, timesteps, division=division, is_binary=True)
    np.testing.assert_array_equal(binary, frames > 0)


def test_frames_by_number_have_equal_numbers_and_the_last_one_has_the_rest() -> None:
    frames = event_frames(recording(103), 4)
    assert frames.sum(axis=(1, 2, 3)).tolist() == [25, 25, 25, 28]


def test_frames_by_time_have_equal_times_and_the_last_one_has_the_rest() -> None:
    time_us = np.array([10, 12, 13, 16, 19, 20])  # 10 us in three frames of 3 us
    zeros = np.zeros(6, np.uint8)
    events = Events(time_us, zeros, zeros, zeros == 1)
    frames = event_frames(events, 3, division=Division.TIME)
    assert frames.sum(axis=(1, 2, 3)).tolist() == [2, 1, 3]


def test_an_event_is_where_it_was() -> None:
    one = np.array([7], np.uint8)
    events = Events(np.array([3]), one, one + 2, np.array([True]))
    assert event_frames(events, 1)[0, 1, 9, 7] == 1
    assert event_frames(events, 1, side=32)[0, 1, 2, 1] == 1


def test_fewer_events_or_microseconds_than_frames_are_refused() -> None:
    with pytest.raises(InputError, match="at least one of its events for each of 5 frames"):
        event_frames(recording(4), 5)
    with pytest.raises(InputError, match="at least one of its microseconds"):
        event_frames(recording(2), 999, division=Division.TIME)


def test_a_side_that_does_not_divide_the_sensor_is_refused() -> None:
    with pytest.raises(InputError, match=r"divides 128 \(got 100\)"):
        event_frames(recording(4), 1, side=100)
