"""Values along an axis."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.specs.axes import drawn, grid
from codesign.units import BANDWIDTH


def test_steps_of_a_tenth_are_exact() -> None:
    assert grid(0.1, 0.5, 0.1, None, is_log=False) == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_powers_of_two_are_met_by_equal_ratios() -> None:
    expected = ["8 KiB", "16 KiB", "32 KiB", "64 KiB"]
    assert grid("8 KiB", "64 KiB", None, 4, is_log=True) == expected
    assert grid(1, 128, None, 8, is_log=True) == [1, 2, 4, 8, 16, 32, 64, 128]


def test_integers_stay_integers_and_are_met_once() -> None:
    assert grid(1, 4, None, 7, is_log=False) == [1, 2, 3, 4]  # halves round up
    assert grid(4, 17, 4, None, is_log=False) == [4, 8, 12, 16]


@given(st.floats(0.001, 1e6), st.floats(1.001, 1e3), st.integers(2, 50), st.booleans())
def test_a_range_starts_and_ends_where_it_says_and_rises(
    low: float, ratio: float, points: int, is_log: bool
) -> None:
    found = [float(value) for value in grid(low, low * ratio, None, points, is_log=is_log)]
    assert found == sorted(set(found))
    # A log range has twelve digits.
    assert found[0] == pytest.approx(low, rel=1e-11)
    assert found[-1] == pytest.approx(low * ratio, rel=1e-11)


@given(st.floats(0.0, 1.0, exclude_max=True))
def test_drawn_values_are_inside_and_whole_where_they_must_be(part: float) -> None:
    number = drawn(3, 7, part, is_log=False)
    assert isinstance(number, int)
    assert 3 <= number <= 7
    text = drawn("6.4 GB/s", "51.2 GB/s", part, is_log=True)
    assert isinstance(text, str)
    assert 51_200_000_000 <= BANDWIDTH.parse(text) <= 409_600_000_000


def test_drawn_quantities_have_four_digits() -> None:
    assert drawn("1 pJ", "2 pJ", 1 / 3, is_log=False) == "1.333 pJ"
    assert drawn(0.0, 1.0, 1 / 3, is_log=False) == float(Decimal("0.3333"))


@pytest.mark.parametrize(
    ("ends", "options", "message"),
    [
        (("8 KiB", "16 pJ"), {}, "one unit"),
        ((8, 8), {}, "end above its start"),
        ((0, 8), {"is_log": True}, "above zero"),
        ((1, 8), {"step": 0}, "more than zero"),
        ((1, 8), {"step": 0.5}, "between integers"),
        ((1, 8), {"step": 2, "points": 3}, "without points"),
        ((1.0, 1e9), {"step": 0.001}, "at most 100,000"),
        (("a", "b"), {}, "numbers or quantities"),
        ((True, False), {}, "numbers or quantities"),
        (("1.2.3 pJ", "2 pJ"), {}, "numbers or quantities"),
        (("1 pJ", "1e400 pJ"), {}, "one unit"),
        ((1, 10**31), {}, "at most"),
        ((1.0, float("inf")), {}, "numbers or quantities"),
        (("1 KiB", "8 KiB"), {"step": "1 pJ"}, "unit of the ends"),
    ],
)
def test_what_is_no_range_is_refused(
    ends: tuple[object, object], options: dict[str, object], message: str
) -> None:
    arguments = {"step": None, "points": None, "is_log": False} | options
    is_log = bool(arguments.pop("is_log"))
    with pytest.raises(ValueError, match=message):
        grid(*ends, arguments["step"], arguments["points"], is_log=is_log)  # type: ignore[arg-type]
