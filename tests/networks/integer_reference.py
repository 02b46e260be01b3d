"""Quantised networks in whole numbers alone: numpy's int64, padding and strides by hand.

Nothing here is torch's arithmetic. Weights and shifts are read off a network's state; everything
else follows from the description in `codesign.networks.quantisation`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from codesign.networks.accumulation import AccumulationDownsample
from codesign.networks.small_residual import SmallResidualNetwork
from codesign.specs.workload import NumberFormats

Whole = NDArray[np.int64]


@dataclass
class Seen:
    """What a network computed for one picture.

    Attributes:
        spikes: of every neuron layer, `(T, C, H, W)`.
        membranes: of every neuron layer after each charge, of that shape.
        accumulations: of every block, in steps of 2^-`grid` of its own.
        grids: fraction bits of those.
        numerators: of the logits of each head, and 2^-bits of their grid.
        saturated: how many membranes were cut off below, where it can matter.
    """

    spikes: dict[str, Whole] = field(default_factory=dict)
    membranes: dict[str, Whole] = field(default_factory=dict)
    accumulations: dict[str, Whole] = field(default_factory=dict)
    grids: dict[str, int] = field(default_factory=dict)
    numerators: dict[str, tuple[Whole, int]] = field(default_factory=dict)
    saturated: int = 0


def whole(values: torch.Tensor) -> Whole:
    exact = values.detach().numpy().astype(np.float64)
    made = exact.astype(np.int64)
    assert np.array_equal(made, exact)
    return made


def convolved(x: Whole, weight: Whole, stride: int, padding: int, *, depthwise: bool) -> Whole:
    """`(C, H, W)` to `(outputs, H', W')`, tap by tap."""
    outputs, _, size, _ = weight.shape
    channels, height, width = x.shape
    padded = np.zeros((channels, height + 2 * padding, width + 2 * padding), np.int64)
    padded[:, padding : padding + height, padding : padding + width] = x
    high = (height + 2 * padding - size) // stride + 1
    wide = (width + 2 * padding - size) // stride + 1
    made = np.zeros((outputs, high, wide), np.int64)
    for row in range(size):
        for column in range(size):
            rows = slice(row, row + stride * (high - 1) + 1, stride)
            columns = slice(column, column + stride * (wide - 1) + 1, stride)
            taps, weights = padded[:, rows, columns], weight[:, :, row, column]
            if depthwise:
                made += weights[:, :1, None] * taps
            else:
                made += (weights @ taps.reshape(channels, -1)).reshape(made.shape)
    return made


def half_to_even(numerators: Whole, shift: int | Whole) -> Whole:
    """Whole numbers divided by 2^shift, rounded; a negative shift multiplies."""
    shift = np.broadcast_to(np.asarray(shift, np.int64), numerators.shape)
    up, down = np.maximum(-shift, 0), np.maximum(shift, 0)
    divisor = np.int64(1) << down
    quotient, rest = np.divmod(numerators << up, divisor)
    twice = 2 * rest
    goes_up = (twice > divisor) | ((twice == divisor) & (quotient % 2 == 1))
    return quotient + goes_up


def stored(numerators: Whole, shift: int | Whole, bits: int) -> Whole:
    limit = 1 << (bits - 1)
    return np.clip(half_to_even(numerators, shift), -limit, limit - 1)


def fire(name: str, currents: Whole, thresholds: Whole, bits: int, seen: Seen) -> Whole:
    """Spikes `(T, C, H, W)` of currents of that shape; what the neurons did goes into `seen`."""
    limit = (1 << (bits - 1)) - 1
    membrane = np.zeros_like(currents[0])
    spikes, charges = np.zeros_like(currents), np.zeros_like(currents)
    for step, current in enumerate(currents):
        charged = membrane + current
        seen.saturated += int((charged < -limit).sum())
        charges[step] = charged = np.clip(charged, -limit, limit)
        spikes[step] = charged >= thresholds[:, None, None]
        membrane = np.where(spikes[step] == 1, 0, charged)
    seen.spikes[name], seen.membranes[name] = spikes, charges
    return spikes


LOGIC = {
    "and": lambda s, o: s & o,
    "iand": lambda s, o: o & (1 - s),
    "or": lambda s, o: s | o,
    "xor": lambda s, o: s ^ o,
    "add": lambda s, o: s + o,
}


class Reference:
    """A quantised network and its numbers as integers.

    Args:
        network: in quantised form.
        formats: its widths.
        integer_bits: of each downsample of the accumulation stream, from the shipped form.
    """

    def __init__(
        self,
        network: SmallResidualNetwork,
        formats: NumberFormats,
        integer_bits: dict[str, tuple[int, int]],
    ):
        self.network, self.formats, self.integer_bits = network, formats, integer_bits

    def run(self, picture: torch.Tensor) -> Seen:
        seen, network = Seen(), self.network
        bits, stored_bits = self.formats.accumulator_bits, self.formats.activation_bits
        levels = whole(picture * 256)
        sums = convolved(
            levels, whole(network.conv1.weight), network.conv1.stride[0], 1, depthwise=False
        )
        sums += 256 * whole(network.conv1.bias)[:, None, None]
        current = stored(sums, 8, stored_bits)
        currents = np.stack([current] * network.timesteps)
        thresholds = whole(network.sn1.v_threshold)[:, 0, 0]
        thresholds = np.broadcast_to(thresholds, current.shape[:1])
        o = fire("sn1", currents, thresholds, bits, seen)
        a, grid = (o.copy(), 0) if network.family == "dsnn" else (None, 0)
        for name, block in self.blocks():
            s = self.neurons(f"{name}.conv1", f"{name}.sn1", o, seen)
            s = self.neurons(f"{name}.conv2", f"{name}.sn2", s, seen)
            identity = o
            if block.downsample is not None:
                identity = self.neurons(f"{name}.downsample.0", f"{name}.downsample.1", o, seen)
            if a is not None:
                if block.pool is not None:
                    a, grid = self.downsampled(f"{name}.pool", a, grid)
                a = seen.accumulations[name] = a + (s << grid)
                seen.grids[name] = grid
            o = LOGIC[network.connection](s, identity)
        seen.numerators["spike"] = self.head(network.fc, o, 0)
        if a is not None:
            head = network.fc_acc if network.fc_acc is not None else network.fc
            seen.numerators["accumulation"] = self.head(head, a, grid)
        return seen

    def blocks(self) -> Iterator[tuple[str, nn.Module]]:
        for stage in (1, 2, 3):
            for number, block in enumerate(self.network.get_submodule(f"layer{stage}")):
                yield f"layer{stage}.{number}", block

    def neurons(self, chain: str, neuron: str, o: Whole, seen: Seen) -> Whole:
        layer = self.network.get_submodule(f"{chain}.0")
        weight, bias = whole(layer.weight), whole(layer.bias)
        assert np.abs(weight).max() < 1 << (self.formats.weight_bits - 1)
        currents = np.stack(
            [
                convolved(each, weight, layer.stride[0], layer.padding[0], depthwise=False)
                + bias[:, None, None]
                for each in o
            ]
        )
        thresholds = whole(self.network.get_submodule(neuron).v_threshold)[:, 0, 0]
        return fire(neuron, currents, thresholds, self.formats.accumulator_bits, seen)

    def downsampled(self, name: str, a: Whole, grid: int) -> tuple[Whole, int]:
        pool = self.network.get_submodule(name)
        assert isinstance(pool, AccumulationDownsample)
        bits = self.formats.activation_bits
        between, behind = (bits - 1 - each for each in self.integer_bits[name])
        depthwise, pointwise = pool[0][0], pool[0][2]
        codes, _, shifts = codes_and_shifts(depthwise.weight, None, self.formats.weight_bits)
        sums = np.stack([convolved(each, codes, 2, 1, depthwise=True) for each in a])
        z = stored(sums, shifts[:, None, None] + grid - between, bits)
        codes, bias, shifts = codes_and_shifts(
            pointwise.weight, pointwise.bias, self.formats.weight_bits
        )
        # products lie on 2^-(shift + between); where that is coarser than the bias, on its own
        finer = max(between, 0)
        sums = np.stack([convolved(each, codes, 1, 0, depthwise=False) for each in z]) << (
            finer - between
        )
        sums += (bias << finer)[:, None, None]
        y = stored(sums, shifts[:, None, None] + finer - behind, bits)
        a = np.maximum(y, 0)
        # additions of spikes need a grid of at least whole numbers
        return (a, behind) if behind >= 0 else (a << -behind, 0)

    def head(self, layer: nn.Linear, stream: Whole, grid: int) -> tuple[Whole, int]:
        shift = next(
            bits
            for bits in range(11)
            if is_whole(layer.weight, bits) and is_whole(layer.bias, bits)
        )
        counts = stream.sum(axis=(0, 2, 3))
        places = stream.shape[0] * stream.shape[2] * stream.shape[3]
        weight, bias = whole(layer.weight * 2**shift), whole(layer.bias * 2**shift)
        return weight @ counts + places * (bias << grid), shift + grid


def is_whole(values: torch.Tensor, bits: int) -> bool:
    return bool((values * 2**bits == (values * 2**bits).round()).all())


def codes_and_shifts(
    weight: torch.Tensor, bias: torch.Tensor | None, bits: int
) -> tuple[Whole, Whole, NDArray[np.int64]]:
    """Weights and biases on the coarsest grid of each channel that holds both.

    The step may be finer, with other codes for the same numbers.
    """
    given = torch.zeros(len(weight)) if bias is None else bias.detach()
    shifts = np.array(
        [
            next(number for number in range(11) if is_whole(row, number) and is_whole(own, number))
            for row, own in zip(weight.detach(), given, strict=True)
        ]
    )
    scales = 2.0 ** torch.from_numpy(shifts)
    codes = whole(weight.double() * scales.reshape(-1, 1, 1, 1))
    assert np.abs(codes).max(initial=0) < 1 << (bits - 1)
    return codes, whole(given.double() * scales), shifts
