"""Widths: how many bits an element of each tensor takes where it is stored and moved.

A spike is one bit and an integer as wide as its largest value. A real is fixed point of the
architecture's activation width, which holds what a convolution, a ReLU or a pool gives; each sum
behind it may exceed that range, so `a + s + ... + s` over k blocks is stored with
ceil(log2(1 + k)) bits more. It is assumed that weights are scaled so that their sums fit.
"""

from collections.abc import Mapping

from codesign.specs.architecture import Precision
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Workload


def element_widths(workload: Workload, precision: Precision) -> dict[str, int]:
    """Bits of an element, by the tensor's name."""
    reach = _reaches(workload)
    return {
        tensor.name: (
            precision.activation_bits + (reach[tensor.name] - 1).bit_length()
            if tensor.kind is Kind.REAL
            else max(1, (tensor.largest or 1).bit_length())
        )
        for tensor in workload.tensors
    }


def _reaches(workload: Workload) -> dict[str, int]:
    """The largest magnitude of each tensor, in multiples of the range of an activation."""
    reach: dict[str, int] = {tensor.name: 1 for tensor in workload.tensors}
    for layer in workload.layers:
        if workload.output_tensor(layer).kind is Kind.REAL:
            reach[layer.output] = _reach(layer, workload, reach)
    return reach


def _reach(layer: Layer, workload: Workload, reach: Mapping[str, int]) -> int:
    """Sums add up, a ReLU, pool or mean stays within its input, and weights are scaled such that
    what they make fits an activation.

    A spike is at most one range, an integer as many as its largest value.
    """
    parts = [workload.tensor_by_name[name].largest or reach[name] for name in layer.inputs]
    if layer.type is LayerType.ADD:
        return sum(parts)
    return 1 if layer.type in SYNAPTIC else max(parts)
