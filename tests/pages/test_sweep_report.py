"""The report of a sweep as a document: every case has one, and its words are those of the sweep."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codesign.exploration import sensitivities
from codesign.exploration.results import SweepResult
from codesign.pages import write_sweep_report
from codesign.pages.content import Number
from codesign.pages.document import page_html
from codesign.pages.sweep_report import sweep_page
from tests.pages.drawn import drawn
from tests.pages.example_sweeps import (
    CORES,
    bounds_sweep,
    grid_sweep,
    random_sweep,
    timesteps_sweep,
    whole_grid,
)
from tests.pages.test_document import EVIL, Reader


def nothing_simulated() -> SweepResult:
    """Neither results nor floors: every point was refused."""
    result = whole_grid()
    columns = [name for name in result.points if name.endswith(("_s", "_pj", "_mm2", "_js", "_w"))]
    points = result.points.assign(**dict.fromkeys(columns, np.nan), error="no chip")
    points["status"] = "refused"
    summary = result.summary | {"counts": {"refused": 180}, "fronts": {}, "best": {}}
    return SweepResult(summary, points)


def one_point() -> SweepResult:
    result = whole_grid()
    known = {"counts": {"simulated": 1}, "fronts": {"fsnn50": [0]}, "best": {}}
    return SweepResult(result.summary | known, result.points.iloc[:1])


def one_axis() -> SweepResult:
    result = random_sweep(30)
    summary = result.summary | {"axes": result.summary["axes"][:1], "objectives": ["latency"]}
    return replace(result, summary=summary)


def with_holes() -> SweepResult:
    """Axes and objectives that some points do not have, and words beside truths."""
    result = random_sweep(90)
    points = result.points.copy()
    points.loc[:9, [CORES, "technology.clock", "energy_pj"]] = np.nan
    points.loc[20:25, "schedule.order"] = None
    points["memory.part_0.read"] = [True, "auto", False] * 30
    return replace(result, points=points)


CASES = [
    with_holes,
    timesteps_sweep,
    grid_sweep,
    whole_grid,
    bounds_sweep,
    nothing_simulated,
    one_point,
    one_axis,
]


@pytest.fixture(autouse=True)
def _without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sensitivities, "is_installed", lambda: False)


@pytest.mark.parametrize("case", CASES)
def test_every_case_has_a_page_whose_figures_plotly_accepts(
    case: Callable[[], SweepResult],
) -> None:
    page = sweep_page(case())
    for section in page.sections:
        for picture in section.shown_pictures:
            for figure in (picture.figure, *picture.views.values()):
                drawn(figure)
                for trace in figure.data:
                    places = trace.get("customdata", ())
                    assert all(0 <= place < len(page.hovers) for place in places)
    reader = Reader(page_html(page))
    assert "nan" not in " ".join(reader.texts).lower().split()


def test_the_first_sentence_counts_points_by_status() -> None:
    lead = sweep_page(grid_sweep()).lead
    assert lead[0] == (
        "180 points of fsnn50, dsnn50, sew50 on split_core: 173 simulated, 2 pruned, 4 refused, "
        "1 failed."
    )
    assert lead[2].startswith("fsnn50 has its least latency, 3.26 ms, at point 59")


def test_calibrated_weights_are_told_first_and_never_called_trained() -> None:
    page = sweep_page(grid_sweep())
    assert page.statements == ["Weights: calibrated to Table 2 of arXiv 2301.11929, not trained."]
    assert page.facts["weights kind"] == "calibrated"


def test_networks_of_one_workload_are_compared_each_for_itself() -> None:
    page = sweep_page(timesteps_sweep())
    assert page.lead[0].startswith("120 points of dsnn50 timesteps=2, dsnn50 timesteps=4 on ")
    assert len(page.tiles) == 6
    effects = next(each for each in page.sections if each.title == "What moves the objectives")
    assert effects.text[0].startswith("What moves the latency most: cores.spike.count (")
    shares = effects.pictures[0].table
    timesteps = next(row for row in shares.rows if row[0] == "workload.timesteps")
    assert isinstance(timesteps[1], Number)
    assert timesteps[1].value > 0


def test_floors_are_never_called_results() -> None:
    page = sweep_page(bounds_sweep())
    assert "Nothing was simulated: all values here are floors" in page.lead[0]
    assert all("floor of" in tile.label for tile in page.tiles)
    assert "How tight the floors are" not in [section.title for section in page.sections]


def test_refused_points_alone_have_a_page_of_reasons() -> None:
    page = sweep_page(nothing_simulated())
    assert [section.title for section in page.sections] == [
        "What became of the points",
        "Why points have no results",
        "All points",
    ]


def test_facts_tell_how_points_were_chosen() -> None:
    facts = sweep_page(random_sweep(40)).facts
    assert (facts["sampling"], facts["seed"]) == ("latin hypercube", "1")
    assert facts["constraints"] == "area at most 100 mm2"
    assert facts["schedule.order"] == "layer, pipeline, timestep"
    assert facts["technology.clock"].startswith("40 values from ")


def test_origins_that_differ_are_told_by_network() -> None:
    origins = {"fsnn50": {"weights": {"kind": "calibrated"}}, "dsnn50": "trained elsewhere"}
    facts = sweep_page(grid_sweep(provenance=origins)).facts
    assert facts["fsnn50: weights kind"] == "calibrated"
    assert facts["dsnn50: origin"] == "trained elsewhere"


def test_names_in_a_sweep_stay_names(tmp_path: Path) -> None:
    result = grid_sweep(name=EVIL, description=EVIL)
    axes = [
        dict(axis) | {"key": EVIL} if axis["key"] == CORES else axis
        for axis in result.summary["axes"]
    ]
    points = result.points.rename(columns={CORES: EVIL}).replace({"layer": EVIL})
    evil = replace(result, points=points, summary=result.summary | {"axes": axes})
    write_sweep_report(evil, tmp_path / "page.html")
    reader = Reader((tmp_path / "page.html").read_text("utf-8"))
    assert (len(reader.scripts), len(reader.blocks)) == (4, 2)
    assert not any("alert(" in script for script in reader.scripts[1:])
    assert [tag for tag, _ in reader.tags if tag == "img"] == []
    assert EVIL in reader.texts


def test_a_thousand_designs_of_nine_axes_are_at_most_eight_megabytes(tmp_path: Path) -> None:
    write_sweep_report(random_sweep(1000), tmp_path / "page.html")
    assert (tmp_path / "page.html").stat().st_size <= 8_000_000


def test_two_pages_of_one_sweep_are_equal(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_sweep_report(grid_sweep(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_sweep_whose_points_are_all_excluded_names_no_best_design() -> None:
    result = bounds_sweep()
    table = result.points.assign(status="excluded", error="area at most 1 mm2 (got 32 mm2)")
    summary = dict(result.summary) | {
        "counts": {"excluded": len(table)},
        "fronts": {},
        "best": {},
    }
    page = sweep_page(SweepResult(summary, table))
    assert page.tiles == []
    titles = [section.title for section in page.sections]
    assert titles == ["What became of the points", "Why points have no results", "All points"]
    assert not any("least" in sentence for sentence in page.lead)


def test_what_some_networks_share_is_told_once_for_them() -> None:
    result = grid_sweep()
    card = {"seed": 0, "command": "codesign train", "firing_rates": {"sn1": 0.25}}
    weights = [{"kind": "trained", "sha256": digest, "card": card} for digest in ("a", "a", "b")]
    provenance = {network: {"weights": own} for network, own in zip("xyz", weights, strict=True)}
    page = sweep_page(replace(result, summary=result.summary | {"provenance": provenance}))
    told = {name: value for name, value in page.facts.items() if "weights" in name}
    assert told == {
        "weights kind": "trained",
        "x, y: weights sha256": "a",
        "z: weights sha256": "b",
        "weights card command": "codesign train",
        "weights card seed": "0",
    }
