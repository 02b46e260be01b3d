"""What the rows of `tools/depth_experiment.py` say: means, intervals, claims and their tables.

An interval is that of Student's t for 95 %. Ways of training are compared seed by seed: the same
seed gives the same order of pictures.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.stats import t as student

Row = Mapping[str, Any]
Rows = Sequence[Row]

CURVES = {
    "Spiking ResNet (td-BN)": ("td_bn", "spike"),
    "FSNN without DST": ("single", "spike"),
    "FSNN with DST": ("dual", "spike"),
    "DSNN (sum of heads)": ("dual", "sum"),
    "DSNN (accumulation head)": ("dual", "accumulation"),
    "FSNN with DST, own heads": ("apart", "spike"),
    "DSNN (sum), own heads": ("apart", "sum"),
    "SEW (ADD)": ("sew", "spike"),
}
"""Way of training and head, by what it is called. Those of a way are one training; `own heads` are
a linear layer for each stream, where the authors' code shares one."""

USUAL = "iand"
BY_DEPTH: dict[str, str | None] = {
    **{"td_bn": None, "single": USUAL, "dual": USUAL, "apart": USUAL, "sew": "add"}
}
"""The g with which each way is trained at every depth."""

CONNECTIONS = (("iand", False), ("and", False), ("and", True), ("or", False), ("xor", False))
WORDS = {"usual": "v_th 1, a 2", "vanishing": "v_th 0.5, a 2"}
WORDS |= {"steep": "v_th 1, a 3", "steepest": "v_th 1, a 8"}

Found = tuple[str, str]
"""What was measured, and whether it is what the paper claims."""

SHOWN, CONTRARY, OPEN = "shown", "the contrary is shown", "not shown"
NOTHING = ("nothing", "not measured")


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval.

    Attributes:
        mean: of the values.
        half: of the interval's width; None of fewer than two values.
        count: of values.
    """

    mean: float
    half: float | None
    count: int

    @property
    def sign(self) -> int:
        """Of the mean, 0 if the interval holds 0 or is not known."""
        if self.half is None or abs(self.mean) <= self.half:
            return 0
        return 1 if self.mean > 0 else -1

    def text(self, factor: float = 1.0, digits: int = 1, *, signed: bool = False) -> str:
        """`97.3 +- 0.4`, the values times a factor."""
        mean = f"{self.mean * factor:{'+' if signed else ''}.{digits}f}"
        return mean if self.half is None else f"{mean} ± {self.half * factor:.{digits}f}"


def interval(values: Iterable[float]) -> Interval | None:
    """Of independent values; None of none."""
    found = list(values)
    if not found:
        return None
    mean = sum(found) / len(found)
    if len(found) < 2:
        return Interval(mean, None, len(found))
    variance = sum((value - mean) ** 2 for value in found) / (len(found) - 1)
    quantile = float(student.ppf(0.975, len(found) - 1))
    return Interval(mean, quantile * math.sqrt(variance / len(found)), len(found))


def trainings(rows: Rows, **wanted: Any) -> dict[int, Row]:
    """Finished trainings by seed, with these values in their case."""
    start = {"kind": "training", "identity_start": False}
    return {
        row["case"]["seed"]: row
        for row in rows
        if _is(row, start | wanted) and "diverged" not in row
    }


def starts(rows: Rows, **wanted: Any) -> list[Row]:
    """Networks before training, with these values in their case."""
    return [row for row in rows if _is(row, {"kind": "start"} | wanted)]


def _is(row: Row, wanted: Mapping[str, Any]) -> bool:
    return all(row["case"][key] == value for key, value in wanted.items())


def depths(rows: Rows) -> list[int]:
    """At which IAND was trained."""
    return sorted({row["case"]["depth"] for row in rows if _is(row, {"kind": "training"})})


def middle(rows: Rows) -> int:
    """The depth at which g is varied."""
    found = [row["case"]["depth"] for row in rows if row["case"]["connection"] == "xor"]
    return min(found)


def accuracies(rows: Rows, curve: str, depth: int, part: str = "accuracy") -> dict[int, float]:
    """Accuracy by seed on the test pictures, or what another part of the rows says."""
    way, head = CURVES[curve]
    found = trainings(rows, way=way, connection=BY_DEPTH[way], depth=depth)
    return {seed: row[part][head] for seed, row in found.items()}


def by_connection(rows: Rows, way: str, g: str, *, is_identity: bool) -> dict[int, Row]:
    """Trainings at the middle depth by seed; of IAND as many as of the others."""
    found = trainings(rows, way=way, connection=g, depth=middle(rows), identity_start=is_identity)
    seeds = {row["case"]["seed"] for row in rows if row["case"]["connection"] == "xor"}
    return {seed: row for seed, row in found.items() if seed in seeds}


def difference(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """Of the first less the second, seed by seed."""
    return interval(first[seed] - second[seed] for seed in sorted(first.keys() & second.keys()))


def growth(norms: Sequence[float]) -> float | None:
    """Decades by which a gradient grows from the last block to the first; None if one is 0."""
    return math.log10(norms[0] / norms[-1]) if min(norms) > 0 else None


def growths(
    rows: Rows, g: str | None, case: str, pathway: str, *, is_identity: bool = False
) -> list[float | None]:
    """`growth` of dL/ds of each seed, of networks before training."""
    found = starts(rows, connection=g, identity_start=is_identity)
    return [
        growth(row["gradients"][case][pathway]["s"])
        for row in found
        if pathway in row["gradients"][case]
    ]


def decades(values: Sequence[float | None]) -> str:
    """Their mean for a table; a gradient of 0 has none."""
    known = [value for value in values if value is not None]
    if len(known) < len(values) or not known:
        return f"0 in {len(values) - len(known)} of {len(values)}"
    mean = interval(known)
    assert mean is not None
    return mean.text(1, 2, signed=True)


def rate_means(rows: Iterable[Row], stream: str) -> list[float]:
    """Mean rate of each block, over rows."""
    lists = [row["rates"][stream] for row in rows]
    return [sum(block) / len(block) for block in zip(*lists, strict=True)]


def points(value: Interval | None) -> str:
    """A difference of accuracies for people."""
    return "nothing" if value is None else f"{value.text(100, 1, signed=True)} points"


def verdict(value: Interval | None) -> str:
    """Of a claim that a difference is above 0."""
    if value is None:
        return "not measured"
    return {1: SHOWN, 0: OPEN, -1: CONTRARY}[value.sign]


# claims ---------------------------------------------------------------------------------------


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
        kinds = {verdict(value): [] for value in found.values()}
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
            kinds.add(verdict(interval(abs(b) - abs(a) for b, a in pairs if a is not None)))
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


# tables ---------------------------------------------------------------------------------------

HEAD = """# Does dual-stream training help?

Written by `tools/depth_experiment.py`, from the rows in [training.json](training.json). The paper
(arXiv 2301.11929) answers on ImageNet and on event cameras; this asks the same of small networks on
scikit-learn's digits, 8 x 8 pixels, {training:,} pictures to learn from and {test} to test on. One
picture more or less is {picture:.2f} points of accuracy. All networks have {width} channels in the
first stage, T = {timesteps} and one recipe: that of `codesign train` for this set, but with
{epochs} epochs, batches of {batch} and a learning rate of {learning_rate:g}. It was not tuned for
any of these depths or families. The heads of a DSNN share one linear layer, as in the authors'
code, but for the rows with own heads.

Numbers are means of seeds and the 95 % interval of Student's t. Differences are taken seed by seed:
a claim counts as shown if the interval of its difference lies above 0, as contradicted if it lies
below, and else as not shown. Where many differences are judged, one of twenty is misjudged by
chance. Accuracies are those after the last epoch, not the best of any.
"""


def docs_lines(rows: Rows) -> Iterator[str]:
    """The page."""
    yield HEAD.format(**_sizes(rows))
    yield "## The paper's claims, and our questions\n"
    yield "| claim | measured here | verdict |\n|---|---|---|"
    for claim, find in CLAIMS.items():
        measured, kind = find(rows)
        yield f"| {claim} | {measured} | {kind} |"
    yield "\n" + summary(rows) + "\n"
    for title, text, columns, cells in all_tables(rows):
        yield f"## {title}\n"
        yield f"{text}\n"
        yield f"| {' | '.join(columns)} |"
        yield f"|{'---|' * len(columns)}"
        yield from (f"| {' | '.join(line)} |" for line in cells)
        yield ""
    yield "## How it was made\n"
    yield from made(rows)


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


_NEARLY_ALL = 0.95


def _sizes(rows: Rows) -> dict[str, Any]:
    sizes = {"training": 1438, "test": 359, "picture": 100 / 359}
    return sizes | dict(rows[0]["size"])


Sheet = tuple[str, str, list[str], list[list[str]]]


def all_tables(rows: Rows) -> list[Sheet]:
    """Title, text, headings and cells of each table."""
    return [
        accuracy_table(rows),
        fit_table(rows),
        connection_table(rows),
        feature_table(rows),
        rate_table(rows),
        start_table(rows),
        gradient_table(rows, is_identity=False),
        gradient_table(rows, is_identity=True),
    ]


def accuracy_table(rows: Rows) -> Sheet:
    """Accuracy against depth."""
    cells = [
        [curve, *(_percent(accuracies(rows, curve, depth).values()) for depth in depths(rows))]
        for curve in CURVES
    ]
    count = max(len(accuracies(rows, "FSNN with DST", depth)) for depth in depths(rows))
    text = (
        f"Test accuracy in percent, {count} seeds. FSNN with DST and DSNN are one training, read "
        "from different heads; with own heads they are another. FSNN and DSNN with IAND."
    )
    return "Accuracy against depth (Fig. 3)", text, ["network", *_blocks(rows)], cells


def fit_table(rows: Rows) -> Sheet:
    """Accuracy on what was learnt from."""
    part = "training_accuracy"
    cells = [
        [
            curve,
            *(_percent(accuracies(rows, curve, depth, part).values()) for depth in depths(rows)),
        ]
        for curve in CURVES
    ]
    text = (
        "In percent, over the last epoch while it was learnt: what does not fit "
        "the training pictures suffers from its optimisation and not from too few pictures."
    )
    return "Accuracy on the training pictures", text, ["network", *_blocks(rows)], cells


def connection_table(rows: Rows) -> Sheet:
    """Accuracy by g."""
    cells = []
    for g, is_identity in CONNECTIONS:
        line = [_g(g, is_identity=is_identity)]
        for way, head in (
            *(("single", "spike"), ("dual", "spike")),
            *(("dual", "sum"), ("dual", "accumulation")),
        ):
            found = by_connection(rows, way, g, is_identity=is_identity).values()
            line.append(_percent(row["accuracy"][head] for row in found))
        cells.append(line)
    heads = ["FSNN without DST", "FSNN with DST", "DSNN (sum)", "DSNN (accumulation)"]
    text = f"Test accuracy in percent at {middle(rows)} blocks."
    return "Accuracy by g (Table 3)", text, ["g", *heads], cells


def feature_table(rows: Rows) -> Sheet:
    """How well classes lie apart."""
    cells = []
    for words, way, stream in (
        ("FSNN without DST: spikes", "single", "spike"),
        ("FSNN with DST: spikes", "dual", "spike"),
        ("DSNN: accumulation", "dual", "accumulation"),
        ("FSNN with DST, own heads: spikes", "apart", "spike"),
        ("DSNN, own heads: accumulation", "apart", "accumulation"),
    ):
        for depth in depths(rows):
            found = [
                row["features"][stream]
                for row in trainings(rows, way=way, connection=USUAL, depth=depth).values()
            ]
            kept = interval(each["silhouette"] for each in found)
            different = interval(float(each["different"]) for each in found)
            cells.append(
                [
                    *(words, str(depth)),
                    "-" if kept is None else kept.text(1, 3),
                    _percent(each["probe"] for each in found),
                    "-" if different is None else f"{different.mean:.0f}",
                ]
            )
    text = (
        "What a head reads of the test pictures, IAND. The silhouette is 1 where classes lie far "
        "apart and 0 where they overlap; the probe is a logistic regression on the training "
        "pictures' features, tested in percent; the last column counts different features, of 359."
    )
    heads = ["features", "blocks", "silhouette", "probe", "different"]
    return "Features with and without the pathway (Fig. 4)", text, heads, cells


def rate_table(rows: Rows) -> Sheet:
    """Firing rates of trained networks."""
    cells = []
    for g, is_identity in CONNECTIONS:
        found = by_connection(rows, "dual", g, is_identity=is_identity).values()
        for stream in "so":
            if found:
                rates = [f"{rate:.2f}" for rate in rate_means(found, stream)]
                cells.append([_g(g, is_identity=is_identity), stream, *rates])
    text = (
        "Spikes per neuron and timestep of each block after training with DST, on the test "
        "pictures, means of seeds: s is fired by the block's last neurons, o leaves g."
    )
    heads = ["g", "stream", *map(str, range(1, middle(rows) + 1))]
    return "Firing rates after training (Fig. 5)", text, heads, cells


def start_table(rows: Rows) -> Sheet:
    """Firing rates before training."""
    cells = []
    for g, is_identity in CONNECTIONS:
        found = starts(rows, connection=g, identity_start=is_identity)
        for stream in "so":
            if found:
                rates = rate_means(found, stream)
                shown = rates[:: max(len(rates) // 8, 1)]
                cells.append([_g(g, is_identity=is_identity), stream, *(f"{r:.2f}" for r in shown)])
    count = start_depth(rows)
    text = (
        f"The same before training, {count} blocks, some of them, on a batch of training pictures."
    )
    places = range(1, count + 1, max(count // 8, 1))
    return "Firing rates before training (Fig. 6)", text, ["g", "stream", *map(str, places)], cells


def gradient_table(rows: Rows, *, is_identity: bool) -> Sheet:
    """Growth of gradients."""
    cells = []
    for name, g in (*((g.upper(), g) for g in ("iand", "and", "or", "xor")), ("SEW", "add")):
        for way in ("with", "without", "none"):
            values = [growths(rows, g, case, way, is_identity=is_identity) for case in WORDS]
            if any(values):
                pathway = {"none": "-"}.get(way, way)
                cells.append([name, pathway, *map(decades, values)])
    values = [growths(rows, None, case, "none", is_identity=is_identity) for case in WORDS]
    cells.append(["td-BN", "-", *map(decades, values)])
    begin = "every branch at zero" if is_identity else "random branches"
    text = (
        f"Before training, {start_depth(rows)} blocks, {begin}: decades by which the norm of dL/ds "
        "grows from the last block to the first (below 0 it vanishes on its way to the input). A "
        "gradient of exactly 0 is counted apart."
    )
    heads = ["g", "pathway", *WORDS.values()]
    return f"Gradients before training, {begin} (Figs. 7 and 8)", text, heads, cells


def start_depth(rows: Rows) -> int:
    """Blocks of the networks that were not trained."""
    return next(int(row["case"]["depth"]) for row in starts(rows))


def made(rows: Rows) -> Iterator[str]:
    """Sizes, time and what failed."""
    spent = sum(row["cpu_seconds"] for row in rows)
    finished = [row for row in rows if _is(row, {"kind": "training"})]
    yield (
        f"{len(finished)} trainings and {len(starts(rows))} networks before training, "
        f"{spent / 3600:.2f} hours of one processor."
    )
    made_by = {
        ", ".join(f"{name} {which}" for name, which in row["versions"].items()) for row in rows
    }
    yield f"Made with {'; '.join(sorted(made_by))}."
    lost = [row["case"] for row in finished if "diverged" in row]
    if lost:
        yield f"Left out because their loss diverged: {', '.join(map(str, lost))}."
    yield (
        "\nThe surrogate's a and the thresholds are our choice: at potentials of 0 and 1 the "
        "derivative is .092 and 1 (as trained), .288 twice, .065 and 1.5, .025 and 4. td-BN has no "
        "pathway and no g; its s is what leaves a block. SEW's o are integers. Networks with the "
        "pathway have the loss of both heads, those without it that of the spike head."
    )


def table(rows: Rows) -> pd.DataFrame:
    """All rows as a table; what is a list stays one."""
    return pd.json_normalize([_plain(row) for row in rows])


def _plain(row: Row) -> dict[str, Any]:
    case = dict(row["case"])
    return {**case, **{key: value for key, value in row.items() if key != "case"}}


def _percent(values: Iterable[float]) -> str:
    found = interval(values)
    return "-" if found is None else found.text(100)


def _blocks(rows: Rows) -> list[str]:
    return [f"{depth} blocks" for depth in depths(rows)]


def _g(g: str, *, is_identity: bool) -> str:
    return f"{g.upper()}, identity start" if is_identity else g.upper()
