"""The printed tables agree with themselves, and every row's workload is there."""

import pytest

from codesign.networks.provenance import calibrated_name
from codesign.networks.targets import TARGETS
from codesign.published import ROWS, TABLES
from codesign.specs.catalogue import load_workload_spec


def test_every_row_of_the_tables_is_there() -> None:
    counts = [sum(row.table == number for row in ROWS) for number in TABLES]
    assert counts == [19, 13, 3]
    assert len({(row.table, row.network, row.dataset) for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", [row for row in ROWS if row.ac_g], ids=lambda row: row.network)
def test_printed_operations_give_the_printed_energy(row) -> None:  # type: ignore[no-untyped-def]
    least, most = (
        0.9 * (row.ac_g + side * 0.005) + 4.6 * (row.mac_g + side * 0.005) for side in (-1, 1)
    )
    assert least <= row.energy_mj <= most  # operations are printed to 0.01 G


@pytest.mark.parametrize("row", [row for row in ROWS if row.workload], ids=lambda row: row.network)
def test_a_row_is_a_workload_with_its_timesteps(row) -> None:  # type: ignore[no-untyped-def]
    spec = load_workload_spec(row.workload, row.changes)
    assert row.is_converted or spec.timesteps == row.timesteps
    assert spec.weights == "calibrated"


def test_a_row_without_a_workload_prints_no_energy() -> None:
    assert all(row.energy_mj is None and row.note for row in ROWS if not row.workload)


def test_six_rows_of_table_3_are_of_unknown_order() -> None:
    means = [row.mean_mj for row in ROWS if row.mean_mj is not None]
    assert means == [pytest.approx(mean) for mean in 3 * (3.33 / 3, 11.57 / 3)]


SHARED = ("DSNN-50", "DSNN-101", "Spikformer (IAND) w/ DST")
"""Rows whose weights are those of another row, with operations of their own."""


@pytest.mark.parametrize(
    "row",
    [row for row in ROWS if row.energy_mj and row.network not in SHARED],
    ids=lambda row: row.network,
)
def test_weights_are_calibrated_to_what_the_row_prints(row) -> None:  # type: ignore[no-untyped-def]
    target = TARGETS[calibrated_name(load_workload_spec(row.workload, row.changes))]
    if row.table == 2:
        assert target.ac == pytest.approx(row.ac_g * 1e9, rel=1e-12)
    else:
        energy_mj = row.mean_mj or row.energy_mj
        assert target.energy_pj == pytest.approx(energy_mj * 1e9, rel=1e-12)
