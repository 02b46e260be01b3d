"""Kinds of core: which of them compute each fused layer, where a chip has several that can.

Spikes and their products go to cores that accumulate, reals to cores that multiply, integers where
the policy says; it may say that a host outside the chip does either. Element-wise layers, which all
cores can do, go to those of their own stream, so that on a chip with both kinds the two streams
advance side by side.

Where all cores work on one layer (`layer` and `timestep` order), kinds share it: to the kind that
is expected to be fastest alone others are added, each time the one with which the layer becomes
fastest, as long as it becomes faster. A kind is left out where it does not fit the layer, where its
memories would cut all tiles too small, or where its lanes do not set the pace. In a `pipeline` a
layer has cores of one kind: that on which it is fastest, but layers move from the kind with the
busiest core to others as long as the busiest core of the chip has less to do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from codesign.errors import CapacityError
from codesign.mapping.fusion import FusedLayer
from codesign.mapping.geometry import Geometry, Work
from codesign.mapping.pipeline import slowest_run
from codesign.specs.architecture import HOST, Architecture, Core
from codesign.workload import Stream

Kinds = tuple[str, ...]
"""Keys of kinds of core, in declared order."""

_NAMED = 20
"""Layers that a message names."""


def able_kinds(
    fused_layers: Sequence[FusedLayer], sizes: Sequence[Geometry], architecture: Architecture
) -> list[Kinds]:
    """The kinds of core that can compute each layer.

    Raises:
        CapacityError: there are layers that no core can do; with all their names.
    """
    found = [
        _able(fused, each.work, architecture)
        for fused, each in zip(fused_layers, sizes, strict=True)
    ]
    for work, verb, fix in (
        (Work.ACCUMULATE, "accumulate spikes", "Add a core of kind 'spike' or 'unified'."),
        (
            Work.MULTIPLY,
            "multiply values that are not spikes",
            "Add a core of kind 'accumulation' or 'unified', or let policy.real_input and "
            "policy.integer_input be 'host', or 'bit_serial' with policy.bit_serial_layers 'all'.",
        ),
    ):
        lacking = [
            f"'{fused.name}'"
            for fused, each, kinds in zip(fused_layers, sizes, found, strict=True)
            if not kinds and each.work is work
        ]
        if lacking:
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            raise CapacityError(
                f"layers must have a core of {architecture.name} that can do them, but "
                f"{', '.join(lacking[:_NAMED])}{more} {verb}. {fix}"
            )
    return found


def _able(fused: FusedLayer, work: Work, architecture: Architecture) -> Kinds:
    """Kinds of core that can do a layer; of an element-wise one those of its stream, if any."""

    def can(core: Core) -> bool:
        if work is Work.ELEMENT_WISE:
            return (core.spike if fused.stream is Stream.SPIKE else core.mac) is not None
        return (core.spike if work is Work.ACCUMULATE else core.mac) is not None

    if work is Work.HOST:
        return (HOST,)
    kinds = tuple(name for name, core in architecture.cores.items() if can(core))
    return kinds or (tuple(architecture.cores) if work is Work.ELEMENT_WISE else ())


Expectation = Callable[[Kinds], float | None]
"""Cycles that a layer is expected to take on some kinds together; None if it does not fit."""


def shared_kinds(
    able: Kinds, expect: Expectation, least_gain: float
) -> tuple[Kinds, dict[Kinds, float | None]]:
    """The kinds that share a layer, and what was expected of all that were tried.

    Args:
        able: kinds that can do it.
        expect: what it takes on some of them.
        least_gain: by which factor one more kind must make it faster.
    """
    tried: dict[Kinds, float | None] = {(kind,): expect((kind,)) for kind in able}
    chosen, cycles = _fastest(tried)
    while chosen and len(chosen) < len(able):
        larger = [
            tuple(kind for kind in able if kind in chosen or kind == more)
            for more in able
            if more not in chosen
        ]
        added = {kinds: expect(kinds) for kinds in larger}
        tried |= added
        kinds, least = _fastest(added)
        if not kinds or least * least_gain >= cycles:
            break
        chosen, cycles = kinds, least
    return chosen or able[:1], tried


def _fastest(expected: Mapping[Kinds, float | None]) -> tuple[Kinds, float]:
    """The kinds with the least cycles, the first ones of equals; nothing if none fit."""
    fitting = {kinds: cycles for kinds, cycles in expected.items() if cycles is not None}
    if not fitting:
        return (), 0.0
    kinds = min(fitting, key=lambda each: fitting[each])
    return kinds, fitting[kinds]


def single_kinds(
    expected: Sequence[Mapping[Kinds, float | None]], counts: Mapping[str, int]
) -> list[Kinds]:
    """One kind for each layer of a pipeline, such that the busiest core has little to do.

    Args:
        expected: for each layer, cycles on all cores of each kind that can do it.
        counts: cores of each kind.
    """
    fitting = [
        {kinds: cycles for kinds, cycles in each.items() if cycles is not None} for each in expected
    ]
    chosen = [_fastest(each)[0] or next(iter(each)) for each in expected]

    def busiest(kinds: Kinds, layers: Sequence[Kinds]) -> float:
        work = [
            each.get(kinds, 0.0) for each, on in zip(fitting, layers, strict=True) if on == kinds
        ]
        return counts[kinds[0]] * slowest_run(work, counts[kinds[0]])

    while True:
        loads = {kinds: busiest(kinds, chosen) for each in expected for kinds in each}
        most = max(loads, key=lambda kinds: loads[kinds])
        moves = []
        for layer, on in enumerate(chosen):
            for other in fitting[layer] if on == most else ():
                moved = [*chosen[:layer], other, *chosen[layer + 1 :]]
                if other != most:
                    moves.append((max(busiest(most, moved), busiest(other, moved)), moved))
        least, moved = min(moves, default=(loads[most], chosen), key=lambda move: move[0])
        if least >= loads[most]:
            return chosen
        chosen = moved


def idle_kinds(
    kinds: Iterable[str], used: Iterable[str], tried: Sequence[Mapping[Kinds, float | None]]
) -> dict[str, str]:
    """Kinds of core that compute nothing, and why.

    Args:
        kinds: of the chip.
        used: those that have a job.
        tried: what was expected of each layer on kinds that were compared.
    """
    reasons = {}
    for kind in kinds:
        if kind in used:
            continue
        found = [cycles for each in tried for together, cycles in each.items() if kind in together]
        if not found:
            reasons[kind] = "no layer asks for what it can do"
        elif all(cycles is None for cycles in found):
            reasons[kind] = "no layer fits its memories"
        else:
            reasons[kind] = "no layer is expected to be faster with it"
    return reasons


def pools(chosen: Iterable[Kinds], architecture: Architecture) -> dict[str, Kinds]:
    """For each kind of core, the kinds with which it shares layers, itself among them, directly or
    through others. They share a part of the weight buffer as well."""
    found: dict[str, Kinds] = {name: (name,) for name in architecture.kinds}
    for kinds in chosen:
        members = {member for kind in kinds for member in found[kind]}
        pool = tuple(name for name in architecture.kinds if name in members)
        found |= dict.fromkeys(pool, pool)
    return found
