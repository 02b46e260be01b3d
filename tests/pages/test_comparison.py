"""The price of the accumulation pathway is the difference of the two networks of a pair."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from codesign.errors import InputError
from codesign.pages import (
    accumulation_cost_sentence,
    comparison,
    pathway_cost,
    write_compare_report,
)
from codesign.pages.compare_report import compare_page
from codesign.results import Result
from tests.pages.example_results import example_result


def run(workload: str, latency_s: float | None, energy_pj: float, **changes: Any) -> Result:
    """A result with the numbers that a comparison reads."""
    layers = pd.DataFrame({"ac_rate_dense": [1e9], "mac": [2 * 10**8 if "d" in workload else 0]})
    summary = {
        "workload": workload,
        "architecture": "split_core",
        "architecture_hash": "b7",
        "timesteps": 4,
        "images": 1,
        "provenance": {"input": "astronaut"},
        "latency_s": latency_s,
        "energy_pj": energy_pj,
    }
    empty = pd.DataFrame()
    return Result(summary | changes, layers, empty, empty, empty)


def test_the_sentence_states_the_differences() -> None:
    results = [run("dsnn50", 0.012, 6e9), run("fsnn50", 0.010, 5e9)]
    assert accumulation_cost_sentence(results) == (
        "On split_core the accumulation pathway costs +2 ms (+20.0 %) of latency and +1 mJ "
        "(+20.0 %) of energy at depth 50, where eq. 7 on operations alone, in fp32, gives "
        "+920 µJ (+102.2 %)."
    )


def test_a_saving_has_a_minus() -> None:
    sentence = accumulation_cost_sentence([run("fsnn18", 0.010, 5e9), run("dsnn18", 0.009, 4e9)])
    assert sentence is not None
    assert "costs -1 ms (-10.0 %) of latency and -1 mJ (-20.0 %) of energy at depth 18" in sentence


def test_depths_are_sorted_and_not_mixed() -> None:
    results = [run("dsnn50", 2.0, 2e9), run("fsnn18", 3.0, 3e9)]
    assert accumulation_cost_sentence(results) is None
    results += [run("dsnn18", 4.0, 5e9), run("fsnn50", 1.0, 1e9), run("sew50", 1.0, 1e9)]
    assert [(cost.depth, cost.latency_s) for cost in pathway_cost.accumulation_costs(results)] == [
        (18, (3.0, 4.0)),
        (50, (1.0, 2.0)),
    ]


@pytest.mark.parametrize(
    "difference",
    [
        {"architecture_hash": "c4"},
        {"timesteps": 8},
        {"images": 2},
        {"workload": "fsnn50_small"},
        {"provenance": {"input": "coffee"}},
    ],
)
def test_runs_that_differ_otherwise_are_no_pair(difference: dict[str, Any]) -> None:
    twin = run(**{"workload": "fsnn50", "latency_s": 1.0, "energy_pj": 1e9} | difference)
    assert accumulation_cost_sentence([run("dsnn50", 2.0, 2e9), twin]) is None


def test_without_latency_the_sentence_says_so() -> None:
    sentence = accumulation_cost_sentence([run("fsnn18", None, 5e9), run("dsnn18", None, 6e9)])
    assert sentence is not None
    assert "an unknown latency (not modelled) and +1 mJ (+20.0 %) of energy" in sentence


def test_two_chips_are_named_in_their_clauses() -> None:
    other: dict[str, Any] = {"architecture": "unified_core", "architecture_hash": "c4"}
    results = [run("fsnn18", 1.0, 1e9), run("dsnn18", 2.0, 2e9)]
    results += [run("fsnn18", 1.0, 1e9, **other), run("dsnn18", 3.0, 3e9, **other)]
    sentence = accumulation_cost_sentence(results)
    assert sentence is not None
    assert sentence.startswith("The accumulation pathway costs +1 s")
    assert "at depth 18 on split_core" in sentence
    assert "at depth 18 on unified_core" in sentence


def test_equation_7_gives_table_2() -> None:
    """DSNN-50 of Table 2: 3.20 G AC and 1.37 G MAC are 9.18 mJ."""
    layers = pd.DataFrame({"ac_rate_dense": [3.0e9, 0.2e9], "mac": [0, 1_370_000_000]})
    result = replace(run("dsnn50", None, 0.0), layers=layers)
    assert round(pathway_cost.equation_7_pj(result) * 1e-9, 2) == 9.18


def test_the_coefficients_are_the_papers_whatever_lies_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "paper").write_text("Dear reviewers")
    monkeypatch.chdir(tmp_path)
    pathway_cost.equation_7.cache_clear()
    assert (pathway_cost.equation_7().ac_pj, pathway_cost.equation_7().mac_pj) == (0.9, 4.6)


def test_energy_and_latency_are_those_of_the_summaries() -> None:
    results = [example_result("fsnn18"), example_result("dsnn18")]
    energy, latency = comparison.energy_data(results), comparison.latency_data(results)
    for place, result in enumerate(results):
        # sums of the same numbers in another order
        assert math.isclose(energy.totals[place], result.summary["energy_pj"], rel_tol=1e-12)
        assert math.isclose(latency.totals[place], result.summary["latency_s"], rel_tol=1e-12)
        assert math.isclose(comparison.normalised(energy).totals[place], 100, rel_tol=1e-12)


def test_equal_names_are_told_apart() -> None:
    results = [run("fsnn18", 1.0, 1e9), run("fsnn18", 1.0, 1e9), run("sew18", 1.0, 1e9)]
    assert comparison.run_names(results) == ["fsnn18", "fsnn18 (run 2)", "sew18"]
    results[2] = run("sew18", 1.0, 1e9, architecture="unified_core")
    assert comparison.run_names(results) == [
        "fsnn18 on split_core",
        "fsnn18 on split_core (run 2)",
        "sew18 on unified_core",
    ]


def test_what_runs_of_a_chip_or_a_workload_share_is_said_once() -> None:
    results = [
        replace(
            example_result(name),
            summary=example_result(name).summary
            | {"architecture": chip, "architecture_hash": chip * 8, "trace_hash": name * 8},
        )
        for chip in ("a", "b")
        for name in ("fsnn18", "dsnn18")
    ]
    facts = compare_page(results).facts
    assert {key: value for key, value in facts.items() if key.endswith(" hash")} == {
        **{"fsnn18: trace hash": "fsnn18" * 8, "dsnn18: trace hash": "dsnn18" * 8},
        **{"a: architecture hash": "a" * 8, "b: architecture hash": "b" * 8},
    }


def test_a_comparison_of_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least one result"):
        write_compare_report([], tmp_path / "page.html")
    assert list(tmp_path.iterdir()) == []
