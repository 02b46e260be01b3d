"""When the cores, ports and channels were busy, drawn with at most 2,000 bars.

A browser draws about 2,000 bars at once without delay and a run has many more rows, so rows of
one resource are merged, first without loss of meaning and then, as far as needed, with a loss
that each bar states: how many rows it stands for and what share of its length was busy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from codesign.pages.content import Cell, Figure, Number, Table, count, percent
from codesign.pages.drawing import label, new_figure
from codesign.pages.palette import CRITICAL_PATH_COLOUR, STREAM_COLOURS, STREAM_SHADES, words
from codesign.results import Result

Cycles = npt.NDArray[np.int64]

LARGEST_BARS = 2_000
LARGEST_LINES = 64
"""Resources or cores that a figure shows: as many as a screen holds twice over."""

_OTHER_COLOURS = "#8D8D8D", "#C2C2C2"
_ON_PATH = "critical path"
_STRIP = {"legendgroup": _ON_PATH, "width": 0.18, "offset": -0.5}
"""At the lower end of a line, which is 1 high; upwards is positive."""

_FINEST_STRETCHES = 65_536  # no pixel is as fine, even if a reader zooms into a tenth of the run


def timeline_data(
    timeline: pd.DataFrame, cores: Sequence[str] = (), limit: int = LARGEST_BARS
) -> pd.DataFrame:
    """Rows of the timeline, merged until there are at most `limit`.

    First rows of one layer and timestep that touch become one bar; then, on resources that have
    more bars than their share, rows of one layer whatever the timestep; then, in steps of growing
    width, also rows of one layer with shorter gaps than the width and rows of all layers that
    start within the same stretch of that width. Never fewer than one bar for each resource.

    Args:
        timeline: as in `Result.timeline`; rows of one resource do not overlap.
        cores: the resources that come first, in their order; the others follow by name.
        limit: the largest number of bars.

    Returns:
        Columns `resource`, `layer`, `stream` (those of the bar's longest row), `layers` and
        `rows` (how many it stands for), `first_timestep`, `last_timestep`, `start_cycle`,
        `end_cycle`, `busy_cycles`, sorted by resource and start.
    """
    others = sorted(set(timeline["resource"]) - set(cores), key=lambda name: (len(name), name))
    others.sort(key=lambda name: name.partition("[")[0])
    order = {name: place for place, name in enumerate((*cores, *others))}
    rows = timeline.assign(
        place=timeline["resource"].map(order).astype("int64"),
        cycles=timeline["end_cycle"] - timeline["start_cycle"],
    ).sort_values(["place", "start_cycle", "end_cycle"], kind="stable", ignore_index=True)
    if len(rows) <= limit:
        return _bars(rows, np.arange(len(rows)))
    codes = pd.factorize(rows["layer"])[0]
    keys = [rows[name].to_numpy() for name in ("start_cycle", "end_cycle", "timestep")]
    firsts = np.flatnonzero(np.diff(rows["place"], prepend=-1))
    columns = [np.split(key, firsts[1:]) for key in (codes, *keys)]
    parts = [_Rows(*part) for part in zip(*columns, strict=True)]
    shares = _shares([int(part.groups(0, same_timestep=True)[-1]) + 1 for part in parts], limit)
    end = int(rows["end_cycle"].max())
    merged = [_merged(part, share, end) for part, share in zip(parts, shares, strict=True)]
    offsets = np.cumsum([0, *(group[-1] + 1 for group in merged[:-1])])
    return _bars(rows, np.concatenate([g + n for g, n in zip(merged, offsets, strict=True)]))


def busiest(timeline: pd.DataFrame, limit: int = LARGEST_LINES) -> pd.DataFrame:
    """The rows of the resources that were busy for most cycles, if there are more than `limit`."""
    cycles = (timeline["end_cycle"] - timeline["start_cycle"]).groupby(timeline["resource"]).sum()
    shown = cycles.sort_values(ascending=False, kind="stable").index[:limit]
    kept: pd.DataFrame = timeline[timeline["resource"].isin(shown)]
    return kept if len(cycles) > limit else timeline


def _shares(wanted: Sequence[int], limit: int) -> list[int]:
    """How many bars each resource may have: equally many, and more where others need fewer."""
    shares = [0] * len(wanted)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    for done, place in enumerate(order):
        shares[place] = min(wanted[place], max(1, (limit - sum(shares)) // (len(order) - done)))
    return shares


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of one resource in time: `(rows,)` int64 each."""

    layers: Cycles
    starts: Cycles
    ends: Cycles
    timesteps: Cycles

    def groups(self, width: int, *, same_timestep: bool) -> Cycles:
        """A number for each row, equal for rows that become one bar."""
        apart = np.ones(len(self.layers), bool)
        far = self.starts[1:] - self.ends[:-1] > width
        other = np.diff(self.layers) != 0
        if same_timestep:
            other |= np.diff(self.timesteps) != 0
        apart[1:] = far | other
        if width:
            apart[1:] &= np.diff(self.starts // width) != 0
        return np.cumsum(apart) - 1


def _merged(rows: _Rows, share: int, end: int) -> Cycles:
    """The groups of one resource, merged in steps of growing width until they are few enough."""
    group = rows.groups(0, same_timestep=True)
    width = 0
    # A stretch longer than the run holds everything: the loop ends.
    while group[-1] >= share and width <= 2 * end:
        group = rows.groups(width, same_timestep=False)
        width = width * 5 // 4 + max(1, end // _FINEST_STRETCHES)
    return group


def _bars(rows: pd.DataFrame, group: Cycles) -> pd.DataFrame:
    """One row for each group of rows."""
    grouped = rows.groupby(group)
    longest = rows.loc[grouped["cycles"].idxmax()].reset_index(drop=True)
    return pd.DataFrame(
        {
            "resource": longest["resource"],
            "layer": longest["layer"],
            "stream": longest["stream"],
            "layers": grouped["layer"].nunique(),
            "rows": grouped.size(),
            "first_timestep": grouped["timestep"].min(),
            "last_timestep": grouped["timestep"].max(),
            "start_cycle": grouped["start_cycle"].min(),
            "end_cycle": grouped["end_cycle"].max(),
            "busy_cycles": grouped["cycles"].sum(),
        }
    ).reset_index(drop=True)


def timeline_figure(
    bars: pd.DataFrame, makespan_cycles: float, marks: pd.DataFrame | None = None
) -> Figure:
    """A line for each resource; a stream's layers alternate between two shades in time.

    Args:
        bars: as of `timeline_data`.
        makespan_cycles: where the axis ends.
        marks: bars of the critical path on the same resources, drawn below theirs as a strip.
    """
    resources = [label(name) for name in dict.fromkeys(bars["resource"])]
    figure = new_figure(120 + 22 * len(resources), barmode="overlay", bargap=0.12)
    colours = bar_colours(bars)
    for stream in dict.fromkeys((*STREAM_COLOURS, *bars["stream"])):
        part = bars[bars["stream"] == stream]
        if part.empty:
            continue
        shades = [colours[stream, layer] for layer in part["layer"]]
        figure.data.extend(
            [
                _legend(f"{words(stream)} stream", STREAM_COLOURS.get(stream, _OTHER_COLOURS[0])),
                _bar_trace(part, shades, _hover) | {"legendgroup": f"{words(stream)} stream"},
            ]
        )
    if marks is not None and not marks.empty:
        figure.data.extend(
            [
                _legend(_ON_PATH, CRITICAL_PATH_COLOUR),
                _bar_trace(marks, CRITICAL_PATH_COLOUR, _mark_hover) | _STRIP,
            ]
        )
    span = [0, makespan_cycles]
    figure.set_axis("xaxis", title="Cycles since the start", range=span, tickformat="~s")
    figure.set_axis(
        "yaxis",
        type="category",
        categoryorder="array",
        categoryarray=resources[::-1],
        showgrid=False,
        range=[-0.5, len(resources) - 0.5],
        fixedrange=True,
        tickfont={"size": 11},
        dtick=1,
    )
    return figure


def bar_colours(bars: pd.DataFrame) -> dict[tuple[str, str], str]:
    """By stream and layer: the layers of a stream alternate between its shades in time."""
    places: dict[str, dict[str, int]] = {}
    in_time = bars.sort_values("start_cycle", kind="stable")
    for stream, layer in zip(in_time["stream"], in_time["layer"], strict=True):
        layers = places.setdefault(stream, {})
        layers.setdefault(layer, len(layers))
    first, second = _OTHER_COLOURS
    shades = {
        stream: (STREAM_COLOURS.get(stream, first), STREAM_SHADES.get(stream, second))
        for stream in places
    }
    return {
        (stream, layer): shades[stream][place % 2]
        for stream, layers in places.items()
        for layer, place in layers.items()
    }


def _legend(name: str, colour: str) -> dict[str, Any]:
    """A trace without bars, since a legend shows the shade of the first bar; a click on it hides
    the bars of its group."""
    bar = {"type": "bar", "x": [None], "y": [None], "marker": {"color": colour}}
    return bar | {"name": name, "legendgroup": name}


def _bar_trace(
    bars: pd.DataFrame, colour: str | list[str], hover: Callable[[dict[Any, Any]], str]
) -> dict[str, Any]:
    return {
        "type": "bar",
        "base": bars["start_cycle"].tolist(),
        "x": (bars["end_cycle"] - bars["start_cycle"]).tolist(),
        "y": [label(name) for name in bars["resource"]],
        "orientation": "h",
        "showlegend": False,
        "marker": {"color": colour, "opacity": _opacities(bars), "line": {"width": 0}},
        "hovertext": [hover(bar) for bar in bars.to_dict("records")],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }


def _opacities(bars: pd.DataFrame) -> list[float]:
    """Full where a bar was busy all the time, and pale, but to be seen, where hardly ever."""
    lengths = (bars["end_cycle"] - bars["start_cycle"]).clip(lower=1)
    return [round(share, 3) for share in 0.2 + 0.8 * bars["busy_cycles"] / lengths]


def _hover(bar: dict[Any, Any]) -> str:
    first, last = bar["first_timestep"], bar["last_timestep"]
    length = bar["end_cycle"] - bar["start_cycle"]
    others = f" and {bar['layers'] - 1} more layers" if bar["layers"] > 1 else ""
    lines = [
        f"<b>{label(bar['resource'])}</b>",
        f"{label(bar['layer'])}{others}",
        f"timestep {first}" if first == last else f"timesteps {first} to {last}",
        f"cycles {bar['start_cycle']:,} to {bar['end_cycle']:,}",
    ]
    if bar["rows"] > 1:
        busy = percent(bar["busy_cycles"] / length) if length else "all"
        lines.append(f"{bar['rows']:,} jobs or transfers, busy {busy} of this time")
    return "<br>".join(lines)


def _mark_hover(bar: dict[Any, Any]) -> str:
    what = label(bar["layer"]) or "no single layer"
    others = f" and {bar['layers'] - 1} more layers" if bar["layers"] > 1 else ""
    return (
        f"<b>{label(bar['resource'])} on the critical path</b><br>{what}{others}"
        f"<br>cycles {bar['start_cycle']:,} to {bar['end_cycle']:,}, of which the run waits "
        f"{bar['busy_cycles']:,} for it"
    )


def resource_table(result: Result) -> Table:
    """What each resource did over the whole run."""
    makespan = result.summary["makespan_cycles"]
    rows: list[list[Cell]] = []
    for resource, part in result.timeline.groupby("resource", sort=False):
        cycles = int((part["end_cycle"] - part["start_cycle"]).sum())
        share = cycles / makespan if makespan else 0.0
        rows.append([str(resource), count(len(part)), count(cycles), Number(share, percent(share))])
    return Table(
        "Use of each core, port and channel",
        ["resource", "jobs or transfers", "busy cycles", "share of the makespan"],
        rows,
    )
