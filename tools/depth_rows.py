"""Rows of `tools/depth_experiment.py`: what they are called, and those of one question by seed.

A row is what `depth_measures.measure` gives of one training, or of one network before training.
What the numbers of several seeds say together is in `depth_intervals`.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

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
"""Thresholds and surrogates with which gradients were measured, by what they are called."""


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


def start_depth(rows: Rows) -> int:
    """Blocks of the networks that were not trained."""
    return next(int(row["case"]["depth"]) for row in starts(rows))


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


def rate_means(rows: Iterable[Row], stream: str) -> list[float]:
    """Mean rate of each block, over rows."""
    lists = [row["rates"][stream] for row in rows]
    return [sum(block) / len(block) for block in zip(*lists, strict=True)]


def called(g: str, *, is_identity: bool) -> str:
    """A g in tables and legends: `AND, identity start`."""
    return f"{g.upper()}, identity start" if is_identity else g.upper()


def table(rows: Rows) -> pd.DataFrame:
    """All rows as a table; what is a list stays one."""
    return pd.json_normalize([_plain(row) for row in rows])


def _plain(row: Row) -> dict[str, Any]:
    case = dict(row["case"])
    return {**case, **{key: value for key, value in row.items() if key != "case"}}
