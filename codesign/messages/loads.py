"""Loads: what every unit of the chip has to do for each population at each of its timesteps.

A core has two units that work at once: its soma goes through the core's neurons and sends their
messages, its synapses take the messages that come and add their weights. A link passes one message
after the other. What a population sends is done by its own somas, by the links, and by the synapses
of those that it reaches, all in the timestep of the chip in which it is updated.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from codesign.messages.mesh import Mesh
from codesign.messages.placement import Integers, Placement
from codesign.messages.populations import Population, timesteps_made
from codesign.messages.traffic import Traffic, spikes_of, traffic
from codesign.specs.architecture import Architecture
from codesign.specs.messages import Event
from codesign.trace import Trace


@dataclass(frozen=True)
class Loads:
    """Cycles and counts, by population and its own timesteps.

    Attributes:
        access: cycles in which each core's soma accesses its neurons, in every timestep of the
            chip, shape `(cores,)`.
        soma: cycles of each core's soma beside that, shape `(populations, timesteps, cores)`.
        synapses: cycles of each core's synapses for what the population sends, same shape.
        links: cycles of each link for the same, shape `(populations, timesteps, links)`.
        updates: neurons updated, shape `(populations, timesteps)`.
        spikes: of neurons that fire, whatever their number of receivers, same shape.
        messages: one for each spike and core that it reaches, same shape.
        hops: links that these pass along rows and along columns, `(populations, timesteps, 2)`.
        events: by population that sends, layer whose synapses they are and their kind,
            `(timesteps,)` each.
    """

    access: Integers
    soma: Integers
    synapses: Integers
    links: Integers
    updates: Integers
    spikes: Integers
    messages: Integers
    hops: Integers
    events: dict[tuple[int, str, str], Integers]


def cycles_of(event: Event, architecture: Architecture) -> int:
    """Cycles of an event, whole by the rules of the file."""
    return whole_cycles(event.latency_ns, architecture)


def whole_cycles(latency_ns: float, architecture: Architecture) -> int:
    assert architecture.technology is not None
    return round(latency_ns * 1e-9 * architecture.technology.clock_hz)


def loads(
    trace: Trace,
    populations: tuple[Population, ...],
    placement: Placement,
    mesh: Mesh,
    architecture: Architecture,
) -> Loads:
    """The loads of one recorded input.

    Raises:
        TraceError: a tensor that is sent was not recorded or was altered.
    """
    chip = architecture.messages
    assert chip is not None
    shape = (len(populations), trace.workload.timesteps)
    cores = len(placement.owner)
    found = Loads(
        access=placement.neurons * cycles_of(chip.soma.access, architecture),
        soma=np.zeros((*shape, cores), dtype=np.int64),
        synapses=np.zeros((*shape, cores), dtype=np.int64),
        links=np.zeros((*shape, len(mesh.links)), dtype=np.int64),
        updates=np.zeros(shape, dtype=np.int64),
        spikes=np.zeros(shape, dtype=np.int64),
        messages=np.zeros(shape, dtype=np.int64),
        hops=np.zeros((*shape, 2), dtype=np.int64),
        events=defaultdict(lambda: np.zeros(shape[1], dtype=np.int64)),
    )
    for number, population in enumerate(populations):
        _add_neurons(found, (number, population), trace, placement, architecture)
    for sent in traffic(trace, populations, placement, architecture):
        _add_messages(found, sent, placement, mesh, architecture)
    return found


def _add_neurons(
    found: Loads,
    which: tuple[int, Population],
    trace: Trace,
    placement: Placement,
    architecture: Architecture,
) -> None:
    """Updates and spikes of a population's neurons."""
    chip = architecture.messages
    assert chip is not None
    number, population = which
    cores = placement.cores(number)
    if not population.is_input:
        update = cycles_of(chip.soma.update, architecture)
        found.soma[number][population.during, cores] += placement.neurons[cores] * update
        found.updates[number, population.during] += placement.neurons[cores].sum()
    local, made = placement.core_of[number] - cores[0], timesteps_made(trace.workload)
    for tensor in (*population.sent, *population.fired):
        spikes = spikes_of(trace, tensor, architecture)
        for timestep, fired in enumerate(spikes, start=made[tensor].start):
            of_cores = np.bincount(local, fired, len(cores)).astype(np.int64)
            cycles = of_cores * cycles_of(chip.soma.spike, architecture)
            found.soma[number, timestep, cores] += cycles
            found.spikes[number, timestep] += of_cores.sum()


def _add_messages(
    found: Loads, sent: Traffic, placement: Placement, mesh: Mesh, architecture: Architecture
) -> None:
    """Messages of one tensor to one population, at their sender, on their way, and where they
    arrive."""
    chip = architecture.messages
    assert chip is not None
    senders, receivers = placement.cores(sent.source), placement.cores(sent.target)
    during = sent.during
    out, taken = (cycles_of(each, architecture) for each in (chip.message_out, chip.message_in))
    found.soma[sent.source, during, senders] += sent.messages.sum(axis=2).T * out
    found.synapses[sent.source, during, receivers] += sent.messages.sum(axis=1).T * taken
    found.messages[sent.source, during] += sent.messages.sum(axis=(1, 2))
    for layer, kind, events in sent.events:
        cycles = cycles_of(getattr(chip.synapses, kind), architecture)
        found.synapses[sent.source, during, receivers] += events.T * cycles
        found.events[sent.source, layer, kind][during] += events.sum(axis=1)
    along, across = (cycles_of(each, architecture) for each in (chip.hop, chip.vertical_hop))
    of_link = np.where(mesh.is_vertical, across, along)
    for (one, other), messages in _between_tiles(sent, placement, senders, receivers):
        way = mesh.way(one, other)
        passed = messages[:, None] * of_link[way]
        found.links[sent.source, during, way] += passed.T
        turns = np.array([(~mesh.is_vertical[way]).sum(), mesh.is_vertical[way].sum()])
        found.hops[sent.source, during] += messages[:, None] * turns


def _between_tiles(
    sent: Traffic, placement: Placement, senders: Integers, receivers: Integers
) -> list[tuple[tuple[int, int], Integers]]:
    """Messages from a tile to another at each timestep, for all pairs that exchange any."""
    from_tiles, to_tiles = placement.tiles[senders], placement.tiles[receivers]
    found = []
    by_sender = np.add.reduceat(sent.messages, _firsts(from_tiles), axis=1)
    by_both = np.add.reduceat(by_sender, _firsts(to_tiles), axis=2)
    for row, one in enumerate(np.unique(from_tiles).tolist()):
        for column, other in enumerate(np.unique(to_tiles).tolist()):
            messages = by_both[:, row, column]
            if one != other and messages.any():
                found.append(((one, other), messages))
    return found


def _firsts(tiles: Integers) -> Integers:
    """Where each tile's run of cores begins."""
    return np.flatnonzero(np.diff(tiles, prepend=-1))
