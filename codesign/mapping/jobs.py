"""Jobs: what the chip has to do, as integer columns.

A job is one tile (or one chunk of its input channels) at one timestep, on one core. Its counts
and cycles are exact and fixed when it is lowered; when it happens is for the simulation to find.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OPERATION_COLUMNS = ("ac", "mac", "addition", "reduction", "neuron", "logic")
"""Operations, as priced by a core's `operations`; a reduction is the addition of a partial sum
that another core sent, which the network knows nothing of."""

MEMORY_COLUMNS = (
    "weight_reads",
    "weight_writes",
    "state_reads",
    "state_writes",
    "input_reads",
    "input_writes",
)
"""Accesses of one word of one bank of a core's own memories."""

TRANSFER_COLUMNS = (
    *("load_bits", "load_dram_bits", "store_bits", "store_dram_bits", "weight_bits"),
    "sum_bits",
)
"""Bits from and to the activation buffer or DRAM, from the weight buffer, and of partial sums to
another core."""

PACKET_COLUMNS = (
    *("load_saved_bits", "load_dram_saved_bits", "store_saved_bits", "store_dram_saved_bits"),
    "events",
)
"""Bits fewer that these take on the NoC, where spikes may travel as address events, and how many
of these events there are."""

JOB_TRANSFERS = ("weights", "load", "load_dram", "store", "store_dram", "sums")
TRANSFERS = (*JOB_TRANSFERS, "fetch")
"""What a transfer does: those of a job in their order, and the fetch of a block of weights."""

PATHWAY_COLUMNS = ("pathway_store_bits", "pathway_store_dram_bits", "pathway_state_words")
"""What jobs of the spike stream store for the accumulation stream alone: bits, part of those above,
and the words of state memory that they pass through on their way."""

CYCLE_COLUMNS = ("scan_cycles", "accumulate_cycles", "neuron_cycles", "fill_cycles")
"""Cycles of the core. Scanning runs ahead of accumulating, so the longer of the two counts."""

PLACE_COLUMNS = (
    *("layer", "timestep", "tile", "chunk", "core", "block"),
    *("apart", "stage", "priority"),
    *("owner", "opens", "awaits"),
)
"""Fused layer, timestep (the first, if a job has several), tile, chunk, core (of the whole chip),
weight block (-1: none); 1 if the core's state memory cannot hold the job's operands beside the job
before, so that it loads them only after that one is stored; the stage, and the place in the order
in which shared resources are granted. Of a tile whose chunks are spread over cores, the core that
its partial sums are sent to (-1: none are), a second stage that the job belongs to and a stage
that it needs beside those of its own (-1: none): the partial sums of the tile, and the tile."""

COLUMNS = (
    *PLACE_COLUMNS,
    *OPERATION_COLUMNS,
    *MEMORY_COLUMNS,
    *TRANSFER_COLUMNS,
    *PACKET_COLUMNS,
    *PATHWAY_COLUMNS,
    *CYCLE_COLUMNS,
)


@dataclass(frozen=True)
class Block:
    """Weights that a core loads at once: a slice of output by a chunk of input channels.

    Attributes:
        layer: the fused layer.
        queue: the queue that it is fetched in, one for all blocks of the same cores.
        bits: how large it is.
        loads: how many times cores load it before its place in the weight buffer is free.
        priority: its place among the jobs in the order in which shared resources are granted.
        step: when the pass that it is fetched for is computed.
        kept: whether it stays in the weight buffer to the end.
    """

    layer: int
    queue: str
    bits: int
    loads: int
    priority: int = -1
    step: int = 0
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """Jobs that others wait for together: those of a fused layer at one timestep, or those of a
    single tile of it whose partial sums are brought together.

    Attributes:
        layer: the fused layer.
        timestep: its timestep, the first if a job has several.
        needs: stages whose jobs must all be stored before a job of this one may load its input.
        room: stages whose jobs must all be stored before a job of this one may store, so that
            the activation buffer has room.
        epoch: which barrier it stands behind: no job loads its input before all jobs of earlier
            epochs are stored. 0 for all without barriers.
        image: of a stream of images.
    """

    layer: int
    timestep: int
    needs: tuple[int, ...] = ()
    room: tuple[int, ...] = ()
    epoch: int = 0
    image: int = 0


@dataclass(frozen=True)
class Jobs:
    """All jobs of one inference, in the order in which each core does its own.

    Attributes:
        columns: int64 arrays of equal length, one for each name in `COLUMNS`.
        blocks: weight blocks in the order in which they are fetched from DRAM.
        queue_bits: bits of the weight buffer that each queue of blocks has.
        stages: by the numbers in column `stage`.
        core_names: name of each core, `spike[3]`.
        core_groups: for each core, the key of its kind in the architecture.
        layer_names: name of each fused layer.
        layer_streams: stream of each fused layer.
    """

    columns: dict[str, NDArray[np.int64]]
    blocks: tuple[Block, ...]
    queue_bits: dict[str, int]
    stages: tuple[Stage, ...]
    core_names: tuple[str, ...]
    core_groups: tuple[str, ...]
    layer_names: tuple[str, ...]
    layer_streams: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.columns["layer"])

    def describe(self, stage: int) -> str:
        """What a stage is, for people."""
        layer, timestep = self.stages[stage].layer, self.stages[stage].timestep
        return f"layer {layer} ('{self.layer_names[layer]}'), timestep {timestep}"

    def compute_cycles(self) -> NDArray[np.int64]:
        """Cycles that each job holds its core; at least one."""
        return compute_cycles(self.columns)


def compute_cycles(columns: Mapping[str, NDArray[np.int64] | int]) -> NDArray[np.int64]:
    """Cycles that jobs with these columns hold their cores; at least one."""
    overlapped = np.maximum(columns["scan_cycles"], columns["accumulate_cycles"])
    total = overlapped + columns["fill_cycles"] + columns["neuron_cycles"]
    held: NDArray[np.int64] = np.maximum(total, 1)
    return held
