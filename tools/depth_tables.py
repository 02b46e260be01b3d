"""The tables of the experiment: what was measured, as headings and cells.

Cells are texts, as documents and pages show them. No table judges; that is `depth_claims`'s part.
"""

from typing import NamedTuple

from depth_intervals import decades, interval, percent
from depth_rows import (
    CONNECTIONS,
    CURVES,
    USUAL,
    WORDS,
    Rows,
    accuracies,
    by_connection,
    called,
    depths,
    growths,
    middle,
    rate_means,
    start_depth,
    starts,
    trainings,
)


class Sheet(NamedTuple):
    """A table and its words.

    Attributes:
        title: the heading.
        text: what its numbers are, with their units.
        columns: headings.
        cells: lines, each with as many cells as there are headings.
    """

    title: str
    text: str
    columns: list[str]
    cells: list[list[str]]


def all_tables(rows: Rows) -> list[Sheet]:
    """All of them, in the order of the document."""
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
        [curve, *(percent(accuracies(rows, curve, depth).values()) for depth in depths(rows))]
        for curve in CURVES
    ]
    count = max(len(accuracies(rows, "FSNN with DST", depth)) for depth in depths(rows))
    text = (
        f"Test accuracy in percent, {count} seeds. FSNN with DST and DSNN are one training, read "
        "from different heads; with own heads they are another. FSNN and DSNN with IAND."
    )
    return Sheet("Accuracy against depth (Fig. 3)", text, ["network", *_blocks(rows)], cells)


def fit_table(rows: Rows) -> Sheet:
    """Accuracy on what was learnt from."""
    part = "training_accuracy"
    cells = [
        [
            curve,
            *(percent(accuracies(rows, curve, depth, part).values()) for depth in depths(rows)),
        ]
        for curve in CURVES
    ]
    text = (
        "In percent, over the last epoch while it was learnt: what does not fit "
        "the training pictures suffers from its optimisation and not from too few pictures."
    )
    return Sheet("Accuracy on the training pictures", text, ["network", *_blocks(rows)], cells)


def connection_table(rows: Rows) -> Sheet:
    """Accuracy by g."""
    cells = []
    for g, is_identity in CONNECTIONS:
        line = [called(g, is_identity=is_identity)]
        for way, head in (
            *(("single", "spike"), ("dual", "spike")),
            *(("dual", "sum"), ("dual", "accumulation")),
        ):
            found = by_connection(rows, way, g, is_identity=is_identity).values()
            line.append(percent(row["accuracy"][head] for row in found))
        cells.append(line)
    heads = ["FSNN without DST", "FSNN with DST", "DSNN (sum)", "DSNN (accumulation)"]
    text = f"Test accuracy in percent at {middle(rows)} blocks."
    return Sheet("Accuracy by g (Table 3)", text, ["g", *heads], cells)


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
                    percent(each["probe"] for each in found),
                    "-" if different is None else f"{different.mean:.0f}",
                ]
            )
    text = (
        "What a head reads of the test pictures, IAND. The silhouette is 1 where classes lie far "
        "apart and 0 where they overlap; the probe is a logistic regression on the training "
        "pictures' features, tested in percent; the last column counts different features, of 359."
    )
    heads = ["features", "blocks", "silhouette", "probe", "different"]
    return Sheet("Features with and without the pathway (Fig. 4)", text, heads, cells)


def rate_table(rows: Rows) -> Sheet:
    """Firing rates of trained networks."""
    cells = []
    for g, is_identity in CONNECTIONS:
        found = by_connection(rows, "dual", g, is_identity=is_identity).values()
        for stream in "so":
            if found:
                rates = [f"{rate:.2f}" for rate in rate_means(found, stream)]
                cells.append([called(g, is_identity=is_identity), stream, *rates])
    text = (
        "Spikes per neuron and timestep of each block after training with DST, on the test "
        "pictures, means of seeds: s is fired by the block's last neurons, o leaves g."
    )
    heads = ["g", "stream", *map(str, range(1, middle(rows) + 1))]
    return Sheet("Firing rates after training (Fig. 5)", text, heads, cells)


def start_table(rows: Rows) -> Sheet:
    """Firing rates before training."""
    cells = []
    for g, is_identity in CONNECTIONS:
        found = starts(rows, connection=g, identity_start=is_identity)
        for stream in "so":
            if found:
                rates = rate_means(found, stream)
                shown = rates[:: max(len(rates) // 8, 1)]
                cells.append(
                    [called(g, is_identity=is_identity), stream, *(f"{r:.2f}" for r in shown)]
                )
    count = start_depth(rows)
    text = (
        f"The same before training, {count} blocks, some of them, on a batch of training pictures."
    )
    places = range(1, count + 1, max(count // 8, 1))
    return Sheet(
        "Firing rates before training (Fig. 6)", text, ["g", "stream", *map(str, places)], cells
    )


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
    return Sheet(f"Gradients before training, {begin} (Figs. 7 and 8)", text, heads, cells)


def _blocks(rows: Rows) -> list[str]:
    return [f"{depth} blocks" for depth in depths(rows)]
