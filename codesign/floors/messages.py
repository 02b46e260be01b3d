"""Message floors: what neurons and synapses of message-driven cores are sure to do.

Where neurons sit is no choice (`codesign.messages.placement`), and neither is how long a barrier
takes. In every timestep of the chip each core accesses its neurons one after the other, and those
of a population that is updated are updated beside that; the busiest core lasts longest
(`codesign.messages.timesteps`). Energy is that of these accesses and updates, of spikes that
neurons make and send, and of the synapses of convolutions and linear layers.

Left out: messages and hops, in time and energy; spikes that logic makes; synapses of pools and of
element-wise layers; and the time that spikes and synapses take.
"""

from collections.abc import Iterator

import numpy as np

from codesign.errors import CapacityError
from codesign.floors.demand import Demand
from codesign.messages.loads import cycles_of, whole_cycles
from codesign.messages.placement import place
from codesign.messages.populations import Population, populations
from codesign.specs.architecture import Architecture
from codesign.workload import SYNAPTIC, Kind, LayerType


def message_floor(demand: Demand, architecture: Architecture) -> tuple[int, dict[str, float]]:
    """Cycles, and energy by component; nothing of a network that does not fit such a chip."""
    chip = architecture.messages
    assert chip is not None
    try:
        found = populations(demand.workload, architecture)
        placement = place(found, architecture)
    except CapacityError:
        return 0, {}
    steps = demand.workload.timesteps + max(each.depth for each in found)
    access, update = (
        cycles_of(each, architecture) for each in (chip.soma.access, chip.soma.update)
    )
    busy = np.full(steps, max(1, int(placement.neurons.max()) * access))
    updates = 0
    for number, each in enumerate(found):
        if not each.is_input:
            during = np.arange(demand.workload.timesteps)[each.during]
            neurons = int(placement.neurons[placement.cores(number)].max())
            places = each.depth + during
            busy[places] = np.maximum(busy[places], neurons * (access + update))
            updates += int(np.prod(each.shape)) * len(during)
    barrier = whole_cycles(chip.barrier_ns(placement.tile_count), architecture)
    accesses = int(placement.neurons.sum()) * steps
    soma = chip.soma
    neuron_pj = accesses * soma.access.energy_pj + updates * soma.update.energy_pj
    neuron_pj += sum(_spikes(demand, found)) * soma.spike.energy_pj
    energy = {"neuron": neuron_pj, "ac": sum(_synapses(demand, found, architecture))}
    return int((busy + barrier).sum()), energy


def _spikes(demand: Demand, found: tuple[Population, ...]) -> Iterator[int]:
    """Of neurons whose spikes are sent or leave the network."""
    made = demand.counts.groupby("layer")["spikes"].sum()
    for tensor in (name for each in found for name in (*each.sent, *each.fired)):
        maker = demand.workload.producer_by_tensor.get(tensor)
        if maker is not None and maker.type is LayerType.NEURON:
            yield int(made[maker.name])


def _synapses(
    demand: Demand, found: tuple[Population, ...], architecture: Architecture
) -> Iterator[float]:
    """Energy of the events of each convolution and linear layer."""
    chip, policy, precision = architecture.messages, architecture.policy, architecture.precision
    assert chip is not None
    assert policy is not None
    assert precision is not None
    for route in (route for each in found for route in each.routes):
        layer = route.layer
        if layer.type not in SYNAPTIC:
            continue
        events, outputs = demand.events[layer.name], demand.workload.output_tensor(layer)
        kind = demand.workload.tensor_by_name[route.tensor].kind
        units = events.units
        if kind is Kind.REAL:
            units = events.nonzero * precision.activation_bits
        elif kind is Kind.INTEGER and policy.integer_input == "bit_serial":
            units = events.set_bits
        channels = outputs.shape[-1] if layer.window is None else outputs.shape[0]
        groups = 1 if layer.window is None else layer.window.groups
        synapse = chip.synapses.dense if layer.window is None else chip.synapses.convolution
        yield int(units.sum()) * (channels // groups) * synapse.energy_pj
