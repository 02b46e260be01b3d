"""Planning: for every fused layer cores of one kind or several, and a cut.

`codesign.mapping.kinds` says which kinds of core share a layer, `codesign.mapping.search` how it is
cut on them; here both are brought together with the weights that stay in the weight buffer and the
membranes that stay in the cores. Nothing here depends on recorded spikes.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from codesign.errors import CapacityError
from codesign.mapping.expected_cycles import Loads, Outside, Site, Surroundings
from codesign.mapping.fusion import FusedLayer
from codesign.mapping.geometry import Geometry, Work, chip_precision, on_core
from codesign.mapping.host import host_choice
from codesign.mapping.kinds import Kinds, able_kinds, pools, shared_kinds, single_kinds
from codesign.mapping.pipeline import share_cores
from codesign.mapping.residency import WORKING_PART, keeps_membranes, resident_weights
from codesign.mapping.search import AS_GOOD, Choice, best_grid
from codesign.mapping.tiling import Grid, most_tiles
from codesign.specs.architecture import Architecture, Core, Noc, Storage
from codesign.static_power import idle_pj_per_cycle


@dataclass(frozen=True)
class Place:
    """Cores of one kind that compute a layer, or their part of it.

    Attributes:
        group: the key of their kind.
        first: the first of them, counted within their kind.
        count: how many.
        geometry: the layer's sizes on such a core.
    """

    group: str
    first: int
    count: int
    geometry: Geometry


@dataclass(frozen=True)
class Plan:
    """What was decided for one fused layer.

    Attributes:
        fused: the layer.
        places: the cores that compute it, kind by kind.
        choice: how it is cut, and why.
        pool: kinds of core with which these share a part of the weight buffer, themselves among
            them.
        weight_share: bits of the weight buffer through which its weights stream.
        outside: what of its inputs and results is expected to pass DRAM.
        keeps_weights: whether they stay in the weight buffer from one pass to the next.
        tried: expected cycles on the kinds of core that were compared, None where it does not fit.
    """

    fused: FusedLayer
    places: tuple[Place, ...]
    choice: Choice
    pool: Kinds
    weight_share: int
    outside: Outside
    keeps_weights: bool = False
    tried: Mapping[Kinds, float | None] = field(default_factory=dict)

    @property
    def geometry(self) -> Geometry:
        """Its sizes; where kinds of core differ in them, those on the first."""
        return self.places[0].geometry

    @property
    def groups(self) -> Kinds:
        """The kinds of core that compute it."""
        return tuple(place.group for place in self.places)

    def at(self, place: Place) -> "Plan":
        """The same plan as seen from the cores of one kind, as if they did everything."""
        return self if len(self.places) == 1 else replace(self, places=(place,))

    def resident_bits(self, group: str) -> int:
        """Membranes that a core of a kind keeps from the first timestep to the last, at most."""
        tiles = most_tiles(self.grid.tile_count, self.choice.teams)
        return sum(
            place.geometry.resident_bits(self.grid, count)
            for place, count in zip(self.places, tiles, strict=True)
            if place.group == group
        )

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
        """Which queue of weight blocks it is in: one for all that share cores."""
        return f"{'+'.join(self.pool)}[{self.places[0].first}]"

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
    fused_layers: Sequence[FusedLayer],
    sizes: Sequence[Geometry],
    architecture: Architecture,
    outside: Sequence[Outside],
) -> list[Plan]:
    """A plan for each fused layer.

    Args:
        fused_layers: in order of computation.
        sizes: of each.
        architecture: the chip.
        outside: what of each is expected to pass DRAM.

    Raises:
        CapacityError: a layer that no core can do, or that fits no memory however it is cut;
            with the layer, the need, the capacity and what to change.
    """
    layers = list(zip(fused_layers, sizes, outside, strict=True))
    drafts = _with_kinds(layers, architecture)
    if architecture.schedule.order == "pipeline":
        drafts = _with_own_cores(drafts, architecture)
    drafts = _with_kept_weights(drafts, architecture)
    if architecture.schedule.order == "layer":
        return [_cut(draft, architecture) for draft in drafts]
    return _with_membranes(drafts, architecture)


_NO_CUT = Choice(Grid((), (), (), 0), Loads(0.0, 0.0, 0.0, 0.0), 0.0, (), {})


_Layer = tuple[FusedLayer, Geometry, Outside]


def _draft(layer: _Layer, kinds: Kinds, architecture: Architecture) -> Plan:
    """A plan without a cut on all cores of some kinds, as if these shared nothing with others."""
    fused, sizes, outside = layer
    cores, shares = architecture.kinds, weight_shares(architecture)
    places = tuple(Place(kind, 0, cores[kind].count, on_core(sizes, cores[kind])) for kind in kinds)
    share = sum(shares[kind] for kind in kinds)
    return Plan(fused, places, _NO_CUT, kinds, share, outside)


def _with_kinds(layers: Sequence[_Layer], architecture: Architecture) -> list[Plan]:
    """Drafts on the kinds of core that compute each layer.

    Raises:
        CapacityError: a layer that no core can do.
    """
    able = able_kinds([layer[0] for layer in layers], [layer[1] for layer in layers], architecture)
    chosen, tried = able, [dict[Kinds, float | None]() for _ in able]
    expect = partial(_expected, architecture)
    if any(len(kinds) > 1 for kinds in able):
        pairs = list(zip(layers, able, strict=True))
        if architecture.schedule.order == "pipeline":
            counts = {name: core.count for name, core in architecture.kinds.items()}
            tried = [{(kind,): expect(layer, (kind,)) for kind in kinds} for layer, kinds in pairs]
            chosen = single_kinds(tried, counts)
        else:
            shared = [
                shared_kinds(kinds, partial(expect, layer), AS_GOOD) for layer, kinds in pairs
            ]
            chosen, tried = [kinds for kinds, _ in shared], [each for _, each in shared]
    pool_of, shares = pools(chosen, architecture), weight_shares(architecture)
    drafts = []
    for layer, kinds, expected in zip(layers, chosen, tried, strict=True):
        pool = pool_of[kinds[0]]
        share = sum(shares[kind] for kind in pool)
        draft = _draft(layer, kinds, architecture)
        drafts.append(replace(draft, pool=pool, weight_share=share, tried=expected))
    return drafts


def _expected(architecture: Architecture, layer: _Layer, kinds: Kinds) -> float | None:
    """Cycles that a layer is expected to take on all cores of some kinds; None if it does not fit
    there, where its membranes may have to travel."""
    draft = _draft(layer, kinds, architecture)
    try:
        if architecture.schedule.order == "layer":
            return _cut(draft, architecture).expected_cycles
        return _keeping(draft, "spilled", architecture).expected_cycles
    except CapacityError:
        return None


def _by_place(drafts: Sequence[Plan]) -> list[list[int]]:
    """Plans that share cores, by number."""
    places: dict[str, list[int]] = defaultdict(list)
    for index, draft in enumerate(drafts):
        places[draft.queue].append(index)
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
    for kinds in dict.fromkeys(draft.groups for draft in drafts):
        mine = [index for index, draft in enumerate(drafts) if draft.groups == kinds]
        work = [_on_one_core(drafts[index], architecture) for index in mine]
        count = architecture.kinds[kinds[0]].count
        for index, (first, own) in zip(mine, share_cores(work, count), strict=True):
            place = replace(drafts[index].places[0], first=first, count=own)
            share = drafts[index].weight_share * own // count
            plans[index] = replace(drafts[index], places=(place,), weight_share=share)
    return plans


def _on_one_core(draft: Plan, architecture: Architecture) -> float:
    """Cycles that a core is expected to compute for a layer if it had all of it. What a pipeline's
    layers share, such as DRAM, does not become faster with more cores for one of them."""
    alone = replace(draft, places=(replace(draft.places[0], count=1),))
    return _cut(alone, architecture).choice.loads.compute


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
    counts = {place.group: place.count for draft in drafts for place in draft.places}
    state_bits = {kind: architecture.kinds[kind].state_memory.size_bits for kind in counts}
    all_bits = sum(counts[kind] * bits for kind, bits in state_bits.items())
    if not keeps_membranes([draft.geometry for draft in drafts], all_bits):
        return None
    try:
        plans = [_keeping(draft, "resident", architecture) for draft in drafts]
    except CapacityError:
        return None  # half the memory does not hold the smallest tile; all of it may
    for kind, bits in state_bits.items():
        if sum(plan.resident_bits(kind) for plan in plans) > bits // WORKING_PART:
            return None
    return plans


def _keeping(
    draft: Plan, choice: Literal["resident", "spilled"], architecture: Architecture
) -> Plan:
    """A plan whose membranes are kept in one way; layers computed once have none to keep."""
    places = draft.places
    if draft.geometry.has_neurons and draft.geometry.timesteps > 1:
        places = tuple(
            replace(place, geometry=replace(place.geometry, membranes=choice)) for place in places
        )
    return _cut(replace(draft, places=places), architecture, has_residents=choice == "resident")


def _cut(draft: Plan, architecture: Architecture, *, has_residents: bool = False) -> Plan:
    """A plan with the best cut for its cores.

    Raises:
        CapacityError: no cut fits.
    """
    sites = tuple(
        Site(place.geometry, _working(architecture.kinds[place.group], place.count, has_residents))
        for place in draft.places
    )
    around = surroundings(architecture, draft.weight_share)
    reloads = architecture.schedule.order != "layer" and not draft.keeps_weights
    passes = draft.geometry.steps if reloads else 1
    outside = replace(draft.outside, weight_passes=passes)
    if draft.geometry.work is Work.HOST:
        return replace(draft, choice=host_choice(draft.geometry, architecture, outside))
    schedule = architecture.schedule
    partition = schedule.layers.get(draft.fused.name, schedule.partition)
    try:
        choice = best_grid(sites, around, partition, outside)
    except CapacityError as error:
        on = " and ".join(f"'{group}'" for group in draft.groups)
        raise CapacityError(
            f"layer '{draft.fused.name}' on core {on} of {architecture.name}: {error}"
        ) from None
    return replace(draft, choice=choice)


def _working(core: Core, count: int, has_residents: bool) -> Core:
    """A kind of core with so many cores, and with the state memory that is left to jobs."""
    changes: dict[str, object] = {"count": count}
    if has_residents:
        memory = core.state_memory
        size = memory.size_bits - memory.size_bits // WORKING_PART
        changes["state_memory"] = memory.model_copy(update={"size_bits": size})
    return core.model_copy(update=changes)


def surroundings(architecture: Architecture, share: int) -> Surroundings:
    """What cores share with the others, if so many bits of the weight buffer are theirs."""
    assert architecture.technology is not None, "an architecture with cores states its clock"
    precision, storage = chip_precision(architecture), chip_storage(architecture)
    dram = storage.dram
    clock_hz = architecture.technology.clock_hz
    bandwidth = dram.channels * dram.bandwidth_bits_per_s / clock_hz
    static_pj = idle_pj_per_cycle(architecture)
    way_pj = 0.0 if architecture.noc is None else _way_pj_per_bit(architecture.noc, architecture)
    has_noc = architecture.noc is not None
    return Surroundings(precision, storage, share, bandwidth, static_pj, way_pj, has_noc)


def _way_pj_per_bit(noc: Noc, architecture: Architecture) -> float:
    """Energy of a bit between the shared memories and a core, on average over the cores."""
    if noc.columns is None:
        return noc.hop_pj_per_bit
    count = sum(core.count for core in architecture.cores.values())
    column_hops = sum(1 + number % noc.columns for number in range(count)) / count
    row_hops = sum(number // noc.columns for number in range(count)) / count
    vertical_pj = noc.vertical_hop_pj_per_bit
    vertical_pj = noc.hop_pj_per_bit if vertical_pj is None else vertical_pj
    return column_hops * noc.hop_pj_per_bit + row_hops * vertical_pj * (noc.storage == "corner")


def weight_shares(architecture: Architecture) -> dict[str, int]:
    """Bits of the weight buffer for each kind of core, in proportion to its weight memories; none
    for the host."""
    held = {
        name: core.count * core.weight_memory.size_bits for name, core in architecture.cores.items()
    }
    size = chip_storage(architecture).weight_buffer.size_bits
    shares = {name: size * bits // sum(held.values()) for name, bits in held.items()}
    return dict.fromkeys(architecture.kinds, 0) | shares


def chip_storage(architecture: Architecture) -> Storage:
    """The shared memories of an architecture that has cores."""
    assert architecture.storage is not None, "an architecture with cores states its storage"
    return architecture.storage
