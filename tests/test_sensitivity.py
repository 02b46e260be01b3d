"""Rankings under other energy tables, from counts."""

from typing import Any

import pytest

from codesign.evaluation import evaluate
from codesign.sensitivity import energies_pj, sensitivity, sentences, table_sources
from codesign.specs.catalogue import load_architecture
from tests.chip.small_chips import split_chip
from tests.small_networks import dual_stream_network

PARTS = ("energy_parts_pj", "operations")
SPIKING: dict[str, Any] = {
    "energy_pj": 100.0,
    "energy_parts_pj": {"ac": 5.0, "mac": 0.0, "logic": 1.0, "dram": 74.0, "leakage": 20.0},
    "operations": {
        **{"ac": 100, "mac": 0, "addition": 10, "reduction": 0, "neuron": 2, "logic": 9},
    },
}
MULTIPLYING = {
    "energy_pj": 90.0,
    "energy_parts_pj": {"ac": 0.0, "mac": 12.5, "dram": 77.5},
    "operations": {
        **{"ac": 0, "mac": 50, "addition": 0, "reduction": 0, "neuron": 0, "logic": 0},
    },
}


def test_tables_by_hand() -> None:
    tables = energies_pj(SPIKING)
    assert tables["operations alone"] == 6.0
    assert tables["without leakage and DRAM background"] == 80.0
    assert tables["operations at fp32, 45 nm, alone"] == pytest.approx(116 * 0.9 + 1)
    assert tables["operations at fp32, 45 nm"] == pytest.approx(94 + 116 * 0.9 + 1)
    multiplying = energies_pj(MULTIPLYING)
    assert multiplying["operations at int8 with 32-bit sums, 45 nm, alone"] == pytest.approx(15)


def test_a_flip_is_said_with_its_table_and_pair() -> None:
    found = sensitivity([SPIKING, MULTIPLYING])
    assert found is not None
    assert found.flips["operations alone"] == [(1, 0)]  # 6 pJ against 12.5
    said = sentences(["s", "m"], found)
    assert said[0] == "By energy m < s; the ranking depends on the energy table:"
    assert "operations alone: s below m." in said


def test_a_ranking_that_survives_is_said_so() -> None:
    twice = {
        "energy_pj": 200.0,
        **{key: {name: 2 * value for name, value in SPIKING[key].items()} for key in PARTS},
    }
    found = sensitivity([SPIKING, twice])
    assert sentences(["a", "b"], found) == ["By energy a < b, under each of 9 energy tables."]


def test_runs_of_the_same_operations_are_not_called_ordered_by_them() -> None:
    found = sensitivity([SPIKING, SPIKING | {"energy_pj": 200.0}])
    assert sentences(["a", "b"], found) == [
        "By energy a < b; none of 9 energy tables reverses an order."
    ]


def test_pairs_that_never_change_places_are_said_beside_those_that_do() -> None:
    costly = {
        "energy_pj": 900.0,
        "energy_parts_pj": {"mac": 125.0, "dram": 775.0},
        "operations": dict.fromkeys(SPIKING["operations"], 0) | {"mac": 500},
    }
    found = sensitivity([costly, SPIKING, MULTIPLYING])
    assert found is not None
    assert found.ranking("the chip as it is") == [2, 1, 0]
    assert found.ranking("operations alone") == [1, 2, 0]
    assert found.always == [(2, 0), (1, 0)]
    said = sentences(["c", "s", "m"], found)
    assert said[-1] == "under every table: m below c, s below c."


def test_runs_that_spend_the_same_on_the_chip_have_no_order_to_flip() -> None:
    same = MULTIPLYING | {"energy_pj": 100.0}
    for pair in ([SPIKING, same], [same, SPIKING]):
        found = sensitivity(pair)
        assert found is not None
        assert found.flips == {}
        assert found.always == []
        assert sentences(["a", "b"], found) == [
            "By energy a = b; none of 9 energy tables reverses an order."
        ]


def test_every_table_names_its_source() -> None:
    sources = table_sources()
    assert list(sources) == list(energies_pj(SPIKING))
    horowitz = [text for text in sources.values() if text.startswith("Horowitz")]
    assert len(horowitz) == 6
    assert "int16 add 0.05 pJ, int8 multiply 0.2 pJ" in horowitz[2]


def test_one_run_or_prices_of_operations_have_no_sensitivity() -> None:
    assert sensitivity([SPIKING]) is None
    paper = evaluate(dual_stream_network(), load_architecture("paper")).summary
    assert sensitivity([paper, paper]) is None


def test_the_chips_own_coefficients_give_its_own_energy_of_operations() -> None:
    """split_core prices operations as int8 with 16-bit sums."""
    summary = evaluate(dual_stream_network(), split_chip()).summary
    tables = energies_pj(summary)
    assert tables["operations at int8 with 16-bit sums, 45 nm"] == pytest.approx(
        summary["energy_pj"], rel=1e-9
    )
