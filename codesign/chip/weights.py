"""Weight fetch: blocks of weights on their way from DRAM to the weight buffer.

Cores that work on the same layers have their own share of the weight buffer and their own queue
of blocks, so that a stream that lags behind does not fill the place of the other's weights. A
queue is fetched in its order, as far ahead as its share has space; a block's space is free again
when the last core that needs it has loaded it, and never if it is kept. The buffer's banks have a
write port of their own, so that fetching takes DRAM cycles but no port from the cores.
"""

from collections.abc import Generator, Mapping, Sequence

import simpy
from simpy.events import Event

from codesign.chip.fabric import Fabric, Request
from codesign.mapping.jobs import TRANSFERS, Block

FETCH = TRANSFERS.index("fetch")


class WeightFetch:
    """The queues, and the space that they fill.

    Attributes:
        fetched: for each block, the event that it is in the buffer.
        asked: for each block, the cycle in which it joined the line of the DRAM.
    """

    def __init__(
        self,
        env: simpy.Environment,
        blocks: Sequence[Block],
        shares: Mapping[str, int],
        cycles: Sequence[int],
    ):
        """Makes the queues.

        Args:
            env: the environment.
            blocks: what to fetch, in order.
            shares: bits of the buffer that each queue has.
            cycles: DRAM cycles of each block.
        """
        self.fetched = [Event(env) for _ in blocks]
        self.asked = [0] * len(blocks)
        self._env = env
        self._blocks = blocks
        self._cycles = cycles
        self._loads = [block.loads for block in blocks]
        self._free_bits = dict(shares)
        self._space = {queue: Event(env) for queue in shares}

    def run(
        self, queue: str, fabric: Fabric, way: tuple[tuple[int, ...], int]
    ) -> Generator[Event, None, None]:
        """Fetches the blocks of one queue: each waits for space, joins the line of the
        DRAM, and is there when it arrives; the next one does not wait for that."""
        for number, block in enumerate(self._blocks):
            if block.queue != queue:
                continue
            while self._free_bits[queue] < block.bits:
                self._space[queue] = Event(self._env)
                yield self._space[queue]
            self._free_bits[queue] -= block.bits
            self.asked[number] = int(self._env.now)
            tag, arrival = (number, FETCH), self.fetched[number]
            fabric.transfer(Request(block.priority, self._cycles[number], *way, tag, -1, arrival))

    def loaded(self, number: int) -> None:
        """One core has loaded a block."""
        self._loads[number] -= 1
        if self._loads[number] == 0 and not self._blocks[number].kept:
            block = self._blocks[number]
            self._free_bits[block.queue] += block.bits
            if not self._space[block.queue].triggered:
                self._space[block.queue].succeed()
