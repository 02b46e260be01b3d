"""Jobs of a MAC array: operations, cycles and accesses of what multiplies more than spikes.

Output-stationary: every tap of every input channel takes a cycle per group of pixels (of all
timesteps of the job), dense, and one vector of weights serves all columns. With zero-skipping each
pixel's column skips its zeros and a group of pixels takes as long as its fullest column; the
columns then stand at different taps and each reads its own weights, which the weight memory may
not deliver as fast.
"""

import numpy as np

from codesign.mapping.datapaths import array_pass, ceil_divide, mac_datapath
from codesign.mapping.geometry import Work
from codesign.mapping.job_sizes import (
    Columns,
    as_maps,
    band_pixels,
    batch_lengths,
    channels_per_group,
    chunk_lengths,
    group_counts,
    slice_lengths,
)
from codesign.mapping.partial_sums import parked_sums, parking_cycles
from codesign.mapping.pixel_groups import longest_columns, pairs_of_jobs
from codesign.mapping.planning import Plan
from codesign.mapping.search import core_fill
from codesign.specs.architecture import Core, Precision
from codesign.trace import Trace


def multiply(trace: Trace, plan: Plan, core: Core, precision: Precision) -> Columns:
    """Columns of all jobs of a layer, broadcasting to `(slices, bands, chunks, steps)`."""
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
