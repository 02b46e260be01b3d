"""Sensitivity: does the ranking of networks by energy survive other energy tables?

Energy is counts times coefficients, so nothing is simulated again: operations are priced anew, and
what else a run spent (memories, clocks, leakage) stays as it was or is left out. MACs of a host
keep its price. An AC is an add, a
MAC a multiply and an add; a neuron update is taken for three adds, as on the shipped chips. Both
sums of a pair are as wide: an 8-bit accumulator would overflow. Left out: other memories, and what
other operations would do to the latency and so to leakage.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

OPERATIONS = ("ac", "mac", "addition", "reduction", "neuron", "logic")
STATIC = ("leakage", "dram_background")
PRICED = "operations_of_the_table"
"""In place of a component: operations at coefficients that are not the chip's."""

_HOROWITZ = "Horowitz, Computing's energy problem, ISSCC 2014, 45 nm, 0.9 V"


@dataclass(frozen=True)
class OperationPrices:
    """Coefficients of operations in pJ: an add, and a multiply with its add; with their source."""

    add_pj: float
    multiply_add_pj: float
    source: str


PRICES = {
    "fp32, 45 nm": OperationPrices(0.9, 4.6, f"{_HOROWITZ}: fp32 add 0.9 pJ, multiply 3.7 pJ"),
    "int8 with 16-bit sums, 45 nm": OperationPrices(
        0.05, 0.25, f"{_HOROWITZ}: int16 add 0.05 pJ, int8 multiply 0.2 pJ"
    ),
    "int8 with 32-bit sums, 45 nm": OperationPrices(
        0.1, 0.3, f"{_HOROWITZ}: int32 add 0.1 pJ, int8 multiply 0.2 pJ"
    ),
}
"""Of operations, by the numbers' formats."""

_OWN_SOURCE = "the architecture's own coefficients, with their sources in its file"
_OWN = {
    "the chip as it is": _OWN_SOURCE,
    "operations alone": f"{_OWN_SOURCE}; memories, clocks and leakage left out",
    "without leakage and DRAM background": f"{_OWN_SOURCE}; these two left out",
}
_OTHERS = "; all else by the architecture's own coefficients"
_ALONE = "; memories, clocks and leakage left out"


def table_sources() -> dict[str, str]:
    """Where the coefficients of each energy table come from."""
    found = dict(_OWN)
    for name, prices in PRICES.items():
        found[f"operations at {name}"] = prices.source + _OTHERS
        found[f"operations at {name}, alone"] = prices.source + _ALONE
    return found


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

    def ranking(self, table: str) -> list[int]:
        """The runs under a table, the one that spends least first; equal ones as given."""
        values = self.energies_pj[table]
        return sorted(range(len(values)), key=lambda run: values[run])

    @property
    def always(self) -> list[tuple[int, int]]:
        """Pairs of which the first spends less than the second under every table."""
        ranking = self.ranking(next(iter(self.energies_pj)))
        return [
            (less, more)
            for less, more in combinations(ranking, 2)
            if all(values[less] < values[more] for values in self.energies_pj.values())
        ]


def sensitivity(summaries: Sequence[Mapping[str, Any]]) -> Sensitivity | None:
    """What the ranking of runs depends on; None for fewer than two, without cores, or where the
    price of an operation is one with that of its memories (a chip of messages)."""
    if len(summaries) < 2 or not all(summary.get("operations") for summary in summaries):
        return None
    if any(summary.get("messages") for summary in summaries):
        return None
    tables = [energies_pj(summary) for summary in summaries]
    energies = {name: [table[name] for table in tables] for name in tables[0]}
    first = next(iter(energies.values()))
    flips: dict[str, list[tuple[int, int]]] = {}
    for name, values in energies.items():
        for one, other in combinations(range(len(values)), 2):
            less, more = (one, other) if first[one] <= first[other] else (other, one)
            if first[less] < first[more] and values[less] > values[more]:
                flips.setdefault(name, []).append((less, more))
    return Sensitivity(energies, flips)


def energies_pj(summary: Mapping[str, Any]) -> dict[str, float]:
    """The energy of one run under each table."""
    parts = summary["energy_parts_pj"]
    whole = summary["energy_pj"]
    operations = sum(parts.get(name, 0.0) for name in OPERATIONS)
    outside = _host_pj(summary)
    static = sum(parts.get(name, 0.0) for name in STATIC)
    tables = {
        "the chip as it is": whole,
        "operations alone": operations + outside,
        "without leakage and DRAM background": whole - static,
    }
    for name, prices in PRICES.items():
        priced = _priced(summary["operations"], prices, parts.get("logic", 0.0))
        tables[f"operations at {name}"] = whole - operations + priced
        tables[f"operations at {name}, alone"] = priced + outside
    return tables


def energy_parts_pj(summary: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """What adds up to the energy of one run under each table: components that the chip's own
    coefficients price, and `PRICED` for operations that the table itself does."""
    parts = dict(summary["energy_parts_pj"])
    others = {name: value for name, value in parts.items() if name not in OPERATIONS}
    outside = {"host": _host_pj(summary)} if _host_pj(summary) else {}
    tables = {
        "the chip as it is": parts,
        "operations alone": {name: parts[name] for name in parts if name in OPERATIONS} | outside,
        "without leakage and DRAM background": {
            name: value for name, value in parts.items() if name not in STATIC
        },
    }
    for name, prices in PRICES.items():
        priced = {PRICED: _priced(summary["operations"], prices, parts.get("logic", 0.0))}
        tables[f"operations at {name}"] = others | priced
        tables[f"operations at {name}, alone"] = priced | outside
    return tables


def _host_pj(summary: Mapping[str, Any]) -> float:
    """pJ of a host's MACs, which no table prices anew; the link to it is no operation."""
    return math.fsum(cost["mac_pj"] for cost in (summary.get("host") or {}).values())


def _priced(operations: Mapping[str, int], prices: OperationPrices, logic_pj: float) -> float:
    """pJ of a run's operations; those of single bits keep the price that the chip gives them."""
    adds = operations["ac"] + operations["addition"] + operations["reduction"]
    adds += 3 * operations["neuron"]
    return adds * prices.add_pj + operations["mac"] * prices.multiply_add_pj + logic_pj


def sentences(names: Sequence[str], found: Sensitivity | None) -> list[str]:
    """When the ranking by energy flips, and between whom."""
    if found is None:
        return []
    ranking = ranking_words(names, found, next(iter(found.energies_pj)))
    if not found.flips:
        count, pair_count = len(found.energies_pj), len(names) * (len(names) - 1) // 2
        if len(found.always) == pair_count:
            return [f"By energy {ranking}, under each of {count} energy tables."]
        return [f"By energy {ranking}; none of {count} energy tables reverses an order."]
    said = [f"By energy {ranking}; the ranking depends on the energy table:"]
    for table, pairs in found.flips.items():
        reversed_pairs = ", ".join(f"{names[more]} below {names[less]}" for less, more in pairs)
        said.append(f"{table}: {reversed_pairs}.")
    if found.always:
        lasting = ", ".join(f"{names[less]} below {names[more]}" for less, more in found.always)
        said.append(f"under every table: {lasting}.")
    return said


def ranking_words(names: Sequence[str], found: Sensitivity, table: str) -> str:
    """`a < b = c` under an energy table."""
    values = found.energies_pj[table]
    first, *others = found.ranking(table)
    said, before = names[first], first
    for run in others:
        said += f" {'=' if values[run] == values[before] else '<'} {names[run]}"
        before = run
    return said
