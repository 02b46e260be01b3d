"""Fusion: which layers one core computes in one go, without storing what lies between.

A fused layer is a main layer and the element-wise layers behind it (its epilogue): a
convolution, the neurons that its sums drive, the residual logic of their spikes. The epilogue
ends where the other stream begins, where a value must first exist for a whole feature map,
where a value that is computed once drives every timestep (the stem's current, unless it is computed
again at each), or behind a layer that is done outside the chip.

Other values that the epilogue needs (the identity of a residual) are its operands. They must be
made before the main layer begins, so an element-wise layer belongs to the chain of its input that
is made last, or leads a chain of its own. In the order of their main layers the fused layers then
never wait for each other in a circle.
"""

from collections.abc import Set
from dataclasses import dataclass

from codesign.workload import SYNAPTIC, Layer, LayerType, Stream, Tensor, Workload

ELEMENT_WISE = (LayerType.NEURON, LayerType.LOGIC, LayerType.ADD, LayerType.RELU)


@dataclass(frozen=True)
class FusedLayer:
    """A main layer and its epilogue.

    Attributes:
        index: its place in the order of computation.
        main: the layer that gives it its name.
        epilogue: element-wise layers behind it, in order.
        operands: tensors that the epilogue needs beside the main layer's result.
        stored: tensors that layers outside read, or that leave the network.
    """

    index: int
    main: Layer
    epilogue: tuple[Layer, ...]
    operands: tuple[str, ...]
    stored: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.main.name

    @property
    def stream(self) -> Stream:
        return self.main.stream

    @property
    def layers(self) -> tuple[Layer, ...]:
        return (self.main, *self.epilogue)

    @property
    def is_synaptic(self) -> bool:
        return self.main.type in SYNAPTIC

    @property
    def sources(self) -> tuple[str, ...]:
        """Tensors that the main layer itself reads: both operands of a product, else one."""
        return self.main.inputs if self.main.type is LayerType.PRODUCT else self.main.inputs[:1]

    def is_recomputed(self, workload: Workload) -> bool:
        """Whether the main layer is computed at every timestep, though once would do."""
        once = workload.output_tensor(self.main).timesteps < self.timesteps(workload)
        return self.is_synaptic and once

    @property
    def has_neurons(self) -> bool:
        return any(layer.type is LayerType.NEURON for layer in self.layers)

    def output(self, workload: Workload) -> Tensor:
        """The result of its last layer; the main layer's has the same shape."""
        return workload.output_tensor(self.layers[-1])

    def timesteps(self, workload: Workload) -> int:
        return self.output(workload).timesteps


def read_tensors(fused: FusedLayer) -> tuple[str, ...]:
    """Tensors that a fused layer reads: those of its main layer, then the operands."""
    return tuple(dict.fromkeys((*fused.sources, *fused.operands)))


def fuse(
    workload: Workload, alone: Set[str] = frozenset(), again: Set[str] = frozenset()
) -> tuple[FusedLayer, ...]:
    """All layers of the workload, each in exactly one fused layer, in a computable order.

    Args:
        workload: whose layers they are.
        alone: names of layers that nothing is fused with.
        again: names of layers that are computed at every timestep, though their input does not
            change, to be fused with their neurons.
    """
    order = {layer.output: place for place, layer in enumerate(workload.layers)}
    taken: set[str] = set()
    chains = []
    for layer in workload.layers:
        if layer.name not in taken:
            chain = (layer,) if layer.name in alone else _chain(workload, layer, order, again)
            taken.update(member.name for member in chain)
            chains.append(chain)
    return tuple(_fused(workload, index, chain) for index, chain in enumerate(chains))


def recomputable(workload: Workload) -> frozenset[str]:
    """Names of convolutions and linear layers that are computed once, for neurons of all timesteps
    and for nothing else."""
    return frozenset(
        layer.name
        for layer in workload.layers
        for users in [workload.consumers_by_tensor[layer.output]]
        if layer.type in SYNAPTIC
        and layer.output not in workload.outputs
        and [user.type for user in users] == [LayerType.NEURON]
        and users[0].stream is layer.stream
        and workload.output_tensor(layer).timesteps < workload.output_tensor(users[0]).timesteps
    )


def _chain(
    workload: Workload, main: Layer, order: dict[str, int], again: Set[str]
) -> tuple[Layer, ...]:
    chain = [main]
    if main.name in again:
        chain += workload.consumers_by_tensor[main.output]
    while (follower := _follower(workload, chain, order)) is not None:
        chain.append(follower)
    return tuple(chain)


def _follower(workload: Workload, chain: list[Layer], order: dict[str, int]) -> Layer | None:
    """The element-wise layer that can be computed right behind a chain."""
    layer, begins = chain[-1], order[chain[0].output]
    made = workload.output_tensor(layer)
    if layer.type in (LayerType.MAX_POOL, LayerType.AVERAGE_POOL, LayerType.TIME_MEAN):
        return None
    for consumer in workload.consumers_by_tensor[layer.output]:
        result = workload.output_tensor(consumer)
        if consumer.type is LayerType.NEURON and any(
            member.type is LayerType.NEURON for member in chain
        ):
            continue  # a core keeps one membrane for each output
        if (
            consumer.type in ELEMENT_WISE
            and consumer.stream is layer.stream
            and result.timesteps == made.timesteps
            and (result.shape == made.shape or _puts_heads_together(chain, result, made))
            and all(
                name == layer.output or order.get(name, -1) < begins for name in consumer.inputs
            )
        ):
            return consumer
    return None


def _puts_heads_together(chain: list[Layer], result: Tensor, made: Tensor) -> bool:
    """Behind a product the channels of all heads are put side by side, in the same order."""
    return chain[0].type is LayerType.PRODUCT and result.size == made.size


def _fused(workload: Workload, index: int, chain: tuple[Layer, ...]) -> FusedLayer:
    made = {layer.output for layer in chain}
    members = {layer.name for layer in chain}
    operands = dict.fromkeys(
        name for layer in chain[1:] for name in layer.inputs if name not in made
    )
    if chain[0].type in ELEMENT_WISE:
        operands = dict.fromkeys(chain[0].inputs[1:]) | operands
    stored = [
        layer.output
        for layer in chain
        if layer.output in workload.outputs
        or any(user.name not in members for user in workload.consumers_by_tensor[layer.output])
    ]
    return FusedLayer(index, chain[0], chain[1:], tuple(operands), tuple(stored))
