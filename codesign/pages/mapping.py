"""Why each layer is cut as it is: what the mapper expected, and what the layer then took."""

from typing import Any

from codesign.pages.content import Cell, Section, Table, count, quantity
from codesign.pages.energy import PICOJOULE
from codesign.pages.layer_table import computing_rows
from codesign.pages.palette import words
from codesign.results import Result

PARTITIONS = {
    "output_channels": "by output channels",
    "rows": "by rows",
    "input_channels": "by input channels",
}


def mapping_section(result: Result) -> list[Section]:
    """How layers were mapped; empty without cores."""
    if not result.summary["mapping"]:
        return []
    text = (
        "Where kinds of core can share a layer, they do if it is expected to be faster so. "
        "Where the architecture does not force a partition, a layer is cut such that the product "
        "of expected cycles and expected energy is least. Of cuts that are about as good, the one "
        "is taken that moves least from and to DRAM, and of these the one with the fewest jobs. "
        "The mapper does not see the recorded spikes, expects no waiting for other layers, and "
        "takes a fifth of all spikes to be ones."
    )
    return [Section("Mapping", [text], table=mapping_table(result))]


def mapping_table(result: Result) -> Table:
    """A row for each layer: cores and cut, expected cycles and what sets them, the expected cycles
    of the best cut that divides one thing only and of the kinds of core that were compared, and the
    cycles in which it was computed, from the first core that began to the last that ended."""
    plans = result.summary["mapping"]
    kinds = [name for name in PARTITIONS if any(name in plan["alternatives"] for plan in plans)]
    times = computing_rows(result).groupby("layer").agg({"start_cycle": "min", "end_cycle": "max"})
    took = (times["end_cycle"] - times["start_cycle"]).to_dict()
    columns = ["layer", "cores", "cut into", "expected cycles", "set by", "of DRAM alone"]
    columns += ["expected energy"]
    columns += [f"expected {PARTITIONS[name]}" for name in kinds]
    compared = list(dict.fromkeys(kinds for plan in plans for kinds in plan["kinds"]))
    columns += [f"expected on {' and '.join(kinds.split('+'))}" for kinds in compared]
    columns += ["simulated cycles"] * bool(took)
    table: list[list[Cell]] = []
    for plan in plans:
        cells: list[Cell] = [plan["layer"], _cores(plan), _cut(plan)]
        cells += [count(plan["expected_cycles"]), words(plan["limit"])]
        cells += [count(plan["loads_cycles"]["dram"])]
        cells += [quantity(plan["expected_energy_pj"] * PICOJOULE, "J")]
        cells += [_cycles(plan["alternatives"].get(name)) for name in kinds]
        cells += [
            _cycles(plan["kinds"][each], "does not fit") if each in plan["kinds"] else ""
            for each in compared
        ]
        cells += [_cycles(took.get(plan["layer"]))] * bool(took)
        table.append(cells)
    return Table("How layers were mapped", columns, table)


def _cycles(value: float | None, missing: str = "") -> Cell:
    return missing if value is None else count(value)


def _cores(plan: dict[str, Any]) -> Cell:
    parts = []
    for cores in plan["cores"]:
        first, last = cores["first"], cores["first"] + cores["count"] - 1
        numbers = f"{first}" if first == last else f"{first} to {last}"
        parts.append(f"{cores['kind']} {numbers}")
    return ", ".join(parts)


def _cut(plan: dict[str, Any]) -> Cell:
    parts = {
        "slices": plan["slices"],
        "bands": plan["bands"],
        "spread chunks" if plan["is_spread"] else "chunks": plan["chunks"],
    }
    return " x ".join(f"{number} {name}" for name, number in parts.items() if number > 1) or "whole"
