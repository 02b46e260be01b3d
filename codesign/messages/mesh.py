"""The mesh of tiles: its links, and which of them a message passes.

Messages go along the row first and then along the column (XY); between the cores of one tile they
pass none. Tile n stands at column n // rows and row n modulo rows.
"""

from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from codesign.messages.placement import Integers
from codesign.specs.messages import Messages

Tile = tuple[int, int]
"""Column and row."""


class Mesh:
    """All links of the mesh, in a fixed order.

    Attributes:
        links: both tiles of each.
    """

    def __init__(self, chip: Messages):
        self._rows = chip.rows
        self.links: list[tuple[Tile, Tile]] = []
        for column in range(chip.columns):
            for row in range(chip.rows):
                neighbours = [(column + 1, row)] * (column + 1 < chip.columns)
                neighbours += [(column, row + 1)] * (row + 1 < chip.rows)
                for other in neighbours:
                    self.links += [((column, row), other), (other, (column, row))]
        self._number = {link: number for number, link in enumerate(self.links)}
        self.way = cache(self._way)

    @cached_property
    def names(self) -> list[str]:
        return [f"({a},{b})>({c},{d})" for (a, b), (c, d) in self.links]

    @cached_property
    def is_vertical(self) -> NDArray[np.bool_]:
        """Whether each link lies between two rows."""
        return np.array([one[0] == other[0] for one, other in self.links], dtype=bool)

    def _way(self, one: int, other: int) -> Integers:
        """Numbers of the links from a tile to another."""
        column, row = divmod(one, self._rows)
        last_column, last_row = divmod(other, self._rows)
        nodes = [(column, row)]
        while column != last_column:
            column += 1 if last_column > column else -1
            nodes.append((column, row))
        while row != last_row:
            row += 1 if last_row > row else -1
            nodes.append((column, row))
        return np.array([self._number[link] for link in pairwise(nodes)], dtype=np.int64)
