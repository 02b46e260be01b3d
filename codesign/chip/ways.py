"""Ways: which resources a transfer of each core holds.

Resources are numbered: the ports of the weight buffer, those of the activation buffer, the
channels of the DRAM, then the links of the NoC.
"""

from dataclasses import dataclass

from codesign.chip.cores import Way
from codesign.chip.transfers import chip_parts, latency_cycles
from codesign.specs.architecture import Architecture


@dataclass(frozen=True)
class Ways:
    """All resources, and the ways over them.

    Attributes:
        names: of the resources.
        servers: how many equal servers each has.
        of_core: for each core the ways of `codesign.chip.cores.TRANSFERS`, in their order.
        of_fetch: of weights from the DRAM to the weight buffer.
    """

    names: tuple[str, ...]
    servers: tuple[int, ...]
    of_core: tuple[tuple[Way, ...], ...]
    of_fetch: Way


def ways_of(architecture: Architecture, core_count: int) -> Ways:
    """The resources of a chip with so many cores."""
    technology, storage = chip_parts(architecture)
    weights, activations, dram = 0, 1, 2
    latency = latency_cycles(storage.dram, technology)
    ports = (storage.weight_buffer.ports, storage.activation_buffer.ports, storage.dram.channels)
    outside = ((dram,), latency)
    inside = ((activations,), 0)
    ways = (((weights,), 0), inside, outside, inside, outside)
    return Ways(
        ("weight_buffer", "activation_buffer", "dram"),
        ports,
        (ways,) * core_count,
        outside,
    )
