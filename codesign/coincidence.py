"""Coincidence: how many pairs of operands meet in a product of two recorded values.

In `out[g, p, j] = sum over k of events[g, p, k] values[g, k, j]` an addition takes place where a
spike meets a value that is not zero: two spikes that coincide, or a spike and an attention score
that it lets through. Sums over places and outputs are independent for each term k, so all pairs
of a tile are a product of two small vectors; a cut of the output into tiles is exact.

Counting and lowering both use these functions, so that a chip does exactly the work that was
counted. All results are integers.
"""

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from codesign.workload import Contraction

Values = NDArray[np.uint8 | np.uint16]


def events_of(array: Values, contraction: Contraction) -> Values:
    """The recorded spikes by index, read-only: `(timesteps, groups, places, inner)`."""
    shape = (contraction.groups, contraction.places, contraction.inner)
    return _view(array, shape, contraction.event_strides)


def values_of(array: Values, contraction: Contraction) -> Values:
    """The recorded values by index, read-only: `(timesteps, groups, inner, outputs)`."""
    shape = (contraction.groups, contraction.inner, contraction.outputs)
    return _view(array, shape, contraction.value_strides)


def coincidences(events: Values, values: Values, contraction: Contraction) -> NDArray[np.int64]:
    """Pairs of a spike and a value that is not zero, for each timestep.

    Args:
        events: recorded spikes of the first input, `(timesteps, *shape)`.
        values: recorded values of the second input.
        contraction: how the two meet.
    """
    by_term = events_of(events, contraction).sum(axis=2, dtype=np.int64)
    met = (values_of(values, contraction) > 0).sum(axis=3, dtype=np.int64)
    total: NDArray[np.int64] = (by_term * met).sum(axis=(1, 2))
    return total


def _view(array: Values, shape: tuple[int, ...], strides: tuple[int, ...]) -> Values:
    flat = np.ascontiguousarray(array).reshape(len(array), -1)
    steps = [flat.itemsize * stride for stride in strides]
    view: Values = as_strided(flat, (len(flat), *shape), (flat.strides[0], *steps), writeable=False)
    return view
