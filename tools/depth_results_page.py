"""The figures of `tools/depth_experiment.py`, as one page that needs nothing else."""

from collections.abc import Sequence
from typing import Any

from depth_results import (
    CLAIMS,
    CONNECTIONS,
    CURVES,
    WORDS,
    Rows,
    Sheet,
    accuracies,
    accuracy_table,
    all_tables,
    by_connection,
    connection_table,
    depths,
    feature_table,
    gradient_table,
    interval,
    rate_means,
    rate_table,
    start_table,
    starts,
    summary,
)

from codesign.pages.content import Figure, Page, Picture, Section, Table
from codesign.pages.drawing import new_figure
from codesign.pages.palette import RUN_COLOURS

_TAB10 = ("#1F77B4", "#FF7F0E", "#2CA02C", "#D62728", "#9467BD")
_TAB10 += ("#8C564B", "#E377C2", "#7F7F7F", "#BCBD22", "#17BECF")
_STYLES = {curve: (place, "solid") for place, curve in enumerate(CURVES)}
_STYLES |= {"FSNN with DST, own heads": (2, "dot"), "DSNN (sum), own heads": (3, "dot")}
_STYLES |= {"SEW (ADD)": (5, "solid")}
_BLOCK = "Block, from the input"


def results_page(rows: Rows) -> Page:
    """The whole page."""
    sheets = {title: (title, *rest) for title, *rest in all_tables(rows)}
    claims = [[claim, *find(rows)] for claim, find in CLAIMS.items()]
    return Page(
        title="Does dual-stream training help?",
        statements=["Measured on 8 x 8 digits, not on the paper's data."],
        lead=[summary(rows)],
        tiles=[],
        facts={"Set": "digits of scikit-learn", "Rows": f"{len(rows)}"},
        sections=[
            Section("Claims", table=Table("Claims", ["claim", "measured", "verdict"], claims)),
            Section("Trained networks", pictures=[_accuracy(rows), _connections(rows)]),
            Section("Firing rates", pictures=[_trained_rates(rows), _start_rates(rows)]),
            Section("Gradients before training", pictures=[_gradients(rows)]),
            Section("Features", pictures=_features(rows)),
            *(Section(title, table=_table(sheet)) for title, sheet in sheets.items()),
        ],
    )


def _table(sheet: Sheet) -> Table:
    title, _, columns, cells = sheet
    return Table(title, columns, cells)


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


def _accuracy(rows: Rows) -> Picture:
    figure = new_figure(460, showlegend=True)
    for curve, (colour, dash) in _STYLES.items():
        found = [interval(accuracies(rows, curve, depth).values()) for depth in depths(rows)]
        kept = [(depth, each) for depth, each in zip(depths(rows), found, strict=True) if each]
        bars = {"type": "data", "array": [100 * (each.half or 0) for _, each in kept]}
        y = [100 * each.mean for _, each in kept]
        figure.data.append(_line(curve, [d for d, _ in kept], y, colour, dash=dash, error_y=bars))
    figure.set_axis("xaxis", title="Depth (blocks)", tickvals=depths(rows))
    figure.set_axis("yaxis", title="Test accuracy (%)")
    sheet = accuracy_table(rows)
    return Picture("accuracy", sheet[0], sheet[1], figure, _table(sheet))


def _connections(rows: Rows) -> Picture:
    figure = new_figure(400, showlegend=True)
    names = [f"{g.upper()}{', identity start' if i else ''}" for g, i in CONNECTIONS]
    ways = {
        "FSNN without DST": ("single", "spike"),
        "FSNN with DST": ("dual", "spike"),
        "DSNN (sum of heads)": ("dual", "sum"),
    }
    for colour, (title, (way, head)) in enumerate(ways.items(), start=1):
        found = [
            interval(
                row["accuracy"][head]
                for row in by_connection(rows, way, g, is_identity=is_identity).values()
            )
            for g, is_identity in CONNECTIONS
        ]
        kept = [(name, each) for name, each in zip(names, found, strict=True) if each]
        figure.data.append(
            {
                **{"type": "bar", "name": title, "x": [name for name, _ in kept]},
                "y": [100 * each.mean for _, each in kept],
                "error_y": {"type": "data", "array": [100 * (each.half or 0) for _, each in kept]},
                "marker": {"color": RUN_COLOURS[colour]},
            }
        )
    figure.set_axis("xaxis", title="g")
    figure.set_axis("yaxis", title="Test accuracy (%)")
    sheet = connection_table(rows)
    return Picture("connections", sheet[0], sheet[1], figure, _table(sheet))


def _rates(found: dict[str, dict[str, list[float]]]) -> dict[str, Figure]:
    """A figure for each stream, a line for each g."""
    figures = {}
    words = {"s": "s, fired by the block's last neurons", "o": "o, what leaves the block"}
    for stream, title in words.items():
        figure = new_figure(400, showlegend=True)
        for colour, (name, rates) in enumerate(found.items()):
            blocks = range(1, len(rates[stream]) + 1)
            figure.data.append(_line(name, blocks, rates[stream], colour))
        figure.set_axis("xaxis", title=_BLOCK)
        figure.set_axis("yaxis", title="Firing rate (spikes per neuron and timestep)")
        figures[title] = figure
    return figures


def _trained_rates(rows: Rows) -> Picture:
    found = {}
    for g, is_identity in CONNECTIONS:
        trained = by_connection(rows, "dual", g, is_identity=is_identity).values()
        if trained:
            name = f"{g.upper()}{', identity start' if is_identity else ''}"
            found[name] = {stream: rate_means(trained, stream) for stream in "so"}
    return _views("rates", rate_table(rows), "Stream", _rates(found))


def _start_rates(rows: Rows) -> Picture:
    found = {}
    for g, is_identity in CONNECTIONS:
        fresh = starts(rows, connection=g, identity_start=is_identity)
        if fresh:
            name = f"{g.upper()}{', identity start' if is_identity else ''}"
            found[name] = {stream: rate_means(fresh, stream) for stream in "so"}
    return _views("start-rates", start_table(rows), "Stream", _rates(found))


def _gradients(rows: Rows) -> Picture:
    figures = {}
    for is_identity in (False, True):
        for case, words in WORDS.items():
            figure = new_figure(440, showlegend=True)
            for colour, g in enumerate(("iand", "and", "or", "xor", "add", None)):
                for pathway in ("with", "without", "none"):
                    norms = _norms(rows, g, case, pathway, is_identity=is_identity)
                    if not norms:
                        continue
                    name = {"add": "SEW", None: "td-BN"}.get(g, str(g).upper())
                    name += "" if pathway == "none" else f", {pathway} pathway"
                    dash = "dot" if pathway == "without" else "solid"
                    blocks = range(1, len(norms) + 1)
                    figure.data.append(_line(name, blocks, norms, colour, dash=dash))
            figure.set_axis("xaxis", title=_BLOCK)
            figure.set_axis("yaxis", title="Norm of dL/ds", type="log", exponentformat="power")
            start = "branches at zero" if is_identity else "random branches"
            figures[f"{words}, {start}"] = figure
    _, text, *cells = gradient_table(rows, is_identity=False)
    sheet = ("Gradients before training (Figs. 7 and 8)", text, *cells)
    return _views("gradients", sheet, "Surrogate", figures)


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


def _features(rows: Rows) -> list[Picture]:
    """The features of one seed on a plane."""
    figures = {}
    for title, way, stream in (
        ("FSNN without DST: spikes", "single", "spike"),
        ("FSNN with DST: spikes", "dual", "spike"),
        ("DSNN: accumulation", "dual", "accumulation"),
    ):
        for row in rows:
            features = row.get("features", {}).get(stream, {})
            if row["case"]["way"] == way and "map" in features:
                figures[title] = _plane(features["map"], features["labels"])
    if not figures:
        return []
    return [_views("features", feature_table(rows), "Features", figures)]


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
    figure.set_axis("xaxis", title="t-SNE, first axis (no unit)")
    figure.set_axis("yaxis", title="t-SNE, second axis (no unit)")
    return figure


def _views(name: str, sheet: Sheet, choice: str, figures: dict[str, Figure]) -> Picture:
    title, text, *_ = sheet
    first = next(iter(figures.values()))
    return Picture(name, title, text, first, _table(sheet), choice, figures)
