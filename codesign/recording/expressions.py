"""Element-wise expressions of spikes, by their truth tables.

A residual network writes its logic as arithmetic: `identity * (1 - s)` is IAND, `s + o - s * o`
is OR. What such an expression means follows from its values at all assignments of its spikes, not
from how it is written and not from the values that happen to be recorded. While all operands are
spikes the recorder therefore keeps the expression; when something else than an element-wise
operation reads it, its table says what it is: a logic (values 0 and 1) or a sum of spikes.

Nothing here knows torch. Left out: tables of other integers (`2 * s`, `s - o`), which no layer of
a workload computes, and more than `MOST_LEAVES` different spikes in one expression.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations

MOST_LEAVES = 3

OPERATORS: dict[str, Callable[[int, int], int]] = {
    "add": operator.add,
    "sub": operator.sub,
    "mul": operator.mul,
    "and": operator.and_,
    "or": operator.or_,
    "xor": operator.xor,
    "maximum": max,
    "minimum": min,
}

# Table 1 of arXiv 2301.11929, and NOT; bit i of the index is the value of leaf i.
_LOGICS = {
    (1, 0): "not",
    (0, 0, 0, 1): "and",
    (0, 0, 1, 0): "iand",
    (0, 1, 1, 1): "or",
    (0, 1, 1, 0): "xor",
}


@dataclass(frozen=True, slots=True)
class Expression:
    """An integer function of spikes, element by element.

    Attributes:
        leaves: names of the spike tensors that it depends on.
        table: its value at each of the `2 ** len(leaves)` assignments; bit i of the index is the
            value of leaf i.
    """

    leaves: tuple[str, ...]
    table: tuple[int, ...]

    @property
    def is_leaf(self) -> bool:
        """Whether it is one spike tensor, unchanged."""
        return self.table == (0, 1)

    @property
    def is_logic(self) -> bool:
        """Whether it gives spikes for spikes."""
        return bool(self.leaves) and set(self.table) <= {0, 1}

    @property
    def is_sum(self) -> bool:
        """Whether it is the plain sum of its spikes."""
        return len(self.leaves) > 1 and all(
            value == index.bit_count() for index, value in enumerate(self.table)
        )

    def logic(self) -> tuple[str, tuple[str, ...]]:
        """Name of the logic and its operands in the order of Table 1's g(s, o).

        IAND is the only one whose operands differ: `o (1 - s)`, the inhibiting spike first.
        A logic without a name is `logic`.
        """
        for leaves in permutations(self.leaves):
            name = _LOGICS.get(self._reordered(leaves))
            if name is not None:
                return name, leaves
        return "logic", self.leaves

    def _reordered(self, leaves: tuple[str, ...]) -> tuple[int, ...]:
        return tuple(
            self._at({leaf: index >> bit & 1 for bit, leaf in enumerate(leaves)})
            for index in range(len(self.table))
        )

    def _at(self, values: dict[str, int]) -> int:
        return self.table[sum(values[leaf] << bit for bit, leaf in enumerate(self.leaves))]


def leaf(name: str) -> Expression:
    """A spike tensor."""
    return Expression((name,), (0, 1))


def constant(value: int) -> Expression:
    """A number that is the same at every element."""
    return Expression((), (value,))


def leaf_count(left: Expression, right: Expression) -> int:
    """Different spikes that an expression of both would have before it is simplified."""
    return len({*left.leaves, *right.leaves})


def combine(name: str, left: Expression, right: Expression) -> Expression:
    """The element-wise operation `name` (a key of `OPERATORS`) of two expressions.

    Spikes on which the result does not depend are dropped: `s + o - s` is `o`.
    """
    leaves = tuple(dict.fromkeys(left.leaves + right.leaves))
    table = []
    for index in range(2 ** len(leaves)):
        values = {name: index >> bit & 1 for bit, name in enumerate(leaves)}
        table.append(OPERATORS[name](left._at(values), right._at(values)))
    return _simplified(Expression(leaves, tuple(table)))


def _simplified(expression: Expression) -> Expression:
    leaves, table = expression.leaves, expression.table
    for bit in reversed(range(len(leaves))):
        low = [value for index, value in enumerate(table) if not index >> bit & 1]
        high = [value for index, value in enumerate(table) if index >> bit & 1]
        if low == high:
            leaves, table = leaves[:bit] + leaves[bit + 1 :], tuple(low)
    return Expression(leaves, table)
