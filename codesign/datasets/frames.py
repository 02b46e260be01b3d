"""Frames: what a network sees of a recording of events.

T frames count the events of each pixel and polarity. They take equal numbers of events, or equal
spans of time; what does not divide goes to the last one. (These are the two ways of SpikingJelly,
with which the networks on recorded events are usually trained.) Counts are integers without
an end (see `codesign.networks.exactness` for how many are summed exactly); `binary` keeps only
whether there was an event, which makes spikes of them.
"""

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from codesign.datasets.aedat import SENSOR_SIDE
from codesign.datasets.reading import refused
from codesign.datasets.sample import Events


class Division(StrEnum):
    """What the frames have an equal share of."""

    NUMBER = "number"
    TIME = "time"


def event_frames(
    events: Events,
    timesteps: int,
    *,
    division: Division = Division.NUMBER,
    is_binary: bool = False,
    side: int = SENSOR_SIDE,
    place: str = "events",
) -> NDArray[np.float32]:
    """Frames of a recording.

    Args:
        events: the recording.
        timesteps: T.
        division: equal numbers of events, or equal times.
        is_binary: 1 where there was an event, instead of their number.
        side: height and width; neighbouring pixels are counted together if it is below 128.
        place: what an error names.

    Returns:
        `(T, 2, side, side)` float32: falling events, then rising ones; whole numbers.

    Raises:
        InputError: there are fewer events (or microseconds) than frames, or 128 is no multiple of
            the side.
    """
    if side < 1 or SENSOR_SIDE % side:
        problem = f"must be seen at a side that divides {SENSOR_SIDE} (got {side})."
        raise refused(place, problem, "Change the shape of the network's input.")
    block = SENSOR_SIDE // side
    row, column = events.row.astype(np.int64) // block, events.column // block
    polarity = events.is_rising.astype(np.int64)
    frame = _frame_of(events, timesteps, division, place)
    cell = ((frame * 2 + polarity) * side + row) * side + column
    counts = np.bincount(cell, minlength=timesteps * 2 * side * side)
    held = np.minimum(counts, 1) if is_binary else counts
    return held.reshape(timesteps, 2, side, side).astype(np.float32)


def _frame_of(events: Events, timesteps: int, division: Division, place: str) -> NDArray[np.int64]:
    """The frame of each event."""
    if division == Division.NUMBER:
        position, what = np.arange(events.time_us.size), "events"
        share = events.time_us.size // timesteps
    else:
        position, what = events.time_us - events.time_us[0], "microseconds"
        share = int(position[-1]) // timesteps
    if not share:
        problem = f"must have at least one of its {what} for each of {timesteps} frames."
        raise refused(place, problem, "Take fewer timesteps.")
    return np.minimum(position // share, timesteps - 1)
