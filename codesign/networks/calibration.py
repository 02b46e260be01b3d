"""Calibration: chooses the scales and biases of the weights that ship with the program.

`python -m codesign.networks.calibration --family fsnn --depth 50` makes a file again, bit for bit.
Depths without a row in Table 2 need the file of their nearest depth first (see `NEAREST`).

One pass over the network on the shipped photograph fits one convolution after the other: the
channel's scale from the spread of its currents (as a batch norm would), then the bias so that the
neurons behind it fire at a wanted rate. A single number, the rate of the neurons inside the
blocks, is left, and is solved for so that `ac_rate_dense` meets Table 2 of arXiv 2301.11929: over
convolutions whose input are spikes, firing rate of the input x dense operations, plus one
operation per neuron update and one per spike that enters a pool.

FSNN and DSNN are fitted at once. In bottleneck networks they differ by the pathway's convolution
on the stem's pooled spikes: a pooled rate of 0.292 gives the published difference.

Table 2 fixes one sum only. How the rates are spread over layers is our choice: channels differ
(seeded), and branches fire little enough for IAND to leave residual spikes behind 36 blocks.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from safetensors.numpy import save

from codesign.errors import CodesignError
from codesign.networks.calibrated import read_weights, weights_path
from codesign.networks.construction import skeleton
from codesign.networks.exactness import LARGEST_EXACT_SUM, largest_sums
from codesign.networks.fitting import Fit, Tally
from codesign.networks.rates import SEED, wanted_rates
from codesign.networks.residual import BLOCKS
from codesign.pictures import load_picture, picture_digest

TABLE_2_AC = {
    ("fsnn", 18): 1.69e9,
    ("fsnn", 34): 3.42e9,
    ("fsnn", 50): 3.14e9,
    ("fsnn", 101): 4.42e9,
    ("sew", 18): 0.51e9,
    ("sew", 34): 0.86e9,
    ("sew", 50): 2.01e9,
    ("sew", 101): 3.07e9,
    ("spiking_resnet", 34): 5.34e9,
    ("spiking_resnet", 50): 6.01e9,
}
"""AC column of Table 2, arXiv 2301.11929; the DSNN rows follow from the FSNN ones."""

NEAREST = {
    ("fsnn", 152): 101,
    ("sew", 152): 101,
    ("spiking_resnet", 18): 34,
    ("spiking_resnet", 101): 50,
    ("spiking_resnet", 152): 50,
}
"""Depth with a row in Table 2 whose mean firing rate a depth without one takes."""

TIMESTEPS = {"fsnn": 4, "sew": 4, "spiking_resnet": 6}

PICTURE = "astronaut"
RELATIVE_TOLERANCE = 5e-4
"""Tighter than the three digits that Table 2 prints."""


def wanted_ac(family: str, depth: int, tally: Tally) -> float:
    """`ac_rate_dense` that a network of this structure should have.

    Depths without a row in Table 2 take the mean firing rate of the nearest depth with one.
    """
    if (family, depth) in TABLE_2_AC:
        return TABLE_2_AC[family, depth]
    rate: float = read_weights(family, NEAREST[family, depth]).metadata["mean_rate"]
    return rate * tally.dense + tally.neuron_updates


def calibrate(family: str, depth: int, inner_rate: float) -> Fit:
    """One pass with a given rate of the inner neurons, on the shipped photograph.

    Raises:
        CodesignError: a sum could exceed what float32 holds exactly.
    """
    structure = "dsnn" if family == "fsnn" else family
    network = skeleton(family=structure, depth=depth, timesteps=TIMESTEPS[family])
    fit = Fit(network, wanted_rates(network, inner_rate))
    fit.run(torch.from_numpy(load_picture(PICTURE))[None])
    sums = largest_sums(network)
    worst = max(sums, key=lambda name: sums[name])
    if sums[worst] > LARGEST_EXACT_SUM:
        raise CodesignError(
            f"{worst}: a sum must be at most {LARGEST_EXACT_SUM} steps (got {sums[worst]})."
        )
    return fit


def solve(family: str, depth: int) -> tuple[float, Fit]:
    """The rate of the inner neurons that meets the target, and the pass with it.

    Raises:
        CodesignError: no rate meets it.
    """
    low, high, rate = 0.02, 0.55, 0.2
    for _ in range(20):
        fit = calibrate(family, depth, rate)
        ratio = fit.tally.ac / wanted_ac(family, depth, fit.tally)
        if abs(ratio - 1) < RELATIVE_TOLERANCE:
            return rate, fit
        low, high = (low, rate) if ratio > 1 else (rate, high)
        # in proportion to what is not neuron updates; by halves where that leaves the bracket
        fixed = fit.tally.neuron_updates / fit.tally.ac
        guess = rate * (1 / ratio - fixed) / (1 - fixed)
        rate = guess if low < guess < high else (low + high) / 2
    raise CodesignError(f"{family}{depth}: no rate of the inner neurons meets the target.")


def encode(family: str, depth: int, inner_rate: float, fit: Fit) -> bytes:
    """A file of calibrated weights, from a pass with this rate of the inner neurons."""
    tally = fit.tally
    row = (family, depth) in TABLE_2_AC
    target = "Table 2 of arXiv 2301.11929"
    if not row:
        target += f" (no row: mean rate of depth {NEAREST[family, depth]})"
    metadata = {
        "kind": "calibrated, not trained",
        "target": target,
        "family": family,
        "depth": depth,
        "timesteps": TIMESTEPS[family],
        "seed": SEED,
        "picture": {"name": PICTURE, "sha256": picture_digest(PICTURE)},
        "inner_rate": inner_rate,
        "mean_rate": (tally.ac - tally.neuron_updates) / tally.dense,
        "ac_rate_dense": tally.ac,
        "ac_rate_dense_accumulation": tally.ac_accumulation,
        "rates": tally.rates,
    }
    arrays: dict[str, NDArray[Any]] = {}
    arrays |= {f"{name}.scale": scales for name, scales in fit.scales.items()}
    arrays |= {f"{name}.bias": biases for name, biases in fit.biases.items()}
    # one entry, because the order of several is not fixed
    return save(arrays, {"calibration": json.dumps(metadata, sort_keys=True)})


def main(arguments: Sequence[str] | None = None) -> None:
    """Makes one file of calibrated weights again and says what it meets."""
    parser = argparse.ArgumentParser(prog="python -m codesign.networks.calibration")
    parser.add_argument("--family", choices=sorted(TIMESTEPS), required=True)
    parser.add_argument("--depth", choices=sorted(BLOCKS), type=int, required=True)
    parser.add_argument("--output", type=Path, help="default: the shipped file's place")
    options = parser.parse_args(arguments)
    family, depth = options.family, options.depth
    inner_rate, fit = solve(family, depth)
    path = options.output or weights_path(family, depth)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(family, depth, inner_rate, fit))
    tally = fit.tally
    both = tally.ac + tally.ac_accumulation
    rates = tally.rates.values()
    print(f"{path}: inner rate {inner_rate:.4f}, ac_rate_dense {tally.ac / 1e9:.4f} G, with the")
    print(f"accumulation pathway {both / 1e9:.4f} G; neuron layers fire between")
    print(f"{min(rates):.3f} and {max(rates):.3f}.")


if __name__ == "__main__":
    main()
