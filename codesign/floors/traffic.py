"""Traffic floors: what must pass the shared memories, the DRAM, the NoC and a host's link.

Every tensor is stored once, element by element, and each layer that reads it loads each element
once at least. What must live in the DRAM is in `codesign.floors.placements`. Wherever
any other tensor lives, it costs at least the cheaper of both.

Weights are fetched once at least, written into the weight buffer, read from it and written into a
core. Where each timestep is a pass of its own, they are fetched for every pass but for what the
weight buffer and the cores' weight memories can keep together.

Left out: weights that several cores load or that are fetched for several rounds of tiles, inputs
that several tiles read, and spikes that travel as address events.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from codesign.chip.noc import Links
from codesign.floors.asked import Asked
from codesign.floors.placements import (
    leaving_bits,
    outside,
    spilled_membranes,
)
from codesign.mapping.kinds import Kinds
from codesign.specs.architecture import Architecture, Noc

ACTIVATIONS = "activations"
"""Energy of tensors that may live in the activation buffer or in the DRAM."""


@dataclass(frozen=True)
class Traffic:
    """What is moved at least.

    Attributes:
        cycles: of each shared resource.
        energy_pj: by component, and `ACTIVATIONS`.
    """

    cycles: dict[str, float]
    energy_pj: dict[str, float]


@dataclass(frozen=True)
class _Bits:
    """Bits that move.

    Attributes:
        fetched: weights, from the DRAM.
        stored, loaded: tensors, whether in the buffer or in the DRAM.
        in_dram: of these, those of tensors that are in the DRAM for sure.
        spilled: membranes that are stored, and as many that are loaded.
        leaving: of tensors and membranes, those that pass the DRAM because they do not fit the
            buffer beside others.
    """

    fetched: float
    stored: float
    loaded: float
    in_dram: float
    spilled: float
    leaving: float

    @property
    def dram(self) -> float:
        """All that pass the DRAM."""
        return self.fetched + self.in_dram + self.leaving


def traffic_floor(wanted: Asked, architecture: Architecture, kinds: list[Kinds]) -> Traffic:
    """What a network moves on a chip at least.

    Args:
        wanted: the network.
        architecture: the chip.
        kinds: of core that can do each of its groups.
    """
    storage, technology = architecture.storage, architecture.technology
    assert storage is not None
    assert technology is not None
    tensors = wanted.tensors
    is_outside = outside(wanted, storage.activation_buffer.size_bits)
    both = tensors.stored_bits + tensors.loaded_bits
    membranes = spilled_membranes(wanted, architecture, kinds)
    bits = _Bits(
        _fetched_bits(wanted, architecture),
        float(tensors.stored_bits.sum()),
        float(tensors.loaded_bits.sum()),
        float(both[is_outside].sum()),
        membranes * (max(wanted.steps) - 1),
        leaving_bits(wanted, architecture, membranes),
    )
    energy = _memory_prices(wanted, architecture, bits, is_outside)
    energy["noc"] = _noc_price(wanted, architecture, bits)
    energy["host"] = _host_price(wanted, architecture)
    return Traffic(_cycles(wanted, architecture, bits), energy)


def _fetched_bits(wanted: Asked, architecture: Architecture) -> float:
    """Weights from the DRAM."""
    storage = architecture.storage
    assert storage is not None
    once = sum(wanted.weight_bits)
    passes = max(wanted.steps)
    if architecture.schedule.order == "layer" or passes == 1:
        return once
    every_pass = sum(
        bits
        for bits, steps in zip(wanted.weight_bits, wanted.steps, strict=True)
        if steps == passes
    )
    held = sum(core.count * core.weight_memory.size_bits for core in architecture.cores.values())
    kept = storage.weight_buffer.size_bits + held
    return once + (passes - 1) * max(0, every_pass - kept)


def _memory_prices(
    wanted: Asked, architecture: Architecture, bits: _Bits, is_outside: np.ndarray
) -> dict[str, float]:
    """Energy of buffers, DRAM, and of what cores write of weights and pass of membranes."""
    storage = architecture.storage
    assert storage is not None
    weights, activations, dram = storage.weight_buffer, storage.activation_buffer, storage.dram
    read_pj = activations.read_pj / activations.width_bits
    write_pj = activations.write_pj / activations.width_bits
    tensors = wanted.tensors
    inside_pj = tensors.stored_bits * write_pj + tensors.loaded_bits * read_pj
    outside_pj = (tensors.stored_bits + tensors.loaded_bits) * dram.energy_pj_per_bit
    open_pj = float(np.minimum(inside_pj, outside_pj)[~is_outside].sum())
    dearest_pj, dram_pj = max(read_pj, write_pj), dram.energy_pj_per_bit
    open_pj += 2 * bits.spilled * min((read_pj + write_pj) / 2, dram_pj)
    # What leaves is paid in the DRAM instead of the buffer, where that is cheaper.
    leaving = bits.leaving if dram_pj >= dearest_pj else 0.0
    open_pj = max(0.0, open_pj - leaving * dearest_pj)
    cores = architecture.cores.values()
    writing_pj = min(core.weight_memory.write_pj / core.weight_memory.width_bits for core in cores)
    passing_pj = min(
        (core.state_memory.read_pj + core.state_memory.write_pj) / core.state_memory.width_bits
        for core in cores
    )
    return {
        "weight_buffer": bits.fetched / weights.width_bits * (weights.read_pj + weights.write_pj),
        "weight_memory": bits.fetched * writing_pj,
        "state_memory": 2 * bits.spilled * passing_pj,
        ACTIVATIONS: open_pj,
        "dram": (bits.fetched + bits.in_dram + leaving) * dram_pj,
    }


def _cycles(wanted: Asked, architecture: Architecture, bits: _Bits) -> dict[str, float]:
    """Bits over the widths of what they pass."""
    storage, technology = architecture.storage, architecture.technology
    assert storage is not None
    assert technology is not None
    weights, activations, dram = storage.weight_buffer, storage.activation_buffer, storage.dram
    dram_rate = dram.channels * dram.bandwidth_bits_per_s / technology.clock_hz
    rate = activations.ports * activations.port_bits_per_cycle
    every = bits.fetched + bits.stored + bits.loaded + 2 * bits.spilled
    found = {
        "dram": bits.dram / dram_rate,
        "weight_buffer": bits.fetched / (weights.ports * weights.port_bits_per_cycle),
        "activation_buffer": every / (rate + dram_rate),
    }
    host, tensors = architecture.host, wanted.tensors
    if host is not None:
        most = max(float(tensors.host_stored_bits.sum()), float(tensors.host_loaded_bits.sum()))
        found["host_link"] = most * technology.clock_hz / host.bandwidth_bits_per_s
    noc = architecture.noc
    if noc is not None:
        inward, outward = _on_noc(wanted, noc, bits)
        if noc.topology == "bus":
            found["noc"] = (inward + outward) / noc.link_bits
        else:
            count = sum(core.count for core in architecture.cores.values())
            entries = count if noc.topology == "crossbar" else 1
            if noc.storage == "edge":
                entries = noc.rows or 1
            found["noc"] = max(inward, outward) / (noc.link_bits * entries)
    return found


def _on_noc(wanted: Asked, noc: Noc, bits: _Bits) -> tuple[float, float]:
    """Bits to the cores and from them; a host has a link of its own."""
    tensors = wanted.tensors
    travels = np.ones(len(tensors.is_spikes), dtype=bool)
    if noc.spikes != "bitmap":
        travels = ~tensors.is_spikes
    inward = (tensors.loaded_bits - tensors.host_loaded_bits)[travels].sum()
    outward = (tensors.stored_bits - tensors.host_stored_bits)[travels].sum()
    return float(inward) + bits.fetched + bits.spilled, float(outward) + bits.spilled


def _noc_price(wanted: Asked, architecture: Architecture, bits: _Bits) -> float:
    """Every bit passes the links of the shortest way at least."""
    noc = architecture.noc
    if noc is None:
        return 0.0
    count = sum(core.count for core in architecture.cores.values())
    inward_pj, outward_pj = _shortest_pj(noc, count)
    inward, outward = _on_noc(wanted, noc, bits)
    return inward * inward_pj + outward * outward_pj


@lru_cache(maxsize=1024)
def _shortest_pj(noc: Noc, count: int) -> tuple[float, float]:
    """Energy of a bit on the cheapest ways into any core and out of any."""
    links = Links(noc, tuple(map(str, range(count))))
    vertical_pj = noc.vertical_hop_pj_per_bit
    if vertical_pj is None:
        vertical_pj = noc.hop_pj_per_bit
    hop_pj = [vertical_pj if vertical else noc.hop_pj_per_bit for vertical in links.is_vertical]
    into, out = (
        min(sum(hop_pj[link] for link in way(core)) for core in range(count))
        for way in (links.inward, links.outward)
    )
    return into, out


def _host_price(wanted: Asked, architecture: Architecture) -> float:
    """MACs of a host, and its link."""
    host, tensors = architecture.host, wanted.tensors
    if host is None:
        return 0.0
    bits = float((tensors.host_stored_bits + tensors.host_loaded_bits).sum())
    return wanted.host_macs * host.mac_pj + bits * host.energy_pj_per_bit
