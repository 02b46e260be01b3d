"""A row is set beside eq. 7 and eq. 15 of its network by the rule that gives its digits."""

from dataclasses import replace

import pytest

from codesign.counting import count_layers, totals
from codesign.published import Rebuilt, Row, rebuild
from codesign.published.rebuilding import as_json, difference, verdict
from codesign.specs.architecture import PaperEnergies
from codesign.specs.catalogue import load_architecture
from codesign.workload import LayerType
from tests.small_networks import dual_stream_network

ROW = Row(2, "a network", "FSNN", "a data set", 60.0, 4, workload="fsnn18")
COUNTS = {"ac": 0.9e9, "ac_rate_dense": 1e9, "mac": 1e9, "mac_with_bn": 1.2e9}
"""Energies 0.9 + 4.6 = 5.5 mJ with batch norm fused and 0.9 + 5.52 = 6.42 mJ with it counted."""


def prices() -> PaperEnergies:
    operations = load_architecture("paper").operations
    assert operations is not None
    return operations


def rebuilt(row: Row, **changes: float) -> Rebuilt:
    trace = dual_stream_network(accumulation=False)
    counts = totals(count_layers(trace)) | COUNTS | changes
    return rebuild(row, trace.workload, counts, prices())


@pytest.mark.parametrize(
    ("printed", "mac_g", "words"),
    [
        (5.5, None, "batch norm fused"),
        (6.42, None, "batch norm counted"),
        (5.55, 1.2, "not reproduced; nearest with batch norm counted"),  # by its digits
        (8.0, None, "not reproduced; nearest with batch norm counted"),
        (None, None, "bounded by eq. 15"),
    ],
)
def test_the_rule_is_the_one_of_the_printed_digits(
    printed: float | None, mac_g: float | None, words: str
) -> None:
    row = replace(ROW, energy_mj=printed, mac_g=mac_g)
    assert verdict(row, rebuilt(row)) == words


def test_where_both_rules_give_the_energy_neither_is_preferred() -> None:
    row = replace(ROW, energy_mj=5.5)
    assert verdict(row, rebuilt(row, mac_with_bn=1.001e9)) == "either rule"
    row = replace(row, mac_g=1.0)  # digits that one rule alone has
    assert verdict(row, rebuilt(row, mac_with_bn=1.01e9)) == "batch norm fused"


def test_the_difference_is_that_of_the_named_rule() -> None:
    row = replace(ROW, energy_mj=6.0, mac_g=1.2)
    off = difference(row, rebuilt(row))
    assert off == pytest.approx(6.42 / 6.0 - 1)


def test_a_converted_network_is_bounded_at_its_own_timesteps() -> None:
    """The lower bound stays, what lies above it grows with T."""
    trace = dual_stream_network(accumulation=False)
    rows = [replace(ROW, method="A2S", timesteps=factor * trace.workload.timesteps)
            for factor in (1, 10)]  # fmt: skip
    (least, most), (same, more) = (rebuilt(row).bounds_mj["mac"] for row in rows)
    assert same == least == pytest.approx(4.6)
    assert more - least == pytest.approx(10 * (most - least))
    neurons = sum(
        trace.workload.output_tensor(layer).size * trace.workload.output_tensor(layer).timesteps
        for layer in trace.workload.layers
        if layer.type is LayerType.NEURON
    )
    assert most - least > neurons * 0.9 / 1e9


def test_the_firing_rates_of_a_converted_network_are_not_told() -> None:
    row = replace(ROW, method="A2S")
    assert list(as_json(row, rebuilt(row))["rebuilt"]) == ["bounds_mj"]


def test_a_row_without_a_network_is_told_as_that() -> None:
    content = as_json(replace(ROW, workload=""), None)
    assert (content["rebuilt"], content["verdict"]) == (None, "not rebuilt")


def test_of_rows_in_unknown_order_the_mean_is_met() -> None:
    row = replace(ROW, energy_mj=5.0, mean_mj=5.5)
    assert verdict(row, rebuilt(row)) == "the mean of three rows, batch norm fused"
    assert difference(row, rebuilt(row)) == pytest.approx(0.1)  # from its own all the same
