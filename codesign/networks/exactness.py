"""Exactness: whether a network with shipped weights computes the same bits on every machine.

float32 holds every whole number up to 2^24. If a convolution's weights and inputs lie on dyadic
grids and no sum of magnitudes exceeds 2^24 steps of the product's grid, then every partial sum is
exact in any order: threads, vector units and backends cannot change a spike. The bound here is
over all pictures and all simulated events, whose counts end at `LARGEST_COUNT`; behind the first
convolution it is over all spikes there can be. Counts of recorded events have no end: their first
convolutions stay exact up to 46,000 events of one pixel and polarity in a frame, which nothing
enforces. Networks for small pictures see levels up to 1 on the grid of 2^-8.

A membrane is the same everywhere without being exact: each timestep adds one number to it, which
IEEE arithmetic rounds in one way. Quantised networks, whose membranes are compared with integers,
have theirs bounded by `codesign.networks.quantisation`.

Left out: transforms that leave the grid, such as Winograd's convolution, and the linear heads,
whose inputs are means (see `codesign.networks.answers` for those of trained networks). torch takes
such transforms (NNPACK) for batches of 16 and more where oneDNN is not at hand; recording, fitting
and measuring turn them off.
"""

from torch import Tensor, nn

from codesign.events import LARGEST_COUNT
from codesign.networks.accumulation import (
    ACTIVATION_FRACTION_BITS,
    ACTIVATION_INTEGER_BITS,
    DEPTHWISE_INTEGER_BITS,
    FixedPoint,
)
from codesign.networks.blocks import ResidualBlock, SpikeBlock
from codesign.networks.calibrated import fraction_bits
from codesign.networks.event_nets import EventNetwork, StreamPool, Widening
from codesign.networks.network import SpikingNetwork
from codesign.networks.residual import ResidualNetwork
from codesign.networks.small_residual import SmallResidualNetwork
from codesign.networks.spikformer import Attention, Mlp, Spikformer
from codesign.pictures import LARGEST_PIXEL, PIXEL_FRACTION_BITS

LARGEST_EXACT_SUM = 2**24

Range = tuple[float, int]
"""Largest magnitude of a tensor's values and the bits of its grid's fraction."""

SPIKE: Range = (1, 0)
LEVEL: Range = (1, PIXEL_FRACTION_BITS)
"""Of a small picture."""
REAL_ACCUMULATION: Range = (2**ACTIVATION_INTEGER_BITS, ACTIVATION_FRACTION_BITS)
"""Of `a` behind a downsample."""


def largest_sums(network: SpikingNetwork) -> dict[str, float]:
    """The largest sum of magnitudes of every convolution, in steps of its product's grid.

    Args:
        network: with calibrated weights (batch norms fused, fixed point in the second stream); of
            trained ones `codesign.networks.shipped_form` looks after.
    """
    names = {module: name for name, module in network.named_modules()}
    return {
        names[module]: largest_sum(module, fraction_bits(names[module]), values)
        for module, values in input_ranges(network).items()
        if isinstance(module, nn.Conv2d)
    }


def input_ranges(network: SpikingNetwork) -> dict[nn.Module, Range]:
    """The values that every convolution and every pool of the spike stream can see.

    Args:
        network: of calibrated or shipped structure; its weights are not looked at.
    """
    if isinstance(network, SmallResidualNetwork):
        return {network.conv1: LEVEL} | _of_blocks(network)
    if isinstance(network, EventNetwork):
        return _of_event_network(network)
    if isinstance(network, Spikformer):
        return _of_spikformer(network)
    assert isinstance(network, ResidualNetwork)
    return _of_residual_network(network)


def _of_residual_network(network: ResidualNetwork) -> dict[nn.Module, Range]:
    ranges: dict[nn.Module, Range] = {network.conv1: (LARGEST_PIXEL, PIXEL_FRACTION_BITS)}
    ranges[network.maxpool[0]] = SPIKE
    return ranges | _of_blocks(network)


def _of_blocks(network: ResidualNetwork | SmallResidualNetwork) -> dict[nn.Module, Range]:
    ranges: dict[nn.Module, Range] = {}
    o = a = SPIKE
    for block in network.blocks():
        ranges |= _spike_stream(block, o)
        if isinstance(block, SpikeBlock) and isinstance(block.pool, nn.Sequential):
            ranges |= _downsample(block.pool, a)
            a = _stored(block.pool[1], REAL_ACCUMULATION)
        a = (a[0] + 1, max(a[1], 0))  # spikes are whole where the grid is coarser
        if network.connection == "add":  # a downsample makes spikes again
            o = (2 if block.downsample is not None else o[0] + 1, 0)
    ranges[network.avgpool[0]] = o
    return ranges


def _of_event_network(network: EventNetwork) -> dict[nn.Module, Range]:
    ranges: dict[nn.Module, Range] = {first_convolution(network.stem): (LARGEST_COUNT, 0)}
    o = a = SPIKE
    for stage in network.children():
        if isinstance(stage, Widening):
            ranges[first_convolution(stage.spikes)], o = o, SPIKE
            if isinstance(stage.pool, nn.Sequential):
                ranges |= _downsample(stage.pool, a)
                a = REAL_ACCUMULATION
        elif isinstance(stage, ResidualBlock):
            ranges |= _spike_stream(stage, o)
            a = (a[0] + 1, a[1])
            if network.connection == "add":
                o = (o[0] + 1, 0)
        elif isinstance(stage, StreamPool):
            ranges[stage.spikes[0]] = o
            if stage.accumulation.averages:  # of four values: two bits more
                a = (a[0], a[1] + 2)
    return ranges


def _of_spikformer(network: Spikformer) -> dict[nn.Module, Range]:
    kinds = (nn.Conv2d, nn.MaxPool2d)
    ranges: dict[nn.Module, Range] = {
        module: SPIKE for module in network.modules() if isinstance(module, kinds)
    }
    ranges[first_convolution(network.patches)] = (LARGEST_PIXEL, PIXEL_FRACTION_BITS)
    o = SPIKE
    for branch in network.residuals():
        if isinstance(branch, Attention):
            ranges |= {first_convolution(part): o for part in (branch.q, branch.k, branch.v)}
        elif isinstance(branch, Mlp):
            ranges[first_convolution(branch.fc1)] = o
        if network.connection == "add":
            o = (o[0] + 1, 0)
    ranges[network.avgpool[0]] = o
    return ranges


def _spike_stream(block: ResidualBlock, o: Range) -> dict[nn.Module, Range]:
    downsample = block.downsample
    ranges: dict[nn.Module, Range] = {}
    for index, (chain, _) in enumerate(block.chain()):
        ranges[first_convolution(chain)] = o if index == 0 else SPIKE
    if isinstance(downsample, nn.Module):
        ranges[first_convolution(downsample)] = o
    return ranges


def _downsample(pool: nn.Sequential, a: Range) -> dict[nn.Module, Range]:
    convolutions = [module for module in pool.modules() if isinstance(module, nn.Conv2d)]
    if len(convolutions) == 1:
        return {convolutions[0]: a}
    depthwise, pointwise = convolutions
    chain = pool[0]
    assert isinstance(chain, nn.Sequential)
    between = _stored(chain[1], (2**DEPTHWISE_INTEGER_BITS, ACTIVATION_FRACTION_BITS))
    return {depthwise: a, pointwise: between}


def _stored(module: nn.Module, otherwise: Range) -> Range:
    """What a fixed point stores; of a network that has none yet, what it will."""
    if isinstance(module, FixedPoint):
        return (2.0**module.integer_bits, module.fraction_bits)
    return otherwise


def first_convolution(module: nn.Module) -> nn.Conv2d:
    """The first convolution of a chain."""
    return next(part for part in module.modules() if isinstance(part, nn.Conv2d))


def largest_of_channels(convolution: nn.Conv2d, values: Range) -> Tensor:
    """The largest sum of magnitudes of every output channel, `(C,)`, in float64.

    Args:
        convolution: with its weights.
        values: that it can see.
    """
    magnitudes = convolution.weight.detach().double().abs().sum(dim=(1, 2, 3)) * values[0]
    if convolution.bias is not None:
        magnitudes = magnitudes + convolution.bias.detach().double().abs()
    return magnitudes


def largest_sum(convolution: nn.Conv2d, bits: int, values: Range) -> float:
    """The largest of all, in steps of 2^-bits times the grid of the values."""
    return float(largest_of_channels(convolution, values).max()) * 2.0 ** (bits + values[1])
