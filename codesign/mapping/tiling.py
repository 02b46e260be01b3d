"""Tiles: how the output of a fused layer is cut over cores and over the cores' memories.

A tile is a band of output rows by a slice of output channels. The input channels of a
convolution may be cut into chunks as well: the chunks of a tile are computed one after the
other on one core, so that their weights need not be there together; their partial sums stay in
the core's state memory for all timesteps. A vector `(F,)` counts as F channels of one pixel.
"""

import itertools
import math
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
    """

    bands: tuple[Band, ...]
    slices: tuple[Band, ...]
    chunks: tuple[Band, ...]
    width: int

    @property
    def tile_count(self) -> int:
        return len(self.bands) * len(self.slices)

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


@lru_cache(maxsize=4096)
def most_input_rows(bands: tuple[Band, ...], window: Window | None, height: int) -> int:
    """Input rows that the band which reaches furthest needs."""
    return max(input_rows(band, window, height) for band in bands)


@lru_cache(maxsize=4096)
def cut(size: int, parts: int) -> tuple[Band, ...]:
    """Ranges of equal length, the first ones longer by one where `parts` does not divide `size`."""
    short, longer = divmod(size, parts)
    edges = [0]
    for part in range(parts):
        edges.append(edges[-1] + short + (part < longer))
    return tuple(itertools.pairwise(edges))


@lru_cache(maxsize=4096)
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
    """The input rows that a band of output rows reaches, padding left out."""
    first = band[0] * window.stride[0] - window.padding[0]
    last = (band[1] - 1) * window.stride[0] - window.padding[0]
    last += window.dilation[0] * (window.kernel[0] - 1)
    first, end = max(first, 0), min(last, height - 1) + 1
    return first, max(first, end)


def cores_of_tiles(tile_count: int, core_count: int) -> NDArray[np.int64]:
    """The core of each tile, counted within its kind: equal runs of neighbours."""
    cores: NDArray[np.int64] = np.arange(tile_count) * min(core_count, tile_count) // tile_count
    return cores


def fetch_rounds(grid: Grid, core_count: int, *, keeps: bool) -> NDArray[np.int64]:
    """For each tile, the round of tiles for which its weights are fetched from DRAM.

    Weights that the buffer keeps (`keeps`) are fetched for the first round in which any core
    needs them; others for each round, but a core that goes on with the same slice keeps an uncut
    one itself.
    """
    counts = len(grid.slices), len(grid.bands)
    return _fetch_rounds(*counts, core_count, keeps=keeps, is_cut=len(grid.chunks) > 1)


def _fetch_rounds(
    slices: int, bands: int, core_count: int, *, keeps: bool, is_cut: bool
) -> NDArray[np.int64]:
    tiles = np.arange(slices * bands)
    cores = cores_of_tiles(len(tiles), core_count)
    rounds: NDArray[np.int64] = tiles - np.searchsorted(cores, cores)
    if keeps:
        return np.repeat(rounds.reshape(slices, bands).min(axis=1), bands)
    if is_cut:
        return rounds
    runs = cores * slices + tiles // bands
    first_of_run: NDArray[np.int64] = rounds[np.searchsorted(runs, runs)]
    return first_of_run


def fetches(grid: Grid, core_count: int) -> int:
    """How often slices are fetched together where the weight buffer cannot keep the layer."""
    return _fetches(len(grid.slices), len(grid.bands), core_count, is_cut=len(grid.chunks) > 1)


@lru_cache(maxsize=4096)
def _fetches(slices: int, bands: int, core_count: int, *, is_cut: bool) -> int:
    rounds = _fetch_rounds(slices, bands, core_count, keeps=False, is_cut=is_cut)
    return len(np.unique(rounds * slices + np.arange(slices * bands) // bands))
