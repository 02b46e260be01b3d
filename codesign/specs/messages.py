"""What an architecture file says of a chip of message-driven cores: many small ones on a mesh.

A core holds neurons and their synapses, and nothing is moved but messages: a neuron that fires
sends one to every core on which it has synapses. All cores go through a timestep together and meet
at a barrier. Such a chip has no memories of its own in the file: what an access costs is part of
the event that makes it, as the chip was measured.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from codesign.specs.consistency import message_violations
from codesign.specs.faults import refuse
from codesign.specs.groups import Count, Source, Spec
from codesign.units import Energy, Time


class Event(Spec):
    """What one event costs the unit that does it, one after the other."""

    energy_pj: Energy = Field(alias="energy")
    latency_ns: Time = Field(alias="latency")


class Soma(Spec):
    """The unit of a core that goes through its neurons.

    Attributes:
        access: of every neuron of the core, in every timestep of the chip.
        update: beside it, of a neuron whose membrane is updated: of all neurons of a layer, at
            each of the layer's timesteps.
        spike: beside it, of a neuron that fires, for each spike.
    """

    access: Event
    update: Event
    spike: Event


class Synapses(Spec):
    """The unit of a core that adds weights to its neurons' sums, by the layer's kind.

    Attributes:
        convolution: weights that a kernel shares; pools are convolutions of equal weights.
        dense: of linear layers.
        sparse: one for each neuron: the other operand of a residual or of an addition.
    """

    convolution: Event
    dense: Event
    sparse: Event


class Barrier(Spec):
    """How long the cores of so many tiles, or of more, need to agree that a timestep is over."""

    tiles: Count
    latency_ns: Time = Field(alias="latency")


class Messages(Spec):
    """A mesh of tiles with message-driven cores.

    Attributes:
        columns: of tiles.
        rows: of tiles; tile n stands at column n // rows, row n modulo rows.
        cores: of a tile.
        neurons: that a core holds at most.
        placement: how a layer is divided: its output pixels row by row, the channels of a pixel
            side by side (`pixels`), or map by map (`channels`).
        message_out: for every spike and every core that it is sent to, at the sender's soma.
        message_in: for every message, at the receiver's synapses, before its events.
        hop: of a message over a link between two columns of tiles (east or west).
        vertical_hop: the same between two rows (north or south).
        barrier: by tiles in use; the entry with the most tiles that are not more.
    """

    columns: Count
    rows: Count
    cores: Count
    neurons: Count
    placement: Literal["pixels", "channels"]
    soma: Soma
    synapses: Synapses
    message_out: Event
    message_in: Event
    hop: Event
    vertical_hop: Event
    barrier: tuple[Barrier, ...] = Field(min_length=1)
    source: Source

    @property
    def core_count(self) -> int:
        return self.columns * self.rows * self.cores

    def barrier_ns(self, tiles: int) -> float:
        """How long a barrier between so many tiles takes."""
        return max(
            (each for each in self.barrier if each.tiles <= tiles), key=lambda each: each.tiles
        ).latency_ns

    @model_validator(mode="after")
    def _barriers_are_in_order(self) -> Self:
        refuse(message_violations(self))
        return self
