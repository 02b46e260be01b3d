"""Objectives and axes of a sweep as people read them: words, and numbers with SI units."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from codesign.exploration.effects import Level
from codesign.exploration.results import OBJECTIVES
from codesign.pages.content import Cell, Number, quantity
from codesign.units import size_text

_WORDS = {
    "edp": "EDP",
    "interval_energy": "energy in a stream",
    "power": "mean power",
    "peak_power": "peak power",
    "error_rate": "error rate",
}
_PLAIN = {"mm2": "mm²", "%": "%"}
"""Units that take no prefix."""
_READ = {
    **{"pJ": ("J", 1e-12), "J s": ("J·s", 1.0), "mW": ("W", 1e-3), "nm": ("m", 1e-9)},
    **{"ns": ("s", 1e-9), "pJ/b": ("J/b", 1e-12), "pJ/bit": ("J/bit", 1e-12)},
    **{unit: (unit, 1.0) for unit in ("J", "s", "W", "Hz")},
    **dict.fromkeys(("bit/s", "b/s"), ("B/s", 0.125)),
}
"""Units of the table, how they are read, and how many of what is read one of them is."""

_DIGITS = 4
"""Of a size that is written exactly, and of one that is not."""

_WIDEST = 64
"""Numbers of so many bits are widths."""

_FLOORS = {"latency": "floor_latency_s", "energy": "floor_energy_pj"}
"""Columns of the lower bounds of objectives."""


@dataclass(frozen=True)
class Objective:
    """What is to be small, or a lower bound of it.

    Attributes:
        name: of `OBJECTIVES`.
        words: as people read it.
        column: of the table.
        unit: in which it is read, without prefix.
        size: how many of that unit one of the column is.
    """

    name: str
    words: str
    column: str
    unit: str
    size: float

    @property
    def is_plain(self) -> bool:
        """Whether its unit takes no prefix."""
        return self.unit in _PLAIN.values()

    @property
    def title(self) -> str:
        """The words at the head of a line."""
        return self.words[0].upper() + self.words[1:]

    def text(self, value: float) -> str:
        """A value of the column for people."""
        if not math.isfinite(value):
            return ""
        if self.is_plain:
            return f"{value:.4g} {self.unit}"
        return quantity(value * self.size, self.unit)

    def cell(self, value: float) -> Cell:
        """A value of the column in a table; empty where there is none."""
        return Number(value, self.text(value)) if math.isfinite(value) else ""


def objective(name: str) -> Objective:
    """An objective by what was simulated."""
    column, unit = OBJECTIVES[name]
    read, size = (_PLAIN[unit], 1.0) if unit in _PLAIN else _READ[unit]
    return Objective(name, _WORDS.get(name, name), column, read, size)


def floor_of(name: str) -> Objective | None:
    """The lower bound of an objective, which needs no simulation; None if it has none."""
    if name not in _FLOORS:
        return None
    own = objective(name)
    return Objective(name, f"floor of {own.words}", _FLOORS[name], own.unit, own.size)


def axis_text(value: Any, unit: str) -> str:
    """A value of an axis: `64 KiB`, `500 MHz`, `16`, `pipeline`."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if not math.isfinite(value):
        return ""
    if unit in ("bit", "b") and value >= 0:
        return _size(value)
    if unit in _READ:
        read, size = _READ[unit]
        return quantity(value * size, read)
    number = f"{int(value):,}" if float(value).is_integer() else f"{value:.4g}"
    return f"{number} {unit.replace('mm2', 'mm²')}".rstrip()


def _size(bits: float) -> str:
    """A size of memory; `3.94 MiB` if it is no round one, as random samples have it; `8 bit` if it
    is the width of a number."""
    if bits <= _WIDEST:
        return f"{bits:.4g} bit"
    if float(bits).is_integer():
        number, unit = size_text(int(bits)).split(" ")
        if len(number) <= _DIGITS:
            return f"{number} {unit}"
    for unit, size in (("GiB", 2**33), ("MiB", 2**23), ("KiB", 2**13)):
        if bits >= size:
            return f"{bits / size:.4g} {unit}"
    return f"{bits / 8:.4g} B"


def axis_cell(value: Any, unit: str) -> Cell:
    """The same in a table."""
    text = axis_text(value, unit)
    is_number = isinstance(value, int | float | np.number) and not isinstance(value, bool) and text
    return Number(value, text) if is_number else text


def level_text(level: Level, unit: str) -> str:
    """A level, or the ends of a bin."""
    first, last = axis_text(level.first, unit), axis_text(level.last, unit)
    return (first or "none") if first == last else f"{first} to {last}"


def _is_bin(level: Level) -> bool:
    return not isinstance(level.first, str) and bool(level.first < level.last)


def tick_text(level: Level, unit: str) -> str:
    """A level at an axis, where there is room for the upper end of a bin alone."""
    last = axis_text(level.last, unit)
    return f"to {last}" if _is_bin(level) else level_text(level, unit)
