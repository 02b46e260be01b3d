"""How a block's spikes s meet its identity o: the function g of the residual networks.

Table 1 of arXiv 2301.11929. AND, IAND, OR and XOR of spikes are spikes; ADD, which is SEW's, makes
the stream an integer one. They are written as plain tensor expressions, which have a gradient and
which a recorder of tensor operations can read.
"""

from collections.abc import Callable

from torch import Tensor

Connection = Callable[[Tensor, Tensor], Tensor]


def conjunction(s: Tensor, o: Tensor) -> Tensor:
    """AND: `s o`."""
    return s * o


def inhibition(s: Tensor, o: Tensor) -> Tensor:
    """IAND: `o (1 - s)`; the block can only take spikes away."""
    return o * (1 - s)


def disjunction(s: Tensor, o: Tensor) -> Tensor:
    """OR: `s + o - s o`."""
    return s + o - s * o


def difference(s: Tensor, o: Tensor) -> Tensor:
    """XOR: `s (1 - o) + o (1 - s)`."""
    return s * (1 - o) + o * (1 - s)


def addition(s: Tensor, o: Tensor) -> Tensor:
    """ADD: `s + o`."""
    return s + o


CONNECTIONS: dict[str, Connection] = {
    "and": conjunction,
    "iand": inhibition,
    "or": disjunction,
    "xor": difference,
    "add": addition,
}
"""Connection by the name that a workload gives it."""
