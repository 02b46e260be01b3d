"""Power over time: what the chip and its DRAM draw in each cycle of a simulated run.

The energy of every job is spread evenly over the cycles in which it is spent: what a core does
over the cycles that it computes, what a transfer moves over the cycles that it holds its port,
channel or links, a fetch of weights alike. Leakage, the DRAM's background and the clocks of cores
that do not compute are there all the time. Over all cycles it is the energy of `codesign.energy`.

Left out: how power varies within a job, which makes peaks too low, and the capacitance of chip and
package, which smooths peaks of nanoseconds and makes those here too high for a regulator.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.chip.schedule import Schedule
from codesign.chip.transfers import link_bits
from codesign.energy import (
    Prices,
    core_prices,
    fetch_prices,
    host_prices,
    over_links,
    transfer_prices,
)
from codesign.mapping.jobs import JOB_TRANSFERS, TRANSFERS, Jobs
from codesign.specs.architecture import Architecture, Host
from codesign.static_power import idle_pj_per_cycle

Integers = NDArray[np.int64]

_WATT_PER_PJ_PER_SECOND = 1e-12


@dataclass(frozen=True)
class Spending:
    """Energies, each spread evenly over some cycles.

    Attributes:
        start_cycles: the first cycle of each.
        end_cycles: the cycle after its last; at least one is taken.
        energy_pj: of each; below 0 for what is saved.
    """

    start_cycles: Integers
    end_cycles: Integers
    energy_pj: Prices


@dataclass(frozen=True)
class PowerProfile:
    """Power as steps.

    Attributes:
        edges_cycles: where steps begin, rising; the last is the end.
        power_w: of each step, one fewer than edges.
    """

    edges_cycles: Integers
    power_w: Prices

    @property
    def peak_w(self) -> float:
        """The highest power in any cycle; 0 without cycles."""
        return float(self.power_w.max(initial=0.0))


def power_steps(profile: PowerProfile) -> pd.DataFrame:
    """The same as rows of `codesign.results.Result.counters`."""
    steps = {"cycle": profile.edges_cycles[:-1], "value": profile.power_w}
    return pd.DataFrame({"counter": "power (W)", **steps})


def power_profile(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> PowerProfile:
    """Power of a simulated run, DRAM included.

    Args:
        jobs: what was done.
        schedule: when.
        architecture: the coefficients.
    """
    assert architecture.technology is not None
    spent = [
        _always(schedule, architecture),
        _computing(jobs, schedule, architecture),
        *_transfers(jobs, schedule, architecture),
        _fetches(jobs, schedule, architecture),
    ]
    edges, pj_per_cycle = steps(spent)
    power_w = pj_per_cycle * architecture.technology.clock_hz * _WATT_PER_PJ_PER_SECOND
    return PowerProfile(edges, power_w)


def steps(spent: list[Spending]) -> tuple[Integers, Prices]:
    """The sum of all that is spent: edges in cycles, and pJ per cycle between them."""
    starts = np.concatenate([each.start_cycles for each in spent])
    ends = np.maximum(np.concatenate([each.end_cycles for each in spent]), starts + 1)
    rates = np.concatenate([each.energy_pj for each in spent]) / (ends - starts)
    edges, place = np.unique(np.concatenate([starts, ends]), return_inverse=True)
    changes = np.bincount(place, np.concatenate([rates, -rates]), minlength=len(edges))
    return edges, np.cumsum(changes, dtype=np.float64)[:-1]


def _always(schedule: Schedule, architecture: Architecture) -> Spending:
    """What passes with time alone, as if no core ever computed."""
    cycles = schedule.makespan_cycles
    spent = idle_pj_per_cycle(architecture) * cycles
    return Spending(np.array([0]), np.array([cycles]), np.array([spent]))


def _computing(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> Spending:
    """Operations, a core's own memories and its clock, instead of its idle clock; and address
    events, which the core makes and reads."""
    cycles, spent = jobs.compute_cycles(), np.zeros(len(jobs))
    for group, core in architecture.cores.items():
        here = np.array(jobs.core_groups)[jobs.columns["core"]] == group
        of_core = sum(prices for _, prices in core_prices(jobs, core))
        spent += np.where(here, of_core - cycles * core.overhead.idle_clock_pj, 0.0)
    if architecture.host is not None:
        spent += host_prices(jobs, architecture.host)["mac"]
    if architecture.noc is not None:
        spent += jobs.columns["events"] * (architecture.noc.event_pj or 0.0)
    return Spending(schedule.started, schedule.started + cycles, spent)


def _transfers(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> Iterator[Spending]:
    """What each kind of transfer spends in memories and on links."""
    assert architecture.storage is not None
    by_verb = {verb: np.zeros(len(jobs)) for verb in JOB_TRANSFERS}
    for verb, _, prices in transfer_prices(jobs, schedule, architecture.storage):
        by_verb[verb] += prices
    if architecture.noc is not None:
        for kind, verb in enumerate(JOB_TRANSFERS):
            bits = np.zeros((len(JOB_TRANSFERS), len(jobs)), dtype=np.int64)
            bits[kind] = link_bits(jobs, verb)
            by_verb[verb] += over_links(bits, schedule, architecture.noc)
    if architecture.host is not None:
        for verb, prices in _link_prices(jobs, architecture.host):
            by_verb[verb] += prices
    for verb, prices in by_verb.items():
        starts, ends = _held(schedule, verb, len(jobs))
        yield Spending(starts, ends, prices)


def _link_prices(jobs: Jobs, host: Host) -> Iterator[tuple[str, Prices]]:
    """What the host's link spends on each kind of transfer."""
    prices = host_prices(jobs, host)
    for verb in ("load", "store"):
        inside, outside = jobs.columns[f"{verb}_bits"], jobs.columns[f"{verb}_dram_bits"]
        share = outside / np.maximum(inside + outside, 1)
        yield verb, prices[verb] * (1 - share)
        yield f"{verb}_dram", prices[verb] * share


def _fetches(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> Spending:
    """What fetching each block of weights spends."""
    assert architecture.storage is not None
    spent = fetch_prices(jobs, architecture.storage)
    starts, ends = _held(schedule, "fetch", len(jobs.blocks))
    return Spending(starts, ends, spent["weight_buffer"] + spent["dram"])


def _held(schedule: Schedule, verb: str, count: int) -> tuple[Integers, Integers]:
    """When each job's (or block's) transfer of a kind held its resources; 0 where it has none,
    which spends nothing."""
    rows = schedule.transfers[schedule.transfers["kind"] == TRANSFERS.index(verb)]
    starts, ends = np.zeros((2, count), dtype=np.int64)
    starts[rows["job"]], ends[rows["job"]] = rows["start_cycle"], rows["end_cycle"]
    return starts, ends
