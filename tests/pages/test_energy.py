"""Energy figures show all of the energy, once."""

import math
from dataclasses import replace

import pytest

from codesign.pages import energy
from codesign.results import COMPONENTS, Result
from tests.pages.drawn import drawn
from tests.pages.example_results import example_result


@pytest.fixture(scope="module", params=["fsnn18", "dsnn50"])
def result(request: pytest.FixtureRequest) -> Result:
    return example_result(request.param)


def test_streams_sum_to_those_of_the_summary(result: Result) -> None:
    stacked = energy.component_data(result)
    expected = result.summary["energy_streams_pj"]
    for stream, total in zip(stacked.categories, stacked.totals, strict=True):
        # the same numbers are added in another order
        assert math.isclose(total, expected[stream], rel_tol=1e-12)
    assert set(stacked.categories) == set(expected)


def test_components_keep_their_order(result: Result) -> None:
    parts = list(energy.component_data(result).parts)
    assert parts == [name for name in COMPONENTS if name in parts]
    assert set(parts) == set(result.summary["energy_parts_pj"])


def test_layers_and_chip_hold_all_energy(result: Result) -> None:
    layers = energy.layer_data(result)
    chip = result.energy.loc[result.energy["layer"] == "", "energy_pj"].sum()
    total = sum(sum(stacked.totals) for stacked in layers.values()) + chip
    assert math.isclose(total, result.summary["energy_pj"], rel_tol=1e-12)


def test_both_streams_show_every_layer_that_spent_energy_in_its_order(result: Result) -> None:
    order = list(dict.fromkeys(result.layers["layer"]))
    fused = replace(result, energy=result.energy[result.energy["layer"] != order[1]])
    assert [stacked.categories for stacked in energy.layer_data(fused).values()] == [
        [order[0], *order[2:]] for _ in energy.layer_data(result)
    ]


def test_equal_heights_are_equal_energies_in_both_streams(result: Result) -> None:
    by_stream = energy.layer_data(result)
    figure = drawn(energy.layer_figure(by_stream))
    shown = sum(sum(trace.y) for trace in figure.data)
    total = sum(sum(stacked.totals) for stacked in by_stream.values())
    assert math.isclose(shown, total * 1e-6, rel_tol=1e-12)  # all in uJ
    ranges = [axis.matches for axis in figure.select_yaxes()]
    assert ranges.count(None) == 1  # the others follow it


def test_timesteps_hold_all_energy_and_what_has_none_comes_last(result: Result) -> None:
    stacked = energy.timestep_data(result)
    assert list(stacked.categories) == ["t = 0", "t = 1", "t = 2", "t = 3", "no timestep"]
    assert math.isclose(sum(stacked.totals), result.summary["energy_pj"], rel_tol=1e-12)


def test_a_figure_shows_the_data_in_the_unit_of_its_axis(result: Result) -> None:
    stacked = energy.component_data(result)
    figure = drawn(energy.component_figure(stacked))
    assert figure.layout.xaxis.title.text == "Energy (mJ)"
    for trace, values in zip(figure.data, stacked.parts.values(), strict=True):
        assert list(trace.x) == [value * 1e-12 * 10.0**3 for value in values]


def test_layers_have_bars_of_what_they_spent_alone(result: Result) -> None:
    by_stream = energy.layer_data(result)
    figure = energy.layer_figure(by_stream)
    bars = {
        (trace["yaxis"], trace["legendgroup"], layer): value
        for trace in figure.data
        for layer, value in zip(trace["x"], trace["y"], strict=True)
    }
    assert all(bars.values())
    spent = {
        (axis, part, layer): value * 1e-6  # in uJ
        for axis, stacked in zip(("y", "y2"), by_stream.values(), strict=False)
        for part, values in stacked.parts.items()
        for layer, value in zip(stacked.categories, values, strict=True)
        if value
    }
    assert bars == pytest.approx(spent, rel=1e-12)


def test_the_legend_of_layers_has_each_component_once_whatever_stream_it_is_of(
    result: Result,
) -> None:
    only = {"spike": "state_memory", "accumulation": "mac"}
    table = result.energy
    for stream, component in only.items():
        others = (table["component"] == component) & (table["stream"] != stream)
        table.loc[others, "energy_pj"] = 0.0
    figure = energy.layer_figure(energy.layer_data(replace(result, energy=table)))
    spent = table[(table["layer"] != "") & (table["energy_pj"] != 0)]
    shown = [trace["legendgroup"] for trace in figure.data if trace["showlegend"]]
    assert sorted(shown) == sorted(set(spent["component"]))
    assert all(trace["y"] for trace in figure.data)
