"""Targets: what each file of calibrated weights aims at, and the network that it is fitted as.

A row of arXiv 2301.11929 gives accumulates (Table 2) or an energy, which eq. 7 turns into
accumulates once the MACs are known. Networks without a row take the mean firing rate of the
nearest one with a row. FSNN and DSNN share a file, because they share their spike stream.

Rows 2 to 4 of Table 3's FSNN-7 are IAND, OR and XOR in an order that the paper does not give;
each of the three aims at their mean (1.04 to 1.19 mJ, and 3.41 to 4.65 mJ). The energy of ADD on
DVS Gesture cannot be reached with the 32 channels of the published 7B-Net (3.8 mJ of MACs, and at
most 5.1 mJ of ACs); with 32 channels it takes the rate that gives the energy with 64.

Spikformers with OR, XOR or AND take the weights fitted with IAND.

This module needs no torch.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

PAPER = "arXiv 2301.11929"


@dataclass(frozen=True)
class Target:
    """What one file of calibrated weights aims at.

    Attributes:
        text: where the number comes from, for results and reports.
        family: as which the network is fitted: fsnn, sew or spiking_resnet.
        timesteps: T of the fitting pass.
        options: further arguments of the network's constructor; `structure` and its sizes.
        ac: `ac_rate_dense` to meet, of a row that prints it.
        energy_pj: energy to meet by eq. 7, of a row that prints that.
        rate_of: the file whose mean firing rate is taken, of a network without a row.
    """

    text: str
    family: str
    timesteps: int
    options: dict[str, Any] = field(default_factory=dict)
    ac: float | None = None
    energy_pj: float | None = None
    rate_of: str = ""

    @property
    def connection(self) -> str:
        """The connection with which the network is fitted; of a Spiking ResNet it means nothing."""
        fallback = "add" if self.family == "sew" else "iand"
        return str(self.options.get("connection", fallback))


def weights_name(
    *,
    family: str,
    structure: str = "resnet",
    depth: int | None = None,
    width: int | None = None,
    connection: str | None = None,
) -> str:
    """Name of the file that holds a network's calibrated weights."""
    shared = "fsnn" if family == "dsnn" else family
    if structure == "wide7b" and connection == "iand":
        shared = "fsnn"  # SEW with IAND is the same network, for which this table has no row
    if structure == "resnet":
        return f"{shared}{depth}"
    if structure == "spikformer":
        return f"{shared}_{structure}_{depth}_{width}"
    return f"{shared}_{structure}_{connection}_{width}"


TABLE_2_AC = {
    ("fsnn", 18): 1.69e9,
    ("fsnn", 34): 3.42e9,
    ("fsnn", 50): 3.14e9,
    ("fsnn", 101): 4.42e9,
    ("sew", 18): 0.51e9,
    ("sew", 34): 0.86e9,
    ("sew", 50): 2.01e9,
    ("sew", 101): 3.07e9,
    ("spiking_resnet", 34): 5.34e9,
    ("spiking_resnet", 50): 6.01e9,
}
"""AC column of Table 2; the DSNN rows follow from the FSNN ones."""

NEAREST = {
    ("fsnn", 152): 101,
    ("sew", 152): 101,
    ("spiking_resnet", 18): 34,
    ("spiking_resnet", 101): 50,
    ("spiking_resnet", 152): 50,
}
"""Depth with a row in Table 2 whose mean firing rate a depth without one takes."""

TIMESTEPS = {"fsnn": 4, "sew": 4, "spiking_resnet": 6}

TABLE_3_MJ = {
    ("7b", "sew", "add"): 17.09,
    ("7b", "sew", "iand"): 1.48,
    ("7b", "fsnn", "and"): 2.59,
    ("wide7b", "sew", "add"): 16.71,
    ("wide7b", "fsnn", "and"): 3.57,
}
"""Energies of Table 3 whose network is known."""

TABLE_3_UNORDERED_MJ = {"7b": (1.04, 1.19, 1.10), "wide7b": (3.51, 3.41, 4.65)}
"""Energies of FSNN-7 with IAND, OR and XOR, in the order of the rows."""

PUBLISHED_WIDTH = {"7b": 32, "wide7b": 64}
WIDER_7B, NOT_WIDER = 64, ("or", "xor")
"""Width of 7B-Net that the energy of ADD needs, and the connections that are not calibrated with
it: at the least rates that we allow they take 1.5 mJ, where Table 3 has 1.04 to 1.19."""

SMALL_WIDTH, SMALL_TIMESTEPS = 8, 4

TABLE_4_MJ = {"sew": 5.27, "fsnn": 0.82}
"""Energies of Table 4 for Spikformer with ADD and with IAND."""

SPIKFORMER_SIZES = ((4, 384), (1, 64))
"""Depths and widths with calibrated weights; the first is the one of Table 4."""

_PJ_PER_MJ = 1e9


def _resnets() -> Iterator[tuple[str, Target]]:
    for family, depth in (*TABLE_2_AC, *NEAREST):
        text, row = f"Table 2 of {PAPER}", NEAREST.get((family, depth))
        if row is not None:
            text += f" (no row: mean rate of depth {row})"
        yield (
            f"{family}{depth}",
            Target(
                text,
                family,
                TIMESTEPS[family],
                {"depth": depth},
                ac=TABLE_2_AC.get((family, depth)),
                rate_of="" if row is None else f"{family}{row}",
            ),
        )


def _event_nets() -> Iterator[tuple[str, Target]]:
    connections = [*(("fsnn", g) for g in ("and", "iand", "or", "xor")), ("sew", "add")]
    of_structure = {"7b": [*connections, ("sew", "iand")], "wide7b": connections}
    for structure, published in PUBLISHED_WIDTH.items():
        for family, connection in of_structure[structure]:
            wider = (WIDER_7B,) if structure == "7b" and connection not in NOT_WIDER else ()
            for width in (*wider, published, SMALL_WIDTH):
                name = f"{family}_{structure}_{connection}_{width}"
                yield name, _event_target(structure, family, connection, width)


def _event_target(structure: str, family: str, connection: str, width: int) -> Target:
    options = {"structure": structure, "width": width, "connection": connection}
    timesteps = SMALL_TIMESTEPS if width == SMALL_WIDTH else 16
    energy, text = TABLE_3_MJ.get((structure, family, connection)), f"Table 3 of {PAPER}"
    if family == "fsnn" and energy is None:
        energy = sum(TABLE_3_UNORDERED_MJ[structure]) / 3
        text += " (mean of IAND, OR and XOR, whose order is not given)"
    row = _row_of(structure, family, connection, width)
    if row:
        text += f" (no row of its own: mean rate of {row})"
        return Target(text, family, timesteps, options, rate_of=row)
    assert energy is not None
    return Target(text, family, timesteps, options, energy_pj=energy * _PJ_PER_MJ)


def _row_of(structure: str, family: str, connection: str, width: int) -> str:
    """The file whose rate a network without a row takes; empty if it has a row."""
    if width == SMALL_WIDTH:
        return f"{family}_{structure}_{connection}_{PUBLISHED_WIDTH[structure]}"
    if (structure, connection, width) == ("7b", "add", PUBLISHED_WIDTH["7b"]):
        return f"{family}_{structure}_{connection}_{WIDER_7B}"
    return ""


def _spikformers() -> Iterator[tuple[str, Target]]:
    for family, energy in TABLE_4_MJ.items():
        for depth, width in SPIKFORMER_SIZES:
            options = {"structure": "spikformer", "depth": depth, "width": width}
            text, name = f"Table 4 of {PAPER}", f"{family}_spikformer_{depth}_{width}"
            if (depth, width) == SPIKFORMER_SIZES[0]:
                yield name, Target(text, family, 4, options, energy_pj=energy * _PJ_PER_MJ)
            else:
                row = "{}_spikformer_{}_{}".format(family, *SPIKFORMER_SIZES[0])
                text += f" (no row of its own: mean rate of {row})"
                yield name, Target(text, family, 4, options, rate_of=row)


TARGETS: dict[str, Target] = {
    **dict(_resnets()),
    **dict(_event_nets()),
    **dict(_spikformers()),
}
"""Targets by the name of the file, every file after the ones whose rates it takes."""
