"""Energy of a chip of messages: counts of events times what each costs.

What a population's neurons do (`neuron`) belongs to its layer and its own timestep, a message and
its hops (`noc`) to the layer that sends it, an event (`ac`) to the layer whose synapses it meets.
Neurons are accessed in every timestep of the chip: in those in which their population is not
updated, that is the chip's.
"""

import math

import numpy as np
import pandas as pd

from codesign.energy import CHIP_STREAM, NO_TIMESTEP, Prices
from codesign.messages.loads import Loads
from codesign.messages.populations import Population
from codesign.messages.timesteps import Timesteps, places_of
from codesign.specs.architecture import Architecture
from codesign.specs.messages import Messages
from codesign.workload import Workload

_JOULE_PER_PJ = 1e-12


def price_messages(
    loads: Loads, populations: tuple[Population, ...], chip: Messages, workload: Workload
) -> pd.DataFrame:
    """Energy of one input; columns as in `codesign.results.Result.energy`."""
    neurons = np.array([math.prod(each.shape) for each in populations])
    parts = _of_populations(loads, chip)
    parts["neuron"] = parts["neuron"] + neurons[:, None] * chip.soma.access.energy_pj
    rows = [
        (population.name, str(population.stream), timestep, component, energies[number, timestep])
        for component, energies in parts.items()
        for number, population in enumerate(populations)
        for timestep in range(workload.timesteps)
    ]
    streams = {layer.name: str(layer.stream) for layer in workload.layers}
    for (_, layer, kind), events in loads.events.items():
        prices = events * getattr(chip.synapses, kind).energy_pj
        rows += [(layer, streams[layer], step, "ac", price) for step, price in enumerate(prices)]
    beyond = max(each.depth for each in populations)  # timesteps that are none of a population's
    idle_pj = beyond * int(neurons.sum()) * chip.soma.access.energy_pj
    rows.append(("", CHIP_STREAM, NO_TIMESTEP, "neuron", idle_pj))
    keys = ["layer", "stream", "timestep", "component"]
    table = pd.DataFrame(rows, columns=[*keys, "energy_pj"])
    sums: pd.DataFrame = table.groupby(keys, sort=False, as_index=False).sum()
    spent: pd.DataFrame = sums[sums["energy_pj"] > 0].reset_index(drop=True)
    return spent


def stream_energy_pj(energy: pd.DataFrame) -> float:
    """Energy of an image in a steady stream, in which every timestep is one of every population's
    own."""
    return math.fsum(energy.loc[energy["stream"] != CHIP_STREAM, "energy_pj"])


def power_steps(
    loads: Loads,
    populations: tuple[Population, ...],
    steps: Timesteps,
    architecture: Architecture,
) -> pd.DataFrame:
    """Mean power of each timestep of the chip; columns as in `codesign.results.Result.counters`."""
    chip, technology = architecture.messages, architecture.technology
    assert chip is not None
    assert technology is not None
    spent: Prices = np.sum([*_of_populations(loads, chip).values()], axis=0)
    for (number, _, kind), events in loads.events.items():
        spent[number] += events * getattr(chip.synapses, kind).energy_pj
    neurons = sum(math.prod(each.shape) for each in populations)
    by_step = np.full(len(steps.soma), neurons * chip.soma.access.energy_pj)
    places = places_of(np.array([each.depth for each in populations]), loads)
    np.add.at(by_step, places.ravel(), spent.ravel())
    seconds = np.diff(steps.start_cycles) / technology.clock_hz
    power_w = by_step / seconds * _JOULE_PER_PJ
    starts = steps.start_cycles[:-1]
    return pd.DataFrame({"counter": "power (W)", "cycle": starts, "value": power_w})


def _of_populations(loads: Loads, chip: Messages) -> dict[str, Prices]:
    """pJ of what each population does and sends at each of its timesteps, by component, without
    the accesses and the events."""
    return {
        "neuron": loads.updates * chip.soma.update.energy_pj
        + loads.spikes * chip.soma.spike.energy_pj,
        "noc": loads.messages * (chip.message_out.energy_pj + chip.message_in.energy_pj)
        + loads.hops @ np.array([chip.hop.energy_pj, chip.vertical_hop.energy_pj]),
    }
