"""A published row beside what is counted on the network that it names.

The energy is eq. 7 at the paper's 0.9 pJ and 4.6 pJ, from the estimated ACs (rate x dense) and
MACs by either rule: batch norm fused into the convolutions before it, as the paper says, or counted
as two MACs for each element, as some of its rows do. Where one rule alone gives the printed digits
of the MACs, it is named, else the one whose energy is nearer. Rows of a converted ANN print nothing
but T: eq. 15 bounds them.

The shipped weights are calibrated to these tables: in Table 2 the ACs are fitted and MACs, energy
and bounds follow from the network; in Tables 3 and 4, which print no operations, the energy itself
is fitted, so that a row shows at which firing rate the network has it, not that it has it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from codesign.consumption import Consumption, consumption
from codesign.published.rows import PRINTED_BOUNDS_MJ, Row
from codesign.specs.architecture import PaperEnergies
from codesign.workload import Workload

RULES = {"mac": "batch norm fused", "mac_with_bn": "batch norm counted"}
CLOSE = 0.01
"""Relative difference of energies that is called equal: the tables print three digits."""

EITHER, MEAN = "either rule", "the mean of three rows"
"""Verdicts beside those that name a rule."""

_GIGA, _PJ_PER_MJ = 1e9, 1e9


@dataclass(frozen=True)
class Rebuilt:
    """What our network of a row has.

    Attributes:
        ac_g: estimated accumulates (rate x dense), 10^9.
        ac_exact_g: the same counted exactly.
        mac_g: multiply-accumulates by rule, 10^9.
        energy_mj: by rule, from the estimate.
        energy_exact_mj: from exact ACs, batch norm fused.
        bounds_mj: eq. 15, lower and upper, by rule.
        firing_rate: of the spike-driven synapses.
        rule: whose energy (or, of a converted network, whose bounds) stands for the row.
    """

    ac_g: float
    ac_exact_g: float
    mac_g: Mapping[str, float]
    energy_mj: Mapping[str, float]
    energy_exact_mj: float
    bounds_mj: Mapping[str, tuple[float, float]]
    firing_rate: float
    rule: str


def rebuild(
    row: Row, workload: Workload, counts: Mapping[str, Any], prices: PaperEnergies
) -> Rebuilt:
    """The operations and energies of a row's network.

    Args:
        row: with a workload.
        workload: that workload, as recorded, at any number of timesteps.
        counts: its totals, as of `codesign.counting.totals`, for one input.
        prices: of an AC and a MAC.
    """
    found = {
        rule: consumption(workload, dict(counts), prices, with_bn=rule == "mac_with_bn")
        for rule in RULES
    }
    spent = {
        rule: (counts["ac_rate_dense"] * prices.ac_pj + counts[rule] * prices.mac_pj) / _PJ_PER_MJ
        for rule in RULES
    }
    mac_g = {rule: counts[rule] / _GIGA for rule in RULES}
    return Rebuilt(
        ac_g=counts["ac_rate_dense"] / _GIGA,
        ac_exact_g=counts["ac"] / _GIGA,
        mac_g=mac_g,
        energy_mj=spent,
        energy_exact_mj=(counts["ac"] * prices.ac_pj + counts["mac"] * prices.mac_pj) / _PJ_PER_MJ,
        bounds_mj=_bounds(row, workload, found, prices),
        firing_rate=found["mac"].firing_rate,
        rule=_rules(row, mac_g, spent)[0],
    )


def _rules(row: Row, mac_g: Mapping[str, float], energy_mj: Mapping[str, float]) -> list[str]:
    """The rules that can be a row's, the most likely first; all if nothing tells them apart."""
    printed = row.mean_mj or row.energy_mj
    if printed is None:
        return list(RULES)
    by_digits = [rule for rule in RULES if round(mac_g[rule], 2) == row.mac_g]
    return by_digits or sorted(RULES, key=lambda rule: abs(energy_mj[rule] - printed))


def _bounds(
    row: Row, workload: Workload, found: Mapping[str, Consumption], prices: PaperEnergies
) -> dict[str, tuple[float, float]]:
    """Eq. 15 by rule, in mJ, at the row's number of timesteps.

    A converted network is not recorded over hundreds of timesteps. All of its ACs recur in each of
    them and none of its MACs do: those are the stem's and the head's. Only so is one rule enough.
    """
    rules = ["mac"] if row.is_converted else list(RULES)
    scale = row.timesteps / workload.timesteps if row.is_converted else 1
    return {
        rule: (
            found[rule].least_pj / _PJ_PER_MJ,
            (found[rule].least_pj + scale * found[rule].dense_ac * prices.ac_pj) / _PJ_PER_MJ,
        )
        for rule in rules
    }


def difference(row: Row, rebuilt: Rebuilt) -> float | None:
    """Of the energy from the printed one, as a share of it; None if none is printed."""
    if row.energy_mj is None:
        return None
    return rebuilt.energy_mj[rebuilt.rule] / row.energy_mj - 1


def verdict(row: Row, rebuilt: Rebuilt | None) -> str:
    """Which rule gives the printed energy, or that none does."""
    if rebuilt is None:
        return "not rebuilt"
    printed = row.mean_mj or row.energy_mj
    if printed is None:
        return "bounded by eq. 15"
    possible = _rules(row, rebuilt.mac_g, rebuilt.energy_mj)
    near = [abs(rebuilt.energy_mj[rule] / printed - 1) <= CLOSE for rule in possible]
    if not near[0]:
        return f"not reproduced; nearest with {RULES[rebuilt.rule]}"
    if row.mean_mj is not None:
        return f"{MEAN}, {RULES[rebuilt.rule]}"
    return EITHER if near == [True, True] else RULES[rebuilt.rule]


def as_json(row: Row, rebuilt: Rebuilt | None) -> dict[str, Any]:
    """A row with everything that is known of it, as JSON values."""
    printed = {
        "accuracy_percent": row.accuracy_percent,
        "ac_g": row.ac_g,
        "mac_g": row.mac_g,
        "energy_mj": row.energy_mj,
        "bounds_mj": printed_bounds(row),
    }
    return {
        "table": row.table,
        "network": row.network,
        "method": row.method,
        "dataset": row.dataset,
        "timesteps": row.timesteps,
        "workload": row.workload,
        "changes": list(row.changes),
        "printed": printed,
        "rebuilt": None if rebuilt is None else _as_json(rebuilt, row),
        "verdict": verdict(row, rebuilt),
        "note": row.note,
    }


def printed_bounds(row: Row) -> tuple[float, float] | None:
    """Estimated consumption that the paper gives for the row, in mJ, where it is known."""
    return None if row.is_converted else PRINTED_BOUNDS_MJ.get(row.workload)


def _as_json(rebuilt: Rebuilt, row: Row) -> dict[str, Any]:
    bounds = {"bounds_mj": {rule: list(pair) for rule, pair in rebuilt.bounds_mj.items()}}
    if row.is_converted:  # its firing rates are not known, ours are those of another training
        return bounds
    return {
        "ac_rate_dense_g": rebuilt.ac_g,
        "ac_g": rebuilt.ac_exact_g,
        "mac_g": dict(rebuilt.mac_g),
        "energy_mj": dict(rebuilt.energy_mj),
        "energy_exact_mj": rebuilt.energy_exact_mj,
        **bounds,
        "firing_rate": rebuilt.firing_rate,
        "rule": RULES[rebuilt.rule],
        "difference": difference(row, rebuilt),
    }
