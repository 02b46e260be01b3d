"""What the links of a NoC carried, and which of them lead from where to where.

Takes the `timeline` of a result, whose links are told by their names: `(1,0)>(2,0)` and
`memory.0>(0,0)` of a mesh, `bus`, `to spike[3]` and `from spike[3]` of a crossbar. Only what
carried something has a row there; a mesh is known as far as its last column and row that did. A
link that a transfer holds is busy, whether or not bits pass it in that cycle.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from codesign.results import Result

Node = tuple[int, int]
"""Column and row; column -1 is where the memories feed that row."""

_END = r"(?:\((\d+),(\d+)\)|memory\.(\d+))"
_MESH_LINK = re.compile(f"{_END}>{_END}")
_OTHER_LINK = re.compile(r"bus|(?:to|from) \S+\[\d+\]")


@dataclass(frozen=True, slots=True)
class Link:
    """One link of a NoC.

    Attributes:
        name: as in the timeline.
        transfers: how many it carried.
        busy_cycles: in which it was held.
        share: of the makespan, 0 to 1.
        ends: first and last node on a mesh; None on a bus or a crossbar.
    """

    name: str
    transfers: int
    busy_cycles: int
    share: float
    ends: tuple[Node, Node] | None


Mesh = dict[tuple[Node, Node], Link]
"""Links of a mesh by their first and last node."""


def noc_data(result: Result) -> list[Link]:
    """Every link that carried something, the busiest first; empty where there is no NoC."""
    timeline, makespan = result.timeline, result.summary["makespan_cycles"]
    is_link = timeline["resource"].map(lambda name: _ends(name) is not None or _is_other(name))
    rows = timeline[is_link.astype(bool)]
    cycles = (rows["end_cycle"] - rows["start_cycle"]).groupby(rows["resource"])
    sums = cycles.agg(["size", "sum"]).sort_values("sum", ascending=False, kind="stable")
    return [
        Link(str(name), int(size), int(busy), int(busy) / makespan, _ends(str(name)))
        for name, size, busy in sums.itertuples()
    ]


def is_mesh(links: Sequence[Link]) -> bool:
    """Whether the links are those of a mesh."""
    return all(link.ends is not None for link in links)


def mesh_data(links: Sequence[Link]) -> Mesh:
    """All links between neighbours as far as the last node that sent or received anything, row by
    row, those that carried nothing with a share of 0; of the memories' links those in use."""
    used = {link.ends: link for link in links if link.ends is not None}
    nodes = [node for ends in used for node in ends]
    columns, rows = (max(node[axis] for node in nodes) + 1 for axis in (0, 1))
    found: Mesh = {}
    for row in range(rows):
        for column in range(-1, columns):
            here = (column, row)
            for other in ((column + 1, row), (column, row + 1)):
                for ends in ((here, other), (other, here)):
                    is_inside = column >= 0 and other[0] < columns and other[1] < rows
                    if ends in used:
                        found[ends] = used[ends]
                    elif is_inside:
                        found[ends] = Link(_name(ends), 0, 0, 0.0, ends)
    return found


def sides(mesh: Mesh) -> tuple[int, int]:
    """Columns and rows."""
    nodes = [node for ends in mesh for node in ends]
    columns, rows = (max(node[axis] for node in nodes) + 1 for axis in (0, 1))
    return columns, rows


def largest_share(mesh: Mesh) -> float:
    """That of the busiest link; 1 where none was busy."""
    return max((link.share for link in mesh.values()), default=0.0) or 1.0


def _ends(name: str) -> tuple[Node, Node] | None:
    """Both nodes of a mesh's link."""
    found = _MESH_LINK.fullmatch(name)
    if found is None:
        return None
    first, last = (_node(*found.groups()[part : part + 3]) for part in (0, 3))
    return first, last


def _node(column: str | None, row: str | None, memory: str | None) -> Node:
    return (-1, int(memory)) if memory is not None else (int(column or 0), int(row or 0))


def _is_other(name: str) -> bool:
    return _OTHER_LINK.fullmatch(name) is not None


def _name(ends: tuple[Node, Node]) -> str:
    return ">".join(f"({column},{row})" for column, row in ends)
