"""Shared vectors: how often a core that gathers reads weights at least, whatever the bands are.

Its lanes are shared by so many output pixels, taken row by row within a band of rows; a vector of
weights is read for each tap at which any of them has a spike (`codesign.mapping.pixel_groups`).
Where groups of pixels begin depends on the bands, which begin with a row. So whatever the bands
are, a group is a run of whole blocks of g pixels, g the largest common divisor of its size and of a
row. Where the size divides a row that is exact; else the fewest runs are counted that cover all
blocks with a spike, one after the other, each from the first block that is not covered.
"""

import math

import numpy as np
from numpy.typing import NDArray

from codesign.coincidence import events_of
from codesign.fanout import at_taps
from codesign.workload import Layer, Window, Workload

Integers = NDArray[np.int64]
Values = NDArray[np.uint8 | np.uint16]

_MOST_ELEMENTS = 2**24
"""Outputs looked at together: enough for fast array operations, few enough for little memory."""


def shared_vectors(workload: Workload, layer: Layer, mask: Values, pixels: int) -> Integers:
    """The fewest vectors of weights that a layer asks for at each timestep.

    Args:
        workload: the network.
        layer: a convolution, a linear layer or a product.
        mask: where its main input is not zero, `(timesteps, *shape)`.
        pixels: output pixels that share a vector.
    """
    if layer.contraction is not None:
        places = events_of(mask, layer.contraction).swapaxes(2, 3)  # places last
        return _fewest_runs(places.reshape(len(mask), -1, places.shape[-1]), 1, pixels)
    if layer.window is None:
        features = mask.shape[-1]
        return _fewest_runs(mask.reshape(len(mask), -1, features).swapaxes(1, 2), 1, pixels)
    return _of_windows(layer.window, workload.output_tensor(layer).shape, mask, pixels)


def _of_windows(window: Window, shape: tuple[int, ...], mask: Values, pixels: int) -> Integers:
    """Of a convolution, tap by tap for some timesteps at once."""
    _, height, width = shape
    at_once = max(1, _MOST_ELEMENTS // (mask.shape[1] * height * width * window.taps))
    parts = []
    for first in range(0, len(mask), at_once):
        part = mask[first : first + at_once]
        taps = np.stack(list(at_taps(part, window, (height, width))), axis=1)
        parts.append(_fewest_runs(taps.reshape(len(part), -1, height * width), width, pixels))
    return np.concatenate(parts)


def _fewest_runs(maps: Values, width: int, pixels: int) -> Integers:
    """Runs of so many pixels that cover all spikes of maps `(timesteps, maps, pixels)`."""
    side = math.gcd(pixels, width)
    timesteps, count, size = maps.shape
    blocks = maps.reshape(timesteps, count, size // side, side).max(axis=3) > 0
    if side == pixels:
        return np.asarray(blocks.sum(axis=(1, 2)), dtype=np.int64)
    columns = np.ascontiguousarray(np.moveaxis(blocks, 2, 0))
    begun = np.zeros((timesteps, count), dtype=np.int64)
    covered = np.zeros((timesteps, count), dtype=np.int32)
    for place, column in enumerate(columns):
        begins = column & (covered <= place)
        begun += begins
        covered[begins] = place + pixels // side
    return np.asarray(begun.sum(axis=1))
