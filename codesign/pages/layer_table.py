"""The table of layers: what each one computed, cost and took, over all timesteps."""

from collections.abc import Mapping

import pandas as pd

from codesign.pages.activity import AC_COUNTS
from codesign.pages.content import Cell, Number, Table, count, percent, quantity
from codesign.pages.energy import PICOJOULE, layers_in_order, parts_of
from codesign.pages.headline import repeated_integers
from codesign.pages.repricing import energy_of, share_of
from codesign.results import BUSY_STATES, Result

_SUMS = (*AC_COUNTS, "ac_repeat", "mac", "mac_nonzero", "neurons", "spikes")


def layer_table(result: Result) -> Table:
    """A row for each layer in the order of computation.

    `core cycles` are the cycles in which cores computed for the layer, added over the cores; they
    are left out where latency is not modelled. `integers as AC` is there if the chip repeats them.
    """
    layers = result.layers.groupby("layer", sort=False).agg(
        {"type": "first", "stream": "first", **dict.fromkeys(_SUMS, "sum")}
    )
    layers = _with_what_is_computed_instead(layers, result)
    energy = result.energy.groupby("layer")["energy_pj"].sum()
    parts = parts_of(result.energy, "layer")
    total = float(result.energy["energy_pj"].sum())
    cycles = None if result.summary["makespan_cycles"] is None else _core_cycles(result)
    columns = ["layer", "type", "stream", "AC", "MAC", "MAC, zeros skipped", "firing rate"]
    repeats = repeated_integers(result.summary) > 0
    columns += ["integers as AC"] * repeats
    columns += ["energy", "share of energy"] + ["core cycles"] * (cycles is not None)
    rows = []
    for layer, row in layers.iterrows():
        cells = _activity(str(layer), row)
        if repeats:
            cells.append(count(row["ac_repeat"]))
        cells += _energy(float(energy.get(layer, 0.0)), total, parts.get(layer, {}))
        if cycles is not None:
            cells.append(count(int(cycles.get(layer, 0))))
        rows.append(cells)
    return Table("Layers", columns, rows)


def _with_what_is_computed_instead(layers: pd.DataFrame, result: Result) -> pd.DataFrame:
    """With layers that the network does not have, but the chip computes; they count nothing."""
    streams = result.energy.groupby("layer")["stream"].first()
    whole = layers.reindex(layers_in_order(result)).fillna(
        {"type": "counters"} | dict.fromkeys(_SUMS, 0)
    )
    whole["stream"] = whole["stream"].fillna(streams.reindex(whole.index))
    return whole


def _activity(layer: str, row: pd.Series) -> list[Cell]:
    rate: Cell = ""
    if row["neurons"]:
        share = row["spikes"] / row["neurons"]
        rate = Number(share, percent(share))
    accumulates = sum(row[name] for name in AC_COUNTS)
    return [
        layer,
        str(row["type"]),
        str(row["stream"]),
        count(accumulates),
        count(row["mac"]),
        count(row["mac_nonzero"]),
        rate,
    ]


def _energy(energy_pj: float, total_pj: float, parts_pj: Mapping[str, float]) -> list[Cell]:
    share = energy_pj / total_pj if total_pj else 0.0
    return [
        Number(energy_pj, quantity(energy_pj * PICOJOULE, "J"), energy_of(parts_pj)),
        Number(share, percent(share), share_of(parts_pj)),
    ]


def computing_rows(result: Result) -> pd.DataFrame:
    """The rows of the timeline in which a core scanned, accumulated or updated neurons."""
    cores = set(result.occupancy["core"])
    rows = result.timeline
    computing: pd.DataFrame = rows[rows["resource"].isin(cores) & rows["state"].isin(BUSY_STATES)]
    return computing


def _core_cycles(result: Result) -> pd.Series:
    """Cycles by layer in which cores computed, added over the cores."""
    rows = computing_rows(result)
    return (rows["end_cycle"] - rows["start_cycle"]).groupby(rows["layer"]).sum()
