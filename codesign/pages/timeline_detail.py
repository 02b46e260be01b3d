"""Finer bars of a timeline, for a reader who zooms in.

A page holds the same rows merged to several numbers of bars, each level finer than the one before
it. Its script (`refine` in `assets/page.js`) draws the finest one that has at most `LARGEST_BARS`
bars in the stretch that is looked at; of the whole run that is what `timeline_figure` drew.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from codesign.pages.content import Figure
from codesign.pages.drawing import label
from codesign.pages.palette import words
from codesign.pages.timeline import LARGEST_BARS, bar_colours, timeline_data

LEVELS = (8_000, 24_000)
"""Largest numbers of bars; a bar takes about 25 bytes of the page."""


def timeline_detail(
    timeline: pd.DataFrame, cores: Sequence[str], coarse: pd.DataFrame, figure: Figure
) -> dict[str, Any] | None:
    """What the page's script draws of a stretch; None if the figure shows every row already.

    Args:
        timeline: the rows that the figure shows.
        cores: as of `timeline_data`.
        coarse: the bars that the figure shows.
        figure: of `timeline_figure`.

    Returns:
        Names, colours by stream and layer, numbers of traces by stream, and the columns of each
        level. Bars are sorted by resource and start; `gaps` are cycles since the bar before it on
        its resource, `idle` the cycles of `lengths` in which it was not busy.
    """
    if len(coarse) == int(coarse["rows"].sum()):
        return None
    levels = [timeline_data(timeline, cores, limit) for limit in LEVELS]
    names = {
        key: list(dict.fromkeys(name for bars in (coarse, *levels) for name in bars[key]))
        for key in ("resource", "layer", "stream")
    }
    colours = bar_colours(pd.concat(levels)) | bar_colours(coarse)
    return {
        "most": LARGEST_BARS,
        "resources": [label(name) for name in names["resource"]],
        "layers": [label(name) for name in names["layer"]],
        "colours": [
            [colours.get((stream, layer), "#8D8D8D") for layer in names["layer"]]
            for stream in names["stream"]
        ],
        "traces": [_trace_of(stream, figure) for stream in names["stream"]],
        "levels": [_columns(bars, names) for bars in levels],
    }


def _trace_of(stream: str, figure: Figure) -> int:
    """The number of the trace that holds the bars of a stream."""
    group = f"{words(stream)} stream"
    found = [trace.get("legendgroup") == group and "base" in trace for trace in figure.data]
    return found.index(True) if True in found else -1


def _columns(bars: pd.DataFrame, names: dict[str, list[str]]) -> dict[str, list[int]]:
    places = {
        key: bars[key].map({name: place for place, name in enumerate(known)}).to_numpy()
        for key, known in names.items()
    }
    starts, ends = bars["start_cycle"].to_numpy(), bars["end_cycle"].to_numpy()
    before = np.concatenate([[0], ends[:-1]])
    before[np.flatnonzero(np.diff(places["resource"], prepend=-1))] = 0
    columns = {
        **places,
        "gaps": starts - before,
        "lengths": ends - starts,
        "idle": ends - starts - bars["busy_cycles"].to_numpy(),
        "layers": bars["layers"].to_numpy(),
        "rows": bars["rows"].to_numpy(),
        "timesteps": bars["first_timestep"].to_numpy(),
        "more": (bars["last_timestep"] - bars["first_timestep"]).to_numpy(),
    }
    return {name: column.tolist() for name, column in columns.items()}
