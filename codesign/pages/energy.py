"""Where the energy went: by component and stream, by layer, by timestep.

Takes the `energy` table of a result; nothing is priced here.
"""

from typing import Any

import pandas as pd

from codesign.pages.content import Figure, Stacked
from codesign.pages.drawing import (
    add_stack,
    axis_scale,
    axis_title,
    new_figure,
    set_layer_axis,
)
from codesign.pages.palette import COMPONENT_COLOURS, in_order, words
from codesign.results import Result

PICOJOULE = 1e-12
STREAMS = ("spike", "accumulation", "chip")
ROW_GAP = 0.06
"""Between the rows of a figure, as a share of its height."""


def stacked_energy(energy: pd.DataFrame, column: str, categories: list[Any]) -> Stacked:
    """Energy in pJ by the values of one column, split into components.

    Args:
        energy: the table of a result, or some of its rows.
        column: what to compare: `stream`, `layer` or `timestep`.
        categories: the values to show, in order; those without energy are 0.
    """
    sums = energy.groupby([column, "component"], observed=True)["energy_pj"].sum().to_dict()
    parts = {
        component: [float(sums.get((category, component), 0)) for category in categories]
        for component in in_order(set(energy["component"]))
    }
    return Stacked([str(category) for category in categories], parts, "J", PICOJOULE)


def component_data(result: Result) -> Stacked:
    """Energy of each stream and of the chip as a whole, by component, in pJ."""
    present = set(result.energy["stream"])
    return stacked_energy(result.energy, "stream", [name for name in STREAMS if name in present])


def parts_of(energy: pd.DataFrame, column: str) -> dict[Any, dict[str, float]]:
    """Energy in pJ of each value of one column, by component."""
    sums = energy.groupby([column, "component"], observed=True, as_index=False)["energy_pj"].sum()
    found: dict[Any, dict[str, float]] = {}
    for value, component, spent in zip(*(sums[name] for name in sums), strict=True):
        found.setdefault(value, {})[str(component)] = float(spent)
    return found


def layers_in_order(result: Result) -> list[str]:
    """Names of a network's layers in the order of computation, and behind what they stand for those
    that a chip computes instead (`a.counters` behind `a`)."""
    names = list(dict.fromkeys(map(str, result.layers["layer"])))
    known = set(names)
    for name in dict.fromkeys(map(str, result.energy["layer"])):
        if name and name not in known:
            before = [place for place, each in enumerate(names) if name.startswith(f"{each}.")]
            names.insert(before[-1] + 1 if before else len(names), name)
    return names


def layer_data(result: Result) -> dict[str, Stacked]:
    """For each stream of the network, the energy of the layers in their order, in pJ.

    Layers that spent none, because they are computed together with the one in front of them, are
    left out, and so are a stream's components without energy. Both streams show the same layers, so
    that the same place means the same layer.
    """
    energy = result.energy[(result.energy["layer"] != "") & (result.energy["energy_pj"] != 0)]
    spent = set(energy["layer"])
    layers = [layer for layer in layers_in_order(result) if layer in spent]
    return {
        stream: stacked_energy(energy[energy["stream"] == stream], "layer", layers)
        for stream in STREAMS
        if (energy["stream"] == stream).any()
    }


def timestep_data(result: Result) -> Stacked:
    """Energy of each timestep by component, in pJ; what belongs to none comes last."""
    present = sorted(int(timestep) for timestep in result.energy["timestep"].unique())
    order = [timestep for timestep in present if timestep >= 0]
    stacked = stacked_energy(result.energy, "timestep", order + [-1] * (-1 in present))
    names = [f"t = {timestep}" for timestep in order] + ["no timestep"] * (-1 in present)
    return Stacked(names, stacked.parts, stacked.unit, stacked.size)


def component_figure(stacked: Stacked) -> Figure:
    """One horizontal bar for each stream, stacked by component."""
    scale = axis_scale(max(stacked.totals, default=0) * stacked.size, stacked.unit)
    figure = new_figure(170 + 48 * len(stacked.categories), barmode="stack")
    add_stack(figure, stacked, COMPONENT_COLOURS, scale=scale, horizontal=True)
    figure.set_axis("xaxis", title=axis_title("Energy", scale[1]))
    figure.set_axis("yaxis", showgrid=False, autorange="reversed")
    return figure


def layer_figure(by_stream: dict[str, Stacked]) -> Figure:
    """A row of bars for each stream above one common axis of layers, stacked by component.

    All rows have one unit and one range, so that equal heights are equal energies.
    """
    count = max(len(by_stream), 1)
    figure = new_figure(200 + 210 * count, barmode="stack", bargap=0.1)
    largest = max((max(stacked.totals, default=0) for stacked in by_stream.values()), default=0)
    scale = axis_scale(largest * PICOJOULE, "J")
    height = (1 - ROW_GAP * (count - 1)) / count
    shown: set[str] = set()
    for row, (stream, stacked) in enumerate(by_stream.items()):
        name = f"y{row + 1}" if row else "y"
        for part, values in stacked.parts.items():
            one = Stacked(stacked.categories, {part: values}, stacked.unit, stacked.size)
            axes = {"xaxis": "x", "yaxis": name}
            legend = part not in shown
            add_stack(
                figure,
                one,
                COMPONENT_COLOURS,
                scale=scale,
                legend=legend,
                axes=axes,
                sparse=True,
            )
            shown.add(part)
        top = 1 - row * (height + ROW_GAP)
        figure.set_axis(
            name.replace("y", "yaxis"),
            title=axis_title(f"{words(stream).capitalize()}<br>stream", scale[1]),
            domain=[max(top - height, 0.0), top],
            **({"matches": "y"} if row else {}),
        )
    layers = next(iter(by_stream.values())).categories if by_stream else []
    set_layer_axis(figure, layers, "Layer, in the order of computation")
    figure.set_axis("xaxis", anchor=f"y{count}" if count > 1 else "y")
    return figure


def timestep_figure(stacked: Stacked) -> Figure:
    """One bar for each timestep, stacked by component."""
    scale = axis_scale(max(stacked.totals, default=0) * stacked.size, stacked.unit)
    figure = new_figure(400, barmode="stack")
    add_stack(figure, stacked, COMPONENT_COLOURS, scale=scale)
    figure.set_axis("yaxis", title=axis_title("Energy", scale[1]))
    figure.set_axis("xaxis", title="Timestep of the network", showgrid=False)
    return figure
