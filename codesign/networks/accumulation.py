"""The Auxiliary Accumulation Pathway (AAP): the second stream of a dual-stream network.

It sums the spikes of every residual branch (eq. 11 of arXiv 2301.11929), `a' = a + s`, and has a
head of its own. Nothing in the spike stream reads it. The modules here declare themselves by the
class attribute `stream`; all that is computed inside them belongs to the accumulation stream.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.networks.timesteps import TimeBatched


class Accumulation(nn.Module):
    """`a' = a + s` of one block."""

    stream = "accumulation"

    def forward(self, a: Tensor, s: Tensor) -> Tensor:
        return a + s


class AccumulationDownsample(TimeBatched):
    """Brings `a` to a new shape: `ReLU(BN(pointwise(depthwise(a))))`.

    The depthwise 3x3 convolution carries the stride and is left out at stride 1; no batch norm
    stands between the two convolutions. Its weights may be in float64 beside a float32 stream, as
    those of quantised networks are whose sums need it.
    """

    stream = "accumulation"

    def forward(self, x: Tensor) -> Tensor:
        needed = next(self.parameters()).dtype
        if needed is x.dtype:
            return super().forward(x)
        return super().forward(x.to(needed)).to(x.dtype)


class AccumulationPool(TimeBatched):
    """Pools `a` where the spikes are pooled."""

    stream = "accumulation"

    @property
    def averages(self) -> bool:
        """Whether it makes new values, and not only picks the largest."""
        return isinstance(self[0], nn.AvgPool2d)


class AccumulationHead(nn.Module):
    """Logits of the accumulation stream: average over the map, mean over time, linear layer.

    The linear layer is handed over, because the published networks share it between the streams.

    Args:
        averages_map: False for networks whose last map is a single pixel.
    """

    stream = "accumulation"

    def __init__(self, *, averages_map: bool = True) -> None:
        super().__init__()
        self.avgpool = TimeBatched(nn.AdaptiveAvgPool2d((1, 1))) if averages_map else None

    def forward(self, a: Tensor, linear: nn.Linear) -> Tensor:
        averages = a if self.avgpool is None else self.avgpool(a)
        features = torch.flatten(averages, 2).mean(dim=0)
        return functional.linear(features, linear.weight, linear.bias)


class SumOfHeads(nn.Module):
    """Logits of both streams, added where they meet; without the pathway nothing would be."""

    stream = "accumulation"

    def forward(self, spike: Tensor, accumulation: Tensor) -> Tensor:
        return spike + accumulation


class FixedPoint(nn.Module):
    """A value stored as the chip stores it: rounded to a grid, saturating.

    Networks with weights that ship have it behind every convolution of the accumulation stream, so
    that all values of that stream are exact and its zeros are the same on every machine; quantised
    ones behind the stem as well. It rounds half to even and saturates. Networks that are being
    trained, and those of a checkpoint, run without it.

    Args:
        fraction_bits: the grid is 2^-fraction_bits.
        integer_bits: values lie in [-2^integer_bits, 2^integer_bits).
    """

    def __init__(self, fraction_bits: int, integer_bits: int):
        super().__init__()
        self.fraction_bits = fraction_bits
        self.integer_bits = integer_bits

    def forward(self, x: Tensor) -> Tensor:
        limit = 2 ** (self.fraction_bits + self.integer_bits)
        step = 2.0**-self.fraction_bits
        return torch.fake_quantize_per_tensor_affine(x, step, 0, -limit, limit - 1)

    def extra_repr(self) -> str:
        return f"fraction_bits={self.fraction_bits}, integer_bits={self.integer_bits}"


ACTIVATION_FRACTION_BITS = 4
"""Grid of a calibrated accumulation stream: 2^-4 for all its real values."""

ACTIVATION_INTEGER_BITS = 4
"""Calibrated `a` behind a downsample lies in [0, 16)."""

DEPTHWISE_INTEGER_BITS = 5
"""Values between the two convolutions lie in [-32, 32)."""


def use_fixed_point(network: nn.Module) -> None:
    """Rounds the accumulation stream behind each of its convolutions, in place.

    The batch norms must have been fused (their places are taken).
    """
    activation = FixedPoint(ACTIVATION_FRACTION_BITS, ACTIVATION_INTEGER_BITS)
    depthwise = FixedPoint(ACTIVATION_FRACTION_BITS, DEPTHWISE_INTEGER_BITS)
    for module in network.modules():
        if isinstance(module, AccumulationDownsample):
            place_fixed_point(module, depthwise, activation)


def place_fixed_point(
    downsample: AccumulationDownsample, depthwise: FixedPoint, activation: FixedPoint
) -> None:
    """Rounds a downsample behind its convolutions, in place of what stood there.

    Args:
        downsample: whose batch norm was fused.
        depthwise: behind the first of two convolutions; a single one has none.
        activation: behind the last.
    """
    downsample[1] = activation
    if isinstance(downsample[0], nn.Sequential):
        first, *_, last = downsample[0]
        chain = OrderedDict([("0", first), ("round", depthwise), ("1", last)])
        downsample[0] = nn.Sequential(chain)
