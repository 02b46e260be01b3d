"""Wanted firing rates of a calibrated network, from the one number that is solved for.

Published rows fix one sum of operations only. How the rates are spread over layers is our choice:
layers differ (seeded by their names), and branches fire little enough for IAND to leave residual
spikes behind all blocks. What is fitted to these rates stands in `fitting`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from codesign.networks.blocks import ResidualBlock, SpikeBlock
from codesign.networks.calibrated import LARGEST_DRAW, draws
from codesign.networks.event_nets import BLOCKS as EVENT_BLOCKS
from codesign.networks.event_nets import EventNetwork, Widening
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.networks.residual import BLOCKS, ResidualNetwork
from codesign.networks.spikformer import Attention, Mlp, Position, Spikformer

SEED = 230111929
POOLED_STEM_RATE = 0.292
"""Gives the difference of the FSNN and DSNN rows of Table 2 (see `calibration`)."""

ATTENTION_RATE = 0.1
"""Of q, k and v: 32 channels and 64 tokens then drive the neurons behind them to about 0.2."""

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


def branch_rate(connection: str | None, inner: float, blocks: int) -> float:
    """Of a branch's last neurons, where so many blocks follow each other.

    IAND takes away about this share of the residual spikes in each of them, and OR and XOR add as
    many; AND keeps no more than this share; ADD and currents leave the stream alone.
    """
    if connection is None:
        return inner
    if connection == "add":
        return 0.5 * inner
    return 0.5 if connection == "and" else min(0.1, max(0.02, 0.5 / blocks))


def wanted_rates(network: SpikingNetwork, inner: float) -> dict[nn.Module, Wanted]:
    """Rates of all neurons that a convolution drives.

    Args:
        network: whose neurons.
        inner: mean rate of the neurons inside branches.
    """
    names = {module: name for name, module in network.named_modules()}
    wanted: dict[nn.Module, Wanted] = {}
    if isinstance(network, EventNetwork):
        rates = _of_event_network(network, inner)
    elif isinstance(network, Spikformer):
        rates = _of_spikformer(network, inner)
    else:
        assert isinstance(network, ResidualNetwork)
        rates = _of_residual_network(network, inner)
        pool = network.maxpool[0]
        assert isinstance(pool, nn.MaxPool2d)
        # a pooled rate is wanted of the stem, because that is what the first block sees
        wanted[network.sn1] = Wanted(POOLED_STEM_RATE, pool)
    return wanted | {neuron: Wanted(varied(names[neuron], rate)) for neuron, rate in rates}


def _of_residual_network(
    network: ResidualNetwork, inner: float
) -> Iterator[tuple[nn.Module, float]]:
    for stage, blocks in enumerate(BLOCKS[network.depth], start=1):
        branch = branch_rate(network.connection, inner, blocks)
        for block in network.get_submodule(f"layer{stage}").children():
            assert isinstance(block, ResidualBlock)
            yield from _of_block(block, inner, branch)
            if isinstance(block, SpikeBlock) and isinstance(block.downsample, nn.Sequential):
                yield block.downsample[1], 1.3 * inner


def _of_event_network(network: EventNetwork, inner: float) -> Iterator[tuple[nn.Module, float]]:
    branch = branch_rate(network.connection, inner, sum(EVENT_BLOCKS[network.structure]))
    yield network.stem[1], inner
    for stage in network.children():
        if isinstance(stage, Widening):
            yield stage.spikes[1], inner
        elif isinstance(stage, ResidualBlock):
            yield from _of_block(stage, inner, branch)


def _of_block(
    block: ResidualBlock, inner: float, branch: float
) -> Iterator[tuple[nn.Module, float]]:
    *inside, (_, last) = block.chain()
    yield from ((neuron, inner) for _, neuron in inside)
    yield last, branch


def _of_spikformer(network: Spikformer, inner: float) -> Iterator[tuple[nn.Module, float]]:
    """Neurons behind attention have no weights in front; their rate follows from q, k and v."""
    branches = list(network.residuals())
    branch_end = branch_rate(network.connection, inner, len(branches))
    yield from ((part, inner) for part in network.patches.modules() if isinstance(part, Neuron))
    for branch in branches:
        if isinstance(branch, Position):
            yield branch.encode[1], branch_end
        elif isinstance(branch, Attention):
            yield from ((part[1], ATTENTION_RATE) for part in (branch.q, branch.k, branch.v))
            yield branch.proj[1], branch_end
        elif isinstance(branch, Mlp):
            yield branch.fc1[1], inner
            yield branch.fc2[1], branch_end
