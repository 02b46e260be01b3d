"""The comparison of workloads on one or several chips, and the price of the accumulation pathway.

A pure function of results; runs on different architectures are shown with the chip's name beside
the workload's, and are not paired with each other.
"""

from collections.abc import Sequence
from pathlib import Path

from codesign.errors import Fault, InputError
from codesign.pages import comparison, headline, origins, pathway_cost
from codesign.pages.content import Page, Picture, Section, Tile, quantity
from codesign.pages.document import write_page
from codesign.pages.energy import PICOJOULE
from codesign.pages.pareto import pareto_pictures
from codesign.pages.pathway import MOST_PAIRS, pathway_section
from codesign.pages.rankings import rankings_sections
from codesign.pages.refusals import Refusal, refusal_section
from codesign.pages.relative import relative_pictures
from codesign.pages.repricing import energy_of, repricing
from codesign.results import Result

MOST_NAMES = 6
"""With more workloads, the title of a comparison counts them."""

ENERGY_FIGURES = {
    **{"energy": "bars", "relative": "relative", "pareto": "pareto", "pathway-components": "bars"},
    **{f"pathway-layers-{number}": "bars" for number in range(1, MOST_PAIRS + 1)},
}


def write_compare_report(
    results: Sequence[Result], path: Path, refusals: Sequence[Refusal] = ()
) -> None:
    """Writes the comparison of runs as one HTML file that opens without a network.

    Args:
        results: the runs in the order in which they are shown; at least one.
        path: the file; it appears only when it is complete.
        refusals: what was to be compared as well and does not run.

    Raises:
        InputError: there is no result, or the file cannot be written.
    """
    if not results:
        raise InputError(
            Fault(str(path), "a comparison needs at least one result (got 0).", "Name some runs.")
        )
    write_page(compare_page(results, refusals), path)


def compare_page(results: Sequence[Result], refusals: Sequence[Refusal] = ()) -> Page:
    """The content of the comparison."""
    return Page(
        title=_title(results),
        statements=_statements(results),
        lead=_lead(results),
        tiles=_tiles(results),
        facts=_facts(results),
        sections=[
            *_overview(results),
            _energy(results),
            *rankings_sections(results),
            _latency(results),
            *pathway_section(results),
            Section(
                "Runs",
                [
                    "Click a heading to sort.",
                    *headline.counts_sentences([result.summary for result in results]),
                ],
                table=comparison.comparison_table(results),
            ),
            *refusal_section(refusals),
        ],
        repricing=repricing(comparison.run_names(results), results, ENERGY_FIGURES),
    )


def _title(results: Sequence[Result]) -> str:
    workloads, chips = (
        list(dict.fromkeys(str(result.summary[key]) for result in results))
        for key in ("workload", "architecture")
    )
    what = ", ".join(workloads) if len(workloads) <= MOST_NAMES else f"{len(workloads)} workloads"
    return f"{what} on {', '.join(chips)}"


def _statements(results: Sequence[Result]) -> list[str]:
    texts = [
        text for result in results for text in origins.statements(result.summary["provenance"])
    ]
    summaries = [result.summary for result in results]
    return [
        *dict.fromkeys(texts),
        *headline.overflow_sentences(summaries),
        *headline.idle_sentences(summaries),
        *headline.changes_sentences(summaries),
    ]


def _lead(results: Sequence[Result]) -> list[str]:
    sentence = pathway_cost.accumulation_cost_sentence(results)
    if sentence is None:
        return [
            "What the accumulation pathway costs cannot be said: no full-spike and dual-stream "
            "network of equal depth are among these runs."
        ]
    parts = pathway_cost.pathway_energy_sentences(results)
    return [sentence, *parts] if len(parts) <= MOST_PAIRS else [sentence]


def _tiles(results: Sequence[Result]) -> list[Tile]:
    tiles = []
    for name, result in zip(comparison.run_names(results), results, strict=True):
        energy = quantity(result.summary["energy_pj"] * PICOJOULE, "J")
        latency = result.summary["latency_s"]
        note = "" if latency is None else f"in {quantity(latency, 's')}"
        tiles.append(Tile(name, energy, note, energy_of(result.summary["energy_parts_pj"])))
    return tiles


def _facts(results: Sequence[Result]) -> dict[str, str]:
    """What all runs share is said once, what those of a chip or a workload share once for it, and
    the rest for each run."""
    known = [origins.facts(result.summary) for result in results]
    shared: dict[str, str] = {}
    single: dict[str, str] = {}
    for key in dict.fromkeys(key for facts in known for key in facts):
        values = [facts.get(key, "") for facts in known]
        if len(set(values)) == 1:
            shared[key] = values[0]
        elif key not in ("workload", "architecture"):
            single |= {f"{name}: {key}": text for name, text in _told_apart(results, values)}
    return shared | single


def _told_apart(results: Sequence[Result], values: Sequence[str]) -> list[tuple[str, str]]:
    """Values with the names of what they belong to: chips, workloads, or else runs."""
    for kind in ("architecture", "workload"):
        names = [str(result.summary[kind]) for result in results]
        found = dict(zip(names, values, strict=True))
        if len(found) > 1 and all(found[n] == v for n, v in zip(names, values, strict=True)):
            return list(found.items())
    return list(zip(comparison.run_names(results), values, strict=True))


def _overview(results: Sequence[Result]) -> list[Section]:
    """All runs beside each other; empty where there is nothing to compare."""
    pictures = [*relative_pictures(results), *pareto_pictures(results)]
    return [Section("Side by side", pictures=pictures)] if pictures else []


def _energy(results: Sequence[Result]) -> Section:
    stacked = comparison.energy_data(results)
    equation_7 = [pathway_cost.equation_7_pj(result) for result in results]
    prices = pathway_cost.equation_7()
    text = (
        "Diamonds mark what eq. 7 gives for the same counts: "
        f"{prices.ac_pj:g} pJ for an AC estimated from firing rates, "
        f"{prices.mac_pj:g} pJ for a MAC, and nothing else."
    )
    return Section(
        "Energy",
        pictures=[
            Picture(
                "energy",
                "Energy by component",
                text,
                comparison.energy_figure(stacked, equation_7),
                stacked.table("Energy by component", "run"),
            )
        ],
    )


def _latency(results: Sequence[Result]) -> Section:
    missing = [result for result in results if result.summary["latency_s"] is None]
    timed = [result for result in results if result.summary["latency_s"] is not None]
    if not timed:
        return Section("Latency", [headline.NO_LATENCY])
    stacked = comparison.latency_data(timed)
    note = [f"{len(missing)} runs are left out. {headline.NO_LATENCY}"] if missing else []
    return Section(
        "Latency",
        note,
        [
            Picture(
                "latency",
                "Latency by what the average core did",
                "Each bar is the latency of a run, cut by the mean share of its cores' states; "
                "stalled states are hatched.",
                comparison.latency_figure(stacked),
                stacked.table("Latency by state of the average core", "run"),
            )
        ],
    )
