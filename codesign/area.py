"""Area: the sum of what the architecture's entries state, by component.

Every entry has its source in the file, and those of memories are of all their banks. Left out: what
no entry states, such as pads, the DRAM (another chip) and its controller.
"""

import math

from codesign.specs.architecture import Architecture


def area_parts_mm2(architecture: Architecture) -> dict[str, float]:
    """Area of each component in mm2, all cores of a kind together; empty without cores."""
    parts = {}
    for name, core in architecture.cores.items():
        for part, area_mm2 in (
            ("logic", core.overhead.area_mm2),
            ("weight_memory", core.weight_memory.area_mm2),
            ("state_memory", core.state_memory.area_mm2),
            ("input_memory", core.input_memory.area_mm2),
        ):
            parts[f"{name}.{part}"] = core.count * area_mm2
    if architecture.storage is not None:
        parts["weight_buffer"] = architecture.storage.weight_buffer.area_mm2
        parts["activation_buffer"] = architecture.storage.activation_buffer.area_mm2
    if architecture.noc is not None:
        parts["noc"] = architecture.noc.area_mm2
    return parts


def area_mm2(architecture: Architecture) -> float | None:
    """Area of the chip in mm2; None without cores, or where no entry states more than 0."""
    return math.fsum(area_parts_mm2(architecture).values()) or None
