"""Durations of transfers: bits over the width of a port or the bandwidth of a DRAM channel, or of a
host's link.

All in whole cycles, rounded up; bandwidths and clocks are integers (bit/s, Hz), so that nothing
depends on floating point.
"""

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.datapaths import ceil_divide
from codesign.mapping.jobs import JOB_TRANSFERS, Jobs
from codesign.specs.architecture import (
    HOST,
    Architecture,
    Buffer,
    Dram,
    Host,
    Storage,
    Technology,
)

Integers = NDArray[np.int64]


def buffer_cycles(bits: Integers, buffer: Buffer) -> Integers:
    """Cycles of one port; 0 for nothing."""
    return ceil_divide(bits, buffer.port_bits_per_cycle)


def latency_cycles(latency_ns: float, technology: Technology) -> int:
    """Cycles of a latency, rounded up; exact to a picosecond."""
    picoseconds = round(latency_ns * 1000)
    return -(-picoseconds * technology.clock_hz // 10**12)


def dram_cycles(bits: Integers, dram: Dram | Host, technology: Technology) -> Integers:
    """Cycles that a transfer holds one channel, or a link, without the latency; 0 for nothing."""
    return ceil_divide(bits * technology.clock_hz, dram.bandwidth_bits_per_s)


def transfer_cycles(jobs: Jobs, architecture: Architecture) -> dict[str, Integers]:
    """Cycles of every job's transfers, by the names of `codesign.chip.cores.Task`.

    A transfer is as slow as the slowest of its port or channel, the links of the NoC or that of the
    host, and the banks that it fills.
    What is written into the banks of a weight memory are a block of weights, or the values of a
    product, which come with the job's input.
    """
    technology, storage = chip_parts(architecture)
    columns, activations = jobs.columns, storage.activation_buffer
    cores = (architecture.kinds[group] for group in jobs.core_groups)
    banks = np.array([core.weight_memory.banks for core in cores])[columns["core"]]
    filling = -(-columns["weight_writes"] // banks)
    has_weights = columns["weight_bits"] > 0
    from_buffer = buffer_cycles(columns["load_bits"], activations)
    from_dram = dram_cycles(columns["load_dram_bits"], storage.dram, technology)
    cycles = {
        "weight_cycles": np.where(
            has_weights,
            np.maximum(buffer_cycles(columns["weight_bits"], storage.weight_buffer), filling),
            0,
        ),
        "load_cycles": _filling(from_buffer, filling, has_weights),
        "load_dram_cycles": _filling(from_dram, filling, has_weights),
        "store_cycles": buffer_cycles(columns["store_bits"], activations),
        "store_dram_cycles": dram_cycles(columns["store_dram_bits"], storage.dram, technology),
        "sum_cycles": np.zeros(len(jobs), dtype=np.int64),  # without a NoC there are none
    }
    if architecture.noc is None and architecture.host is None:
        return cycles
    outside = of_host(jobs)
    for (name, each), verb in zip(cycles.items(), JOB_TRANSFERS, strict=True):
        if architecture.noc is not None:
            passing = ceil_divide(link_bits(jobs, verb), architecture.noc.link_bits)
            cycles[name] = np.maximum(each, np.where(outside, 0, passing))
        if architecture.host is not None:
            passing = dram_cycles(link_bits(jobs, verb), architecture.host, technology)
            cycles[name] = np.maximum(cycles[name], np.where(outside, passing, 0))
    return cycles


def of_host(jobs: Jobs) -> NDArray[np.bool_]:
    """Which jobs a host outside the chip does."""
    mine: NDArray[np.bool_] = (np.array(jobs.core_groups) == HOST)[jobs.columns["core"]]
    return mine


def link_bits(jobs: Jobs, verb: str) -> Integers:
    """Bits of every job that one kind of transfer moves over the NoC: spikes as they are encoded
    there."""
    if verb in ("weights", "sums"):
        return jobs.columns[f"{verb.removesuffix('s')}_bits"]
    bits: Integers = jobs.columns[f"{verb}_bits"] - jobs.columns[f"{verb}_saved_bits"]
    return bits


def _filling(cycles: Integers, filling: Integers, has_weights: NDArray[np.bool_]) -> Integers:
    """Cycles of a load that the banks take as well, if there is one and it brings values."""
    limited = np.where((cycles > 0) & ~has_weights, filling, 0)
    return np.maximum(cycles, limited)


def fetch_cycles(jobs: Jobs, architecture: Architecture) -> Integers:
    """Cycles of every weight block: of a DRAM channel, or of the buffer's banks that it fills."""
    technology, storage = chip_parts(architecture)
    bits = np.array([block.bits for block in jobs.blocks], dtype=np.int64)
    filling = ceil_divide(bits, storage.weight_buffer.bits_per_cycle)
    return np.maximum(dram_cycles(bits, storage.dram, technology), filling)


def chip_parts(architecture: Architecture) -> tuple[Technology, Storage]:
    """What every architecture with cores states."""
    assert architecture.technology is not None
    assert architecture.storage is not None
    return architecture.technology, architecture.storage
