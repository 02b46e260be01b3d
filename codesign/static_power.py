"""Static power: what a chip draws whether it computes or not, by place."""

from codesign.specs.architecture import Architecture


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
