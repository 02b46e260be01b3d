"""How long a job's transfers take and what they hold, from the architecture's numbers."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from codesign.mapping.jobs import Jobs
from codesign.specs.architecture import Architecture

Resource = tuple[object, ...]


@dataclass
class Move:
    """A transfer of one job: cycles, the resources that it holds, and cycles to the arrival."""

    cycles: int
    way: tuple[Resource, ...]
    latency: int


WEIGHT_BUFFER, ACTIVATION_BUFFER, DRAM = ("weight buffer",), ("activation buffer",), ("DRAM",)
HOST_LINK: Resource = ("host link",)


def capacities(architecture: Architecture) -> dict[Resource, int]:
    """How many transfers each memory serves at once; a link serves one."""
    storage = architecture.storage
    assert storage
    return {
        WEIGHT_BUFFER: storage.weight_buffer.ports,
        ACTIVATION_BUFFER: storage.activation_buffer.ports,
        DRAM: storage.dram.channels,
        HOST_LINK: 2,
    }


def dram_latency(architecture: Architecture) -> int:
    assert architecture.storage
    return _cycles(architecture, architecture.storage.dram.latency_ns)


def _cycles(architecture: Architecture, latency_ns: float) -> int:
    assert architecture.technology
    return ceil(Fraction(str(latency_ns)) * architecture.technology.clock_hz / 10**9)


def dram_bits_per_cycle(architecture: Architecture) -> Fraction:
    assert architecture.storage
    assert architecture.technology
    bandwidth = architecture.storage.dram.bandwidth_bits_per_s
    return Fraction(bandwidth, architecture.technology.clock_hz)


def links(architecture: Architecture, first: object, last: object) -> list[Resource]:
    """Links from a core (its number) or the memories ("memory") to another."""
    noc = architecture.noc
    if noc is None:
        return []
    if noc.topology == "bus":
        return [("bus",)]
    if noc.topology == "crossbar":
        out = [("out of", first)] if first != "memory" else []
        return out + ([("into", last)] if last != "memory" else [])
    places = [_place(architecture, end) for end in (first, last)]
    rows = [place[1] for place in places if place is not None]
    row = rows[0] if noc.storage == "edge" else 0
    x, y = places[0] or (-1, row)
    goal = places[1] or (0, row)
    passed = [(x, y)]
    while x != goal[0]:
        x += 1 if goal[0] > x else -1
        passed.append((x, y))
    while y != goal[1]:
        y += 1 if goal[1] > y else -1
        passed.append((x, y))
    if last == "memory":
        passed.append((-1, y))
    return [("from", passed[n], "to", passed[n + 1]) for n in range(len(passed) - 1)]


def _place(architecture: Architecture, end: object) -> tuple[int, int] | None:
    assert architecture.noc
    assert architecture.noc.columns
    if end == "memory":
        return None
    assert isinstance(end, int)
    return end % architecture.noc.columns, end // architecture.noc.columns


def moves(architecture: Architecture, jobs: Jobs, job: int) -> dict[str, Move]:
    """The transfers of a job that happen, by what they do."""
    row = {name: int(values[job]) for name, values in jobs.columns.items()}
    storage, noc = architecture.storage, architecture.noc
    assert storage
    core = row["core"]
    if jobs.core_groups[core] == "host":
        return _to_the_host(architecture, row)
    kind = architecture.cores[jobs.core_groups[core]]
    filling = ceil(Fraction(row["weight_writes"], kind.weight_memory.banks))
    buffers = {"weights": storage.weight_buffer, "load": storage.activation_buffer}
    port = {
        name: Fraction(buffer.banks * buffer.width_bits, buffer.ports)
        for name, buffer in (buffers | {"store": storage.activation_buffer}).items()
    }
    latency, bandwidth = dram_latency(architecture), dram_bits_per_cycle(architecture)
    bits = {
        "weights": (row["weight_bits"], 0, port["weights"], WEIGHT_BUFFER, 0),
        "load": (row["load_bits"], row["load_saved_bits"], port["load"], ACTIVATION_BUFFER, 0),
        "load_dram": (
            *(row["load_dram_bits"], row["load_dram_saved_bits"], bandwidth, DRAM, latency),
        ),
        "store": (row["store_bits"], row["store_saved_bits"], port["store"], ACTIVATION_BUFFER, 0),
        "store_dram": (
            *(row["store_dram_bits"], row["store_dram_saved_bits"], bandwidth, DRAM, latency),
        ),
    }
    found = {}
    for name, (amount, saved, rate, memory, delay) in bits.items():
        if not amount:
            continue
        cycles = ceil(amount / rate)
        if name == "weights" or (name.startswith("load") and not row["weight_bits"]):
            cycles = max(cycles, filling)
        ends = (core, "memory") if name.startswith("store") else ("memory", core)
        way = links(architecture, *ends)
        if noc:
            cycles = max(cycles, ceil(Fraction(amount - saved, noc.link_bits)))
        hops = noc.hop_latency_cycles * len(way) if noc else 0
        found[name] = Move(cycles, (memory, *way), delay + hops)
    if row["sum_bits"]:
        assert noc
        way = links(architecture, core, row["owner"])
        cycles = ceil(Fraction(row["sum_bits"], noc.link_bits))
        found["sums"] = Move(cycles, tuple(way), noc.hop_latency_cycles * len(way))
    return found


def _to_the_host(architecture: Architecture, row: dict[str, int]) -> dict[str, Move]:
    """What passes the link to a host holds it and a port or channel of where it lives."""
    host, storage, technology = architecture.host, architecture.storage, architecture.technology
    assert host
    assert storage
    assert technology
    buffer = storage.activation_buffer
    port, far = Fraction(buffer.banks * buffer.width_bits, buffer.ports), host.latency_ns
    link = Fraction(host.bandwidth_bits_per_s, technology.clock_hz)
    found = {}
    for verb in ("load", "store"):
        latency = _cycles(architecture, far)
        for name, rate, memory, more in (
            (verb, port, ACTIVATION_BUFFER, 0),
            (f"{verb}_dram", dram_bits_per_cycle(architecture), DRAM, dram_latency(architecture)),
        ):
            bits = row[f"{name}_bits"]
            if bits:
                cycles = max(ceil(bits / rate), ceil(bits / link))
                found[name] = Move(cycles, (HOST_LINK, memory), latency + more)
    return found
