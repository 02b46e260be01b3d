"""Timesteps of the chip: when everything happens, and how long it takes.

All cores go through a timestep together. A population of depth d is updated at its own timestep t
in timestep t + d of the chip, because a message that is sent in one takes part in the sums of the
next; a population that is reached over ways of unlike length waits for the longest (the others'
messages are held in delay lines, which cost nothing here). One input therefore takes T + depth
timesteps of the chip, and in a steady stream a new one begins every T.

In a timestep somas, synapses and links work at once, each on what it has to do one after the other.
It lasts as long as the busiest of them, at least a cycle, and the barrier. So contention is that of
messages for the same synapses or the same link: they are passed one by one, in any order, since the
sum is the same. Left out is that a unit can be idle within a timestep because what it waits for is
still to be sent: at worst, all of a core's spikes come from the end of its soma's pass, and the
timestep lasts as long as the busiest soma, link and synapses one after the other. The closed form
for which Loihi's constants were calibrated leaves it out as well.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from codesign.messages.loads import Loads
from codesign.messages.placement import Integers

UNITS = ("soma", "synapses", "links")
"""What works at once; equal loads are told of the first."""


@dataclass(frozen=True)
class Timesteps:
    """Cycles of every unit in every timestep of the chip.

    Attributes:
        soma: shape `(timesteps of the chip, cores)`.
        synapses: the same.
        links: shape `(timesteps of the chip, links)`.
        barrier_cycles: of each timestep's end.
    """

    soma: Integers
    synapses: Integers
    links: Integers
    barrier_cycles: int

    @property
    def work_cycles(self) -> Integers:
        """How long each timestep lasts without its barrier: at least a cycle, as a job does."""
        of_units = [getattr(self, unit).max(axis=1, initial=1) for unit in UNITS]
        longest: Integers = np.maximum.reduce(of_units)
        return longest

    @property
    def start_cycles(self) -> Integers:
        """Of each timestep; the last number is the makespan."""
        return np.concatenate([[0], np.cumsum(self.work_cycles + self.barrier_cycles)])

    @property
    def makespan_cycles(self) -> int:
        return int(self.start_cycles[-1])

    def faster(self, unit: str) -> "Timesteps":
        """The same with a unit of half the cycles, rounded up; `barrier` is one as well."""
        if unit == "barrier":
            return replace(self, barrier_cycles=-(-self.barrier_cycles // 2))
        return replace(self, **{unit: -(-getattr(self, unit) // 2)})


def one_input(loads: Loads, depths: NDArray[np.int64], barrier_cycles: int) -> Timesteps:
    """From the first timestep of the inputs to the last of the deepest population."""
    count = loads.soma.shape[1] + int(depths.max(initial=0))
    return _summed(loads, places_of(depths, loads), count, barrier_cycles)


def steady(loads: Loads, depths: NDArray[np.int64], barrier_cycles: int) -> Timesteps:
    """The T timesteps of the chip that repeat in a stream without a pause: every population is at
    work, those of unlike depth on unlike images."""
    timesteps = loads.soma.shape[1]
    return _summed(loads, places_of(depths, loads) % timesteps, timesteps, barrier_cycles)


def places_of(depths: NDArray[np.int64], loads: Loads) -> Integers:
    """The timestep of the chip in which each population is at each of its own."""
    places: Integers = depths[:, None] + np.arange(loads.soma.shape[1])
    return places


def _summed(loads: Loads, places: Integers, count: int, barrier_cycles: int) -> Timesteps:
    """Loads added up in the timesteps of the chip in which they fall."""
    sums = {}
    for unit in UNITS:
        of_unit = getattr(loads, unit)
        total = np.zeros((count, of_unit.shape[2]), dtype=np.int64)
        np.add.at(total, places.ravel(), of_unit.reshape(-1, of_unit.shape[2]))
        sums[unit] = total
    sums["soma"] += loads.access
    return Timesteps(**sums, barrier_cycles=barrier_cycles)
