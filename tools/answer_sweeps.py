"""Writes docs/sweeps.md: what the sweeps that come with the program find.

Run it from the root of a checkout: `.venv/bin/python tools/answer_sweeps.py [FOLDER]`. What was
computed before is kept in the folder, `build/sweeps` if none is named.
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from codesign.exploration.exploring import explore
from codesign.exploration.fronts import front
from codesign.exploration.space import design_space
from codesign.exploration.workers import Pool, core_count
from codesign.units import si

TARGET = Path("docs/sweeps.md")
HEAD = """# What the sweeps find

Written by `tools/answer_sweeps.py` from the sweeps in `sweeps/`, on {version}. One photograph,
weights calibrated to the paper's Table 2 and not trained; in `small_nets` ten test pictures, and
trained weights. Latency, energy and EDP (energy x latency) are of one image alone.
Neighbouring designs are cut into tiles anew, so that results jump by some percent from one to the
next: take differences of a few percent for none.
"""

Answer = Callable[[pd.DataFrame], Iterator[str]]


def core_split(table: pd.DataFrame) -> Iterator[str]:
    """How the area should be divided, for which network, and for all of them."""
    splits = _splits(table)
    table = table.assign(split=splits)
    yield from _by_network(
        table, "split", "spike : accumulation cores", ("latency_s", "energy_pj", "edp_js")
    )
    best = {
        network: mine.loc[mine["edp_js"].idxmin()]
        for network, mine in table.groupby("network", sort=False)
    }
    for network, row in best.items():
        yield (
            f"- {network} has the least EDP with {row['split']}, {si(row['edp_js'], 'J s')}; its "
            f"nearest bound there is {_words(row['bound'])}."
        )
    regret = table.assign(
        over=table["edp_js"] / table.groupby("network")["edp_js"].transform("min")
    )
    together = regret.groupby("split", sort=False)["over"].agg(
        ["max", lambda v: float(np.exp(np.log(v).mean()))]
    )
    together.columns = ["worst", "mean"]
    fair, usual = together["worst"].idxmin(), together["mean"].idxmin()
    yield (
        f"- One chip for all three: {fair} has the smallest worst case, "
        f"{together.loc[fair, 'worst']:.2f} times the EDP of the network's own best split; {usual} "
        f"the smallest geometric mean of these ratios, {together.loc[usual, 'mean']:.2f} (worst "
        f"{together.loc[usual, 'worst']:.2f})."
    )


def lanes_buffer(table: pd.DataFrame) -> Iterator[str]:
    """Where a larger buffer or more lanes pay."""
    lanes, size = "cores.spike.spike.lanes", "storage.activation_buffer.size"
    table = table.assign(buffer=table[size].map(lambda bits: f"{bits / 2**23:g} MiB"))
    for column, unit, scale in (("latency_s", "s", 1.0), ("energy_pj", "J", 1e-12)):
        wide = table.pivot_table(index=lanes, columns="buffer", values=column, sort=False)
        what = "Latency" if unit == "s" else "Energy"
        yield f"{what} by lanes of a spike core and size of the buffer:\n"
        yield f"| lanes | {' | '.join(wide.columns)} |"
        yield f"|---|{'---|' * len(wide.columns)}"
        for index, row in wide.iterrows():
            yield f"| {index} | {' | '.join(si(value * scale, unit) for value in row)} |"
        yield ""
    first, last = (
        table[table[size] == extreme].set_index(lanes)
        for extreme in (table[size].min(), table[size].max())
    )
    for count in first.index:
        saved = 1 - last.loc[count, "energy_pj"] / first.loc[count, "energy_pj"]
        sooner = 1 - last.loc[count, "latency_s"] / first.loc[count, "latency_s"]
        yield (
            f"- With {count} lanes, the largest buffer instead of the smallest changes latency by "
            f"{_percent(-sooner)} and energy by {_percent(-saved)}."
        )
    row = table.loc[table["edp_js"].idxmin()]
    yield f"- The least EDP has {row[lanes]} lanes and {row['buffer']}: {si(row['edp_js'], 'J s')}."


def timesteps(table: pd.DataFrame) -> Iterator[str]:
    """What a timestep more costs."""
    key = "workload.timesteps"
    table = table.assign(network=table["workload"])
    yield from _by_network(table, key, "T", ("latency_s", "energy_pj"))
    for network, mine in table.groupby("network", sort=False):
        slopes = {}
        for column in ("latency_s", "energy_pj"):
            slope, start = np.polyfit(mine[key].to_numpy(float), mine[column].to_numpy(float), 1)
            slopes[column] = (slope, start / (start + 4 * slope))
        latency, energy = slopes["latency_s"], slopes["energy_pj"]
        yield (
            f"- {network}: a timestep more costs {si(latency[0], 's')} and "
            f"{si(energy[0] * 1e-12, 'J')} (least squares). At T = 4, {_fixed(latency[1])} of the "
            f"latency and {_fixed(energy[1])} of the energy do not depend on T."
        )


def mac_energy(table: pd.DataFrame) -> Iterator[str]:
    """Whether the ratio decides between networks."""
    key = "cores.accumulation.operations.mac"
    table = table.assign(ratio=(table[key] / 0.05).round().astype(int))
    yield from _by_network(table, "ratio", "MAC / AC", ("energy_pj", "edp_js"))
    rankings = {}
    for ratio, mine in table.groupby("ratio", sort=True):
        ordered = mine.sort_values("energy_pj")["network"].tolist()
        rankings.setdefault(" < ".join(ordered), []).append(ratio)
    for ranking, ratios in rankings.items():
        which = f"ratio {ratios[0]}" if len(ratios) == 1 else f"ratios {ratios[0]} to {ratios[-1]}"
        yield f"- By energy {ranking} at {which}."
    for network, mine in table.groupby("network", sort=False):
        share = (mine["energy_mac_pj"] / mine["energy_pj"]).tolist()
        yield (
            f"- {network}: MACs take {100 * share[0]:.1f} % of the energy at the smallest ratio, "
            f"{100 * share[-1]:.1f} % at the largest."
        )


def orders_partitions(table: pd.DataFrame) -> Iterator[str]:
    """Which order and partition is best for what."""
    table = table.assign(choice=table["schedule.order"] + ", " + table["schedule.partition"])
    yield from _by_network(
        table, "choice", "order, partition", ("latency_s", "energy_pj", "interval_s")
    )
    for network, mine in table.groupby("network", sort=False):
        found = [
            f"{words} {mine.loc[mine[column].idxmin(), 'choice']}"
            for words, column in (
                ("latency", "latency_s"),
                ("energy", "energy_pj"),
                ("interval", "interval_s"),
            )
        ]
        yield f"- {network}: least {'; '.join(found)}."


def small_nets(table: pd.DataFrame) -> Iterator[str]:
    """What accuracy costs."""
    yield "| network | T | weights | accuracy, 95 % interval | energy | latency |"
    yield "|---|---|---|---|---|---|"
    costs = table[["error_percent", "energy_pj", "latency_s"]].to_numpy(float)
    best = table[front(costs)].sort_values(["error_percent", "energy_pj"])
    for row in best.to_dict("records"):
        accuracy = (
            f"{row['accuracy_percent']:.1f} %, {row['accuracy_low_percent']:.1f} to "
            f"{row['accuracy_high_percent']:.1f} %"
        )
        yield (
            f"| {row['workload']} | {row['workload.timesteps']} | {row['precision.weight']} bit "
            f"| {accuracy} | {si(row['energy_pj'] * 1e-12, 'J')} | {si(row['latency_s'], 's')} |"
        )
    yield ""
    counts = best["workload"].value_counts()
    named = ", ".join(f"{name} {count}" for name, count in counts.items())
    yield f"- These {len(best)} designs are the front of error rate, energy and latency: {named}."
    most = best.iloc[0]
    alike = table[table["accuracy_percent"] >= most["accuracy_low_percent"]]
    least = alike.loc[alike["energy_pj"].idxmin()]
    yield (
        f"- The most accurate is {_design(most)}. Of those that come within its interval, "
        f"{_design(least)} takes the least energy, "
        f"{_percent(least['energy_pj'] / most['energy_pj'] - 1)}."
    )
    by_bits = table.groupby("precision.weight")["accuracy_percent"].mean()
    yield f"- Mean accuracy by width of weights: {_listed(by_bits, 'with {} bit')}."
    by_timesteps = table.groupby("workload.timesteps")["accuracy_percent"].mean()
    yield f"- Mean accuracy by T: {_listed(by_timesteps, 'at T = {}')}."
    yield (
        "- Each network was trained once, and intervals of neighbours overlap: networks whose "
        "accuracies differ by less are not ranked by them."
    )


def _design(row: "pd.Series[Any]") -> str:
    bits = row["precision.weight"]
    return f"{row['workload']} at T = {row['workload.timesteps']} with {bits}-bit weights"


def _listed(means: "pd.Series[Any]", words: str) -> str:
    return ", ".join(f"{value:.1f} % {words.format(level)}" for level, value in means.items())


ANSWERS: dict[str, Answer] = {
    answer.__name__: answer
    for answer in (
        *(core_split, lanes_buffer, timesteps, mac_energy, orders_partitions),
        small_nets,
    )
}
_TITLES = {
    "latency_s": ("latency", "s", 1.0),
    "energy_pj": ("energy", "J", 1e-12),
    "edp_js": ("EDP", "J s", 1.0),
    "interval_s": ("interval", "s", 1.0),
}


def _by_network(
    table: pd.DataFrame, key: str, title: str, columns: tuple[str, ...]
) -> Iterator[str]:
    """A table with a row for each design and columns for each network."""
    networks = table["network"].drop_duplicates().tolist()
    heads = [f"{network} {_TITLES[column][0]}" for network in networks for column in columns]
    yield f"| {title} | {' | '.join(heads)} |"
    yield f"|---|{'---|' * len(heads)}"
    for design, mine in table.groupby(key, sort=False):
        rows = mine.set_index("network")
        cells = []
        for network in networks:
            for column in columns:
                _, unit, scale = _TITLES[column]
                cells.append(si(rows.loc[network, column] * scale, unit))
        yield f"| {design} | {' | '.join(cells)} |"
    yield ""


def _splits(table: pd.DataFrame) -> pd.Series:
    spike, accumulation = (
        table[f"cores.{kind}.count"].astype(str) for kind in ("spike", "accumulation")
    )
    return spike + " : " + accumulation


def _words(bound: str) -> str:
    return bound.replace("compute_", "busiest core of kind ").replace("_", " ")


def _percent(change: float) -> str:
    return f"{100 * change:+.1f} %"


def _fixed(share: float) -> str:
    """What a straight line starts with; nothing where it starts below zero, as timesteps then cost
    more than in proportion."""
    return f"{100 * share:.0f} %" if share > 0 else "nothing"


def answers(folder: Path) -> Iterator[str]:
    """The lines of the page; sweeps are computed as far as they are not there."""
    import codesign

    yield HEAD.format(version=f"codesign {codesign.__version__}")
    pool = Pool(core_count())
    try:
        for name, answer in ANSWERS.items():
            space = design_space(name)
            result = explore(space, folder / name, pool).result
            table = result.points[result.points["status"] == "simulated"]
            yield f"## {name}\n"
            yield f"{space.spec.description}. {len(result.points)} points.\n"
            yield from answer(table)
            yield ""
    finally:
        pool.close()


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/sweeps")
    TARGET.write_text("\n".join(answers(folder)).rstrip() + "\n")
    print(f"{TARGET}: {len(ANSWERS)} sweeps")


if __name__ == "__main__":
    main()
