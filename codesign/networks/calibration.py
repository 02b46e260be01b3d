"""Calibration: chooses the scales and biases of the weights that ship with the program.

`python -m codesign.networks.calibration fsnn50` makes a file again, bit for bit; several names
make several, `--all` makes all of them. A network without a row in the paper needs the file whose
mean rate it takes first (see `codesign.networks.targets`, which names all files).

One pass over the network on the shipped photograph fits one convolution after the other: the
channel's scale from the spread of its currents (as a batch norm would), then the bias so that the
neurons behind it fire at a wanted rate. A single number, the rate of the neurons inside the
blocks, is left, and is solved for so that `ac_rate_dense` meets the target: over convolutions
whose input are spikes, firing rate of the input x dense operations, plus one operation per neuron
update and one per spike that enters a pool.

FSNN and DSNN are fitted at once. In bottleneck networks they differ by the pathway's convolution
on the stem's pooled spikes: a pooled rate of 0.292 gives the published difference.
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
from codesign.inputs import network_input
from codesign.networks.calibrated import read_weights, weights_path
from codesign.networks.construction import skeleton
from codesign.networks.exactness import LARGEST_EXACT_SUM, largest_sums
from codesign.networks.fitting import Fit, Tally
from codesign.networks.rates import SEED, wanted_rates
from codesign.networks.targets import TARGETS
from codesign.pictures import picture_digest

PICTURE = "astronaut"
RELATIVE_TOLERANCE = 5e-4
"""Tighter than the three digits that the paper prints."""

COARSE_TOLERANCE = 3e-3
"""Biases move in steps: where a single layer dominates, totals jump past the target. The nearest
is taken, within a share of what the paper's last digit stands for."""

CLOSED_BRACKET = 1e-4
"""Rates of the inner neurons that differ by less differ by those jumps only."""

PATIENCE = 8
"""Passes before a straight line takes the place of proportion, which is slow where the total hardly
depends on the rate."""

AC_PJ, MAC_PJ = 0.9, 4.6
"""Energies of eq. 7 in arXiv 2301.11929."""


def wanted_ac(name: str, tally: Tally) -> float:
    """`ac_rate_dense` that a network of this structure should have."""
    target = TARGETS[name]
    if target.ac is not None:
        return target.ac
    if target.energy_pj is not None:
        return (target.energy_pj - MAC_PJ * tally.mac) / AC_PJ
    rate: float = read_weights(target.rate_of).metadata["mean_rate"]
    return rate * tally.dense + tally.neuron_updates


def calibrate(name: str, inner_rate: float) -> Fit:
    """One pass with a given rate of the inner neurons, on the shipped photograph.

    Args:
        name: a file of calibrated weights, without its ending.
        inner_rate: mean rate of the neurons inside branches.

    Raises:
        CodesignError: a sum could exceed what float32 holds exactly.
    """
    target = TARGETS[name]
    # with the pathway, whose weights are in the same file
    family = "dsnn" if target.family == "fsnn" else target.family
    network = skeleton(family=family, timesteps=target.timesteps, **target.options)
    fit = Fit(network, wanted_rates(network, inner_rate))
    structure = target.options.get("structure", "resnet")
    fit.run(torch.from_numpy(network_input(structure, PICTURE, target.timesteps)))
    sums = largest_sums(network)
    worst = max(sums, key=lambda name: sums[name])
    if sums[worst] > LARGEST_EXACT_SUM:
        raise CodesignError(
            f"{worst}: a sum must be at most {LARGEST_EXACT_SUM} steps (got {sums[worst]})."
        )
    return fit


def solve(name: str) -> tuple[float, Fit]:
    """The rate of the inner neurons that meets the target, and the pass with it.

    Raises:
        CodesignError: no rate meets it.
    """
    low, high, rate = 0.02, 0.55, 0.2
    ratios: dict[float, float] = {}
    best: tuple[float, float, Fit] | None = None
    for _ in range(20):
        fit = calibrate(name, rate)
        ratio = ratios[rate] = fit.tally.ac / wanted_ac(name, fit.tally)
        if best is None or abs(ratio - 1) < best[0]:
            best = abs(ratio - 1), rate, fit
        low, high = (low, rate) if ratio > 1 else (rate, high)
        if best[0] < RELATIVE_TOLERANCE or high - low < CLOSED_BRACKET:
            break
        if len(ratios) >= PATIENCE and {low, high} <= ratios.keys():
            below, above = 1 - ratios[low], ratios[high] - 1
            rate = low + (high - low) * below / (below + above)
            continue
        # in proportion to what is not neuron updates; by halves where that leaves the bracket
        fixed = fit.tally.neuron_updates / fit.tally.ac
        guess = rate * (1 / ratio - fixed) / (1 - fixed)
        rate = guess if low < guess < high else (low + high) / 2
    assert best is not None
    if best[0] < COARSE_TOLERANCE:
        return best[1:]
    raise CodesignError(f"{name}: no rate of the inner neurons meets the target.")


def encode(name: str, inner_rate: float, fit: Fit) -> bytes:
    """A file of calibrated weights, from a pass with this rate of the inner neurons."""
    target, tally = TARGETS[name], fit.tally
    metadata = {
        "kind": "calibrated, not trained",
        "target": target.text,
        "family": target.family,
        **target.options,
        "timesteps": target.timesteps,
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
    """Makes files of calibrated weights again and says what they meet."""
    parser = argparse.ArgumentParser(prog="python -m codesign.networks.calibration")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(TARGETS)}")
    parser.add_argument("--all", action="store_true", help="makes every file")
    parser.add_argument("--output", type=Path, help="folder; default: the shipped files' place")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in TARGETS]
    if unknown or not (options.names or options.all):
        parser.error(f"names of files or --all are needed (got {', '.join(unknown) or 'nothing'})")
    for name in TARGETS if options.all else options.names:
        inner_rate, fit = solve(name)
        path = weights_path(name)
        if options.output:
            path = options.output / path.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encode(name, inner_rate, fit))
        _print(path, inner_rate, fit.tally)


def _print(path: Path, inner_rate: float, tally: Tally) -> None:
    both = tally.ac + tally.ac_accumulation
    rates = tally.rates.values()
    print(f"{path}: inner rate {inner_rate:.4f}, ac_rate_dense {tally.ac / 1e9:.4f} G, with the")
    print(f"accumulation pathway {both / 1e9:.4f} G; neuron layers fire between")
    print(f"{min(rates):.3f} and {max(rates):.3f}.", flush=True)


if __name__ == "__main__":
    main()
