"""What a page consists of: sentences, numbers, pictures and tables, before any HTML.

Everything is text or plain data, figures too; `codesign.pages.document` turns it into one file
and escapes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from codesign.units import si


@dataclass(frozen=True, slots=True)
class Priced:
    """What a number owes to the energy of each component, by which it is priced again.

    Attributes:
        parts: by component; they add up to the number. None if they are not known: the number
            then stays what it is at the file's coefficients, which the page says.
        unit: unit without prefix in which the number is read; `%` for a share of the energy of
            the page's only or first run; the parts are then energies in pJ.
        size: how many of that unit a value of 1 is.
    """

    parts: Mapping[str, float] | None
    unit: str
    size: float = 1.0


@dataclass(frozen=True, slots=True)
class Number:
    """A number in a table: what is sorted by, what is read, and what it is made of if priced."""

    value: float
    text: str
    priced: Priced | None = field(default=None, compare=False)


class Ranking(str):
    """A cell that ranks the runs by the energies in its row: `a < b = c`."""

    __slots__ = ()


class OnFront(str):
    """A cell that says whether no other run beats that of its row: `yes` or `no`."""

    __slots__ = ()


Cell = str | Number


@dataclass(frozen=True)
class Table:
    """A table; a column is sorted as numbers when its cells are `Number`s.

    Attributes:
        title: what the table shows.
        columns: headings.
        rows: as many cells as there are headings.
    """

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing beside the names of the rows."""
        return not self.rows or len(self.columns) < 2


@dataclass(frozen=True)
class Figure:
    """What plotly.js draws, as plain data.

    plotly's own objects check each value when it is set, which takes longer than to simulate a
    network; the tests let them check every figure instead.

    Attributes:
        data: the traces.
        layout: axes, margins, legend; colours of the page are left out.
        detail: what the page draws instead of a stretch that is zoomed into, as
            `codesign.pages.timeline_detail` says; or `brush`, the number of parallel axes of which
            a reader may keep stretches; None if the traces are all there is.
    """

    data: list[dict[str, Any]]
    layout: dict[str, Any]
    detail: dict[str, Any] | None = None

    def set_axis(self, name: str, *, title: str | None = None, **properties: Any) -> None:
        """Sets properties of an axis (`xaxis`, `yaxis2`), which is made if there is none."""
        axis = self.layout.setdefault(name, {"automargin": True, "zeroline": False})
        if title is not None:
            # Without it the title of a vertical axis may touch the labels.
            standoff = {"standoff": 10} if name.startswith("yaxis") else {}
            axis["title"] = {"text": title, **standoff}
        axis.update(properties)


@dataclass(frozen=True)
class Picture:
    """A figure with its words.

    Attributes:
        name: unique on its page; lower-case letters and dashes.
        title: heading of the figure.
        text: what it shows, for those who see it and for those who do not.
        figure: the drawing.
        table: the same numbers as a table.
        choice: what the reader chooses between views, as `Coloured by`.
        views: other drawings of it by what they are called; the first of them is `figure`. Empty if
            there is nothing to choose.
    """

    name: str
    title: str
    text: str
    figure: Figure
    table: Table
    choice: str = ""
    views: Mapping[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Tile:
    """A number that is shown large, with a note; either may be priced again."""

    label: str
    value: str
    note: str = ""
    priced: Priced | None = None
    priced_note: Priced | None = None


@dataclass(frozen=True)
class Section:
    """A part of a page under one heading.

    Attributes:
        title: the heading.
        text: paragraphs.
        pictures: figures, in order.
        table: a table that can be searched and sorted, or None.
        at_file: whether all of the text holds at the file's coefficients alone, also where it
            states no number.
    """

    title: str
    text: Sequence[str] = ()
    pictures: Sequence[Picture] = ()
    table: Table | None = None
    at_file: bool = False

    @property
    def shown_pictures(self) -> list[Picture]:
        """The figures that have something to show: a mean over images has no timeline."""
        return [picture for picture in self.pictures if not picture.table.is_empty]


@dataclass(frozen=True, slots=True)
class Slider:
    """A factor on coefficients.

    Attributes:
        name: in the address of the page.
        label: what it moves.
        components: whose energy it is a factor of.
        unit: of the coefficient.
        coefficient_pj: what the file says, where that is one number.
    """

    name: str
    label: str
    components: Sequence[str]
    unit: str = ""
    coefficient_pj: float | None = None


@dataclass(frozen=True)
class Repricing:
    """What it takes to price a page again without simulating again.

    Attributes:
        sliders: those that move something.
        runs_pj: energy of each run by component.
        latencies_s: of each run; None where not modelled.
        figures: the pictures that are drawn again, by name, and how: of
            `codesign.pages.repricing.HOW`.
    """

    sliders: Sequence[Slider]
    runs_pj: Mapping[str, Mapping[str, float]]
    latencies_s: Mapping[str, float | None]
    figures: Mapping[str, str]


@dataclass(frozen=True)
class Page:
    """A whole page.

    Attributes:
        title: the heading.
        statements: what must not be overlooked, above all else (`calibrated, not trained`).
        lead: the answer in sentences.
        tiles: the numbers of the answer.
        facts: where the numbers come from, as name and value.
        sections: everything else.
        repricing: of its energies by sliders, or None.
        hovers: texts that figures refer to by number in `customdata`, which they say where a reader
            points: several figures share one point's text.
    """

    title: str
    statements: Sequence[str]
    lead: Sequence[str]
    tiles: Sequence[Tile]
    facts: Mapping[str, str]
    sections: Sequence[Section]
    repricing: Repricing | None = None
    hovers: Sequence[str] = ()


@dataclass(frozen=True)
class Stacked:
    """Parts that add up, for each of several categories.

    Attributes:
        categories: what is compared.
        parts: for each part one value per category.
        unit: unit without prefix (`J`).
        size: how many of that unit a value of 1 is (1e-12 if the values are picojoules).
    """

    categories: Sequence[str]
    parts: Mapping[str, Sequence[float]]
    unit: str
    size: float = 1.0

    @property
    def totals(self) -> list[float]:
        """The sum of the parts of each category."""
        return [sum(column) for column in zip(*self.parts.values(), strict=True)] or [0.0] * len(
            self.categories
        )

    def table(self, title: str, heading: str) -> Table:
        """The same numbers as a table, a row for each category."""
        rows: list[list[Cell]] = []
        for index, (category, total) in enumerate(zip(self.categories, self.totals, strict=True)):
            parts = {part: values[index] for part, values in self.parts.items()}
            numbers = [self._number(value, {part: value}) for part, value in parts.items()]
            rows.append([category, *numbers, self._number(total, parts)])
        return Table(title, [heading, *self.parts, "total"], rows)

    def _number(self, value: float, parts: Mapping[str, float]) -> Number:
        # Energies are cut by component wherever they are stacked.
        known = {part: float(each) for part, each in parts.items() if each}
        priced = Priced(known, self.unit, self.size) if self.unit == "J" and known else None
        return Number(value, quantity(value * self.size, self.unit), priced)


def count(value: float) -> Number:
    """A count for a table: `1.69 G`; 0 stays 0."""
    return Number(value, si(value, ""))


def quantity(value: float, unit: str) -> str:
    """A quantity for people, with the micro sign that a page can show: `626 µJ`."""
    return si(value, unit).replace(f" u{unit}", f" µ{unit}")


def cycles(value: float) -> str:
    """A number of cycles for people: `5.4 M cycles`."""
    return f"{si(value, '')} cycles"


def percent(share: float) -> str:
    """A share of 1 for people: `12.3 %`."""
    return f"{100 * share:.1f} %"
