"""Sizes of a layer's jobs, as arrays that broadcast to `(slices, bands, chunks, steps)`.

A step is a timestep, or a batch of them that one job computes. Everything here follows from the
cut of the layer; what was recorded decides nothing.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.fanout import Band
from codesign.mapping.datapaths import Integers
from codesign.mapping.planning import Plan
from codesign.mapping.tiling import input_rows
from codesign.workload import LayerType

Columns = dict[str, Integers | int]


def input_bits(plan: Plan) -> Integers:
    """Bits of the main layer's input that each job reads, shape `(slices, bands, chunks, 1)`."""
    sizes, grid = plan.geometry, plan.grid
    rows = np.array([input_rows(band, sizes.window, sizes.input_map[1]) for band in grid.bands])
    channels = np.array(
        [
            [sizes.input_channels(_length(each), _length(chunk)) for chunk in grid.chunks]
            for each in grid.slices
        ]
    )
    elements = channels[:, None, :] * rows[None, :, None] * sizes.input_map[2]
    bits: Integers = elements[..., None] * sizes.input_bits * sizes.input_timesteps
    return bits


def slice_lengths(plan: Plan) -> Integers:
    """Output channels of each slice, shape `(slices, 1, 1, 1)`."""
    return np.array([_length(each) for each in plan.grid.slices]).reshape(-1, 1, 1, 1)


def band_pixels(plan: Plan) -> Integers:
    """Output pixels of each band, shape `(1, bands, 1, 1)`."""
    rows = np.array([_length(band) for band in plan.grid.bands])
    return (rows * plan.grid.width).reshape(1, -1, 1, 1)


def _length(band: Band) -> int:
    return band[1] - band[0]


def as_maps(
    plan: Plan, values: NDArray[np.uint8 | np.uint16], shape: tuple[int, int, int]
) -> NDArray[np.uint8 | np.uint16]:
    """Recorded values as maps of a shape, with time first; features of a linear layer are last."""
    if plan.fused.main.type is LayerType.LINEAR:
        features, places, _ = shape
        return values.reshape(len(values), places, features, 1).transpose(0, 2, 1, 3)
    return values.reshape(len(values), *shape)


def output_maps(plan: Plan, values: NDArray[np.uint8 | np.uint16]) -> NDArray[np.uint8 | np.uint16]:
    """Recorded values of a tensor of the result's size as maps, with time first. The result of a
    product lies group by group and place by place, while its maps have the places as rows."""
    meet = plan.fused.main.contraction
    if meet is None:
        return as_maps(plan, values, plan.geometry.output_map)
    by_place = values.reshape(len(values), meet.groups, meet.places, meet.outputs)
    return by_place.swapaxes(2, 3).reshape(len(values), *plan.geometry.output_map)


def chunk_lengths(plan: Plan) -> Integers:
    """Input channels of each chunk, counted within a group, shape `(1, 1, chunks, 1)`."""
    return np.array([_length(chunk) for chunk in plan.grid.chunks]).reshape(1, 1, -1, 1)


def group_counts(plan: Plan) -> Integers:
    """Groups of the convolution that each slice has, shape `(slices, 1, 1, 1)`."""
    return np.maximum(1, slice_lengths(plan) // plan.geometry.outputs_per_group)


def channels_per_group(plan: Plan) -> Integers:
    """Output channels of each slice that share their inputs, shape `(slices, 1, 1, 1)`."""
    return np.minimum(slice_lengths(plan), plan.geometry.outputs_per_group)


def batch_lengths(plan: Plan) -> Integers:
    """Timesteps of each job, shape `(1, 1, 1, steps)`; the last may have fewer."""
    timesteps, batch = plan.geometry.timesteps, plan.geometry.batch
    firsts = np.arange(plan.geometry.steps) * batch
    return np.minimum(batch, timesteps - firsts).reshape(1, 1, 1, -1)


def by_step(plan: Plan, values: Integers) -> Integers:
    """Sums over the timesteps of each job; timesteps are the last axis."""
    if plan.geometry.batch == 1:
        return values
    whole = np.broadcast_to(values, (*values.shape[:-1], plan.geometry.timesteps))
    firsts = np.arange(plan.geometry.steps) * plan.geometry.batch
    sums: Integers = np.add.reduceat(whole, firsts, axis=-1)
    return sums


def by_held_step(plan: Plan, counts: Integers) -> Integers:
    """Counts of maps, by step; those of an input that is held count at every timestep."""
    if counts.shape[-1] == 1:
        counts = np.repeat(counts, plan.geometry.timesteps, axis=-1)
    return by_step(plan, counts)
