"""Partial sums of registers that wait in the state memory from one chunk of a tile to the next.

Sums that grow in the state memory are there anyway (`codesign.mapping.work`); those of chunks that
are on different cores travel (`codesign.mapping.reduction`).
"""

import numpy as np

from codesign.mapping.datapaths import Integers, ceil_divide, words
from codesign.mapping.job_sizes import band_pixels, batch_lengths, slice_lengths
from codesign.mapping.planning import Plan
from codesign.specs.architecture import Core, Precision


def parked_sums(plan: Plan, core: Core, precision: Precision) -> dict[str, Integers]:
    """Accesses of sums that leave the registers to wait for the next chunk."""
    count = len(plan.grid.chunks)
    if count == 1 or plan.grid.is_spread or plan.geometry.sums_in != "registers":
        return {}
    elements = slice_lengths(plan) * band_pixels(plan) * batch_lengths(plan)
    bits = elements * precision.accumulator_bits
    position = np.arange(count).reshape(1, 1, count, 1)
    sums = words(bits, core.state_memory)
    return {
        "state_writes": np.where(position < count - 1, sums, 0),
        "state_reads": np.where(position > 0, sums, 0),
    }


def parking_cycles(plan: Plan, core: Core, precision: Precision) -> Integers | int:
    """Cycles in which such sums pass the state memory, both ways at once."""
    parked = parked_sums(plan, core, precision)
    return ceil_divide(np.maximum(*parked.values()), core.state_memory.banks) if parked else 0
