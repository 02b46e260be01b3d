"""Placement: which tensors live in the activation buffer, and which in DRAM.

A tensor lives from the fused layer that makes it to the last one that reads it. In layer order a
layer's T timesteps are made before the next layer reads them, so T copies live at once. Tensors
are placed in the order in which they are made; one that does not fit beside those already there,
at any moment of its life, is stored in DRAM as a whole. The network's input starts in DRAM.
"""

import numpy as np

from codesign.mapping.fusion import FusedLayer
from codesign.specs.architecture import Precision
from codesign.workload import Kind, Tensor, Workload


def element_bits(tensor: Tensor, precision: Precision) -> int:
    """Stored width of an element: spikes 1, integers as wide as their largest value."""
    if tensor.kind is Kind.REAL:
        return precision.activation_bits
    return max(1, (tensor.largest or 1).bit_length())


def read_tensors(fused: FusedLayer) -> tuple[str, ...]:
    """Tensors that a fused layer reads: the main layer's first input, then the operands."""
    return tuple(dict.fromkeys((fused.main.inputs[0], *fused.operands)))


def lifetimes(workload: Workload, fused_layers: tuple[FusedLayer, ...]) -> dict[str, range]:
    """For every stored tensor, the fused layers during which it must exist."""
    first = {name: fused.index for fused in fused_layers for name in fused.stored}
    last = dict(first)
    for fused in fused_layers:
        for name in read_tensors(fused):
            if name in last:
                last[name] = max(last[name], fused.index)
    for name in workload.outputs:
        last[name] = len(fused_layers) - 1
    return {name: range(first[name], last[name] + 1) for name in first}


def tensors_in_dram(
    workload: Workload, fused_layers: tuple[FusedLayer, ...], precision: Precision, capacity: int
) -> frozenset[str]:
    """Names of the tensors that live in DRAM.

    Args:
        workload: whose tensors.
        fused_layers: in order of computation.
        precision: widths of elements.
        capacity: bits of the activation buffer.
    """
    used = np.zeros(len(fused_layers), dtype=np.int64)
    made = {name for fused in fused_layers for name in fused.stored}
    outside = {tensor.name for tensor in workload.tensors} - made
    for name, life in lifetimes(workload, fused_layers).items():
        tensor = workload.tensor_by_name[name]
        bits = tensor.size * tensor.timesteps * element_bits(tensor, precision)
        during = slice(life.start, life.stop)
        if used[during].max() + bits > capacity:
            outside.add(name)
        else:
            used[during] += bits
    read = {name for fused in fused_layers for name in read_tensors(fused)}
    return frozenset(outside & (made | read))
