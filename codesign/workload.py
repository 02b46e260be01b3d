"""The workload: a network as a graph of layers and the tensors that flow between them.

This is the hand-over from the torch side to the chip side of the program. A `Workload` knows
shapes, kinds and streams but holds no weights and no spikes; the spikes of one input are in a
`codesign.trace.Trace`. It is frozen, plain data, and turns into JSON and back.

Shapes leave out time and batch: `(C, H, W)` for a feature map, `(F,)` for a vector. How often a
tensor exists is its `timesteps`: T, or 1 for a value that does not change with the timestep
(the stem of the ImageNet ResNets sees the image once).
"""

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any


class Kind(StrEnum):
    """What the values of a tensor are, by declaration and never by looking at them."""

    SPIKE = "spike"
    """0 or 1."""
    INTEGER = "integer"
    """0, 1, 2, ... up to the tensor's `largest`: a sum of spikes."""
    REAL = "real"
    """Anything else: pixels, membrane currents, means."""


class Stream(StrEnum):
    """Which of the two pathways of a dual-stream network a layer or tensor belongs to."""

    SPIKE = "spike"
    ACCUMULATION = "accumulation"


class LayerType(StrEnum):
    """What a layer computes."""

    CONVOLUTION = "convolution"
    LINEAR = "linear"
    NEURON = "neuron"
    MAX_POOL = "max_pool"
    AVERAGE_POOL = "average_pool"
    TIME_MEAN = "time_mean"
    LOGIC = "logic"
    """Element-wise function of spikes with spikes as its result (AND, IAND, OR, XOR)."""
    ADD = "add"
    """Element-wise sum: SEW's residual, the accumulation pathway, td-BN's membrane current."""
    RELU = "relu"
    PRODUCT = "product"
    """Matrix product of recorded spikes with recorded spikes or integers: attention."""


SYNAPTIC = (LayerType.CONVOLUTION, LayerType.LINEAR)
"""Layers with weights: every non-zero input causes one operation per weight that it meets."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value that flows between layers.

    Attributes:
        name: unique in its workload; the recorded array bears the same name.
        shape: `(C, H, W)` or `(F,)`, without time and batch.
        timesteps: T, or 1 if the value is the same at every timestep and is computed once.
        kind: spike, integer or real.
        stream: the stream of the layer that produced it.
        largest: the largest value that a spike (1) or integer tensor can hold; None if real.
    """

    name: str
    shape: tuple[int, ...]
    timesteps: int
    kind: Kind
    stream: Stream = Stream.SPIKE
    largest: int | None = None

    @property
    def size(self) -> int:
        """Elements at one timestep."""
        return math.prod(self.shape)


@dataclass(frozen=True, slots=True)
class Window:
    """The geometry of a convolution or pool; every pair is `(vertical, horizontal)`."""

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    @property
    def taps(self) -> int:
        """Positions of the kernel."""
        return self.kernel[0] * self.kernel[1]


@dataclass(frozen=True, slots=True)
class Contraction:
    """The geometry of a product: `out[g, p, j] = sum over k of events[g, p, k] values[g, k, j]`.

    The layer's first input is the spikes, which are taken for events, its second the values that
    an event adds up. Each index runs over its operand's elements (last axis of the tensor's shape
    fastest) with a stride, so that heads and transposed views need no copies.

    Attributes:
        groups: independent products, one for each attention head.
        places: rows p of the events.
        inner: terms k of each sum.
        outputs: columns j of the values.
        event_strides: elements of the first input per step of (g, p, k).
        value_strides: elements of the second input per step of (g, k, j).
    """

    groups: int
    places: int
    inner: int
    outputs: int
    event_strides: tuple[int, int, int]
    value_strides: tuple[int, int, int]

    @property
    def size(self) -> int:
        """Operations of the dense product at one timestep."""
        return self.groups * self.places * self.inner * self.outputs


@dataclass(frozen=True, slots=True)
class Layer:
    """One operation of the network.

    Attributes:
        name: unique in its workload.
        type: what it computes.
        stream: the stream that it works for, as declared by the network.
        inputs: names of the tensors that it reads, in order.
        output: name of the tensor that it makes.
        window: geometry of a convolution or pool, None otherwise.
        function: the neuron's model (`IF`, `LIF`, `PLIF`) or the logic (`iand`), else empty.
        bias: whether a synaptic layer adds a bias, its own or that of a fused batch norm.
        batch_norm: whether a batch norm was fused into this layer; it is counted on request.
        contraction: geometry of a product, None otherwise.
    """

    name: str
    type: LayerType
    stream: Stream
    inputs: tuple[str, ...]
    output: str
    window: Window | None = None
    function: str = ""
    bias: bool = False
    batch_norm: bool = False
    contraction: Contraction | None = None


@dataclass(frozen=True)
class Workload:
    """A network's layers in an order in which they can be computed, and their tensors.

    Attributes:
        name: what the user calls it.
        timesteps: T of the network.
        tensors: all tensors, the network's input first.
        layers: all layers, each after the layers that it depends on.
        outputs: names of the tensors that leave the network (logits).
    """

    name: str
    timesteps: int
    tensors: tuple[Tensor, ...]
    layers: tuple[Layer, ...]
    outputs: tuple[str, ...]

    @cached_property
    def tensor_by_name(self) -> dict[str, Tensor]:
        return {tensor.name: tensor for tensor in self.tensors}

    @cached_property
    def producer_by_tensor(self) -> dict[str, Layer]:
        return {layer.output: layer for layer in self.layers}

    @cached_property
    def consumers_by_tensor(self) -> dict[str, tuple[Layer, ...]]:
        consumers: dict[str, list[Layer]] = {tensor.name: [] for tensor in self.tensors}
        for layer in self.layers:
            for name in dict.fromkeys(layer.inputs):
                consumers[name].append(layer)
        return {name: tuple(layers) for name, layers in consumers.items()}

    @cached_property
    def readout_layers(self) -> frozenset[str]:
        """Names of the layers behind a mean over timesteps, the mean included."""
        behind: set[str] = set()
        for layer in self.layers:
            makers = (self.producer_by_tensor.get(name) for name in layer.inputs)
            if layer.type is LayerType.TIME_MEAN or any(
                maker is not None and maker.name in behind for maker in makers
            ):
                behind.add(layer.name)
        return frozenset(behind)

    def input_tensor(self, layer: Layer) -> Tensor:
        """The first (for a synaptic layer, the only) tensor that a layer reads."""
        return self.tensor_by_name[layer.inputs[0]]

    def output_tensor(self, layer: Layer) -> Tensor:
        return self.tensor_by_name[layer.output]

    def synaptic_layers(self) -> Iterator[Layer]:
        return (layer for layer in self.layers if layer.type in SYNAPTIC)

    def weight_count(self, layer: Layer) -> int:
        """Weights of a synaptic layer without its bias; 0 for other layers."""
        if layer.type not in SYNAPTIC:
            return 0
        inputs, outputs = self.input_tensor(layer), self.output_tensor(layer)
        if layer.window is None:
            positions = math.prod(outputs.shape[:-1])
            return inputs.size // positions * outputs.shape[-1]
        return inputs.shape[0] // layer.window.groups * outputs.shape[0] * layer.window.taps

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "timesteps": self.timesteps,
            "tensors": [asdict(tensor) for tensor in self.tensors],
            "layers": [asdict(layer) for layer in self.layers],
            "outputs": list(self.outputs),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Workload":
        """The workload that `to_json` wrote.

        Raises:
            KeyError, TypeError, ValueError: the data is not what `to_json` writes; whoever reads
                a file turns this into an error that names the file.
        """
        return cls(
            name=data["name"],
            timesteps=int(data["timesteps"]),
            tensors=tuple(_tensor(entry) for entry in data["tensors"]),
            layers=tuple(_layer(entry) for entry in data["layers"]),
            outputs=tuple(data["outputs"]),
        )


def _tensor(entry: dict[str, Any]) -> Tensor:
    return Tensor(
        **{
            **entry,
            "shape": tuple(int(size) for size in entry["shape"]),
            "kind": Kind(entry["kind"]),
            "stream": Stream(entry["stream"]),
        }
    )


def _layer(entry: dict[str, Any]) -> Layer:
    window = entry["window"]
    if window is not None:
        pairs = {key: tuple(value) for key, value in window.items() if key != "groups"}
        window = Window(**pairs, groups=int(window["groups"]))
    contraction = entry.get("contraction")
    if contraction is not None:
        listed = ("event_strides", "value_strides")
        contraction = Contraction(
            **{**contraction, **{name: tuple(contraction[name]) for name in listed}}
        )
    return Layer(
        **{
            **entry,
            "type": LayerType(entry["type"]),
            "stream": Stream(entry["stream"]),
            "inputs": tuple(entry["inputs"]),
            "window": window,
            "contraction": contraction,
        }
    )
