"""Planning: for every fused layer a kind of core, cores of that kind, and a cut.

Spikes and their products go to cores that accumulate, reals to cores that multiply, integers
where the policy says; element-wise layers go to the cores of their own stream, so that on a chip
with both kinds the two streams advance side by side. Nothing here depends on recorded spikes.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from codesign.errors import CapacityError
from codesign.mapping.fusion import FusedLayer
from codesign.mapping.geometry import Geometry, Work, chip_precision, on_core
from codesign.mapping.pipeline import share_cores
from codesign.mapping.residency import WORKING_PART, keeps_membranes, resident_weights
from codesign.mapping.search import Choice, Loads, Surroundings, best_grid
from codesign.mapping.tiling import Grid
from codesign.specs.architecture import Architecture, Core, Storage
from codesign.workload import Stream

Cores = tuple[int, int]
"""The first core, counted within its kind, and how many."""


@dataclass(frozen=True)
class Plan:
    """What was decided for one fused layer.

    Attributes:
        fused: the layer.
        geometry: its sizes.
        group: the key of the kind of core that computes it.
        choice: how it is cut, and why.
        cores: the first of the cores that compute it, counted within their kind, and how many.
        weight_share: bits of the weight buffer through which its weights stream.
        keeps_weights: whether they stay in the weight buffer from one pass to the next.
    """

    fused: FusedLayer
    geometry: Geometry
    group: str
    choice: Choice
    cores: tuple[int, int]
    weight_share: int
    keeps_weights: bool = False

    @property
    def grid(self) -> Grid:
        """How it is cut."""
        return self.choice.grid

    @property
    def expected_cycles(self) -> float:
        """What it is expected to take with this cut."""
        return self.choice.loads.cycles

    @property
    def queue(self) -> str:
        """Which queue of weight blocks it is in: one for all that have the same cores."""
        return f"{self.group}[{self.cores[0]}]"

    @property
    def input_bits(self) -> int:
        """Bits of the main layer's input that all jobs load, each as many as the largest."""
        jobs = self.grid.tile_count * len(self.grid.chunks) * self.geometry.steps
        return jobs * self.geometry.input_tile_bits(self.grid)

    @property
    def value_bits(self) -> int:
        """Bits of a product's values that all jobs load, each as many as the largest."""
        grid = self.grid
        jobs = grid.tile_count * len(grid.chunks) * self.geometry.steps
        return jobs * self.geometry.value_block_bits(grid.largest_slice, grid.largest_chunk)


def plans_of(
    fused_layers: Sequence[FusedLayer], sizes: Sequence[Geometry], architecture: Architecture
) -> list[Plan]:
    """A plan for each fused layer.

    Raises:
        CapacityError: a layer that no core can do, or that fits no memory however it is cut;
            with the layer, the need, the capacity and what to change.
    """
    groups = _groups(fused_layers, sizes, architecture)
    shares = weight_shares(architecture)
    drafts = []
    for fused, each, group in zip(fused_layers, sizes, groups, strict=True):
        core = architecture.cores[group]
        on_it, cores = on_core(each, core), (0, core.count)
        drafts.append(Plan(fused, on_it, group, _NO_CUT, cores, shares[group]))
    if architecture.schedule.order == "pipeline":
        drafts = _with_own_cores(drafts, architecture)
    drafts = _with_kept_weights(drafts, architecture)
    if architecture.schedule.order == "layer":
        return [_cut(draft, architecture) for draft in drafts]
    return _with_membranes(drafts, architecture)


_NO_CUT = Choice(Grid((), (), (), 0), Loads(0.0, 0.0, 0.0, 0.0), {})


def _by_place(drafts: Sequence[Plan]) -> list[list[int]]:
    """Plans that have the same cores, by number."""
    places: dict[tuple[str, Cores], list[int]] = defaultdict(list)
    for index, draft in enumerate(drafts):
        places[draft.group, draft.cores].append(index)
    return list(places.values())


def _with_kept_weights(drafts: list[Plan], architecture: Architecture) -> list[Plan]:
    """Plans that know whether their weights stay in the weight buffer, and what those that stay
    leave to the others of the same cores."""
    is_once = architecture.schedule.order == "layer"
    plans = list(drafts)
    for mine in _by_place(drafts):
        share = drafts[mine[0]].weight_share
        sizes = [drafts[index].geometry for index in mine]
        kept = resident_weights(sizes, share, is_once=is_once)
        held = sum(sizes[number].layer_bits() for number in kept)
        goes = any(each.layer_bits() and n not in kept for n, each in enumerate(sizes))
        for number, index in enumerate(mine):
            left = share - held if goes and number not in kept else share
            keeps = number in kept
            plans[index] = replace(drafts[index], weight_share=left, keeps_weights=keeps)
    return plans


def _with_own_cores(drafts: list[Plan], architecture: Architecture) -> list[Plan]:
    """Plans for a pipeline, in which layers share the cores of their kind by expected work, and
    each run of cores has its part of the weight buffer."""
    plans = list(drafts)
    for group in dict.fromkeys(draft.group for draft in drafts):
        mine = [index for index, draft in enumerate(drafts) if draft.group == group]
        work = [_cut(drafts[index], architecture).expected_cycles for index in mine]
        shares = share_cores(work, architecture.cores[group].count)
        for index, cores in zip(mine, shares, strict=True):
            share = drafts[index].weight_share * cores[1] // architecture.cores[group].count
            plans[index] = replace(drafts[index], cores=cores, weight_share=share)
    return plans


def _with_membranes(drafts: list[Plan], architecture: Architecture) -> list[Plan]:
    """Plans for passes of one timestep: membranes stay in the cores if all of them fit beside
    the jobs, else they are stored and loaded again."""
    plans = list(drafts)
    for mine in _by_place(drafts):
        of_place = [drafts[index] for index in mine]
        cuts = _resident(of_place, architecture) or [
            _keeping(draft, "spilled", architecture) for draft in of_place
        ]
        for index, plan in zip(mine, cuts, strict=True):
            plans[index] = plan
    return plans


def _resident(drafts: list[Plan], architecture: Architecture) -> list[Plan] | None:
    """Plans of the layers of the same cores that keep all their membranes; None if they cannot."""
    count = drafts[0].cores[1]
    state_bits = architecture.cores[drafts[0].group].state_memory.size_bits
    if not keeps_membranes([draft.geometry for draft in drafts], state_bits, count):
        return None
    try:
        plans = [_keeping(draft, "resident", architecture) for draft in drafts]
    except CapacityError:
        return None  # half the memory does not hold the smallest tile; all of it may
    held = sum(plan.geometry.resident_bits(plan.grid, count) for plan in plans)
    return plans if held <= state_bits // WORKING_PART else None


def _keeping(
    draft: Plan, choice: Literal["resident", "spilled"], architecture: Architecture
) -> Plan:
    """A plan whose membranes are kept in one way; layers computed once have none to keep."""
    sizes = draft.geometry
    if sizes.has_neurons and sizes.timesteps > 1:
        sizes = replace(sizes, membranes=choice)
    return _cut(replace(draft, geometry=sizes), architecture, has_residents=choice == "resident")


def _cut(draft: Plan, architecture: Architecture, *, has_residents: bool = False) -> Plan:
    """A plan with the best cut for its cores.

    Raises:
        CapacityError: no cut fits.
    """
    core = architecture.cores[draft.group].model_copy(update={"count": draft.cores[1]})
    if has_residents:
        memory = core.state_memory
        size = memory.size_bits - memory.size_bits // WORKING_PART
        smaller = memory.model_copy(update={"size_bits": size})
        core = core.model_copy(update={"state_memory": smaller})
    around = surroundings(architecture, draft.weight_share)
    schedule = architecture.schedule
    partition = schedule.layers.get(draft.fused.name, schedule.partition)
    try:
        choice = best_grid(draft.geometry, core, around, partition)
    except CapacityError as error:
        raise CapacityError(
            f"layer '{draft.fused.name}' on core '{draft.group}' of {architecture.name}: {error}"
        ) from None
    return replace(draft, choice=choice)


def surroundings(architecture: Architecture, share: int) -> Surroundings:
    """What cores share with the others, if so many bits of the weight buffer are theirs."""
    assert architecture.technology is not None, "an architecture with cores states its clock"
    precision, storage = chip_precision(architecture), chip_storage(architecture)
    dram = storage.dram
    bandwidth = dram.channels * dram.bandwidth_bits_per_s / architecture.technology.clock_hz
    return Surroundings(precision, storage, share, bandwidth, architecture.noc is not None)


def weight_shares(architecture: Architecture) -> dict[str, int]:
    """Bits of the weight buffer for each kind of core, in proportion to its weight memories."""
    held = {
        name: core.count * core.weight_memory.size_bits for name, core in architecture.cores.items()
    }
    size = chip_storage(architecture).weight_buffer.size_bits
    return {name: size * bits // sum(held.values()) for name, bits in held.items()}


def _groups(
    fused_layers: Sequence[FusedLayer], sizes: Sequence[Geometry], architecture: Architecture
) -> list[str]:
    """Key of the kind of core of each layer.

    Raises:
        CapacityError: there are layers that no core can do; with all their names.
    """
    found = [
        _group_for(fused, each.work, architecture)
        for fused, each in zip(fused_layers, sizes, strict=True)
    ]
    for work, verb, fix in (
        (Work.ACCUMULATE, "accumulate spikes", "Add a core of kind 'spike' or 'unified'."),
        (
            Work.MULTIPLY,
            "multiply values that are not spikes",
            "Add a core of kind 'accumulation' or 'unified', or let policy.real_input and "
            "policy.integer_input be 'bit_serial' for all layers.",
        ),
    ):
        lacking = [
            f"'{fused.name}'"
            for fused, each, group in zip(fused_layers, sizes, found, strict=True)
            if group is None and each.work is work
        ]
        if lacking:
            more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
            raise CapacityError(
                f"layers must have a core of {architecture.name} that can do them, but "
                f"{', '.join(lacking[:_NAMED])}{more} {verb}. {fix}"
            )
    return [group for group in found if group is not None]


_NAMED = 20
"""Layers that a message names."""


def _group_for(fused: FusedLayer, work: Work, architecture: Architecture) -> str | None:
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
    return able[0] if able else None


def chip_storage(architecture: Architecture) -> Storage:
    """The shared memories of an architecture that has cores."""
    assert architecture.storage is not None, "an architecture with cores states its storage"
    return architecture.storage
