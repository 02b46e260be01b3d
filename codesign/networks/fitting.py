"""Fitting: one pass over a network that chooses the scales and biases of its convolutions.

The network runs once, and while it runs its convolutions and neurons compute through a `Fit`: a
convolution's scale per channel follows from the spread of its currents on the given input (as a
batch norm would have it), then the layer's biases are shifted until the neurons behind it fire at
a wanted rate. All of it is arithmetic on exact sums, so that the result is the same bits on every
machine. Which rates are wanted stands in `rates`, what is aimed at in `calibration`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from codesign.errors import CodesignError
from codesign.networks.accumulation import AccumulationDownsample
from codesign.networks.blocks import ResidualBlock
from codesign.networks.calibrated import (
    BIAS_FRACTION_BITS,
    LARGEST_DRAW,
    SCALE_FRACTION_BITS,
    draws,
    fraction_bits,
    scaled,
)
from codesign.networks.exactness import SPIKE, first_convolution, input_ranges
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.networks.rates import SEED, Wanted
from codesign.networks.residual import ResidualNetwork
from codesign.networks.spikformer import SpikeProduct

GAIN = 0.5
"""Standard deviation of a fitted current, in thresholds."""

SPREAD = 0.6
"""Channels' mean currents differ by up to this much, in thresholds, to either side."""

DEPTHWISE_SCALE = 128
"""Largest weight of a depthwise convolution: 255 x 128 / 2^12 steps of 2^-4, about 0.5."""

LARGEST_BIAS = 32767


@dataclass
class Tally:
    """Sums over the spike stream of one pass; operations as in `ac_rate_dense`.

    Attributes:
        ac: convolutions and products by rate x dense, neuron updates, spikes that enter pools.
        ac_accumulation: the same for the accumulation pathway's convolution on spikes.
        dense: what `ac` would be at a firing rate of 1, without neuron updates.
        mac: of inputs that are not spikes: dense convolutions, elements that enter pools, and
            the linear head.
        neuron_updates: T x neurons.
        rates: firing rate of each neuron layer.
    """

    ac: float = 0.0
    ac_accumulation: float = 0.0
    dense: float = 0.0
    mac: int = 0
    neuron_updates: int = 0
    rates: dict[str, float] = field(default_factory=dict)

    def pool(self, values: Tensor, *, are_spikes: bool) -> None:
        if are_spikes:
            self.ac += float(values.sum(dtype=torch.float64))
            self.dense += values.numel()
        else:
            self.mac += values.numel()

    def synapses(self, spikes: Tensor, dense: int) -> None:
        self.dense += dense
        self.ac += dense * float(spikes.mean(dtype=torch.float64))

    def neurons(self, name: str, spikes: Tensor) -> None:
        self.ac += spikes.numel()
        self.neuron_updates += spikes.numel()
        self.rates[name] = float(spikes.mean(dtype=torch.float64))


class Fit:
    """Fits the convolutions of one network, its `skeleton`, to one input.

    Attributes:
        scales: uint16 per output channel, by convolution.
        biases: int16 per output channel, by convolution.
        tally: what the pass counted.
    """

    def __init__(self, network: SpikingNetwork, wanted: Mapping[nn.Module, Wanted]):
        self.network = network
        self.wanted = wanted
        self.names = {module: name for name, module in network.named_modules()}
        self.ranges = input_ranges(network)
        self.drivers = driving_convolutions(network)
        self.accumulating = {
            module
            for pool in network.modules()
            if isinstance(pool, AccumulationDownsample)
            for module in pool.modules()
        }
        self.scales: dict[str, NDArray[np.uint16]] = {}
        self.biases: dict[str, NDArray[np.int16]] = {}
        self.tally = Tally()

    @torch.inference_mode()
    def run(self, inputs: Tensor) -> None:
        """Fits all convolutions on one input of the network, with a batch of one."""
        # NNPACK's transforms leave the grid (see `exactness`)
        with self._computing(), torch.backends.nnpack.flags(enabled=False):
            o, _ = self.network.features(inputs, accumulate=self.network.family == "dsnn")
            self.network.pooled(o)
        self.tally.mac += self.network.fc.weight.numel()

    @contextmanager
    def _computing(self) -> Iterator[None]:
        """While it lasts, convolutions, neurons and pools compute through this fit."""
        changed = []
        for module in self.names:
            if isinstance(module, nn.Conv2d):
                module.forward = partial(self._convolution, module)  # type: ignore[method-assign]
            elif isinstance(module, Neuron):
                module.forward = partial(self._neuron, module)  # type: ignore[method-assign]
            elif isinstance(module, SpikeProduct):
                forward = module.forward
                module.forward = partial(self._product, forward)  # type: ignore[method-assign]
            elif module in self.ranges:
                module.forward = partial(self._pool, module, module.forward)
            else:
                continue
            changed.append(module)
        try:
            yield
        finally:
            for module in changed:
                del module.forward

    def _pool(self, pool: nn.Module, forward: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        self.tally.pool(x, are_spikes=self.ranges[pool] == SPIKE)
        return forward(x)

    def _product(
        self, forward: Callable[[Tensor, Tensor], Tensor], left: Tensor, right: Tensor
    ) -> Tensor:
        """Of the published order, whose left operand is the spikes."""
        self.tally.synapses(left, left.numel() * right.shape[-1])
        return forward(left, right)

    def _convolution(self, convolution: nn.Conv2d, x: Tensor) -> Tensor:
        """Fits a convolution's scales, centres its currents and returns them."""
        if convolution.groups > 1:  # depthwise: as it is drawn, without a bias
            self._set(convolution, np.full(convolution.out_channels, DEPTHWISE_SCALE, np.uint16))
            return _convolve(convolution, x, convolution.weight)
        current = self._scale(convolution, x)
        self._count(convolution, x, current)
        self._bias(convolution, self._centred(convolution, current))
        return current + _column(convolution.bias)

    def _count(self, convolution: nn.Conv2d, x: Tensor, current: Tensor) -> None:
        dense = current.numel() * convolution.weight[0].numel()
        are_spikes = self.ranges[convolution] == SPIKE
        if convolution in self.accumulating:
            rate = float(x.mean(dtype=torch.float64)) if are_spikes else 0.0
            self.tally.ac_accumulation += dense * rate
        elif are_spikes:
            self.tally.synapses(x, dense)
        else:
            self.tally.mac += dense

    def _neuron(self, neuron: Neuron, current: Tensor) -> Tensor:
        """Spikes at the wanted rate, by a shift of the biases in front."""
        fire = partial(type(neuron).forward, neuron)
        wanted = self.wanted.get(neuron)
        spikes = fire(current) if wanted is None else self._shifted(neuron, wanted, current)
        self.tally.neurons(self.names[neuron], spikes)
        return spikes

    def _shifted(self, neuron: Neuron, wanted: Wanted, current: Tensor) -> Tensor:
        """Shifts all biases of a layer by one amount so that its neurons fire at the rate.

        Bisection over whole grid steps; the rate grows with the shift.
        """
        convolution = self.drivers[neuron]
        centred = self.biases[self.names[convolution]].astype(np.int64)
        low, high = -(4 << BIAS_FRACTION_BITS), 4 << BIAS_FRACTION_BITS
        best: tuple[float, int] | None = None
        while low <= high:
            shift = (low + high) // 2
            seen = _rate(neuron, current, shift * 2.0**-BIAS_FRACTION_BITS, wanted.behind)
            error = seen - wanted.rate
            if best is None or abs(error) < best[0]:
                best = (abs(error), shift)
            low, high = (low, shift - 1) if error > 0 else (shift + 1, high)
        assert best is not None
        self._bias(convolution, centred + best[1])
        return type(neuron).forward(neuron, current + best[1] * 2.0**-BIAS_FRACTION_BITS)

    def _scale(self, convolution: nn.Conv2d, x: Tensor) -> Tensor:
        """Scales the drawn weights so that currents have the wanted spread; returns them."""
        name = self.names[convolution]
        shape = tuple(convolution.weight.shape)
        drawn = torch.from_numpy(draws(SEED, name, shape))
        raw = _convolve(convolution, x, drawn)
        deviation = raw.double().std(dim=(0, 2, 3), correction=0).numpy()
        steps = GAIN * 2.0 ** (fraction_bits(name) + SCALE_FRACTION_BITS)
        # a channel without any variation keeps the layer's usual scale
        deviation = np.where(deviation > 0, deviation, max(np.median(deviation), 1.0))
        self._set(convolution, np.clip(np.rint(steps / deviation), 1, 65535).astype(np.uint16))
        return _convolve(convolution, x, convolution.weight)

    def _set(self, convolution: nn.Conv2d, scales: NDArray[np.uint16]) -> None:
        name = self.names[convolution]
        self.scales[name] = scales
        drawn = draws(SEED, name, tuple(convolution.weight.shape))
        weight = torch.from_numpy(scaled(drawn, scales, fraction_bits(name)))
        convolution.weight = nn.Parameter(weight, requires_grad=False)

    def _centred(self, convolution: nn.Conv2d, current: Tensor) -> NDArray[np.int64]:
        """Bias per channel, in grid steps, for a mean current that only the spread decides."""
        mean = current.double().mean(dim=(0, 2, 3)).numpy()
        offset = draws(SEED, f"{self.names[convolution]}.spread", mean.shape) * (
            SPREAD / LARGEST_DRAW
        )
        steps: NDArray[np.int64] = np.rint((offset - mean) * 2.0**BIAS_FRACTION_BITS)
        return steps.astype(np.int64)

    def _bias(self, convolution: nn.Conv2d, steps: NDArray[np.int64]) -> None:
        name = self.names[convolution]
        largest = int(np.abs(steps).max())
        if largest > LARGEST_BIAS:
            raise CodesignError(f"{name}: a bias must fit 16 bits (got {largest} steps).")
        self.biases[name] = steps.astype(np.int16)
        values = steps.astype(np.float32) * np.float32(2.0**-BIAS_FRACTION_BITS)
        convolution.bias = nn.Parameter(torch.from_numpy(values), requires_grad=False)


def driving_convolutions(network: SpikingNetwork) -> dict[Neuron, nn.Conv2d]:
    """By neuron layer, the convolution whose bias decides how much it fires."""
    pairs: list[tuple[nn.Module, nn.Module]] = []
    if isinstance(network, ResidualNetwork):
        pairs.append((network.conv1, network.sn1))
    for module in network.modules():
        if isinstance(module, ResidualBlock):
            pairs += module.chain()
        elif isinstance(module, nn.Sequential) and len(module) == 2:
            pairs += [(module[0], module[1])] * isinstance(module[1], Neuron)
    return {
        neuron: first_convolution(chain) for chain, neuron in pairs if isinstance(neuron, Neuron)
    }


def _rate(neuron: Neuron, current: Tensor, shift: float, behind: nn.MaxPool2d | None) -> float:
    """Firing rate with all currents shifted; no spikes are kept, which is what takes the time."""
    v = torch.full_like(current[0], neuron.v_reset)
    spikes = elements = 0
    for x in current:
        v = neuron.charge(v, x + shift)
        fired = v >= neuron.v_threshold
        seen = fired if behind is None else nn.MaxPool2d.forward(behind, fired.float())
        spikes += int(torch.count_nonzero(seen))
        elements += seen.numel()
        v.masked_fill_(fired, neuron.v_reset)
    return spikes / elements


def _convolve(convolution: nn.Conv2d, x: Tensor, weight: Tensor) -> Tensor:
    return functional.conv2d(
        x,
        weight,
        stride=convolution.stride,
        padding=convolution.padding,
        groups=convolution.groups,
    )


def _column(bias: Tensor | None) -> Tensor:
    assert bias is not None
    return bias[:, None, None]
