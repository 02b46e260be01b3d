"""Forecast: when each fused layer is expected to be computed, from the expected cycles of its cut.

Each kind of core computes its layers one after the other, in order; a layer begins when all its
kinds are free and all that it reads has been made. Nothing else is contended for here. The forecast
decides where tensors live (`codesign.mapping.placement`); what really happens is for the
simulation to find, and a wrong forecast costs waiting, never correctness.
"""

from collections.abc import Sequence
from itertools import chain

from codesign.mapping.fusion import FusedLayer, read_tensors

Span = tuple[float, float]
"""From the first cycle to the cycle after the last."""


def forecast(
    fused_layers: Sequence[FusedLayer],
    groups: Sequence[tuple[str, ...]],
    cycles: Sequence[float],
) -> tuple[Span, ...]:
    """The expected span of each fused layer.

    Args:
        fused_layers: in order of computation.
        groups: the kinds of core of each.
        cycles: what each is expected to take.
    """
    free = dict.fromkeys(chain.from_iterable(groups), 0.0)
    made: dict[str, float] = {}
    spans = []
    for fused, mine, duration in zip(fused_layers, groups, cycles, strict=True):
        ready = [made.get(name, 0.0) for name in read_tensors(fused)]
        begin = max([*(free[group] for group in mine), *ready])
        end = begin + duration
        free.update(dict.fromkeys(mine, end))
        made.update(dict.fromkeys(fused.stored, end))
        spans.append((begin, end))
    return tuple(spans)
