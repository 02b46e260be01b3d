"""The mapper: for every fused layer a kind of core and a cut, and for every tensor a place.

Spikes go to cores that accumulate, reals to cores that multiply, integers where the policy says;
element-wise layers go to the cores of their own stream, so that on a chip with both kinds the two
streams advance side by side. Tiles are dealt to the cores of that kind in equal runs, so that
neighbours in a run share weights. Nothing depends on the recorded spikes.
"""

from dataclasses import dataclass

from codesign.errors import CapacityError, Fault, InputError
from codesign.mapping.fusion import FusedLayer, fuse
from codesign.mapping.geometry import Geometry, Work, chip_precision, geometry
from codesign.mapping.placement import tensors_in_dram
from codesign.mapping.search import best_grid
from codesign.mapping.tiling import Grid
from codesign.specs.architecture import Architecture, Core, Storage
from codesign.workload import Stream, Workload


@dataclass(frozen=True)
class Plan:
    """What was decided for one fused layer: the kind of core (its key) and the cut."""

    fused: FusedLayer
    geometry: Geometry
    group: str
    grid: Grid


@dataclass(frozen=True)
class Mapping:
    """A workload placed on an architecture.

    Attributes:
        workload: what is computed.
        architecture: on what.
        plans: one for each fused layer, in order of computation.
        in_dram: tensors that do not fit the activation buffer.
    """

    workload: Workload
    architecture: Architecture
    plans: tuple[Plan, ...]
    in_dram: frozenset[str]

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
    shares = weight_shares(architecture)
    plans = []
    for fused in fused_layers:
        sizes = geometry(workload, fused, architecture)
        group = _group_for(fused, sizes.work, architecture)
        core = architecture.cores[group]
        try:
            grid = best_grid(sizes, core, shares[group], precision, storage)
        except CapacityError as error:
            raise CapacityError(
                f"layer '{fused.name}' on core '{group}' of {architecture.name}: {error}"
            ) from None
        plans.append(Plan(fused, sizes, group, grid))
    outside = tensors_in_dram(
        workload, fused_layers, precision, storage.activation_buffer.size_bits
    )
    return Mapping(workload, architecture, tuple(plans), outside)


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
