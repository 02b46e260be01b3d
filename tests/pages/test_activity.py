"""Activity figures and the table of layers show the counts of the result."""

import pytest

from codesign.pages import activity
from codesign.pages.content import Number
from codesign.pages.latency import occupancy_data, occupancy_figure
from codesign.pages.layer_table import layer_table
from codesign.results import COUNTS, Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


@pytest.fixture(scope="module", params=["fsnn18", "dsnn50"])
def result(request: pytest.FixtureRequest) -> Result:
    return example_result(request.param)


def test_the_kinds_of_ac_are_all_but_those_that_repeat_others() -> None:
    contained = {"ac_accumulation_nonzero", "ac_repeat"}
    named = {name for name in COUNTS if name.startswith("ac_")}
    assert set(activity.AC_COUNTS) == named - contained


def test_operations_sum_to_the_counts_of_the_summary(result: Result) -> None:
    stacked = activity.operation_data(result.layers, activity.AC_COUNTS)
    counts = result.summary["counts"]
    assert {name: sum(values) for name, values in stacked.parts.items()} == {
        name: counts[name] for name in activity.AC_COUNTS if counts[name]
    }
    by_layer = result.layers.groupby("layer", sort=False)[list(activity.AC_COUNTS)].sum()
    some = by_layer.sum(axis=1) > 0
    assert list(stacked.categories) == list(by_layer.index[some])
    assert not some.all()


def test_without_operations_there_is_nothing_to_show(result: Result) -> None:
    stacked = activity.operation_data(result.layers, ("mac_batch_norm",))
    assert (list(stacked.categories), dict(stacked.parts)) == ([], {})
    assert activity.operation_table(stacked, "MAC").is_empty


def test_a_firing_rate_is_spikes_over_neurons(result: Result) -> None:
    data = activity.firing_rate_data(result)
    rows = result.layers[result.layers["neurons"] > 0]
    assert len(data.layers) * len(data.timesteps) == len(rows)
    for row in rows.to_dict("records"):
        rate = data.rates[data.timesteps.index(row["timestep"])][data.layers.index(row["layer"])]
        assert rate == row["spikes"] / row["neurons"]


def test_a_layer_that_is_not_computed_at_a_timestep_has_no_rate(result: Result) -> None:
    layers = result.layers
    once = layers[(layers["layer"] != "stem.neuron") | (layers["timestep"] == 0)]
    data = activity.firing_rate_data(Result(result.summary, once, *[layers] * 3))
    assert [row[0] is None for row in data.rates] == [False, True, True, True]


def test_the_table_of_layers_holds_every_layer_and_all_of_its_numbers(result: Result) -> None:
    table = layer_table(result)
    sums = dict.fromkeys(table.columns, 0.0)
    for row in table.rows:
        for column, cell in zip(table.columns, row, strict=True):
            sums[column] += cell.value if isinstance(cell, Number) else 0
    counts = result.summary["counts"]
    assert [row[0] for row in table.rows] == list(dict.fromkeys(result.layers["layer"]))
    assert sums["AC"] == sum(counts[name] for name in activity.AC_COUNTS)
    assert (sums["MAC"], sums["MAC, zeros skipped"]) == (counts["mac"], counts["mac_nonzero"])
    cores = result.timeline[result.timeline["resource"].isin(result.occupancy["core"])]
    assert sums["core cycles"] == (cores["end_cycle"] - cores["start_cycle"]).sum()


def test_the_table_has_no_cycles_where_latency_is_not_modelled() -> None:
    assert "core cycles" not in layer_table(example_result("fsnn18", cores=False)).columns


def test_the_states_of_a_core_fill_the_makespan(result: Result) -> None:
    stacked = occupancy_data(result)
    assert set(stacked.totals) == {result.summary["makespan_cycles"]}
    assert list(stacked.categories) == list(dict.fromkeys(result.occupancy["core"]))
    bars = drawn(occupancy_figure(stacked)).data
    assert all(abs(sum(column) - 100) < 1e-9 for column in zip(*(t.x for t in bars), strict=True))
