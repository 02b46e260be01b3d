"""Footprint: how much memory each layer's weights, membranes and result take.

Sizes follow from shapes and number formats alone. Results are given for all timesteps together,
as a chip that works layer by layer holds them; membranes exist once.
"""

import pandas as pd

from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Precision
from codesign.workload import Layer, LayerType, Workload

FP32 = Precision.model_validate(
    {
        "weight": "32 bit",
        "accumulator": "32 bit",
        "activation": "32 bit",
        "source": "single precision, in which the paper counts its operations",
    }
)


def footprint(workload: Workload, precision: Precision = FP32) -> pd.DataFrame:
    """Bits by layer.

    Args:
        workload: the network.
        precision: widths of its numbers; spikes take one bit, integers what their largest needs.

    Returns:
        A row for each layer: `layer`, `weights` (how many, without biases), `weight_bits` (with
        biases at the accumulator's width), `membrane_bits`, `result_bits`.
    """
    widths = element_widths(workload, precision)
    return pd.DataFrame([_row(workload, layer, precision, widths) for layer in workload.layers])


def _row(
    workload: Workload, layer: Layer, precision: Precision, widths: dict[str, int]
) -> dict[str, str | int]:
    output = workload.output_tensor(layer)
    weights = workload.weight_count(layer)
    channels = output.shape[0] if layer.window else output.shape[-1]
    biases = channels if weights and layer.bias else 0
    neurons = output.size if layer.type is LayerType.NEURON else 0
    return {
        "layer": layer.name,
        "weights": weights,
        "weight_bits": weights * precision.weight_bits + biases * precision.accumulator_bits,
        "membrane_bits": neurons * precision.accumulator_bits,
        "result_bits": output.size * output.timesteps * widths[output.name],
    }
