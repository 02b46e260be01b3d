"""Runs relative to the first of them: how many times its energy and its latency, and of what."""

from collections.abc import Sequence

from codesign.pages.comparison import energy_data, latency_data
from codesign.pages.content import Cell, Figure, Number, Picture, Priced, Stacked, Table, percent
from codesign.pages.drawing import add_stack, new_figure
from codesign.pages.palette import (
    COMPONENT_COLOURS,
    STATE_COLOURS,
    STATE_PATTERNS,
    state_words,
    words,
)
from codesign.results import Result

_GAP = 0.12
"""Between energy and latency, as a share of the figure's height."""


def relative_pictures(results: Sequence[Result]) -> list[Picture]:
    """The figure of all runs; none of a single run, or if the first one spent nothing."""
    energy, latency = relative_data(results)
    if len(results) < 2 or not energy.totals[0]:
        return []
    return [
        Picture(
            "relative",
            f"Energy and latency relative to {energy.categories[0]}",
            "Each bar is a run in percent of the first one: its energy by component, and its "
            "latency by what the average core did. Runs without a latency have no bar of it.",
            relative_figure(energy, latency),
            relative_table(energy, latency),
            at_file=True,
        )
    ]


def relative_data(results: Sequence[Result]) -> tuple[Stacked, Stacked]:
    """Energy by component and latency by state in percent of the first run's whole.

    Latencies are 0 where they are not modelled, and everywhere if that of the first run is not.
    """
    return _relative(energy_data(results)), _relative(latency_data(results))


def _relative(stacked: Stacked) -> Stacked:
    whole = stacked.totals[0]
    parts = {
        part: [100 * value / whole if whole else 0.0 for value in values]
        for part, values in stacked.parts.items()
    }
    return Stacked(stacked.categories, parts, "%")


def relative_table(energy: Stacked, latency: Stacked) -> Table:
    """A row for each run and quantity, with its parts in percent of the first run's whole."""
    rows: list[list[Cell]] = []
    parts = [f"energy: {words(name)}" for name in energy.parts]
    parts += [f"latency: {state_words(name)}" for name in latency.parts]
    for place, name in enumerate(energy.categories):
        for quantity, stacked in (("energy", energy), ("latency", latency)):
            if stacked.totals[place]:
                # Shares of another run's energy are not computed again.
                priced = Priced(None, "%") if stacked is energy else None
                cells = [
                    _number(values[place], priced) if each is stacked else ""
                    for each in (energy, latency)
                    for values in each.parts.values()
                ]
                rows.append([name, quantity, _number(stacked.totals[place], priced), *cells])
    return Table("Relative to the first run", ["run", "quantity", "whole", *parts], rows)


def relative_figure(energy: Stacked, latency: Stacked) -> Figure:
    """Bars of energy above bars of latency, over one axis; a line marks the first run."""
    shown = [energy, latency] if any(latency.totals) else [energy]
    figure = new_figure(
        230 + 44 * len(energy.categories) * len(shown), barmode="stack", bargap=0.25
    )
    add_stack(figure, energy, COMPONENT_COLOURS, scale=(1.0, "%"), horizontal=True)
    if len(shown) > 1:
        _add_latency(figure, latency)
    height = (1 - _GAP * (len(shown) - 1)) / len(shown)
    axes = (("yaxis", "Energy", [1 - height, 1]), ("yaxis2", "Latency", [0, height]))
    for name, title, domain in axes[: len(shown)]:
        figure.set_axis(name, title=title, domain=domain, showgrid=False, autorange="reversed")
        figure.layout[name]["title"]["standoff"] = 16
    last = "y2" if len(shown) > 1 else "y"
    figure.set_axis("xaxis", title="Share of the first run (%)", anchor=last)
    figure.layout["xaxis"]["title"]["standoff"] = 8
    line = {"width": 1.5, "dash": "dash", "color": "#D55E00"}
    figure.layout["shapes"] = [
        {
            **{"type": "line", "xref": "x", "yref": "paper", "line": line},
            **{"x0": 100, "x1": 100, "y0": 0, "y1": 1},
        }
    ]
    return figure


def _add_latency(figure: Figure, latency: Stacked) -> None:
    """Bars on an axis of their own, with a legend below the figure."""
    first = len(figure.data)
    add_stack(
        figure,
        latency,
        STATE_COLOURS,
        scale=(1.0, "%"),
        horizontal=True,
        patterns=STATE_PATTERNS,
        names=state_words,
        axes={"xaxis": "x", "yaxis": "y2"},
    )
    for trace in figure.data[first:]:
        trace["legend"] = "legend2"
    # Its place is a share of what is left of the height by legends and titles, about 200 pixels.
    below = {"y": -70 / (figure.layout["height"] - 200), "yanchor": "top"}
    figure.layout["legend2"] = figure.layout["legend"] | below


def _number(share: float, priced: Priced | None) -> Number:
    return Number(share, percent(share / 100), priced)
