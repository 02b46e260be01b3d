"""The report of one run: how long, how much energy, what limits it, and where it went.

A pure function of a `codesign.results.Result`: nothing is counted, simulated or priced here.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from codesign.pages import (
    activity,
    critical_path,
    energy,
    energy_tree,
    headline,
    latency,
    origins,
    timeline,
)
from codesign.pages.content import Page, Picture, Section, Stacked, Table
from codesign.pages.document import write_page
from codesign.pages.layer_table import layer_table
from codesign.pages.mapping import mapping_section
from codesign.pages.messages import message_section
from codesign.pages.noc_section import noc_section
from codesign.pages.palette import in_order
from codesign.pages.power import power_section
from codesign.pages.repricing import repricing
from codesign.pages.timeline_detail import timeline_detail
from codesign.results import Result

ENERGY_FIGURES = {
    **dict.fromkeys(("energy-components", "energy-layers", "energy-timesteps"), "bars"),
    "energy-tree": "tree",
}

_MARKED = (
    "Below its line a strip marks when a core, port or channel was what the run waited for; click "
    "on an entry of the legend to hide it. "
)


def write_run_report(result: Result, path: Path) -> None:
    """Writes the report of a run as one HTML file that opens without a network.

    Args:
        result: the run; on an architecture without cores everything about time is left out.
        path: the file; it appears only when it is complete.

    Raises:
        InputError: the file cannot be written.
    """
    write_page(run_page(result), path)


def run_page(result: Result) -> Page:
    """The content of the report."""
    summary = result.summary
    sections = [_energy(result), _latency(result), *_what_if(result)]
    sections += [*noc_section(result), *power_section(summary)]
    sections += [_activity(result), _layers(result), *mapping_section(result)]
    sections += message_section(summary)
    sources = origins.sources(summary)
    if sources:
        sections.append(_sources(sources))
    return Page(
        title=f"{summary['workload']} on {summary['architecture']}",
        statements=[
            *origins.statements(summary["provenance"] or {}),
            *headline.overflow_sentences([summary]),
            *headline.idle_sentences([summary]),
            *headline.changes_sentences([summary]),
        ],
        lead=headline.headline(summary),
        tiles=headline.tiles(summary, energy.parts_of(result.energy, "stream")),
        facts=origins.facts(summary),
        sections=sections,
        repricing=repricing([str(summary["workload"])], [result], ENERGY_FIGURES),
    )


def _energy(result: Result) -> Section:
    by_stream = energy.component_data(result)
    by_layer = energy.layer_data(result)
    by_timestep = energy.timestep_data(result)
    tree = energy_tree.tree_data(result)
    return Section(
        "Energy",
        pictures=[
            Picture(
                "energy-components",
                "Energy by component and stream",
                _of_the_chip(result.summary) * ("chip" in by_stream.categories),
                energy.component_figure(by_stream),
                by_stream.table("Energy by component and stream", "stream"),
            ),
            Picture(
                "energy-tree",
                "Energy by component, stream and layer",
                "Equal areas are equal energies. Click on a part to enlarge it, and on the bar "
                "above it to return. The smallest layers by the chip's file are drawn as one.",
                energy_tree.tree_figure(tree),
                energy_tree.tree_table(tree),
            ),
            Picture(
                "energy-layers",
                "Energy by layer and stream",
                f"{_without_energy(result)} Point at a bar to read its layer.",
                energy.layer_figure(by_layer),
                _layer_energy_table(by_layer),
            ),
            Picture(
                "energy-timesteps",
                "Energy by timestep",
                "Layers that are computed once, as the stem, count to the first timestep.",
                energy.timestep_figure(by_timestep),
                by_timestep.table("Energy by timestep", "timestep"),
            ),
        ],
    )


def _of_the_chip(summary: Mapping[str, Any]) -> str:
    """What the energy of no stream is."""
    if summary["messages"]:
        return "Neurons that are accessed beyond their layer's own timesteps are the chip's."
    return "What no layer caused, leakage and idle clocks, belongs to the chip."


def _layer_energy_table(by_layer: dict[str, Stacked]) -> Table:
    """One row for each layer and stream that spent energy, with the components of all streams."""
    components = in_order({part for stacked in by_layer.values() for part in stacked.parts})
    title, columns, rows = "Energy by layer and stream", ["stream", "layer"], []
    for stream, stacked in by_layer.items():
        none = [0.0] * len(stacked.categories)
        parts = {name: stacked.parts.get(name, none) for name in components}
        table = replace(stacked, parts=parts).table(title, "layer")
        columns = ["stream", *table.columns]
        rows += [
            [stream, *row] for row, total in zip(table.rows, stacked.totals, strict=True) if total
        ]
    return Table(title, columns, rows)


def _latency(result: Result) -> Section:
    makespan = result.summary["makespan_cycles"]
    if makespan is None:
        return Section("Latency", [headline.NO_LATENCY])
    bounds = latency.bounds_data(result.summary)
    occupancy = latency.occupancy_data(result)
    cores = latency.busiest_cores(occupancy)
    shown = timeline.busiest(result.timeline)
    bars = timeline.timeline_data(shown, occupancy.categories)
    drawn = f"{len(shown):,} recorded jobs and transfers, drawn as {len(bars):,} bars"
    marks = critical_path.marks_data(result, list(dict.fromkeys(bars["resource"])))
    lines = len(set(bars["resource"])), len(set(result.timeline["resource"]))
    figure = timeline.timeline_figure(bars, makespan, marks)
    detail = timeline_detail(shown, occupancy.categories, bars, figure)
    return Section(
        "Latency",
        pictures=[
            Picture(
                "bounds",
                "Bounds and the makespan",
                "Cut into these jobs, no order of work takes fewer cycles than a bound.",
                latency.bounds_figure(bounds, makespan),
                latency.bounds_table(bounds),
            ),
            *critical_path.path_pictures(result),
            Picture(
                "timeline",
                "Timeline of cores, ports and channels",
                f"{drawn}. {_busiest(*lines)}Neighbouring layers alternate in shade; a pale bar "
                f"stands for work with gaps. {_MARKED * (not marks.empty)}"
                f"Drag to zoom, {'where bars become finer, ' * (detail is not None)}"
                "double-click to return.",
                replace(figure, detail=detail),
                timeline.resource_table(result),
            ),
            Picture(
                "occupancy",
                "What each core did",
                f"{_busiest(len(cores.categories), len(occupancy.categories))}The states of a core "
                "sum to the makespan; stalled states are hatched.",
                latency.occupancy_figure(cores),
                occupancy.table("Cycles of each core in each state", "core"),
            ),
        ],
    )


def _busiest(drawn: int, known: int) -> str:
    """Which of very many lines a figure shows; its table has them all."""
    return f"Drawn are the {drawn} busiest of {known:,}. " if drawn < known else ""


def _what_if(result: Result) -> list[Section]:
    """What faster resources gain, if that was asked for."""
    table = critical_path.what_if_table(result.summary)
    if table.is_empty:
        return []
    return [Section("What if", [critical_path.SAME_JOBS], table=table)]


def _activity(result: Result) -> Section:
    rates = activity.firing_rate_data(result)
    accumulates = activity.operation_data(result.layers, activity.AC_COUNTS)
    multiplies = activity.operation_data(result.layers, ("mac", "mac_nonzero"))
    return Section(
        "What the network did",
        [
            *headline.counts_sentences([result.summary]),
            *headline.bit_serial_sentences(result.summary),
            *headline.host_sentences(result.summary),
        ],
        pictures=[
            Picture(
                "firing-rates",
                "Firing rate of each neuron layer",
                "Share of the neurons that spiked, one line for each timestep.",
                activity.firing_rate_figure(rates),
                activity.firing_rate_table(rates),
            ),
            Picture(
                "accumulates",
                "Accumulates (AC) of each layer",
                "Exact counts over all timesteps; layers without any are left out.",
                activity.operation_figure(accumulates, "AC"),
                accumulates.table("Accumulates", "layer"),
            ),
            Picture(
                "multiplies",
                "Multiply-accumulates (MAC) of each layer",
                "All of them, padding included, and in front those whose operands are not zero; "
                "layers without any are left out.",
                activity.operation_figure(multiplies, "MAC", overlay=True),
                activity.operation_table(multiplies, "Multiply-accumulates"),
            ),
        ],
    )


def _layers(result: Result) -> Section:
    text = ["Click a heading to sort.", _without_energy(result)]
    return Section("Layers", text, table=layer_table(result))


def _without_energy(result: Result) -> str:
    """Why many layers have no energy of their own."""
    if result.summary["makespan_cycles"] is None:
        return "Layers without AC and MAC have no energy."
    return (
        "Layers that are computed together with one in front of them, as most neurons are, count "
        "to that one."
    )


def _sources(sources: dict[str, str]) -> Section:
    assumed = sum(text.startswith("assumed") for text in sources.values())
    return Section(
        "Sources of the architecture's numbers",
        [f"Assumed, without a published source: {assumed} of {len(sources)} groups of numbers."],
        table=Table("Sources", ["group", "source"], [list(row) for row in sources.items()]),
    )
