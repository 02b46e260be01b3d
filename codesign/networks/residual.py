"""The ImageNet residual networks: FSNN, DSNN, SEW and the td-BN spiking ResNet.

The stem sees the static image once; its result is held for T timesteps and fires. Four stages of
blocks follow, then a head: average over the map, mean over time, one linear layer.

- `fsnn`: spikes only, `o' = g(s, identity)` with g of AND, IAND, OR, XOR.
- `dsnn`: the same network and, beside it, the accumulation pathway with its own head.
- `sew`: `o' = s + identity`; the residual stream holds integers.
- `spiking_resnet`: currents are added in front of the block's last neuron.

Structure after the code published with arXiv 2301.11929 (ImageNet). How a DSNN combines the
logits of its two heads at test is not stated there: here it is the option `readout`.
"""

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError, nearest
from codesign.networks.accumulation import AccumulationHead
from codesign.networks.batch_norm import ThresholdBatchNorm2d
from codesign.networks.blocks import MembraneBlock, ResidualBlock, Shape, SpikeBlock, Streams
from codesign.networks.connections import CONNECTIONS
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

LEGAL_CONNECTIONS = {
    "fsnn": ("and", "iand", "or", "xor"),
    "dsnn": ("and", "iand", "or", "xor"),
    "sew": ("add",),
    "spiking_resnet": (None,),
}
"""Connections by family; the spiking ResNet has none."""

READOUTS = ("spike", "accumulation", "sum")


class ResidualNetwork(nn.Module):
    """A spiking residual network for images `(N, 3, H, W)`.

    Build it with `residual_network`, which checks its arguments.

    Attributes:
        family: fsnn, dsnn, sew or spiking_resnet.
        depth: 18, 34, 50, 101 or 152.
        timesteps: T.
        readout: which logits `forward` returns.
        provenance: where the weights came from; JSON values.
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
        super().__init__()
        self.family, self.depth, self.timesteps = family, depth, timesteps
        self.connection, self.readout = connection, readout
        self.provenance: dict[str, object] = {"kind": "initialised"}
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
        self.fc = nn.Linear(inputs, classes)
        self.fc_acc: nn.Linear | None = None
        self.accumulation_head: nn.Module | None = None
        if family == "dsnn":
            self.accumulation_head = AccumulationHead()
            self.fc_acc = None if shared_head else nn.Linear(inputs, classes)

    def _stage(self, inputs: int, stage: int, blocks: int) -> nn.Sequential:
        bottleneck = self.depth >= 50
        width = 64 * 2**stage
        outputs = width * (4 if bottleneck else 1)
        first = Shape(inputs, width, outputs, stride=1 if stage == 0 else 2, bottleneck=bottleneck)
        other = Shape(outputs, width, outputs, stride=1, bottleneck=bottleneck)
        return nn.Sequential(*(self._block(first if i == 0 else other) for i in range(blocks)))

    def _block(self, shape: Shape) -> ResidualBlock:
        if self.connection is None:
            return MembraneBlock(shape, IF, ThresholdBatchNorm2d)
        return SpikeBlock(
            shape,
            IF,
            nn.BatchNorm2d,
            connection=CONNECTIONS[self.connection],
            accumulates=self.family == "dsnn",
        )

    def blocks(self) -> list[ResidualBlock]:
        """All residual blocks in order."""
        return [module for module in self.modules() if isinstance(module, ResidualBlock)]

    def features(self, image: Tensor, *, accumulate: bool) -> Streams:
        """Both streams behind the last block, `(T, N, C, H, W)` each.

        Args:
            image: `(N, 3, H, W)`.
            accumulate: whether to run the accumulation pathway; else its stream is None.
        """
        _check_image(image)
        spikes = self.maxpool(self.sn1(self.hold(self.bn1(self.conv1(image)))))
        streams: Streams = (spikes, spikes if accumulate else None)
        for stage in (1, 2, 3, 4):
            streams = self.get_submodule(f"layer{stage}")(streams)
        return streams

    def logits(self, image: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits `(N, classes)` of the spike head and, for a DSNN, of the accumulation head.

        Dual-stream training needs both (eq. 12); a test needs those that the readout names.

        Raises:
            InputError: the image is not `(N, 3, H, W)`.
        """
        o, a = self.features(image, accumulate=self.family == "dsnn")
        return self._spike_logits(o), None if a is None else self._accumulation_logits(a)

    def forward(self, image: Tensor) -> Tensor:
        """Logits `(N, classes)` as the readout says, from an image `(N, 3, H, W)`.

        What the readout does not need is not computed: with `spike` the accumulation pathway
        rests, and a DSNN does the work of an FSNN.

        Raises:
            InputError: the image is not `(N, 3, H, W)`.
        """
        o, a = self.features(image, accumulate=self.readout != "spike")
        if a is None:
            return self._spike_logits(o)
        if self.readout == "accumulation":
            return self._accumulation_logits(a)
        return self._spike_logits(o) + self._accumulation_logits(a)

    def pooled(self, o: Tensor) -> Tensor:
        """What the spike head reads at each timestep, `(T, N, features)`."""
        return torch.flatten(self.avgpool(o), 2)

    def _spike_logits(self, o: Tensor) -> Tensor:
        result: Tensor = self.fc(self.pooled(o).mean(dim=0))
        return result

    def _accumulation_logits(self, a: Tensor) -> Tensor:
        assert self.accumulation_head is not None
        result: Tensor = self.accumulation_head(a, self.fc if self.fc_acc is None else self.fc_acc)
        return result


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
        identity_start: whether every block starts as the identity (see `start_as_identity`).
        shared_head: whether both streams of a DSNN share one linear layer, as published.
        classes: number of logits.

    Raises:
        InputError: an argument is not one of its legal values; all faults at once.
    """
    if connection is None and family in LEGAL_CONNECTIONS:
        connection = {"sew": "add", "spiking_resnet": None}.get(family, "iand")
    if readout is None:
        readout = "sum" if family == "dsnn" else "spike"
    faults = _faults(family, depth, timesteps, (connection, readout))
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
        start_as_identity(network)
    return network


def initialise(network: ResidualNetwork) -> None:
    """Gaussian convolutions of variance 2 / fan-out (He et al., ICCV 2015), as published."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and not module.weight.is_meta:
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


@torch.no_grad()
def start_as_identity(network: ResidualNetwork) -> None:
    """Makes every block pass its identity on unchanged, where it does not change shape.

    The last batch norm of each branch (or the convolution that it was fused into) is set to
    zero, so that the branch never fires. AND needs a branch that always fires: its shift is 1.
    """
    always = 1.0 if network.connection == "and" else 0.0
    for block in network.blocks():
        convolution, norm = block.last_convolution[0], block.last_convolution[1]
        target = norm if isinstance(norm, nn.BatchNorm2d) else convolution
        assert isinstance(target, nn.BatchNorm2d | nn.Conv2d)
        assert target.bias is not None
        target.weight.zero_()
        target.bias.fill_(always)


def _faults(
    family: str, depth: int, timesteps: int, options: tuple[str | None, str]
) -> list[Fault]:
    connection, readout = options
    faults = []
    if family not in LEGAL_CONNECTIONS:
        problem = f"must be a family of residual networks (got {family!r})."
        faults.append(Fault("family", problem, nearest(str(family), LEGAL_CONNECTIONS)))
    elif connection not in LEGAL_CONNECTIONS[family]:
        legal = ", ".join(str(name) for name in LEGAL_CONNECTIONS[family])
        problem = f"must fit the family {family} (got {connection!r})."
        faults.append(Fault("connection", problem, f"Choose one of: {legal}."))
    if depth not in BLOCKS:
        problem = f"must be one of {', '.join(map(str, BLOCKS))} (got {depth!r})."
        faults.append(Fault("depth", problem))
    if timesteps < 1:
        faults.append(Fault("timesteps", f"must be at least 1 (got {timesteps})."))
    legal_readouts = READOUTS if family == "dsnn" else ("spike",)
    if readout not in legal_readouts:
        problem = f"must be one of {', '.join(legal_readouts)} for {family} (got {readout!r})."
        faults.append(Fault("readout", problem))
    return faults


def _check_image(image: Tensor) -> None:
    if image.dim() != 4 or image.shape[1] != 3:
        raise InputError(
            Fault(
                "image",
                f"must have the shape (N, 3, H, W) (got {tuple(image.shape)}).",
                "Give one static image without a time dimension; the network holds it.",
            )
        )
