"""Static power: what a chip draws whether it computes or not, by place."""

import math

from codesign.specs.architecture import Architecture

PJ_PER_MW_SECOND = 1e9


def static_power_mw(architecture: Architecture) -> dict[str, float]:
    """Leakage by place, all cores of a kind together, and the DRAM's background power."""
    assert architecture.storage is not None
    storage = architecture.storage
    parts = {}
    for name, core in architecture.cores.items():
        parts[f"{name}.logic"] = core.count * core.overhead.leakage_mw
        for memory in ("weight_memory", "state_memory", "input_memory"):
            parts[f"{name}.{memory}"] = core.count * getattr(core, memory).leakage_mw
    parts["weight_buffer"] = storage.weight_buffer.leakage_mw
    parts["activation_buffer"] = storage.activation_buffer.leakage_mw
    if architecture.noc is not None:
        parts["noc"] = architecture.noc.leakage_mw
    parts["dram_background"] = storage.dram.background_mw
    return parts


def idle_pj_per_cycle(architecture: Architecture) -> float:
    """What passes in a cycle in which nothing happens: leakage, the DRAM's background, and the idle
    clock of every core."""
    assert architecture.technology is not None
    power_mw = math.fsum(static_power_mw(architecture).values())
    cores = architecture.cores.values()
    clocks_pj = math.fsum(core.count * core.overhead.idle_clock_pj for core in cores)
    return power_mw * PJ_PER_MW_SECOND / architecture.technology.clock_hz + clocks_pj
