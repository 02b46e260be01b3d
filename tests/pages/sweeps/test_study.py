"""What of a sweep its report shows, and whether it is results or floors."""

from dataclasses import replace

import numpy as np

from codesign.exploration.results import SweepResult
from codesign.pages.sweeps.study import study
from tests.pages.example_sweeps import (
    BUFFER,
    CORES,
    ORDER,
    bounds_sweep,
    grid_sweep,
    random_sweep,
    whole_grid,
)


def changed(result: SweepResult, **summary: object) -> SweepResult:
    return replace(result, summary=result.summary | summary)


def test_points_are_those_that_were_simulated() -> None:
    known = study(grid_sweep())
    assert set(known.points["status"]) == {"simulated"}
    assert len(known.points) == 173
    assert [each.name for each in known.objectives] == ["latency", "energy", "area"]
    assert not known.is_floors


def test_floors_stand_in_where_nothing_was_simulated() -> None:
    known = study(bounds_sweep())
    assert known.is_floors
    assert [each.column for each in known.objectives] == ["floor_latency_s", "floor_energy_pj"]
    assert 0 < known.is_on_front.sum() < len(known.points) == 180


def test_an_objective_without_values_is_left_out() -> None:
    result = whole_grid()
    known = study(replace(result, points=result.points.assign(area_mm2=np.nan)))
    assert [each.name for each in known.objectives] == ["latency", "energy"]


def test_a_single_objective_is_shown_beside_another() -> None:
    known = study(changed(whole_grid(), objectives=["area"]))
    assert [each.name for each in known.objectives] == ["area", "latency"]


def test_the_front_is_that_of_the_summary() -> None:
    result = grid_sweep()
    known = study(result)
    expected = [number for each in result.summary["fronts"].values() for number in each]
    assert known.points["point"][known.is_on_front].tolist() == expected


def test_axes_with_one_value_are_constant_and_the_rest_varies() -> None:
    known = study(grid_sweep())
    assert known.constant == ["technology.clock"]
    assert [axis["key"] for axis in known.varying] == [CORES, BUFFER, ORDER]


def test_several_architectures_are_an_axis() -> None:
    result = whole_grid()
    names = np.where(result.points["point"] % 2, "split_core", "unified_core")
    known = study(
        changed(
            replace(result, points=result.points.assign(architecture=names)),
            architectures=["split_core", "unified_core"],
        )
    )
    assert known.axes[0]["key"] == "architecture"
    assert "architecture: unified_core" in known.hover(0)


def test_what_a_reader_sees_at_a_point_is_its_row() -> None:
    known = study(grid_sweep())
    text = known.hover(0)
    assert text.startswith("<b>point 0, fsnn50</b><br>cores.spike.count: 4<br>")
    assert "storage.activation_buffer.size: 128 KiB" in text
    assert "<b>latency: 25.9 ms</b>" in text
    assert text.endswith("on the front")


def test_axes_are_ranked_by_what_they_explain() -> None:
    assert [each.keys[0] for each in study(random_sweep(300)).ranked[:2]] == [
        CORES,
        "technology.clock",
    ]
