"""Bounds: how short the makespan could be at best, resource by resource, in closed form.

Each is proven for the mapping that was simulated, whatever the order of grants:

- `compute_<kind>`: the busiest core of a kind has to compute all its jobs one after the other;
- `weight_buffer`, `activation_buffer`, `dram`: all transfers, over equal servers;
- `dependency`: along any chain of layers and timesteps, each link takes at least its longest job
  from its input's transfer to its result's.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.chip.transfers import (
    chip_parts,
    fetch_cycles,
    latency_cycles,
    transfer_cycles,
)
from codesign.mapping.jobs import Jobs
from codesign.specs.architecture import Architecture


def bounds_cycles(jobs: Jobs, architecture: Architecture) -> dict[str, int]:
    """Lower bounds of the makespan, in cycles, by resource."""
    transfers = transfer_cycles(jobs, architecture)
    technology, storage = chip_parts(architecture)
    buffered = transfers["load_cycles"] + transfers["store_cycles"]
    outside = transfers["load_dram_cycles"] + transfers["store_dram_cycles"]
    fetched = int(fetch_cycles(jobs, architecture).sum())
    arriving = latency_cycles(storage.dram, technology) * np.sum(
        [transfers[f"{verb}_dram_cycles"] > 0 for verb in ("load", "store")], axis=0
    )
    alone = buffered + outside + arriving + jobs.compute_cycles()
    return {
        **_compute(jobs),
        "weight_buffer": _shared(transfers["weight_cycles"], storage.weight_buffer.ports),
        "activation_buffer": _shared(buffered, storage.activation_buffer.ports),
        "dram": -(-(int(outside.sum()) + fetched) // storage.dram.channels),
        "dependency": _longest_chain(jobs, alone),
    }


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
