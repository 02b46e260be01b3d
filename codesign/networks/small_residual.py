"""Residual networks for small pictures: FSNN, DSNN, SEW and the td-BN spiking ResNet.

The shape is that of He et al.'s networks for CIFAR (CVPR 2016, section 4.2), in spikes: a 3x3
convolution that sees the picture once, three stages of basic blocks on maps that halve as their
channels double, average pool, one linear layer. What is held for T timesteps, what fires, and the
accumulation pathway are as in the networks for ImageNet (`codesign.networks.residual`).

`depth` counts blocks here, since it is they that spikes are lost in: so many are shared out among
the stages, the first ones getting what is left over. Pictures of more than 16 pixels are halved by
the first convolution already. The last map then has 2 x 2 or 4 x 4 elements for 8, 28 and 32
pixels: means over it are exact in binary fractions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError
from codesign.networks.accumulation import AccumulationHead
from codesign.networks.batch_norm import ThresholdBatchNorm2d
from codesign.networks.blocks import Shape, Streams
from codesign.networks.families import chosen, option_faults
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import IF, Neuron
from codesign.networks.residual import LEGAL_CONNECTIONS, initialise, residual_block
from codesign.networks.timesteps import HoldForTimesteps, TimeBatched

STAGES = 3
LEAST_DEPTH = STAGES
_LARGEST_UNHALVED = 16
"""Height and width of pictures that the first convolution leaves as large as they are."""

_LEAST_CHANNELS_LAST = 8
"""Channels from which trained maps have them last in memory: convolutions of small maps are faster
so, but below it oneDNN's backward 1x1 convolutions of stride 2 write beyond their buffers on CPUs
with AVX2 (seen in torch 2.13)."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large a network is.

    Attributes:
        depth: number of blocks.
        width: channels of the first stage.
        channels: of a picture.
        side: height and width of a picture.
        classes: number of logits.
    """

    depth: int
    width: int
    channels: int
    side: int
    classes: int

    def blocks(self) -> tuple[int, ...]:
        """Of each stage."""
        return tuple(
            self.depth // STAGES + (stage < self.depth % STAGES) for stage in range(STAGES)
        )


class SmallResidualNetwork(SpikingNetwork):
    """A spiking residual network for small pictures `(N, C, H, W)`.

    Build it with `small_residual_network`, which checks its arguments.

    Attributes:
        size: of the network.
        timesteps: T.
    """

    def __init__(
        self,
        size: Size,
        *,
        family: str,
        timesteps: int,
        connection: str | None,
        readout: str,
        shared_head: bool,
    ):
        super().__init__(family, connection, readout)
        self.size, self.timesteps = size, timesteps
        norm = ThresholdBatchNorm2d if family == "spiking_resnet" else nn.BatchNorm2d
        stride = 1 if size.side <= _LARGEST_UNHALVED else 2
        self.conv1 = nn.Conv2d(size.channels, size.width, 3, stride, padding=1, bias=False)
        self.bn1: nn.Module = norm(size.width)
        self.hold = HoldForTimesteps(timesteps)
        self.sn1: Neuron = IF()
        inputs = size.width
        for stage, blocks in enumerate(size.blocks()):
            outputs = size.width * 2**stage
            first = Shape(inputs, outputs, outputs, stride=1 if stage == 0 else 2, bottleneck=False)
            other = Shape(outputs, outputs, outputs, stride=1, bottleneck=False)
            shapes = [first, *[other] * (blocks - 1)]
            layers = [residual_block(family, connection, shape) for shape in shapes]
            self.add_module(f"layer{stage + 1}", nn.Sequential(*layers))
            inputs = outputs
        self.avgpool = TimeBatched(nn.AdaptiveAvgPool2d((1, 1)))
        self.add_heads(inputs, size.classes, shared=shared_head, head=AccumulationHead())

    def features(self, inputs: Tensor, *, accumulate: bool) -> Streams:
        """Both streams behind the last block, from pictures `(N, C, H, W)`.

        Raises:
            InputError: the pictures have another shape.
        """
        self._check_pictures(inputs)
        seen = inputs.to(self.conv1.weight.dtype)  # quantised networks may compute in float64
        currents = self.conv1(seen)
        if torch.is_grad_enabled():
            is_wide = self.size.width >= _LEAST_CHANNELS_LAST
            layout = torch.channels_last if is_wide else torch.contiguous_format
            currents = currents.clone(memory_format=layout)  # whatever that of the pictures is
        spikes = self.sn1(self.hold(self.bn1(currents)))
        streams: Streams = (spikes, spikes if accumulate else None)
        for stage in range(STAGES):
            streams = self.get_submodule(f"layer{stage + 1}")(streams)
        return streams

    def pooled(self, o: Tensor) -> Tensor:
        return torch.flatten(self.avgpool(o), 2)

    def _check_pictures(self, pictures: Tensor) -> None:
        wanted = (self.size.channels, self.size.side, self.size.side)
        if pictures.dim() != 4 or tuple(pictures.shape[1:]) != wanted:
            shape = ", ".join(str(number) for number in wanted)
            problem = f"must have the shape (N, {shape}) (got {tuple(pictures.shape)})."
            fix = "Give static pictures without a time dimension; the network holds them."
            raise InputError(Fault("pictures", problem, fix))


def small_residual_network(
    *,
    family: str,
    depth: int,
    width: int,
    shape: tuple[int, int, int],
    classes: int,
    timesteps: int = 4,
    connection: str | None = None,
    readout: str | None = None,
    identity_start: bool = False,
    shared_head: bool = True,
) -> SmallResidualNetwork:
    """A network for small pictures with freshly initialised weights.

    Args:
        family: `fsnn`, `dsnn`, `sew` or `spiking_resnet`.
        depth: number of blocks, at least 3.
        width: channels of the first stage; the others have twice and four times as many.
        shape: of a picture, (C, H, W), as high as wide.
        classes: number of logits.
        timesteps: T, at least 1.
        connection: g; see `codesign.networks.residual.residual_network`.
        readout: which logits a DSNN gives (default `sum`).
        identity_start: whether every block starts as the identity (see `SpikingNetwork`).
        shared_head: whether both streams of a DSNN share one linear layer, as published.

    Raises:
        InputError: an argument is not one of its legal values; all faults at once.
    """
    connection, readout = chosen(family, connection, readout, LEGAL_CONNECTIONS)
    faults = option_faults(family, connection, readout, LEGAL_CONNECTIONS)
    least = {"depth": (depth, LEAST_DEPTH), "width": (width, 1), "timesteps": (timesteps, 1)}
    for name, (value, lowest) in (least | {"classes": (classes, 2)}).items():
        if value < lowest:
            faults.append(Fault(name, f"must be at least {lowest} (got {value})."))
    channels, height, side = shape
    if height != side or min(shape) < 1:
        faults.append(Fault("shape", f"must be (C, H, H) (got {shape})."))
    if faults:
        raise InputError(faults)
    network = SmallResidualNetwork(
        Size(depth, width, channels, side, classes),
        family=family,
        timesteps=timesteps,
        connection=connection,
        readout=readout,
        shared_head=shared_head,
    )
    initialise(network)
    if identity_start:
        network.start_as_identity()
    return network
