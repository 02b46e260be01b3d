"""Parts: what one job has of its layer, and what it stands on.

A job computes some output channels at some output rows, from some input channels of each group of
the convolution, for some timesteps. What the mapper decided is taken as given; what a job then
reaches is found by going from every output pixel back through the taps of its kernel.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codesign.mapping import Mapping
from codesign.mapping.planning import Plan
from codesign.specs.architecture import Core, Memory, Precision
from codesign.trace import Trace
from codesign.workload import Kind, LayerType

Pixel = tuple[int, int]


def up(numerator: int, denominator: int) -> int:
    """A quotient rounded up."""
    return -(-numerator // denominator)


def words(bits: int, memory: Memory) -> int:
    """Accesses of one bank that move so many bits."""
    return up(bits, memory.width_bits)


def per_cycle(memory: Memory) -> int:
    """Bits of all banks of a memory."""
    return memory.banks * memory.width_bits


@dataclass(frozen=True)
class Site:
    """A fused layer, and a kind of core that computes it or a part of it."""

    mapping: Mapping
    plan: Plan
    trace: Trace
    kind: str

    @cached_property
    def core(self) -> Core:
        return self.mapping.architecture.kinds[self.kind]

    @cached_property
    def precision(self) -> Precision:
        assert self.mapping.architecture.precision
        return self.mapping.architecture.precision

    @cached_property
    def scan_bits(self) -> int:
        """Bits of a map that the core looks at in a cycle."""
        widest = per_cycle(self.core.input_memory)
        return min(widest, self.core.spike.scan_bits) if self.core.spike else widest

    @cached_property
    def lanes(self) -> int:
        """Elements that the core adds or compares in a cycle."""
        return max(self.core.neuron_lanes, self.core.mac.adders if self.core.mac else 0)

    @cached_property
    def source(self) -> str:
        return self.plan.fused.main.inputs[0]

    def is_spikes(self, name: str) -> bool:
        return self.trace.workload.tensor_by_name[name].kind is Kind.SPIKE

    def maps(self, values: NDArray[np.uint8 | np.uint16]) -> NDArray[np.int64]:
        """Recorded values of the input by timestep, channel, row, column; one that is held
        stands there for every timestep."""
        channels, height, width = self.plan.geometry.input_map
        if self.plan.fused.main.type is LayerType.LINEAR:
            found = np.zeros((len(values), channels, height, width), dtype=np.int64)
            found[..., 0] = np.swapaxes(values.reshape(len(values), height, channels), 1, 2)
        else:
            found = values.reshape(len(values), channels, height, width).astype(np.int64)
        timesteps = self.plan.geometry.timesteps
        is_held = len(found) == 1 and timesteps > 1
        return np.repeat(found, timesteps, axis=0) if is_held else found

    def outputs(self, name: str) -> NDArray[np.int64]:
        """Recorded values of a tensor of the output's size, by timestep, channel, row, column."""
        channels, height, width = self.plan.geometry.output_map
        values = self.trace.values(name)
        meet = self.plan.fused.main.contraction
        if self.plan.fused.main.type is LayerType.LINEAR:
            values = np.swapaxes(values.reshape(len(values), height, channels), 1, 2)
        elif meet:  # each group has a row of outputs for each place
            rows = values.reshape(len(values), meet.groups, height, meet.outputs)
            values = np.swapaxes(rows, 2, 3)
        return values.reshape(len(values), channels, height, width).astype(np.int64)

    @cached_property
    def taps(self) -> dict[Pixel, list[Pixel]]:
        """The input positions inside the map that every output pixel reads."""
        window = self.plan.geometry.window
        _, height, width = self.plan.geometry.input_map
        _, rows, columns = self.plan.geometry.output_map
        found: dict[Pixel, list[Pixel]] = {}
        for row in range(rows):
            for column in range(columns):
                found[row, column] = []
                for i in range(window.kernel[0]):
                    for j in range(window.kernel[1]):
                        y = row * window.stride[0] + i * window.dilation[0] - window.padding[0]
                        x = column * window.stride[1] + j * window.dilation[1] - window.padding[1]
                        if 0 <= y < height and 0 <= x < width:
                            found[row, column].append((y, x))
        return found


@dataclass(frozen=True)
class Part:
    """What one job computes.

    Attributes:
        outputs: output channels.
        rows: output rows.
        terms: input channels, counted within a group.
        timesteps: all that the job computes.
        is_last: whether it has the last of the tile's input channels.
        is_later: whether the tile had a job of an earlier timestep.
        is_final: whether it will have none of a later one.
    """

    outputs: range
    rows: range
    terms: range
    timesteps: range
    is_last: bool
    is_later: bool
    is_final: bool

    def elements(self, site: Site) -> int:
        """Output elements of one timestep."""
        return len(self.outputs) * len(self.rows) * site.plan.geometry.output_map[2]

    def groups(self, site: Site) -> dict[int, int]:
        """For each group of the convolution, how many of the job's output channels are in it."""
        per_group = site.plan.geometry.output_map[0] // site.plan.geometry.window.groups
        found: dict[int, int] = {}
        for output in self.outputs:
            found[output // per_group] = found.get(output // per_group, 0) + 1
        return found

    def channels(self, site: Site, group: int) -> list[int]:
        """The job's input channels of a group, counted within the whole input."""
        sizes = site.plan.geometry
        return [group * (sizes.input_map[0] // sizes.window.groups) + term for term in self.terms]

    def all_channels(self, site: Site) -> list[int]:
        """Input channels that the job reads: its own where each makes one output."""
        if not site.plan.fused.is_synaptic and site.plan.fused.main.type is not LayerType.PRODUCT:
            return list(self.outputs)
        return [channel for group in self.groups(site) for channel in self.channels(site, group)]

    def input_rows(self, site: Site) -> range:
        """From the first to the last input row that a kernel reaches, cut to the map."""
        window = site.plan.geometry.window
        first = self.rows[0] * window.stride[0] - window.padding[0]
        last = self.rows[-1] * window.stride[0] - window.padding[0]
        last += (window.kernel[0] - 1) * window.dilation[0]
        return range(max(0, first), min(last + 1, site.plan.geometry.input_map[1]))

    def input_bits(self, site: Site) -> int:
        """Bits of the input that the job reads for each of its timesteps."""
        fused, width = site.plan.fused, site.mapping.widths[site.source]
        places = len(self.input_rows(site)) * site.plan.geometry.input_map[2]
        bits = len(self.all_channels(site)) * places * width
        if fused.main.type is LayerType.TIME_MEAN:
            bits *= site.trace.workload.tensor_by_name[site.source].timesteps
        return bits


def parts(plan: Plan) -> dict[tuple[int, int, int], Part]:
    """The jobs of a layer, by first timestep, tile and chunk."""
    grid, sizes = plan.grid, plan.geometry
    found = {}
    for first in range(0, sizes.timesteps, sizes.batch):
        timesteps = range(first, min(first + sizes.batch, sizes.timesteps))
        for s, outputs in enumerate(grid.slices):
            for b, band in enumerate(grid.bands):
                for c, chunk in enumerate(grid.chunks):
                    found[first, s * len(grid.bands) + b, c] = Part(
                        range(*outputs),
                        range(*band),
                        range(*chunk),
                        timesteps,
                        c == len(grid.chunks) - 1,
                        first > 0,
                        timesteps[-1] == sizes.timesteps - 1,
                    )
    return found
