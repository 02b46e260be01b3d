"""Products of recorded values on a spike core: the events of each job, and what they meet.

A product is scattered as a convolution of spikes is: every spike of its first operand occupies the
lanes for a vector of the second operand's values, which lies where weights lie but is loaded anew
at every timestep. Lanes whose value is zero are gated, so that an AC is counted only where a spike
meets a value.
"""

import numpy as np

from codesign.coincidence import events_of, values_of
from codesign.mapping.datapaths import Integers
from codesign.mapping.planning import Plan
from codesign.trace import Trace
from codesign.workload import Contraction


def events_and_meetings(trace: Trace, plan: Plan) -> tuple[Integers, Integers]:
    """Spikes that each job scatters, and pairs of a spike and a value that is not zero.

    Both of shape `(slices, bands, chunks, timesteps)`.
    """
    contraction, grid = plan.fused.main.contraction, plan.grid
    assert contraction is not None
    spikes, values = (trace.values(name) for name in plan.fused.main.inputs)
    bands, chunks = [first for first, _ in grid.bands], [first for first, _ in grid.chunks]
    # (timesteps, groups, bands, terms)
    events = np.add.reduceat(events_of(spikes, contraction), bands, axis=2, dtype=np.int64)
    met = values_of(values, contraction) > 0
    parts = []
    for first, last in grid.slices:
        groups, outputs = _of_slice(first, last, contraction)
        mine = events[:, groups]
        by_term = met[:, groups, :, outputs].sum(axis=3, dtype=np.int64)
        pairs = mine * by_term[:, :, None]
        parts.append([np.add.reduceat(x.sum(axis=1), chunks, axis=2) for x in (mine, pairs)])
    scattered, meetings = (
        np.stack([part[kind] for part in parts]).transpose(0, 2, 3, 1) for kind in (0, 1)
    )
    return scattered, meetings


def _of_slice(first: int, last: int, contraction: Contraction) -> tuple[slice, slice]:
    """Groups and outputs of a slice of channels: whole groups, or a part of the only one."""
    if contraction.groups == 1:
        return slice(None), slice(first, last)
    return slice(first // contraction.outputs, last // contraction.outputs), slice(None)
