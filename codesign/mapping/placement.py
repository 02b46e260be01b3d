"""Placement: which tensors live in the activation buffer, and which in DRAM.

A tensor lives from the beginning of the fused layer that makes it to the end of the last one that
reads it, as the forecast has them. In layer order a layer's T timesteps are made before the next
layer reads them, so T copies live at once. A tensor that does not fit beside those already placed,
at any moment of its life, is stored in DRAM as a whole. In which order to place them is tried
three ways (the earliest, the most moved, the shortest-lived first), and the one that keeps most
traffic inside is taken. The network's input starts in DRAM.

On the chip the streams drift from the forecast: a layer may come to store its result before
another stream has read what the plan takes for dead. Such a layer waits for room
(`waits_for_room`), so that the buffer holds at no time more than it can.
"""

from collections.abc import Mapping, Sequence

from codesign.mapping.forecast import Span
from codesign.mapping.fusion import FusedLayer, read_tensors
from codesign.workload import Workload


def readers_of(fused_layers: Sequence[FusedLayer]) -> dict[str, tuple[int, ...]]:
    """For every stored tensor, the fused layers that read it."""
    readers: dict[str, list[int]] = {name: [] for fused in fused_layers for name in fused.stored}
    for fused in fused_layers:
        for name in read_tensors(fused):
            if name in readers:
                readers[name].append(fused.index)
    return {name: tuple(indices) for name, indices in readers.items()}


def lifetimes(
    workload: Workload, fused_layers: Sequence[FusedLayer], spans: Sequence[Span]
) -> dict[str, Span]:
    """For every stored tensor, from when to when it must exist."""
    end = max(last for _, last in spans)
    readers = readers_of(fused_layers)
    lives = {}
    for fused in fused_layers:
        first, made = spans[fused.index]
        for name in fused.stored:
            last = max((spans[index][1] for index in readers[name]), default=made)
            lives[name] = (first, end if name in workload.outputs else last)
    return lives


def tensor_bits(workload: Workload, widths: Mapping[str, int]) -> dict[str, int]:
    """Bits of every tensor at all its timesteps."""
    return {
        tensor.name: tensor.size * tensor.timesteps * widths[tensor.name]
        for tensor in workload.tensors
    }


def tensors_in_dram(
    fused_layers: Sequence[FusedLayer],
    lives: Mapping[str, Span],
    sizes: Mapping[str, int],
    moved: Mapping[str, int],
    capacity: int,
) -> frozenset[str]:
    """Names of the tensors that live in DRAM.

    Args:
        fused_layers: in order of computation.
        lives: of every stored tensor.
        sizes: bits of every tensor at all its timesteps.
        moved: bits that are stored and loaded of every stored tensor.
        capacity: bits of the activation buffer.
    """
    orders = (
        sorted(lives, key=lambda name: lives[name][0]),
        sorted(lives, key=lambda name: -moved[name]),
        sorted(lives, key=lambda name: lives[name][1] - lives[name][0]),
    )
    choices = [_first_fit(order, lives, sizes, capacity) for order in orders]
    inside = max(choices, key=lambda names: sum(moved[name] for name in names))
    touched = {name for fused in fused_layers for name in (*read_tensors(fused), *fused.stored)}
    return frozenset(touched.union(lives).difference(inside))


def _first_fit(
    order: Sequence[str], lives: Mapping[str, Span], sizes: Mapping[str, int], capacity: int
) -> list[str]:
    """Tensors that fit beside those before them in an order."""
    inside: list[str] = []
    for name in order:
        if _peak([*inside, name], lives, sizes, lives[name]) <= capacity:
            inside.append(name)
    return inside


def _peak(
    names: Sequence[str], lives: Mapping[str, Span], sizes: Mapping[str, int], during: Span
) -> int:
    """The most bits that tensors take at once within a span."""
    beginnings = {during[0], *(lives[name][0] for name in names)}
    return max(
        sum(sizes[name] for name in names if lives[name][0] <= moment < lives[name][1])
        for moment in beginnings
        if during[0] <= moment < during[1]
    )


def waits_for_room(
    fused_layers: Sequence[FusedLayer],
    spans: Sequence[Span],
    lives: Mapping[str, Span],
    sizes: Mapping[str, int],
    capacity: int,
) -> tuple[tuple[int, ...], ...]:
    """For each fused layer, those that must have stored all before it may store anything.

    Of the tensors that are dead by the plan when a layer begins, as many as their space is
    needed, those that died first before others, must really have been read. Then the buffer
    never overflows, whatever the order of events: take the layer that begins last by the plan of
    those that have stored anything; what it waited for is gone, and all else that can be there
    fits beside its result by the choice made here. Every wait is for a layer that begins earlier
    by the plan, as are those whose results a layer reads and those before it on its cores, so
    none is in a circle.

    Args:
        fused_layers: in order of computation.
        spans: of each of them, by the plan.
        lives: of each tensor that lives in the buffer.
        sizes: bits of each of them.
        capacity: bits of the buffer; what lives at once by the plan fits it.
    """
    readers = readers_of(fused_layers)
    waits: dict[int, tuple[int, ...]] = {}
    made: list[str] = []
    for fused in sorted(fused_layers, key=lambda fused: (spans[fused.index][0], fused.index)):
        stored = [name for name in fused.stored if name in lives]
        made += stored
        excess = sum(sizes[name] for name in made) - capacity
        awaited: set[int] = set()
        for name in sorted(made, key=lambda name: lives[name][1]) if stored else ():
            if excess <= 0:
                break
            excess -= sizes[name]
            awaited.update(readers[name])
        waits[fused.index] = tuple(sorted(awaited))
    return tuple(waits[fused.index] for fused in fused_layers)
