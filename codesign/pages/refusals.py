"""What a comparison could not run: workloads that do not fit a chip, with the reason.

A chip that cannot hold a network is a result of the comparison, not the end of it.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from codesign.pages.content import Cell, Section, Table


@dataclass(frozen=True, slots=True)
class Refusal:
    """A workload that does not run on a chip.

    Attributes:
        workload: its name.
        architecture: the chip's.
        reason: what must hold and was found instead, and what to change.
    """

    workload: str
    architecture: str
    reason: str


def refusal_sentences(refusals: Sequence[Refusal]) -> list[str]:
    """What did not run and why, a sentence each."""
    return [
        f"{each.workload} does not run on {each.architecture}: {each.reason}" for each in refusals
    ]


def refusal_section(refusals: Sequence[Refusal]) -> list[Section]:
    """A row for each; empty if all ran."""
    if not refusals:
        return []
    rows: list[list[Cell]] = [[each.workload, each.architecture, each.reason] for each in refusals]
    table = Table("What does not run", ["workload", "architecture", "reason"], rows)
    return [Section("What does not run", table=table)]


def refusals_json(refusals: Sequence[Refusal]) -> list[dict[str, str]]:
    """The same for the summary."""
    return [asdict(each) for each in refusals]
