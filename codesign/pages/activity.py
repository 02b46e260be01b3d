"""What the network did: firing rates and operations, layer by layer.

Takes the `layers` table of a result; all counts are exact.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from codesign.pages.content import Figure, Number, Stacked, Table, percent
from codesign.pages.drawing import (
    add_stack,
    axis_scale,
    axis_title,
    label,
    new_figure,
    set_layer_axis,
)
from codesign.pages.palette import OPERATION_COLOURS, shades_of_time
from codesign.results import Result

AC_COUNTS = (
    "ac_synaptic",
    "ac_neuron",
    "ac_pool",
    "ac_product",
    "ac_residual",
    "ac_accumulation",
    "ac_readout",
)
"""The AC counts that exclude each other; together all ACs of a layer."""


@dataclass(frozen=True)
class FiringRates:
    """Share of the neurons that spiked.

    Attributes:
        layers: neuron layers in their order.
        timesteps: the timesteps of the network.
        rates: for each timestep one rate per layer, 0 to 1; None where a layer is not computed.
    """

    layers: Sequence[str]
    timesteps: Sequence[int]
    rates: Sequence[Sequence[float | None]]


def firing_rate_data(result: Result) -> FiringRates:
    """Firing rate of every neuron layer at every timestep."""
    neurons = result.layers[result.layers["neurons"] > 0]
    layers = list(dict.fromkeys(neurons["layer"]))
    timesteps = sorted(int(timestep) for timestep in neurons["timestep"].unique())
    sums = neurons.groupby(["layer", "timestep"])[["spikes", "neurons"]].sum()
    rate = (sums["spikes"] / sums["neurons"]).to_dict()
    rates = [[rate.get((layer, timestep)) for layer in layers] for timestep in timesteps]
    return FiringRates(layers, timesteps, rates)


def firing_rate_table(data: FiringRates) -> Table:
    """The firing rates as a table."""
    rows = []
    for index, layer in enumerate(data.layers):
        rates = [row[index] for row in data.rates]
        rows.append([layer, *("" if r is None else Number(r, percent(r)) for r in rates)])
    return Table(
        "Firing rates", ["layer", *(f"t = {timestep}" for timestep in data.timesteps)], rows
    )


def firing_rate_figure(data: FiringRates) -> Figure:
    """A line for each timestep over the layers, dark to light in the order of time."""
    figure = new_figure(420)
    shades = shades_of_time(len(data.timesteps))
    for timestep, rates, shade in zip(data.timesteps, data.rates, shades, strict=True):
        figure.data.append(
            {
                "type": "scatter",
                "x": [label(layer) for layer in data.layers],
                "y": [None if rate is None else 100 * rate for rate in rates],
                "mode": "lines+markers",
                "name": f"t = {timestep}",
                "line": {"color": shade, "width": 1.5},
                "marker": {"size": 5},
                "hovertemplate": f"%{{x}}<br>t = {timestep}: %{{y:.2f}} %<extra></extra>",
            }
        )
    figure.set_axis("yaxis", title="Firing rate (%)", rangemode="tozero")
    set_layer_axis(figure, data.layers, "Neuron layer")
    return figure


def operation_data(layers: pd.DataFrame, counts: Sequence[str]) -> Stacked:
    """Operations of the layers in their order, over all timesteps.

    Args:
        layers: the table of a result.
        counts: which columns to show; those that are zero everywhere are left out, as are layers
            without any.
    """
    sums = layers.groupby("layer", sort=False)[list(counts)].sum()
    sums = sums.loc[(sums != 0).any(axis=1), (sums != 0).any(axis=0)]
    return Stacked(list(sums.index), {str(name): sums[name].tolist() for name in sums}, "")


def operation_table(stacked: Stacked, title: str) -> Table:
    """The operations as a table without sums: for kinds that contain each other."""
    table = stacked.table(title, "layer")
    return Table(title, table.columns[:-1], [row[:-1] for row in table.rows])


def operation_figure(stacked: Stacked, title: str, *, overlay: bool = False) -> Figure:
    """A bar for each layer: stacked by kind, or (`overlay`) one kind in front of the other."""
    figure = new_figure(400, barmode="overlay" if overlay else "stack", bargap=0.1)
    largest = max(
        (max(values, default=0) for values in stacked.parts.values())
        if overlay
        else stacked.totals,
        default=0,
    )
    scale = axis_scale(largest, "")
    add_stack(figure, stacked, OPERATION_COLOURS, scale=scale, sparse=True)
    figure.set_axis("yaxis", title=axis_title(title, scale[1]))
    set_layer_axis(figure, stacked.categories, "Layer, in the order of computation")
    figure.layout["showlegend"] = True
    return figure
