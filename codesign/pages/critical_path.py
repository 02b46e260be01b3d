"""What set the makespan: the critical path, drawn in time, and what a faster resource gains.

Takes `critical_path_cycles`, `what_if` and the table `critical_path` of a result. With several
images all three are of the first one, while the makespan of the summary is a mean; shares are
therefore of the path itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from codesign.pages.content import Cell, Number, Picture, Table, count, percent
from codesign.pages.latency import Bound, bounds_figure, bounds_table
from codesign.pages.palette import words
from codesign.pages.timeline import timeline_data, timeline_figure
from codesign.results import Result

_NAMED = 4

MOST_MARKS = 1_000
"""Bars of the path on the timeline, which has up to twice as many of its own."""

SAME_JOBS = (
    "The same work was simulated again with one resource twice as fast; it was not mapped "
    "again. A mapping made for the faster chip may gain more."
)


def path_data(summary: Mapping[str, Any]) -> list[Bound]:
    """What the critical path consists of, the longest part first."""
    parts = summary.get("critical_path_cycles") or {}
    whole = sum(parts.values())
    return [Bound(cause, cycles, cycles / whole, words(cause)) for cause, cycles in parts.items()]


def path_sentence(summary: Mapping[str, Any]) -> str:
    """The largest parts of the critical path in words; empty where there is none."""
    parts = [f"{percent(part.share)} {words(part.name)}" for part in path_data(summary)[:_NAMED]]
    whose = "Critical path" + " of the first image" * (summary["images"] > 1)
    return f"{whose}: {', '.join(parts)}." if parts else ""


def path_pictures(result: Result) -> list[Picture]:
    """What the path consists of, and the path in time."""
    parts, chain = path_data(result.summary), chain_data(result)
    length = sum(part.cycles for part in parts)
    return [
        Picture(
            "critical-path",
            "What the critical path consists of",
            "The chain of computing and transfers that set the makespan: a resource that is "
            "not on it could be faster and change nothing.",
            bounds_figure(parts, length),
            bounds_table(parts, "Critical path", "on the critical path"),
        ),
        Picture(
            "critical-chain",
            "The critical path in time",
            f"{len(result.critical_path):,} segments, drawn as {len(chain):,} bars; in every "
            "cycle one of them is what the run waits for. A pale bar stands for segments with "
            "others between them.",
            timeline_figure(chain, length),
            chain_table(result),
        ),
    ]


def chain_data(result: Result) -> pd.DataFrame:
    """The path's segments as bars, a line for each cause, the longest first.

    Returns:
        As `codesign.pages.timeline.timeline_data`, with the causes in words as resources. The
        streams are those that the timeline says the layers belong to.
    """
    streams = dict(zip(result.timeline["layer"], result.timeline["stream"], strict=True))
    path = result.critical_path
    rows = path.assign(
        resource=path["cause"].map(words),
        stream=[streams.get(layer, "chip") for layer in path["layer"]],
    )
    return timeline_data(rows, [words(part.name) for part in path_data(result.summary)])


def marks_data(result: Result, resources: Sequence[str]) -> pd.DataFrame:
    """The path's segments on the lines of a timeline, as bars; what has no line is left out."""
    path = result.critical_path
    rows = path[path["resource"].isin(resources)].assign(stream="chip")
    return timeline_data(rows, resources, MOST_MARKS)


def chain_table(result: Result) -> Table:
    """How long the path was held by what, for which layer; the longest first."""
    path = result.critical_path
    cycles = path["end_cycle"] - path["start_cycle"]
    grouped = cycles.groupby([path["cause"], path["layer"]]).agg(["size", "sum"])
    ordered = grouped.sort_values("sum", ascending=False, kind="stable")
    whole = int(cycles.sum())
    rows: list[list[Cell]] = []
    for (cause, layer), size, held in ordered.itertuples():
        share = held / whole
        rows.append([words(cause), layer, count(size), count(held), Number(share, percent(share))])
    return Table(
        "Critical path by cause and layer",
        ["cause", "layer", "segments", "cycles", "share of the path"],
        rows,
    )


def what_if_table(summary: Mapping[str, Any]) -> Table:
    """The makespan with each resource twice as fast, in the order of the trials."""
    rows: list[list[Cell]] = [
        [
            words(each["resource"]),
            each["change"],
            Number(each["makespan_cycles"], f"{each['makespan_cycles']:,}"),
            Number(each["gain"], percent(each["gain"])),
        ]
        for each in summary.get("what_if") or ()
    ]
    title = "Twice as fast" + " (first image)" * (summary["images"] > 1)
    return Table(title, ["resource", "change", "makespan (cycles)", "gain"], rows)
