"""Values along an axis: equal steps or equal ratios from one value to another.

Numbers are computed as decimals from what the user wrote, so that 0.1 to 0.5 in steps of 0.1 are
five values and end at 0.5. Quantities keep the unit that they were written in. Left out: ranges
whose ends have different units.
"""

import math
import re
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

from codesign.units import QUANTITIES

Scalar = bool | int | float | str

_QUANTITY = re.compile(
    r"\s*(\+?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?)\s*([A-Za-z].*?)\s*"
)
_LARGEST = Decimal("1e30")
_DIGITS = 12
"""Of values of a log range: far more than an axis needs, few enough that powers of two are met."""
_DRAWN_DIGITS = 4
"""Of values drawn at random: nobody builds a chip to five."""
_MOST = 100_000


def quantity_unit(value: object) -> str | None:
    """The unit of a quantity as text; None of anything else."""
    match = _QUANTITY.fullmatch(value) if isinstance(value, str) else None
    return match[2] if match else None


def grid(
    first: Scalar, last: Scalar, step: Scalar | None, points: int | None, *, is_log: bool
) -> list[Scalar]:
    """The values of a range; of one without step and points its two ends.

    Two integers as ends give integers, each once.

    Raises:
        ValueError: the ends are no numbers or quantities of one unit, or nothing lies between.
    """
    low, high = _number(first), _number(last)
    unit = quantity_unit(first)
    if unit != quantity_unit(last):
        raise ValueError(f"both ends must have one unit (got '{first}' and '{last}')")
    if high > _LARGEST:
        raise ValueError(f"its ends must be at most {_LARGEST:g} (got '{last}')")
    if not low < high:
        raise ValueError(f"it must end above its start (got '{first}' to '{last}')")
    if is_log and low <= 0:
        raise ValueError(f"a log range must start above zero (got '{first}')")
    if step is not None and (points is not None or is_log):
        raise ValueError("a step belongs to a linear range without points")
    is_whole = isinstance(first, int) and isinstance(last, int)
    if step is not None:
        numbers = list(_stepped(low, high, _step(step, unit, is_whole)))
    else:
        numbers = [between(low, high, part, is_log=is_log) for part in _parts(points or 2)]
    return list(dict.fromkeys(written(number, unit, is_whole=is_whole) for number in numbers))


def drawn(first: Scalar, last: Scalar, part: float, *, is_log: bool) -> Scalar:
    """The value at a part of the way, 0 to 1, from one end of a range to the other.

    Of integers each is as likely as any other if the part is drawn evenly on a linear scale;
    other numbers have four significant digits.
    """
    low, high = _number(first), _number(last)
    if isinstance(first, int) and isinstance(last, int):
        half = Decimal("0.5")
        number = between(low - half, high + half, Decimal(part), is_log=is_log)
        return int(min(max(number.quantize(Decimal(1), ROUND_HALF_UP), low), high))
    number = between(low, high, Decimal(part), is_log=is_log)
    short = Decimal(f"{number:.{_DRAWN_DIGITS}g}")
    return written(min(max(short, low), high), quantity_unit(first), is_whole=False)


def between(low: Decimal, high: Decimal, part: Decimal, *, is_log: bool) -> Decimal:
    """The number at a part of the way from one to another, by difference or by ratio."""
    if not is_log:
        return low + (high - low) * part
    number = math.exp(
        math.log(low) + (math.log(high) - math.log(low)) * float(part)
    )  # a decimal has no faster power
    return Decimal(f"{number:.{_DIGITS}g}")


def written(number: Decimal, unit: str | None, *, is_whole: bool) -> Scalar:
    """A number as a user would write it, with the unit of the range.

    What is counted in whole bits or hertz is rounded to one.
    """
    if is_whole:
        return int(number.quantize(Decimal(1), ROUND_HALF_UP))
    if unit is None:
        return float(number)
    short = Decimal(f"{float(number):.{_DIGITS}g}")
    size = next(
        (each.units[unit] for each in QUANTITIES if each.whole and unit in each.units), None
    )
    if size is not None and (short * size) % 1:
        short = (short * size).to_integral_value() / size
    return f"{short.normalize():f} {unit}"


def _number(value: Scalar) -> Decimal:
    if isinstance(value, str):
        match = _QUANTITY.fullmatch(value)
        if match is None:
            raise ValueError(f"its ends must be numbers or quantities (got '{value}')")
        return Decimal(match[1])
    if isinstance(value, bool) or not math.isfinite(value):
        raise ValueError(f"its ends must be numbers or quantities (got {value})")
    return Decimal(str(value))


def _step(step: Scalar, unit: str | None, is_whole: bool) -> Decimal:
    if quantity_unit(step) != unit:
        raise ValueError(f"the step must have the unit of the ends (got '{step}')")
    if is_whole and not isinstance(step, int):
        raise ValueError(f"the step between integers must be one (got {step})")
    number = _number(step)
    if number <= 0:
        raise ValueError(f"the step must be more than zero (got '{step}')")
    return number


def _stepped(low: Decimal, high: Decimal, step: Decimal) -> Iterator[Decimal]:
    if (high - low) / step > _MOST:
        raise ValueError(f"it must have at most {_MOST:,} values")
    for number in range(int((high - low) / step) + 1):
        yield low + step * number


def _parts(points: int) -> Iterator[Decimal]:
    for number in range(points):
        yield Decimal(number) / Decimal(points - 1)
