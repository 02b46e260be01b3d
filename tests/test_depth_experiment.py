"""tools/depth_experiment.py on made-up rows, on one real training, and on its page."""

import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codesign.pages.document import page_html
from tests.pages.drawn import drawn

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))  # scripts find each other by their folder

import depth_experiment as experiment  # noqa: E402
import depth_measures as measures  # noqa: E402
import depth_results as results  # noqa: E402
from depth_results_page import results_page  # noqa: E402

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
    ((claim, find),) = ((c, f) for c, f in results.CLAIMS.items() if word in c)
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
    found = results.interval([1.0, 2.0, 3.0])
    assert found is not None
    assert (found.mean, found.count) == (2.0, 3)
    assert found.half == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert found.text(100) == "200.0 ± 248.4"
    assert found.sign == 0
    assert results.interval([1.0, 1.1, 1.2]).sign == 1
    assert results.interval([-1.0, -1.1, -1.2]).sign == -1
    assert results.interval([5.0]).sign == 0
    assert results.interval([]) is None


def test_differences_are_taken_seed_by_seed() -> None:
    found = results.difference({0: 1.0, 1: 5.0, 7: 0.0}, {1: 4.0, 0: 0.5, 3: 9.0})
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
    assert results.growth([100.0, 3.0, 1.0]) == 2.0
    assert results.growth([0.0, 3.0, 1.0]) is None
    assert results.decades([None, 1.0, None]) == "0 in 2 of 3"
    assert results.decades([1.0, 2.0, 3.0]) == "+2.00 ± 2.48"


def test_a_training_that_diverged_is_left_out_and_named() -> None:
    rows = [dict(row) for row in ROWS]
    lost = next(row for row in rows if row["case"]["way"] == "sew" and "accuracy" in row)
    for key in ("accuracy", "training_accuracy", "features", "rates"):
        del lost[key]
    lost["diverged"] = "epoch 1: the loss must be finite"
    text = "\n".join(results.docs_lines(rows))
    assert "Left out because their loss diverged: {'kind': 'training', 'way': 'sew'" in text


def test_the_documents_tables_have_as_many_cells_as_headings() -> None:
    lines = list(results.docs_lines(ROWS))
    assert sum(line.startswith("## ") for line in lines) == 10
    for _, _, columns, cells in results.all_tables(ROWS):
        assert cells
        assert all(len(line) == len(columns) for line in cells)
    assert all(f"| {claim} |" in "\n".join(lines) for claim in results.CLAIMS)


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


@pytest.mark.skipif(not experiment.ROWS.exists(), reason="the experiment has not been run")
def test_the_document_is_what_its_rows_say() -> None:
    rows = json.loads((ROOT / experiment.ROWS).read_text())
    text = "\n".join(results.docs_lines(rows)).rstrip() + "\n"
    assert (ROOT / experiment.TARGET).read_text() == text
    assert len(rows) == len(experiment.FULL.cases())
