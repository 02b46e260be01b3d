"""Where the energy went, from whole to part: component, stream, layer.

Takes the `energy` table of a result; nothing is priced here. A network has hundreds of layers with
several components each, most of them too small to be seen: beyond a number of leaves the smallest
layers of a component and stream are drawn as one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from codesign.pages.content import Cell, Figure, Number, Table, percent, quantity
from codesign.pages.drawing import label, new_figure
from codesign.pages.energy import PICOJOULE, STREAMS
from codesign.pages.palette import COMPONENT_COLOURS, in_order, words
from codesign.pages.repricing import energy_of, share_of
from codesign.results import Result

MOST_LEAVES = 150
"""Rectangles that a browser draws and a reader tells apart without delay."""

_SMALLEST_TEXT = 10
"""Pixels of a label's letters; where they do not fit there is no label."""

_LEAST_NUMBERED = 0.01
"""Share of all energy from which a layer's rectangle says how much it is: smaller ones have room
for little more than their name, and a browser measures every label that changes."""

_WHOLE = "whole chip"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A rectangle of the figure.

    Attributes:
        component: what the energy is spent on.
        stream: of the network, or `chip`.
        layer: its name, or how many small ones stand together, or the chip's as a whole.
        energy_pj: over all timesteps.
    """

    component: str
    stream: str
    layer: str
    energy_pj: float


def tree_data(result: Result, limit: int = MOST_LEAVES) -> list[Leaf]:
    """Energy by component, stream and layer, in the order of components and streams and then the
    largest first.

    Args:
        result: the run.
        limit: how many layers are told apart; the smallest others become one leaf for each
            component and stream.
    """
    energy = result.energy[result.energy["energy_pj"] > 0]
    sums = energy.groupby(["component", "stream", "layer"])["energy_pj"].sum()
    ordered = sums.sort_values(ascending=False, kind="stable")
    leaves = [
        Leaf(str(component), str(stream), str(layer) or _WHOLE, float(value))
        for component, stream, layer, value in ordered.reset_index().to_numpy().tolist()
    ]
    present = in_order({leaf.component for leaf in leaves})
    components = {name: place for place, name in enumerate(present)}
    streams = {name: place for place, name in enumerate(STREAMS)}
    found = [*leaves[:limit], *_others(leaves[limit:])]
    return sorted(found, key=lambda leaf: (components[leaf.component], streams[leaf.stream]))


def _others(small: Sequence[Leaf]) -> Iterator[Leaf]:
    """One leaf for all small layers of each component and stream."""
    groups: dict[tuple[str, str], list[Leaf]] = {}
    for leaf in small:
        groups.setdefault((leaf.component, leaf.stream), []).append(leaf)
    for (component, stream), leaves in groups.items():
        name = leaves[0].layer if len(leaves) == 1 else f"{len(leaves)} small layers"
        yield Leaf(component, stream, name, sum(leaf.energy_pj for leaf in leaves))


def tree_table(leaves: Sequence[Leaf]) -> Table:
    """The same energies, a row for each rectangle without others in it."""
    whole = sum(leaf.energy_pj for leaf in leaves)
    rows: list[list[Cell]] = [
        [
            words(leaf.component),
            words(leaf.stream),
            leaf.layer,
            Number(leaf.energy_pj, quantity(leaf.energy_pj * PICOJOULE, "J"), energy_of(own)),
            Number(leaf.energy_pj / whole, percent(leaf.energy_pj / whole), share_of(own)),
        ]
        for leaf in leaves
        for own in ({leaf.component: leaf.energy_pj},)
    ]
    columns = ["component", "stream", "layer", "energy", "share of energy"]
    return Table("Energy by component, stream and layer", columns, rows)


def tree_figure(leaves: Sequence[Leaf]) -> Figure:
    """Rectangles within rectangles, as large as their energy, in the colours of components."""
    figure = new_figure(560)
    del figure.layout["xaxis"], figure.layout["yaxis"]
    figure.layout["margin"] = {"l": 0, "r": 0, "t": 28, "b": 0}
    figure.layout["uniformtext"] = {"mode": "hide", "minsize": _SMALLEST_TEXT}
    places = _places(leaves)
    whole = places[()]
    figure.data.append(
        {
            "type": "treemap",
            "ids": ["/".join(path) or "all" for path in places],
            "parents": ["/".join(path[:-1]) or "all" if path else "" for path in places],
            "labels": [_in_lines(path) for path in places],
            # Where a rectangle has others in it, theirs add up to it.
            "values": [
                value * PICOJOULE if len(path) == 3 else 0 for path, value in places.items()
            ],
            "branchvalues": "remainder",
            "text": [quantity(value * PICOJOULE, "J") for value in places.values()],
            "texttemplate": [
                "%{label}<br>%{text}"
                if len(path) < 3 or value >= _LEAST_NUMBERED * whole
                else "%{label}"
                for path, value in places.items()
            ],
            "hovertext": [_hover(path, value, whole) for path, value in places.items()],
            "hovertemplate": "%{hovertext}<extra></extra>",
            "marker": {
                "colors": [
                    COMPONENT_COLOURS.get(path[0], "#8D8D8D") if path else "rgba(128,128,128,0.25)"
                    for path in places
                ],
                "line": {"width": 1, "color": "#FFFFFF"},
                "pad": {"t": 22, "l": 3, "r": 3, "b": 3},
            },
            "tiling": {"pad": 1},
            "pathbar": {"thickness": 24},
            "domain": {"x": [0, 1], "y": [0, 1]},
        }
    )
    return figure


def _places(leaves: Sequence[Leaf]) -> dict[tuple[str, ...], float]:
    """pJ of the whole `()`, of components, of their streams, and of these streams' layers."""
    sums: dict[tuple[str, ...], float] = {(): 0.0}
    for leaf in leaves:
        path = (leaf.component, leaf.stream, leaf.layer)
        for length in range(len(path) + 1):
            sums[path[:length]] = sums.get(path[:length], 0.0) + leaf.energy_pj
    return dict(sorted(sums.items(), key=lambda item: len(item[0])))


def _label(path: tuple[str, ...]) -> str:
    if not path:
        return "all"
    return label(path[2]) if len(path) == 3 else words(path[-1])


def _in_lines(path: tuple[str, ...]) -> str:
    """The name of a rectangle; a layer's in two lines, since most rectangles are narrow."""
    name = _label(path)
    block, dot, last = name.rpartition(".")
    while dot and last.isdigit() and "." in block:  # a number alone says nothing
        block, dot, rest = block.rpartition(".")
        last = f"{rest}.{last}"
    return f"{block}.<br>{last}" if len(path) == 3 and block else name


def _hover(path: tuple[str, ...], energy_pj: float, whole_pj: float) -> str:
    names = [_label(path[: length + 1]) for length in range(len(path))]
    share = percent(energy_pj / whole_pj if whole_pj else 0.0)
    return (
        f"<b>{', '.join(names) or 'all'}</b><br>{quantity(energy_pj * PICOJOULE, 'J')}<br>{share}"
    )
