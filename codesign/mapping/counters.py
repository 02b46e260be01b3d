"""Counters: additions of the accumulation pathway that need no feature map.

Behind the pathway's last nonlinearity `a + s` is only added up and averaged over the map, and the
mean of a sum is the sum of the means: with `policy.accumulation_additions: counters` a spike of `s`
steps the counter of its channel, and the counters are added to the mean of the `a` before, as
vectors. In terms of layers, `pool(a + s + ...)` becomes `pool(a) + pool(s) + ...`: a pool of spikes
does an addition for each spike, and stores a word for each channel. The map of `a` is not stored,
loaded or added to behind the nonlinearity. Counters are kept for each timestep.

The mapper sees the network so; counts of the network and its record stay what they are.
"""

from dataclasses import replace
from functools import partial

from codesign.counting import added_spikes
from codesign.specs.architecture import Policy
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType, Stream, Tensor, Workload


def as_computed(workload: Workload, policy: Policy | None) -> Workload:
    """The network as a chip with this policy computes it: with counters, if it says so."""
    if policy is None or policy.accumulation_additions != "counters":
        return workload
    for pool in workload.layers:
        if chain := counted_additions(workload, pool):
            workload = _with_counters(workload, pool, chain)
    return workload


def counted_additions(workload: Workload, pool: Layer) -> tuple[Layer, ...]:
    """Additions of spikes, first to last, that nothing but a mean over the whole map sees."""
    averaged = workload.output_tensor(pool)
    is_mean = pool.type is LayerType.AVERAGE_POOL and averaged.size == averaged.shape[0]
    if not is_mean or pool.stream is not Stream.ACCUMULATION:
        return ()
    chain: list[Layer] = []
    reader, name = pool, pool.inputs[0]
    while True:
        layer = workload.producer_by_tensor.get(name)
        if layer is None or not _is_counted(workload, layer, reader):
            return tuple(reversed(chain))
        chain.append(layer)
        reader, name = layer, _other(workload, layer)


def _is_counted(workload: Workload, layer: Layer, reader: Layer) -> bool:
    tensors = [workload.tensor_by_name[name] for name in (*layer.inputs, layer.output)]
    return (
        layer.type is LayerType.ADD
        and layer.stream is Stream.ACCUMULATION
        and len(layer.inputs) == 2
        and added_spikes(workload, layer) != ""
        and len({(tensor.timesteps, tensor.shape) for tensor in tensors}) == 1
        and [user.name for user in workload.consumers_by_tensor[layer.output]] == [reader.name]
        and layer.output not in workload.outputs
    )


def _other(workload: Workload, layer: Layer) -> str:
    """What spikes are added to."""
    first, second = layer.inputs
    return first if added_spikes(workload, layer) == second else second


def _with_counters(workload: Workload, pool: Layer, chain: tuple[Layer, ...]) -> Workload:
    """The additions of a chain become pools of spikes, and behind the pool of what is left follow
    additions of vectors."""
    means = workload.output_tensor(pool)
    counts = {layer.name: f"{layer.output} counted" for layer in chain}
    sums = [f"{layer.output} averaged" for layer in chain[:-1]] + [pool.output]
    before = f"{pool.output} before {chain[0].name}"
    layers: list[Layer] = []
    for layer in workload.layers:
        if layer.name in counts:
            spikes, made = added_spikes(workload, layer), counts[layer.name]
            layers.append(replace(pool, name=layer.name, inputs=(spikes,), output=made))
        elif layer.name == pool.name:
            layers.append(replace(pool, inputs=(_other(workload, chain[0]),), output=before))
            for added, sum_of, total in zip(chain, [before, *sums[:-1]], sums, strict=True):
                inputs = (sum_of, counts[added.name])
                name = f"{added.name}.counters"
                layers.append(Layer(name, LayerType.ADD, pool.stream, inputs, total))
        else:
            layers.append(layer)
    gone = {layer.output for layer in chain}
    kept = [tensor for tensor in workload.tensors if tensor.name not in gone]
    added_tensors = [_like(means, name) for name in (before, *counts.values(), *sums[:-1])]
    return replace(workload, tensors=(*kept, *added_tensors), layers=tuple(layers))


def _like(means: Tensor, name: str) -> Tensor:
    return replace(means, name=name, kind=Kind.REAL, largest=None)


def trace_as_computed(trace: Trace, workload: Workload) -> Trace:
    """The record of a network, for the same network as a chip computes it."""
    if trace.workload == workload:
        return trace
    known = [name for name in trace.names if name in workload.tensor_by_name]
    packed = {name: partial(trace.packed, name) for name in known}
    return Trace(workload, trace.provenance, trace.hash, packed, trace.magnitudes)
