"""The ImageNet residual networks: FSNN, DSNN, SEW and the td-BN spiking ResNet.

The stem sees the static image once; its result is held for T timesteps and fires. Four stages of
blocks follow, then a head: average over the map, mean over time, one linear layer. What the
families differ in stands in `codesign.networks.families`.

Structure after the code published with arXiv 2301.11929 (ImageNet).
"""

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError
from codesign.networks.accumulation import AccumulationHead
from codesign.networks.batch_norm import ThresholdBatchNorm2d
from codesign.networks.blocks import (
    MembraneBlock,
    ResidualBlock,
    Shape,
    SpikeBlock,
    Streams,
)
from codesign.networks.connections import CONNECTIONS
from codesign.networks.families import LOGIC, Connections, chosen, option_faults
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import IF, Neuron
from codesign.networks.timesteps import HoldForTimesteps, TimeBatched

BLOCKS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}
"""Blocks per stage by depth; from depth 50 on they are bottlenecks."""

LEGAL_CONNECTIONS: Connections = {
    "fsnn": LOGIC,
    "dsnn": LOGIC,
    "sew": ("add",),
    "spiking_resnet": (None,),
}
"""Connections by family, the usual one first; the spiking ResNet has none."""


class ResidualNetwork(SpikingNetwork):
    """A spiking residual network for images `(N, 3, H, W)`.

    Build it with `residual_network`, which checks its arguments.

    Attributes:
        depth: 18, 34, 50, 101 or 152.
        timesteps: T.
    """

    def __init__(  # the arguments are those of residual_network, all by name
        self,
        *,
        family: str,
        depth: int,
        timesteps: int,
        connection: str | None,
        readout: str,
        shared_head: bool,
        classes: int,
    ):
        super().__init__(family, connection, readout)
        self.depth, self.timesteps = depth, timesteps
        norm = ThresholdBatchNorm2d if family == "spiking_resnet" else nn.BatchNorm2d
        self.conv1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False)
        self.bn1 = norm(64)
        self.hold = HoldForTimesteps(timesteps)
        self.sn1: Neuron = IF()
        self.maxpool = TimeBatched(nn.MaxPool2d(kernel_size=3, stride=2, padding=1))
        inputs = 64
        for stage, blocks in enumerate(BLOCKS[depth]):
            self.add_module(f"layer{stage + 1}", self._stage(inputs, stage, blocks))
            inputs = 64 * 2**stage * (4 if depth >= 50 else 1)
        self.avgpool = TimeBatched(nn.AdaptiveAvgPool2d((1, 1)))
        self.add_heads(inputs, classes, shared=shared_head, head=AccumulationHead())

    def _stage(self, inputs: int, stage: int, blocks: int) -> nn.Sequential:
        bottleneck = self.depth >= 50
        width = 64 * 2**stage
        outputs = width * (4 if bottleneck else 1)
        first = Shape(inputs, width, outputs, stride=1 if stage == 0 else 2, bottleneck=bottleneck)
        other = Shape(outputs, width, outputs, stride=1, bottleneck=bottleneck)
        shapes = [first, *[other] * (blocks - 1)]
        return nn.Sequential(
            *(residual_block(self.family, self.connection, shape) for shape in shapes)
        )

    def features(self, inputs: Tensor, *, accumulate: bool) -> Streams:
        """Both streams behind the last block, from an image `(N, 3, H, W)`.

        Raises:
            InputError: the image has another shape.
        """
        _check_image(inputs)
        spikes = self.maxpool(self.sn1(self.hold(self.bn1(self.conv1(inputs)))))
        streams: Streams = (spikes, spikes if accumulate else None)
        for stage in (1, 2, 3, 4):
            streams = self.get_submodule(f"layer{stage}")(streams)
        return streams

    def pooled(self, o: Tensor) -> Tensor:
        return torch.flatten(self.avgpool(o), 2)


def residual_block(family: str, connection: str | None, shape: Shape) -> ResidualBlock:
    """One block of a family, of IF neurons."""
    if connection is None:
        return MembraneBlock(shape, IF, ThresholdBatchNorm2d)
    return SpikeBlock(
        shape,
        IF,
        nn.BatchNorm2d,
        connection=CONNECTIONS[connection],
        accumulates=family == "dsnn",
    )


def residual_network(
    *,
    family: str,
    depth: int,
    timesteps: int = 4,
    connection: str | None = None,
    readout: str | None = None,
    identity_start: bool = False,
    shared_head: bool = True,
    classes: int = 1000,
) -> ResidualNetwork:
    """A network of the residual family with freshly initialised weights.

    Args:
        family: `fsnn`, `dsnn`, `sew` or `spiking_resnet`.
        depth: 18, 34, 50, 101 or 152.
        timesteps: T, at least 1.
        connection: g: `and`, `iand`, `or` or `xor` (default `iand`) for fsnn and dsnn; `add` for
            sew; None for spiking_resnet.
        readout: `spike`, `accumulation` or `sum`: which logits a DSNN gives (default `sum`).
        identity_start: whether every block starts as the identity (see `SpikingNetwork`).
        shared_head: whether both streams of a DSNN share one linear layer, as published.
        classes: number of logits.

    Raises:
        InputError: an argument is not one of its legal values; all faults at once.
    """
    connection, readout = chosen(family, connection, readout, LEGAL_CONNECTIONS)
    faults = option_faults(family, connection, readout, LEGAL_CONNECTIONS)
    if depth not in BLOCKS:
        problem = f"must be one of {', '.join(map(str, BLOCKS))} (got {depth!r})."
        faults.append(Fault("depth", problem))
    if timesteps < 1:
        faults.append(Fault("timesteps", f"must be at least 1 (got {timesteps})."))
    if faults:
        raise InputError(faults)
    network = ResidualNetwork(
        family=family,
        depth=depth,
        timesteps=timesteps,
        connection=connection,
        readout=readout,
        shared_head=shared_head,
        classes=classes,
    )
    initialise(network)
    if identity_start:
        network.start_as_identity()
    return network


def initialise(network: SpikingNetwork) -> None:
    """Gaussian convolutions of variance 2 / fan-out (He et al., ICCV 2015), as published."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def _check_image(image: Tensor) -> None:
    if image.dim() != 4 or image.shape[1] != 3:
        raise InputError(
            Fault(
                "image",
                f"must have the shape (N, 3, H, W) (got {tuple(image.shape)}).",
                "Give one static image without a time dimension; the network holds it.",
            )
        )
