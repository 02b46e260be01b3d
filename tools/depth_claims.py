"""What the paper claims and what we ask, and what the rows of the experiment say to it.

A claim is judged by the interval of a difference; a few that are not of differences have a limit
of their own. Numbers that no claim is about are in `depth_tables`.
"""

from collections.abc import Callable

from depth_intervals import Interval, decades, difference, interval, points
from depth_rows import (
    CONNECTIONS,
    CURVES,
    USUAL,
    Rows,
    accuracies,
    by_connection,
    depths,
    growths,
    rate_means,
    starts,
    trainings,
)

Found = tuple[str, str]
"""What was measured, and whether it is what the paper claims."""

SHOWN, CONTRARY, OPEN = "shown", "the contrary is shown", "not shown"
NOTHING = ("nothing", "not measured")


def verdict(value: Interval | None) -> str:
    """Of a claim that a difference is above 0."""
    if value is None:
        return "not measured"
    return {1: SHOWN, 0: OPEN, -1: CONTRARY}[value.sign]


def falls_with_depth(curve: str) -> Callable[[Rows], Found]:
    """Whether the deepest network is less accurate than the shallowest."""

    def find(rows: Rows) -> Found:
        first, *_, last = depths(rows)
        change = difference(accuracies(rows, curve, first), accuracies(rows, curve, last))
        shown = difference(accuracies(rows, curve, last), accuracies(rows, curve, first))
        return f"{points(shown)} from {first} to {last} blocks", verdict(change)

    return find


def rises_with_depth(curve: str) -> Callable[[Rows], Found]:
    """Whether the deepest network is more accurate than the shallowest."""

    def find(rows: Rows) -> Found:
        first, *_, last = depths(rows)
        change = difference(accuracies(rows, curve, last), accuracies(rows, curve, first))
        return f"{points(change)} from {first} to {last} blocks", verdict(change)

    return find


def is_better(first: str, second: str) -> Callable[[Rows], Found]:
    """Whether one network is more accurate than another, at each depth."""

    def find(rows: Rows) -> Found:
        found = {
            depth: difference(accuracies(rows, first, depth), accuracies(rows, second, depth))
            for depth in depths(rows)
        }
        words = "; ".join(f"{depth} blocks: {points(value)}" for depth, value in found.items())
        kinds: dict[str, list[str]] = {verdict(value): [] for value in found.values()}
        for depth, value in found.items():
            kinds[verdict(value)].append(str(depth))
        if len(kinds) == 1:
            return words, next(iter(kinds))
        return words, "; ".join(f"{kind} at {', '.join(at)}" for kind, at in kinds.items())

    return find


def and_is_worst(rows: Rows) -> Found:
    """Whether AND is less accurate than each other g."""
    means = {
        g: {seed: row["accuracy"]["spike"] for seed, row in found.items()}
        for g in ("iand", "and", "or", "xor")
        if (found := by_connection(rows, "dual", g, is_identity=False))
    }
    others = {g: difference(means[g], means["and"]) for g in means if g != "and"}
    words = "; ".join(f"{g.upper()} less AND: {points(value)}" for g, value in others.items())
    kinds = {verdict(value) for value in others.values()}
    return words, kinds.pop() if len(kinds) == 1 else "shown of some"


def rates_stay_low(rows: Rows) -> Found:
    """Whether no block's spikes s fire in more than half of the timesteps."""
    largest = {
        g.upper(): max(rate_means(found.values(), "s"))
        for g, is_identity in CONNECTIONS
        if not is_identity and (found := by_connection(rows, "dual", g, is_identity=False))
    }
    words = ", ".join(f"{g} {rate:.2f}" for g, rate in largest.items())
    return f"largest rate of a block: {words}", SHOWN if max(largest.values()) <= 0.5 else CONTRARY


def first_blocks_rest(rows: Rows) -> Found:
    """Whether the first two blocks hardly fire."""
    rates = rate_means(by_connection(rows, "dual", USUAL, is_identity=False).values(), "s")
    first, mean = max(rates[:2]), sum(rates) / len(rates)
    words = f"at most {first:.3f} in the first two blocks, {mean:.3f} in the mean of all (IAND)"
    return words, SHOWN if first < 0.02 else OPEN


def and_falls_silent(rows: Rows) -> Found:
    """Whether the spike stream of AND ends before the last block, and no other g's does."""
    last = {
        g: rate_means(starts(rows, connection=g, identity_start=False), "o")[-1]
        for g in ("and", "iand", "or", "xor")
    }
    words = ", ".join(f"{g.upper()} {rate:.2g}" for g, rate in last.items())
    others = min(rate for g, rate in last.items() if g != "and")
    is_shown = last["and"] < 0.001 and others > 0.01
    return f"rate behind the last block: {words}", SHOWN if is_shown else OPEN


def gradient_is_steadier(case: str) -> Callable[[Rows], Found]:
    """Whether with the pathway the gradient changes by fewer decades from block to block."""

    def find(rows: Rows) -> Found:
        words, kinds = [], set()
        for g in ("iand", "and", "or", "xor"):
            ways = {way: growths(rows, g, case, way) for way in ("with", "without")}
            words.append(f"{g.upper()} {decades(ways['with'])} / {decades(ways['without'])}")
            if None in ways["without"]:
                kinds.add(OPEN if None in ways["with"] else SHOWN)
                continue
            pairs = zip(ways["without"], ways["with"], strict=True)
            less = [abs(b) - abs(a) for b, a in pairs if a is not None and b is not None]
            kinds.add(verdict(interval(less)))
        text = f"decades from the last to the first block with / without: {'; '.join(words)}"
        return text, kinds.pop() if len(kinds) == 1 else "shown of some"

    return find


def features_lie_apart(measure: str) -> Callable[[Rows], Found]:
    """Whether the pathway's features part the classes better than the spikes of the FSNN."""

    def find(rows: Rows) -> Found:
        words, kinds = [], set()
        for depth in depths(rows):
            ways = {
                way: {
                    seed: row["features"][stream][measure]
                    for seed, row in trainings(rows, way=way, connection=USUAL, depth=depth).items()
                }
                for way, stream in (("dual", "accumulation"), ("single", "spike"))
            }
            change = difference(ways["dual"], ways["single"])
            kinds.add(verdict(change))
            shown = points(change)
            if measure == "silhouette" and change is not None:
                shown = change.text(1, 3, signed=True)
            words.append(f"{depth} blocks: {shown}")
        return "; ".join(words), kinds.pop() if len(kinds) == 1 else "shown of some"

    return find


CLAIMS: dict[str, Callable[[Rows], Found]] = {
    "Fig. 3: the Spiking ResNet (td-BN) loses accuracy with depth": falls_with_depth(
        "Spiking ResNet (td-BN)"
    ),
    "Fig. 3: so does the FSNN that is trained alone": falls_with_depth("FSNN without DST"),
    "Fig. 3: with DST accuracy rises with depth": rises_with_depth("FSNN with DST"),
    "Fig. 3: DST makes the FSNN more accurate": is_better("FSNN with DST", "FSNN without DST"),
    "DST with own heads makes the FSNN more accurate (our variant)": is_better(
        "FSNN with DST, own heads", "FSNN without DST"
    ),
    "With own heads its accuracy rises with depth (our variant)": rises_with_depth(
        "FSNN with DST, own heads"
    ),
    "Own heads make the FSNN with DST more accurate (our question)": is_better(
        "FSNN with DST, own heads", "FSNN with DST"
    ),
    "Fig. 3: the pathway kept at inference adds to it": is_better(
        "DSNN (sum of heads)", "FSNN with DST"
    ),
    "Table 2: the DSNN is more accurate than SEW": is_better("DSNN (sum of heads)", "SEW (ADD)"),
    "Table 2: the FSNN with DST is more accurate than td-BN": is_better(
        "FSNN with DST", "Spiking ResNet (td-BN)"
    ),
    "Table 3: AND is the least accurate g": and_is_worst,
    "Fig. 4: the pathway's features part the classes better (silhouette)": features_lie_apart(
        "silhouette"
    ),
    "Fig. 4: the same by a linear probe's accuracy": features_lie_apart("probe"),
    "Fig. 5: no block fires at more than 0.5": rates_stay_low,
    "Fig. 5: the first two blocks hardly fire": first_blocks_rest,
    "Fig. 6: before training AND falls silent, other g do not": and_falls_silent,
    "Fig. 7: where gradients vanish, the pathway steadies them": gradient_is_steadier("vanishing"),
    "Fig. 8: where gradients explode, the pathway steadies them": gradient_is_steadier("steep"),
}
"""What the paper says, and how it is looked for."""


_NEARLY_ALL = 0.95


def summary(rows: Rows) -> str:
    """How the claims fared, in a sentence."""
    kinds = [find(rows)[1] for find in CLAIMS.values()]
    counts = {
        "shown": sum(kind == SHOWN for kind in kinds),
        "contradicted": sum(kind == CONTRARY for kind in kinds),
        "not shown": sum(kind == OPEN for kind in kinds),
    }
    rest = len(kinds) - sum(counts.values())
    words = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    means = [
        found.mean
        for curve in CURVES
        for depth in depths(rows)
        if (found := interval(accuracies(rows, curve, depth).values()))
    ]
    good = sum(mean >= _NEARLY_ALL for mean in means)
    return (
        f"Of {len(kinds)} claims and questions {words}, {rest} shown in part. {good} of the "
        f"{len(means)} means in the table of accuracy against depth are at least "
        f"{100 * _NEARLY_ALL:.0f} %: among those there is little left to gain, and what is not "
        "shown here is not refuted for larger sets."
    )
