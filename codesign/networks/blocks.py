"""Residual blocks: basic and bottleneck, with spikes or with membrane currents at the join.

Names of modules are those of the networks published with arXiv 2301.11929 without their wrapper's
`.module`, so that state dicts made there load here. A block maps the pair of streams `(o, a)` to
the next pair; `a` is None in a network without accumulation pathway.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from codesign.networks.accumulation import Accumulation, AccumulationDownsample
from codesign.networks.connections import Connection
from codesign.networks.neurons import Neuron
from codesign.networks.timesteps import TimeBatched

Streams = tuple[Tensor, Tensor | None]


@dataclass(frozen=True, slots=True)
class Shape:
    """Size of one block.

    Attributes:
        inputs: channels that enter.
        width: channels inside.
        outputs: channels that leave: width, or 4 width in a bottleneck.
        stride: stride of the block's first 3x3 convolution.
        bottleneck: 1x1, 3x3, 1x1 convolutions instead of 3x3, 3x3.
    """

    inputs: int
    width: int
    outputs: int
    stride: int
    bottleneck: bool

    @property
    def changes(self) -> bool:
        """Whether identity and accumulation have to be brought to a new shape."""
        return self.stride != 1 or self.inputs != self.outputs

    def convolutions(self) -> list[nn.Conv2d]:
        """The residual branch's convolutions, in order."""
        if self.bottleneck:
            return [
                pointwise(self.inputs, self.width),
                conv3x3(self.width, self.width, self.stride),
                pointwise(self.width, self.outputs),
            ]
        return [
            conv3x3(self.inputs, self.width, self.stride),
            conv3x3(self.width, self.outputs, 1),
        ]


def conv3x3(inputs: int, outputs: int, stride: int, groups: int = 1) -> nn.Conv2d:
    """3x3 convolution with padding 1 and without bias."""
    return nn.Conv2d(inputs, outputs, 3, stride, padding=1, groups=groups, bias=False)


def pointwise(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """1x1 convolution without bias."""
    return nn.Conv2d(inputs, outputs, 1, stride, bias=False)


class ResidualBlock(nn.Module):
    """What both kinds of block share: the chain of convolutions and neurons."""

    def __init__(
        self, shape: Shape, neuron: Callable[[], Neuron], norm: Callable[[int], nn.BatchNorm2d]
    ):
        super().__init__()
        self.depth = 3 if shape.bottleneck else 2
        for index, convolution in enumerate(shape.convolutions(), start=1):
            chain = TimeBatched(convolution, norm(convolution.out_channels))
            self.add_module(f"conv{index}", chain)
            self.add_module(f"sn{index}", neuron())

    def chain(self) -> Iterator[tuple[nn.Module, nn.Module]]:
        """Convolution (with batch norm) and neuron, in order."""
        for index in range(1, self.depth + 1):
            yield self.get_submodule(f"conv{index}"), self.get_submodule(f"sn{index}")

    @property
    def last_convolution(self) -> TimeBatched:
        """The convolution and batch norm that make the branch's result."""
        chain = self.get_submodule(f"conv{self.depth}")
        assert isinstance(chain, TimeBatched)
        return chain


class SpikeBlock(ResidualBlock):
    """`s` = neurons of the branch; `o' = g(s, identity)` and, dual-stream, `a' = a + s`.

    At a change of shape the identity is `IF(BN(conv1x1(o)))` (eq. 10).

    Args:
        shape: size of the block.
        neuron: makes a neuron module.
        norm: makes a batch norm of so many channels.
        connection: g.
        accumulates: whether the block has its part of the accumulation pathway.
    """

    def __init__(
        self,
        shape: Shape,
        neuron: Callable[[], Neuron],
        norm: Callable[[int], nn.BatchNorm2d],
        *,
        connection: Connection,
        accumulates: bool,
    ):
        super().__init__(shape, neuron, norm)
        self.connection = connection
        self.downsample: nn.Module | None = None
        self.pool: nn.Module | None = None
        self.accumulation: nn.Module | None = None
        if shape.changes:
            convolution = pointwise(shape.inputs, shape.outputs, shape.stride)
            self.downsample = nn.Sequential(TimeBatched(convolution, norm(shape.outputs)), neuron())
        if accumulates:
            self.pool = _accumulation_downsample(shape, norm) if shape.changes else None
            self.accumulation = Accumulation()

    def forward(self, streams: Streams) -> Streams:
        o, a = streams
        s = o
        for convolution, neuron in self.chain():
            s = neuron(convolution(s))
        identity = o if self.downsample is None else self.downsample(o)
        if a is not None and self.accumulation is not None:
            a = self.accumulation(a if self.pool is None else self.pool(a), s)
        return self.connection(s, identity), a


class MembraneBlock(ResidualBlock):
    """`o' = IF(BN(conv(h)) + shortcut(o))`: currents are added before the last neuron.

    The spiking ResNet of Zheng et al. (AAAI 2021). The shortcut is `o`, or `BN(conv1x1(o))`
    without a neuron at a change of shape. It has no accumulation pathway.

    Args:
        shape: size of the block.
        neuron: makes a neuron module.
        norm: makes a batch norm of so many channels.
    """

    def __init__(
        self,
        shape: Shape,
        neuron: Callable[[], Neuron],
        norm: Callable[[int], nn.BatchNorm2d],
    ):
        super().__init__(shape, neuron, norm)
        self.downsample: nn.Module | None = None
        if shape.changes:
            convolution = pointwise(shape.inputs, shape.outputs, shape.stride)
            self.downsample = TimeBatched(convolution, norm(shape.outputs))

    def forward(self, streams: Streams) -> Streams:
        o, a = streams
        *inner, (last, fire) = self.chain()
        h = o
        for convolution, neuron in inner:
            h = neuron(convolution(h))
        current = last(h) + (o if self.downsample is None else self.downsample(o))
        return fire(current), a


def _accumulation_downsample(
    shape: Shape, norm: Callable[[int], nn.BatchNorm2d]
) -> AccumulationDownsample:
    convolution: nn.Module = pointwise(shape.inputs, shape.outputs)
    if shape.stride != 1:
        depthwise = conv3x3(shape.inputs, shape.inputs, shape.stride, groups=shape.inputs)
        convolution = nn.Sequential(depthwise, convolution)
    return AccumulationDownsample(convolution, norm(shape.outputs), nn.ReLU())
