"""Traffic: the messages and events of the recorded spikes.

A spike is a message to every core on which it has at least one synapse, however many routes lead
there, and an event for every synapse. An integer k is k spikes, or one for every set bit; a real
that is not zero one for every bit of its width, because its value is not recorded. A value that is
computed once is sent once, and what it adds is held: that of an image at the first timestep, that
of a mean over timesteps at the last.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from codesign.messages.placement import Integers, Placement
from codesign.messages.populations import Population, Route, timesteps_made
from codesign.messages.synapses import Table, tables
from codesign.specs.architecture import Architecture
from codesign.trace import Trace
from codesign.workload import Kind


@dataclass(frozen=True)
class Traffic:
    """What one tensor sends to one population.

    Attributes:
        source: number of the population that sends it.
        target: number of the one that it reaches.
        tensor: its name.
        during: the network's timesteps at which it is sent.
        messages: from each core of the source to each of the target at each timestep, shape
            `(timesteps, source cores, target cores)`.
        events: of every route, by layer and kind of synapse, on each core of the target, shape
            `(timesteps, target cores)`.
    """

    source: int
    target: int
    tensor: str
    during: slice
    messages: Integers
    events: tuple[tuple[str, str, Integers], ...]


def spikes_of(trace: Trace, tensor: str, architecture: Architecture) -> NDArray[np.integer]:
    """Spikes as which each element of a tensor is sent, shape `(timesteps, elements)`."""
    policy, precision = architecture.policy, architecture.precision
    assert policy is not None
    assert precision is not None
    kind = trace.workload.tensor_by_name[tensor].kind
    values: NDArray[np.integer]
    if kind is Kind.REAL:
        values = trace.nonzero(tensor).astype(np.int64) * precision.activation_bits
    elif kind is Kind.INTEGER and policy.integer_input == "bit_serial":
        values = trace.planes(tensor).sum(axis=0, dtype=np.int64)
    else:
        values = trace.values(tensor)
    return values.reshape(len(values), -1)


def traffic(
    trace: Trace,
    populations: tuple[Population, ...],
    placement: Placement,
    architecture: Architecture,
) -> Iterator[Traffic]:
    """All that is sent, tensor by tensor.

    Raises:
        TraceError: a tensor that is sent was not recorded or was altered.
    """
    during = timesteps_made(trace.workload)
    for source, population in enumerate(populations):
        for tensor in population.sent:
            spikes = spikes_of(trace, tensor, architecture)
            for target, found in tables(trace.workload, populations, placement, tensor):
                ends = (source, target, tensor, during[tensor])
                yield _sent(spikes, ends, placement, found)


def _sent(
    spikes: NDArray[np.integer],
    ends: tuple[int, int, str, slice],
    placement: Placement,
    found: list[tuple[Route, Table]],
) -> Traffic:
    source, target, tensor, during = ends
    senders, receivers = placement.cores(source), placement.cores(target)
    messages = np.zeros((len(spikes), len(senders), len(receivers)), dtype=np.int64)
    events = [np.zeros((len(spikes), len(receivers)), dtype=np.int64) for _ in found]
    for number, core in enumerate(senders):
        here = np.flatnonzero(placement.core_of[source] == core)
        fired = spikes[:, here].astype(np.float64)  # whole numbers below 2^53: sums are exact
        rows = [each.events[each.place_of[here]] for _, each in found]
        reached = np.logical_or.reduce([each > 0 for each in rows])
        messages[:, number] = fired @ reached.astype(np.float64)
        for route, each in enumerate(rows):
            events[route] += (fired @ each.astype(np.float64)).astype(np.int64)
    named = [
        (route.layer.name, each.kind, sums)
        for (route, each), sums in zip(found, events, strict=True)
    ]
    return Traffic(source, target, tensor, during, messages, tuple(named))
