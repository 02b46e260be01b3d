"""What every job of a convolution or a linear layer does, counted spike by spike.

MAC arrays' cycles are checked by loops in `tests.mapping.test_work`.
"""

from math import ceil

import numpy as np
from numpy.typing import NDArray

from codesign.fanout import Band
from codesign.mapping import Mapping
from codesign.mapping.geometry import Geometry, Work
from codesign.mapping.planning import Plan
from codesign.specs.architecture import Core
from codesign.trace import Trace
from codesign.workload import Kind, LayerType

Counts = dict[tuple[int, int, int, int], dict[str, int]]
"""By layer, first timestep, tile and chunk."""


def counts(mapping: Mapping, trace: Trace) -> Counts:
    """Operations and cycles of every job of the weighted layers."""
    found: Counts = {}
    for plan in mapping.plans:
        if plan.fused.is_synaptic and plan.fused.main.type is not LayerType.PRODUCT:
            found |= _of_layer(mapping, plan, trace)
    return found


def _of_layer(mapping: Mapping, plan: Plan, trace: Trace) -> Counts:
    core = mapping.architecture.cores[plan.group]
    source = plan.fused.main.inputs[0]
    is_real = trace.workload.tensor_by_name[source].kind is Kind.REAL
    values = np.asarray(trace.nonzero(source) if is_real else trace.values(source))
    policy = mapping.architecture.policy
    assert policy
    if plan.geometry.work is Work.ACCUMULATE and is_real:
        values = values * mapping.widths[source]  # every bit of what is not zero
    elif plan.geometry.work is Work.ACCUMULATE and policy.integer_input == "bit_serial":
        values = np.vectorize(lambda k: int(k).bit_count())(values)
    if plan.geometry.work is Work.MULTIPLY:
        values = (values != 0).astype(np.uint8)
    sizes, grid = plan.geometry, plan.grid
    channels, height, width = sizes.input_map
    if plan.fused.main.type is LayerType.LINEAR:
        maps = values.reshape(len(values), height, channels).transpose(0, 2, 1)[..., None]
    else:
        maps = values.reshape(len(values), channels, height, width)
    found: Counts = {}
    for first in range(0, sizes.timesteps, sizes.batch):
        timesteps = range(first, min(first + sizes.batch, sizes.timesteps))
        held = [maps[timestep if len(maps) > 1 else 0] for timestep in timesteps]
        for slice_number, outputs in enumerate(grid.slices):
            for band_number, band in enumerate(grid.bands):
                for chunk_number, chunk in enumerate(grid.chunks):
                    tile = slice_number * len(grid.bands) + band_number
                    job = _job(mapping, plan, held, (outputs, band, chunk))
                    if chunk_number == len(grid.chunks) - 1 and plan.fused.has_neurons:
                        elements = (outputs[1] - outputs[0]) * (band[1] - band[0]) * grid.width
                        lanes = ceil(elements / core.neuron_lanes)
                        job["neuron"] = elements * len(held)
                        job["least_neuron_cycles"] = lanes * len(held)
                    found[plan.fused.index, first, tile, chunk_number] = job
    return found


def _job(
    mapping: Mapping,
    plan: Plan,
    held: list[NDArray[np.uint8 | np.uint16]],
    part: tuple[Band, Band, Band],
) -> dict[str, int]:
    sizes = plan.geometry
    (first, last), (top, bottom), chunk = part
    groups = sizes.window.groups
    per_group = sizes.output_map[0] // groups
    inputs = sizes.input_map[0] // groups
    mine = sorted({output // per_group for output in range(first, last)})
    reached = [g * inputs + n for g in mine for n in range(*chunk)]
    met = [_pairs(sizes, each, reached, (top, bottom)) for each in held]
    together = _pairs(sizes, np.maximum.reduce(held), reached, (top, bottom))
    length = min(last - first, per_group)
    core = mapping.architecture.cores[plan.group]
    if sizes.work is Work.ACCUMULATE:
        return _accumulated(mapping, core, (sum(met), together, length))
    pixels = (bottom - top) * plan.grid.width * len(held)
    taps = sizes.window.kernel[0] * sizes.window.kernel[1]
    dense = pixels * taps * (chunk[1] - chunk[0]) * (last - first)
    assert core.mac
    return {"mac": sum(met) * length if core.mac.zero_skipping else dense}


def _accumulated(mapping: Mapping, core: Core, pairs: tuple[int, int, int]) -> dict[str, int]:
    met, together, length = pairs
    precision = mapping.architecture.precision
    assert core.spike
    assert precision
    sums, weights = length * precision.accumulator_bits, length * precision.weight_bits
    state = core.state_memory.banks * core.state_memory.width_bits
    memory = core.weight_memory.banks * core.weight_memory.width_bits
    adding = met * max(ceil(length / core.spike.lanes), ceil(sums / state))
    return {
        "ac": met * length,
        "least_accumulate_cycles": max(adding, together * ceil(weights / memory)),
    }


def _pairs(
    sizes: Geometry, values: NDArray[np.uint8 | np.uint16], channels: list[int], band: Band
) -> int:
    """Pairs of an event and a tap that leads to an output pixel in a band of rows."""
    window, (_, _, columns) = sizes.window, sizes.output_map
    pairs = 0
    for channel in channels:
        for y, x in np.argwhere(values[channel]).tolist():
            for i in range(window.kernel[0]):
                for j in range(window.kernel[1]):
                    row = y + window.padding[0] - i * window.dilation[0]
                    column = x + window.padding[1] - j * window.dilation[1]
                    if row % window.stride[0] or column % window.stride[1]:
                        continue
                    row, column = row // window.stride[0], column // window.stride[1]
                    if band[0] <= row < band[1] and 0 <= column < columns:
                        pairs += int(values[channel][y, x])
    return pairs
