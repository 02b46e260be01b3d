"""Tiles: how the output of a fused layer is cut over cores and over the cores' memories.

A tile is a band of output rows by a slice of output channels. The input channels of a
convolution may be cut into chunks as well. The chunks of a tile are computed one after the other
on one core, so that their weights need not be there together, and their partial sums stay in the
core's state memory; or they are spread over cores that compute them side by side and send their
partial sums to the core of the last chunk. A vector `(F,)` counts as F channels of one pixel.
"""

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from codesign.fanout import Band
from codesign.workload import Window


@dataclass(frozen=True, slots=True)
class Grid:
    """A cut of `(C, H, W)` outputs and `c` input channels.

    Of bands, slices and chunks the first is the longest, as `cut` and `cut_by` make them.

    Attributes:
        bands: output rows of each band.
        slices: output channels of each slice.
        chunks: input channels of each chunk, counted within a group of the convolution.
        width: pixels of an output row.
        is_spread: whether the chunks of a tile are on different cores.
    """

    bands: tuple[Band, ...]
    slices: tuple[Band, ...]
    chunks: tuple[Band, ...]
    width: int
    is_spread: bool = False

    @property
    def tile_count(self) -> int:
        return len(self.bands) * len(self.slices)

    @property
    def cores_per_tile(self) -> int:
        return len(self.chunks) if self.is_spread else 1

    @property
    def largest_band(self) -> int:
        return self.bands[0][1] - self.bands[0][0]

    @property
    def largest_slice(self) -> int:
        return self.slices[0][1] - self.slices[0][0]

    @property
    def largest_chunk(self) -> int:
        return self.chunks[0][1] - self.chunks[0][0]

    @property
    def largest_tile(self) -> int:
        """Output elements of the largest tile."""
        return self.largest_band * self.largest_slice * self.width


@lru_cache(maxsize=1024)
def most_input_rows(bands: tuple[Band, ...], window: Window | None, height: int) -> int:
    """Input rows that the band which reaches furthest needs."""
    return max(input_rows(band, window, height) for band in bands)


@lru_cache(maxsize=1024)
def cut(size: int, parts: int) -> tuple[Band, ...]:
    """Ranges of equal length, the first ones longer by one where `parts` does not divide `size`."""
    short, longer = divmod(size, parts)
    edges = [0]
    for part in range(parts):
        edges.append(edges[-1] + short + (part < longer))
    return tuple(itertools.pairwise(edges))


@lru_cache(maxsize=1024)
def cut_by(size: int, length: int) -> tuple[Band, ...]:
    """Ranges of a given length; the last may be shorter."""
    return tuple((first, min(first + length, size)) for first in range(0, size, length))


def as_map(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """A shape as channels, rows, columns."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    return math.prod(shape), 1, 1


def input_rows(band: Band, window: Window | None, height: int) -> int:
    """Input rows that a band of output rows reaches, padding left out."""
    if window is None:
        return min(band[1] - band[0], height)
    first, last = input_band(band, window, height)
    return last - first


def input_band(band: Band, window: Window, height: int) -> Band:
    """The input rows that a band of output rows reaches, padding left out; none of a band that
    lies in padding alone."""
    first = band[0] * window.stride[0] - window.padding[0]
    last = (band[1] - 1) * window.stride[0] - window.padding[0]
    last += window.dilation[0] * (window.kernel[0] - 1)
    first, end = min(max(first, 0), height), min(last, height - 1) + 1
    return first, max(first, end)


Teams = tuple[tuple[int, float], ...]
"""For each kind of core that shares a layer, how many teams it has (a team is a core, or the cores
over which the chunks of a tile are spread), and the cycles that a tile is expected to take one."""


def teams_of_tiles(tile_count: int, teams: Teams) -> NDArray[np.int64]:
    """The team of each tile, counted over all kinds in order: runs of neighbours.

    Teams of one kind have equal runs. Of several kinds, a tile goes to the team that would then be
    done first, so that the busiest has as little to do as tiles of one size allow.
    """
    if len(teams) == 1:
        return cores_of_tiles(tile_count, teams[0][0])
    cycles = [cycles for count, cycles in teams for _ in range(count)]
    at_once = tile_count / sum(1 / each for each in cycles)
    shares = [int(at_once / each) for each in cycles]  # which none exceeds before all have as many
    ends = [(share + 1) * each for share, each in zip(shares, cycles, strict=True)]
    waiting = [(end, team) for team, end in enumerate(ends)]
    heapq.heapify(waiting)
    for _ in range(tile_count - sum(shares)):
        done, team = waiting[0]
        shares[team] += 1
        heapq.heapreplace(waiting, (done + cycles[team], team))
    runs: NDArray[np.int64] = np.repeat(np.arange(len(shares)), shares)
    return runs


@lru_cache(maxsize=1024)
def tiles_of_kinds(tile_count: int, teams: Teams) -> tuple[int, ...]:
    """The tiles that all teams of each kind have together."""
    if len(teams) == 1:
        return (tile_count,)
    ends = np.cumsum([0, *(count for count, _ in teams)])
    starts = np.searchsorted(teams_of_tiles(tile_count, teams), ends)
    return tuple(np.diff(starts).tolist())


@lru_cache(maxsize=1024)
def most_tiles(tile_count: int, teams: Teams) -> tuple[int, ...]:
    """The tiles of the team that has most, of each kind."""
    if len(teams) == 1:
        return (-(-tile_count // teams[0][0]),)
    shares = np.bincount(teams_of_tiles(tile_count, teams), minlength=sum(n for n, _ in teams))
    ends = itertools.accumulate(count for count, _ in teams)
    parts = (shares[end - count : end] for end, (count, _) in zip(ends, teams, strict=True))
    return tuple(int(part.max(initial=0)) for part in parts)


def cores_of_tiles(tile_count: int, core_count: int) -> NDArray[np.int64]:
    """The core of each tile, counted within its kind: equal runs of neighbours."""
    cores: NDArray[np.int64] = np.arange(tile_count) * min(core_count, tile_count) // tile_count
    return cores


def teams_by_work(work: NDArray[np.int64], kinds: Sequence[int]) -> NDArray[np.int64]:
    """The team of each tile, in runs of neighbours the busiest of which has least to do.

    Args:
        work: cycles of each tile on each kind of core, shape `(kinds, tiles)`.
        kinds: of each team there is; not all of them need to be used.
    """
    up_to = np.pad(np.cumsum(work, axis=1), ((0, 0), (1, 0)))
    least = int(work[sorted(set(kinds))].min(axis=0).max(initial=0))
    most = int(up_to[sorted(set(kinds)), -1].min())  # one team does everything
    while least < most:
        limit = (least + most) // 2
        if _runs_within(up_to, kinds, limit)[-1] == work.shape[1]:
            most = limit
        else:
            least = limit + 1
    ends = _runs_within(up_to, kinds, least)
    teams: NDArray[np.int64] = np.searchsorted(ends, np.arange(work.shape[1]), side="right")
    return teams


def _runs_within(up_to: NDArray[np.int64], kinds: Sequence[int], limit: int) -> list[int]:
    """The tile behind the run of each team, if each takes as many as a limit allows."""
    ends = []
    begin = 0
    for kind in kinds:
        reach = up_to[kind, begin] + limit
        begin = int(np.searchsorted(up_to[kind], reach, side="right")) - 1
        ends.append(begin)
    return ends


def fetch_rounds(grid: Grid, cores: NDArray[np.int64], *, keeps: bool) -> NDArray[np.int64]:
    """For each tile, the round of tiles for which its weights are fetched from DRAM.

    Weights that the buffer keeps (`keeps`) are fetched for the first round in which any core
    needs them; others for each round, but a core that goes on with the same slice keeps an uncut
    one itself, and one that has a single chunk of each tile keeps that.

    Args:
        grid: the cut.
        cores: of each tile, or the first of its cores; in runs of neighbours.
        keeps: whether the buffer holds the layer.
    """
    slices, bands = len(grid.slices), len(grid.bands)
    tiles = np.arange(slices * bands)
    rounds: NDArray[np.int64] = tiles - np.searchsorted(cores, cores)
    if keeps:
        return np.repeat(rounds.reshape(slices, bands).min(axis=1), bands)
    if len(grid.chunks) > 1 and not grid.is_spread:
        return rounds
    runs = cores * slices + tiles // bands
    first_of_run: NDArray[np.int64] = rounds[np.searchsorted(runs, runs)]
    return first_of_run


@lru_cache(maxsize=1024)
def core_loads(grid: Grid, teams: Teams) -> int:
    """How often a core loads a block of weights, while a layer is computed once."""
    slices, bands, chunks = len(grid.slices), len(grid.bands), len(grid.chunks)
    if chunks > 1 and not grid.is_spread:
        return slices * bands * chunks
    dealt = teams_of_tiles(slices * bands, teams)
    runs = dealt * slices + np.arange(slices * bands) // bands
    return chunks * (1 + int(np.count_nonzero(np.diff(runs))))


@lru_cache(maxsize=1024)
def fetches(grid: Grid, teams: Teams) -> int:
    """How often slices are fetched together where the weight buffer cannot keep the layer."""
    slices, bands = len(grid.slices), len(grid.bands)
    rounds = fetch_rounds(grid, teams_of_tiles(slices * bands, teams), keeps=False)
    return len(np.unique(rounds * slices + np.arange(slices * bands) // bands))
