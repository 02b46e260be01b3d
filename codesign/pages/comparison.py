"""Several runs side by side: names, figures and the table."""

from collections.abc import Mapping, Sequence
from typing import Any

from codesign.pages.activity import AC_COUNTS
from codesign.pages.content import Figure, Number, Stacked, Table, count, percent, quantity
from codesign.pages.drawing import add_stack, axis_scale, axis_title, label, new_figure
from codesign.pages.energy import PICOJOULE
from codesign.pages.headline import repeated_integers
from codesign.pages.latency import bounds_data
from codesign.pages.palette import (
    COMPONENT_COLOURS,
    STATE_COLOURS,
    STATE_PATTERNS,
    in_order,
    state_words,
)
from codesign.pages.pathway_cost import equation_7_pj
from codesign.pages.repricing import energy_of, product_of
from codesign.results import STATES, Result


def run_names(results: Sequence[Result]) -> list[str]:
    """A name for each result: the workload's, with what it takes to tell the runs apart."""
    names = [str(result.summary["workload"]) for result in results]
    if len({result.summary["architecture"] for result in results}) > 1:
        pairs = zip(names, results, strict=True)
        names = [f"{name} on {result.summary['architecture']}" for name, result in pairs]
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            names[place] = f"{name} (run {seen[name]})"
    return names


def energy_data(results: Sequence[Result]) -> Stacked:
    """Energy of each run by component, in pJ."""
    parts = [result.summary["energy_parts_pj"] for result in results]
    present = in_order({name for part in parts for name, value in part.items() if value})
    by_part = {name: [part.get(name, 0) for part in parts] for name in present}
    return Stacked(run_names(results), by_part, "J", PICOJOULE)


def latency_data(results: Sequence[Result]) -> Stacked:
    """Latency of each run by what the average core did, in seconds; 0 where not modelled."""
    by_state: dict[str, list[float]] = {state: [] for state in STATES}
    for result in results:
        cycles = result.occupancy.groupby("state")["cycles"].sum().to_dict()
        total = sum(cycles.values())
        latency = result.summary["latency_s"] or 0.0
        for state, values in by_state.items():
            values.append(latency * cycles.get(state, 0) / total if total else 0.0)
    return Stacked(run_names(results), by_state, "s")


def normalised(stacked: Stacked) -> Stacked:
    """Each part as percent of its category's total."""
    totals = [total or 1 for total in stacked.totals]
    shares = {
        part: [100 * value / total for value, total in zip(values, totals, strict=True)]
        for part, values in stacked.parts.items()
    }
    return Stacked(stacked.categories, shares, "%")


def energy_figure(stacked: Stacked, equation_7: Sequence[float]) -> Figure:
    """Absolute and normalised energy by component; diamonds mark what eq. 7 gives (pJ)."""
    figure, scale = _two_views(stacked, "Energy", COMPONENT_COLOURS, largest=max(equation_7))
    figure.data.append(
        {
            "type": "scatter",
            "x": [value * stacked.size * scale[0] for value in equation_7],
            "y": [label(name) for name in stacked.categories],
            "mode": "markers",
            "name": "eq. 7, operations alone",
            "marker": {
                "symbol": "diamond",
                "size": 11,
                "color": "#FFFFFF",
                "line": {"width": 2, "color": "#1B1F24"},
            },
            "hovertemplate": f"%{{y}}<br>eq. 7: %{{x:.4~g}} {scale[1]}<extra></extra>",
        }
    )
    return figure


def latency_figure(stacked: Stacked) -> Figure:
    """Absolute and normalised latency, by what the average core did."""
    figure, _ = _two_views(
        stacked, "Latency", STATE_COLOURS, patterns=STATE_PATTERNS, names=state_words
    )
    return figure


def _two_views(
    stacked: Stacked, title: str, colours: dict[str, str], *, largest: float = 0.0, **style: Any
) -> tuple[Figure, tuple[float, str]]:
    """Two columns of bars, absolute and in percent, with one line for each category."""
    scale = axis_scale(max(*stacked.totals, largest, 0) * stacked.size, stacked.unit)
    figure = new_figure(190 + 40 * len(stacked.categories), barmode="stack", bargap=0.25)
    absolute, relative = (stacked, scale, "x"), (normalised(stacked), (1.0, "%"), "x2")
    for view, view_scale, axis in (absolute, relative):
        add_stack(
            figure,
            view,
            colours,
            scale=view_scale,
            horizontal=True,
            legend=axis == "x",
            axes={"xaxis": axis, "yaxis": "y"},
            **style,
        )
    figure.set_axis("yaxis", showgrid=False, autorange="reversed")
    figure.set_axis("xaxis", title=axis_title(title, scale[1]), domain=[0, 0.48])
    share = f"Share of the {title.lower()} (%)"
    figure.set_axis("xaxis2", title=share, range=[0, 100], domain=[0.52, 1], anchor="y")
    return figure, scale


def comparison_table(results: Sequence[Result]) -> Table:
    """The numbers of each run; what is not modelled is empty."""
    columns = ["run", "latency", "interval", "energy", "energy-delay product", "area in mm2"]
    columns += ["nearest bound"]
    columns += ["AC, all", "AC, by firing rate", "MAC", "MAC, zeros skipped", "energy by eq. 7"]
    columns += ["timesteps", "images"]
    repeated = [repeated_integers(result.summary) for result in results]
    columns += ["integers as AC"] * any(repeated)
    rows = []
    for name, result in zip(run_names(results), results, strict=True):
        summary, bounds = result.summary, bounds_data(result.summary)
        near = f"{bounds[0].words} ({percent(bounds[0].share)})" if bounds else ""
        eq7 = equation_7_pj(result)
        sums = result.layers[[*AC_COUNTS, "ac_rate_dense", "mac", "mac_nonzero"]].sum()
        rows.append(
            [
                name,
                _quantity(summary["latency_s"], "s"),
                _quantity(summary["interval_s"], "s"),
                Number(
                    summary["energy_pj"],
                    quantity(summary["energy_pj"] * PICOJOULE, "J"),
                    energy_of(summary["energy_parts_pj"]),
                ),
                _edp(summary),
                "" if summary["area_mm2"] is None else count(round(summary["area_mm2"], 2)),
                near,
                count(float(sums[list(AC_COUNTS)].sum())),
                *(count(float(sums[name])) for name in ("ac_rate_dense", "mac", "mac_nonzero")),
                Number(eq7, quantity(eq7 * PICOJOULE, "J")),
                count(summary["timesteps"]),
                count(summary["images"] or 1),
                *([count(repeated_integers(summary))] if any(repeated) else []),
            ]
        )
    return Table("Runs", columns, rows)


def _edp(summary: Mapping[str, Any]) -> Number | str:
    value = summary["edp_js"]
    if value is None:
        return ""
    return Number(value, quantity(value, "J·s"), product_of(summary, "edp_js"))


def _quantity(value: float | None, unit: str) -> Number | str:
    return "" if value is None else Number(value, quantity(value, unit))
