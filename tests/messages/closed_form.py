"""The closed form of a chip of messages, added up spike by spike and synapse by synapse.

It knows the populations, their depths and the cores of their neurons from the program, and nothing
else: synapses are found by going through the taps of every output, and every spike is followed to
each of them on its own.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from codesign.messages.placement import Placement
from codesign.messages.populations import Population, timesteps_made
from codesign.specs.architecture import Architecture
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType, Window, Workload

Synapse = tuple[int, int, str, int]
"""Number of the population, its core, what an event costs, and the neuron."""


@dataclass
class ClosedForm:
    """Nanoseconds of every timestep of the chip without links, and picojoules of all.

    Attributes:
        soma_ns: by timestep of the chip and core.
        synapses_ns: the same.
        links_ns: by timestep of the chip and link, as both tiles.
        energy_pj: without accesses of neurons.
        messages: how many there were.
        events: by layer.
    """

    soma_ns: defaultdict[int, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    synapses_ns: defaultdict[int, Counter[int]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    links_ns: defaultdict[int, Counter[tuple[int, int, int, int]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    energy_pj: float = 0.0
    messages: int = 0
    events: Counter[str] = field(default_factory=Counter)


def closed_form(
    trace: Trace, found: tuple[Population, ...], placement: Placement, architecture: Architecture
) -> ClosedForm:
    chip = architecture.messages
    assert chip is not None
    total = ClosedForm()
    made = timesteps_made(trace.workload)
    for number, population in enumerate(found):
        cores = placement.core_of[number].tolist()
        if not population.is_input:
            for t in range(*population.during.indices(trace.workload.timesteps)):
                for core in cores:
                    total.soma_ns[t + population.depth][core] += chip.soma.update.latency_ns
                    total.energy_pj += chip.soma.update.energy_pj
        for tensor in (*population.sent, *population.fired):
            synapses = synapses_of(trace.workload, tensor, found, placement)
            first = made[tensor].start
            for row, values in enumerate(spikes(trace, tensor, architecture)):
                for element in np.flatnonzero(values).tolist():
                    step = first + row + population.depth
                    for _ in range(values[element]):
                        _fire(total, (step, cores[element]), synapses[element], placement, chip)
    return total


def _fire(total, sender, synapses, placement, chip) -> None:  # type: ignore[no-untyped-def]
    """One spike: at its soma, over the links, and at the synapses of every core."""
    step, core = sender
    total.soma_ns[step][core] += chip.soma.spike.latency_ns
    total.energy_pj += chip.soma.spike.energy_pj
    for receiver in {synapse[1] for synapse in synapses}:
        total.messages += 1
        total.soma_ns[step][core] += chip.message_out.latency_ns
        total.synapses_ns[step][receiver] += chip.message_in.latency_ns
        total.energy_pj += chip.message_out.energy_pj + chip.message_in.energy_pj
        here, there = (divmod(int(placement.tiles[each]), chip.rows) for each in (core, receiver))
        while here != there:
            along = here[0] != there[0]
            axis = 0 if along else 1
            nearer = list(here)
            nearer[axis] += 1 if there[axis] > here[axis] else -1
            hop = chip.hop if along else chip.vertical_hop
            total.links_ns[step][(*here, *nearer)] += hop.latency_ns
            total.energy_pj += hop.energy_pj
            here = (nearer[0], nearer[1])
    for layer, receiver, kind, _ in synapses:
        event = getattr(chip.synapses, kind)
        total.synapses_ns[step][receiver] += event.latency_ns
        total.energy_pj += event.energy_pj
        total.events[layer] += 1


def timestep_ns(total: ClosedForm, step: int, placement: Placement, chip, *, links: bool) -> float:  # type: ignore[no-untyped-def]
    """max over cores of what its soma and of what its synapses do, and the barrier."""
    somas = Counter(
        {core: chip.soma.access.latency_ns * int(count)
         for core, count in enumerate(placement.neurons)}
    )  # fmt: skip
    somas.update(total.soma_ns[step])
    busiest = [somas, total.synapses_ns[step], *([total.links_ns[step]] if links else [])]
    longest = max(max(each.values(), default=0.0) for each in busiest)
    reached = [each for each in chip.barrier if each.tiles <= placement.tile_count]
    return longest + reached[-1].latency_ns


def spikes(trace: Trace, tensor: str, architecture: Architecture) -> list[list[int]]:
    """As how many spikes each element is sent."""
    assert architecture.policy is not None
    assert architecture.precision is not None
    kind = trace.workload.tensor_by_name[tensor].kind
    values = trace.values(tensor).astype(int)
    rows = values.reshape(len(values), math.prod(values.shape[1:])).tolist()
    if kind is Kind.REAL:
        return [[architecture.precision.activation_bits * (v > 0) for v in row] for row in rows]
    if kind is Kind.INTEGER and architecture.policy.integer_input == "bit_serial":
        return [[v.bit_count() for v in row] for row in rows]
    return rows


def synapses_of(
    workload: Workload, tensor: str, found: tuple[Population, ...], placement: Placement
) -> defaultdict[int, list[tuple[str, int, str, int]]]:
    """By element of a tensor all its synapses: layer, core, kind, neuron."""
    synapses: defaultdict[int, list[tuple[str, int, str, int]]] = defaultdict(list)
    for number, population in enumerate(found):
        cores = placement.core_of[number].tolist()
        for route in population.routes:
            if route.tensor == tensor:
                kind = kind_of(route.layer)
                for source, target in pairs(workload, tensor, route.layer):
                    synapses[source].append((route.layer.name, cores[target], kind, target))
    return synapses


def kind_of(layer: Layer) -> str:
    if layer.type is LayerType.LINEAR:
        return "dense"
    return "convolution" if layer.window is not None else "sparse"


def pairs(workload: Workload, tensor: str, layer: Layer) -> Iterator[tuple[int, int]]:
    """All (element of the input, output) that a weight connects."""
    inputs = workload.tensor_by_name[tensor].shape
    outputs = workload.output_tensor(layer).shape
    if layer.type is LayerType.LINEAR:
        for source in range(math.prod(inputs)):
            for target in range(math.prod(outputs)):
                if len(outputs) == 1 or source // inputs[-1] == target // outputs[-1]:
                    yield source, target
    elif layer.window is not None:
        groups = inputs[0] if layer.type is not LayerType.CONVOLUTION else layer.window.groups
        shape = inputs if len(inputs) == 3 else (inputs[0], 1, 1)
        yield from _convolved(shape, (*outputs, 1, 1)[:3], layer.window, groups)
    else:
        yield from ((each, each) for each in range(math.prod(inputs)))


def _convolved(
    inputs: tuple[int, ...], outputs: tuple[int, ...], window: Window, groups: int
) -> Iterator[tuple[int, int]]:
    per_group, made = inputs[0] // groups, outputs[0] // groups
    for target, (channel, row, column) in enumerate(np.ndindex(*outputs)):
        for i, j in np.ndindex(*window.kernel):
            y = row * window.stride[0] + i * window.dilation[0] - window.padding[0]
            x = column * window.stride[1] + j * window.dilation[1] - window.padding[1]
            if 0 <= y < inputs[1] and 0 <= x < inputs[2]:
                first = channel // made * per_group
                for each in range(first, first + per_group):
                    yield (each * inputs[1] + y) * inputs[2] + x, target
