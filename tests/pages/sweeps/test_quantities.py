"""Values of axes and objectives read as people write them."""

import numpy as np
import pytest

from codesign.exploration.effects import Level
from codesign.exploration.results import OBJECTIVES
from codesign.pages.content import Number
from codesign.pages.sweeps.quantities import (
    axis_cell,
    axis_text,
    floor_of,
    level_text,
    objective,
    tick_text,
)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (16, "", "16"),
        (np.int64(1024), "", "1,024"),
        (0.25, "", "0.25"),
        ("pipeline", "", "pipeline"),
        (True, "", "True"),
        (64 * 8192, "bit", "64 KiB"),
        (8, "bit", "8 bit"),
        (204.8e9, "bit/s", "25.6 GB/s"),
        (33_530_153, "bit", "3.997 MiB"),
        (1_000_003.5, "bit", "122.1 KiB"),
        (500_000_000, "Hz", "500 MHz"),
        (0.9, "pJ", "900 fJ"),
        (12.45, "pJ/b", "12.4 pJ/b"),
        (1.26, "mW", "1.26 mW"),
        (45, "nm", "45 nm"),
        (0.5034, "mm2", "0.5034 mm²"),
        (float("nan"), "pJ", ""),
    ],
)
def test_a_value_of_an_axis_has_its_unit(value: object, unit: str, text: str) -> None:
    assert axis_text(value, unit) == text


def test_numbers_are_sorted_as_numbers_and_words_as_words() -> None:
    assert axis_cell(np.int64(8), "") == Number(8, "8")
    assert axis_cell("8", "") == "8"
    assert axis_cell(True, "") == "True"
    assert axis_cell(float("nan"), "Hz") == ""


def test_bins_have_two_ends_and_at_an_axis_the_upper_one() -> None:
    assert level_text(Level(1e8, 2e8), "Hz") == "100 MHz to 200 MHz"
    assert tick_text(Level(1e8, 2e8), "Hz") == "to 200 MHz"
    assert tick_text(Level("layer", "layer"), "") == level_text(Level("layer", "layer"), "")


@pytest.mark.parametrize("name", OBJECTIVES)
def test_every_objective_has_words_and_a_unit_without_prefix(name: str) -> None:
    own = objective(name)
    assert own.column == OBJECTIVES[name][0]
    assert own.unit in ("s", "J", "J·s", "W", "mm²", "%")
    assert own.text(float("nan")) == ""


def test_energy_is_kept_in_picojoules_and_read_in_joules() -> None:
    assert objective("energy").text(2.32e10) == "23.2 mJ"
    assert objective("area").text(0.0511) == "0.0511 mm²"
    floor = floor_of("energy")
    assert floor is not None
    assert (floor.column, floor.text(1e12)) == ("floor_energy_pj", "1 J")
    assert floor_of("area") is None
