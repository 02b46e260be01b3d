"""Two runs side by side: what changed from the first to the second, by component, layer and cause.

A pure function of two results. Differences are those of the second less the first; shares are of
the first. Layers are the same if their names are.
"""

from collections.abc import Mapping
from typing import Any

from codesign.pages import headline, origins
from codesign.pages.content import (
    Cell,
    Figure,
    Number,
    Page,
    Picture,
    Section,
    Table,
    Tile,
    percent,
    quantity,
)
from codesign.pages.drawing import axis_scale, axis_title, label, new_figure, set_layer_axis
from codesign.pages.energy import PICOJOULE, layers_in_order
from codesign.pages.latency import bound_words
from codesign.pages.palette import in_order, words
from codesign.results import Result

Pair = tuple[float, float]

_MORE, _LESS = "#D67000", "#0072B2"
_SCALARS = (
    ("Latency", "latency_s", 1.0, "s"),
    ("Interval", "interval_s", 1.0, "s"),
    ("Energy", "energy_pj", PICOJOULE, "J"),
    ("Energy in a stream", "interval_energy_pj", PICOJOULE, "J"),
    ("EDP", "edp_js", 1.0, "J·s"),
    ("Mean power", "average_power_w", 1.0, "W"),
    ("Area", "area_mm2", 1.0, "mm²"),
)


def difference_page(before: Result, after: Result) -> Page:
    """The content of the page."""
    summaries = [before.summary, after.summary]
    provenance = [text for each in summaries for text in origins.statements(each["provenance"])]
    return Page(
        title=f"{_name(before)} and {_name(after)}",
        statements=[*dict.fromkeys(provenance), *_changes(before, after)],
        lead=lead(before, after),
        tiles=[_tile(*each, summaries) for each in _SCALARS if _known(summaries, each[1])],
        facts=facts(before, after),
        sections=[
            Section("Energy", pictures=[_components(before, after), _layers(before, after)]),
            Section("Time", [_same(before, after)], table=time_table(before, after)),
            Section("Counts", table=counts_table(before, after)),
        ],
    )


def lead(before: Result, after: Result) -> list[str]:
    """What changed most, in words."""
    found = [
        f"From {_name(before)} to {_name(after)}: "
        + ", ".join(
            f"{title.lower() if title != 'EDP' else title} {change_words(pair, size, unit)}"
            for title, key, size, unit in _SCALARS
            if key in ("latency_s", "energy_pj", "edp_js")
            and (pair := _known([before.summary, after.summary], key))
        )
        + "."
    ]
    changes = component_changes(before, after)
    name, pair = max(changes.items(), key=lambda item: abs(item[1][1] - item[1][0]))
    if pair[0] != pair[1]:
        found.append(
            f"The component that changes most is {words(name)}: "
            f"{change_words(pair, PICOJOULE, 'J')}."
        )
    return found


def component_changes(before: Result, after: Result) -> dict[str, Pair]:
    """pJ of every component in both runs."""
    parts = [result.summary["energy_parts_pj"] for result in (before, after)]
    names = in_order({name for each in parts for name in each})
    return {name: (parts[0].get(name, 0.0), parts[1].get(name, 0.0)) for name in names}


def layer_changes(before: Result, after: Result) -> dict[str, Pair]:
    """pJ of every layer in both runs, in the order of the one that has more, then of the other."""
    sums = [
        result.energy[result.energy["layer"] != ""]
        .groupby("layer", sort=False)["energy_pj"]
        .sum()
        .to_dict()
        for result in (before, after)
    ]
    orders = [layers_in_order(result) for result in (before, after)]
    order = dict.fromkeys(name for names in sorted(orders, key=len, reverse=True) for name in names)
    names = [name for name in order if any(name in each for each in sums)]
    return {str(name): (sums[0].get(name, 0.0), sums[1].get(name, 0.0)) for name in names}


def facts(before: Result, after: Result) -> dict[str, str]:
    """What differs between the inputs of both runs, and what does not."""
    known = [
        origins.facts(result.summary) | {"changes": _set(result), "clock": _clock(result)}
        for result in (before, after)
    ]
    said = {}
    for key in dict.fromkeys((*known[0], *known[1])):
        first, second = (each.get(key, "-") for each in known)
        said[key] = first if first == second else f"{first} → {second}"
    return said


def time_table(before: Result, after: Result) -> Table:
    """Bounds and what the critical path consists of, in both runs, each in its own clock's time."""
    rows: list[list[Cell]] = []
    for key, kind in (("bounds_cycles", "bound"), ("critical_path_cycles", "critical path")):
        parts = [_seconds(result.summary, key) for result in (before, after)]
        for name in dict.fromkeys((*parts[0], *parts[1])):
            named = bound_words(name) if kind == "bound" else words(name)
            cells = _numbers((parts[0].get(name), parts[1].get(name)), 1.0, "s")
            rows.append([f"{kind}: {named}", *cells])
    return Table("Time", _columns(before, after, "what"), rows)


def _seconds(summary: Mapping[str, Any], key: str) -> dict[str, float]:
    """Cycles of a summary as seconds."""
    if summary["latency_s"] is None:
        return {}
    period = summary["latency_s"] / summary["makespan_cycles"]
    return {name: cycles * period for name, cycles in summary[key].items()}


def counts_table(before: Result, after: Result) -> Table:
    """Exact counts of both networks."""
    counts = [result.summary["counts"] for result in (before, after)]
    rows: list[list[Cell]] = [
        [words(name), *_numbers((counts[0][name], counts[1][name]), 1.0, "")]
        for name in counts[0]
        if counts[0][name] or counts[1][name]
    ]
    return Table("Counts", _columns(before, after, "count"), rows)


def change_words(pair: Pair, size: float, unit: str) -> str:
    """`17.6 ms to 13.3 ms (-24.4 %)`."""
    first, second = (quantity(value * size, unit) for value in pair)
    if pair[0] == pair[1]:
        return f"{first}, unchanged"
    share = f" ({_signed(pair)})" if pair[0] else ""
    return f"{first} to {second}{share}"


def _components(before: Result, after: Result) -> Picture:
    changes = component_changes(before, after)
    names = [words(name) for name in changes]
    return Picture(
        "component-changes",
        "Change of energy by component",
        "To the right what the second run spends more, to the left what it spends less.",
        _bars(names, list(changes.values()), horizontal=True),
        _table(before, after, "component", dict(zip(names, changes.values(), strict=True))),
    )


def _layers(before: Result, after: Result) -> Picture:
    changes = layer_changes(before, after)
    return Picture(
        "layer-changes",
        "Change of energy by layer",
        "Upwards what the second run spends more. Layers that are computed together with one in "
        "front of them count to that one; what no layer causes is left out.",
        _bars(list(changes), list(changes.values()), horizontal=False),
        _table(before, after, "layer", changes),
    )


def _bars(names: list[str], pairs: list[Pair], *, horizontal: bool) -> Figure:
    differences = [(after - before) * PICOJOULE for before, after in pairs]
    factor, unit = axis_scale(max(map(abs, differences), default=0.0), "J")
    shown = [difference * factor for difference in differences]
    labels = [label(name) for name in names]
    figure = new_figure(110 + 30 * len(names) if horizontal else 460, showlegend=False)
    number, category = ("x", "y") if horizontal else ("y", "x")
    figure.data.append(
        {
            "type": "bar",
            **{number: shown, category: labels, "orientation": "h" if horizontal else "v"},
            "marker": {"color": [_MORE if value > 0 else _LESS for value in shown]},
            "hovertemplate": f"%{{{category}}}: %{{{number}:+.4~g}} {unit}<extra></extra>",
        }
    )
    if horizontal:
        figure.set_axis("xaxis", title=axis_title("Change of energy", unit))
        figure.set_axis("yaxis", showgrid=False, autorange="reversed", dtick=1)
    else:
        set_layer_axis(figure, names, "Layer, in the order of computation")
        figure.set_axis("yaxis", title=axis_title("Change of energy", unit))
    return figure


def _table(before: Result, after: Result, heading: str, changes: Mapping[str, Pair]) -> Table:
    rows: list[list[Cell]] = [
        [name, *_numbers(pair, PICOJOULE, "J")] for name, pair in changes.items()
    ]
    return Table(f"Energy by {heading}", _columns(before, after, heading), rows)


def _columns(before: Result, after: Result, heading: str) -> list[str]:
    names = [_name(before), _name(after)]
    if names[0] == names[1]:
        names = [f"{which} run ({_set(each)})" for which, each in zip(
            ("first", "second"), (before, after), strict=True
        )]  # fmt: skip
    return [heading, *names, "difference", "change"]


def _numbers(pair: tuple[float | None, float | None], size: float, unit: str) -> list[Cell]:
    """Both numbers, the difference and its share; a dash for what a run does not have."""
    before, after = pair
    both: list[Cell] = [
        "-" if value is None else Number(value, quantity(value * size, unit)) for value in pair
    ]
    if before is None or after is None:
        return [*both, "", ""]
    change = Number(after - before, quantity((after - before) * size, unit))
    share = Number((after - before) / before, _signed((before, after))) if before else ""
    return [*both, change, share]


def _signed(pair: Pair) -> str:
    share = percent((pair[1] - pair[0]) / pair[0])
    return share if share.startswith("-") else f"+{share}"


def _tile(title: str, key: str, size: float, unit: str, summaries: list[dict[str, Any]]) -> Tile:
    pair = _known(summaries, key)
    assert pair is not None
    if pair[0] == pair[1]:
        return Tile(title, "same", quantity(pair[0] * size, unit))
    value = _signed(pair) if pair[0] else quantity(pair[1] * size, unit)
    first, second = (quantity(each * size, unit) for each in pair)
    return Tile(title, value, f"{first} to {second}")


def _known(summaries: list[dict[str, Any]], key: str) -> Pair | None:
    """Both numbers; None if a run lacks it."""
    before, after = (summary.get(key) for summary in summaries)
    return None if before is None or after is None else (before, after)


def _same(before: Result, after: Result) -> str:
    """Whether spikes and chip are the same."""
    is_trace, is_chip = (
        before.summary[key] == after.summary[key] for key in ("trace_hash", "architecture_hash")
    )
    spikes = "the same recorded spikes" if is_trace else "unlike spikes"
    chips = "the same chip" if is_chip else "unlike chips"
    return f"Both runs have {spikes}, on {chips}."


def _changes(before: Result, after: Result) -> list[str]:
    """What was replaced in the files of each run."""
    sets = [_set(result) for result in (before, after)]
    if sets[0] == sets[1]:
        return headline.changes_sentences([before.summary])
    return [f"First run: {sets[0]}. Second run: {sets[1]}."]


def _set(result: Result) -> str:
    return ", ".join(result.summary.get("changes", ())) or "nothing changed from the files"


def _clock(result: Result) -> str:
    if result.summary["latency_s"] is None:
        return "-"
    hertz = result.summary["makespan_cycles"] / result.summary["latency_s"]
    return quantity(float(f"{hertz:.6g}"), "Hz")


def _name(result: Result) -> str:
    return f"{result.summary['workload']} on {result.summary['architecture']}"
