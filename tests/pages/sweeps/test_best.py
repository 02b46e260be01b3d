"""Best designs are those of the summary, with the values of the table."""

from dataclasses import replace

from codesign.pages.content import Number
from codesign.pages.sweeps.best import (
    base_sentence,
    best_data,
    best_sentences,
    best_table,
    command_table,
)
from codesign.pages.sweeps.study import study
from tests.pages.example_sweeps import bounds_sweep, grid_sweep, random_sweep, whole_grid


def test_each_network_and_objective_has_its_point_of_the_summary() -> None:
    result = grid_sweep()
    found = {
        (each.network, each.objective.name): each.row["point"] for each in best_data(study(result))
    }
    assert found == {
        (network, name): own["point"]
        for network, known in result.summary["best"].items()
        for name, own in known.items()
    }


def test_values_and_changes_are_those_of_the_table() -> None:
    known = study(whole_grid())
    row = best_table(known).rows[0]
    own = known.points[known.of("fsnn50")]["latency_s"]
    first = 3 + len(known.varying)
    assert row[first] == Number(own.min(), "3.26 ms")
    assert row[first + 1] == Number(own.min() / own.median() - 1, "-68.0 %")
    assert base_sentence(known) == "Changes are against the median design, for the same network."


def test_changes_are_against_the_base_where_the_sweep_names_one() -> None:
    result = whole_grid()
    base = dict(zip(result.summary["networks"], (30, 90, 150), strict=True))
    known = study(replace(result, summary=result.summary | {"base": base}))
    change = best_table(known).rows[0][4 + len(known.varying)]
    assert isinstance(change, Number)
    values = known.points["latency_s"]
    assert change.value == values[known.of("fsnn50")].min() / values[30] - 1
    assert base_sentence(known).startswith("Changes are against the architecture as its file has")


def test_commands_are_those_of_the_summary() -> None:
    result = grid_sweep()
    rows = command_table(study(result)).rows
    assert [row[3] for row in rows] == [
        own["command"] for known in result.summary["best"].values() for own in known.values()
    ]


def test_sentences_name_design_and_value() -> None:
    assert best_sentences(study(whole_grid()), 3)[0] == (
        "fsnn50 has its least latency, 3.26 ms, at point 59: cores.spike.count = 32, "
        "storage.activation_buffer.size = 2 MiB, schedule.order = pipeline."
    )
    assert len(best_sentences(study(whole_grid()), 3)) == 3
    assert len(best_sentences(study(whole_grid()), 9)) == 9


def test_where_accuracy_counts_designs_of_all_networks_are_compared() -> None:
    result = whole_grid()
    names = dict.fromkeys(result.summary["networks"], "mnist")
    place = int(result.points["latency_s"].to_numpy().argmin())
    best = {"mnist": {"latency": {"point": int(result.points["point"][place])}}}
    summary = result.summary | {"compared": names, "best": best, "fronts": {}}
    known = study(replace(result, summary=summary))
    assert known.compares_networks
    assert list(known.compared) == ["mnist"]
    (found,) = best_data(known)
    assert found.network == result.points["network"][place]
    (sentence,) = best_sentences(known, 5)
    assert sentence.startswith(f"Of all networks {found.network} has the least latency, ")
    costs = known.points[[each.column for each in known.objectives]].to_numpy()
    on_front = costs[known.is_on_front]
    assert all(
        not ((other <= own).all() and (other < own).any()) for own in on_front for other in costs
    )
    assert len(set(known.points["network"][known.is_on_front])) < len(names)


def test_a_sentence_names_the_axes_that_matter() -> None:
    text = best_sentences(study(random_sweep(100)), 3)[0]
    assert text.endswith(", and 4 axes that matter less.")


def test_least_floors_are_best_where_nothing_was_simulated() -> None:
    known = study(bounds_sweep())
    first = best_data(known)[0]
    own = known.points[known.of("fsnn50")]
    assert first.row["floor_latency_s"] == own["floor_latency_s"].min()
    assert command_table(known).rows == []
