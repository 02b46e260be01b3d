"""The mapper: for every fused layer a kind of core and a cut, and for every tensor a place.

Spikes and their products go to cores that accumulate, reals to cores that multiply, integers
where the policy says; element-wise layers go to the cores of their own stream, so that on a chip
with both kinds the two streams advance side by side. Tiles are dealt to the cores of that kind in
equal runs, so that neighbours in a run share weights. Nothing depends on the recorded spikes.
"""

from dataclasses import dataclass

from codesign.errors import CapacityError, Fault, InputError
from codesign.mapping.forecast import forecast
from codesign.mapping.fusion import FusedLayer, fuse
from codesign.mapping.geometry import Geometry, Work, chip_precision, geometry
from codesign.mapping.placement import (
    lifetimes,
    tensor_bits,
    tensors_in_dram,
    waits_for_room,
)
from codesign.mapping.search import Surroundings, best_grid
from codesign.mapping.tiling import Grid
from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Architecture, Core, Storage
from codesign.workload import Stream, Workload


@dataclass(frozen=True)
class Plan:
    """What was decided for one fused layer.

    Attributes:
        fused: the layer.
        geometry: its sizes.
        group: the key of the kind of core that computes it.
        grid: how it is cut.
        expected_cycles: what it is expected to take with this cut.
    """

    fused: FusedLayer
    geometry: Geometry
    group: str
    grid: Grid
    expected_cycles: float

    @property
    def input_bits(self) -> int:
        """Bits of the main layer's input that all jobs load, each as many as the largest."""
        jobs = self.grid.tile_count * len(self.grid.chunks) * self.geometry.timesteps
        return jobs * self.geometry.input_tile_bits(self.grid)

    @property
    def value_bits(self) -> int:
        """Bits of a product's values that all jobs load, each as many as the largest."""
        grid = self.grid
        jobs = grid.tile_count * len(grid.chunks) * self.geometry.timesteps
        return jobs * self.geometry.value_block_bits(grid.largest_slice, grid.largest_chunk)


@dataclass(frozen=True)
class Mapping:
    """A workload placed on an architecture.

    Attributes:
        workload: what is computed.
        architecture: on what.
        plans: one for each fused layer, in order of computation.
        widths: bits of an element of each tensor.
        in_dram: tensors that do not fit the activation buffer.
        waits: for each fused layer, those that it waits for before it stores anything, so that
            the activation buffer has room.
    """

    workload: Workload
    architecture: Architecture
    plans: tuple[Plan, ...]
    widths: dict[str, int]
    in_dram: frozenset[str]
    waits: tuple[tuple[int, ...], ...]

    @property
    def storage(self) -> Storage:
        return chip_storage(self.architecture)


def map_workload(workload: Workload, architecture: Architecture) -> Mapping:
    """Decides where and in which pieces everything is computed.

    Raises:
        InputError: the architecture has no cores.
        CapacityError: a layer that no core can do, or that fits no memory however it is cut;
            with the layer, the need, the capacity and what to change.
    """
    if not architecture.cores:
        raise InputError(
            Fault(
                architecture.name,
                "must have cores to map a workload to (got prices of operations alone).",
                "Evaluate it instead, or name an architecture with cores.",
            )
        )
    fused_layers = fuse(workload)
    precision, storage = chip_precision(architecture), chip_storage(architecture)
    widths = element_widths(workload, precision)
    around = surroundings(architecture)
    plans = []
    for fused in fused_layers:
        sizes = geometry(workload, fused, architecture, widths)
        group = _group_for(fused, sizes.work, architecture)
        try:
            grid, cycles = best_grid(sizes, architecture.cores[group], around[group])
        except CapacityError as error:
            raise CapacityError(
                f"layer '{fused.name}' on core '{group}' of {architecture.name}: {error}"
            ) from None
        plans.append(Plan(fused, sizes, group, grid, cycles))
    outside, waits = _place(workload, plans, widths, storage.activation_buffer.size_bits)
    return Mapping(workload, architecture, tuple(plans), widths, outside, waits)


def _place(
    workload: Workload, plans: list[Plan], widths: dict[str, int], capacity: int
) -> tuple[frozenset[str], tuple[tuple[int, ...], ...]]:
    """Tensors in DRAM, and the layers that each layer waits for; as in `Mapping`."""
    fused_layers = [plan.fused for plan in plans]
    spans = forecast(
        fused_layers, [plan.group for plan in plans], [plan.expected_cycles for plan in plans]
    )
    lives = lifetimes(workload, fused_layers, spans)
    sizes = tensor_bits(workload, widths)
    outside = tensors_in_dram(fused_layers, lives, sizes, _moved_bits(plans, sizes), capacity)
    inside = {name: life for name, life in lives.items() if name not in outside}
    return outside, waits_for_room(fused_layers, spans, inside, sizes, capacity)


def _moved_bits(plans: list[Plan], sizes: dict[str, int]) -> dict[str, int]:
    """Bits of each stored tensor that are stored once and loaded by every tile that needs them."""
    moved = {name: sizes[name] for plan in plans for name in plan.fused.stored}
    for plan in plans:
        loaded = {name: sizes[name] for name in plan.fused.operands}
        by_tiles = (plan.input_bits, plan.value_bits)
        loaded |= dict(zip(plan.fused.sources, by_tiles, strict=False))
        for name, bits in loaded.items():
            if name in moved:
                moved[name] += bits
    return moved


def surroundings(architecture: Architecture) -> dict[str, Surroundings]:
    """What each kind of core shares with the others, by its key."""
    assert architecture.technology is not None, "an architecture with cores states its clock"
    precision, storage = chip_precision(architecture), chip_storage(architecture)
    dram = storage.dram
    bandwidth = dram.channels * dram.bandwidth_bits_per_s / architecture.technology.clock_hz
    return {
        group: Surroundings(precision, storage, share, bandwidth)
        for group, share in weight_shares(architecture).items()
    }


def weight_shares(architecture: Architecture) -> dict[str, int]:
    """Bits of the weight buffer for each kind of core, in proportion to its weight memories."""
    held = {
        name: core.count * core.weight_memory.size_bits for name, core in architecture.cores.items()
    }
    size = chip_storage(architecture).weight_buffer.size_bits
    return {name: size * bits // sum(held.values()) for name, bits in held.items()}


def _group_for(fused: FusedLayer, work: Work, architecture: Architecture) -> str:
    """Key of the first kind of core that can do a layer, those of its own stream before others."""

    def can(core: Core) -> bool:
        if work is Work.ACCUMULATE:
            return core.spike is not None
        if work is Work.MULTIPLY:
            return core.mac is not None
        return True

    def preferred(core: Core) -> bool:
        return (core.spike if fused.stream is Stream.SPIKE else core.mac) is not None

    able = [name for name, core in architecture.cores.items() if can(core)]
    for name in able:
        if preferred(architecture.cores[name]):
            return name
    if able:
        return able[0]
    verb, kind = ("accumulates spikes", "spike")
    if work is Work.MULTIPLY:
        verb, kind = ("multiplies values that are not spikes", "accumulation")
    raise CapacityError(
        f"layer '{fused.name}' {verb}, which no core of {architecture.name} can do. "
        f"Add a core of kind '{kind}' or 'unified'."
    )


def chip_storage(architecture: Architecture) -> Storage:
    """The shared memories of an architecture that has cores."""
    assert architecture.storage is not None, "an architecture with cores states its storage"
    return architecture.storage
