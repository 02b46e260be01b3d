"""The event networks 7B-Net and Wide-7B-Net: FSNN, DSNN and SEW on frames of events.

A 1x1 convolution with PLIF neurons makes spikes of the frames; seven basic blocks follow, each
with a 2x2 max-pool behind it, so that 128 x 128 pixels become one. Wide-7B-Net widens once more,
by the same kind of layer, in front of its fifth block. The head is the mean over time and one
linear layer.

Structure after Fang et al. (NeurIPS 2021), whose nets the authors of arXiv 2301.11929 took. What
that paper leaves open about them is optional here:

- `width`: channels of the first blocks. 7B-Net is published with 32; the energy that Table 3 gives
  for ADD on DVS Gesture (17.09 mJ) cannot be reached with 32 channels and is with 64, which is
  also Wide-7B-Net's width.
- `accumulation_pool`: how the accumulation pathway, which the paper defines for blocks alone,
  passes the pools behind them: `max` as the spikes do (the default), or `average`.

Where the net widens, the pathway passes `ReLU(BN(conv1x1(a)))`, as it does in the residual
networks at a change of shape without stride; the paper does not say this either.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError, nearest
from codesign.networks.accumulation import (
    AccumulationDownsample,
    AccumulationHead,
    AccumulationPool,
)
from codesign.networks.blocks import (
    Shape,
    SpikeBlock,
    Streams,
    pointwise,
)
from codesign.networks.connections import CONNECTIONS
from codesign.networks.families import LOGIC, Connections, chosen, option_faults
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import PLIF
from codesign.networks.timesteps import TimeBatched

SIDE = 128
"""Height and width of a frame."""

BLOCKS = {"7b": (7,), "wide7b": (4, 3)}
"""Blocks before and after each widening, by structure."""

WIDTH = {"7b": 32, "wide7b": 64}
"""Published channels of the first blocks."""

CLASSES = {"7b": 11, "wide7b": 10}
"""Of DVS Gesture and CIFAR10-DVS."""

LEGAL_CONNECTIONS: Connections = {"fsnn": LOGIC, "dsnn": LOGIC, "sew": ("add", "iand")}
"""Connections by family, the usual one first."""

ACCUMULATION_POOLS = ("max", "average")


class Widening(nn.Module):
    """More channels for both streams: `PLIF(BN(conv1x1(o)))` and `ReLU(BN(conv1x1(a)))`."""

    def __init__(self, inputs: int, outputs: int, *, accumulates: bool):
        super().__init__()
        self.spikes = spiking_pointwise(inputs, outputs)
        self.pool: nn.Module | None = None
        if accumulates:
            convolution = pointwise(inputs, outputs)
            self.pool = AccumulationDownsample(convolution, nn.BatchNorm2d(outputs), nn.ReLU())

    def forward(self, streams: Streams) -> Streams:
        o, a = streams
        return self.spikes(o), a if a is None or self.pool is None else self.pool(a)


class StreamPool(nn.Module):
    """2x2 max-pool of the spike stream, and the accumulation pathway's pool beside it."""

    def __init__(self, accumulation: str):
        super().__init__()
        self.spikes = TimeBatched(nn.MaxPool2d(2))
        kind = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}[accumulation]
        self.accumulation = AccumulationPool(kind(2))

    def forward(self, streams: Streams) -> Streams:
        o, a = streams
        return self.spikes(o), None if a is None else self.accumulation(a)


class EventNetwork(SpikingNetwork):
    """A network for frames of events `(T, N, 2, 128, 128)`; T is that of its input.

    Build it with `event_network`, which checks its arguments.

    Attributes:
        structure: 7b or wide7b.
        width: channels of the first blocks.
    """

    firing_current = 2.0  # PLIF's initial tau: v_1 = x / tau

    def __init__(  # the arguments are those of event_network, all by name
        self,
        *,
        structure: str,
        family: str,
        width: int,
        connection: str,
        readout: str,
        accumulation_pool: str,
        shared_head: bool,
        classes: int,
    ):
        super().__init__(family, connection, readout)
        self.structure, self.width = structure, width
        accumulates = family == "dsnn"
        self.stem = spiking_pointwise(2, width)
        stages: OrderedDict[str, nn.Module] = OrderedDict()
        for index, blocks in enumerate(BLOCKS[structure]):
            channels = width * 2**index
            if index > 0:
                stages["widening"] = Widening(channels // 2, channels, accumulates=accumulates)
            for _ in range(blocks):
                number = 1 + sum(isinstance(stage, SpikeBlock) for stage in stages.values())
                stages[f"block{number}"] = _block(channels, connection, accumulates)
                stages[f"pool{number}"] = StreamPool(accumulation_pool)
        for name, stage in stages.items():
            self.add_module(name, stage)
        self._stages = tuple(stages)
        head = AccumulationHead(averages_map=False)
        self.add_heads(channels, classes, shared=shared_head, head=head)

    def features(self, inputs: Tensor, *, accumulate: bool) -> Streams:
        """Both streams behind the last pool, from frames `(T, N, 2, 128, 128)`.

        Raises:
            InputError: the frames have another shape.
        """
        _check_frames(inputs)
        spikes = self.stem(inputs)
        streams: Streams = (spikes, spikes if accumulate else None)
        for name in self._stages:
            streams = self.get_submodule(name)(streams)
        return streams

    def pooled(self, o: Tensor) -> Tensor:
        return torch.flatten(o, 2)


def event_network(
    *,
    structure: str,
    family: str,
    width: int | None = None,
    connection: str | None = None,
    readout: str | None = None,
    accumulation_pool: str = "max",
    identity_start: bool = False,
    shared_head: bool = True,
    classes: int | None = None,
) -> EventNetwork:
    """An event network with freshly initialised weights.

    Args:
        structure: `7b` or `wide7b`.
        family: `fsnn`, `dsnn` or `sew`.
        width: channels of the first blocks (default 32 and 64).
        connection: g: `and`, `iand`, `or` or `xor` (default `iand`) for fsnn and dsnn; `add`
            (default) or `iand` for sew.
        readout: `spike`, `accumulation` or `sum`: which logits a DSNN gives (default `sum`).
        accumulation_pool: `max` or `average`: how the accumulation pathway is pooled.
        identity_start: whether every block starts as the identity; see
            `SpikingNetwork.start_as_identity`.
        shared_head: whether both streams of a DSNN share one linear layer.
        classes: number of logits (default 11 and 10).

    Raises:
        InputError: an argument is not one of its legal values; all faults at once.
    """
    connection, readout = chosen(family, connection, readout, LEGAL_CONNECTIONS)
    faults = option_faults(family, connection, readout, LEGAL_CONNECTIONS)
    if structure not in BLOCKS:
        problem = f"must be an event network (got {structure!r})."
        faults.append(Fault("structure", problem, nearest(str(structure), BLOCKS)))
    if width is not None and width < 1:
        faults.append(Fault("width", f"must be at least 1 (got {width})."))
    if accumulation_pool not in ACCUMULATION_POOLS:
        problem = f"must be one of {', '.join(ACCUMULATION_POOLS)} (got {accumulation_pool!r})."
        faults.append(Fault("accumulation_pool", problem))
    if faults:
        raise InputError(faults)
    assert connection is not None
    network = EventNetwork(
        structure=structure,
        family=family,
        width=width or WIDTH[structure],
        connection=connection,
        readout=readout,
        accumulation_pool=accumulation_pool,
        shared_head=shared_head,
        classes=classes or CLASSES[structure],
    )
    if identity_start:
        network.start_as_identity()
    return network


def spiking_pointwise(inputs: int, outputs: int) -> nn.Sequential:
    """`PLIF(BN(conv1x1(x)))`."""
    return nn.Sequential(TimeBatched(pointwise(inputs, outputs), nn.BatchNorm2d(outputs)), PLIF())


def _block(channels: int, connection: str, accumulates: bool) -> SpikeBlock:
    shape = Shape(channels, channels, channels, stride=1, bottleneck=False)
    return SpikeBlock(
        shape,
        PLIF,
        nn.BatchNorm2d,
        connection=CONNECTIONS[connection],
        accumulates=accumulates,
    )


def _check_frames(frames: Tensor) -> None:
    if frames.dim() != 5 or tuple(frames.shape[2:]) != (2, SIDE, SIDE):
        raise InputError(
            Fault(
                "frames",
                f"must have the shape (T, N, 2, {SIDE}, {SIDE}) (got {tuple(frames.shape)}).",
                "Give frames of events of both polarities, time first.",
            )
        )
