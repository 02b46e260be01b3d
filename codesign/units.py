"""Quantities with units: how users write physical numbers, and how people read them.

In YAML a quantity is a text with its unit (`0.9 pJ`, `500 MHz`, `64 KiB`); the model behind it
holds a plain number in one unit, which the field's name states (`read_pj`, `clock_hz`). Each type
below is an annotation for pydantic: it reads the text, writes it back in JSON, and describes
itself in a JSON Schema.

Units are case-sensitive (`mW` is not `MW`). `b` and `bit` are bits, `B` is a byte of 8 bits;
`KiB`, `MiB`, `GiB` are powers of 1024, `kB` (also `KB`), `MB`, `GB` powers of 1000. Numbers are
read as decimals, so that 25.6 GB/s is exactly 204,800,000,000 bit/s.

Left out: arithmetic on quantities and compound units. The program computes with plain numbers.
"""

import re
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from codesign.errors import nearest

_NUMBER = r"\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?"
_QUANTITY = re.compile(rf"\s*({_NUMBER})\s*([A-Za-z].*?)?\s*", re.ASCII)
_NOT_FINITE = re.compile(r"\s*[+-]?(?:\.?nan|\.?inf(?:inity)?)\b.*", re.IGNORECASE | re.DOTALL)
_NEGATIVE = re.compile(rf"\s*-\s*{_NUMBER}.*", re.ASCII | re.DOTALL)
_LONGEST_TEXT = 64
_EXACT = Context(prec=2 * _LONGEST_TEXT)
"""More digits than any legal text times any unit has: products are exact."""

_PREFIXES = {
    -18: "a", -15: "f", -12: "p", -9: "n", -6: "u", -3: "m",
    0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P", 18: "E",
}  # fmt: skip


def shown(value: object) -> str:
    """A user's value in a message: in quotes if it is text, on one line, cut where it is long."""
    if value is None:
        return "nothing"
    text = f"{value}"[: _LONGEST_TEXT + 1]
    text = "".join(letter if letter.isprintable() else "?" for letter in text)
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}..."
    return f"'{text}'" if isinstance(value, str) else text


@dataclass(frozen=True, eq=False)
class Quantity:
    """One physical dimension: what users may write for it and the number that it becomes.

    Attributes:
        noun: the dimension with its article, for messages (`an energy`).
        example: a legal text.
        units: legal units and their size in the unit of the number, which comes first.
        smallest, largest: limits of a sensible value other than zero, in the unit of the number.
        zero: whether zero is legal.
        whole: whether the number is an int; a text that is no whole number is then an error.
    """

    noun: str
    example: str
    units: dict[str, Decimal]
    smallest: Decimal
    largest: Decimal
    zero: bool = True
    whole: bool = False

    @property
    def unit(self) -> str:
        """The unit of the number."""
        return next(iter(self.units))

    def parse(self, text: object) -> int | float:
        """The number that a user's text means, in `self.unit`.

        Raises:
            PydanticCustomError: (a ValueError) the text is not a legal quantity of this dimension.
                Its context holds `problem` and `fix`, the parts of an error message.
        """
        if not isinstance(text, str):
            raise self._error(
                f"must be {self.noun} with its unit (got {shown(text)})",
                f"Write it like '{self.example}'.",
            )
        number, factor = self._split(text)
        value = _EXACT.multiply(number, factor)
        self._check_range(text, value)
        if not self.whole:
            return float(value)
        if value != value.to_integral_value():
            raise self._error(
                f"must be a whole number of {self.unit} (got {shown(text)})",
                f"Write it like '{self.example}'.",
            )
        return int(value)

    def format(self, number: float) -> str:
        """The text that `parse` turns into exactly this number."""
        return f"{number!r} {self.unit}"

    def _split(self, text: str) -> tuple[Decimal, Decimal]:
        """The number in a text, and the size of its unit."""
        match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
        if match is None:
            what = f"must be {self.noun} with its unit"
            if _NOT_FINITE.fullmatch(text):
                what = f"must be {self.noun}, a finite number with its unit"
            elif _NEGATIVE.fullmatch(text):
                what = f"must not be negative: {self.noun} is expected"
            raise self._error(f"{what} (got {shown(text)})", f"Write it like '{self.example}'.")
        number, unit = match.groups()
        if unit is None:
            raise self._error(
                f"must be {self.noun} with its unit (got the bare number {shown(text)})",
                f"Write it like '{self.example}'.",
            )
        if unit not in self.units:
            raise self._unit_error(text, unit)
        return Decimal(number), self.units[unit]

    def _unit_error(self, text: str, unit: str) -> PydanticCustomError:
        legal = f"Legal units: {', '.join(self.units)}."
        for other in QUANTITIES:
            if unit in other.units:
                found = f"{shown(text)} is {other.noun}"
                expected = f"{self.noun} is expected, e.g. '{self.example}'"
                return self._error(f"{found}; {expected}", legal)
        # A slip of the shift key is the likeliest, and difflib takes 'KIB' for 'KB'.
        same_letters = [known for known in self.units if known.lower() == unit.lower()]
        hint = f"Did you mean '{same_letters[0]}'?" if same_letters else nearest(unit, self.units)
        if not hint.startswith("Did you mean"):
            hint = f"Write it like '{self.example}'."
        return self._error(
            f"must be {self.noun} (got {shown(text)}, whose unit {shown(unit)} is unknown)",
            f"{hint} {legal}",
        )

    def _check_range(self, text: str, value: Decimal) -> None:
        if value == 0 and not self.zero:
            raise self._error(
                f"must be more than zero (got {shown(text)})", f"Write it like '{self.example}'."
            )
        if value != 0 and not self.smallest <= value <= self.largest:
            raise self._error(
                f"must be between {self.smallest:g} and {self.largest:g} {self.unit}"
                f"{' or zero' if self.zero else ''} (got {shown(text)})",
                "Check the number and its unit.",
            )

    def _error(self, problem: str, fix: str) -> PydanticCustomError:
        return PydanticCustomError("quantity", "{problem}. {fix}", {"problem": problem, "fix": fix})

    def __get_pydantic_core_schema__(
        self, source: type[Any], handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            self.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                self.format, when_used="json"
            ),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        units = "|".join(re.escape(unit) for unit in self.units)
        return {
            "type": "string",
            "pattern": rf"^\s*{_NUMBER}\s*(?:{units})\s*$",
            "examples": [self.example],
            "description": f"{self.noun} in {', '.join(self.units)}",
        }


def _units(**sizes: str) -> dict[str, Decimal]:
    return {unit: Decimal(size) for unit, size in sizes.items()}


def _per(over: str, sizes: dict[str, Decimal]) -> dict[str, Decimal]:
    return {f"{unit}/{over}": size for unit, size in sizes.items()}


_JOULES = _units(pJ="1", fJ="1e-3", nJ="1e3", uJ="1e6")
_BIT_MULTIPLES = _units(bit="1", b="1", kbit="1e3", Mbit="1e6", Gbit="1e9")
_BYTES = {
    unit: 8 * size
    for unit, size in {
        **_units(B="1", kB="1e3", KB="1e3", MB="1e6", GB="1e9", TB="1e12"),
        "KiB": Decimal(2**10),
        "MiB": Decimal(2**20),
        "GiB": Decimal(2**30),
    }.items()
}

# Limits: generous for any chip that can be built, narrow enough to catch a slip of a prefix by
# several powers of a thousand (a 1 mJ addition, a chip larger than a wafer, 1 TiB on chip).
LENGTH = Quantity(
    "a length", "45 nm", _units(nm="1", um="1e3"), Decimal(1), Decimal(10_000), zero=False
)
FREQUENCY = Quantity(
    "a frequency",
    "500 MHz",
    _units(Hz="1", kHz="1e3", MHz="1e6", GHz="1e9"),
    Decimal(1),
    Decimal("1e11"),
    zero=False,
    whole=True,
)
ENERGY = Quantity("an energy", "0.9 pJ", _JOULES, Decimal("1e-9"), Decimal("1e9"))
ENERGY_PER_BIT = Quantity(
    "an energy per bit",
    "12.45 pJ/b",
    _per("b", _JOULES) | _per("bit", _JOULES),
    Decimal("1e-9"),
    Decimal("1e6"),
)
POWER = Quantity(
    "a power",
    "1.5 mW",
    _units(mW="1", nW="1e-6", uW="1e-3", W="1e3"),
    Decimal("1e-9"),
    Decimal("1e6"),
)
AREA = Quantity("an area", "0.46 mm2", _units(mm2="1", um2="1e-6"), Decimal("1e-9"), Decimal("1e5"))
TIME = Quantity(
    "a time",
    "100 ns",
    _units(ns="1", ps="1e-3", us="1e3", ms="1e6"),
    Decimal("1e-6"),
    Decimal("1e9"),
)
BITS = Quantity(
    "a size in bits or bytes",
    "64 KiB",
    _BIT_MULTIPLES | _BYTES,
    Decimal(1),
    Decimal(8 * 2**40),
    zero=False,
    whole=True,
)
BANDWIDTH = Quantity(
    "a bandwidth",
    "25.6 GB/s",
    _per("s", _BIT_MULTIPLES) | {"Gb/s": Decimal("1e9")} | _per("s", _BYTES),
    Decimal(1),
    Decimal("1e15"),
    zero=False,
    whole=True,
)
QUANTITIES = (
    LENGTH, FREQUENCY, ENERGY, ENERGY_PER_BIT, POWER, AREA, TIME, BITS, BANDWIDTH,
)  # fmt: skip

Length = Annotated[float, LENGTH]
"""Nanometres."""
Frequency = Annotated[int, FREQUENCY]
"""Hertz."""
Energy = Annotated[float, ENERGY]
"""Picojoules."""
EnergyPerBit = Annotated[float, ENERGY_PER_BIT]
"""Picojoules per bit."""
Power = Annotated[float, POWER]
"""Milliwatts."""
Area = Annotated[float, AREA]
"""Square millimetres."""
Time = Annotated[float, TIME]
"""Nanoseconds."""
Bits = Annotated[int, BITS]
"""Bits."""
Bandwidth = Annotated[int, BANDWIDTH]
"""Bits per second."""


def size_text(bits: int) -> str:
    """A size of memory as it is written in files: `64 KiB`, `12 B`, or bits that are no bytes."""
    for unit in ("GiB", "MiB", "KiB", "B"):
        size_bits = int(_BYTES[unit])
        if bits and bits % size_bits == 0:
            return f"{bits // size_bits} {unit}"
    return f"{bits} bit"


def si(value: float, unit: str, digits: int = 3) -> str:
    """A number with an SI prefix, for people: `si(9.18e-3, "J")` is `9.18 mJ`.

    Args:
        value: any number; one that is not finite is shown as it is.
        unit: a unit without prefix; empty for a count (`1.69 G`).
        digits: significant digits; trailing zeros are dropped.
    """
    number = Decimal(f"{float(value):.{digits - 1}e}")
    if not number.is_finite():
        return f"{value} {unit}".rstrip()
    # Rounded before the prefix is chosen: 999.96 is 1 k, not 1e+03.
    exponent = min(max(number.adjusted() // 3 * 3, -18), 18) if number else 0
    shown = number.scaleb(-exponent).normalize() if number else Decimal(0)
    return f"{shown:f} {_PREFIXES[exponent]}{unit}".rstrip()
