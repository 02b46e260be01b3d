"""Where numbers come from is told, and what must not be overlooked is told at once."""

from typing import Any

import pytest

from codesign.pages import origins
from tests.pages.example_results import example_result


@pytest.mark.parametrize(
    ("provenance", "expected"),
    [
        ({"weights": {"kind": "trained"}}, []),
        (
            {"weights": {"kind": "calibrated", "target": "Table 2"}},
            ["Weights: calibrated to Table 2, not trained."],
        ),
        (
            {"weights": "calibrated to Table 2, not trained"},
            ["Weights: calibrated to Table 2, not trained."],
        ),
        (
            {"runs": [{"weights": "calibrated, seed 3."}]},
            ["Weights: calibrated, seed 3, not trained."],
        ),
        (
            {"weights": {"kind": "calibrated, not trained"}},
            ["Weights: calibrated to published counts, not trained."],
        ),
        ({"weights": "calibrated"}, ["Weights: calibrated, not trained."]),
        ({"weights": {"kind": "initialised"}}, ["Weights: initialised at random, not trained."]),
        ({"weights": {"kind": "checkpoint", "description": "as given"}}, []),
        (
            {
                "weights": {"kind": "calibrated", "target": "Table 2"},
                "text": "calibrated to Table 2, not trained",
            },
            ["Weights: calibrated to Table 2, not trained."],
        ),
    ],
)
def test_calibrated_is_never_shown_as_trained(
    provenance: dict[str, Any], expected: list[str]
) -> None:
    assert origins.statements(provenance) == expected


def test_simulated_is_never_shown_as_recorded() -> None:
    events = {"kind": "simulated events", "name": "astronaut.png"}
    provenance = {"weights": {"kind": "trained"}, "input": {"image 1": events, "image 2": events}}
    assert origins.statements(provenance) == [
        "Input: simulated events of astronaut.png, not recorded."
    ]
    assert origins.statements({"input": {"kind": "photograph", "name": "astronaut.png"}}) == []
    assert origins.statements({"runs": [{"input": {"kind": "simulated"}}]}) == [
        "Input: simulated, not recorded."
    ]


def test_facts_hold_every_value_of_the_provenance() -> None:
    known = example_result().summary
    facts = origins.facts(known | {"provenance": {"weights": {"sha256": "cc"}, "input": "photo"}})
    assert facts["weights sha256"] == "cc"
    assert facts["input"] == "photo"
    hashes = (facts["trace hash"], facts["architecture hash"])
    assert hashes == (known["trace_hash"], known["architecture_hash"])


def test_sources_keep_the_places_of_the_file_and_may_be_missing() -> None:
    assert origins.sources({}) == {}
    places = {"cores.spike.weight_memory": "CACTI 7"}
    assert origins.sources({"sources": places}) == places


def test_a_source_says_that_another_number_was_put_in_its_place() -> None:
    sources = {"cores.spike": "a", "cores.spike.operations": "b", "storage.dram": "c"}
    changes = ["cores.spike.operations.ac=1 pJ", "workload.timesteps=2", "cores.spike.count=8"]
    assert origins.sources({"sources": sources, "changes": changes}) == {
        "cores.spike": "a (changed: cores.spike.count=8)",
        "cores.spike.operations": "b (changed: cores.spike.operations.ac=1 pJ)",
        "storage.dram": "c",
    }


def test_trained_weights_are_told_with_the_command_that_made_them() -> None:
    card = {"data": {"title": "digits"}, "command": "codesign train --workload dsnn_digits"}
    weights = {"kind": "trained", "description": "trained on digits, see its card", "card": card}
    told = origins.weights_words({"weights": weights})
    assert told == "trained on digits: codesign train --workload dsnn_digits"
    without = weights | {"card": {"data": {"title": "digits"}}}
    assert origins.weights_words({"weights": without}) == "trained on digits, see its card"


def test_a_checkpoint_is_told_and_not_called_trained() -> None:
    checkpoint = {"kind": "checkpoint", "description": "from the checkpoint a.pth, as given"}
    assert origins.weights_words({"weights": checkpoint}) == "from the checkpoint a.pth, as given"
    for other in ({}, {"weights": "calibrated"}, {"weights": {"kind": "calibrated"}}):
        assert origins.weights_words(other) is None
