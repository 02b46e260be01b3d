"""Power and area: how large each place of the chip is, and what it spends while nothing happens.

Takes the summary of a result; nothing is priced here. Where a run has no cores there is nothing to
show.
"""

from collections.abc import Mapping
from typing import Any

from codesign.pages.content import Cell, Number, Priced, Section, Table, percent, quantity
from codesign.pages.energy import PICOJOULE
from codesign.pages.palette import words


def power_section(summary: Mapping[str, Any]) -> list[Section]:
    """Mean and peak power, and a table by place; empty without cores."""
    if summary["latency_s"] is None:
        return []
    static_pj = sum(summary["static_parts_pj"].values())
    share = static_pj / summary["energy_pj"] if summary["energy_pj"] else 0.0
    if summary["messages"]:
        mean, peak = (quantity(summary[f"{name}_power_w"], "W") for name in ("average", "peak"))
        said = f"{mean} on average, and {peak} in the timestep of the chip that draws most."
        return [Section("Power", [said, "Leakage and area are not stated for this chip."])]
    text = [
        f"{quantity(summary['average_power_w'], 'W')} on average, DRAM included, and "
        f"{quantity(summary['peak_power_w'], 'W')} in the busiest cycle, if each job and transfer "
        "spends its energy evenly over its cycles.",
        f"{percent(share)} of the energy passes with time alone: leakage, clocks of cores that do "
        "not compute, and the background power of the DRAM, which is another chip and has no area "
        "on this one.",
    ]
    return [Section("Power and area", text, table=power_table(summary))]


def power_table(summary: Mapping[str, Any]) -> Table:
    """Area, static energy and its mean power, by place; what is not stated is empty."""
    areas, static = summary["area_parts_mm2"], summary["static_parts_pj"]
    rows: list[list[Cell]] = []
    for place in dict.fromkeys((*areas, *static)):
        spent = static.get(place)
        energy = None if spent is None else spent * PICOJOULE
        by = component_of(place)
        rows.append(
            [
                place_words(place),
                Number(areas[place], f"{areas[place]:.3g}") if place in areas else "",
                "" if energy is None else _quantity(energy / summary["latency_s"], "W", by),
                "" if energy is None else _quantity(energy, "J", by),
            ]
        )
    columns = ["place", "area in mm2", "mean static power", "static energy"]
    return Table("Power and area by place", columns, rows)


def place_words(place: str) -> str:
    """`spike.idle_clock` as people read it: `spike cores: idle clock`."""
    kind, dot, part = place.partition(".")
    return f"{words(kind)} cores: {words(part)}" if dot else words(place)


def component_of(place: str) -> str:
    """The component that static energy of a place belongs to."""
    if place.endswith(".idle_clock"):
        return "clock"
    return place if place == "dram_background" else "leakage"


def _quantity(value: float, unit: str, component: str) -> Number:
    return Number(value, quantity(value, unit), Priced({component: value}, unit))
