"""Main effects, interactions and shares on the page are those of the table."""

from dataclasses import replace

import numpy as np
import pytest

from codesign.exploration import sensitivities
from codesign.exploration.results import SweepResult
from codesign.pages.content import Number
from codesign.pages.sweeps.interactions import (
    interaction_pictures,
    interaction_sentence,
    interactions,
    map_data,
)
from codesign.pages.sweeps.main_effects import effect_pictures, effects_data, effects_figure
from codesign.pages.sweeps.shares import (
    delta_data,
    delta_sentence,
    is_balanced,
    share_data,
    share_figure,
    share_pictures,
    share_sentences,
)
from codesign.pages.sweeps.study import study
from tests.pages.drawn import drawn
from tests.pages.example_sweeps import BUFFER, CORES, grid_sweep, random_sweep, whole_grid


def tiny(function: np.ndarray) -> SweepResult:
    """2 x 2 designs of one workload whose latency is given."""
    result = whole_grid()
    points = result.points
    chosen = points[
        (points["workload"] == "fsnn50")
        & points[CORES].isin([4, 8])
        & points[BUFFER].isin([2**20, 2**21])
        & (points["schedule.order"] == "layer")
    ]
    return replace(result, points=chosen.assign(latency_s=np.ravel(function)))


def test_means_by_axis_are_those_of_the_table() -> None:
    known = study(grid_sweep())
    line = effects_data(known, known.objectives[0])[0]
    own = known.points[known.points["workload"] == line.workload].groupby(CORES)["latency_s"]
    assert [each.mean for each in line.effects] == pytest.approx(own.mean().tolist())
    assert [each.spread for each in line.effects] == pytest.approx(own.std(ddof=0).tolist())
    assert [each.count for each in line.effects] == own.count().tolist()


def test_lines_are_changes_against_the_mean_of_the_workload() -> None:
    known = study(tiny(np.array([[1.0, 1.0], [3.0, 3.0]])))
    figure = effects_figure(known, known.objectives[0])
    drawn(figure)
    assert [trace["y"] for trace in figure.data] == [[-50.0, 50.0], [0.0, 0.0]]
    assert [trace["error_y"]["array"] for trace in figure.data] == [[0.0, 0.0], [50.0, 50.0]]


def test_every_objective_is_a_view_of_the_main_effects() -> None:
    picture = effect_pictures(study(grid_sweep()))[0]
    assert list(picture.views) == ["latency", "energy", "area"]
    for figure in picture.views.values():
        drawn(figure)
    # axis, value: 4 + 5 + 3 levels, for 3 workloads and 3 objectives
    assert len(picture.table.rows) == 12 * 9


def test_an_exclusive_or_is_the_strongest_interaction() -> None:
    known = study(tiny(np.array([[1.0, 2.0], [2.0, 1.0]])))
    best = interactions(known)[0]
    assert (best.objective.name, best.share) == ("latency", 1.0)
    assert map_data(known, best).tolist() == [[1.0, 2.0], [2.0, 1.0]]
    assert interaction_sentence(known) == (
        f"The strongest interaction is that of {CORES} and {BUFFER}: 100.0 % of how the latency "
        "of fsnn50 varies."
    )


def test_effects_that_add_up_are_no_interaction() -> None:
    result = tiny(np.array([[1.0, 2.0], [3.0, 4.0]]))
    known = study(replace(result, summary=result.summary | {"objectives": ["latency", "area"]}))
    latency = [each for each in interactions(known) if each.objective.name == "latency"]
    assert [each.share for each in latency] == [0.0]


def test_maps_hold_the_means_of_pairs() -> None:
    known = study(whole_grid())
    picture = interaction_pictures(known)[0]
    for figure in (picture.figure, *picture.views.values()):
        drawn(figure)
    best = next(each for each in interactions(known) if each.objective.name == "energy")
    own = known.points[known.of_workload(best.workload)]
    means = own.pivot_table("energy_pj", best.other.keys[0], best.one.keys[0])
    assert np.allclose(map_data(known, best), means.to_numpy())


def test_shares_of_a_balanced_grid_are_exact_and_of_a_broken_one_estimates() -> None:
    whole, broken = study(whole_grid()), study(grid_sweep())
    assert is_balanced(whole)
    assert not is_balanced(broken)
    assert "shares are exact" in share_sentences(whole)[-1]
    *_, trust, left_out = share_sentences(broken)
    assert "not balanced" in trust
    assert left_out.startswith("All this is said of the designs with results: 7 points have none")
    for key, own in share_data(whole).items():
        assert share_data(broken)[key] == pytest.approx(own, abs=0.03)
        assert 0.9 < sum(own) <= 1 + 1e-9


def test_the_map_of_shares_says_what_moves_what() -> None:
    known = study(whole_grid())
    picture = share_pictures(known, {})[0]
    drawn(picture.figure)
    assert picture.table.rows[0][0] == CORES
    cell = picture.table.rows[0][1]
    assert isinstance(cell, Number)
    own = known.points[known.of_workload("fsnn50")]
    means = own.groupby(CORES)["latency_s"].transform("mean")
    assert cell.value == pytest.approx(means.var(ddof=0) / own["latency_s"].var(ddof=0))


@pytest.mark.parametrize(("count", "is_turned"), [(9, False), (10, True)])
def test_a_map_of_many_objectives_has_them_at_its_left(count: int, is_turned: bool) -> None:
    data = {("energy", f"net{n}"): [0.1 * n, 0.9 - 0.05 * n] for n in range(count)}
    figure = share_figure(data, ["lanes", "cores"], [1, 0])
    drawn(figure)
    (trace,) = figure.data
    z = np.array(trace["z"]) / 100
    shares = np.array(list(data.values()))[:, [1, 0]]
    assert z == pytest.approx(shares if is_turned else shares.T)
    heads = trace["y"] if is_turned else trace["x"]
    assert heads[1] == ("energy, net1" if is_turned else "energy<br>net1")
    assert (trace["x"] if is_turned else trace["y"]) == ["cores", "lanes"]


def test_without_the_extra_the_page_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivities, "is_installed", lambda: False)
    known = study(random_sweep(80))
    assert delta_data(known) == {}
    assert "pip install 'codesign[sensitivity]'" in delta_sentence(known, {})
    assert [each.name for each in share_pictures(known, {})] == ["variance-shares"]


def test_with_the_extra_random_samples_have_deltas() -> None:
    pytest.importorskip("SALib", reason="SALib is not installed: pip install SALib")
    known = study(random_sweep(120))
    deltas = delta_data(known)
    assert delta_sentence(known, deltas) == ""
    assert list(deltas) == [(name, "dsnn50") for name in ("latency", "energy", "area")]
    ranked = sorted(range(9), key=lambda place: -deltas["area", "dsnn50"][place])
    assert known.factors[ranked[0]].keys == (CORES,)
    picture = share_pictures(known, deltas)[1]
    drawn(picture.figure)
    assert len(picture.table.rows) == 10
    assert "random numbers, for comparison" in [row[0] for row in picture.table.rows]
    few = study(random_sweep(20))
    assert delta_data(few) == {}
    assert "needs 64 designs" in delta_sentence(few, {})


def test_axes_that_change_together_are_shown_as_one() -> None:
    result = whole_grid()
    axis = {"key": "lanes", "unit": "", "scale": "linear", "values": [32, 16, 8, 4]}
    points = result.points.assign(lanes=128 // result.points[CORES])
    summary = result.summary | {"axes": [*result.summary["axes"], axis]}
    known = study(replace(result, points=points, summary=summary))
    assert known.factors[0].keys == (CORES, "lanes")
    assert known.constant == ["technology.clock"]
    assert f"{CORES} with lanes" in share_sentences(known)[0]
