"""Products of recorded values on a spike core: the events of each job, and what they meet.

A product is scattered or gathered as a convolution of spikes is: every spike of its first operand
(of each group of places) occupies the lanes for a vector of the second operand's values, which lies
where weights lie but is loaded anew at every timestep. Lanes whose value is zero are gated, so that
an AC is counted only where a spike meets a value.
"""

import numpy as np

from codesign.coincidence import events_of, values_of
from codesign.mapping.datapaths import Integers
from codesign.mapping.pixel_groups import group_starts
from codesign.mapping.planning import Plan
from codesign.trace import Trace
from codesign.workload import Contraction


def events_and_meetings(trace: Trace, plan: Plan, pixels: int) -> tuple[Integers, Integers]:
    """Vectors of values that each job adds, and pairs of a spike and a value that is not zero.

    A vector serves so many places; each place that has the spike meets its values. Both are of
    shape `(slices, bands, chunks, timesteps)`.
    """
    contraction, grid = plan.fused.main.contraction, plan.grid
    assert contraction is not None
    spikes, values = (trace.values(name) for name in plan.fused.main.inputs)
    bands, chunks = [first for first, _ in grid.bands], [first for first, _ in grid.chunks]
    starts, of_bands = group_starts(grid.bands, grid.width, pixels)
    recorded = events_of(spikes, contraction)  # (timesteps, groups, places, terms)
    together = np.maximum.reduceat(recorded, starts, axis=2)
    events = np.add.reduceat(recorded, bands, axis=2, dtype=np.int64)
    vectors = np.add.reduceat(together, of_bands, axis=2, dtype=np.int64)
    met = values_of(values, contraction) > 0
    parts = []
    for first, last in grid.slices:
        groups, outputs = _of_slice(first, last, contraction)
        by_term = met[:, groups, :, outputs].sum(axis=3, dtype=np.int64)
        pairs = events[:, groups] * by_term[:, :, None]
        kinds = (vectors[:, groups], pairs)
        parts.append([np.add.reduceat(each.sum(axis=1), chunks, axis=2) for each in kinds])
    added, meetings = (
        np.stack([part[kind] for part in parts]).transpose(0, 2, 3, 1) for kind in (0, 1)
    )
    return added, meetings


def _of_slice(first: int, last: int, contraction: Contraction) -> tuple[slice, slice]:
    """Groups and outputs of a slice of channels: whole groups, or a part of the only one."""
    if contraction.groups == 1:
        return slice(None), slice(first, last)
    return slice(first // contraction.outputs, last // contraction.outputs), slice(None)
