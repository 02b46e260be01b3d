"""Executed in the order of its schedule, a run computes what the network computes."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.chip import simulate
from codesign.specs.architecture import Noc, Partition
from codesign.workload import Stream
from tests.chip.small_chips import split_chip
from tests.replay.features import FEATURES, features
from tests.replay.machine import replay
from tests.replay.runs import Run, computed_images, run_on, runs
from tests.replay.storage import HazardError, layout_of
from tests.small_networks import attention_network, dual_stream_network

ORDERS = ("layer", "timestep", "pipeline")
NOC = {
    "topology": "bus",
    "link": "16 bit",
    "hop_latency": 1,
    "hop": "0.1 pJ/b",
    "multicast": False,
    "spikes": "bitmap",
    "leakage": "1 mW",
    "area": "0.1 mm2",
    "source": "assumed, because a test",
}


def test_what_the_jobs_store_is_the_reference_whatever_features_a_run_has() -> None:
    seen: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None, derandomize=True, database=None)
    @given(run=runs(images=st.integers(1, 3)))
    def replay_all(run: Run) -> None:
        replay(run)
        seen.update(features(run))

    replay_all()
    assert [feature for feature in FEATURES if not seen[feature]] == []


@pytest.mark.parametrize("partition", [Partition.ROWS, Partition.OUTPUT_CHANNELS])
@pytest.mark.parametrize("heads", [1, 2])
def test_tiles_of_a_product_send_their_own_spikes(heads: int, partition: Partition) -> None:
    network, images = computed_images(attention_network(sizes=(heads, 6, 8)), seed=7, images=1)
    chip = split_chip()
    schedule = chip.schedule.model_copy(update={"partition": partition})
    noc = Noc.model_validate(NOC | {"spikes": "events", "event": "1 pJ"})
    run = run_on(chip.model_copy(update={"noc": noc, "schedule": schedule}), network, images)
    (plan,) = (plan for plan in run.mapping.plans if plan.fused.name == "mixed")
    assert plan.fused.has_neurons
    assert plan.grid.tile_count > 1
    replay(run)


def dual(
    *overrides: str, slower: tuple[str, int] = ("", 1), noc: Noc | None = None, **schedule: Any
) -> Run:
    """Two images of a dual-stream network on two spike cores and an accumulation core."""
    network, images = computed_images(dual_stream_network(timesteps=3), seed=7, images=2)
    chip = split_chip(*overrides)
    changed = chip.schedule.model_copy(update=schedule)
    return run_on(
        chip.model_copy(update={"noc": noc, "schedule": changed}), network, images, slower
    )


def altered(run: Run, **changes: Any) -> Run:
    """A run whose jobs are others, simulated again."""
    jobs = replace(run.jobs, **changes)
    return replace(run, jobs=jobs, schedule=simulate(run.mapping.architecture, jobs))


def job_of(run: Run, layer: str, timestep: int) -> int:
    """The first job of a layer at a timestep."""
    columns = run.jobs.columns
    is_layer = columns["layer"] == run.jobs.layer_names.index(layer)
    return int(np.flatnonzero(is_layer & (columns["timestep"] == timestep))[0])


@pytest.mark.parametrize("order", ORDERS)
def test_jobs_that_ignore_what_they_need_read_what_is_not_there(order: str) -> None:
    run = dual(f"schedule.order={order}")
    replay(run)
    stages = tuple(replace(stage, needs=()) for stage in run.jobs.stages)
    with pytest.raises(HazardError, match=r"begins to load: .* must hold 1 where it is read"):
        replay(altered(run, stages=stages))


@pytest.mark.parametrize("order", ["timestep", "pipeline"])
@pytest.mark.parametrize("slow", Stream)
def test_a_stream_that_lags_reads_what_it_needs(order: str, slow: str) -> None:
    replay(dual(f"schedule.order={order}", slower=(slow, 300)))


@pytest.mark.parametrize("order", ["timestep", "pipeline"])
def test_jobs_that_ignore_room_overwrite_what_is_still_to_be_read(order: str) -> None:
    run = dual(f"schedule.order={order}", slower=("accumulation", 300))
    stages = tuple(replace(stage, room=()) for stage in run.jobs.stages)
    with pytest.raises(
        HazardError, match=r"begins to load: .* must hold 1 where .* holds \[[3-6]\]"
    ):
        replay(altered(run, stages=stages))


def test_rings_that_are_one_place_too_small_are_overwritten() -> None:
    run = dual("schedule.order=pipeline", slower=("accumulation", 300))
    layout = layout_of(run.mapping)
    rings = {name: places - 1 for name, places in layout.rings.items()}
    with pytest.raises(HazardError, match="must hold 1 where it is read"):
        replay(run, layout=replace(layout, rings=rings))


def test_a_buffer_that_is_smaller_than_the_mapping_counts_on_is_overfull() -> None:
    run = dual("storage.activation_buffer.size=1 KiB")
    assert run.mapping.in_dram == {"input"}
    taken = replay(run).storage.highest_bits
    storage = run.mapping.storage
    buffer = storage.activation_buffer.model_copy(update={"size_bits": taken - 1})
    storage = storage.model_copy(update={"activation_buffer": buffer})
    architecture = run.mapping.architecture.model_copy(update={"storage": storage})
    mapping = replace(run.mapping, architecture=architecture)
    with pytest.raises(HazardError, match="activation buffer has"):
        replay(replace(run, mapping=mapping))


@pytest.mark.parametrize("order", ORDERS)
def test_a_job_that_is_left_out_is_missed(order: str) -> None:
    run = dual(f"schedule.order={order}")
    with pytest.raises(HazardError, match="must be stored once"):
        replay(run, without=(len(run.jobs) - 1,))
    with pytest.raises(HazardError, match="must hold 2 where it is read"):
        replay(run, without=(job_of(run, "b1.conv1", 1),))


@pytest.mark.parametrize("layer", ["b1.conv2", "accumulation.fc"])
def test_a_job_that_is_done_twice_is_found(layer: str) -> None:
    run = dual()
    job = job_of(run, layer, 0)
    twice = np.insert(np.arange(len(run.jobs)), job, job)
    columns = {name: values[twice] for name, values in run.jobs.columns.items()}
    with pytest.raises(HazardError, match=r"must be stored once|membranes 1 of tile .* \(got 2\)"):
        replay(altered(run, columns=columns))


def test_timesteps_of_a_tile_that_are_swapped_miss_their_membranes() -> None:
    run = dual()
    order = np.arange(len(run.jobs))
    jobs = [job_of(run, "b1.conv1", timestep) for timestep in (0, 1)]
    order[jobs] = order[jobs[::-1]]
    columns = {name: values[order] for name, values in run.jobs.columns.items()}
    with pytest.raises(HazardError, match=r"membranes 1 of tile .* must be in the core"):
        replay(altered(run, columns=columns))


@pytest.mark.parametrize("order", ORDERS)
def test_a_tile_that_goes_to_another_core_misses_its_membranes_or_weights(order: str) -> None:
    run = dual(f"schedule.order={order}")
    cores = run.jobs.columns["core"].copy()
    job = job_of(run, "b1.conv1", 1)
    cores[job] = 1 - cores[job]
    with pytest.raises(HazardError, match=r"must be in the core|are not in the core"):
        replay(altered(run, columns=run.jobs.columns | {"core": cores}))


def test_partial_sums_that_are_not_awaited_are_lost() -> None:
    run = dual(partition=Partition("input_channels"), noc=Noc.model_validate(NOC))
    replay(run)
    awaits = np.full(len(run.jobs), -1)
    with pytest.raises(HazardError, match=r"sums 0 of chunk 0 .* must be there"):
        replay(altered(run, columns=run.jobs.columns | {"awaits": awaits}))
