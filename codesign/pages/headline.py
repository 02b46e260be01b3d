"""The answer in words: how long, how much energy, and what limits it.

All numbers are those of the result's summary.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from codesign.pages.content import Tile, cycles, percent, quantity
from codesign.pages.energy import PICOJOULE, STREAMS
from codesign.pages.latency import bounds_data, interval_words
from codesign.pages.palette import words
from codesign.pages.repricing import energy_of, product_of, share_of
from codesign.units import si

NO_LATENCY = "Latency is not modelled: this architecture prices operations and has no cores."


def images_words(summary: Mapping[str, Any]) -> str:
    """`one image`, or `one image (mean of 8)`."""
    images = summary["images"]
    return "one image" if images in (None, 1) else f"one image (mean of {images})"


def headline(summary: Mapping[str, Any]) -> list[str]:
    """The answer as sentences, the most important first."""
    subject = f"{summary['workload']} on {summary['architecture']}"
    energy = quantity(summary["energy_pj"] * PICOJOULE, "J")
    if summary["latency_s"] is None:
        sentences = [f"{subject} spends {energy} on {images_words(summary)}.", NO_LATENCY]
    else:
        sentences = [
            f"{subject} takes {quantity(summary['latency_s'], 's')} and {energy} for "
            f"{images_words(summary)}.",
            limit_sentence(summary),
        ]
    return [*sentences, energy_sentence(summary)]


def limit_sentence(summary: Mapping[str, Any]) -> str:
    """What limits the latency: the nearest bound and its share of the makespan."""
    bounds = bounds_data(summary)
    if not bounds:
        return "No bound was computed for this run."
    nearest = bounds[0]
    return (
        f"What limits it: the nearest bound is that of the {nearest.words}, "
        f"{cycles(nearest.cycles)} or {percent(nearest.share)} of the makespan; the other "
        f"{percent(max(0.0, 1 - nearest.share))} is not covered by it."
    )


def energy_sentence(summary: Mapping[str, Any]) -> str:
    """The three components that take most energy, with their shares."""
    parts = sorted(summary["energy_parts_pj"].items(), key=lambda part: (-part[1], part[0]))
    total = summary["energy_pj"]
    if not total:
        return "No energy was spent."
    shares = [f"{words(name)} ({percent(value / total)})" for name, value in parts[:3] if value]
    return f"Most energy goes to {', '.join(shares)}."


def accuracy_share(summary: Mapping[str, Any]) -> str | None:
    """`97.2 %`, of a trained network; None where the accuracy is not known."""
    known = summary.get("accuracy")
    return None if known is None else _percent_of_pictures(known["share"])


def accuracy_words(summary: Mapping[str, Any]) -> str:
    """What the accuracy was measured on, and with which numbers."""
    known = summary["accuracy"]
    low, high = known["interval"]["low"], known["interval"]["high"]
    return (
        f"95 % interval {_percent_of_pictures(low).removesuffix(' %')} to "
        f"{_percent_of_pictures(high)}; {known['correct']:,} of {known['total']:,} "
        f"{known['split']} pictures of {known['data_set']}, {_format_words(known['precision'])}"
    )


def accuracy_sentences(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """How often trained networks are right, and their heads apart; often nothing."""
    said = []
    for summary in summaries:
        if (known := summary.get("accuracy")) is None:
            continue
        others = {name: count for name, count in known["heads"].items() if name != known["readout"]}
        apart = ", ".join(
            f"{_percent_of_pictures(count / known['total'])} by '{name}'"
            for name, count in others.items()
        )
        said.append(
            f"{summary['workload']} on {summary['architecture']}: accuracy "
            f"{accuracy_share(summary)} by '{known['readout']}' ({accuracy_words(summary)})"
            f"{f'; {apart}' if apart else ''}."
        )
    return list(dict.fromkeys(said))


def _percent_of_pictures(share: float) -> str:
    return f"{100 * share:.1f} %"


def _format_words(precision: Mapping[str, int] | None) -> str:
    """`int8 weights, 16-bit membranes`."""
    if precision is None:
        return "weights as shipped"
    return f"int{precision['weight_bits']} weights, {precision['accumulator_bits']}-bit membranes"


def tiles(
    summary: Mapping[str, Any], streams_pj: Mapping[str, Mapping[str, float]] = MappingProxyType({})
) -> list[Tile]:
    """The numbers of the answer, to be shown large.

    Args:
        summary: of a result.
        streams_pj: the energy of each stream by component, without which the streams' tiles cannot
            be priced again.
    """
    energy = Tile(
        "Energy",
        quantity(summary["energy_pj"] * PICOJOULE, "J"),
        images_words(summary),
        energy_of(summary["energy_parts_pj"]),
    )
    streams = [*_accuracy_tile(summary), *_stream_tiles(summary, streams_pj)]
    if summary["latency_s"] is None:
        return [energy, *streams]
    bounds = bounds_data(summary)
    return [
        Tile("Latency", quantity(summary["latency_s"], "s"), cycles(summary["makespan_cycles"])),
        Tile("Interval", quantity(summary["interval_s"], "s"), interval_words(summary)),
        energy,
        Tile(
            "EDP",
            quantity(summary["edp_js"], "J·s"),
            "energy x latency",
            product_of(summary, "edp_js"),
        ),
        Tile(
            "Mean power",
            quantity(summary["average_power_w"], "W"),
            f"{quantity(summary['peak_power_w'], 'W')} in the busiest {peak_words(summary)}",
            product_of(summary, "average_power_w"),
        ),
        *_area_tile(summary["area_mm2"]),
        *(Tile("Nearest bound", percent(bound.share), bound.words) for bound in bounds[:1]),
        *streams,
    ]


def _accuracy_tile(summary: Mapping[str, Any]) -> list[Tile]:
    share = accuracy_share(summary)
    return [] if share is None else [Tile("Accuracy", share, accuracy_words(summary))]


def _stream_tiles(
    summary: Mapping[str, Any], streams_pj: Mapping[str, Mapping[str, float]]
) -> Iterator[Tile]:
    """What each stream spent, and what no layer caused."""
    for name in STREAMS:
        value, parts = summary["energy_streams_pj"].get(name, 0), streams_pj.get(name)
        if value:
            yield Tile(
                f"{words(name)} stream" if name != "chip" else "whole chip",
                quantity(value * PICOJOULE, "J"),
                _share(value, summary["energy_pj"]),
                energy_of(parts) if parts else None,
                share_of(parts) if parts else None,
            )


def peak_words(summary: Mapping[str, Any]) -> str:
    """The stretch whose mean power the peak is."""
    return "timestep" if summary["messages"] else "cycle"


def _area_tile(area_mm2: float | None) -> list[Tile]:
    if area_mm2 is None:
        return []
    return [Tile("Area", f"{area_mm2:.3g} mm²", "cores, buffers and NoC")]


def bit_serial_sentences(summary: Mapping[str, Any]) -> list[str]:
    """What it costs that cores which only accumulate work through values bit by bit."""
    costs = summary.get("bit_serial") or {}
    if not costs:
        return []
    spent_pj = sum(cost["energy_pj"] for cost in costs.values())
    named = [
        f"{name} ({si(cost['ac'], '')} ACs, {si(cost['energy_pj'] * PICOJOULE, 'J')})"
        for name, cost in costs.items()
    ]
    return [
        f"Values that are no spikes are accumulated bit by bit, for "
        f"{percent(spent_pj / summary['energy_pj'])} of the energy: {_some(named, _NAMED_LAYERS)}."
    ]


def host_sentences(summary: Mapping[str, Any]) -> list[str]:
    """What it costs that a host outside the chip does some layers."""
    costs = summary.get("host") or {}
    if not costs:
        return []
    spent_pj = sum(cost["mac_pj"] + cost["link_pj"] for cost in costs.values())
    named = [
        f"{name} ({si(cost['mac'], '')} MACs for {si(cost['mac_pj'] * PICOJOULE, 'J')}, "
        f"{si(cost['to_host_bits'] + cost['from_host_bits'], 'bit')} over the link for "
        f"{si(cost['link_pj'] * PICOJOULE, 'J')})"
        for name, cost in costs.items()
    ]
    return [
        f"A host outside the chip does layers, for {percent(spent_pj / summary['energy_pj'])} of "
        f"the energy and {sum(cost['cycles'] for cost in costs.values()):,} cycles of computing: "
        f"{_some(named, _NAMED_LAYERS)}."
    ]


_NAMED_LAYERS = 4


def _some(texts: Sequence[str], limit: int) -> str:
    """The first of some texts, and how many more there are."""
    more = len(texts) - limit
    return ", ".join(texts[:limit]) + (f" and {more} more" if more > 0 else "")


def overflow_sentences(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which layers' sums and membranes do not fit the accumulators; often nothing."""
    found = []
    for summary in summaries:
        widths = summary.get("widths") or {}
        overflows = widths.get("overflows") or []
        if not overflows:
            continue
        named = [
            f"{each['layer']} {'needs' if each['basis'] == 'recorded' else 'needs at most'} "
            f"{each['needs_bits']} bit"
            for each in overflows
        ]
        is_certain = any(each["basis"] == "recorded" for each in overflows)
        found.append(
            f"{summary['workload']}: accumulators of {widths['has_bits']} bit "
            f"{'overflow' if is_certain else 'may overflow'}: "
            f"{_some(named, _NAMED_OVERFLOWS)}. Widen precision.accumulator to "
            f"{widths['needs_bits']} bit."
        )
    return list(dict.fromkeys(found))


_NAMED_OVERFLOWS = 3


def idle_sentences(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Kinds of core that compute nothing, and why; often nothing."""
    return [
        f"{summary['workload']}: cores of kind '{kind}' compute nothing, because {reason}."
        for summary in summaries
        for kind, reason in (summary.get("idle_cores") or {}).items()
    ]


def repeated_integers(summary: Mapping[str, Any]) -> float:
    """ACs that the chip does instead of MACs, because its policy repeats integers; mostly 0.

    The counts of a summary are those of the network, in which an integer input is a MAC.
    """
    policy = summary.get("policy") or {}
    repeats = policy.get("integer_input") == "repeat"
    return float(summary["counts"]["ac_repeat"]) if repeats else 0.0


def counts_sentences(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What must be known of counts that the chip does not execute as they are; often nothing."""
    known = list(summaries)
    said = []
    repeating = [summary for summary in known if repeated_integers(summary)]
    if repeating:
        said.append(
            f"{_whose_chip(known, repeating)} repeats integers: instead of their MACs it does what "
            "is counted as 'integers as AC'."
        )
    for chip in dict.fromkeys(each.get("architecture") for each in known if each.get("bit_serial")):
        own = [summary for summary in known if summary.get("architecture") == chip]
        done = ", ".join(
            f"{si(summary['operations']['ac'], '')} ACs and {si(summary['operations']['mac'], '')} "
            f"MACs for {summary['workload']}"
            for summary in own
        )
        said.append(f"{_whose_chip(known, own)} accumulates values bit by bit: it does {done}.")
    for each in known:
        again = [plan["layer"] for plan in each.get("mapping", ()) if plan.get("is_recomputed")]
        if again:
            done = each["operations"]
            said.append(
                f"{_whose_chip(known, [each])} computes {', '.join(again)} again at every timestep "
                f"of {each['workload']}: it does {si(done['ac'], '')} ACs and "
                f"{si(done['mac'], '')} MACs."
            )
        if costs := each.get("host"):
            done = si(sum(cost["mac"] for cost in costs.values()), "")
            said.append(
                f"{_whose_chip(known, [each])} leaves {done} MACs of {each['workload']} to a host."
            )
    return ["Counts of AC and MAC are those of the network.", *said] if said else []


def _whose_chip(known: Sequence[Mapping[str, Any]], meant: Sequence[Mapping[str, Any]]) -> str:
    """`The chip`; with its name where runs are of several."""
    if len({summary.get("architecture") for summary in known}) == 1:
        return "The chip"
    return f"The chip {' or '.join(dict.fromkeys(each['architecture'] for each in meant))}"


def samples_sentences(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """Which samples of data sets were seen; often none."""
    chosen = [
        each
        for summary in summaries
        for each in ((summary["provenance"] or {}).get("samples") or {}).values()
    ]
    texts = (
        f"Input: {each['samples']} of the {each['size']} samples of {each['set']} "
        f"{each['split']}, {each['chosen']}."
        for each in chosen
    )
    return list(dict.fromkeys(texts))


def changes_sentences(summaries: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was replaced in the files of workload and architecture; often nothing."""
    changes = dict.fromkeys(each for summary in summaries for each in summary.get("changes", ()))
    return [f"Changed from the files: {', '.join(changes)}."] if changes else []


def _share(part: float, total: float) -> str:
    return f"{percent(part / total)} of energy" if total else ""
