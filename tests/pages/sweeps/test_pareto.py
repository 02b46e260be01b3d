"""Fronts of pairs, and what is drawn of very many points."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.pages.content import Number
from codesign.pages.sweeps import pareto
from codesign.pages.sweeps.pareto import (
    drawn_places,
    front_pictures,
    front_sentences,
    front_table,
    pairs_data,
    pareto_figure,
)
from codesign.pages.sweeps.study import study
from tests.pages.drawn import drawn
from tests.pages.example_sweeps import bounds_sweep, grid_sweep, random_sweep, whole_grid


def test_each_pair_of_objectives_has_the_front_of_each_network() -> None:
    known = study(grid_sweep())
    pairs = pairs_data(known)
    assert [(pair.x.name, pair.y.name) for pair in pairs] == [
        ("latency", "energy"),
        ("latency", "area"),
        ("energy", "area"),
    ]
    costs = known.points[["latency_s", "energy_pj"]].to_numpy()
    for network, places in pairs[0].fronts.items():
        own = np.flatnonzero(known.of(network))
        unbeaten = [
            a
            for a in own
            if not any((costs[b] <= costs[a]).all() and (costs[b] < costs[a]).any() for b in own)
        ]
        assert sorted(places) == unbeaten
        assert (np.diff(costs[places, 0]) > 0).all()


def test_full_points_are_the_front_of_the_sweep_and_open_ones_the_others() -> None:
    known = study(grid_sweep())
    figure = pareto_figure(known, pairs_data(known))
    drawn(figure)
    first = [trace for trace in figure.data if trace["xaxis"] == "x"]
    full = [trace for trace in first if trace.get("marker", {}).get("symbol") == "circle"]
    places = sorted(place for trace in full for place in trace["customdata"])
    assert places == np.flatnonzero(known.is_on_front).tolist()
    everything = sorted(p for trace in first for p in trace.get("customdata", []))
    assert everything == list(range(len(known.points)))


def test_positions_are_the_values_in_the_unit_of_the_axis() -> None:
    known = study(whole_grid())
    figure = pareto_figure(known, pairs_data(known)[:1])
    trace = next(each for each in figure.data if each.get("name") == "dsnn50: on the front")
    rows = known.points.iloc[trace["customdata"]]
    assert figure.layout["xaxis"]["title"]["text"] == "Latency (ms)"
    assert figure.layout["yaxis"]["title"]["text"] == "Energy (mJ)"
    assert trace["x"] == [float(f"{1e3 * value:.6g}") for value in rows["latency_s"]]
    assert trace["y"] == [float(f"{1e-9 * value:.6g}") for value in rows["energy_pj"]]


def test_dominated_points_are_thinned_out_and_the_front_never() -> None:
    known = study(random_sweep(600))
    places = drawn_places(known, 50)
    assert set(np.flatnonzero(known.is_on_front)) <= set(places.tolist())
    for pair in pairs_data(known):
        assert set(pair.fronts["dsnn50"]) <= set(places.tolist())
    assert len(places) < 600
    assert drawn_places(known, 600).tolist() == list(range(600))


def test_a_page_says_how_many_designs_are_not_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pareto, "MOST_DOMINATED", 10)
    known = study(random_sweep(300))
    left_out = 300 - len(drawn_places(known, 10))
    text = front_pictures(known)[0].text
    assert f"{left_out} of 300 designs, none on a front, are not drawn." in text


def test_more_than_three_objectives_are_views() -> None:
    names = ("latency", "energy", "area", "power")
    picture = front_pictures(study(random_sweep(80, objectives=names)))[0]
    assert list(picture.views) == ["latency", "energy", "area", "mean power"]
    assert picture.figure is picture.views["latency"]
    for figure in picture.views.values():
        drawn(figure)
        assert {trace["xaxis"] for trace in figure.data} == {"x", "x2", "x3"}


def test_the_table_holds_every_design_of_the_fronts() -> None:
    known = study(grid_sweep())
    table = front_table(known)
    points = known.points[known.is_on_front]
    latencies = [cell.value for row in table.rows if isinstance(cell := row[2], Number)]
    assert latencies == points["latency_s"].tolist()


def test_sentences_say_what_the_ends_of_a_front_give_up() -> None:
    assert front_sentences(study(whole_grid()), 6)[0] == (
        "The front of fsnn50 has 20 designs, from the least latency (3.26 ms at 12.9 mJ) to the "
        "least energy (10.4 mJ at 23 ms)."
    )
    assert front_pictures(study(bounds_sweep()))[0].title == "Fronts of the floors"


def test_sentences_of_very_many_fronts_are_counted() -> None:
    known = study(whole_grid())
    assert front_sentences(known, 1)[1:] == ["2 more networks have fronts below."]
    assert [len(front_sentences(known, most)) for most in (3, 9)] == [3, 3]


def test_networks_without_a_colour_each_are_shown_as_their_workload() -> None:
    result = whole_grid()
    network = [f"{n} timesteps={p % 4}" for n, p in result.points[["workload", "point"]].to_numpy()]
    points = result.points.assign(network=network)
    summary = result.summary | {"networks": list(dict.fromkeys(network)), "fronts": {}, "best": {}}
    known = study(replace(result, points=points, summary=summary))
    figure = pareto_figure(known, pairs_data(known))
    names = [trace["name"] for trace in figure.data if trace["showlegend"]]
    assert sorted(names) == sorted(
        f"{workload}: {words}"
        for workload in ("fsnn50", "dsnn50", "sew50")
        for words in ("on the front", "other designs")
    )
    colours = {t["name"]: t["marker"]["color"] for t in figure.data if "marker" in t}
    assert len(set(colours.values())) == 3


def test_single_designs_have_no_front() -> None:
    result = whole_grid()
    alone = replace(result, points=result.points.iloc[[0, 60, 120]])
    assert front_sentences(study(alone), 6) == ["Each network has one design: there is no front."]
