"""Sensitivity: does the ranking of networks by energy survive other energy tables?

Energy is counts times coefficients, so nothing is simulated again: operations are priced anew, and
what else a run spent (memories, clocks, leakage) stays as it was or is left out. Coefficients of
operations are Horowitz's (Computing's energy problem, ISSCC 2014, 45 nm): an AC is an add, a MAC a
multiply and an add; a neuron update is taken for three adds, as on the shipped chips. Both sums of
a pair are as wide: an 8-bit accumulator would overflow.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

OPERATIONS = ("ac", "mac", "addition", "reduction", "neuron", "logic")
STATIC = ("leakage", "dram_background")

_HOROWITZ_PJ = {
    "fp32, 45 nm": (0.9, 4.6),
    "int8 with 16-bit sums, 45 nm": (0.05, 0.25),
    "int8 with 32-bit sums, 45 nm": (0.1, 0.3),
}
"""Add, and multiply with add."""


@dataclass(frozen=True)
class Sensitivity:
    """Energies under several tables.

    Attributes:
        energies_pj: by table, of each run in order; the first table is the chip as it is.
        flips: pairs of runs (the one that spends less on the chip as it is first) whose order is
            another under a table, by table.
    """

    energies_pj: dict[str, list[float]]
    flips: dict[str, list[tuple[int, int]]]


def sensitivity(summaries: Sequence[Mapping[str, Any]]) -> Sensitivity | None:
    """What the ranking of runs depends on; None for fewer than two, or without cores."""
    if len(summaries) < 2 or not all(summary.get("operations") for summary in summaries):
        return None
    tables = [energies_pj(summary) for summary in summaries]
    energies = {name: [table[name] for table in tables] for name in tables[0]}
    first = next(iter(energies.values()))
    flips: dict[str, list[tuple[int, int]]] = {}
    for name, values in energies.items():
        for one, other in combinations(range(len(values)), 2):
            less, more = (one, other) if first[one] <= first[other] else (other, one)
            if values[less] > values[more]:
                flips.setdefault(name, []).append((less, more))
    return Sensitivity(energies, flips)


def energies_pj(summary: Mapping[str, Any]) -> dict[str, float]:
    """The energy of one run under each table."""
    parts = summary["energy_parts_pj"]
    whole = summary["energy_pj"]
    operations = sum(parts.get(name, 0.0) for name in OPERATIONS)
    static = sum(parts.get(name, 0.0) for name in STATIC)
    tables = {
        "the chip as it is": whole,
        "operations alone": operations,
        "without leakage and DRAM background": whole - static,
    }
    for name, (add, multiply) in _HOROWITZ_PJ.items():
        priced = _priced(summary["operations"], add, multiply, parts.get("logic", 0.0))
        tables[f"operations at {name}"] = whole - operations + priced
        tables[f"operations at {name}, alone"] = priced
    return tables


def _priced(operations: Mapping[str, int], add: float, multiply: float, logic: float) -> float:
    adds = operations["ac"] + operations["addition"] + operations["reduction"]
    return (adds + 3 * operations["neuron"]) * add + operations["mac"] * multiply + logic


def sentences(names: Sequence[str], found: Sensitivity | None) -> list[str]:
    """When the ranking by energy flips, and between whom."""
    if found is None:
        return []
    first = next(iter(found.energies_pj.values()))
    ranking = " < ".join(names[n] for n in sorted(range(len(names)), key=lambda n: first[n]))
    if not found.flips:
        count = len(found.energies_pj)
        return [f"By energy {ranking}, under each of {count} energy tables."]
    said = [f"By energy {ranking}; the ranking depends on the energy table:"]
    for table, pairs in found.flips.items():
        reversed_pairs = ", ".join(f"{names[more]} below {names[less]}" for less, more in pairs)
        said.append(f"{table}: {reversed_pairs}.")
    return said
