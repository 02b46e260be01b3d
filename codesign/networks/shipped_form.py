"""The form in which trained weights ship: batch norms fused, every number on a dyadic grid.

float32 sums of such numbers are exact in any order (`codesign.networks.exactness`), so that spikes
are the same on every machine, for any number of threads, and on every backend.

- Weights and biases of convolutions and of the linear heads are whole multiples of 2^-10. Where
  the largest possible sum of a convolution would leave float32's whole numbers, or a code 16 bits,
  the grid of that convolution is coarser; this happens in the accumulation stream, whose inputs
  are on a grid themselves.
- The accumulation stream is in fixed point behind each of its convolutions, with 5 bits of
  fraction. Its range is chosen for each downsample. Values between the two convolutions are bounded
  by their weights and never saturate; where they need more than 5 integer bits they have fewer of
  fraction, 10 together, which leaves room for the next weights. Values behind the last one are a
  batch norm's, whose channels have mean beta and deviation |gamma| on the training data: the range
  holds six deviations, at least 2 and at most 256, and saturates beyond. A ReLU takes the negative
  ones; then the spikes of up to so many blocks are added, which needs no rounding.

Membranes are not rounded. Left out: networks other than those for small pictures, which have no
trained weights to ship.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError
from codesign.networks.accumulation import AccumulationDownsample, FixedPoint, place_fixed_point
from codesign.networks.batch_norm import expect_fused, fuse_batch_norm
from codesign.networks.blocks import SpikeBlock
from codesign.networks.exactness import (
    LARGEST_EXACT_SUM,
    Range,
    first_convolution,
    input_ranges,
    largest_sum,
)
from codesign.networks.network import SpikingNetwork
from codesign.networks.small_residual import SmallResidualNetwork

FRACTION_BITS = 10
"""The grid of weights and biases is 2^-10."""
ACCUMULATION_FRACTION_BITS = 5
"""The grid of the accumulation stream's reals is 2^-5."""
LARGEST_CODE = 2**15 - 1
"""Of a weight or bias, which is stored in 16 bits."""
_BETWEEN_BITS = 10
"""Integer and fraction bits of values between two convolutions together, at most."""
_DEVIATIONS = 6
_INTEGER_BITS = (1, 8)
"""The least and the most that values behind a batch norm have."""
_USUAL_INTEGER_BITS = 5
"""Of values whose batch norm has been fused before."""


@dataclass(frozen=True, slots=True)
class Form:
    """The grids of a network's numbers.

    Attributes:
        fraction_bits: of each convolution's and head's weights and bias, by its name.
        integer_bits: of each downsample of the accumulation stream, by its name: of values
            between its convolutions, and behind them.
    """

    fraction_bits: dict[str, int]
    integer_bits: dict[str, tuple[int, int]]


def to_shipped_form(network: SpikingNetwork) -> Form:
    """Brings a trained network into the form in which its weights ship, in place.

    Args:
        network: for small pictures; its batch norms have the statistics of the training.

    Raises:
        InputError: it is another kind of network, or its weights are so large that sums would not
            be exact on any grid, or are not finite.
    """
    if not isinstance(network, SmallResidualNetwork):
        problem = f"must be one for small pictures (got a {type(network).__name__})."
        raise InputError(Fault("network", problem, "Others have no trained weights that ship."))
    behind = {name: _integer_bits(pool[1]) for name, pool in _downsamples(network).items()}
    fuse_batch_norm(network)
    integer_bits = dict(_ranges(network, behind))
    _place(network, integer_bits)
    fraction_bits = dict.fromkeys(_heads(network), FRACTION_BITS)
    for name, (convolution, values) in _convolutions(network).items():
        fraction_bits[name] = _round(name, convolution, values)
    for name, head in _heads(network).items():
        _round(name, head, None)
    return Form(fraction_bits, integer_bits)


def expect_shipped_form(network: SpikingNetwork, form: Form) -> None:
    """Gives a network the modules of a form without any arithmetic; weights are to be loaded."""
    expect_fused(network)
    _place(network, form.integer_bits)


def codes_of(network: SpikingNetwork, form: Form) -> dict[str, Tensor]:
    """All weights and biases as int16 codes, by their names in the network's state."""
    codes = {}
    for name, bits in form.fraction_bits.items():
        for key, value in network.get_submodule(name).named_parameters():
            codes[f"{name}.{key}"] = (value.detach() * 2.0**bits).to(torch.int16)
    return codes


def _downsamples(network: nn.Module) -> dict[str, AccumulationDownsample]:
    found = network.named_modules()
    return {name: part for name, part in found if isinstance(part, AccumulationDownsample)}


def _heads(network: SpikingNetwork) -> dict[str, nn.Linear]:
    return {name: part for name, part in network.named_modules() if isinstance(part, nn.Linear)}


def _convolutions(network: SpikingNetwork) -> dict[str, tuple[nn.Conv2d, Range]]:
    names = {module: name for name, module in network.named_modules()}
    return {
        names[module]: (module, values)
        for module, values in input_ranges(network).items()
        if isinstance(module, nn.Conv2d)
    }


def _integer_bits(norm: nn.Module) -> int:
    """Of values behind a batch norm."""
    if not isinstance(norm, nn.BatchNorm2d):
        return _USUAL_INTEGER_BITS
    largest = float((norm.bias + _DEVIATIONS * norm.weight.abs()).detach().max())
    least, most = _INTEGER_BITS
    return min(max(math.ceil(math.log2(max(largest, 1.0))), least), most)


def _ranges(network: SpikingNetwork, behind: dict[str, int]) -> list[tuple[str, tuple[int, int]]]:
    """Integer bits of each downsample; those between its convolutions follow from `a` before it."""
    names = {module: name for name, module in network.named_modules()}
    found, largest = [], 1.0
    for block in network.blocks():
        if isinstance(block, SpikeBlock) and isinstance(block.pool, nn.Sequential):
            name = names[block.pool]
            weights = first_convolution(block.pool).weight.detach().double().flatten(1)
            sums = torch.maximum(weights.clamp(min=0).sum(1), -weights.clamp(max=0).sum(1))
            rounded = float(sums.max()) + weights.shape[1] * 2.0**-FRACTION_BITS
            between = math.ceil(math.log2(max(rounded * largest, 1.0)))
            found.append((name, (between, behind[name])))
            largest = 2.0 ** behind[name]
        largest += 1
    return found


def _place(network: SpikingNetwork, integer_bits: dict[str, tuple[int, int]]) -> None:
    for name, pool in _downsamples(network).items():
        between, behind = integer_bits[name]
        bits = ACCUMULATION_FRACTION_BITS
        first = FixedPoint(min(bits, _BETWEEN_BITS - between), between)
        place_fixed_point(pool, first, FixedPoint(bits, behind))


@torch.no_grad()
def _round(name: str, layer: nn.Conv2d | nn.Linear, values: Range | None) -> int:
    """Rounds weights and bias to the finest grid on which sums are exact; returns its bits.

    A head's sums are formed in float64 (`codesign.networks.answers`); it has no `values`.
    """
    exact = {key: value.detach().double() for key, value in layer.named_parameters()}
    is_finite = all(bool(value.isfinite().all()) for value in exact.values())
    coarsest = 0 if isinstance(layer, nn.Conv2d) else FRACTION_BITS
    for bits in range(FRACTION_BITS, coarsest - 1, -1) if is_finite else ():
        codes = {key: (value * 2.0**bits).round() for key, value in exact.items()}
        largest = max(float(each.abs().max()) for each in codes.values())
        for key, value in layer.named_parameters():
            value.copy_(codes[key] * 2.0**-bits)
        is_exact = values is None or (
            isinstance(layer, nn.Conv2d) and largest_sum(layer, bits, values) <= LARGEST_EXACT_SUM
        )
        if largest <= LARGEST_CODE and is_exact:
            return bits
    problem = f"must have weights whose sums are exact in float32 (got {_largest(exact):g})."
    raise InputError(Fault(name, problem, "Did the training diverge?"))


def _largest(parameters: dict[str, Tensor]) -> float:
    return max(float(value.abs().max()) for value in parameters.values())
