"""Ways: which resources a transfer of each core holds.

Resources are numbered: the ports of the weight buffer, those of the activation buffer, the
channels of the DRAM, the directions of the host's link, then the links of the NoC. Weights come
from the DRAM to the weight buffer without passing the NoC; so does what a host reads and stores.
"""

from dataclasses import dataclass

from codesign.chip.cores import Way
from codesign.chip.noc import Links
from codesign.chip.transfers import chip_parts, latency_cycles
from codesign.specs.architecture import Architecture

MEMORIES = ("weight_buffer", "activation_buffer", "dram", "host_link")
"""Resources that are no links of the NoC, by number."""


@dataclass(frozen=True)
class Ways:
    """All resources, and the ways over them.

    Attributes:
        names: of every server of each resource.
        of_core: for each core the ways of `codesign.mapping.jobs.JOB_TRANSFERS`, in their order,
            but for those of partial sums.
        of_fetch: of weights from the DRAM to the weight buffer.
        is_vertical: for each resource whether it is a link between two rows of a mesh.
    """

    names: tuple[tuple[str, ...], ...]
    of_core: tuple[tuple[Way, ...], ...]
    of_fetch: Way
    is_vertical: tuple[bool, ...]
    links: Links | None

    def between(self, sender: int, receiver: int) -> Way:
        """The way of partial sums from a core to another."""
        assert self.links is not None, "partial sums travel over a NoC"
        links = self.links.between(sender, receiver)
        hop = self.links.noc.hop_latency_cycles
        return tuple(len(MEMORIES) + link for link in links), len(links) * hop

    @property
    def servers(self) -> tuple[int, ...]:
        """How many equal servers each resource has."""
        return tuple(len(names) for names in self.names)


def ways_of(architecture: Architecture, core_names: tuple[str, ...]) -> Ways:
    """The resources of a chip with these cores."""
    technology, storage = chip_parts(architecture)
    weights, activations, dram, host_link = range(len(MEMORIES))
    latency = latency_cycles(storage.dram.latency_ns, technology)
    buffers, directions = (storage.weight_buffer, storage.activation_buffer), 2
    ports = (*(each.ports for each in buffers), storage.dram.channels, directions)
    names = [
        tuple(f"{name}[{server}]" for server in range(count))
        for name, count in zip(MEMORIES, ports, strict=True)
    ]
    links, of_core = None, []
    hop = 0
    if architecture.noc is not None:
        on_chip = core_names[: sum(core.count for core in architecture.cores.values())]
        links = Links(architecture.noc, on_chip)
        names += [(name,) for name in links.names]
        hop = architecture.noc.hop_latency_cycles
    for core in range(sum(core.count for core in architecture.cores.values())):
        inward: tuple[int, ...] = ()
        outward: tuple[int, ...] = ()
        if links is not None:
            inward = tuple(len(MEMORIES) + link for link in links.inward(core))
            outward = tuple(len(MEMORIES) + link for link in links.outward(core))
        there, back = len(inward) * hop, len(outward) * hop
        of_core.append(
            (
                ((weights, *inward), there),
                ((activations, *inward), there),
                ((dram, *inward), latency + there),
                ((activations, *outward), back),
                ((dram, *outward), latency + back),
            )
        )
    if architecture.host is not None:
        far = latency_cycles(architecture.host.latency_ns, technology)
        near, out = ((host_link, activations), far), ((host_link, dram), latency + far)
        of_core.append((((weights,), 0), near, out, near, out))
    vertical = (False,) * len(MEMORIES) + (links.is_vertical if links else ())
    return Ways(tuple(names), tuple(of_core), ((dram,), latency), vertical, links)
