"""Residency: which weights stay in the weight buffer, which membranes in the cores.

A layer that is computed once an image needs its weights once, and its membranes only as long as a
tile's timesteps follow each other. Where each timestep is a pass of its own (`timestep` and
`pipeline` order), weights that do not stay are fetched again for every pass, and membranes that
do not stay are stored and loaded again at every timestep.
"""

import math
from collections.abc import Sequence

from codesign.mapping.geometry import Geometry

STREAMED_PART = 4
"""One part in four of a share is left to weights that come and go, if not all can stay: room for
a block on its way and a block in use."""

WORKING_PART = 2
"""One part in two of the state memory is left to jobs where it keeps the membranes of all layers
as well."""


def resident_weights(sizes: Sequence[Geometry], share: int, *, is_once: bool) -> frozenset[int]:
    """Which layers of the same cores keep their weights in their share of the weight buffer.

    The largest go first: each bit that stays saves the same traffic, and what is left is filled
    with smaller ones.

    Args:
        sizes: of the layers.
        share: bits of the buffer for these cores.
        is_once: whether every layer is computed once, so that only all of them are worth keeping
            (for the next image).
    """
    bits = [each.layer_bits() for each in sizes]
    if sum(bits) <= share:
        return frozenset(index for index, each in enumerate(bits) if each)
    if is_once:
        return frozenset()
    free = share - share // STREAMED_PART
    chosen = set()
    for index in sorted(range(len(bits)), key=lambda index: (-bits[index], index)):
        if 0 < bits[index] <= free:
            chosen.add(index)
            free -= bits[index]
    return frozenset(chosen)


def keeps_membranes(sizes: Sequence[Geometry], state_bits: int) -> bool:
    """Whether half of the cores' state memory holds the membranes of all their layers.

    Tiles are expected to be equal; a cut that is not is found out when memory is checked.

    Args:
        sizes: of the layers.
        state_bits: of all cores together.
    """
    held = sum(math.prod(each.output_map) * each.sum_bits for each in sizes if each.has_neurons)
    return held <= state_bits // WORKING_PART
