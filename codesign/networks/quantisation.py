"""Quantisation: a trained network in the integers that a chip computes with.

`quantise` takes a network in shipped form (`codesign.networks.shipped_form`) and the widths of
weights (W bits), membranes (M bits) and stored reals (A bits). What it makes computes, bit for bit:

Convolutions of spikes (or of SEW's integers), for each output channel:

    w = q 2^-f, |q| <= 2^(W-1) - 1      weights: symmetric codes, a step that is a shift
    b = q_b 2^-f, |q_b| <= 2^(M-1) - 1  bias, on the same step
    x_t = sum q s_t + q_b               current, in codes of the channel
    h_t = sat(v_(t-1) + x_t)            charge: at most 2^(M-1) - 1 of either sign
    s_t = 1 if h_t >= 2^f               the threshold of 1, in codes
    v_t = 0 if s_t else h_t

    Weights are rounded half to even, and cut off beyond the largest code. Of the largest f that
    cuts nothing off and the two above it, the one with the least squared error of the weights is
    taken, the smallest of equal ones; but never more than 10 (nothing that ships is finer), nor so
    much that the membrane holds less than four thresholds of either sign, 2^(M-1) - 1 >= 4 2^f,
    nor less than 0, so that the threshold is a whole code.

The stem sees real levels on the grid of 2^-8. It has one f for the layer, within four thresholds
of A bits as well. Its sum, with the bias, is formed whole and rounded once, half to even, to the
membrane's codes, of which A bits are stored: -2^(A-1) to 2^(A-1) - 1.

The accumulation stream counts in spikes, not in codes. Its convolutions have W-bit weights with an
f for each output channel, without a threshold to hold; a bias lies on that step. Each whole sum is
rounded once, half to even, to A bits, of which the shipped form says how many are integer ones;
then come the ReLU and the additions of spikes, which are exact.

The heads have W-bit weights with one f for each layer and the bias on that step; they see sums of
spikes over map and time, which are whole (`codesign.networks.answers`).

Numbers are kept in floating point, which holds integers exactly: in float32 if no sum and no
membrane can exceed 2^24 steps of its grid, whatever the picture, else in float64. Downsamples of
the accumulation stream choose for themselves.

The chip's arithmetic as `codesign.overflow` states it differs in this: there, codes of a layer have
one scale, which need not be a shift, membranes wrap around, and products of reals are shifted right
one by one. Here a scale is of a channel and a shift, so that the threshold is a whole code; a
membrane saturates where it is stored, since one that wraps around would fire; and products of reals
(the stem's and the accumulation stream's, no others) are rounded after they are summed, which needs
an accumulator of A more bits in those layers alone. The current x_t of a timestep is assumed to be
held whole; `codesign.overflow` tells of those that M bits do not hold.

Left out: leaky neurons, whose decay would round every timestep, thresholds other than 1, and the
spiking ResNet, whose shortcut adds currents of two layers with different steps.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError
from codesign.networks.accumulation import AccumulationDownsample, FixedPoint, place_fixed_point
from codesign.networks.blocks import SpikeBlock
from codesign.networks.exactness import (
    LARGEST_EXACT_SUM,
    first_convolution,
    input_ranges,
    largest_of_channels,
)
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import IF, Neuron
from codesign.networks.shipped_form import FRACTION_BITS
from codesign.networks.small_residual import SmallResidualNetwork
from codesign.networks.timesteps import TimeBatched
from codesign.specs.workload import NumberFormats

ROOM_BITS = 4
"""A membrane of M bits holds thresholds of up to 2^(M - 4) codes four times, and a sign."""
_SHIFTS_TRIED = 3


@dataclass(frozen=True, slots=True)
class Codes:
    """Weights of a layer as integers.

    Attributes:
        values: in float64, of the weights' shape.
        shifts: f of each output channel, `(C,)`: a weight is its code times 2^-f.
    """

    values: Tensor
    shifts: Tensor


def quantise(network: SpikingNetwork, formats: NumberFormats) -> None:
    """Makes a network compute with integers of given widths, in place.

    Args:
        network: for small pictures, in shipped form.
        formats: the widths.

    Raises:
        InputError: the network cannot be quantised: it is of another kind, or has other neurons
            than IF of threshold 1.
    """
    found = _quantisable(network)
    found.double()
    shifts = {found.conv1: _quantise_stem(found, formats)}
    highest = min(formats.accumulator_bits - ROOM_BITS, FRACTION_BITS)
    for convolution, neuron in _synapses(found):
        codes = channel_codes(convolution.weight, formats.weight_bits, highest)
        shifts[convolution] = _put_codes(convolution, neuron, codes, formats.accumulator_bits)
    for pool in found.modules():
        if isinstance(pool, AccumulationDownsample):
            _narrow(pool, formats.activation_bits)
            for convolution in _convolutions(pool):
                codes = channel_codes(convolution.weight, formats.weight_bits, FRACTION_BITS)
                shifts[convolution] = _put_values(convolution, codes)
    for head in (found.fc, found.fc_acc):
        if head is not None:
            _put_values(head, layer_codes(head.weight, formats.weight_bits, FRACTION_BITS))
    _choose_precision(found, shifts, formats)
    for module in found.modules():
        if isinstance(module, Neuron):
            module.v_threshold = torch.as_tensor(module.v_threshold).to(found.fc.weight.dtype)


def channel_codes(weights: Tensor, bits: int, highest: int) -> Codes:
    """Weights as codes with a shift for each output channel, their first axis.

    Args:
        weights: on a grid of at most 2^-10, so that errors are compared exactly.
        bits: W.
        highest: the largest shift that is allowed.
    """
    exact = weights.detach().double()
    rows = exact.flatten(1)
    largest_code = 2 ** (bits - 1) - 1
    mantissa, exponent = torch.frexp(rows.abs().amax(dim=1))
    fits = mantissa * 2.0 ** (bits - 1) <= largest_code
    first = torch.where(fits, bits - 1 - exponent, bits - 2 - exponent)
    first = torch.where(mantissa == 0, highest, first)
    best = least = None
    for more in range(_SHIFTS_TRIED):
        shifts = (first + more).clamp(0, highest)
        scales = (2.0 ** shifts.double()).unsqueeze(1)
        codes = (rows * scales).round().clamp(-largest_code, largest_code)
        error = (rows - codes / scales).square().sum(dim=1)
        if best is None or least is None:
            best, least = Codes(codes, shifts), error
            continue
        is_better = error < least
        chosen = torch.where(is_better.unsqueeze(1), codes, best.values)
        best = Codes(chosen, torch.where(is_better, shifts, best.shifts))
        least = torch.minimum(error, least)
    assert best is not None
    return Codes(best.values.reshape(exact.shape), best.shifts)


def layer_codes(weights: Tensor, bits: int, highest: int) -> Codes:
    """Weights as codes with one shift for the layer; see `channel_codes`."""
    codes = channel_codes(weights.reshape(1, -1), bits, highest)
    return Codes(codes.values.reshape(weights.shape), codes.shifts.expand(len(weights)))


def _quantisable(network: SpikingNetwork) -> SmallResidualNetwork:
    """The network, if it is one of those that can be quantised.

    Raises:
        InputError: it is none.
    """
    if not isinstance(network, SmallResidualNetwork) or network.family == "spiking_resnet":
        kind = network.family if network.family == "spiking_resnet" else type(network).__name__
        problem = f"must be an FSNN, a DSNN or a SEW network for small pictures (got {kind})."
        raise InputError(Fault("precision", problem, "Remove the key to compute with reals."))
    for name, neuron in network.named_modules():
        if isinstance(neuron, Neuron) and not _is_plain(neuron):
            problem = f"must have IF neurons of threshold 1 and reset 0 (got {neuron} at {name})."
            raise InputError(Fault("precision", problem, "Remove the key to compute with reals."))
    return network


def _is_plain(neuron: Neuron) -> bool:
    """Whether a neuron is IF, of threshold 1 and reset 0, and not quantised already."""
    threshold = neuron.v_threshold
    is_unit = isinstance(threshold, float) and threshold == 1 and neuron.v_reset == 0
    return type(neuron) is IF and is_unit and neuron.limit is None


def _synapses(network: SmallResidualNetwork) -> list[tuple[nn.Conv2d, Neuron]]:
    """Every convolution of the spike stream behind the stem, with the neurons that it feeds."""
    pairs: list[tuple[nn.Module, nn.Module]] = []
    for block in network.blocks():
        assert isinstance(block, SpikeBlock)
        pairs += block.chain()
        if isinstance(block.downsample, nn.Sequential):
            pairs.append((block.downsample[0], block.downsample[1]))
    found = []
    for chain, neuron in pairs:
        assert isinstance(chain, TimeBatched)
        assert isinstance(neuron, Neuron)
        found.append((first_convolution(chain), neuron))
    return found


def _convolutions(module: nn.Module) -> list[nn.Conv2d]:
    return [part for part in module.modules() if isinstance(part, nn.Conv2d)]


def _quantise_stem(network: SmallResidualNetwork, formats: NumberFormats) -> Tensor:
    """Returns the shifts of its channels, which are all the same."""
    widest = min(formats.accumulator_bits, formats.activation_bits) - ROOM_BITS
    weight = network.conv1.weight
    codes = layer_codes(weight, formats.weight_bits, min(widest, FRACTION_BITS))
    network.bn1 = FixedPoint(0, formats.activation_bits - 1)
    return _put_codes(network.conv1, network.sn1, codes, formats.accumulator_bits)


@torch.no_grad()
def _put_codes(layer: nn.Conv2d, neuron: Neuron, codes: Codes, bits: int) -> Tensor:
    """Lets a layer and the neurons behind it compute in codes, of M bits; returns the shifts."""
    assert layer.bias is not None, "in shipped form every convolution of spikes has a bias"
    limit = 2 ** (bits - 1) - 1
    bias = (layer.bias * 2.0**codes.shifts).round().clamp(-limit, limit)
    layer.weight.copy_(codes.values)
    layer.bias.copy_(bias)
    neuron.v_threshold = (2.0**codes.shifts).reshape(-1, 1, 1)
    neuron.limit = float(limit)
    return codes.shifts


@torch.no_grad()
def _put_values(layer: nn.Conv2d | nn.Linear, codes: Codes) -> Tensor:
    """Lets a layer compute with the values that its codes stand for; returns the shifts."""
    scales = 2.0**codes.shifts
    layer.weight.copy_(codes.values / scales.reshape(-1, *[1] * (codes.values.dim() - 1)))
    if layer.bias is not None:
        layer.bias.copy_((layer.bias * scales).round() / scales)
    return codes.shifts


def _narrow(pool: AccumulationDownsample, bits: int) -> None:
    """Rounds a downsample to A bits, of which as many are integer ones as before."""
    behind, chain = pool[1], pool[0]
    between = chain[1] if isinstance(chain, nn.Sequential) else behind
    assert isinstance(between, FixedPoint), "shipped form has fixed point in the second stream"
    assert isinstance(behind, FixedPoint)
    formats = [
        FixedPoint(bits - 1 - each.integer_bits, each.integer_bits) for each in (between, behind)
    ]
    place_fixed_point(pool, *formats)


def _choose_precision(
    network: SmallResidualNetwork, shifts: dict[nn.Conv2d, Tensor], formats: NumberFormats
) -> None:
    """Takes a network that is in float64 back to float32, as far as that holds its numbers."""
    sums = {
        # a bias is on the weights' grid, even where the values' is coarser than whole numbers
        convolution: largest_of_channels(convolution, values) * 2.0 ** max(values[1], 0)
        for convolution, values in input_ranges(network).items()
        if isinstance(convolution, nn.Conv2d)
    }
    pools = [module for module in network.modules() if isinstance(module, AccumulationDownsample)]
    of_pools: dict[AccumulationDownsample, float] = {}
    largest = 0.0
    for pool in pools:
        own = [sums.pop(each) * 2.0 ** shifts[each] for each in _convolutions(pool)]
        of_pools[pool] = max(float(each.max()) for each in own)
        behind = pool[1]
        assert isinstance(behind, FixedPoint)
        accumulated = 2.0**behind.integer_bits + network.size.depth
        largest = max(largest, accumulated * 2.0 ** max(behind.fraction_bits, 0))
    limit = float(2 ** (formats.accumulator_bits - 1) - 1)
    for each in sums.values():  # of the stem the sum is finer than the current that is made of it
        current = float(each.max())
        largest = max(largest, current + min(network.timesteps * current, limit))
    if largest > LARGEST_EXACT_SUM:
        return
    network.float()
    for pool, largest_sum in of_pools.items():
        if largest_sum > LARGEST_EXACT_SUM:
            pool.double()
