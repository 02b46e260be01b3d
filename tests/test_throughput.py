"""The interval between images is that of a steady stream: not of one that fills or empties."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.bounds import bounds_cycles
from codesign.chip import simulate
from codesign.energy import dynamic_pj
from codesign.mapping import Mapping, arrange, map_workload, measure
from codesign.mapping.datapaths import Integers
from codesign.static_power import idle_pj_per_cycle
from codesign.throughput import interval, stream_images
from tests.chip.small_chips import split_chip
from tests.small_networks import dual_stream_network

ORDERS = ("layer", "timestep", "pipeline")
SLOW_DRAM = "storage.dram.bandwidth=1 Gbit/s"


def mean_of_a_long_stream(mapping: Mapping, measured: dict[str, Integers]) -> float:
    """Cycles between the ends of images in the middle of a stream."""
    images, _ = stream_images(mapping.order)
    stream = arrange(mapping, measured, 3 * images)
    ends = simulate(mapping.architecture, stream).completed(stream)
    return float(ends[2 * images] - ends[images]) / images


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("options", [(), (SLOW_DRAM,)])
def test_it_is_the_mean_over_a_stream_three_times_as_long(
    order: str, options: tuple[str, ...]
) -> None:
    trace = dual_stream_network()
    mapping = map_workload(trace.workload, split_chip(f"schedule.order={order}", *options))
    measured = measure(mapping, trace)
    found = interval(mapping, measured).interval_cycles
    assert found == pytest.approx(mean_of_a_long_stream(mapping, measured), rel=0.02)


@settings(max_examples=25, deadline=None)
@given(order=st.sampled_from(ORDERS), bandwidth=st.sampled_from([1, 4, 16, 64]))
def test_no_long_stream_is_faster_than_what_an_image_asks_of_a_resource(
    order: str, bandwidth: int
) -> None:
    trace = dual_stream_network()
    options = (f"schedule.order={order}", f"storage.dram.bandwidth={bandwidth} Gbit/s")
    mapping = map_workload(trace.workload, split_chip(*options))
    measured = measure(mapping, trace)
    nearest = max(interval(mapping, measured).interval_bounds_cycles.values())
    assert mean_of_a_long_stream(mapping, measured) >= 0.99 * nearest


def test_a_saturated_channel_sets_the_interval() -> None:
    trace = dual_stream_network()
    options = ("schedule.order=pipeline", "storage.dram.bandwidth=200 Mbit/s")
    mapping = map_workload(trace.workload, split_chip(*options))
    found = interval(mapping, measure(mapping, trace))
    assert found.interval_bounds_cycles["dram"] == max(found.interval_bounds_cycles.values())
    assert found.interval_cycles == pytest.approx(found.interval_bounds_cycles["dram"], rel=0.03)


@pytest.mark.parametrize("order", ORDERS)
def test_every_image_asks_the_same_of_each_resource(order: str) -> None:
    trace = dual_stream_network()
    mapping = map_workload(trace.workload, split_chip(f"schedule.order={order}"))
    measured = measure(mapping, trace)
    of_one = interval(mapping, measured).interval_bounds_cycles
    six, seven = (
        bounds_cycles(arrange(mapping, measured, images), mapping.architecture) for images in (6, 7)
    )
    for name, cycles in of_one.items():
        assert cycles == pytest.approx(seven[name] - six[name], abs=1)


def test_as_many_images_are_simulated_as_are_under_way() -> None:
    trace = dual_stream_network()
    by_layer = map_workload(trace.workload, split_chip())
    assert stream_images(by_layer.order) == (3, 1)
    piped = map_workload(trace.workload, split_chip("schedule.order=pipeline"))
    passes, depth = piped.order.passes, max(piped.order.depth)
    assert stream_images(piped.order) == (5 + -(-(depth + 1) // passes), 4)


@pytest.mark.parametrize("order", ORDERS)
def test_the_energy_of_an_image_is_what_one_more_adds_to_a_long_stream(order: str) -> None:
    """Both streams are long enough to be full; what passes with time is that of the interval."""
    trace = dual_stream_network()
    mapping = map_workload(trace.workload, split_chip(f"schedule.order={order}"))
    measured, chip = measure(mapping, trace), mapping.architecture
    found = interval(mapping, measured)
    moved = []
    for images in (1, found.images, 2 * found.images):
        jobs = arrange(mapping, measured, images)
        moved.append(dynamic_pj(jobs, simulate(chip, jobs), chip))
    assert moved[1] == pytest.approx(found.dynamic_pj, rel=1e-12)
    more = (moved[2] - moved[1]) / found.images
    expected = more + idle_pj_per_cycle(chip) * found.interval_cycles
    assert found.energy_pj(moved[0], idle_pj_per_cycle(chip)) == pytest.approx(expected, rel=1e-9)


def test_what_moves_costs_the_same_however_long_the_run_takes() -> None:
    """Leakage, background and idle clocks pass with the makespan, which a slower DRAM triples."""
    trace = dual_stream_network()
    mapping = map_workload(trace.workload, split_chip())
    jobs = arrange(mapping, measure(mapping, trace))
    moved, makespans = [], []
    for chip in (split_chip(), split_chip(SLOW_DRAM)):
        schedule = simulate(chip, jobs)
        moved.append(dynamic_pj(jobs, schedule, chip))
        makespans.append(schedule.makespan_cycles)
    assert makespans[1] > 1.2 * makespans[0]
    assert moved[0] == pytest.approx(moved[1], rel=1e-9)
