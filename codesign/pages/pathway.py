"""Where the energy of the accumulation pathway goes: what a dual-stream network spends more.

A pair is a full-spike network and its dual-stream twin on one chip
(`codesign.pages.pathway_cost.accumulation_pairs`). Differences are those of the second less the
first: what the pathway adds, and what it changes in the rest. Layers are the same if their names
are.
"""

import math
from collections.abc import Sequence
from textwrap import wrap

from codesign.pages.content import Figure, Picture, Section, Stacked
from codesign.pages.drawing import (
    add_stack,
    axis_scale,
    axis_title,
    label,
    new_figure,
    set_layer_axis,
)
from codesign.pages.energy import PICOJOULE, layers_in_order, stacked_energy
from codesign.pages.palette import COMPONENT_COLOURS, in_order
from codesign.pages.pathway_cost import (
    CAUSES,
    accumulation_pairs,
    pathway_energy,
)
from codesign.results import Result

MOST_PAIRS = 4
"""Pairs that have a figure of their layers."""

_TICK_LETTERS = 26
"""In a line of the vertical axis, which must leave room for bars at the width of a column."""

Pair = tuple[Result, Result]

_ZERO = {"zeroline": True, "zerolinecolor": "#8D8D8D", "zerolinewidth": 1}


def pathway_section(results: Sequence[Result]) -> list[Section]:
    """The differences by component of all pairs, and by layer of each; empty without pairs."""
    pairs = accumulation_pairs(results)
    if not pairs:
        return []
    names = pair_names(pairs)
    whole = component_data(pairs, names)
    pictures = [
        Picture(
            "pathway-components",
            "What the accumulation pathway adds, by cause and component",
            "To the right what the dual-stream network spends more than the full-spike network of "
            "equal depth on the same chip, to the left what it spends less: all of it, and the "
            "three parts that it consists of. Diamonds mark the sums. The clock counts to a stream "
            "here as far as it takes more than an idle one; on the page of a run, all of it does.",
            component_figure(whole, names),
            whole.table("Energy that the accumulation pathway adds", "networks"),
        ),
        *map(_layer_picture, range(1, MOST_PAIRS + 1), names, pairs),
    ]
    return [Section("Where the accumulation pathway's energy goes", pictures=pictures)]


def _layer_picture(number: int, name: str, pair: Pair) -> Picture:
    stacked = layer_data(pair)
    return Picture(
        f"pathway-layers-{number}",
        f"What the accumulation pathway adds, by layer: {name}",
        "Upwards what the dual-stream network spends more in a layer. Layers that are computed "
        "together with one in front of them count to that one; what no layer causes, as leakage, "
        "is left out.",
        layer_figure(stacked),
        stacked.table(f"Energy that the accumulation pathway adds to layers of {name}", "layer"),
    )


def pair_names(pairs: Sequence[Pair]) -> list[str]:
    """`dsnn50 - fsnn50`, with the chip where pairs are of several."""
    chips = {str(pair[1].summary["architecture"]) for pair in pairs}
    return [
        f"{second.summary['workload']} - {first.summary['workload']}"
        + f" on {second.summary['architecture']}" * (len(chips) > 1)
        for first, second in pairs
    ]


def component_data(pairs: Sequence[Pair], names: Sequence[str]) -> Stacked:
    """pJ that the second network of each pair spends more, whole and in its parts, by component."""
    bars: dict[str, dict[str, float]] = {}
    for name, pair in zip(names, pairs, strict=True):
        parts = pathway_energy(*pair).parts
        bars[name] = {
            component: math.fsum(part.get(component, 0.0) for part in parts.values())
            for component in {each for part in parts.values() for each in part}
        }
        prefix = f"{name}: " if len(pairs) > 1 else ""
        bars |= {f"{prefix}{cause}": part for cause, part in parts.items()}
    components = in_order({component for bar in bars.values() for component in bar})
    shown = {each: [bar.get(each, 0.0) for bar in bars.values()] for each in components}
    return Stacked(list(bars), shown, "J", PICOJOULE)


def layer_data(pair: Pair) -> Stacked:
    """pJ that the second network spends more, by layer and component, in the order of the second
    and then of the first; layers that differ in nothing are left out."""
    first, second = pair
    energies = [each.energy[each.energy["layer"] != ""] for each in (first, second)]
    layers = list(dict.fromkeys((*layers_in_order(second), *layers_in_order(first))))
    before, after = (stacked_energy(energy, "layer", layers) for energy in energies)
    nothing = [0.0] * len(layers)
    parts = {
        name: [
            more - less
            for less, more in zip(
                before.parts.get(name, nothing), after.parts.get(name, nothing), strict=True
            )
        ]
        for name in in_order({*before.parts, *after.parts})
    }
    kept = [
        place for place in range(len(layers)) if any(values[place] for values in parts.values())
    ]
    shown = {
        name: [values[place] for place in kept] for name, values in parts.items() if any(values)
    }
    return Stacked([layers[place] for place in kept], shown, "J", PICOJOULE)


def component_figure(stacked: Stacked, names: Sequence[str]) -> Figure:
    """A bar for each difference and each of its parts, stacked to both sides of zero.

    Args:
        stacked: of `component_data`.
        names: of the pairs, in bold; their parts stand below them without it.
    """
    scale = _scale(stacked)
    figure = new_figure(250 + 48 * len(stacked.categories), barmode="relative", bargap=0.3)
    add_stack(figure, stacked, COMPONENT_COLOURS, scale=scale, horizontal=True)
    figure.data.append(
        {
            "type": "scatter",
            "x": [total * stacked.size * scale[0] for total in stacked.totals],
            "y": [label(name) for name in stacked.categories],
            "mode": "markers",
            "name": "sum",
            "legendgroup": "sum",
            "marker": {
                **{"symbol": "diamond", "size": 11, "color": "#FFFFFF"},
                "line": {"width": 2, "color": "#1B1F24"},
            },
            "hovertemplate": f"%{{y}}: %{{x:+.4~g}} {scale[1]}<extra></extra>",
        }
    )
    figure.set_axis("xaxis", title=axis_title("Change of energy", scale[1]), **_ZERO)
    figure.set_axis(
        "yaxis",
        showgrid=False,
        autorange="reversed",
        tickmode="array",
        tickvals=[label(name) for name in stacked.categories],
        ticktext=[
            text for name in names for text in (f"<b>{_lines(name)}</b>", *map(_lines, CAUSES))
        ],
    )
    return figure


def _lines(text: str) -> str:
    """A label in lines of few letters."""
    return "<br>".join(map(label, wrap(text, _TICK_LETTERS)))


def layer_figure(stacked: Stacked) -> Figure:
    """A bar for each layer, stacked by component to both sides of zero."""
    scale = _scale(stacked)
    figure = new_figure(520, barmode="relative", bargap=0.1)
    add_stack(figure, stacked, COMPONENT_COLOURS, scale=scale, sparse=True)
    figure.set_axis("yaxis", title=axis_title("Change of energy", scale[1]), **_ZERO)
    set_layer_axis(figure, stacked.categories, "Layer, in the order of computation")
    return figure


def _scale(stacked: Stacked) -> tuple[float, str]:
    """Of an axis on which what is more and what is less is stacked apart."""
    columns = list(zip(*stacked.parts.values(), strict=True))
    sides = (sum(map(abs, column)) for column in columns)
    return axis_scale(max(sides, default=0.0) * stacked.size, stacked.unit)
