"""The mapper: for every fused layer cores and a cut, and for every tensor a place.

`codesign.mapping.planning` says which cores, and how a layer is cut; here it is decided in which
order, and which tensors live in the activation buffer. Nothing depends on the recorded spikes.
"""

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

from codesign.errors import Fault, InputError, nearest
from codesign.mapping.counters import as_computed
from codesign.mapping.expected_cycles import Outside
from codesign.mapping.forecast import forecast
from codesign.mapping.fusion import FusedLayer, fuse, recomputable
from codesign.mapping.geometry import chip_precision, geometry, is_on_host
from codesign.mapping.order import Order, order_of
from codesign.mapping.placement import lifetimes, tensor_bits, tensors_in_dram
from codesign.mapping.planning import Plan, chip_storage, plans_of
from codesign.mapping.room import Kept, Room, kept_tensors, room_of, with_spare_places
from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Architecture, Storage
from codesign.workload import Workload


@dataclass(frozen=True)
class Mapping:
    """A workload placed on an architecture.

    Attributes:
        network: what was to be computed.
        workload: the same as the chip computes it, which is another graph where additions are
            counters (`codesign.mapping.counters`).
        architecture: on what.
        plans: one for each fused layer, in order of computation.
        widths: bits of an element of each tensor.
        in_dram: tensors that do not fit the activation buffer, spilled membranes among them.
        order: which pass computes which timestep.
        room: what each fused layer waits for before it stores anything, so that the activation
            buffer has room.
    """

    network: Workload
    workload: Workload
    architecture: Architecture
    plans: tuple[Plan, ...]
    widths: dict[str, int]
    in_dram: frozenset[str]
    order: Order
    room: Room

    @property
    def storage(self) -> Storage:
        return chip_storage(self.architecture)


def map_workload(workload: Workload, architecture: Architecture) -> Mapping:
    """Decides where and in which pieces everything is computed.

    Raises:
        InputError: the architecture has no cores, or it forces the partition of a layer that
            is not there.
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
    network, workload = workload, as_computed(workload, architecture.policy)
    on_host = {each.name for each in workload.layers if is_on_host(workload, each, architecture)}
    policy = architecture.policy
    repeats = policy is not None and policy.static_layers == "recompute"
    repeated = recomputable(workload) - on_host if repeats else frozenset()
    fused_layers = fuse(workload, on_host, repeated)
    _check_names([fused.name for fused in fused_layers], architecture)
    widths = element_widths(workload, chip_precision(architecture))
    sizes = [geometry(workload, fused, architecture, widths) for fused in fused_layers]
    known = (network, workload, architecture, widths)
    made = {name for fused in fused_layers for name in fused.stored}
    from_outside = frozenset(tensor.name for tensor in workload.tensors).difference(made)
    outside = [outside_of(fused, from_outside, widths) for fused in fused_layers]
    mapping = _placed(known, plans_of(fused_layers, sizes, architecture, outside))
    again = [outside_of(fused, mapping.in_dram, widths) for fused in fused_layers]
    if again == outside:
        return mapping
    return _placed(known, plans_of(fused_layers, sizes, architecture, again))


def _check_names(names: Sequence[str], architecture: Architecture) -> None:
    """Layers whose partition is forced must be there.

    Raises:
        InputError: one is not; with the nearest name.
    """
    unknown = [name for name in architecture.schedule.layers if name not in names]
    if unknown:
        raise InputError(
            [
                Fault(
                    f"{architecture.name}: schedule.layers",
                    f"must name layers that are mapped on their own (got '{name}').",
                    nearest(name, list(names)),
                )
                for name in unknown
            ]
        )


def outside_of(fused: FusedLayer, in_dram: Set[str], widths: dict[str, int]) -> Outside:
    """What of a layer passes DRAM, if some tensors live there."""
    main, *values = fused.sources
    return Outside(
        has_input=main in in_dram,
        has_values=any(name in in_dram for name in values),
        has_membranes=membranes_of(fused) in in_dram,
        operand_bits=sum(widths[name] for name in fused.operands if name in in_dram),
        stored_bits=sum(widths[name] for name in fused.stored if name in in_dram),
    )


def _placed(
    known: tuple[Workload, Workload, Architecture, dict[str, int]], plans: Sequence[Plan]
) -> Mapping:
    """The mapping, once it is decided which tensors live in the buffer."""
    network, workload, architecture, widths = known
    fused_layers = [plan.fused for plan in plans]
    schedule = architecture.schedule
    cores = [(plan.places[0].group, plan.places[0].first) for plan in plans]
    order = order_of(workload, fused_layers, schedule.order, cores, schedule.time_batch)
    one_by_one = schedule.barrier == "layer"
    # Kinds that share layers share a queue of weights, which is fetched layer by layer: a plan in
    # which a later layer came first on other cores of theirs could wait for itself.
    groups = [("",) if one_by_one else plan.pool for plan in plans]
    spans = forecast(fused_layers, groups, [plan.expected_cycles for plan in plans])
    lives = lifetimes(workload, fused_layers, spans)
    kept = kept_tensors(workload, fused_layers, order, schedule.time_batch)
    for plan in plans:
        if plan.geometry.spilled_bits:
            kept[membranes_of(plan.fused)] = Kept(1, is_whole=True)
    whole = (0.0, max(last for _, last in spans))
    lives = {
        name: whole if each.is_whole or order.kind == "pipeline" else lives[name]
        for name, each in kept.items()
    }
    sizes = _kept_bits(workload, plans, widths, kept)
    moved = _moved_bits(plans, tensor_bits(workload, widths))
    capacity = chip_storage(architecture).activation_buffer.size_bits
    outside = tensors_in_dram(fused_layers, lives, sizes, moved, capacity)
    inside = {name: life for name, life in lives.items() if name not in outside}
    if order.kind == "pipeline":
        kept = with_spare_places(kept, sizes, inside, capacity)
        sizes = _kept_bits(workload, plans, widths, kept)
    room = room_of(fused_layers, spans, order, (inside, sizes, kept), capacity)
    return Mapping(network, workload, architecture, tuple(plans), widths, outside, order, room)


def membranes_of(fused: FusedLayer) -> str:
    """Name of a layer's membranes where they are stored like a tensor."""
    return f"membranes of {fused.name}"


def _kept_bits(
    workload: Workload, plans: Sequence[Plan], widths: dict[str, int], kept: dict[str, Kept]
) -> dict[str, int]:
    """Bits that each tensor takes in the buffer, with all that is kept of it."""
    of_one = {tensor.name: tensor.size * widths[tensor.name] for tensor in workload.tensors}
    for plan in plans:
        if plan.geometry.spilled_bits:
            elements = math.prod(plan.geometry.output_map)
            of_one[membranes_of(plan.fused)] = elements * plan.geometry.spilled_bits
    return {name: of_one[name] * each.timesteps * each.images for name, each in kept.items()}


def _moved_bits(plans: Sequence[Plan], sizes: dict[str, int]) -> dict[str, int]:
    """Bits of each stored tensor that are stored once and loaded by every tile that needs them."""
    moved = {name: sizes[name] for plan in plans for name in plan.fused.stored}
    for plan in plans:
        if plan.geometry.spilled_bits:
            elements = math.prod(plan.geometry.output_map) * (plan.geometry.steps - 1)
            moved[membranes_of(plan.fused)] = 2 * elements * plan.geometry.spilled_bits
        loaded = {name: sizes[name] for name in plan.fused.operands}
        by_tiles = (plan.input_bits, plan.value_bits)
        loaded |= dict(zip(plan.fused.sources, by_tiles, strict=False))
        for name, bits in loaded.items():
            if name in moved:
                moved[name] += bits
    return moved
