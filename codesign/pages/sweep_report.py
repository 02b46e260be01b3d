"""The report of a sweep: the best designs, the fronts, and what moves the objectives.

A pure function of the sweep's table and summary. Left out: the parts of energies and cycles of each
point, which the report of a run shows.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from codesign.exploration.results import Status, SweepResult
from codesign.pages import origins
from codesign.pages.content import Page, Section
from codesign.pages.document import write_page
from codesign.pages.sweeps.best import (
    base_sentence,
    best_sentences,
    best_table,
    best_tiles,
    command_table,
)
from codesign.pages.sweeps.designs import (
    designs_section,
    problem_section,
    status_section,
)
from codesign.pages.sweeps.floors import floor_pictures, floor_sentences
from codesign.pages.sweeps.interactions import interaction_pictures, interaction_sentence
from codesign.pages.sweeps.main_effects import effect_pictures
from codesign.pages.sweeps.parallel import MOST_LINES, parallel_pictures
from codesign.pages.sweeps.pareto import (
    MOST_DOMINATED,
    drawn_places,
    front_pictures,
    front_sentences,
)
from codesign.pages.sweeps.quantities import axis_text
from codesign.pages.sweeps.screening import screening_sentence, screening_table
from codesign.pages.sweeps.shares import delta_data, delta_sentence, share_pictures, share_sentences
from codesign.pages.sweeps.study import Study, study

MOST_LEAD = 6
"""Best designs that are told in the first lines; of more, those of the first objective."""


MOST_VALUES = 12
"""Values of an axis that are told one by one."""


def write_sweep_report(result: SweepResult, path: Path) -> None:
    """Writes the report of a sweep as one HTML file that opens without a network.

    Args:
        result: the sweep.
        path: the file; it appears only when it is complete.

    Raises:
        InputError: the file cannot be written.
    """
    write_page(sweep_page(result), path)


def sweep_page(result: SweepResult) -> Page:
    """The content of the report."""
    known = study(result)
    sections = [_fronts(known), _effects(known), _floors(known)]
    return Page(
        title=f"Sweep {result.summary['name']}",
        statements=origins.statements(result.summary["provenance"]),
        lead=sweep_sentences(known),
        tiles=best_tiles(known),
        facts=_facts(result.summary),
        sections=[
            *_best(known),
            *(section for section in sections if section is not None),
            status_section(known),
            *problem_section(known),
            designs_section(known),
        ],
        hovers=_hovers(known),
    )


def _hovers(known: Study) -> list[str]:
    """What figures say at each point; nothing at points that none draws."""
    drawn = {*drawn_places(known, MOST_DOMINATED), *drawn_places(known, MOST_LINES)}
    return [known.hover(place) if place in drawn else "" for place in range(len(known.points))]


def sweep_sentences(known: Study) -> list[str]:
    """The answer in words: how many points, the best, the fronts."""
    return [
        count_sentence(known),
        *([known.summary["description"]] if known.summary.get("description") else []),
        *best_sentences(known, MOST_LEAD),
        *front_sentences(known, MOST_LEAD),
    ]


def count_sentence(known: Study) -> str:
    """How many points there are, and how far they came."""
    summary, total = known.summary, len(known.result.points)
    counts = summary["counts"]
    parts = [f"{counts[status]:,} {status.value}" for status in Status if counts.get(status)]
    subject = f"{_named(summary['networks'], 'networks')} on " + _named(
        summary["architectures"], "architectures"
    )
    text = f"{total:,} points of {subject}: {', '.join(parts)}."
    if known.is_floors:
        text += (
            " Nothing was simulated: all values here are floors, below which no design can come."
        )
    return text


def _named(names: list[str], noun: str) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} {noun}"


def _best(known: Study) -> list[Section]:
    best, commands = best_table(known), command_table(known)
    found = [Section("Best designs", [base_sentence(known)], table=best)] if best.rows else []
    text = "A file holds the whole chip; the command runs the design again, with a report of it."
    if commands.rows:
        found.append(Section("How to run the best designs again", [text], table=commands))
    return found


def _fronts(known: Study) -> Section | None:
    pictures = [*front_pictures(known), *parallel_pictures(known)]
    return Section("Designs beside each other", pictures=pictures) if pictures else None


def _effects(known: Study) -> Section | None:
    if len(known.points) < 2 or not known.objectives:
        return None
    if not known.factors:
        return Section("What moves the objectives", ["No axis varies among these points."])
    text = [*share_sentences(known), interaction_sentence(known)]
    if known.constant:
        text.append(f"Without effect, since they have one value: {', '.join(known.constant)}.")
    deltas = delta_data(known) if len(known.factors) > 1 else {}
    text += [each for each in [delta_sentence(known, deltas)] if each]
    screened = screening_table(known)
    if screened is not None:
        return Section("What moves the objectives", [*text, screening_sentence()], table=screened)
    pictures = [
        *share_pictures(known, deltas),
        *effect_pictures(known),
        *interaction_pictures(known),
    ]
    return Section("What moves the objectives", text, pictures)


def _floors(known: Study) -> Section | None:
    if known.is_floors or known.points.empty:
        return None
    return Section("How tight the floors are", floor_sentences(known), floor_pictures(known))


def _facts(summary: Mapping[str, Any]) -> dict[str, str]:
    """Where the numbers come from."""
    sampling = summary["sampling"]
    found = {
        "networks": ", ".join(summary["networks"]),
        "architectures": ", ".join(summary["architectures"]),
        "objectives": ", ".join(summary["objectives"]),
        "constraints": "; ".join(summary["constraints"]) or "none",
        "sampling": str(sampling["method"]).replace("_", " "),
        "seed": str(sampling["seed"]) if sampling.get("seed") is not None else "",
        "codesign version": str(summary["version"]),
    }
    found |= {axis["key"]: _values(axis) for axis in summary["axes"]}
    return {name: value for name, value in (found | _origins(summary)).items() if value}


def _values(axis: Mapping[str, Any]) -> str:
    """What the points have of an axis: all if few, else how many between which ends."""
    values = list(axis["values"])
    if len(values) <= MOST_VALUES:
        return ", ".join(axis_text(value, axis["unit"]) for value in values)
    ends = [axis_text(value, axis["unit"]) for value in (min(values), max(values))]
    return f"{len(values):,} values from {ends[0]} to {ends[1]}, {axis['scale']}"


def _origins(summary: Mapping[str, Any]) -> dict[str, str]:
    """Where weights and input come from; what networks share is told once."""
    owners: dict[tuple[str, str], list[str]] = {}
    for network, origin in summary["provenance"].items():
        known = origin if isinstance(origin, Mapping) else {"origin": origin}
        for fact in origins.origin(known).items():
            owners.setdefault(fact, []).append(network)
    count = len(summary["provenance"])
    return {
        name if len(networks) == count else f"{', '.join(networks)}: {name}": value
        for (name, value), networks in owners.items()
    }
