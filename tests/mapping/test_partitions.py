"""What of a layer the cores divide, chosen or forced."""

import numpy as np
import pytest

from codesign.errors import InputError
from codesign.mapping import Mapping, lower, map_workload
from codesign.mapping.tiling import teams_by_work
from codesign.specs.architecture import Architecture, Partition
from codesign.trace import Trace
from codesign.workload import Kind
from tests.chip.small_chips import split_chip
from tests.chip.test_closed_forms import on_a_bus
from tests.small_networks import THREE, NetworkBuilder


def chip(partition: str, **layers: str) -> Architecture:
    """Four spike cores on a bus."""
    plain = on_a_bus(split_chip("cores.spike.count=4"), 128)
    schedule = plain.schedule.model_copy(
        update={
            "partition": Partition(partition),
            "layers": {name: Partition(each) for name, each in layers.items()},
        }
    )
    return plain.model_copy(update={"schedule": schedule})


def two_convolutions() -> Trace:
    net = NetworkBuilder(timesteps=2, seed=1, rate=0.4)
    net.add_tensor("x", (16, 8, 8), Kind.SPIKE, largest=1)
    net.convolution("x", 16, THREE, name="first")
    net.neuron("first", name="s1")
    net.convolution("s1", 16, THREE, name="second")
    net.neuron("second", name="s2")
    return net.trace()


def cuts(mapping: Mapping) -> list[tuple[int, int, int, bool]]:
    """Slices, bands and chunks of each layer, and whether chunks are spread."""
    grids = [plan.grid for plan in mapping.plans]
    return [(len(g.slices), len(g.bands), len(g.chunks), g.is_spread) for g in grids]


def test_output_channels_give_every_core_a_slice() -> None:
    for slices, _, _, spread in cuts(
        map_workload(two_convolutions().workload, chip("output_channels"))
    ):
        assert slices >= 4
        assert not spread


def test_rows_are_cut_into_bands_with_all_output_channels() -> None:
    for slices, bands, _, spread in cuts(map_workload(two_convolutions().workload, chip("rows"))):
        assert slices == 1
        assert bands >= 4
        assert not spread


def test_input_channels_are_spread_and_their_sums_meet_on_the_core_of_the_last_chunk() -> None:
    trace = two_convolutions()
    mapping = map_workload(trace.workload, chip("input_channels"))
    assert all(spread and chunks > 1 for _, _, chunks, spread in cuts(mapping))
    columns = lower(mapping, trace).columns
    sends, adds = columns["sum_bits"] > 0, columns["reduction"] > 0
    assert (columns["owner"][sends] >= 0).all()
    assert (columns["owner"][sends] != columns["core"][sends]).all()
    assert set(columns["owner"][sends]) == set(columns["core"][adds])
    elements = 16 * 8 * 8
    for plan in mapping.plans:
        mine = columns["layer"] == plan.fused.index
        others = len(plan.grid.chunks) - 1
        assert columns["reduction"][mine].sum() == elements * others * 2
        assert columns["sum_bits"][mine].sum() == elements * others * 2 * 16


def test_one_layer_can_be_forced_alone() -> None:
    mapping = map_workload(two_convolutions().workload, chip("rows", second="input_channels"))
    assert [spread for *_, spread in cuts(mapping)] == [False, True]


def test_a_layer_that_is_not_there_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match=r"schedule\.layers.*got 'frist'.*Did you mean 'first'"):
        map_workload(two_convolutions().workload, chip("rows", frist="rows"))


@pytest.mark.parametrize("cores", [1, 2, 3, 7])
def test_balanced_runs_are_as_even_as_runs_can_be(cores: int) -> None:
    work = np.array([5, 1, 1, 9, 2, 2, 7, 1, 4])
    dealt = teams_by_work(work[None], [0] * cores)
    assert (np.diff(dealt) >= 0).all()
    loads = [int(work[dealt == core].sum()) for core in range(cores)]

    def least(tiles: list[int], runs: int) -> int:
        if runs == 1:
            return sum(tiles)
        if not tiles:
            return 0
        rest = range(1, len(tiles) + 1)
        return min(max(sum(tiles[:n]), least(tiles[n:], runs - 1)) for n in rest)

    assert max(loads) == least(work.tolist(), cores)


@pytest.mark.parametrize("partition", ["output_channels", "rows", "input_channels"])
def test_alternatives_are_what_each_forced_partition_is_expected_to_take(partition: str) -> None:
    workload = two_convolutions().workload
    free, forced = map_workload(workload, chip("auto")), map_workload(workload, chip(partition))
    for plan, only in zip(free.plans, forced.plans, strict=True):
        alone = only.choice.alternatives[Partition(partition)]
        assert plan.choice.alternatives[Partition(partition)] == alone
        assert plan.choice.edp <= 1.03 * only.choice.edp  # of those as good, the fewest jobs
