"""docs/comparison.md has the rows that tools/compare_chips.py writes, some measured again."""

import importlib.util
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "comparison.md").read_text()


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("compare_chips", ROOT / "tools/compare_chips.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SCRIPT = _script()


def shown() -> dict[tuple[str, str, str], list[str]]:
    """Cells of each row of the page, by network, chip and choice."""
    rows, chip = {}, ""
    for line in PAGE.splitlines():
        if line.startswith("## "):
            chip = line.removeprefix("## ")
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if cells[0] in SCRIPT.WORKLOADS:
            rows[cells[0], chip, cells[1]] = cells[2:]
    return rows


def test_the_page_has_a_row_for_each_network_chip_and_choice() -> None:
    cases = product(SCRIPT.WORKLOADS, SCRIPT.CHIPS, SCRIPT.CHOICES)
    assert set(shown()) == {case for case in cases if SCRIPT.options(case[2], case[1]) is not None}


def test_the_page_begins_and_ends_as_the_script_writes_it() -> None:
    first, *_, last = SCRIPT.lines([])
    assert PAGE.startswith(first)
    assert PAGE.endswith(last + "\n")


@pytest.mark.parametrize(
    "case", [("dsnn50", "split_core", "as shipped"), ("dsnn50", "unified_core", "as shipped")]
)
def test_rows_are_measured_again(case: tuple[str, str, str]) -> None:
    assert SCRIPT.measured(case)[3] == shown()[case]
