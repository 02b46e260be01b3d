"""Operands of output pixels, alone (`codesign.fanout`) or in groups that share what they read.

Pixels of a band are taken row by row, as many at once as the datapath has places for; the last
group of a band may have fewer. Exact, by array operations over all pixels for one tap after the
other; zero padding is no operand.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

from codesign.fanout import Band, at_taps, tap_sums
from codesign.mapping.datapaths import Integers
from codesign.mapping.job_sizes import as_maps, by_held_step
from codesign.mapping.planning import Plan

Values = NDArray[np.uint8 | np.uint16]

_MOST_ELEMENTS = 2**22
"""Outputs looked at together: enough for fast array operations, few enough for little memory."""


def group_starts(bands: tuple[Band, ...], width: int, pixels: int) -> tuple[Integers, Integers]:
    """The first pixel of each group, and for each band the number of its first group."""
    firsts = [np.arange(top * width, bottom * width, pixels) for top, bottom in bands]
    of_bands = np.cumsum([0, *(len(each) for each in firsts[:-1])])
    return np.concatenate(firsts), of_bands


def pairs_of_jobs(plan: Plan, values: Values) -> Integers:
    """Pairs of (input unit, valid tap), shape `(slices or 1, bands, chunks, steps)`."""
    return by_held_step(plan, vectors_of_maps(plan, values, None))


def vectors_of_maps(plan: Plan, values: Values, pixels: int | None) -> Integers:
    """Vectors of weights that the inputs ask for, for every recorded map.

    Args:
        plan: of the layer.
        values: units of each input, time first: 1 for a spike, k for k of them.
        pixels: output pixels that share a vector; None if every pair of a unit and a valid tap has
            its own.

    Returns:
        Shape `(slices or 1, bands, chunks, maps)`.
    """
    sizes, bands = plan.geometry, list(plan.grid.bands)
    maps = as_maps(plan, values, sizes.input_map)
    if pixels is None:
        return _by_part(plan, tap_sums(maps, sizes.output_map, sizes.window, bands))
    return _by_part(plan, _gathered(plan, maps, pixels))


def _by_part(plan: Plan, sums: Integers) -> Integers:
    """Sums of input channels, `(maps, C, bands)`, as `(slices or 1, bands, chunks, maps)`."""
    sizes, grid = plan.geometry, plan.grid
    if sizes.window.groups == 1:
        starts = [first for first, _ in grid.chunks]
        by_chunk = np.add.reduceat(sums, starts, axis=1)  # (timesteps, chunks, bands)
        pairs: Integers = by_chunk.transpose(2, 1, 0)[None]
    else:
        per_output = sizes.outputs_per_group
        inputs = sizes.input_channels_per_group
        starts = [first // per_output * inputs for first, _ in grid.slices]
        by_slice = np.add.reduceat(sums, starts, axis=1)  # (timesteps, slices, bands)
        pairs = by_slice.transpose(1, 2, 0)[:, :, None, :]
    return pairs


def _gathered(plan: Plan, maps: Values, pixels: int) -> Integers:
    """Events that groups of pixels have for each weight: of its pixels the one with most decides.

    Args:
        plan: of the layer.
        maps: events at each input, `(timesteps, C, H, W)`: 1 for a spike, k for k of them.
        pixels: in a group.

    Returns:
        Summed over taps and over the groups of each band, shape `(timesteps, C, bands)`.
    """
    _, height, width = plan.geometry.output_map
    starts, of_bands = group_starts(plan.grid.bands, width, pixels)
    planes = maps.reshape(-1, *maps.shape[2:])
    sums = np.zeros((len(planes), len(of_bands)), dtype=np.int64)
    step = max(1, _MOST_ELEMENTS // (height * width))
    for first in range(0, len(planes), step):
        part = planes[first : first + step]
        for reached in at_taps(part, plan.geometry.window, (height, width)):
            most = np.maximum.reduceat(reached.reshape(len(part), -1), starts, axis=1)
            sums[first : first + step] += np.add.reduceat(most, of_bands, axis=1, dtype=np.int64)
    return sums.reshape(*maps.shape[:2], -1)


def longest_columns(plan: Plan, mask: Values, columns: int) -> Integers:
    """Non-zero operands of the fullest pixel in each group of pixels, summed over groups.

    Args:
        plan: of the layer.
        mask: where operands are not zero, `(timesteps, C, H, W)`.
        columns: pixels of a group; those of all timesteps of a job follow each other.

    Returns:
        Shape `(slices or 1, bands, chunks, steps)`; a pixel's operands are those of all its taps
        and of the input channels of the chunk. Groups of a convolution are done one after the
        other.
    """
    _, height, width = plan.geometry.output_map
    taken = []
    for first, last in _channel_sets(plan):
        sums = mask[:, first:last].sum(axis=1, dtype=np.int64)
        operands = np.sum(list(at_taps(sums, plan.geometry.window, (height, width))), axis=0)
        by_job = _batched(plan, operands)
        of_bands = []
        for top, bottom in plan.grid.bands:
            pixels = by_job[:, :, top:bottom].reshape(len(by_job), -1)
            starts = np.arange(0, pixels.shape[1], columns)
            of_bands.append(np.maximum.reduceat(pixels, starts, axis=1).sum(axis=1))
        taken.append(np.stack(of_bands, axis=1))
    return _by_slice(plan, np.stack(taken))


def _batched(plan: Plan, counts: Integers) -> Integers:
    """Numbers of pixels `(timesteps, H, W)` job by job, `(steps, batch, H, W)`; timesteps that the
    last job does not have are 0."""
    batch, timesteps = plan.geometry.batch, plan.geometry.timesteps
    if len(counts) == 1:
        counts = np.repeat(counts, timesteps, axis=0)  # an input that is held
    whole = np.pad(counts, ((0, -timesteps % batch), (0, 0), (0, 0)))
    return whole.reshape(-1, batch, *counts.shape[1:])


def filled_pixels(plan: Plan, mask: Values, rows: int) -> tuple[Integers, Integers]:
    """Pixels with an operand that is not zero among each so many of theirs.

    Operands of a pixel are taken channel by channel, those of all taps after each other.

    Args:
        plan: of the layer.
        mask: where operands are not zero, `(timesteps, C, H, W)`.
        rows: operands that are taken at once.

    Returns:
        Pixels for the first rows of each chunk (or group of the convolution), and summed over the
        others; both of shape `(slices or 1, bands, chunks, timesteps)`.
    """
    _, height, width = plan.geometry.output_map
    starts = [top * width for top, _ in plan.grid.bands]
    sets = _channel_sets(plan)
    filled = np.zeros((2, len(sets), len(mask), len(starts)), dtype=np.int64)
    for number, (low, high) in enumerate(sets):
        for timestep, begin in itertools.product(range(len(mask)), range(low, high, rows)):
            part = mask[timestep, begin : min(begin + rows, high)]
            taps = list(at_taps(part, plan.geometry.window, (height, width)))
            operands = np.stack(taps, axis=1).reshape(-1, height * width)
            any_of = np.maximum.reduceat(operands, np.arange(0, len(operands), rows), axis=0)
            counts = np.add.reduceat(any_of, starts, axis=1, dtype=np.int64)
            if begin == low:
                filled[0, number, timestep] = counts[0]
                counts = counts[1:]
            filled[1, number, timestep] += counts.sum(axis=0)
    return _by_slice(plan, filled[0]), _by_slice(plan, filled[1])


def _channel_sets(plan: Plan) -> list[Band]:
    """Input channels that an array takes together: of a chunk, or of a group of the convolution."""
    groups, inputs = plan.geometry.window.groups, plan.geometry.input_channels_per_group
    if groups == 1:
        return list(plan.grid.chunks)
    return [(group * inputs, (group + 1) * inputs) for group in range(groups)]


def _by_slice(plan: Plan, counts: Integers) -> Integers:
    """Counts of channel sets, `(sets, timesteps, bands)`, with slices, bands and chunks first."""
    in_order = counts.transpose(0, 2, 1)
    if plan.geometry.window.groups == 1:
        return in_order.transpose(1, 0, 2)[None]
    firsts = [first // plan.geometry.outputs_per_group for first, _ in plan.grid.slices]
    sums: Integers = np.add.reduceat(in_order, firsts, axis=0)
    return sums[:, :, None, :]
