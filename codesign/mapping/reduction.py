"""Reduction: partial sums of input channels that are spread over cores, brought together.

Every core but that of the last chunk sends its sums over the NoC into the state memory of that
core, which adds them to its own before its epilogue. A sender is at most two timesteps ahead:
the receiver has places for two timesteps of each sender's sums.
"""

import numpy as np

from codesign.mapping.datapaths import Integers, ceil_divide, element_lanes, words
from codesign.mapping.epilogue import at_last_chunk
from codesign.mapping.job_sizes import Columns, band_pixels, batch_lengths, slice_lengths
from codesign.mapping.planning import Plan
from codesign.specs.architecture import Core


def reduction_columns(plan: Plan, core: Core) -> Columns:
    """What sending and adding partial sums costs each job; nothing if chunks are not spread."""
    if not plan.grid.is_spread:
        return {}
    elements = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
    last = at_last_chunk(plan)
    others = len(plan.grid.chunks) - 1
    bits = elements * plan.geometry.sum_bits
    sums = words(bits, core.state_memory)
    added = elements * others * last
    reading = ceil_divide(sums * others, core.state_memory.banks)
    adding = np.maximum(ceil_divide(elements * others, element_lanes(core)), reading)
    parked = sums if plan.geometry.sums_in == "registers" else np.zeros_like(sums)
    sent: Integers = (sums + parked) * (1 - last)  # into the sender's memory, and the receiver's
    return {
        "reduction": added,
        "sum_bits": bits * (1 - last),
        "state_reads": sums * (1 - last) + sums * others * last,
        "state_writes": sent,
        "accumulate_cycles": adding * last,
    }
