import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from codesign.units import (
    AREA,
    BANDWIDTH,
    BITS,
    ENERGY,
    ENERGY_PER_BIT,
    FREQUENCY,
    LENGTH,
    POWER,
    QUANTITIES,
    TIME,
    Bits,
    Energy,
    Quantity,
    shown,
    si,
    size_text,
)

WHOLE = [quantity for quantity in QUANTITIES if quantity.whole]
REAL = [quantity for quantity in QUANTITIES if not quantity.whole]


@st.composite
def numbers(draw: st.DrawFn) -> tuple[Quantity, float]:
    """A dimension and a number that it allows."""
    quantity = draw(st.sampled_from(QUANTITIES))
    low, high = quantity.smallest, quantity.largest
    if quantity.whole:
        return quantity, draw(st.integers(int(low), int(high)))
    inside = st.floats(float(low), float(high), allow_subnormal=False)
    return quantity, draw(st.just(0.0) | inside if quantity.zero else inside)


@given(numbers())
def test_parsing_what_was_formatted_gives_the_same_number(case: tuple[Quantity, float]):
    quantity, number = case
    parsed = quantity.parse(quantity.format(number))
    assert parsed == number
    assert type(parsed) is (int if quantity.whole else float)


@given(numbers())
def test_every_formatted_number_matches_the_schema(case: tuple[Quantity, float]):
    quantity, number = case
    schema = quantity.__get_pydantic_json_schema__(None, None)
    assert re.search(schema["pattern"], quantity.format(number))


@pytest.mark.parametrize("quantity", QUANTITIES, ids=lambda quantity: quantity.noun)
def test_the_example_in_messages_is_legal(quantity: Quantity):
    assert quantity.parse(quantity.example) > 0


@pytest.mark.parametrize(
    ("quantity", "text", "number"),
    [
        (ENERGY, "0.9 pJ", 0.9),
        (ENERGY, "1.5 fJ", 0.0015),
        (ENERGY, "2 nJ", 2000.0),
        (ENERGY, "3 uJ", 3e6),
        (ENERGY, "0 pJ", 0.0),
        (ENERGY, ".5pJ", 0.5),
        (ENERGY, "+1e-3 pJ", 0.001),
        (ENERGY_PER_BIT, "12.45 pJ/b", 12.45),
        (ENERGY_PER_BIT, "12.45 pJ/bit", 12.45),
        (POWER, "1.5 W", 1500.0),
        (POWER, "250 nW", 0.00025),
        (POWER, "12 uW", 0.012),
        (AREA, "22 um2", 2.2e-05),
        (TIME, "3.5 us", 3500.0),
        (TIME, "10 ps", 0.01),
        (LENGTH, "45 nm", 45.0),
        (FREQUENCY, "500 MHz", 500_000_000),
        (FREQUENCY, "1.1 GHz", 1_100_000_000),
        (BITS, "64 KiB", 524_288),
        (BITS, "2 MiB", 16_777_216),
        (BITS, "96 KB", 768_000),
        (BITS, "96 kB", 768_000),
        (BITS, "128 bit", 128),
        (BITS, "8 b", 8),
        (BITS, "0.5 B", 4),
        (BANDWIDTH, "25.6 GB/s", 204_800_000_000),
        (BANDWIDTH, "64 GB/s", 512_000_000_000),
        (BANDWIDTH, "3.2 Gbit/s", 3_200_000_000),
        (BANDWIDTH, "3.2 Gb/s", 3_200_000_000),
    ],
)
def test_a_quantity_is_its_number_in_one_unit(quantity: Quantity, text: str, number: float):
    assert quantity.parse(text) == number


@pytest.mark.parametrize(
    ("quantity", "value", "message"),
    [
        (ENERGY, 0.9, r"must be an energy with its unit \(got 0\.9\)\. Write it like '0\.9 pJ'"),
        (ENERGY, "0.9", r"with its unit \(got the bare number '0\.9'\)\. Write it like '0\.9 pJ'"),
        (ENERGY, "0.9 MHz", r"'0\.9 MHz' is a frequency; an energy is expected, e\.g\. '0\.9 pJ'"),
        (ENERGY, "8 pJ/b", r"is an energy per bit; an energy is expected"),
        (ENERGY, "0.9 foo", r"unit 'foo' is unknown\)\. Write it like '0\.9 pJ'\. Legal units: pJ"),
        (ENERGY, "-1 pJ", r"must not be negative: an energy is expected \(got '-1 pJ'\)"),
        (ENERGY, "nan pJ", r"must be an energy, a finite number with its unit \(got 'nan pJ'\)"),
        (ENERGY, "inf pJ", r"a finite number with its unit \(got 'inf pJ'\)"),
        (ENERGY, "-.inf", r"a finite number with its unit \(got '-\.inf'\)"),
        (ENERGY, "1e300 pJ", r"must be between 1e-9 and 1e\+9 pJ or zero \(got '1e300 pJ'\)"),
        (ENERGY, "1e-300 pJ", r"must be between 1e-9 and 1e\+9 pJ or zero"),
        (ENERGY, "1_0 pJ", r"must be an energy with its unit \(got '1_0 pJ'\)"),
        (ENERGY, "٣ pJ", r"must be an energy with its unit"),
        (ENERGY, "9" * 100 + " pJ", r"must be an energy with its unit \(got '9{64}\.\.\.'\)"),
        (ENERGY, "", r"must be an energy with its unit \(got ''\)"),
        (ENERGY, None, r"must be an energy with its unit \(got nothing\)"),
        (ENERGY, True, r"must be an energy with its unit \(got True\)"),
        (POWER, "3 MW", r"unit 'MW' is unknown\)\. Did you mean 'mW'\?"),
        (BITS, "64 KIB", r"unit 'KIB' is unknown\)\. Did you mean 'KiB'\?"),
        (BITS, "1.5 bit", r"must be a whole number of bit \(got '1\.5 bit'\)"),
        (BITS, "0 B", r"must be more than zero \(got '0 B'\)"),
        (FREQUENCY, "0 Hz", r"must be more than zero \(got '0 Hz'\)"),
        (BANDWIDTH, "0 GB/s", r"must be more than zero"),
        (BANDWIDTH, "64 GB", r"is a size in bits or bytes; a bandwidth is expected"),
        (LENGTH, "0 nm", r"must be more than zero"),
    ],
)
def test_a_bad_quantity_is_answered_with_the_legal_form(
    quantity: Quantity, value: object, message: str
):
    with pytest.raises(ValueError, match=message):
        quantity.parse(value)


def test_a_model_with_quantities_survives_json():
    class Part(BaseModel):
        size: Bits
        read: Energy

    part = Part.model_validate({"size": "64 KiB", "read": "9.74 pJ"})
    assert (part.size, part.read) == (524_288, 9.74)
    assert part.model_dump_json() == '{"size":"524288 bit","read":"9.74 pJ"}'
    assert Part.model_validate_json(part.model_dump_json()) == part
    with pytest.raises(ValidationError, match="bare number"):
        Part.model_validate({"size": "64", "read": "9.74 pJ"})


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9.18e-3, "J", "9.18 mJ"),
        (999.96, "J", "1 kJ"),
        (1.69e9, "", "1.69 G"),
        (0.0, "s", "0 s"),
        (-0.25, "W", "-250 mW"),
        (1.0, "J", "1 J"),
        (100.0, "Hz", "100 Hz"),
        (3e-20, "J", "0.03 aJ"),
        (5e21, "J", "5000 EJ"),
        (float("nan"), "J", "nan J"),
        (float("inf"), "s", "inf s"),
    ],
)
def test_numbers_for_people_have_an_si_prefix(value: float, unit: str, text: str):
    assert si(value, unit) == text


@given(st.floats(1e-15, 1e15))
def test_the_si_mantissa_is_between_1_and_1000(value: float):
    assert 1 <= float(si(value, "J").split()[0]) < 1000


def test_a_value_in_a_message_stays_on_its_line():
    assert shown("a\nb\x1b[31m") == "'a?b?[31m'"


@pytest.mark.parametrize(
    ("bits", "text"),
    [(0, "0 bit"), (7, "7 bit"), (8, "1 B"), (1000, "125 B"), (262144, "32 KiB"), (2**26, "8 MiB")],
)
def test_a_size_of_memory_is_told_as_it_is_written(bits: int, text: str) -> None:
    assert size_text(bits) == text
