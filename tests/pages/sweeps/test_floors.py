"""How near floors come, counted by hand."""

from dataclasses import replace

import numpy as np

from codesign.pages.sweeps.floors import (
    bars,
    floor_figure,
    floor_pictures,
    floor_sentences,
    tightness_data,
)
from codesign.pages.sweeps.study import study
from tests.pages.drawn import drawn
from tests.pages.example_sweeps import bounds_sweep, grid_sweep, whole_grid


def test_a_share_is_the_floor_by_the_simulated_value() -> None:
    known = study(grid_sweep())
    first = tightness_data(known)[0]
    own = known.points[known.of(first.network)]
    assert (first.name, first.network) == ("latency", "fsnn50")
    assert np.array_equal(first.shares, own["floor_latency_s"] / own["latency_s"])


def test_designs_are_counted_by_twentieths() -> None:
    counts = bars(np.array([0.0, 0.049, 0.05, 0.15, 0.999, 1.0]))
    assert counts.tolist() == [2, 1, 0, 1, *[0] * 15, 2]


def test_every_design_is_in_one_bar() -> None:
    known = study(grid_sweep())
    figure = floor_figure(known, tightness_data(known))
    drawn(figure)
    assert sum(sum(trace["y"]) for trace in figure.data) == 2 * len(known.points)


def test_sentences_say_what_floors_saved() -> None:
    assert floor_sentences(study(grid_sweep()))[-1] == (
        "2 of 180 points were not simulated, since their floors alone show that another design "
        "is better."
    )
    assert floor_sentences(study(whole_grid()))[-1] == (
        "No point was left out because of its floors."
    )


def test_a_value_below_its_floor_is_told() -> None:
    result = whole_grid()
    points = result.points.copy()
    points.loc[5, "floor_latency_s"] = 2 * points.loc[5, "latency_s"]
    texts = floor_sentences(study(replace(result, points=points)))
    assert texts[-1].startswith("1 values lie below their floor")


def test_a_sweep_of_bounds_has_nothing_to_compare() -> None:
    assert floor_pictures(study(bounds_sweep())) == []
