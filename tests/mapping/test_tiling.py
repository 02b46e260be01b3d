"""Cuts are partitions, and a band of outputs reaches the rows that its taps reach."""

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.fanout import Band
from codesign.mapping.tiling import (
    Grid,
    as_map,
    cores_of_tiles,
    cut,
    cut_by,
    fetch_rounds,
    fetches,
    input_band,
    input_rows,
)
from codesign.workload import Window


def covered(bands: tuple[Band, ...]) -> list[int]:
    return list(chain.from_iterable(range(*band) for band in bands))


@given(size=st.integers(1, 200), data=st.data())
def test_a_cut_into_parts_is_a_partition_into_nearly_equal_ranges(
    size: int, data: st.DataObject
) -> None:
    parts = data.draw(st.integers(1, size))
    bands = cut(size, parts)
    lengths = [last - first for first, last in bands]
    assert covered(bands) == list(range(size))
    assert len(bands) == parts
    assert lengths == sorted(lengths, reverse=True)
    assert max(lengths) - min(lengths) <= 1


@given(size=st.integers(1, 200), length=st.integers(1, 300))
def test_a_cut_by_length_is_a_partition_whose_last_range_may_be_short(
    size: int, length: int
) -> None:
    bands = cut_by(size, length)
    assert covered(bands) == list(range(size))
    assert {last - first for first, last in bands[:-1]} <= {length}
    assert len(bands) == -(-size // length)


def test_a_grid_knows_its_largest_tile() -> None:
    grid = Grid(cut(7, 2), cut_by(10, 4), cut(5, 3), width=6)
    assert grid.bands == ((0, 4), (4, 7))
    assert grid.slices == ((0, 4), (4, 8), (8, 10))
    assert grid.chunks == ((0, 2), (2, 4), (4, 5))
    assert grid.tile_count == 6
    assert (grid.largest_band, grid.largest_slice, grid.largest_chunk) == (4, 4, 2)
    assert grid.largest_tile == 4 * 4 * 6


@pytest.mark.parametrize(
    ("shape", "expected"), [((3, 4, 5), (3, 4, 5)), ((7,), (7, 1, 1)), ((), (1, 1, 1))]
)
def test_a_vector_is_a_map_of_one_pixel(
    shape: tuple[int, ...], expected: tuple[int, int, int]
) -> None:
    assert as_map(shape) == expected


@given(
    band=st.tuples(st.integers(0, 6), st.integers(7, 12)),
    kernel=st.integers(1, 4),
    steps=st.tuples(st.integers(1, 3), st.integers(0, 3), st.integers(1, 3)),
    height=st.integers(1, 40),
)
def test_a_band_reads_from_its_first_to_its_last_row_inside_the_map(
    band: Band, kernel: int, steps: tuple[int, int, int], height: int
) -> None:
    stride, padding, dilation = steps
    window = Window((kernel, 1), (stride, 1), (padding, 0), (dilation, 1))
    reached = [
        output * stride - padding + tap * dilation
        for output in range(*band)
        for tap in range(kernel)
    ]
    between = range(min(reached), max(reached) + 1)
    assert input_rows(band, window, height) == sum(0 <= row < height for row in between)


def test_without_a_window_a_band_reads_its_own_rows() -> None:
    assert input_rows((2, 5), None, 9) == 3
    assert input_rows((0, 5), None, 1) == 1


def test_a_slice_that_two_cores_share_is_fetched_for_each_that_reaches_it_at_another_time() -> None:
    # Three tiles of one slice each on two cores: tiles 0 to 2 and 3 to 5, slices of two tiles.
    grid = Grid(cut(2, 2), cut(3, 3), cut(1, 1), width=1)
    assert cores_of_tiles(6, 2).tolist() == [0, 0, 0, 1, 1, 1]
    # Core 0 begins slice 1 in its round 2, core 1 goes on with it in its round 0.
    assert fetch_rounds(grid, cores_of_tiles(6, 2), keeps=False).tolist() == [0, 0, 2, 0, 1, 1]
    assert fetch_rounds(grid, cores_of_tiles(6, 2), keeps=True).tolist() == [0, 0, 0, 0, 1, 1]
    assert fetches(grid, ((2, 1.0),)) == 4
    chunked = Grid(cut(2, 2), cut(3, 3), cut(2, 2), width=1)
    assert fetch_rounds(chunked, cores_of_tiles(6, 2), keeps=False).tolist() == [0, 1, 2, 0, 1, 2]


def test_a_band_that_lies_in_padding_alone_reads_no_row() -> None:
    window = Window(kernel=(1, 1), padding=(2, 0))
    assert input_band((8, 10), window, height=6) == (6, 6)
    assert input_band((0, 2), window, height=6) == (0, 0)
