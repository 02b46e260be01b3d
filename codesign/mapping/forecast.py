"""Forecast: when each fused layer is expected to be computed, from the expected cycles of its cut.

Each kind of core computes its layers one after the other, in order; a layer begins when its kind
is free and all that it reads has been made. Nothing else is contended for here. The forecast
decides where tensors live (`codesign.mapping.placement`); what really happens is for the
simulation to find, and a wrong forecast costs waiting, never correctness.
"""

from collections.abc import Sequence

from codesign.mapping.fusion import FusedLayer, read_tensors

Span = tuple[float, float]
"""From the first cycle to the cycle after the last."""


def forecast(
    fused_layers: Sequence[FusedLayer], groups: Sequence[str], cycles: Sequence[float]
) -> tuple[Span, ...]:
    """The expected span of each fused layer.

    Args:
        fused_layers: in order of computation.
        groups: the kind of core of each.
        cycles: what each is expected to take.
    """
    free = dict.fromkeys(groups, 0.0)
    made: dict[str, float] = {}
    spans = []
    for fused, group, duration in zip(fused_layers, groups, cycles, strict=True):
        begin = max(free[group], *(made.get(name, 0.0) for name in read_tensors(fused)))
        free[group] = begin + duration
        made.update(dict.fromkeys(fused.stored, free[group]))
        spans.append((begin, free[group]))
    return tuple(spans)
