"""Populations: neurons that are updated together, and the tensors that reach them as messages.

A population is a fused layer (`codesign.mapping.fusion`) and those that hand it their sums without
a spike between, as the stem, whose current drives the neurons at every timestep, or a downsample
whose current is added. Its neurons sit on the chip's cores; what it reads from other populations
comes in messages, one for every spike. Two rules say what is a message and what a sum in place:

- A real tensor, and an integer one that a single addition reads, stays where it is made if its
  readers are element-wise: both are one population, and nothing is sent.
- Everything else is sent: spikes, integers as so many spikes, and reals, where the policy lets a
  layer read them, bit by bit.

The network's inputs are populations too, which fire what was recorded. Reading out the logits is
left out: they are the membranes of the last population.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from codesign.errors import CapacityError
from codesign.mapping.fusion import ELEMENT_WISE, FusedLayer, fuse
from codesign.mapping.geometry import POOLS
from codesign.specs.architecture import Architecture
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Stream, Tensor, Workload

IN_PLACE = (*ELEMENT_WISE, LayerType.TIME_MEAN)
"""Layers that take what a neuron of the same place hands them."""


@dataclass(frozen=True)
class Route:
    """A tensor that comes in messages, and the layer whose synapses they meet."""

    tensor: str
    layer: Layer


@dataclass(frozen=True)
class Population:
    """Neurons that are updated together.

    Attributes:
        name: of the layer with which it begins, or of the network's input.
        stream: of that layer.
        shape: of its neurons, as of a tensor.
        layers: that it computes; none for an input.
        routes: what reaches it.
        sent: tensors that it sends.
        fired: spikes that leave the network, which cost the soma what every spike does.
        during: the network's timesteps in which it is updated, see `timesteps_made`.
        depth: timesteps of the chip after which its first timestep begins: the most messages one
            after the other on a way from an input.
    """

    name: str
    stream: Stream
    shape: tuple[int, ...]
    layers: tuple[Layer, ...]
    routes: tuple[Route, ...]
    sent: tuple[str, ...]
    fired: tuple[str, ...]
    during: slice
    depth: int

    @property
    def is_input(self) -> bool:
        return not self.layers


def timesteps_made(workload: Workload) -> dict[str, slice]:
    """The timesteps at which each tensor is made: all of them; the first, of what is computed once
    (the image, the stem's current); or the last, of what is computed from all timesteps."""
    late: set[str] = set()
    for layer in workload.layers:
        inputs = [workload.tensor_by_name[name] for name in layer.inputs]
        if workload.output_tensor(layer).timesteps < workload.timesteps and any(
            each.timesteps == workload.timesteps or each.name in late for each in inputs
        ):
            late.add(layer.output)
    last = slice(workload.timesteps - 1, workload.timesteps)
    return {
        tensor.name: last if tensor.name in late else slice(0, tensor.timesteps)
        for tensor in workload.tensors
    }


def populations(workload: Workload, architecture: Architecture) -> tuple[Population, ...]:
    """All populations, inputs first, in an order in which they can be computed.

    Raises:
        CapacityError: the network has layers that messages of spikes cannot serve; with all their
            names and why.
    """
    fused = fuse(workload)
    refused = [_refusal(workload, layer, architecture) for each in fused for layer in each.layers]
    members = _joined(workload, fused)
    groups = [[fused[index] for index in indices] for indices in members]
    refused += [_sent_real(workload, group) for group in groups]
    said = [each for each in refused if each]
    if said:
        more = f" and {len(said) - _NAMED} more" if len(said) > _NAMED else ""
        raise CapacityError(
            f"{architecture.name}: layers must read spikes, which are what its messages carry, but "
            f"{'; '.join(said[:_NAMED])}{more}. Use a chip with accumulation cores, or a network "
            "without them."
        )
    return _in_order(workload, groups, architecture)


_NAMED = 8
"""Layers that a message names."""


def _refusal(workload: Workload, layer: Layer, architecture: Architecture) -> str:
    """Why a layer cannot be done; empty if it can."""
    kind = workload.input_tensor(layer).kind
    pooled = (Kind.SPIKE, Kind.INTEGER) if layer.type is LayerType.AVERAGE_POOL else (Kind.SPIKE,)
    if layer.type is LayerType.PRODUCT:
        return f"'{layer.name}' multiplies two recorded tensors"
    if layer.type is LayerType.RELU:
        return f"'{layer.name}' rectifies"
    if layer.type in POOLS and kind not in pooled:
        return f"'{layer.name}' pools {kind}s"
    if layer.type in SYNAPTIC and kind is Kind.REAL:
        return _refusal_of_reals(workload, layer, architecture)
    return ""


def _refusal_of_reals(workload: Workload, layer: Layer, architecture: Architecture) -> str:
    """Why a layer cannot read reals; empty if it can, bit by bit."""
    policy = architecture.policy
    assert policy is not None
    if policy.real_input != "bit_serial":
        return f"'{layer.name}' reads reals (policy.real_input is '{policy.real_input}')"
    if policy.bit_serial_layers == "all" or _is_end(workload, layer):
        return ""
    return f"'{layer.name}' reads reals inside the network (policy.bit_serial_layers is 'ends')"


def _is_end(workload: Workload, layer: Layer) -> bool:
    """Whether a layer reads the network's input, or is linear with no neurons behind it."""
    made = {each.output for each in workload.layers}
    if layer.inputs[0] not in made:
        return True
    behind = workload.consumers_by_tensor[layer.output]
    return layer.type is LayerType.LINEAR and all(
        each.type in (LayerType.TIME_MEAN, LayerType.ADD) for each in behind
    )


def _joined(workload: Workload, fused: Sequence[FusedLayer]) -> list[list[int]]:
    """Numbers of the fused layers of each population."""
    group = list(range(len(fused)))
    place = {layer.name: each.index for each in fused for layer in each.layers}
    for each in fused:
        for tensor in each.stored:
            readers = workload.consumers_by_tensor[tensor]
            if _stays(workload.tensor_by_name[tensor], readers, workload):
                for reader in readers:
                    first, second = group[each.index], group[place[reader.name]]
                    group = [min(first, second) if n in (first, second) else n for n in group]
    members: dict[int, list[int]] = defaultdict(list)
    for index, number in enumerate(group):
        members[number].append(index)
    return list(members.values())


def _stays(tensor: Tensor, readers: Sequence[Layer], workload: Workload) -> bool:
    """Whether a tensor is a sum in place, of neurons that also take it further."""
    if tensor.kind is Kind.SPIKE or not readers:
        return False
    if tensor.kind is Kind.INTEGER and len(readers) > 1:
        return False
    return all(
        reader.type in IN_PLACE and workload.output_tensor(reader).size == tensor.size
        for reader in readers
    )


def _sent_real(workload: Workload, group: Sequence[FusedLayer]) -> str:
    """Why a population's real sums cannot be read where they are; empty if they can."""
    inside = {layer.name for each in group for layer in each.layers}
    for each in group:
        for name in each.stored:
            readers = [r for r in workload.consumers_by_tensor[name] if r.name not in inside]
            is_real = workload.tensor_by_name[name].kind is Kind.REAL
            adding = [reader.name for reader in readers if reader.type in IN_PLACE]
            if is_real and adding:
                return f"'{adding[0]}' adds reals of another place"
    return ""


def _in_order(
    workload: Workload, groups: Sequence[Sequence[FusedLayer]], architecture: Architecture
) -> tuple[Population, ...]:
    maker = {
        layer.output: number
        for number, group in enumerate(groups)
        for each in group
        for layer in each.layers
    }
    needs = [_needs(group, maker, number) for number, group in enumerate(groups)]
    depths: dict[int, int] = {}
    waiting = list(range(len(groups)))
    while waiting:
        ready = [n for n in waiting if all(need in depths for need in needs[n])]
        if not ready:
            names = ", ".join(f"'{groups[number][0].name}'" for number in waiting[:_NAMED])
            raise CapacityError(
                f"{architecture.name}: currents must be added where they are made, but those of "
                f"{names} go round through spikes. Use a chip with accumulation cores."
            )
        for number in ready:
            depths[number] = 1 + max((depths[need] for need in needs[number]), default=0)
        waiting = [number for number in waiting if number not in depths]
    read = [route.tensor for group in groups for route in _routes(group)]
    inputs = [name for name in dict.fromkeys(read) if name not in maker]
    found = [_input(workload, name) for name in inputs]
    order = sorted(range(len(groups)), key=lambda number: (depths[number], number))
    return tuple(found + [_population(workload, groups[n], read, depths[n]) for n in order])


def _input(workload: Workload, name: str) -> Population:
    shape = workload.tensor_by_name[name].shape
    return Population(
        name, Stream.SPIKE, shape, (), (), (name,), (), timesteps_made(workload)[name], 0
    )


def _population(
    workload: Workload, group: Sequence[FusedLayer], read: Sequence[str], depth: int
) -> Population:
    main, during = group[0].main, timesteps_made(workload)
    made = [during[layer.output] for each in group for layer in each.layers]
    sent = [name for each in group for name in each.stored if name in read]
    return Population(
        main.name,
        main.stream,
        group[-1].output(workload).shape,
        tuple(layer for each in group for layer in each.layers),
        tuple(_routes(group)),
        tuple(dict.fromkeys(sent)),
        _leaving(workload, group, sent),
        max(made, key=lambda each: each.stop - each.start),
        depth,
    )


def _leaving(
    workload: Workload, group: Sequence[FusedLayer], sent: Sequence[str]
) -> tuple[str, ...]:
    """Spikes of a population that leave the network and that nobody else reads."""
    return tuple(
        name
        for each in group
        for name in each.stored
        if name not in sent and workload.tensor_by_name[name].kind is Kind.SPIKE
    )


def _routes(group: Sequence[FusedLayer]) -> list[Route]:
    """What reaches a population from outside, in the order of its layers."""
    layers = [layer for each in group for layer in each.layers]
    made = {layer.output for layer in layers}
    return [Route(name, layer) for layer in layers for name in layer.inputs if name not in made]


def _needs(group: Sequence[FusedLayer], maker: dict[str, int], number: int) -> set[int]:
    found = {maker[route.tensor] for route in _routes(group) if route.tensor in maker}
    return found - {number}
