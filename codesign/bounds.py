"""Bounds: how short the makespan could be at best, resource by resource, in closed form.

Each is proven for the mapping that was simulated, whatever the order of grants:

- `compute_<kind>`: the busiest core of a kind has to compute all its jobs one after the other;
- `weight_buffer`, `activation_buffer`, `dram`: all transfers, over equal servers;
- `noc`: all transfers over the busiest link; with multicast a block of weights passes once;
- `host_link`: all transfers of the busier direction of a host's link;
- `dependency`: along any chain of layers and timesteps, each link takes at least its longest job
  from its input's transfer to its result's.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.chip.transfers import chip_parts, fetch_cycles, of_host, transfer_cycles
from codesign.chip.ways import MEMORIES, Ways, ways_of
from codesign.mapping.datapaths import Integers
from codesign.mapping.jobs import JOB_TRANSFERS, Jobs
from codesign.specs.architecture import Architecture


def bounds_cycles(jobs: Jobs, architecture: Architecture) -> dict[str, int]:
    """Lower bounds of the makespan, in cycles, by resource."""
    transfers = transfer_cycles(jobs, architecture)
    _, storage = chip_parts(architecture)
    buffered = transfers["load_cycles"] + transfers["store_cycles"]
    outside = transfers["load_dram_cycles"] + transfers["store_dram_cycles"]
    fetched = int(fetch_cycles(jobs, architecture).sum())
    ways = ways_of(architecture, jobs.core_names)
    arriving = _latencies(jobs, ways, transfers)
    alone = buffered + outside + arriving + jobs.compute_cycles()
    weights = transfers["weight_cycles"]
    if architecture.noc is not None:
        shared = architecture.noc.multicast
        weights = np.where(_loads_first(jobs), weights, 0) if shared else weights
        links = {"noc": _busiest_link(jobs, ways, transfers, is_shared=shared)}
    else:
        links = {}
    if architecture.host is not None:
        links["host_link"] = _of_host(jobs, transfers)
    return {
        **_compute(jobs),
        "weight_buffer": _shared(weights, storage.weight_buffer.ports),
        "activation_buffer": _shared(buffered, storage.activation_buffer.ports),
        "dram": -(-(int(outside.sum()) + fetched) // storage.dram.channels),
        **links,
        "dependency": _longest_chain(jobs, alone),
    }


def _of_host(jobs: Jobs, transfers: dict[str, Integers]) -> int:
    """Cycles of a host's link, if both directions are always in use."""
    mine = of_host(jobs)
    return max(
        sum(int(transfers[f"{verb}{where}_cycles"][mine].sum()) for where in ("", "_dram"))
        for verb in ("load", "store")
    )


def _latencies(jobs: Jobs, ways: Ways, transfers: dict[str, Integers]) -> Integers:
    """Cycles in which what a job loads and stores is on its way, after its transfers."""
    cores = jobs.columns["core"]
    arriving = np.zeros(len(jobs), dtype=np.int64)
    for kind, (verb, cycles) in enumerate(zip(JOB_TRANSFERS, transfers.values(), strict=True)):
        if verb == "sums":
            continue
        latency = np.array([of_core[kind][1] for of_core in ways.of_core])[cores]
        if verb != "weights":  # which are loaded ahead
            arriving += np.where(cycles > 0, latency, 0)
    return arriving


def _loads_first(jobs: Jobs) -> NDArray[np.bool_]:
    """Whether each job is the first to load its block."""
    loading = np.flatnonzero(jobs.columns["weight_bits"] > 0)
    _, first = np.unique(jobs.columns["block"][loading], return_index=True)
    found = np.zeros(len(jobs), dtype=bool)
    found[loading[first]] = True
    return found


def _busiest_link(
    jobs: Jobs, ways: Ways, transfers: dict[str, Integers], *, is_shared: bool
) -> int:
    """Cycles of the link that has to carry most."""
    carried = np.zeros(len(ways.names), dtype=np.int64)
    columns = jobs.columns
    for kind, (verb, cycles) in enumerate(zip(JOB_TRANSFERS, transfers.values(), strict=True)):
        once = _loads_of_cores(jobs, cycles) if verb == "weights" and is_shared else None
        if once is not None:
            passed = {
                (resource, block): taken
                for (core, block), taken in once.items()
                for resource in ways.of_core[core][kind][0]
            }
            for (resource, _), taken in passed.items():
                carried[resource] += taken
            continue
        ends = np.stack([columns["core"], columns["owner"]], axis=1)[cycles > 0]
        pairs, numbers = np.unique(ends, axis=0, return_inverse=True)
        totals = np.zeros(len(pairs), dtype=np.int64)
        np.add.at(totals, numbers.ravel(), cycles[cycles > 0])
        for (core, owner), total in zip(pairs.tolist(), totals.tolist(), strict=True):
            way = ways.between(core, owner) if verb == "sums" else ways.of_core[core][kind]
            for resource in way[0]:
                carried[resource] += total
    return int(carried[len(MEMORIES) :].max())


def _loads_of_cores(jobs: Jobs, cycles: Integers) -> dict[tuple[int, int], int]:
    """Cycles of a transfer of each block that each core loads."""
    loading = np.flatnonzero(cycles > 0)
    rows = zip(
        *(jobs.columns[name][loading].tolist() for name in ("core", "block")),
        cycles[loading].tolist(),
        strict=True,
    )
    return {(core, block): taken for core, block, taken in rows}


def _compute(jobs: Jobs) -> dict[str, int]:
    cycles = np.zeros(len(jobs.core_names), dtype=np.int64)
    np.add.at(cycles, jobs.columns["core"], jobs.compute_cycles())
    groups = np.array(jobs.core_groups)
    return {
        f"compute_{group}": int(cycles[groups == group].max())
        for group in dict.fromkeys(jobs.core_groups)
    }


def _shared(cycles: NDArray[np.int64], servers: int) -> int:
    return -(-int(cycles.sum()) // servers)


def _longest_chain(jobs: Jobs, cycles: NDArray[np.int64]) -> int:
    """The longest path through the needs."""
    alone = np.zeros(len(jobs.stages), dtype=np.int64)
    np.maximum.at(alone, jobs.columns["stage"], cycles)
    longest: list[int] = []
    for stage, length in zip(jobs.stages, alone.tolist(), strict=True):
        longest.append(length + max((longest[need] for need in stage.needs), default=0))
    return max(longest, default=0)
