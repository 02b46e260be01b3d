"""What a run says on the terminal."""

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from codesign.pages import accumulation_cost_sentence, pathway_energy_sentences
from codesign.pages.critical_path import SAME_JOBS, path_sentence, what_if_table
from codesign.pages.headline import (
    accuracy_sentences,
    accuracy_share,
    accuracy_words,
    bit_serial_sentences,
    changes_sentences,
    counts_sentences,
    host_sentences,
    idle_sentences,
    overflow_sentences,
    peak_words,
    repeated_integers,
    samples_sentences,
)
from codesign.pages.latency import interval_words
from codesign.pages.messages import message_sentences
from codesign.pages.origins import statements, weights_words
from codesign.pages.rankings import ranking_sentences
from codesign.pages.refusals import Refusal, refusal_sentences
from codesign.results import Result
from codesign.specs.architecture import Architecture, PaperEnergies
from codesign.units import si

_JOULE_PER_PJ = 1e-12


def print_run(console: Console, result: Result, architecture: Architecture) -> None:
    """Latency, energy by component, counts, bounds, and where it all comes from."""
    summary = result.summary
    console.print(f"[bold]{summary['workload']}[/] on [bold]{summary['architecture']}[/]")
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in _headline(summary):
        table.add_row(name, value)
    for name, energy in summary["energy_parts_pj"].items():
        share = energy / summary["energy_pj"] if summary["energy_pj"] else 0.0
        table.add_row(f"  {name}", f"{_joule(energy)}  {share:6.1%}")
    for name, count in _counts(summary):
        table.add_row(name, count)
    for name, cycles in summary["bounds_cycles"].items():
        table.add_row(f"bound {name}", f"{cycles:,} cycles")
    console.print(table)
    _print_sentences(console, [path_sentence(summary)] if summary["critical_path_cycles"] else [])
    _print_what_if(console, summary)
    _print_sentences(console, message_sentences(summary))
    _print_sentences(console, [*counts_sentences([summary]), *bit_serial_sentences(summary)])
    _print_sentences(console, host_sentences(summary))
    if architecture.operations is not None:
        console.print(_exact_sentence(summary, architecture.operations), highlight=False)
    _print_origin(console, [result])


def _print_what_if(console: Console, summary: dict[str, Any]) -> None:
    """A row for each resource that was tried twice as fast; nothing if none was."""
    content = what_if_table(summary)
    if content.is_empty:
        return
    table = Table(title=content.title, title_justify="left", box=None, pad_edge=False)
    for column in content.columns:
        table.add_column(column, justify="left" if column in ("resource", "change") else "right")
    for row in content.rows:
        table.add_row(*(cell if isinstance(cell, str) else cell.text for cell in row))
    console.print(table)
    _print_sentences(console, [SAME_JOBS])


def print_comparison(
    console: Console, results: Sequence[Result], refusals: Sequence[Refusal] = ()
) -> None:
    """One row for each result and each refusal, and what the accumulation pathway costs."""
    summaries = [result.summary for result in results]
    repeated = [si(repeated_integers(summary), "") for summary in summaries]
    repeats = any(map(repeated_integers, summaries))
    shares = [accuracy_share(summary) for summary in summaries]
    has_accuracy = any(shares)
    table = Table(box=None, pad_edge=False)
    table.add_column("workload")
    table.add_column("architecture")
    for column in ("latency", "interval", "energy", "EDP", "all ACs", "MACs"):
        table.add_column(column, justify="right")
    if repeats:
        table.add_column("integers as AC", justify="right")
    if has_accuracy:
        table.add_column("accuracy", justify="right")
    for summary, apart, share in zip(summaries, repeated, shares, strict=True):
        table.add_row(
            summary["workload"],
            summary["architecture"],
            _or_dash(summary["latency_s"], "s"),
            _or_dash(summary["interval_s"], "s"),
            _joule(summary["energy_pj"]),
            _or_dash(summary["edp_js"], "J s"),
            si(summary["counts"]["ac_all"], ""),
            si(summary["counts"]["mac"], ""),
            *([apart] if repeats else []),
            *([share or "-"] if has_accuracy else []),
        )
    for each in refusals:
        table.add_row(each.workload, each.architecture, *["-"] * (6 + repeats + has_accuracy))
    console.print(table)
    _print_sentences(console, accuracy_sentences(summaries))
    _print_sentences(console, refusal_sentences(refusals))
    _print_sentences(console, counts_sentences(summaries))
    _print_sentences(console, ranking_sentences(results))
    sentence = accumulation_cost_sentence(results)
    if sentence:
        console.print(_ascii(sentence), highlight=False)
    for sentence in pathway_energy_sentences(results):
        console.print(_ascii(sentence), highlight=False)
    _print_origin(console, results)


def _headline(summary: dict[str, Any]) -> list[tuple[str, str]]:
    if summary["latency_s"] is None:
        rows = [("latency", "not modelled: the architecture has no cores")]
    else:
        cycles = f"{round(summary['makespan_cycles']):,} cycles"
        spread = _spread(summary, "latency_s", 1.0, "s")
        rows = [
            ("latency", f"{si(summary['latency_s'], 's')}  ({cycles}){spread}"),
            ("interval", f"{si(summary['interval_s'], 's')}  ({_ascii(interval_words(summary))})"),
            ("EDP", si(summary["edp_js"], "J s")),
            ("power", f"{si(summary['average_power_w'], 'W')}  (mean; {_peak(summary)})"),
        ]
        if summary["area_mm2"] is not None:
            rows.append(("area", f"{summary['area_mm2']:.3g} mm2"))
    if share := accuracy_share(summary):
        rows.append(("accuracy", f"{share}  ({accuracy_words(summary)})"))
    if weights := weights_words(summary["provenance"] or {}):
        rows.append(("weights", weights))
    energy = _joule(summary["energy_pj"]) + _spread(summary, "energy_pj", _JOULE_PER_PJ, "J")
    return [*rows, ("energy", energy)]


def _ascii(text: str) -> str:
    """The prefix of SI that pages show is beyond ASCII, which terminals may not."""
    return text.replace(" µ", " u")


def _peak(summary: dict[str, Any]) -> str:
    return f"{si(summary['peak_power_w'], 'W')} in the busiest {peak_words(summary)}"


def _spread(summary: dict[str, Any], key: str, size: float, unit: str) -> str:
    """Of how many images a number is the mean, and between what it lies; `size` in the unit."""
    if "spread" not in summary:
        return ""
    spread = summary["spread"][key]
    least, most = si(spread["min"] * size, unit), si(spread["max"] * size, unit)
    return f", mean of {summary['images']} images, {least} to {most}"


def _exact_sentence(summary: dict[str, Any], prices: PaperEnergies) -> str:
    """Eq. 7 of the exact counts, beside the one of the paper's estimate from firing rates."""
    counts = summary["counts"]
    exact = _joule(counts["ac"] * prices.ac_pj + counts["mac"] * prices.mac_pj)
    return f"With exact ACs instead of rate x dense, eq. 7 gives {exact}."


def _counts(summary: dict[str, Any]) -> list[tuple[str, str]]:
    names = {
        "ac": "ACs, exact",
        "ac_rate_dense": "ACs, rate x dense",
        "ac_all": "ACs, with residuals",
        "mac": "MACs, dense",
        "mac_nonzero": "MACs, zero-skipped",
        "mac_with_bn": "MACs, with batch norm",
        "neuron_updates": "neuron updates",
    }
    if repeated_integers(summary):
        names["ac_repeat"] = "integers as AC"
    return [(label, f"{summary['counts'][key]:,.0f}") for key, label in names.items()]


def _print_origin(console: Console, results: Sequence[Result]) -> None:
    said = dict.fromkeys(
        sentence for result in results for sentence in statements(result.summary["provenance"])
    )
    _print_sentences(console, overflow_sentences(result.summary for result in results))
    _print_sentences(console, idle_sentences(result.summary for result in results))
    _print_sentences(console, said)
    _print_sentences(console, samples_sentences(result.summary for result in results))
    _print_sentences(console, changes_sentences(result.summary for result in results))


def _print_sentences(console: Console, sentences: Iterable[str]) -> None:
    for sentence in sentences:
        console.print(sentence, style="yellow", highlight=False, markup=False)


def _joule(energy_pj: float) -> str:
    return si(energy_pj * _JOULE_PER_PJ, "J")


def _or_dash(value: float | None, unit: str) -> str:
    return "-" if value is None else si(value, unit)
