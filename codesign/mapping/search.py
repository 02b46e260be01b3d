"""Search for the cut of a fused layer that a roofline expects to be fastest.

For each pair of band and slice counts the fewest chunks that fit the memories are taken. The
expected cycles are the largest of four loads: the busiest core's computing, the weight buffer's
ports, the activation buffer's ports, the fetching of weights from DRAM. Of the cuts within 3 % of
the fastest, which is less than the expectation can tell apart, the one that fetches least is
taken, and of these the one with the fewest jobs. Spike maps are expected to be `EXPECTED_RATE`
full: the choice must not depend on the recorded input, or the same network would be mapped
differently for every image.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from codesign.errors import CapacityError
from codesign.mapping.datapaths import (
    array_pass,
    element_lanes,
    mac_datapath,
    scan_width,
    spike_datapath,
    weight_tiles,
    weight_vector,
)
from codesign.mapping.geometry import Geometry, Work, needs_of
from codesign.mapping.tiling import (
    Grid,
    Teams,
    cut,
    cut_by,
    fetches,
    most_input_rows,
    most_tiles,
)
from codesign.specs.architecture import Core, Partition, Precision, Storage

EXPECTED_RATE = 0.2
"""Spikes per element, near the mean of Table 2's networks (0.14 to 0.25)."""

_MOST_CHUNKS = 4096

AS_FAST = 1.03


@dataclass(frozen=True)
class Surroundings:
    """What a kind of core shares with the others, as far as a cut depends on it.

    Attributes:
        precision: widths of numbers.
        storage: the shared memories.
        share: bits of the weight buffer that this kind of core has.
        dram_bits_per_cycle: bandwidth of all channels together.
        has_noc: whether partial sums can travel from core to core.
    """

    precision: Precision
    storage: Storage
    share: int
    dram_bits_per_cycle: float
    has_noc: bool = False


class Site(NamedTuple):
    """A layer on one kind of core.

    Attributes:
        geometry: sizes of the layer on such a core.
        core: the kind, with as many cores as may work on the layer.
    """

    geometry: Geometry
    core: Core


Sites = tuple[Site, ...]
"""The kinds of core that share a layer, in declared order."""


class Loads(NamedTuple):
    """Cycles that a cut is expected to ask of each resource for one layer."""

    compute: float
    weight_buffer: float
    activation_buffer: float
    dram: float

    @property
    def cycles(self) -> float:
        """Those of the slowest: what the layer is expected to take."""
        return max(self)

    @property
    def limit(self) -> str:
        """The slowest."""
        return max(self._fields, key=lambda name: float(getattr(self, name)))


@dataclass(frozen=True)
class Choice:
    """The cut of a layer, and why.

    Attributes:
        grid: the cut.
        loads: what it is expected to take.
        teams: how many teams of cores each kind has, and what a tile takes one, by which tiles are
            dealt to them.
        alternatives: expected cycles of the fastest cut that divides output channels, rows or
            input channels among the cores; those that a layer or a chip does not allow are left
            out, as are all but the one that is forced.
    """

    grid: Grid
    loads: Loads
    teams: Teams
    alternatives: Mapping[Partition, float]


@lru_cache(maxsize=4096)
def best_grid(sites: Sites, around: Surroundings, partition: Partition = Partition.AUTO) -> Choice:
    """The cut with the least expected cycles, which fits every core that gets a part.

    Args:
        sites: the layer on each kind of core that shares it.
        around: what these cores share with others.
        partition: what may be divided among the cores; what memory cuts beyond that, it cuts.

    Raises:
        CapacityError: no cut fits; the message names memory, need and capacity, not the layer.
    """
    grids = _partitioned(sites, around, partition)
    rated = [(_expected(sites, grid, around), grid) for grid in grids]
    if not rated:
        raise CapacityError(_why_nothing_fits(sites, around.share))
    fastest = min(loads.cycles for loads, _ in rated)
    as_fast = [each for each in rated if each[0].cycles <= fastest * AS_FAST]
    loads, grid = min(as_fast, key=_preference)
    cycles = [loads.cycles for loads, _ in rated]
    alternatives = {
        kind: min(compress(cycles, chosen))
        for kind in _PARTITIONS
        if any(chosen := _divides(kind, grids, sites))
    }
    return Choice(grid, loads, _teams(sites, grid, around.precision), alternatives)


_PARTITIONS = (Partition.OUTPUT_CHANNELS, Partition.ROWS, Partition.INPUT_CHANNELS)


def _preference(rated: tuple[Loads, Grid]) -> tuple[float, ...]:
    """Less is better, among cuts that are as fast: fetching, jobs, cycles, buffers' traffic."""
    loads, grid = rated
    traffic = loads.weight_buffer + loads.activation_buffer
    return loads.dram, _job_count(grid), loads.cycles, traffic


def _partitioned(sites: Sites, around: Surroundings, partition: Partition) -> list[Grid]:
    """Cuts that fit and divide what they may.

    By output channels there is a slice for every core, which goes through its rows one band after
    the other. By rows there are as few slices as memory asks for. Input channels can be divided
    where a layer has several, not in groups, and there is a NoC; other layers may divide
    everything.
    """
    geometry = sites[0].geometry
    divisible = geometry.work is not Work.ELEMENT_WISE and geometry.window.groups == 1
    spread: list[Grid] = []
    if divisible and around.has_noc and partition in (Partition.AUTO, Partition.INPUT_CHANNELS):
        spread = list(_spread(sites, around.share))
    if partition is Partition.INPUT_CHANNELS and spread:
        return spread
    grids = list(_candidates(sites, around.share))
    if partition in (Partition.OUTPUT_CHANNELS, Partition.ROWS):
        return list(compress(grids, _divides(partition, grids, sites)))
    return grids + spread


def _divides(partition: Partition, grids: list[Grid], sites: Sites) -> list[bool]:
    """Whether each cut divides one thing only among the cores, as far as memory allows."""
    if partition is Partition.INPUT_CHANNELS:
        return [grid.is_spread for grid in grids]
    counts = [0 if grid.is_spread else len(grid.slices) for grid in grids]
    if partition is Partition.OUTPUT_CHANNELS:
        cores = sum(site.core.count for site in sites)
        enough = max(1, min(cores, max(counts, default=0)))
        return [count >= enough for count in counts]
    fewest = min((count for count in counts if count), default=1)
    return [count == fewest for count in counts]


def _overflow(sites: Sites, grid: Grid, share: int) -> list[tuple[str, int, int]]:
    """Memories of any of the kinds that the largest job overflows, as `needs_of` gives them."""
    return [need for site in sites for need in needs_of(site.geometry, grid, site.core, share)]


def _spread(sites: Sites, share: int) -> Iterator[Grid]:
    """Cuts whose chunks of input channels are on different cores of one kind; a kind that has too
    few gets no tile."""
    geometry = sites[0].geometry
    inputs = geometry.input_channels_per_group
    channels, rows, columns = geometry.output_map
    most = min(inputs, max(site.core.count for site in sites))
    for count in (2, 3, 4, 6, 8, 12, 16, 32):
        if count > most:
            break
        for length in _slice_lengths(sites):
            for band_count in sorted({1, 2, 4, 7, 8, 14, 16, 28, rows}):
                if band_count > rows:
                    continue
                bands, slices = cut(rows, band_count), cut_by(channels, length)
                grid = Grid(bands, slices, cut(inputs, count), columns, is_spread=True)
                if not _overflow(sites, grid, share):
                    yield grid


def _job_count(grid: Grid) -> int:
    """Jobs of one timestep."""
    return grid.tile_count * len(grid.chunks)


def _candidates(sites: Sites, share: int) -> Iterator[Grid]:
    rows = sites[0].geometry.output_map[1]
    band_counts = sorted({*range(1, min(rows, 32) + 1), *(-(-rows // k) for k in range(1, 8))})
    for length in _slice_lengths(sites):
        for band_count in band_counts:
            grid = _with_fewest_chunks(sites, share, (band_count, length))
            if grid is not None:
                yield grid


def _slice_lengths(sites: Sites) -> list[int]:
    """Output channels in a slice: whole groups of a grouped convolution, else fractions and
    multiples of what a core does at once."""
    geometry = sites[0].geometry
    channels = geometry.output_map[0]
    lengths = {1}
    for unit in {_unit(geometry, site.core) for site in sites}:
        halves = (unit >> power for power in range(unit.bit_length()))
        multiples = (unit << power for power in range(channels.bit_length()))
        lengths |= {min(channels, length) for length in (*halves, *multiples)}
    if geometry.work is not Work.ELEMENT_WISE and geometry.window.groups > 1:
        group = geometry.outputs_per_group
        lengths = {max(1, length // group) * group for length in lengths}
    return sorted(lengths)


def _unit(geometry: Geometry, core: Core) -> int:
    """Output channels that a core does at once."""
    if core.spike and geometry.work is not Work.MULTIPLY:
        return core.spike.lanes // (core.spike.pixels or 1)
    if core.mac and geometry.work is Work.MULTIPLY:
        holds_weights = core.mac.dataflow == "weight_stationary"
        return core.mac.columns if holds_weights else core.mac.rows
    return 8


def _with_fewest_chunks(sites: Sites, share: int, cut_of: tuple[int, int]) -> Grid | None:
    """So many bands, and slices of such a length, with as few chunks as fit; None if none do."""
    geometry, (band_count, length) = sites[0].geometry, cut_of
    channels, rows, columns = geometry.output_map
    bands, slices = cut(rows, band_count), cut_by(channels, length)
    inputs = geometry.input_channels_per_group
    whole = Grid(bands, slices, ((0, inputs),), columns)
    overflow = _overflow(sites, whole, share)
    if not overflow:
        return whole
    if geometry.work is Work.ELEMENT_WISE or geometry.window.groups > 1:
        return None  # nothing to cut: every output channel has its own input channels
    if not share:
        return None
    cuttable = [need / size for name, need, size in overflow if name != "state_memory"]
    chunk_count = max((-int(-ratio // 1) for ratio in cuttable), default=inputs)
    while chunk_count <= min(inputs, _MOST_CHUNKS):
        grid = Grid(bands, slices, cut(inputs, chunk_count), columns)
        overflow = _overflow(sites, grid, share)
        if not overflow:
            return grid
        if any(name == "state_memory" for name, _, _ in overflow):
            return None  # more chunks never need less state
        chunk_count += 1
    return None


def _teams(sites: Sites, grid: Grid, precision: Precision) -> Teams:
    """Teams of each kind, and what the largest tile is expected to take one at a timestep."""
    if len(sites) == 1:
        return ((sites[0].core.count // grid.cores_per_tile, 1.0),)
    return tuple(
        (site.core.count // grid.cores_per_tile, _tile_cycles(*site, grid, precision))
        for site in sites
    )


def _tile_cycles(geometry: Geometry, core: Core, grid: Grid, precision: Precision) -> float:
    """Cycles of the largest tile at a timestep."""
    chunks, pixels = len(grid.chunks), grid.largest_tile
    job = _job_cycles(geometry, grid, core, precision)
    epilogue = -(-pixels // core.neuron_lanes) if geometry.has_neurons else 0
    if grid.is_spread:
        epilogue += (chunks - 1) * -(-pixels // element_lanes(core))
    in_turn = 1 if grid.is_spread else chunks
    return in_turn * job + epilogue


def _expected(sites: Sites, grid: Grid, around: Surroundings) -> Loads:
    """What a cut is expected to take."""
    geometry, storage = sites[0].geometry, around.storage
    teams, tiles = _teams(sites, grid, around.precision), grid.tile_count
    compute = geometry.timesteps * max(
        count * _tile_cycles(*site, grid, around.precision)
        for count, site in zip(most_tiles(tiles, teams), sites, strict=True)
    )
    block = geometry.block_bits(grid.largest_slice, grid.largest_chunk)
    weights = _job_count(grid) * block / storage.weight_buffer.bits_per_cycle
    moved = geometry.batch * grid.largest_tile * (geometry.operand_bits + geometry.stored_bits)
    moved += len(grid.chunks) * geometry.input_tile_bits(grid)
    moved += len(grid.chunks) * geometry.value_block_bits(grid.largest_slice, grid.largest_chunk)
    traffic = tiles * geometry.steps * moved
    activations = traffic / storage.activation_buffer.bits_per_cycle
    fetching = geometry.layer_bits() / around.dram_bits_per_cycle
    if not geometry.keeps_weights(around.share):
        fetching *= fetches(grid, teams) / len(grid.slices)
    return Loads(compute, weights, activations, fetching)


def _job_cycles(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> float:
    """Cycles of the largest job without its epilogue, at one of its timesteps."""
    rows = most_input_rows(grid.bands, geometry.window, geometry.input_map[1])
    channels = geometry.input_channels(grid.largest_slice, grid.largest_chunk)
    elements = channels * rows * geometry.input_map[2]
    if geometry.work is Work.ACCUMULATE:
        cycles = _adding_cycles(geometry, grid, core, precision)
        return max(elements / scan_width(core), cycles) + core_fill(core, geometry.work)
    if geometry.work is Work.MULTIPLY:
        cycles = _array_cycles(geometry, grid, core, precision)
        return cycles + core_fill(core, geometry.work)
    return elements * geometry.input_timesteps / element_lanes(core)


def _adding_cycles(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> float:
    """Of spikes that are scattered; or gathered, as if those of neighbours did not depend on each
    other, unless their windows take longer to scan."""
    channels = geometry.input_channels(grid.largest_slice, grid.largest_chunk)
    pixels, taps = grid.largest_band * grid.width, channels * geometry.window.taps
    per_group = min(grid.largest_slice, geometry.outputs_per_group)
    vector = weight_vector(core, precision, per_group, geometry.value_bits)
    together = spike_datapath(core).pixels
    if together is None:
        return EXPECTED_RATE * channels * pixels * geometry.window.taps * vector.cycles
    any_spikes = 1 - (1 - EXPECTED_RATE) ** together
    adding = any_spikes * -(-pixels // together) * taps * vector.cycles
    return max(adding, pixels * taps * vector.passes / scan_width(core))


def _array_cycles(geometry: Geometry, grid: Grid, core: Core, precision: Precision) -> float:
    """Of a MAC array, as if it skipped nothing."""
    array, pixels = mac_datapath(core), grid.largest_band * grid.width
    groups = max(1, grid.largest_slice // geometry.outputs_per_group)
    per_group = min(grid.largest_slice, geometry.outputs_per_group)
    taps = grid.largest_chunk * geometry.window.taps
    if array.dataflow == "weight_stationary":
        tiles = weight_tiles(core, precision, (taps, per_group), geometry.input_bits)
        each = tiles.loading_cycles / geometry.batch + pixels * tiles.cycles
        return groups * tiles.row_tiles * tiles.column_tiles * each
    once = array_pass(core, precision, per_group, geometry.input_bits)
    return once.passes * once.cycles * -(-pixels // array.columns) * groups * taps


def core_fill(core: Core, work: Work) -> int:
    """Cycles before the first result of a job's main layer."""
    if work is Work.ACCUMULATE and core.spike:
        return core.spike.fill_cycles
    return core.mac.fill_cycles if work is Work.MULTIPLY and core.mac else 0


def _why_nothing_fits(sites: Sites, share: int) -> str:
    """The memory that even the smallest job overflows, with all chunks or with none."""
    geometry = sites[0].geometry
    channels, rows, columns = geometry.output_map
    grouped = geometry.work is not Work.ELEMENT_WISE and geometry.window.groups > 1
    length = geometry.outputs_per_group if grouped else 1
    inputs = geometry.input_channels_per_group
    chunk_count = inputs if geometry.work is not Work.ELEMENT_WISE and not grouped else 1
    smallest = Grid(cut(rows, rows), cut_by(channels, length), cut(inputs, chunk_count), columns)
    overflow = _overflow(sites, smallest, share)
    if not overflow:
        whole = Grid(cut(rows, rows), cut_by(channels, length), ((0, inputs),), columns)
        overflow = _overflow(sites, whole, share)
    name, need, size = overflow[0]
    has = "of which this kind of core has a share of" if name == "weight_buffer" else "which has"
    return (
        f"even its smallest tile needs {-(-need // 8):,} bytes of {name}, {has} {size // 8:,}. "
        f"Enlarge {name}."
    )
