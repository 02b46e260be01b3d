"""Jobs of a MAC array: operations, cycles and accesses of what multiplies more than spikes.

Output-stationary: every tap of every input channel takes a cycle per group of pixels (of all
timesteps of the job), dense, and one vector of weights serves all columns. With zero-skipping each
pixel's column skips its zeros and a group of pixels takes as long as its fullest column; the
columns then stand at different taps and each reads its own weights, which the weight memory may
not deliver as fast.

Weight-stationary: a tile of weights is loaded, and all pixels (of all timesteps of the job) stream
through it; channels and taps that do not fit the rows come with the next tile, and the sums wait in
the state memory. The first tile of a tile's first chunk writes every sum and reads none. Groups of
a convolution are on either array one after the other.
"""

import numpy as np

from codesign.mapping.datapaths import (
    array_pass,
    ceil_divide,
    mac_datapath,
    weight_tiles,
)
from codesign.mapping.expected_cycles import core_fill
from codesign.mapping.geometry import Work
from codesign.mapping.job_sizes import (
    Columns,
    as_maps,
    band_pixels,
    batch_lengths,
    by_held_step,
    channels_per_group,
    chunk_lengths,
    group_counts,
    slice_lengths,
)
from codesign.mapping.partial_sums import parked_sums, parking_cycles
from codesign.mapping.pixel_groups import filled_pixels, longest_columns, pairs_of_jobs
from codesign.mapping.planning import Plan
from codesign.specs.architecture import Core, Precision
from codesign.trace import Trace


def multiply(trace: Trace, plan: Plan, core: Core, precision: Precision) -> Columns:
    """Columns of all jobs of a layer, broadcasting to `(slices, bands, chunks, steps)`."""
    if mac_datapath(core).dataflow == "weight_stationary":
        return _weight_stationary(trace, plan, core, precision)
    return _output_stationary(trace, plan, core, precision)


def _output_stationary(trace: Trace, plan: Plan, core: Core, precision: Precision) -> Columns:
    sizes = plan.geometry
    array = mac_datapath(core)
    per_group = channels_per_group(plan)
    passes = [
        array_pass(core, precision, int(each), sizes.input_bits) for each in per_group.ravel()
    ]
    repeats, cycles, weights, inputs = (
        np.array([getattr(each, name) for each in passes]).reshape(per_group.shape)
        for name in ("passes", "cycles", "weight_words", "input_words")
    )
    taps = chunk_lengths(plan) * sizes.window.taps
    if array.zero_skipping:
        mask = trace.nonzero(plan.fused.main.inputs[0])
        maps = as_maps(plan, mask, sizes.input_map)
        taken = longest_columns(plan, maps, array.columns)
        pairs = pairs_of_jobs(plan, mask)
        operations, vectors = pairs * per_group, pairs * repeats
    else:
        pixels = band_pixels(plan) * batch_lengths(plan)
        taken = ceil_divide(pixels, array.columns) * taps * group_counts(plan)
        operations, vectors = pixels * taps * slice_lengths(plan), taken * repeats
    steps = taken * repeats
    weight_reads = vectors * weights
    fetching = ceil_divide(weight_reads, core.weight_memory.banks)
    columns: Columns = {
        "mac": operations,
        "fill_cycles": core_fill(core, Work.MULTIPLY),
        "weight_reads": weight_reads,
        "input_reads": steps * inputs,
    }
    columns |= parked_sums(plan, core, precision)
    parking = parking_cycles(plan, core, precision)
    columns["accumulate_cycles"] = np.maximum(steps * cycles, fetching) + parking
    return columns


def _weight_stationary(trace: Trace, plan: Plan, core: Core, precision: Precision) -> Columns:
    sizes, array = plan.geometry, mac_datapath(core)
    per_group, groups = channels_per_group(plan), group_counts(plan)
    taps = chunk_lengths(plan) * sizes.window.taps
    tiles = [
        weight_tiles(core, precision, (int(pairs), int(channels)), sizes.input_bits)
        for channels in per_group.ravel()
        for pairs in taps.ravel()
    ]
    row_tiles, column_tiles, loading, cycles, weights, inputs, sums = (
        np.array([getattr(each, name) for each in tiles]).reshape(len(per_group), 1, -1, 1)
        for name in (
            *("row_tiles", "column_tiles", "loading_cycles", "cycles"),
            *("weight_words", "input_words", "sum_words"),
        )
    )
    pixels = band_pixels(plan) * batch_lengths(plan)
    begins = (np.arange(taps.size) == 0).reshape(taps.shape) | plan.grid.is_spread
    if array.zero_skipping:
        mask = trace.nonzero(plan.fused.main.inputs[0])
        filled = filled_pixels(plan, as_maps(plan, mask, sizes.input_map), array.rows)
        first, others = (by_held_step(plan, each) for each in filled)
        streamed = others + np.where(begins, pixels * groups, first)
        operations = pairs_of_jobs(plan, mask) * per_group
    else:
        streamed = pixels * groups * row_tiles
        operations = pixels * taps * slice_lengths(plan)
    steps, loads = streamed * column_tiles, groups * row_tiles * column_tiles
    begun = pixels * groups * column_tiles * begins
    return {
        "mac": operations,
        "fill_cycles": core_fill(core, Work.MULTIPLY),
        "weight_reads": loads * weights,
        "input_reads": steps * inputs,
        "state_reads": (steps - begun) * sums,
        "state_writes": steps * sums,
        "accumulate_cycles": loads * loading + steps * cycles,
    }
