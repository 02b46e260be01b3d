"""A line of the parallel axes is a row of the table."""

from dataclasses import replace

import numpy as np

from codesign.pages.sweeps.parallel import coordinates, parallel_figure, parallel_pictures
from codesign.pages.sweeps.study import Study, study
from tests.pages.drawn import drawn
from tests.pages.example_sweeps import BUFFER, CORES, ORDER, grid_sweep, random_sweep, whole_grid


def titles(known: Study) -> list[str]:
    return [each.title for each in coordinates(known)]


def test_network_axes_and_objectives_stand_side_by_side() -> None:
    found = titles(study(grid_sweep()))
    assert found[0] == "network"
    assert set(found[1:4]) == {CORES, BUFFER, ORDER}
    assert found[3] == CORES  # matters most
    assert found[4:] == ["latency", "energy", "area"]
    assert "network" not in titles(study(random_sweep(50)))


def test_heights_are_the_values_between_the_least_and_the_largest() -> None:
    known = study(whole_grid())
    energy = next(each for each in coordinates(known) if each.title == "energy")
    values = known.points["energy_pj"].to_numpy()
    expected = (values - values.min()) / (values.max() - values.min())
    assert np.allclose(energy.heights, expected, atol=1e-12)
    assert energy.ticks[0] == (0.0, "10.4 mJ")
    buffer = next(each for each in coordinates(known) if each.title == BUFFER)
    assert [text for _, text in buffer.ticks] == ["128 KiB", "256 KiB", "512 KiB", "1 MiB", "2 MiB"]
    assert sorted(set(buffer.heights)) == [0, 0.25, 0.5, 0.75, 1]


def test_every_line_goes_through_the_heights_of_its_design() -> None:
    known = study(grid_sweep())
    axes = coordinates(known)
    figure = parallel_figure(known, axes, None)
    drawn(figure)
    seen = []
    step = len(axes) + 1
    for trace in (trace for trace in figure.data if "customdata" in trace):
        for first in range(0, len(trace["y"]), step):
            place = trace["customdata"][first]
            seen.append(place)
            expected = [round(float(each.heights[place]), 4) for each in axes]
            assert trace["y"][first : first + step] == [*expected, None]
    assert sorted(seen) == list(range(len(known.points)))
    assert figure.detail == {"brush": len(axes)}


def test_colours_are_those_of_an_objective_or_of_the_network() -> None:
    picture = parallel_pictures(study(grid_sweep()))[0]
    assert list(picture.views) == ["latency", "energy", "area", "network"]
    for figure in picture.views.values():
        drawn(figure)
    legend = [trace["name"] for trace in picture.figure.data if "customdata" not in trace]
    assert legend[0].startswith("latency ")
    assert legend[-1].startswith("latency 3.26 ms to")


def test_an_unknown_objective_is_a_gap_in_the_line() -> None:
    result = random_sweep(40)
    points = result.points.copy()
    points.loc[3, "area_mm2"] = np.nan
    known = study(replace(result, points=points))
    figure = parallel_figure(known, coordinates(known), known.objectives[0])
    heights = [
        y
        for trace in figure.data
        for y, place in zip(trace["y"], trace.get("customdata", []), strict=False)
        if place == 3
    ]
    assert heights[-2:] == [None, None]
    assert None not in heights[:-2]


def test_nothing_is_drawn_of_one_design() -> None:
    result = random_sweep(40)
    assert parallel_pictures(study(replace(result, points=result.points.iloc[:1]))) == []
