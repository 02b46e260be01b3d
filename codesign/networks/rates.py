"""Wanted firing rates of a calibrated network, from the one number that is solved for.

Published rows fix one sum of operations only. How the rates are spread over layers is our choice:
layers differ (seeded by their names), and branches fire little enough for IAND to leave residual
spikes behind all blocks. What is fitted to these rates stands in `fitting`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from codesign.networks.blocks import ResidualBlock
from codesign.networks.calibrated import LARGEST_DRAW, draws
from codesign.networks.residual import BLOCKS, ResidualNetwork

SEED = 230111929
POOLED_STEM_RATE = 0.292
"""Gives the difference of the FSNN and DSNN rows of Table 2 (see `calibration`)."""

RATE_SPREAD = 0.4
"""Layers' wanted rates differ by up to this share, to either side."""


@dataclass(frozen=True)
class Wanted:
    """The firing rate that a layer of neurons should have.

    Attributes:
        rate: spikes per neuron and timestep.
        behind: the max-pool behind which it is measured, if not at the neurons themselves.
    """

    rate: float
    behind: nn.MaxPool2d | None = None


def varied(name: str, rate: float) -> float:
    """A layer's own share of a rate, seeded by its name, between 1.2 and 55 %."""
    share = 1 + RATE_SPREAD * float(draws(SEED, f"{name}.rate", (1,))[0]) / LARGEST_DRAW
    return min(0.55, max(0.012, share * rate))


def branch_rate(blocks: int) -> float:
    """Of a branch's last neurons where IAND takes away about this share of the residual spikes in
    each of so many blocks."""
    return min(0.1, max(0.02, 0.5 / blocks))


def wanted_rates(network: ResidualNetwork, inner: float) -> dict[nn.Module, Wanted]:
    """Rates of all neurons that a convolution drives.

    Args:
        network: whose neurons.
        inner: mean rate of the neurons inside branches.
    """
    names = {module: name for name, module in network.named_modules()}
    pool = network.maxpool[0]
    assert isinstance(pool, nn.MaxPool2d)
    # a pooled rate is wanted of the stem, because that is what the first block sees
    wanted: dict[nn.Module, Wanted] = {network.sn1: Wanted(POOLED_STEM_RATE, pool)}
    for neuron, rate in _residual_rates(network, inner):
        wanted[neuron] = Wanted(varied(names[neuron], rate))
    return wanted


def _residual_rates(network: ResidualNetwork, inner: float) -> Iterator[tuple[nn.Module, float]]:
    for stage, blocks in enumerate(BLOCKS[network.depth], start=1):
        branch = {"spiking_resnet": inner, "sew": 0.5 * inner}.get(
            network.family, branch_rate(blocks)
        )
        for block in network.get_submodule(f"layer{stage}").children():
            assert isinstance(block, ResidualBlock)
            *inside, (_, last) = block.chain()
            yield from ((neuron, inner) for _, neuron in inside)
            yield last, branch
            downsample = getattr(block, "downsample", None)
            if isinstance(downsample, nn.Sequential) and network.family != "spiking_resnet":
                yield downsample[1], 1.3 * inner
