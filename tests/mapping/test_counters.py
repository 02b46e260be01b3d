"""Additions behind the accumulation pathway's last nonlinearity, as counters of spikes."""

import math

import numpy as np
import pytest

from codesign.evaluation import evaluate
from codesign.mapping import map_workload
from codesign.mapping.counters import as_computed, counted_additions, trace_as_computed
from codesign.pages.content import Number
from codesign.pages.energy import layer_data, layers_in_order
from codesign.pages.layer_table import layer_table
from codesign.trace import Trace
from codesign.workload import Layer, LayerType, Stream, Workload
from tests.chip.small_chips import split_chip
from tests.mapping.mapped_networks import lowered
from tests.replay.machine import replay
from tests.replay.reference import computed
from tests.replay.runs import computed_images, run_on
from tests.small_networks import dual_stream_network

TIMESTEPS = 3
COUNTERS = "policy.accumulation_additions=counters"


def dual(accumulation: bool = True) -> Trace:
    return dual_stream_network(TIMESTEPS, accumulation=accumulation, channels=8)


def layer_of(workload: Workload, name: str) -> Layer:
    return next(layer for layer in workload.layers if layer.name == name)


def counting() -> Workload:
    return as_computed(dual().workload, split_chip(COUNTERS).policy)


def test_only_additions_behind_the_last_nonlinearity_are_counters() -> None:
    workload = dual().workload
    pool = layer_of(workload, "accumulation.avgpool")
    assert [layer.name for layer in counted_additions(workload, pool)] == ["b2.accumulation"]
    assert counted_additions(workload, layer_of(workload, "spike.avgpool")) == ()
    before = layer_of(workload, "b1.accumulation")
    assert layer_of(counting(), "b1.accumulation") == before
    assert layer_of(counting(), "b2.accumulation").type is LayerType.AVERAGE_POOL


def test_counters_give_the_same_mean_bit_for_bit() -> None:
    network, (image,) = computed_images(dual(), seed=3, images=1)
    made = {layer.output for layer in counting().layers}
    given = {name: values for name, values in image.items() if name not in made}
    names = {tensor.name for tensor in counting().tensors}
    again = computed(
        type(network)(counting(), network.weights, network.biases, network.thresholds),
        {name: given[name] for name in names & given.keys()},
    )
    assert np.array_equal(again["accumulation.avgpool"], image["accumulation.avgpool"])
    assert image["accumulation.avgpool"].any()


@pytest.mark.parametrize("order", ["layer", "timestep", "pipeline"])
def test_a_chip_with_counters_computes_the_network(order: str) -> None:
    network, images = computed_images(dual(), seed=7, images=2)
    chip = split_chip(COUNTERS, f"schedule.order={order}")
    replay(run_on(chip, network, images))


def test_a_counter_is_stepped_by_each_spike_and_no_map_is_stored() -> None:
    trace = dual()
    case = lowered(trace, split_chip(COUNTERS))
    mine = case.jobs.columns["layer"] == case.plan("b2.accumulation").fused.index
    assert case.jobs.columns["addition"][mine].sum() == trace.values("b2.sn2").sum()
    stored = {name for plan in case.mapping.plans for name in plan.fused.stored}
    assert "b2.accumulation" not in stored
    (counted,) = case.plan("b2.accumulation").fused.stored
    channels = trace.workload.tensor_by_name["b2.sn2"].shape[0]
    assert case.mapping.workload.tensor_by_name[counted].size == channels


def test_counts_stay_those_of_the_network() -> None:
    dense, counters = (evaluate(dual(), split_chip(*more)).summary for more in ((), (COUNTERS,)))
    assert dense["counts"] == counters["counts"]
    assert dense["trace_hash"] == counters["trace_hash"]
    assert counters["policy"]["accumulation_additions"] == "counters"


def test_without_a_pathway_nothing_changes() -> None:
    alone = dual(accumulation=False).workload
    assert as_computed(alone, split_chip(COUNTERS).policy) == alone
    mapping = map_workload(alone, split_chip(COUNTERS))
    assert mapping.network == mapping.workload


def test_a_sum_that_something_else_reads_stays_a_map() -> None:
    workload = dual().workload
    relu = Layer("look", LayerType.RELU, Stream.ACCUMULATION, ("b2.accumulation",), "look")
    shape = workload.tensor_by_name["b2.accumulation"]
    seen = type(workload)(
        workload.name,
        workload.timesteps,
        (*workload.tensors, type(shape)("look", shape.shape, TIMESTEPS, shape.kind, shape.stream)),
        (*workload.layers, relu),
        workload.outputs,
    )
    assert as_computed(seen, split_chip(COUNTERS).policy) == seen


def test_the_record_is_read_as_it_was() -> None:
    trace = dual()
    again = trace_as_computed(trace, counting())
    assert np.array_equal(again.values("b2.sn2"), trace.values("b2.sn2"))
    assert again.hash == trace.hash
    assert trace_as_computed(trace, trace.workload) is trace


def test_every_layer_that_spends_is_on_the_page() -> None:
    result = evaluate(dual_stream_network(), split_chip(COUNTERS))
    shown = layers_in_order(result)
    assert set(result.energy["layer"]) - {""} <= set(shown)
    assert any(name.endswith(".counters") for name in shown)
    caused = result.energy[result.energy["layer"] != ""]["energy_pj"].sum()
    table = layer_table(result)
    cells = [row[table.columns.index("energy")] for row in table.rows]
    spent = math.fsum(cell.value for cell in cells if isinstance(cell, Number))
    assert spent == pytest.approx(caused, rel=1e-12)
    figures = layer_data(result).values()
    assert math.fsum(sum(each.totals) for each in figures) == pytest.approx(caused, rel=1e-12)
