"""Writes the tensors of `my_spikes.yaml`; stands for whatever recorded yours."""

import numpy as np

random = np.random.default_rng(0)
np.savez(
    "my_spikes.npz",
    events=random.random((4, 2, 16, 16)) < 0.1,  # (T, C, H, W), time first
    neurons=random.random((4, 8, 16, 16)) < 0.2,
)
