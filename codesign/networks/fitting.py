"""Fitting: one pass over a network that chooses the scales and biases of its convolutions.

Layer by layer, in the order of the data flow: a channel's scale follows from the spread of its
currents on the given image (as a batch norm would have it), then the layer's biases are shifted
until the neurons behind it fire at a wanted rate. All of it is arithmetic on exact sums, so that
the result is the same bits on every machine. What is aimed at stands in `calibration`.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from codesign.errors import CodesignError
from codesign.networks.blocks import MembraneBlock, ResidualBlock, SpikeBlock
from codesign.networks.calibrated import (
    BIAS_FRACTION_BITS,
    LARGEST_DRAW,
    SCALE_FRACTION_BITS,
    draws,
    fraction_bits,
    scaled,
)
from codesign.networks.residual import BLOCKS, ResidualNetwork

SEED = 230111929
POOLED_STEM_RATE = 0.292
"""Gives the difference of the FSNN and DSNN rows of Table 2 (see `calibration`)."""

GAIN = 0.5
"""Standard deviation of a fitted current, in thresholds."""

SPREAD = 0.6
"""Channels' mean currents differ by up to this much, in thresholds, to either side."""

RATE_SPREAD = 0.4
"""Layers' wanted rates differ by up to this share, to either side."""

DEPTHWISE_SCALE = 128
"""Largest weight of a depthwise convolution: 255 x 128 / 2^12 steps of 2^-4, about 0.5."""

LARGEST_BIAS = 32767


@dataclass
class Tally:
    """Sums over the spike stream of one pass; operations as in `ac_rate_dense`.

    Attributes:
        ac: convolutions by rate x dense, neuron updates, spikes that enter pools.
        ac_accumulation: the same for the accumulation pathway's convolution on spikes.
        dense: what `ac` would be at a firing rate of 1, without neuron updates.
        neuron_updates: T x neurons.
        rates: firing rate of each neuron layer.
    """

    ac: float = 0.0
    ac_accumulation: float = 0.0
    dense: float = 0.0
    neuron_updates: int = 0
    rates: dict[str, float] = field(default_factory=dict)

    def pool(self, spikes: Tensor) -> None:
        self.ac += float(spikes.sum(dtype=torch.float64))
        self.dense += spikes.numel()

    def neurons(self, name: str, spikes: Tensor) -> None:
        self.ac += spikes.numel()
        self.neuron_updates += spikes.numel()
        self.rates[name] = float(spikes.mean(dtype=torch.float64))


@dataclass(frozen=True)
class Rates:
    """Wanted firing rates, from the one number that is solved for.

    Attributes:
        family: decides how branches join.
        inner: mean rate of the neurons inside branches.
    """

    family: str
    inner: float

    def inside(self, name: str) -> float:
        """Of a layer inside a branch."""
        return _varied(name, self.inner)

    def identity(self, name: str) -> float:
        """Of the neurons that bring the identity to a new shape."""
        return _varied(name, 1.3 * self.inner)

    def branch(self, name: str, blocks: int) -> float:
        """Of a branch's last neurons, in a stage of so many blocks.

        IAND takes away about this share of the residual spikes in every block.
        """
        if self.family == "spiking_resnet":
            return _varied(name, self.inner)
        if self.family == "sew":
            return _varied(name, 0.5 * self.inner)
        return _varied(name, min(0.1, max(0.02, 0.5 / blocks)))


def _varied(name: str, rate: float) -> float:
    """A layer's own share of a rate, seeded by its name, between 1.2 and 55 %."""
    share = 1 + RATE_SPREAD * float(draws(SEED, f"{name}.rate", (1,))[0]) / LARGEST_DRAW
    return min(0.55, max(0.012, share * rate))


class Fit:
    """Fits the convolutions of one network, its `skeleton`, to one image.

    Attributes:
        scales: uint16 per output channel, by convolution.
        biases: int16 per output channel, by convolution.
        tally: what the pass counted.
    """

    def __init__(self, network: ResidualNetwork, rates: Rates):
        self.network = network
        self.rates = rates
        self.names = {module: name for name, module in network.named_modules()}
        self.scales: dict[str, NDArray[np.uint16]] = {}
        self.biases: dict[str, NDArray[np.int16]] = {}
        self.tally = Tally()

    @torch.inference_mode()
    def run(self, image: Tensor) -> None:
        """Fits all convolutions on one image `(1, 3, H, W)`."""
        network = self.network
        # a pooled rate is wanted of the stem, because that is what the first block sees
        current = self._scale(network.conv1, image).expand(network.timesteps, -1, -1, -1)
        spikes = self._fire(network.conv1, network.sn1, current, POOLED_STEM_RATE)
        self.tally.pool(spikes)
        o: Tensor = network.maxpool(spikes[:, None])[:, 0]
        a: Tensor | None = o if network.family == "dsnn" else None
        largest = 1
        for stage, blocks in enumerate(BLOCKS[network.depth], start=1):
            for block in network.get_submodule(f"layer{stage}").children():
                assert isinstance(block, ResidualBlock)
                o, a, largest = self._block(block, o, a, (largest, blocks))
        if largest == 1:
            self.tally.pool(o)

    def _block(
        self, block: ResidualBlock, o: Tensor, a: Tensor | None, state: tuple[int, int]
    ) -> tuple[Tensor, Tensor | None, int]:
        """The streams behind a block, and the largest value that its `o` can hold.

        `state` is that value in front of the block, and the number of blocks in the stage.
        """
        largest, blocks = state
        *inner, (last, last_neuron) = block.chain()
        branch_rate = self.rates.branch(self.names[last_neuron], blocks)
        h = o
        for convolution, neuron in inner:
            rate = self.rates.inside(self.names[neuron])
            h = self._spikes(convolution, neuron, (h, largest if h is o else 1), rate)
        if isinstance(block, MembraneBlock):
            shortcut = o
            if block.downsample is not None:
                shortcut = self._current(block.downsample, o)
                shortcut = shortcut + _column(_convolution(block.downsample).bias)
            current = self._current(last, h)
            o = self._fire(_convolution(last), last_neuron, current, branch_rate, shortcut)
            return o, a, 1
        assert isinstance(block, SpikeBlock)
        s = self._spikes(last, last_neuron, (h, 1), branch_rate)
        identity = o
        if block.downsample is not None:
            assert isinstance(block.downsample, nn.Sequential)
            convolution, neuron = block.downsample
            rate = self.rates.identity(self.names[neuron])
            identity = self._spikes(convolution, neuron, (o, largest), rate)
        if a is not None:
            a = (a if block.pool is None else self._accumulate(block.pool, a, o is a)) + s
        if self.network.family != "sew":
            return block.connection(s, identity), a, 1
        restarted = 1 if block.downsample is not None else largest
        return block.connection(s, identity), a, restarted + 1

    def _spikes(
        self, chain: nn.Module, neuron: nn.Module, source: tuple[Tensor, int], rate: float
    ) -> Tensor:
        x, largest = source
        current = self._current(chain, x, counted=largest == 1)
        return self._fire(_convolution(chain), neuron, current, rate)

    def _current(self, chain: nn.Module, x: Tensor, *, counted: bool = True) -> Tensor:
        """Fits a convolution's scales and centres it; counts it if its input are spikes."""
        convolution = _convolution(chain)
        current = self._scale(convolution, x)
        if counted:
            dense = current.numel() * convolution.weight[0].numel()
            self.tally.dense += dense
            self.tally.ac += dense * float(x.mean(dtype=torch.float64))
        self._bias(convolution, self._centred(convolution, current))
        return current

    def _accumulate(self, pool: nn.Module, a: Tensor, spikes: bool) -> Tensor:
        """Fits the accumulation pathway's downsample; its result is `ReLU(...)` of `a`."""
        *depthwise, pointwise = (part for part in pool.modules() if isinstance(part, nn.Conv2d))
        for convolution in depthwise:
            self._set(convolution, np.full(convolution.out_channels, DEPTHWISE_SCALE, np.uint16))
            a = pool.get_submodule("0.round")(convolution(a))
        current = self._scale(pointwise, a)
        if spikes:
            dense = current.numel() * pointwise.weight[0].numel()
            self.tally.ac_accumulation += dense * float(a.mean(dtype=torch.float64))
        self._bias(pointwise, self._centred(pointwise, current))
        fixed, relu = pool.get_submodule("1"), pool.get_submodule("2")
        result: Tensor = relu(fixed(current + _column(pointwise.bias)))
        return result

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

    def _fire(
        self,
        convolution: nn.Conv2d,
        neuron: nn.Module,
        current: Tensor,
        rate: float,
        shortcut: Tensor | None = None,
    ) -> Tensor:
        """Shifts all biases of a layer by one amount so that its neurons fire at the rate.

        Bisection over whole grid steps; the rate grows with the shift.
        """
        centred = self._centred(convolution, current)
        is_stem = convolution is self.network.conv1
        low, high = -(4 << BIAS_FRACTION_BITS), 4 << BIAS_FRACTION_BITS
        best: tuple[float, int, Tensor] | None = None
        while low <= high:
            shift = (low + high) // 2
            self._bias(convolution, centred + shift)
            total = current + _column(convolution.bias)
            spikes: Tensor = neuron(total if shortcut is None else total + shortcut)
            seen = self.network.maxpool(spikes[:, None])[:, 0] if is_stem else spikes
            error = float(seen.mean(dtype=torch.float64)) - rate
            if best is None or abs(error) < best[0]:
                best = (abs(error), shift, spikes)
            low, high = (low, shift - 1) if error > 0 else (shift + 1, high)
        assert best is not None
        self._bias(convolution, centred + best[1])
        self.tally.neurons(self.names[neuron], best[2])
        return best[2]


def _convolution(chain: nn.Module) -> nn.Conv2d:
    assert isinstance(chain, nn.Sequential)
    convolution = chain[0]
    assert isinstance(convolution, nn.Conv2d)
    return convolution


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
