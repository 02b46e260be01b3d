"""Spikformer: a spiking vision transformer for small images, with ADD or with logic.

A static image `(N, 3, H, W)` is held for T timesteps. Patch splitting makes spikes of it: four 3x3
convolutions, each with batch norm and LIF neurons, the last two with a 3x3 max-pool of stride 2
behind them. A convolution on positions follows, then blocks of spiking self-attention and MLP. All
three are residual branches, `o' = g(s, o)`; with the accumulation pathway `a' = a + s` stands
beside every g, from the patches on, and has a head of its own. The head averages over the tokens
and over time.

Structure after Zhou et al. (ICLR 2023), in their size for CIFAR: Spikformer-4-384 has 4 blocks, 384
channels, heads of 32 channels, an MLP ratio of 4, and T = 4. arXiv 2301.11929 does not name the
size; this one fits its Table 4. Tokens are kept as maps, so that a linear layer per token is a 1x1
convolution; the bias that the published linear layers have in front of their batch norm is part
of the batch norm's. That g takes the place of ADD behind the position convolution too is our
reading of the paper.

Attention has no softmax: `q k^T v` of spikes q, k, v, scaled by 1/8 and fired again. The product
can be taken in either order, with equal results:

- `scores`, as published: `(q k^T) v`, tokens x tokens integers per head;
- `context`: `q (k^T v)`, channels x channels integers per head, cheaper while there are more tokens
  than channels in a head.
"""

from collections import OrderedDict
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from codesign.errors import Fault, InputError
from codesign.networks.accumulation import Accumulation, AccumulationHead
from codesign.networks.blocks import Streams, conv3x3, pointwise
from codesign.networks.connections import CONNECTIONS
from codesign.networks.families import LOGIC, Connections, chosen, option_faults
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import LIF
from codesign.networks.timesteps import HoldForTimesteps, TimeBatched

HEAD_CHANNELS = 32
SCALE = 0.125
"""Of attention; on a chip it is a shift."""

ATTENTION_THRESHOLD = 0.5
MLP_RATIO = 4
ATTENTIONS = ("scores", "context")
LEGAL_CONNECTIONS: Connections = {"fsnn": LOGIC, "dsnn": LOGIC, "sew": ("add",)}
"""Connections by family, the usual one first."""


class SpikeProduct(nn.Module):
    """Matrix product of spikes with spikes or with the integers of another product."""

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        return left @ right


class Branch(nn.Module):
    """A residual branch: `o' = g(s, o)` of its spikes s and, dual-stream, `a' = a + s`."""

    def __init__(self, connection: str, *, accumulates: bool):
        super().__init__()
        self.connection = CONNECTIONS[connection]
        self.accumulation: nn.Module | None = Accumulation() if accumulates else None

    def spikes(self, o: Tensor) -> Tensor:
        """s, in the shape of o."""
        raise NotImplementedError

    def last_convolution(self) -> TimeBatched:
        """The convolution and batch norm that make the branch's result."""
        raise NotImplementedError

    def forward(self, streams: Streams) -> Streams:
        o, a = streams
        s = self.spikes(o)
        if a is not None and self.accumulation is not None:
            a = self.accumulation(a, s)
        return self.connection(s, o), a


class Position(Branch):
    """3x3 convolution on the map of tokens, which tells them where they are."""

    def __init__(self, width: int, connection: str, *, accumulates: bool):
        super().__init__(connection, accumulates=accumulates)
        self.encode = spiking(conv3x3(width, width, 1))

    def spikes(self, o: Tensor) -> Tensor:
        result: Tensor = self.encode(o)
        return result

    def last_convolution(self) -> TimeBatched:
        return _chain(self.encode)


class Attention(Branch):
    """Spiking self-attention."""

    def __init__(self, width: int, connection: str, *, attention: str, accumulates: bool):
        super().__init__(connection, accumulates=accumulates)
        self.heads, self.order = width // HEAD_CHANNELS, attention
        self.q, self.k, self.v = (spiking(pointwise(width, width)) for _ in range(3))
        self.inner, self.outer = SpikeProduct(), SpikeProduct()
        self.sn = LIF(v_threshold=ATTENTION_THRESHOLD)
        self.proj = spiking(pointwise(width, width))

    def spikes(self, o: Tensor) -> Tensor:
        q, k, v = (self._by_head(branch(o)) for branch in (self.q, self.k, self.v))
        if self.order == "scores":
            scores = self.inner(q.transpose(-2, -1), k) * SCALE
            mixed = self.outer(v, scores.transpose(-2, -1))
        else:
            context = self.inner(k, v.transpose(-2, -1)) * SCALE
            mixed = self.outer(context.transpose(-2, -1), q)
        result: Tensor = self.proj(self.sn(mixed.reshape(o.shape)))
        return result

    def _by_head(self, x: Tensor) -> Tensor:
        """`(T, N, C, H, W)` as `(T, N, heads, channels of a head, tokens)`."""
        return x.reshape(*x.shape[:2], self.heads, HEAD_CHANNELS, -1)

    def last_convolution(self) -> TimeBatched:
        return _chain(self.proj)


class Mlp(Branch):
    """Two layers on each token, the inner one wider."""

    def __init__(self, width: int, connection: str, *, accumulates: bool):
        super().__init__(connection, accumulates=accumulates)
        self.fc1 = spiking(pointwise(width, MLP_RATIO * width))
        self.fc2 = spiking(pointwise(MLP_RATIO * width, width))

    def spikes(self, o: Tensor) -> Tensor:
        result: Tensor = self.fc2(self.fc1(o))
        return result

    def last_convolution(self) -> TimeBatched:
        return _chain(self.fc2)


class Spikformer(SpikingNetwork):
    """A spiking transformer for images `(N, 3, H, W)` of sides that 4 divides.

    Build it with `spikformer`, which checks its arguments.

    Attributes:
        depth: blocks.
        width: channels of a token.
        timesteps: T.
    """

    firing_current = 2.0  # tau of LIF: v_1 = x / tau

    def __init__(  # the arguments are those of spikformer, all by name
        self,
        *,
        family: str,
        depth: int,
        width: int,
        timesteps: int,
        connection: str,
        readout: str,
        attention: str,
        shared_head: bool,
        classes: int,
    ):
        super().__init__(family, connection, readout)
        self.depth, self.width, self.timesteps = depth, width, timesteps
        accumulates = family == "dsnn"
        self.hold = HoldForTimesteps(timesteps)
        self.patches = _patch_splitting(width)
        self.position = Position(width, connection, accumulates=accumulates)
        for number in range(1, depth + 1):
            block = OrderedDict[str, nn.Module](
                attention=Attention(
                    width, connection, attention=attention, accumulates=accumulates
                ),
                mlp=Mlp(width, connection, accumulates=accumulates),
            )
            self.add_module(f"block{number}", nn.Sequential(block))
        self.avgpool = TimeBatched(nn.AdaptiveAvgPool2d((1, 1)))
        self.add_heads(width, classes, shared=shared_head, head=AccumulationHead())

    def residuals(self) -> Iterator[Branch]:
        """All residual branches in order."""
        return (module for module in self.modules() if isinstance(module, Branch))

    def branches(self) -> list[TimeBatched]:
        return [branch.last_convolution() for branch in self.residuals()]

    def features(self, inputs: Tensor, *, accumulate: bool) -> Streams:
        """Both streams behind the last block, from an image `(N, 3, H, W)`.

        Raises:
            InputError: the image has another shape.
        """
        _check_image(inputs)
        spikes = self.patches(self.hold(inputs))
        streams: Streams = (spikes, spikes if accumulate else None)
        for branch in self.residuals():
            streams = branch(streams)
        return streams

    def pooled(self, o: Tensor) -> Tensor:
        return torch.flatten(self.avgpool(o), 2)


def spikformer(
    *,
    family: str,
    depth: int = 4,
    width: int = 384,
    timesteps: int = 4,
    connection: str | None = None,
    readout: str | None = None,
    attention: str = "scores",
    identity_start: bool = False,
    shared_head: bool = False,
    classes: int = 100,
) -> Spikformer:
    """A Spikformer with freshly initialised weights.

    Args:
        family: `sew` for the published one, `fsnn`, or `dsnn`.
        depth: blocks, at least 1.
        width: channels of a token, a multiple of 32.
        timesteps: T, at least 1.
        connection: g: `add` for sew; `and`, `iand`, `or` or `xor` (default `iand`) for the others.
        readout: `spike`, `accumulation` or `sum`: which logits a DSNN gives (default `sum`).
        attention: `scores` or `context`: the order of the product.
        identity_start: whether every branch starts silent; see `SpikingNetwork`.
        shared_head: whether both streams of a DSNN share one linear layer.
        classes: number of logits.

    Raises:
        InputError: an argument is not one of its legal values; all faults at once.
    """
    connection, readout = chosen(family, connection, readout, LEGAL_CONNECTIONS)
    faults = option_faults(family, connection, readout, LEGAL_CONNECTIONS)
    for name, value in (("depth", depth), ("timesteps", timesteps)):
        if value < 1:
            faults.append(Fault(name, f"must be at least 1 (got {value})."))
    if width < 1 or width % HEAD_CHANNELS:
        faults.append(Fault("width", f"must be a multiple of {HEAD_CHANNELS} (got {width})."))
    if attention not in ATTENTIONS:
        problem = f"must be one of {', '.join(ATTENTIONS)} (got {attention!r})."
        faults.append(Fault("attention", problem))
    if faults:
        raise InputError(faults)
    assert connection is not None
    network = Spikformer(
        family=family,
        depth=depth,
        width=width,
        timesteps=timesteps,
        connection=connection,
        readout=readout,
        attention=attention,
        shared_head=shared_head,
        classes=classes,
    )
    if identity_start:
        network.start_as_identity()
    return network


def spiking(convolution: nn.Conv2d) -> nn.Sequential:
    """`LIF(BN(convolution(x)))`."""
    norm = nn.BatchNorm2d(convolution.out_channels)
    return nn.Sequential(TimeBatched(convolution, norm), LIF())


def _chain(branch: nn.Sequential) -> TimeBatched:
    chain = branch[0]
    assert isinstance(chain, TimeBatched)
    return chain


def _patch_splitting(width: int) -> nn.Sequential:
    channels = (3, width // 8, width // 4, width // 2, width)
    parts: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (inputs, outputs) in enumerate(pairwise(channels), start=1):
        parts[f"conv{number}"] = spiking(conv3x3(inputs, outputs, 1))
        if number > 2:
            pool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)
            parts[f"maxpool{number}"] = TimeBatched(pool)
    return nn.Sequential(parts)


def _check_image(image: Tensor) -> None:
    if image.dim() != 4 or image.shape[1] != 3 or image.shape[2] % 4 or image.shape[3] % 4:
        raise InputError(
            Fault(
                "image",
                f"must have the shape (N, 3, H, W) with sides that 4 divides "
                f"(got {tuple(image.shape)}).",
                "Give one static image without a time dimension; the network holds it.",
            )
        )
