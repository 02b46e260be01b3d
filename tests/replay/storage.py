"""Storage: where stored tensors lie, in the places that the mapping counts on, and what is there.

Worked out again from the rules that `codesign.mapping.room` states. In DRAM each timestep of each
image has a place of its own. In the activation buffer a place is used again:

- in `layer` order every tensor has places for all timesteps, and since two images may be at work,
  twice; in `timestep` order so has what a pass makes. Together they must fit at every moment:
  a place is taken when a job begins to store into it, and free when its last reader has loaded;
- in a `pipeline` a tensor has a ring of places, one more than there are passes between its maker
  and its last reader, and another one if that fits for all rings;
- where each timestep is a pass, what several passes share (the only result of a layer that is
  computed once, what a mean over time reads, results of the network, membranes that find no place
  in a core) keeps its place for the whole image.
"""

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from codesign.mapping import Mapping
from codesign.mapping.fusion import read_tensors
from codesign.mapping.mapper import membranes_of
from codesign.mapping.planning import Plan
from codesign.workload import LayerType

Integers = NDArray[np.int64]
Place = tuple[str, int, int]
"""Of a tensor, one of its places, a timestep in it."""

Content = tuple[str, int, int]
"""A tensor, the image, and the pass of all images that makes it."""


class HazardError(Exception):
    """A job would have computed with what was not there."""


@dataclass(frozen=True)
class Layout:
    """How many places each tensor has in the activation buffer.

    Attributes:
        mapping: that it is of.
        makers: of each stored tensor.
        rings: places of each tensor that has a ring of them, each for a pass.
        whole: for how many images at once each tensor that keeps its place for an image does so.
        bits: of one place.
    """

    mapping: Mapping
    makers: dict[str, Plan]
    rings: dict[str, int]
    whole: dict[str, int]
    bits: dict[str, int]

    def passed(self, name: str, image: int, timestep: int) -> int:
        """The pass of all images in which a timestep of a tensor is made."""
        order, plan = self.mapping.order, self.makers[name]
        step = timestep // plan.geometry.batch
        return image * order.passes + order.pass_of[plan.fused.index][step]

    def place(self, name: str, image: int, timestep: int) -> Place:
        """Where a timestep of a tensor lies."""
        if name in self.mapping.in_dram:
            return f"{name} in DRAM", image, timestep
        if name in self.whole:
            return name, image % self.whole[name], timestep
        number = self.passed(name, image, timestep) % self.rings[name]
        if self.mapping.order.kind == "layer":
            return name, number, timestep
        return name, number, timestep % self.makers[name].geometry.batch

    def reserved_bits(self) -> int:
        """What is taken whatever happens: all in a pipeline, else what keeps its place."""
        reserved = sum(self.bits[name] * count for name, count in self.whole.items())
        for plan in self.mapping.plans:
            if membranes_of(plan.fused) not in self.mapping.in_dram:
                elements = math.prod(plan.geometry.output_map)
                reserved += elements * plan.geometry.spilled_bits
        if self.mapping.order.kind == "pipeline":
            reserved += sum(self.bits[name] * count for name, count in self.rings.items())
        return reserved


def layout_of(mapping: Mapping) -> Layout:
    """The places that a mapping counts on."""
    order, workload = mapping.order, mapping.workload
    makers = {name: plan for plan in mapping.plans for name in plan.fused.stored}
    rings, whole, bits = {}, {}, {}
    for name, plan in makers.items():
        if name in mapping.in_dram:
            continue
        readers = [each.fused for each in mapping.plans if name in read_tensors(each.fused)]
        lag = max([0, *(order.depth[each.index] for each in readers)])
        lag = max(0, lag - order.depth[plan.fused.index])
        tensor = workload.tensor_by_name[name]
        is_shared = (
            plan.geometry.steps < order.passes
            or name in workload.outputs
            or any(each.main.type is LayerType.TIME_MEAN for each in readers)
        )
        bits[name] = tensor.size * mapping.widths[name]
        if order.kind != "layer" and is_shared:
            whole[name] = 1 + math.ceil(lag / order.passes)
            bits[name] *= tensor.timesteps
        else:
            rings[name] = lag + 1 if order.kind == "pipeline" else 2
            kept = tensor.timesteps if order.kind == "layer" else plan.geometry.batch
            bits[name] *= kept
    layout = Layout(mapping, makers, rings, whole, bits)
    if order.kind == "pipeline":
        spare = sum(bits[name] for name in rings)
        if layout.reserved_bits() + spare <= mapping.storage.activation_buffer.size_bits:
            rings.update({name: count + 1 for name, count in rings.items()})
    return layout


@dataclass
class Storage:
    """The activation buffer and the DRAM, element by element.

    Attributes:
        layout: where everything lies.
        reads_left: how many jobs are still to load each content; used up while they do.
        writes_left: how many are still to store into it.
        highest_bits: the most bits of the buffer that were taken at once.
    """

    layout: Layout
    reads_left: Counter[Content] = field(default_factory=Counter)
    writes_left: Counter[Content] = field(default_factory=Counter)
    highest_bits: int = 0
    _values: dict[Place, Integers] = field(default_factory=dict)
    _stamps: dict[Place, Integers] = field(default_factory=dict)
    _taken: dict[Content, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._free = self.layout.mapping.storage.activation_buffer.size_bits
        self._take(0, self.layout.reserved_bits())

    def read(self, place: Place, stamp: int, elements: Integers) -> Integers:
        """Elements of a place.

        Raises:
            HazardError: one of them is not that of the stamp.
        """
        found = self._at(place, elements)[1][elements]
        if (found != stamp).any():
            others = sorted(set(found[found != stamp].tolist()))
            raise HazardError(f"{place} must hold {stamp} where it is read, but holds {others}")
        return self._values[place][elements].copy()

    def write(self, place: Place, stamp: int, elements: Integers, values: Integers) -> None:
        """Elements of a place are there."""
        at, stamps = self._at(place, elements)
        at[elements], stamps[elements] = values, stamp

    def spoil(self, place: Place, elements: Integers) -> None:
        """Elements of a place are being overwritten."""
        self._at(place, elements)[1][elements] = 0

    def _at(self, place: Place, elements: Integers) -> tuple[Integers, Integers]:
        size = int(elements.max(initial=-1)) + 1
        stamps = self._stamps.get(place, np.zeros(0, dtype=np.int64))
        if size > len(stamps):
            more = size - len(stamps)
            values = self._values.get(place, np.zeros(0, dtype=np.int64))
            self._values[place] = np.pad(values, (0, more))
            self._stamps[place] = np.pad(stamps, (0, more))
        return self._values[place], self._stamps[place]

    def begin(self, content: Content) -> None:
        """A job begins to store a content into the buffer.

        Raises:
            HazardError: the buffer is full.
        """
        if self.layout.mapping.order.kind == "pipeline" or content[0] in self.layout.whole:
            return
        if content not in self._taken:
            self._taken[content] = self.layout.bits[content[0]]
            self._take(self._taken[content], 0)

    def _take(self, bits: int, reserved: int) -> None:
        self._free -= bits + reserved
        size = self.layout.mapping.storage.activation_buffer.size_bits
        self.highest_bits = max(self.highest_bits, size - self._free)
        if self._free < 0:
            raise HazardError(
                f"the activation buffer has {size} bit, but {size - self._free} are taken"
            )

    def leave(self, content: Content, *, reading: bool) -> None:
        """A job has loaded a content, or stored its part of it."""
        (self.reads_left if reading else self.writes_left)[content] -= 1
        if not self.reads_left[content] and not self.writes_left[content]:
            self._free += self._taken.pop(content, 0)
