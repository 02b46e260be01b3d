"""The paper's tables, printed and counted again, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import codesign
from codesign.pages.content import Cell, Figure, Number, Page, Picture, Section, Table, percent
from codesign.pages.document import write_page
from codesign.pages.drawing import label, new_figure
from codesign.published import TABLES, Rebuilt, Row
from codesign.published.rebuilding import (
    CLOSE,
    EITHER,
    MEAN,
    RULES,
    difference,
    printed_bounds,
    verdict,
)

Pair = tuple[Row, Rebuilt | None]

_MARKS = {
    "printed": ("printed", "diamond-open", 13, "#D55E00"),
    "mac": ("batch norm fused", "circle", 8, "#0072B2"),
    "mac_with_bn": ("batch norm counted", "square", 8, "#E69F00"),
}


def write_paper_report(pairs: Sequence[Pair], statements: Sequence[str], path: Path) -> None:
    """Writes the tables as one HTML file that opens without a network.

    Args:
        pairs: rows in the order of the paper, with what was counted on their networks.
        statements: what must not be overlooked about weights and inputs.
        path: the file; it appears only when it is complete.

    Raises:
        InputError: the file cannot be written.
    """
    write_page(paper_page(pairs, statements), path)


def paper_page(pairs: Sequence[Pair], statements: Sequence[str]) -> Page:
    """The content of the report."""
    tables = dict.fromkeys(row.table for row, _ in pairs)
    return Page(
        title="The tables of arXiv 2301.11929, counted again",
        statements=[*statements, "Accuracies are the paper's: its weights were not released."],
        lead=[summary_sentence(pairs), *WHAT_IS_FITTED],
        tiles=[],
        facts={"codesign version": codesign.__version__},
        sections=[
            section
            for number in tables
            for section in _sections(number, [pair for pair in pairs if pair[0].table == number])
        ],
    )


SIDE_BY_SIDE = (
    *("network", "T", "accuracy, the paper's", "AC, printed", "AC", "MAC, printed", "MAC"),
    *("energy, printed", "energy", "difference", "rule"),
)
ALL_COLUMNS = (
    *SIDE_BY_SIDE,
    *("AC, exact", "firing rate", *(f"MAC, {text}" for text in RULES.values())),
    *(f"energy, {text}" for text in RULES.values()),
    *(f"eq. 15, {text}" for text in RULES.values()),
    "eq. 15, printed",
)

WHAT_IS_FITTED = (
    "In Table 2 the accumulates are fitted by the calibration of the weights; "
    "multiply-accumulates, energies and bounds follow from the networks.",
    "Tables 3 and 4 print no operations, so the energy itself is fitted: a row shows at which "
    "firing rate its network has that energy.",
)


def summary_sentence(pairs: Sequence[Pair]) -> str:
    """How many printed energies are reproduced, and by which rule."""
    verdicts = [verdict(row, rebuilt) for row, rebuilt in pairs if row.energy_mj is not None]
    in_mean = sum(text.startswith(MEAN) for text in verdicts)
    counts = {f"with {text}": verdicts.count(text) for text in RULES.values()}
    counts |= {"by either rule": verdicts.count(EITHER)}
    kinds = ", ".join(f"{count} {text}" for text, count in counts.items() if count) or "none"
    mean = (
        f" Of {in_mean} more, whose order is not given, the mean of each three is."
        if in_mean
        else ""
    )
    return (
        f"Of {len(verdicts)} printed energies {sum(counts.values())} are reproduced within "
        f"{percent(CLOSE)}: {kinds}.{mean}"
    )


def _sections(number: int, pairs: Sequence[Pair]) -> list[Section]:
    """The numbers of a table, and what its rows are."""
    picture = Picture(
        f"table-{number}",
        "Energy, printed and counted",
        "Marks are energies by eq. 7; lines are the bounds of eq. 15, batch norm fused.",
        energy_figure(pairs),
        numbers_table(number, pairs, ALL_COLUMNS),
    )
    name = TABLES[number]
    return [
        Section(name, pictures=[picture], table=numbers_table(number, pairs, SIDE_BY_SIDE)),
        Section(f"{name}, its rows", table=notes_table(number, pairs)),
    ]


def energy_figure(pairs: Sequence[Pair]) -> Figure:
    """A line for each row on a logarithmic axis: printed, both rules, bounds."""
    figure = new_figure(150 + 26 * len(pairs))
    names = [label(row_name(row)) for row, _ in pairs]
    figure.data.append(_bounds_trace(pairs, names))
    for key, (text, symbol, size, colour) in _MARKS.items():
        energies = [_energy(row, rebuilt, key) for row, rebuilt in pairs]
        figure.data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": text,
                "x": energies,
                "y": names,
                "marker": {"symbol": symbol, "size": size, "color": colour},
                "hovertemplate": f"%{{y}}<br>{text}: %{{x:.4~g}} mJ<extra></extra>",
            }
        )
    figure.set_axis("xaxis", title="Energy (mJ)", type="log")
    figure.set_axis(
        "yaxis", categoryorder="array", categoryarray=names, autorange="reversed", dtick=1
    )
    return figure


def _bounds_trace(pairs: Sequence[Pair], names: Sequence[str]) -> dict[str, Any]:
    bounds = [rebuilt.bounds_mj["mac"] if rebuilt else (None, None) for _, rebuilt in pairs]
    ends = [(name, *pair) for name, pair in zip(names, bounds, strict=True) if None not in pair]
    # One trace with gaps: the two ends of each line, then nothing.
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "bounds of eq. 15",
        "x": [value for _, least, most in ends for value in (least, most, None)],
        "y": [value for name, _, _ in ends for value in (name, name, None)],
        "line": {"color": "#8D8D8D", "width": 4},
        "hovertemplate": "%{y}<br>bound: %{x:.4~g} mJ<extra></extra>",
    }


def _energy(row: Row, rebuilt: Rebuilt | None, key: str) -> float | None:
    if key == "printed":
        return row.energy_mj
    return None if rebuilt is None or row.is_converted else rebuilt.energy_mj[key]


def row_name(row: Row) -> str:
    """Tells the two data sets of Table 3 apart."""
    return f"{row.network}, {row.dataset}" if row.table == 3 else row.network


def numbers_table(number: int, pairs: Sequence[Pair], columns: Sequence[str]) -> Table:
    """What is printed of each row beside what is counted; columns without any entry are left out.

    `MAC` and `energy` are by the rule that `rule` names.
    """
    cells = [_cells(row, rebuilt) for row, rebuilt in pairs]
    used = [column for column in columns if any(row[column] for row in cells)]
    return Table(TABLES[number], used, [[row[column] for column in used] for row in cells])


def _cells(row: Row, rebuilt: Rebuilt | None) -> dict[str, Cell]:
    """By column."""
    cells: dict[str, Cell] = dict.fromkeys(ALL_COLUMNS, "")
    cells |= {
        "network": row_name(row),
        "T": Number(row.timesteps, str(row.timesteps)),
        "accuracy, the paper's": Number(row.accuracy_percent, f"{row.accuracy_percent:.2f} %"),
        "AC, printed": _giga(row.ac_g, 2),
        "MAC, printed": _giga(row.mac_g, 2),
        "energy, printed": _millijoule(row.energy_mj),
        "eq. 15, printed": bounds_words(printed_bounds(row)),
        "rule": verdict(row, rebuilt),
    }
    if rebuilt is None:
        return cells
    for rule, bounds in rebuilt.bounds_mj.items():
        cells[f"eq. 15, {RULES[rule]}"] = bounds_words(bounds)
    if row.is_converted:  # its firing rates are not known
        return cells
    for rule, text in RULES.items():
        cells[f"MAC, {text}"] = _giga(rebuilt.mac_g[rule], 4)
        cells[f"energy, {text}"] = _millijoule(rebuilt.energy_mj[rule])
    off = difference(row, rebuilt)
    return cells | {
        "AC": _giga(rebuilt.ac_g, 4),
        "AC, exact": _giga(rebuilt.ac_exact_g, 4),
        "firing rate": Number(rebuilt.firing_rate, percent(rebuilt.firing_rate)),
        "MAC": _giga(rebuilt.mac_g[rebuilt.rule], 4),
        "energy": _millijoule(rebuilt.energy_mj[rebuilt.rule]),
        "difference": "" if off is None else Number(off, f"{100 * off:+.2f} %"),
    }


def notes_table(number: int, pairs: Sequence[Pair]) -> Table:
    """What each row is here, and what is open or wrong with it."""
    rows: list[list[Cell]] = [
        [row_name(row), row.method, workload_words(row), row.note] for row, _ in pairs
    ]
    return Table(
        f"{TABLES[number]}: what the rows are", ["network", "kind", "workload", "note"], rows
    )


def workload_words(row: Row) -> str:
    """The workload of a row as `run` takes it."""
    return " ".join([row.workload, *(f"--set workload.{change}" for change in row.changes)])


def bounds_words(bounds: tuple[float, float] | None) -> str:
    """`12.65 to 16.40 mJ`."""
    return "" if bounds is None else f"{bounds[0]:.2f} to {bounds[1]:.2f} mJ"


def _giga(value: float | None, digits: int) -> Cell:
    return "" if value is None else Number(value, f"{value:.{digits}f} G")


def _millijoule(value: float | None) -> Cell:
    return "" if value is None else Number(value, f"{value:.2f} mJ")
