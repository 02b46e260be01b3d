"""Search for the cut of a fused layer with the least expected EDP.

For each pair of band and slice counts the fewest chunks that fit the memories are taken. Of all
cuts, expected cycles (`codesign.mapping.expected_cycles`) times expected energy
(`codesign.mapping.expected_energy`) decide. Of those within 3 % of the least, which is less than
the expectation can tell apart, the one is taken that moves least from and to DRAM, of these the one
with the fewest jobs. Small tiles cost what no expectation sees: whole cycles and words of each
transfer, and cores of which more have as much to do as the busiest.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import compress
from typing import NamedTuple

from codesign.errors import CapacityError
from codesign.mapping.expected_cycles import (
    INSIDE,
    Loads,
    Outside,
    Sites,
    Surroundings,
    expected_loads,
    job_count,
    teams_of,
)
from codesign.mapping.expected_energy import expected_pj
from codesign.mapping.geometry import Geometry, Work, needs_of
from codesign.mapping.tiling import (
    Grid,
    Teams,
    cut,
    cut_by,
)
from codesign.specs.architecture import Core, Partition

_MOST_CHUNKS = 4096

AS_GOOD = 1.03


@dataclass(frozen=True)
class Choice:
    """The cut of a layer, and why.

    Attributes:
        grid: the cut.
        loads: what it is expected to take.
        energy_pj: what it is expected to spend.
        teams: how many teams of cores each kind has, and what a tile takes one, by which tiles are
            dealt to them.
        alternatives: expected cycles of the best cut that divides output channels, rows or input
            channels among the cores; those that a layer or a chip does not allow are left out, as
            are all but the one that is forced.
    """

    grid: Grid
    loads: Loads
    energy_pj: float
    teams: Teams
    alternatives: Mapping[Partition, float]

    @property
    def edp(self) -> float:
        """Expected cycles times expected energy."""
        return self.loads.cycles * self.energy_pj


class _Rated(NamedTuple):
    """A cut and what is expected of it."""

    grid: Grid
    loads: Loads
    energy_pj: float

    @property
    def edp(self) -> float:
        return self.loads.cycles * self.energy_pj


@lru_cache(maxsize=256)
def best_grid(
    sites: Sites,
    around: Surroundings,
    partition: Partition = Partition.AUTO,
    outside: Outside = INSIDE,
) -> Choice:
    """The cut with the least expected EDP, which fits every core that gets a part.

    Args:
        sites: the layer on each kind of core that shares it.
        around: what these cores share with others.
        partition: what may be divided among the cores; what memory cuts beyond that, it cuts.
        outside: what passes DRAM.

    Raises:
        CapacityError: no cut fits; the message names memory, need and capacity, not the layer.
    """
    grids = _partitioned(sites, around, partition)
    if not grids:
        raise CapacityError(_why_nothing_fits(sites, around.share))
    rated = [_rated(sites, grid, around, outside) for grid in grids]
    least = min(each.edp for each in rated)
    grid, loads, energy_pj = min(
        (each for each in rated if each.edp <= least * AS_GOOD), key=_preference
    )
    alternatives = {
        kind: min(compress(rated, chosen), key=lambda each: each.edp).loads.cycles
        for kind in _PARTITIONS
        if any(chosen := _divides(kind, grids, sites))
    }
    teams = teams_of(sites, grid, around.precision)
    return Choice(grid, loads, energy_pj, teams, alternatives)


def _rated(sites: Sites, grid: Grid, around: Surroundings, outside: Outside) -> _Rated:
    loads = expected_loads(sites, grid, around, outside)
    return _Rated(grid, loads, expected_pj(sites, grid, around, outside, loads.cycles))


_PARTITIONS = (Partition.OUTPUT_CHANNELS, Partition.ROWS, Partition.INPUT_CHANNELS)


def _preference(rated: _Rated) -> tuple[float, ...]:
    """Less is better, among cuts that are as good: DRAM, jobs, cycles, traffic of the buffers."""
    grid, loads, _ = rated
    traffic = loads.weight_buffer + loads.activation_buffer
    return loads.dram, job_count(grid), loads.cycles, traffic


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
