"""The NoC: its links, and which of them lie between a core and the shared memories.

On a mesh the core with number n stands at column n modulo columns, row n over columns. Data moves
along the row first and then along the column (XY), in both directions over links of their own.
The memories feed the mesh at its first node (`corner`) or at the first node of every row (`edge`).
"""

import itertools
from dataclasses import dataclass
from functools import cached_property

from codesign.specs.architecture import Noc

Node = tuple[int, int]
"""Column and row; (-1, row) is where the memories feed that row."""


@dataclass(frozen=True)
class Links:
    """The links of a NoC and the ways over them, as numbers into `names`.

    Attributes:
        noc: what the architecture says.
        core_names: of all cores, in declared order.
    """

    noc: Noc
    core_names: tuple[str, ...]

    @cached_property
    def names(self) -> tuple[str, ...]:
        if self.noc.topology == "bus":
            return ("bus",)
        if self.noc.topology == "crossbar":
            return tuple(f"{way} {core}" for core in self.core_names for way in ("to", "from"))
        return tuple(_name(*link) for link in self._mesh)

    @cached_property
    def is_vertical(self) -> tuple[bool, ...]:
        """Whether each link lies between two rows of a mesh."""
        if self.noc.topology != "mesh":
            return (False,) * len(self.names)
        return tuple(first[0] == last[0] for first, last in self._mesh)

    def inward(self, core: int) -> tuple[int, ...]:
        """Links from the memories to a core."""
        if self.noc.topology == "bus":
            return (0,)
        if self.noc.topology == "crossbar":
            return (2 * core,)
        column, row = self._node(core)
        entry = (-1, row if self.noc.storage == "edge" else 0)
        return self._numbered(_along(entry, (column, row)))

    def outward(self, core: int) -> tuple[int, ...]:
        """Links from a core to the memories."""
        if self.noc.topology == "bus":
            return (0,)
        if self.noc.topology == "crossbar":
            return (2 * core + 1,)
        column, row = self._node(core)
        if self.noc.storage == "edge":
            return self._numbered(_along((column, row), (-1, row)))
        return self._numbered([*_along((column, row), (0, 0)), ((0, 0), (-1, 0))])

    def between(self, sender: int, receiver: int) -> tuple[int, ...]:
        """Links from a core to another one; none from a core to itself."""
        if sender == receiver:
            return ()
        if self.noc.topology == "bus":
            return (0,)
        if self.noc.topology == "crossbar":
            return (2 * sender + 1, 2 * receiver)
        return self._numbered(_along(self._node(sender), self._node(receiver)))

    def _node(self, core: int) -> Node:
        assert self.noc.columns is not None
        return core % self.noc.columns, core // self.noc.columns

    def _numbered(self, links: list[tuple[Node, Node]]) -> tuple[int, ...]:
        return tuple(self._number[link] for link in links)

    @cached_property
    def _number(self) -> dict[tuple[Node, Node], int]:
        return {link: number for number, link in enumerate(self._mesh)}

    @cached_property
    def _mesh(self) -> tuple[tuple[Node, Node], ...]:
        """All links of a mesh: row by row, node by node."""
        columns, rows = self.noc.columns, self.noc.rows
        assert columns is not None
        assert rows is not None
        found: list[tuple[Node, Node]] = []
        for row in range(rows):
            for column in range(columns):
                here = (column, row)
                neighbours = [(column + 1, row)] * (column + 1 < columns)
                neighbours += [(column, row + 1)] * (row + 1 < rows)
                neighbours += [(-1, row)] * (column == 0 and self._is_fed(row))
                found += [link for other in neighbours for link in ((here, other), (other, here))]
        return tuple(found)

    def _is_fed(self, row: int) -> bool:
        return row == 0 or self.noc.storage == "edge"


def _along(first: Node, last: Node) -> list[tuple[Node, Node]]:
    """Links of the way along the row and then along the column."""
    nodes = [first]
    while nodes[-1] != last:
        column, row = nodes[-1]
        if column != last[0]:
            nodes.append((column + (1 if last[0] > column else -1), row))
        else:
            nodes.append((column, row + (1 if last[1] > row else -1)))
    return list(itertools.pairwise(nodes))


def _name(first: Node, last: Node) -> str:
    ends = ["memory" if node[0] < 0 else f"({node[0]},{node[1]})" for node in (first, last)]
    if first[0] < 0 or last[0] < 0:
        row = max(first, last)[1]
        ends = [end if end != "memory" else f"memory.{row}" for end in ends]
    return ">".join(ends)
