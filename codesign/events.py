"""Events: what an event camera would have seen of a photograph, simulated.

Event cameras report pixels whose brightness changes. Data sets made from photographs (N-MNIST,
CIFAR10-DVS) move the sensor or the picture in small saccades; so does this simulation. The sensor
looks at a part of the photograph, which moves along three straight legs that end where they
began, by half a pixel at a time. A pixel reports an event each time the logarithm of its
brightness has changed by the threshold since its last event, up or down. Events are then counted
in T frames of equal duration.

Everything is integer arithmetic, logarithms are rounded to a grid, so that the same photograph
gives the same events on every machine. Left out: noise, latency, refractory periods and
mismatch between pixels. What comes out is called simulated wherever it is reported.
"""

import math
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.pictures import load_levels

EVENT_SIDE = 128
"""Height and width of the sensor."""

LARGEST_COUNT = 255
"""Events of a pixel in one frame at most; further ones are lost."""

LOG_STEPS = 1024
"""Grid of the natural logarithm of brightness."""

DARK_LEVEL = 20
"""Added to the brightness of 0 to 1020 before its logarithm, as a sensor's dark current is."""

THRESHOLD = 205
"""Change of the logarithm that makes an event, in steps: a contrast of 0.2."""

LEG_LENGTH = 16
LEGS = ((1, 1), (-1, 1), (0, -2))
"""Direction of each leg, (down, right) in half pixels; `LEG_LENGTH` moves each."""

_CANVAS = 2 * EVENT_SIDE + 2 * LEG_LENGTH
_BRIGHTEST = 4 * 255
_LUMINANCE = np.array([299, 587, 114])


def simulate_events(picture: str | os.PathLike[str], timesteps: int) -> NDArray[np.float32]:
    """Frames of simulated events of a photograph.

    Args:
        picture: name of a shipped photograph, or a path.
        timesteps: T, the number of frames. More than 48 repeat the three legs.

    Returns:
        `(T, 2, 128, 128)` float32: events of falling and of rising brightness, whole numbers up
        to `LARGEST_COUNT`.

    Raises:
        InputError: the picture cannot be used; see `codesign.pictures.load_levels`.
    """
    grey = _grey(load_levels(picture, _CANVAS, _CANVAS))
    logarithm = log_brightness()
    places = _path(timesteps)
    frames = np.zeros((timesteps, 2, EVENT_SIDE, EVENT_SIDE), dtype=np.int64)
    reference = logarithm[_seen(grey, places[0])]
    for move, place in enumerate(places[1:]):
        change = logarithm[_seen(grey, place)] - reference
        steps = np.abs(change) // THRESHOLD * np.sign(change)
        reference = reference + steps * THRESHOLD
        frame = frames[move * timesteps // (len(places) - 1)]
        frame[0] += np.maximum(-steps, 0)
        frame[1] += np.maximum(steps, 0)
    return np.minimum(frames, LARGEST_COUNT).astype(np.float32)


def method() -> str:
    """How events are made, in one line, for provenance."""
    moves = len(LEGS) * LEG_LENGTH
    return f"saccade of {moves} moves, contrast threshold {THRESHOLD / LOG_STEPS:.1f}, no noise"


def log_brightness() -> NDArray[np.int64]:
    """Logarithms of all levels of brightness, in steps of 1 / LOG_STEPS."""
    exact = [LOG_STEPS * math.log(level + DARK_LEVEL) for level in range(_BRIGHTEST + 1)]
    return np.array([round(value) for value in exact])


def _grey(levels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Luminance of 0 to 255 by the weights of ITU-R BT.601, rounded down."""
    grey: NDArray[np.int64] = levels.astype(np.int64) @ _LUMINANCE // 1000
    return grey


def _path(timesteps: int) -> list[tuple[int, int]]:
    """Places of the sensor, (down, right) in half pixels; all moves are of equal duration."""
    places = [(LEG_LENGTH // 2, 0)]
    moves = [leg for leg in LEGS for _ in range(LEG_LENGTH)]
    for down, right in moves * -(-timesteps // len(moves)):
        places.append((places[-1][0] + down, places[-1][1] + right))
    return places


def _seen(grey: NDArray[Any], place: tuple[int, int]) -> NDArray[np.int64]:
    """Brightness of each pixel at a place: the sum of the four half pixels that it covers."""
    top, left = place
    part = grey[top : top + 2 * EVENT_SIDE, left : left + 2 * EVENT_SIDE]
    blocks = part.reshape(EVENT_SIDE, 2, EVENT_SIDE, 2)
    bright: NDArray[np.int64] = blocks.sum(axis=(1, 3))
    return bright
