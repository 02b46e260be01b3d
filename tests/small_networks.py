"""Small workloads with random spikes, made without torch, for tests of everything after capture."""

from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codesign.trace import Trace, trace_from_arrays
from codesign.workload import Contraction, Kind, Layer, LayerType, Stream, Tensor, Window, Workload


def output_size(size: int, axis: int, window: Window) -> int:
    reach = window.dilation[axis] * (window.kernel[axis] - 1) + 1
    return (size + 2 * window.padding[axis] - reach) // window.stride[axis] + 1


@dataclass
class NetworkBuilder:
    """Puts layers one after the other and draws random values for what a trace records.

    The values of a tensor follow from the seed and its name alone.
    """

    timesteps: int = 2
    seed: int = 0
    rate: float = 0.3
    tensors: list[Tensor] = field(default_factory=list)
    layers: list[Layer] = field(default_factory=list)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)

    def tensor(self, name: str) -> Tensor:
        return next(tensor for tensor in self.tensors if tensor.name == name)

    def add_tensor(
        self,
        name: str,
        shape: tuple[int, ...],
        kind: Kind,
        *,
        largest: int | None = None,
        static: bool = False,
        stream: Stream = Stream.SPIKE,
    ) -> str:
        timesteps = 1 if static else self.timesteps
        highest = 1 if kind is not Kind.INTEGER else largest
        assert highest is not None
        known = largest if kind is Kind.INTEGER else (1 if kind is Kind.SPIKE else None)
        self.tensors.append(Tensor(name, shape, timesteps, kind, stream, known))
        random = np.random.default_rng([self.seed, *name.encode()])
        chosen = random.random((timesteps, *shape)) < self.rate
        values = random.integers(1, highest + 1, (timesteps, *shape))
        self.arrays[name] = np.where(chosen, values, 0).astype(np.uint8)
        return name

    def add_layer(self, layer_type: LayerType, inputs: tuple[str, ...], **changes: Any) -> str:
        """A layer whose output bears its name; `changes` may give name, shape, kind, ..."""
        name = changes.pop("name", f"{layer_type}{len(self.layers)}")
        first = self.tensor(inputs[0])
        stream = changes.pop("stream", Stream.SPIKE)
        shape = changes.pop("shape", first.shape)
        kind = changes.pop("kind", Kind.REAL)
        largest = changes.pop("largest", None)
        static = changes.pop("static", first.timesteps == 1 and self.timesteps > 1)
        self.add_tensor(name, shape, kind, largest=largest, static=static, stream=stream)
        self.layers.append(Layer(name, layer_type, stream, inputs, name, **changes))
        return name

    def convolution(self, source: str, channels: int, window: Window, **changes: Any) -> str:
        _, height, width = self.tensor(source).shape
        shape = (channels, output_size(height, 0, window), output_size(width, 1, window))
        return self.add_layer(
            LayerType.CONVOLUTION, (source,), shape=shape, window=window, **changes
        )

    def neuron(self, source: str, **changes: Any) -> str:
        changes.setdefault("static", False)
        return self.add_layer(
            LayerType.NEURON, (source,), kind=Kind.SPIKE, function="IF", **changes
        )

    def product(self, events: str, values: str, contraction: Contraction, **changes: Any) -> str:
        """A product whose result is drawn, as all tensors are, and not computed."""
        largest = contraction.inner * (self.tensor(values).largest or 1)
        shape = (contraction.groups, contraction.places, contraction.outputs)
        return self.add_layer(
            LayerType.PRODUCT,
            (events, values),
            **{"kind": Kind.INTEGER, "largest": largest, "shape": shape, **changes},
            contraction=contraction,
        )

    def logic(self, sources: tuple[str, str], **changes: Any) -> str:
        return self.add_layer(LayerType.LOGIC, sources, kind=Kind.SPIKE, function="iand", **changes)

    def workload(self, name: str = "small") -> Workload:
        last = self.layers[-1].output if self.layers else self.tensors[-1].name
        return Workload(name, self.timesteps, tuple(self.tensors), tuple(self.layers), (last,))

    def trace(self, name: str = "small") -> Trace:
        return trace_from_arrays(
            self.workload(name), self.arrays, {"weights": "random test values"}
        )


def attention_network(
    timesteps: int = 2, seed: int = 0, sizes: tuple[int, int, int] = (2, 3, 5), rate: float = 0.3
) -> Trace:
    """Spikes q, k, v of (heads, channels of a head, tokens), `(q k^T) v` and neurons behind it."""
    heads, channels, tokens = sizes
    net = NetworkBuilder(timesteps, seed, rate)
    maps = (heads * channels, tokens, 1)
    for name in "qkv":
        net.add_tensor(f"{name}_current", maps, Kind.REAL)
    for name in "qkv":
        net.neuron(f"{name}_current", name=name)
    head = channels * tokens
    inner = Contraction(heads, tokens, channels, tokens, (head, 1, tokens), (head, tokens, 1))
    net.product("q", "k", inner, name="scores", shape=(heads, tokens, tokens))
    scores = tokens * tokens
    outer = Contraction(heads, channels, tokens, tokens, (head, tokens, 1), (scores, 1, tokens))
    net.product("v", "scores", outer, name="mixed", shape=(heads, channels, tokens))
    net.neuron("mixed", name="sn", shape=maps)
    return net.trace("attention")


POINT = Window((1, 1))
THREE = Window((3, 3), padding=(1, 1))
DOWN = Window((3, 3), stride=(2, 2), padding=(1, 1))


def dual_stream_network(
    timesteps: int = 2, seed: int = 0, accumulation: bool = True, channels: int = 4
) -> Trace:
    """A stem, one identity block, one downsampling block, and the heads of a DSNN, in small.

    Without `accumulation` it is the FSNN with the same spikes.
    """
    net = NetworkBuilder(timesteps, seed)
    net.add_tensor("input", (3, 12, 12), Kind.REAL, static=True)
    net.convolution("input", channels, DOWN, name="stem", batch_norm=True, bias=True)
    net.neuron("stem", name="stem.sn")
    a = net.add_layer(
        LayerType.MAX_POOL,
        ("stem.sn",),
        name="pool",
        kind=Kind.SPIKE,
        shape=(channels, 3, 3),
        window=DOWN,
    )
    o, width = a, channels
    for block, stride in (("b1", 1), ("b2", 2)):
        down = stride == 2
        width = width * stride
        net.convolution(o, width, DOWN if down else THREE, name=f"{block}.conv1")
        net.neuron(f"{block}.conv1", name=f"{block}.sn1")
        net.convolution(f"{block}.sn1", width, THREE, name=f"{block}.conv2")
        s = net.neuron(f"{block}.conv2", name=f"{block}.sn2")
        identity = o
        if down:
            shortcut = Window((1, 1), stride=(2, 2))
            net.convolution(o, width, shortcut, name=f"{block}.downsample")
            identity = net.neuron(f"{block}.downsample", name=f"{block}.downsample.sn")
        if accumulation:
            if down:
                a = _downsample(net, a, width, block)
            a = _accumulate(net, a, s, block)
        o = net.logic((s, identity), name=f"{block}.iand")
    _head(net, o, "spike", Stream.SPIKE)
    if accumulation:
        _head(net, a, "accumulation", Stream.ACCUMULATION)
    return net.trace("dual" if accumulation else "single")


def with_the_spike_head(trace: Trace) -> Trace:
    """A trace whose spike stream gives its answer, whatever else does."""
    outputs = tuple(dict.fromkeys((*trace.workload.outputs, "spike.fc")))
    workload = replace(trace.workload, outputs=outputs)
    packed = {name: partial(trace.packed, name) for name in trace.names}
    return Trace(workload, trace.provenance, trace.hash, packed)


def _accumulate(net: NetworkBuilder, a: str, s: str, block: str) -> str:
    before = net.tensor(a)
    integer = before.kind is not Kind.REAL
    return net.add_layer(
        LayerType.ADD,
        (a, s),
        name=f"{block}.accumulation",
        stream=Stream.ACCUMULATION,
        kind=Kind.INTEGER if integer else Kind.REAL,
        largest=(before.largest or 0) + 1 if integer else None,
    )


def _downsample(net: NetworkBuilder, a: str, width: int, block: str) -> str:
    channels = net.tensor(a).shape[0]
    depthwise = Window((3, 3), stride=(2, 2), padding=(1, 1), groups=channels)
    stream = Stream.ACCUMULATION
    net.convolution(a, channels, depthwise, name=f"{block}.pool.depthwise", stream=stream)
    net.convolution(
        f"{block}.pool.depthwise", width, POINT, name=f"{block}.pool.pointwise", stream=stream
    )
    return net.add_layer(
        LayerType.RELU, (f"{block}.pool.pointwise",), name=f"{block}.pool.relu", stream=stream
    )


def _head(net: NetworkBuilder, source: str, name: str, stream: Stream) -> None:
    channels, height, width = net.tensor(source).shape
    net.add_layer(
        LayerType.AVERAGE_POOL,
        (source,),
        name=f"{name}.avgpool",
        shape=(channels,),
        window=Window((height, width), stride=(height, width)),
        stream=stream,
    )
    net.add_layer(
        LayerType.TIME_MEAN, (f"{name}.avgpool",), name=f"{name}.mean", static=True, stream=stream
    )
    net.add_layer(
        LayerType.LINEAR, (f"{name}.mean",), name=f"{name}.fc", shape=(10,), stream=stream
    )
