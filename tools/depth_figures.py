"""The figures of the experiment, and which of them the written document shows at which table.

They are plain data, as those of `codesign.pages`; a browser or `vector_figures` draws them.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from depth_intervals import Interval, interval
from depth_rows import (
    CONNECTIONS,
    CURVES,
    WORDS,
    Row,
    Rows,
    accuracies,
    by_connection,
    called,
    depths,
    rate_means,
    starts,
)
from depth_tables import (
    Sheet,
    accuracy_table,
    connection_table,
    feature_table,
    gradient_table,
    rate_table,
    start_table,
)

from codesign.pages.content import Figure, Picture, Table
from codesign.pages.drawing import new_figure
from codesign.pages.palette import RUN_COLOURS

_TAB10: tuple[str, ...] = ("#1F77B4", "#FF7F0E", "#2CA02C", "#D62728", "#9467BD")
_TAB10 += ("#8C564B", "#E377C2", "#7F7F7F", "#BCBD22", "#17BECF")
_SEW, _TD_BN = 5, 6
_STYLES = {curve: (place, "solid") for place, curve in enumerate(CURVES)}
_STYLES |= {"FSNN with DST, own heads": (2, "dot"), "DSNN (sum), own heads": (3, "dot")}
_STYLES |= {"SEW (ADD)": (_SEW, "solid"), "Spiking ResNet (td-BN)": (_TD_BN, "solid")}
"""Colour and dash of the lines of networks; those of g are in `_BY_G`."""

_BY_G = {"iand": 0, "and": 1, "or": 2, "xor": 3, "add": _SEW, None: _TD_BN}
_BLOCK = "Block, from the input"
_LEAST_PERCENT = 90
"""Where the closer view of accuracies begins: most curves lie above it."""


def illustrations(rows: Rows) -> dict[str, list[Picture]]:
    """Pictures of one view each that the document shows, by the title of the table beside them.

    All views but of gradients: the first one says what the others do, and there are eight.
    """
    features = feature_picture(rows)
    return {
        accuracy_table(rows).title: _one_by_one(accuracy_picture(rows)),
        connection_table(rows).title: _one_by_one(connection_picture(rows)),
        feature_table(rows).title: [] if features is None else _one_by_one(features),
        rate_table(rows).title: _one_by_one(rate_picture(rows)),
        start_table(rows).title: _one_by_one(start_picture(rows)),
        gradient_table(rows, is_identity=False).title: _one_by_one(gradient_picture(rows))[:1],
    }


def _one_by_one(picture: Picture) -> list[Picture]:
    """A picture for each view, whose text is what the view is called."""
    views = picture.views or {"": picture.figure}
    return [
        replace(
            picture,
            name=f"{picture.name}-{number}" if number > 1 else picture.name,
            title=f"{picture.title}: {view}" if view else picture.title,
            text=view,
            figure=figure,
            choice="",
            views={},
        )
        for number, (view, figure) in enumerate(views.items(), start=1)
    ]


def accuracy_picture(rows: Rows) -> Picture:
    """Accuracy against depth; networks of one depth stand side by side, or their bars overlap."""
    views = {}
    for title, least in (("All accuracies", None), (f"From {_LEAST_PERCENT} %", _LEAST_PERCENT)):
        figure = new_figure(500, showlegend=True, scattermode="group", scattergap=0.7)
        for curve, (colour, dash) in _STYLES.items():
            found = {
                depth: each
                for depth in depths(rows)
                if (each := interval(accuracies(rows, curve, depth).values()))
            }
            means = [100 * each.mean for each in found.values()]
            more = {"error_y": _bars(found.values()), "offsetgroup": curve, "dash": dash}
            figure.data.append(_line(curve, [*found], means, colour, **more))
        cut = "" if least is None else f", cut off at {least}"
        _name_axes(figure, "Depth (blocks), networks side by side", f"Test accuracy (%){cut}")
        figure.set_axis("xaxis", tickvals=depths(rows))
        if least is not None:
            figure.set_axis("yaxis", range=[least, 100])
        views[title] = figure
    return _views("accuracy", accuracy_table(rows), "Axis", views)


def connection_picture(rows: Rows) -> Picture:
    """Accuracy by g."""
    figure = new_figure(400, showlegend=True)
    ways = {
        "FSNN without DST": ("single", "spike"),
        "FSNN with DST": ("dual", "spike"),
        "DSNN (sum of heads)": ("dual", "sum"),
    }
    for colour, (title, (way, head)) in enumerate(ways.items(), start=1):
        found = {}
        for g, is_identity in CONNECTIONS:
            trained = by_connection(rows, way, g, is_identity=is_identity).values()
            if each := interval(row["accuracy"][head] for row in trained):
                found[called(g, is_identity=is_identity)] = each
        figure.data.append(
            {
                **{"type": "bar", "name": title, "x": [*found]},
                "y": [100 * each.mean for each in found.values()],
                "error_y": _bars(found.values()),
                "marker": {"color": RUN_COLOURS[colour]},
            }
        )
    _name_axes(figure, "g", "Test accuracy (%)")
    sheet = connection_table(rows)
    return Picture("connections", sheet.title, sheet.text, figure, _table(sheet))


def rate_picture(rows: Rows) -> Picture:
    """Firing rates of trained networks."""
    found = {
        (g, is_identity): by_connection(rows, "dual", g, is_identity=is_identity).values()
        for g, is_identity in CONNECTIONS
    }
    return _views("rates", rate_table(rows), "Stream", _rates(found))


def start_picture(rows: Rows) -> Picture:
    """Firing rates before training."""
    found = {
        (g, is_identity): starts(rows, connection=g, identity_start=is_identity)
        for g, is_identity in CONNECTIONS
    }
    return _views("start-rates", start_table(rows), "Stream", _rates(found))


def _rates(found: Mapping[tuple[str, bool], Iterable[Row]]) -> dict[str, Figure]:
    """A figure for each stream, a line for each g."""
    figures = {}
    words = {"s": "s, fired by the block's last neurons", "o": "o, what leaves the block"}
    for stream, title in words.items():
        figure = new_figure(400, showlegend=True)
        for (g, is_identity), networks in found.items():
            if rates := rate_means(networks, stream):
                name, blocks = called(g, is_identity=is_identity), range(1, len(rates) + 1)
                more = {"dash": "dot" if is_identity else "solid", "cliponaxis": False}
                figure.data.append(_line(name, blocks, rates, _BY_G[g], **more))
        _name_axes(figure, _BLOCK, f"Spikes {stream} per neuron and timestep")
        figure.set_axis("yaxis", rangemode="tozero")
        figures[title] = figure
    return figures


def gradient_picture(rows: Rows) -> Picture:
    """Norms of gradients before training, block by block."""
    figures = {}
    for is_identity in (False, True):
        for case, words in WORDS.items():
            figure = new_figure(440, showlegend=True)
            figure.data.extend(_gradient_lines(rows, case, is_identity=is_identity))
            _name_axes(figure, _BLOCK, "Norm of dL/ds")
            figure.set_axis("yaxis", type="log", exponentformat="power")
            start = "branches at zero" if is_identity else "random branches"
            figures[f"{words}, {start}"] = figure
    sheet = gradient_table(rows, is_identity=False)
    sheet = sheet._replace(title="Gradients before training (Figs. 7 and 8)")
    return _views("gradients", sheet, "Surrogate", figures)


def _gradient_lines(rows: Rows, case: str, *, is_identity: bool) -> Iterator[dict[str, Any]]:
    for g, colour in _BY_G.items():
        for pathway in ("with", "without", "none"):
            norms = _norms(rows, g, case, pathway, is_identity=is_identity)
            if norms:
                name = {"add": "SEW", None: "td-BN"}.get(g, str(g).upper())
                name += "" if pathway == "none" else f", {pathway} pathway"
                name += "" if any(norms) else " (0)"
                dash = "dot" if pathway == "without" else "solid"
                yield _line(name, range(1, len(norms) + 1), norms, colour, dash=dash)


def _norms(
    rows: Rows, g: str | None, case: str, pathway: str, *, is_identity: bool
) -> list[float | None]:
    """Mean norm of each block; None where it is 0, which a logarithmic axis cannot show."""
    lists = [
        row["gradients"][case][pathway]["s"]
        for row in starts(rows, connection=g, identity_start=is_identity)
        if pathway in row["gradients"][case]
    ]
    means = [sum(block) / len(block) for block in zip(*lists, strict=True)]
    return [mean or None for mean in means]


def feature_picture(rows: Rows) -> Picture | None:
    """The features of one seed on a plane; None if no row has any."""
    figures = {}
    for title, way, stream in (
        ("FSNN without DST: spikes", "single", "spike"),
        ("FSNN with DST: spikes", "dual", "spike"),
        ("DSNN: accumulation", "dual", "accumulation"),
    ):
        for row in rows:
            features = row.get("features", {}).get(stream, {})
            if row["case"]["way"] == way and "map" in features:
                where = f"{row['case']['depth']} blocks, seed {row['case']['seed']}"
                figures[f"{title}, {where}"] = _plane(features["map"], features["labels"])
    return _views("features", feature_table(rows), "Features", figures) if figures else None


def _plane(places: Sequence[Sequence[float]], labels: Sequence[int]) -> Figure:
    figure = new_figure(520, showlegend=True)
    for digit, colour in enumerate(_TAB10):
        own = [place for place, label in enumerate(labels) if label == digit]
        x, y = ([axis[place] for place in own] for axis in places)
        figure.data.append(
            {
                **{"type": "scatter", "mode": "markers", "name": str(digit), "x": x, "y": y},
                **{"marker": {"color": colour, "size": 6}, "hoverinfo": "name"},
            }
        )
    figure.layout["legend"]["title"] = {"text": "Digit"}
    _name_axes(figure, "t-SNE, first axis (no unit)", "t-SNE, second axis (no unit)")
    return figure


def _name_axes(figure: Figure, horizontal: str, vertical: str) -> None:
    figure.set_axis("xaxis", title=horizontal)
    figure.set_axis("yaxis", title=vertical)
    # Without it the lower edge of the drawing may cut the title's letters.
    figure.layout["xaxis"]["title"]["standoff"] = 10


def _line(
    name: str, x: Sequence[Any], y: Sequence[Any], colour: int, **more: Any
) -> dict[str, Any]:
    line = {"color": RUN_COLOURS[colour % len(RUN_COLOURS)], "width": 2}
    line["dash"] = more.pop("dash", "solid")
    return {
        **{"type": "scatter", "mode": "lines+markers", "name": name, "x": list(x), "y": list(y)},
        **{"line": line, "hovertemplate": f"{name}<br>%{{x}}: %{{y:.4~g}}<extra></extra>"},
        **more,
    }


def _bars(found: Iterable[Interval]) -> dict[str, Any]:
    """Intervals of shares of 1, in percent."""
    return {"type": "data", "array": [100 * (each.half or 0) for each in found]}


def _views(name: str, sheet: Sheet, choice: str, figures: dict[str, Figure]) -> Picture:
    first = next(iter(figures.values()))
    return Picture(name, sheet.title, sheet.text, first, _table(sheet), choice, figures)


def _table(sheet: Sheet) -> Table:
    return Table(sheet.title, sheet.columns, sheet.cells)
