"""tools/depth_experiment.py on made-up rows, on real trainings, and on what it has written.

Figures are looked at without a browser: their files carry the digests of their data.
"""

import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from codesign.pages.document import page_html
from tests.pages.drawn import drawn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))  # scripts find each other by their folder

import depth_experiment as experiment  # noqa: E402
import depth_measures as measures  # noqa: E402
from depth_claims import CLAIMS  # noqa: E402
from depth_document import document, drawn_figures  # noqa: E402
from depth_intervals import decades, difference, interval  # noqa: E402
from depth_results_page import results_page  # noqa: E402
from depth_rows import growth  # noqa: E402
from depth_tables import all_tables  # noqa: E402
from vector_figures import digest, stale_drawings  # noqa: E402

WRITTEN = ROOT / experiment.TARGET
FIGURES = ROOT / "docs" / "training"

PLAN = experiment.Plan(measures.Size(4, 2, 1, 64), (3, 4, 6), seeds=4, fewer_seeds=3, start_depth=6)
ACCURACY = {"td_bn": 0.8, "single": 0.9, "dual": 0.95, "apart": 0.95, "sew": 0.93}
CURVE = {"dual": {"accumulation": 0.01, "sum": 0.02}}
TWO_HEADS = ("dual", "apart")


def made_up(accuracy: Callable[[measures.Case, str], float]) -> list[dict[str, Any]]:
    """Rows of a plan with invented numbers."""
    rows = []
    for case in PLAN.cases():
        random = np.random.default_rng([*case.name.encode()])
        row: dict[str, Any] = {"case": asdict(case), "size": asdict(PLAN.size)}
        row |= {"has_map": PLAN.has_map(case), "cpu_seconds": 1.0}
        row["versions"] = {"torch": "2"}
        blocks = random.uniform(0.1, 0.4, case.depth).tolist()
        row["rates"] = {"s": blocks, "o": blocks}
        if case.kind == "start":
            norms = {"s": np.geomspace(2, 0.02, case.depth).tolist()}
            flat = {"s": [1.0] * case.depth}
            ways = {"with": flat, "without": norms} if case.way == "dual" else {"none": norms}
            row["gradients"] = dict.fromkeys(measures.SLOPES, ways)
            rows.append(row)
            continue
        heads = ("spike", "accumulation", "sum") if case.way in TWO_HEADS else ("spike",)
        reached = {head: accuracy(case, head) + random.normal(0, 1e-3) for head in heads}
        row["accuracy"] = row["training_accuracy"] = reached
        separation = {"silhouette": 0.2, "probe": 0.9, "different": 300}
        if row["has_map"]:
            separation |= {"map": random.normal(size=(2, 20)).tolist(), "labels": [*range(10)] * 2}
        streams = ("spike", "accumulation") if case.way in TWO_HEADS else ("spike",)
        row["features"] = dict.fromkeys(streams, separation)
        rows.append(row)
    return rows


def usual(case: measures.Case, head: str) -> float:
    lost = 0.01 * case.depth if case.way in ("td_bn", "single") else -0.002 * case.depth
    worse = 0.3 * (case.connection == "and")
    return ACCURACY[case.way] + CURVE.get(case.way, {}).get(head, 0) - lost - worse


ROWS = made_up(usual)


def fared(rows: list[dict[str, Any]], word: str) -> str:
    """The verdict on the one claim that has a word in it."""
    ((claim, find),) = ((c, f) for c, f in CLAIMS.items() if word in c)
    assert claim
    return find(rows)[1]


def test_the_plan_has_every_way_at_every_depth_and_seed_and_every_g_at_one_depth() -> None:
    cases = experiment.FULL.cases()
    assert len({case.name for case in cases}) == len(cases)
    trained = [case for case in cases if case.kind == "training"]
    assert len(trained) == 5 * 3 * 5 + 4 * 2 * 3
    assert sorted({case.depth for case in trained}) == [4, 10, 20]
    assert {case.depth for case in cases if case.kind == "start"} == {24}
    assert len(cases) - len(trained) == 6 * 2 * 3
    maps = [case.way for case in cases if experiment.FULL.has_map(case)]
    assert sorted(maps) == ["dual", "single"]


def test_an_interval_is_that_of_student() -> None:
    # 4.302653 is the quantile of .975 for two degrees of freedom, in any table
    found = interval([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.mean, found.count) == (2.0, 3)
    assert found.half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.text(100) == "200.0 ± 248.4"
    assert found.sign == 0
    assert interval([1.0, 1.1, 1.2]).sign == 1
    assert interval([-1.0, -1.1, -1.2]).sign == -1
    assert interval([5.0]).sign == 0
    assert interval([]) is None


def test_differences_are_taken_seed_by_seed() -> None:
    found = difference({0: 1.0, 1: 5.0, 7: 0.0}, {1: 4.0, 0: 0.5, 3: 9.0})
    assert found is not None
    assert (found.mean, found.count) == (0.75, 2)


def test_what_the_rows_hold_is_shown() -> None:
    for word in ("(td-BN) loses", "trained alone", ": with DST accuracy rises"):
        assert fared(ROWS, word) == "shown"
    for word in (": DST makes", "pathway kept", "AND is the least"):
        assert fared(ROWS, word) == "shown"
    for word in ("where gradients vanish", "where gradients explode", "fires at more"):
        assert fared(ROWS, word) == "shown"


def test_what_the_rows_contradict_is_said_to_be_so() -> None:
    def turned(case: measures.Case, head: str) -> float:
        return 1.5 - usual(case, head)

    rows = made_up(turned)
    for word in (
        "(td-BN) loses",
        "trained alone",
        ": DST makes",
        "pathway kept",
        "AND is the least",
    ):
        assert fared(rows, word) == "the contrary is shown"


def test_what_is_within_chance_is_not_shown() -> None:
    rows = made_up(lambda *_: 0.9)
    for word in ("(td-BN) loses", ": with DST accuracy rises", "AND is the least"):
        assert fared(rows, word) == "not shown"
    assert fared(ROWS, "first two blocks") == "not shown"
    assert fared(ROWS, "(silhouette)") == "not shown"


def test_a_claim_that_holds_at_some_depths_says_at_which() -> None:
    def late(case: measures.Case, _: str) -> float:
        return 0.9 + 0.05 * (case.way == "dual" and case.depth == 6)

    assert fared(made_up(late), ": DST makes") == "not shown at 3, 4; shown at 6"


def test_a_gradient_of_zero_has_no_growth() -> None:
    assert growth([100.0, 3.0, 1.0]) == 2.0
    assert growth([0.0, 3.0, 1.0]) is None
    assert decades([None, 1.0, None]) == "0 in 2 of 3"
    assert decades([1.0, 2.0, 3.0]) == "+2.00 ± 2.48"


def test_a_training_that_diverged_is_left_out_and_named() -> None:
    rows = [dict(row) for row in ROWS]
    lost = next(row for row in rows if row["case"]["way"] == "sew" and "accuracy" in row)
    for key in ("accuracy", "training_accuracy", "features", "rates"):
        del lost[key]
    lost["diverged"] = "epoch 1: the loss must be finite"
    text = document(rows)
    assert "Left out because their loss diverged: {'kind': 'training', 'way': 'sew'" in text


def test_the_documents_tables_have_as_many_cells_as_headings() -> None:
    text = document(ROWS)
    assert sum(line.startswith("## ") for line in text.splitlines()) == 10
    for _, _, columns, cells in all_tables(ROWS):
        assert cells
        assert all(len(line) == len(columns) for line in cells)
    assert all(f"| {claim} |" in text for claim in CLAIMS)


def test_the_page_has_every_figure_with_its_axes_named() -> None:
    page = results_page(ROWS)
    pictures = [picture for section in page.sections for picture in section.pictures]
    names = ["accuracy", "connections", "rates", "start-rates", "gradients", "features"]
    assert [picture.name for picture in pictures] == names
    for picture in pictures:
        for figure in picture.views.values() or [picture.figure]:
            drawn(figure)
            assert figure.layout["xaxis"]["title"]["text"]
            assert figure.layout["yaxis"]["title"]["text"]
    assert len(pictures[4].views) == 2 * len(measures.SLOPES)
    assert page_html(page).startswith("<!DOCTYPE html>")


def test_rows_of_another_size_or_broken_ones_are_measured_again(tmp_path: Path) -> None:
    case = PLAN.cases()[0]
    path = tmp_path / f"{case.name}.json"
    assert experiment.kept(PLAN, case, tmp_path) is None
    path.write_text(json.dumps(ROWS[0]))
    assert experiment.kept(PLAN, case, tmp_path) == ROWS[0]
    other = experiment.Plan(measures.Size(8, 2, 1, 64), (3, 4, 6), 4, 3, 6)
    assert experiment.kept(other, case, tmp_path) is None
    path.write_text(json.dumps(ROWS[0])[:-9])
    assert experiment.kept(PLAN, case, tmp_path) is None


@pytest.mark.parametrize(
    "case",
    [
        measures.Case("training", "dual", "iand", 3, 1),
        measures.Case("training", "td_bn", None, 3, 1),
        measures.Case("training", "apart", "or", 3, 1),
        measures.Case("start", "dual", "and", 5, 1, identity_start=True),
    ],
)
def test_a_row_is_the_same_when_it_is_measured_again(case: measures.Case) -> None:
    size = measures.Size(2, 2, 1, 64)
    first, second = (measures.measure(case, size, has_map=False) for _ in range(2))
    for row in (first, second):
        assert row.pop("cpu_seconds") >= 0
    assert first == second == json.loads(json.dumps(first))
    assert {len(first["rates"][stream]) for stream in "so"} == {case.depth}
    if case.kind == "start":
        both = first["gradients"]["usual"]
        assert set(both) == {"with", "without"}
        # where every block is the identity its gradient passes unchanged, within each stage
        for norms in both.values():
            assert norms["s"][0] == norms["s"][1] > 0
            assert norms["s"][2] == norms["s"][3] > 0
    else:
        heads = {head for head, value in first["accuracy"].items() if value is not None}
        dual = {"spike", "accumulation", "sum"}
        assert heads == (dual if case.way in TWO_HEADS else {"spike"})


@pytest.fixture(scope="module")
def measured() -> list[dict[str, Any]]:
    """The rows of the last run."""
    return json.loads(WRITTEN.with_suffix(".json").read_text("utf-8"))


def test_the_document_and_its_figures_are_what_the_rows_say(measured: list[dict[str, Any]]) -> None:
    assert len(measured) == len(experiment.FULL.cases())
    assert document(measured) == WRITTEN.read_text("utf-8")
    figures = drawn_figures(measured)
    assert stale_drawings(FIGURES, figures) == []
    assert {path.name for path in FIGURES.iterdir()} == set(figures)


def test_the_document_shows_each_figure_once_and_together_they_are_small() -> None:
    shown = re.findall(r'<img src="training/([^"]+)" alt="[^"]+"', WRITTEN.read_text("utf-8"))
    files = list(FIGURES.iterdir())
    assert sorted(shown) == sorted(path.name for path in files)
    assert sum(path.stat().st_size for path in files) <= 300_000
    for path in files:
        assert ElementTree.parse(path).getroot().tag.endswith("svg")


def test_figures_stand_at_the_tables_they_belong_to() -> None:
    sections = re.split(r"^## ", document(ROWS), flags=re.MULTILINE)[1:]
    shown = {
        part.splitlines()[0]: re.findall(r'src="training/(.*)\.svg"', part) for part in sections
    }
    assert {title: names for title, names in shown.items() if names} == {
        "Accuracy against depth (Fig. 3)": ["accuracy", "accuracy-2"],
        "Accuracy by g (Table 3)": ["connections"],
        "Features with and without the pathway (Fig. 4)": ["features", "features-2", "features-3"],
        "Firing rates after training (Fig. 5)": ["rates", "rates-2"],
        "Firing rates before training (Fig. 6)": ["start-rates", "start-rates-2"],
        "Gradients before training, random branches (Figs. 7 and 8)": ["gradients"],
    }


def test_other_rows_make_other_figures() -> None:
    def better(case: measures.Case, head: str) -> float:
        return usual(case, head) + 0.001

    ours, others = drawn_figures(ROWS), drawn_figures(made_up(better))
    changed = [name for name in ours if digest(ours[name]) != digest(others[name])]
    assert changed == ["accuracy.svg", "accuracy-2.svg", "connections.svg"]


def test_the_closer_view_of_accuracies_says_where_it_is_cut_off() -> None:
    whole, closer = (drawn_figures(ROWS)[f"accuracy{n}.svg"].figure for n in ("", "-2"))
    assert whole.data == closer.data
    assert "range" not in whole.layout["yaxis"]
    assert closer.layout["yaxis"]["range"] == [90, 100]
    assert "cut off at 90" in closer.layout["yaxis"]["title"]["text"]


def test_everything_is_written_again_from_the_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    docs = tmp_path / "docs"
    shutil.copytree(FIGURES, docs / "training")  # current, so that nothing is drawn
    (docs / "training" / "older.svg").write_text("<svg/>")
    shutil.copy(WRITTEN.with_suffix(".json"), docs)
    monkeypatch.chdir(tmp_path)
    experiment.main(["--written"])
    assert (docs / "training.md").read_bytes() == WRITTEN.read_bytes()
    assert {path.name for path in (docs / "training").iterdir()} == {
        path.name for path in FIGURES.iterdir()
    }
    assert {path.name for path in Path("build/depth").iterdir()} == {"page.html", "rows.parquet"}


def test_without_rows_there_is_nothing_to_write_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"training\.json: must be the rows of an experiment"):
        experiment.main(["--written"])
    assert list(tmp_path.iterdir()) == []
