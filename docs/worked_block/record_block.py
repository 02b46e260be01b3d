"""Writes the tensors of `block.yaml`, beside it: the block of docs/worked_block.md."""

from pathlib import Path

import numpy as np

SPIKES = (  # timestep, channel, row, column
    *((0, 0, 0, 0), (0, 0, 1, 1), (0, 0, 1, 2), (0, 1, 1, 2), (0, 1, 3, 3)),
    *((1, 0, 2, 1), (1, 1, 0, 2), (1, 1, 1, 1)),
)
THRESHOLD = 3

o = np.zeros((2, 2, 4, 4), dtype=np.int64)  # (T, C, H, W), time first
o[tuple(zip(*SPIKES, strict=True))] = 1
s = np.zeros_like(o)
membrane = np.zeros((4, 4), dtype=np.int64)  # the same for both output channels
for timestep in range(2):
    seen = np.pad(o[timestep].sum(axis=0), 1)
    for row in range(4):
        for column in range(4):
            membrane[row, column] += seen[row : row + 3, column : column + 3].sum()
    s[timestep] = membrane >= THRESHOLD
    membrane[membrane >= THRESHOLD] = 0
np.savez(Path(__file__).with_name("block.npz"), o=o, s=s, g=o * (1 - s), a=o + s)
