"""The chip as SimPy machines: cores and shared memories, their contention resolved by events.

Machines live for one `simulate` call and hold queue state only. They know integers (cycles, bits,
places in line), not spikes and not energy.
"""

from codesign.chip.schedule import Schedule
from codesign.chip.simulation import simulate

__all__ = ["Schedule", "simulate"]
