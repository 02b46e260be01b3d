"""What the accumulation pathway costs: latency, and energy in its parts.

A pair is a full-spike network (`fsnn50`) and the dual-stream network of equal depth (`dsnn50`),
run on the same architecture and input with as many timesteps: they differ by the accumulation
pathway, so the differences of their latency and energy are its cost.
"""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from codesign.energy import component_sums
from codesign.pages.content import percent, quantity
from codesign.pages.energy import PICOJOULE
from codesign.pages.palette import in_order
from codesign.results import Result
from codesign.specs.architecture import PaperEnergies
from codesign.specs.catalogue import architectures, load_architecture

_PAIRED = re.compile(r"(?P<network>fsnn|dsnn)[-_]?(?P<depth>\d+)(?P<rest>.*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AccumulationCost:
    """What the accumulation pathway adds to a full-spike network.

    Attributes:
        depth: layers by which the networks are named.
        architecture: the chip of both runs.
        latency_s: without and with the pathway; None where latency is not modelled.
        energy_pj: without and with it.
        equation_7_pj: without and with it, operations alone.
    """

    depth: int
    architecture: str
    latency_s: tuple[float, float] | None
    energy_pj: tuple[float, float]
    equation_7_pj: tuple[float, float]


@cache
def equation_7() -> PaperEnergies:
    """The coefficients of eq. 7 in arXiv 2301.11929, which the architecture `paper` holds."""
    # By path: a file called `paper` in the current folder is not meant.
    path = next(entry.path for entry in architectures() if entry.name == "paper")
    operations = load_architecture(path).operations
    assert operations is not None
    return operations


def equation_7_pj(result: Result) -> float:
    """Energy by eq. 7: estimated ACs and dense MACs at the paper's coefficients, in pJ."""
    accumulates, multiplies = (
        float(result.layers[name].sum()) for name in ("ac_rate_dense", "mac")
    )
    return equation_7().ac_pj * accumulates + equation_7().mac_pj * multiplies


def accumulation_pairs(results: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Each full-spike result with its dual-stream twin, if both are there; the least deep first."""
    twins: dict[tuple[Any, ...], Result] = {}
    for result in results:
        key = _pair_key(result)
        if key is not None:
            twins.setdefault(key, result)
    pairs = [
        (key[1], (twins["fsnn", *key[1:]], result))
        for key, result in twins.items()
        if key[0] == "dsnn" and ("fsnn", *key[1:]) in twins
    ]
    return [pair for _, pair in sorted(pairs, key=lambda item: item[0])]


def accumulation_costs(results: Sequence[Result]) -> list[AccumulationCost]:
    """A cost for each dual-stream result that has its full-spike twin among the results."""
    return [_cost(*pair) for pair in accumulation_pairs(results)]


def accumulation_cost_sentence(results: Sequence[Result]) -> str | None:
    """What the accumulation pathway costs in latency and energy on this chip, in one sentence.

    Args:
        results: runs of any workloads; pairs are found by name, depth, architecture, timesteps,
            number of images and the input that the provenance names.

    Returns:
        The sentence, with a clause for each depth; None if no pair is among the results.
    """
    costs = accumulation_costs(results)
    if not costs:
        return None
    chips = list(dict.fromkeys(cost.architecture for cost in costs))
    several = len(chips) > 1
    clauses = [_clause(cost, name_chip=several) for cost in costs]
    place = "" if several else f"On {chips[0]} "
    text = f"{place}the accumulation pathway costs {'; '.join(clauses)}."
    return text[0].upper() + text[1:]


def _clause(cost: AccumulationCost, *, name_chip: bool) -> str:
    energy = f"{_change(cost.energy_pj, PICOJOULE, 'J')} of energy"
    time = "an unknown latency (not modelled)"
    if cost.latency_s is not None:
        time = f"{_change(cost.latency_s, 1.0, 's')} of latency"
    where = f" on {cost.architecture}" if name_chip else ""
    return (
        f"{time} and {energy} at depth {cost.depth}{where}, where eq. 7 on operations alone, in "
        f"fp32, gives {_change(cost.equation_7_pj, PICOJOULE, 'J')}"
    )


def _change(pair: tuple[float, float], size: float, unit: str) -> str:
    """`+5.8 mJ (+171.6 %)`; a saving has a minus."""
    without, with_it = pair
    difference = with_it - without
    sign = "+" if difference > 0 else ""
    share = f" ({sign}{percent(difference / without)})" if without else ""
    return f"{sign}{quantity(difference * size, unit)}{share}"


def _pair_key(result: Result) -> tuple[Any, ...] | None:
    """Equal for the two networks of a pair but for its first item; None for other networks."""
    summary = result.summary
    match = _PAIRED.fullmatch(summary["workload"])
    if match is None:
        return None
    return (
        match["network"].lower(),
        int(match["depth"]),
        match["rest"],
        summary["architecture_hash"],
        summary["timesteps"],
        summary["images"],
        json.dumps((summary["provenance"] or {}).get("input"), sort_keys=True),
    )


def _cost(without: Result, with_it: Result) -> AccumulationCost:
    first, second = without.summary, with_it.summary
    match = _PAIRED.fullmatch(first["workload"])
    times = (first["latency_s"], second["latency_s"])
    return AccumulationCost(
        depth=int(match["depth"]) if match else 0,
        architecture=first["architecture"],
        latency_s=None if None in times else times,
        energy_pj=(first["energy_pj"], second["energy_pj"]),
        equation_7_pj=(equation_7_pj(without), equation_7_pj(with_it)),
    )


CAUSES = (
    "the pathway's own",
    "the spike stream's residency",
    "static energy",
)
"""Of what a pathway adds: the words for the parts of its energy."""


@dataclass(frozen=True, slots=True)
class PathwayEnergy:
    """Where the difference in energy of a pair comes from; all in pJ, summing to the difference.

    Attributes:
        own_pj: what the accumulation stream spends, and the spike stream for it alone (storing
            what only the pathway reads), by component.
        residency_pj: what the spike stream spends more because the pathway's tensors and weights
            take room, and time on the cores that both use: tensors that move to the DRAM, layers
            that are cut otherwise. Its operations are the same with and without the pathway. On a
            NoC with address events, those that are sent for the pathway alone are among it.
        static_pj: what passes in a cycle in which nothing happens (leakage, background of the DRAM,
            idle clocks) times the change of the makespan. What a core's clock takes while it
            computes counts to the two streams as far as it is more than idle.
    """

    own_pj: dict[str, float]
    residency_pj: dict[str, float]
    static_pj: dict[str, float]

    @property
    def difference_pj(self) -> float:
        """All of it."""
        return math.fsum(math.fsum(part.values()) for part in self.parts.values())

    @property
    def parts(self) -> dict[str, dict[str, float]]:
        """Changes by component, by the words for each part."""
        return dict(zip(CAUSES, (self.own_pj, self.residency_pj, self.static_pj), strict=True))


_STREAMS = ("accumulation", "spike", "chip")
"""Streams of the table of energy, each of which makes one part."""


def pathway_energy(without: Result, with_it: Result) -> PathwayEnergy:
    """The difference in energy of a pair in its parts."""
    return PathwayEnergy(*(_changes(without, with_it, stream) for stream in _STREAMS))


def _changes(without: Result, with_it: Result, stream: str) -> dict[str, float]:
    """pJ that a stream spends more, by component; components that did not change are left out."""
    sums = [_above_idle(result, stream) for result in (without, with_it)]
    changes = {
        name: sums[1].get(name, 0.0) - sums[0].get(name, 0.0)
        for name in in_order({*sums[0], *sums[1]})
    }
    return {name: change for name, change in changes.items() if change}


def _above_idle(result: Result, stream: str) -> dict[str, float]:
    """pJ of a stream by component, where cores that compute spend their idle clock as all do."""
    sums = component_sums(result.energy[result.energy["stream"] == stream])
    spared = result.summary.get("spared_clock_pj", {})
    moved = math.fsum(spared.values()) if stream == "chip" else -spared.get(stream, 0.0)
    return sums | {"clock": sums.get("clock", 0.0) + moved} if moved else sums


def pathway_energies_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """The parts of each pair's difference in energy, for a comparison's summary."""
    found = []
    for pair in accumulation_pairs(results):
        split = pathway_energy(*pair)
        found.append(
            {
                "without": pair[0].summary["workload"],
                "with": pair[1].summary["workload"],
                "architecture": pair[1].summary["architecture"],
                "difference_pj": split.difference_pj,
                "own_pj": split.own_pj,
                "residency_pj": split.residency_pj,
                "static_pj": split.static_pj,
            }
        )
    return found


def pathway_energy_sentences(results: Sequence[Result]) -> list[str]:
    """What each pair's difference in energy consists of; none where energy is of operations."""
    sentences = []
    for without, with_it in accumulation_pairs(results):
        if with_it.summary["latency_s"] is None:
            continue
        split = pathway_energy(without, with_it)
        own, residency, static = (
            _signed(math.fsum(part.values()) * PICOJOULE) for part in split.parts.values()
        )
        is_same = all(abs(change) < _NOTHING_PJ for change in split.residency_pj.values())
        spike_stream = (
            "nothing is the spike stream's"
            if is_same
            else f"{residency} are the spike stream's, which shares room and cores with it"
        )
        sentences.append(
            f"{with_it.summary['workload']} on {with_it.summary['architecture']}: of the "
            f"{_signed(split.difference_pj * PICOJOULE)} against {without.summary['workload']}, "
            f"{own} are the pathway's own{_clock_words(with_it)}, {spike_stream}, and {static} are "
            "static, by the change of the makespan."
        )
    return sentences


def _clock_words(with_it: Result) -> str:
    """Why the pathway's own is less than what its stream spends, where it is."""
    spared_pj = with_it.summary.get("spared_clock_pj", {}).get("accumulation", 0.0)
    return " (its clock above idle)" if spared_pj else ""


def _signed(energy: float) -> str:
    """`+8.95 mJ`; nothing has no sign."""
    return f"{'+' if energy > 0 else ''}{quantity(energy, 'J')}"


_NOTHING_PJ = 0.5
"""Less is no picojoule; what rounding leaves of means over images is far below it."""
