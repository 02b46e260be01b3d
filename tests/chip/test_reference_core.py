"""One core of 128 lanes counts cycles as published models do, on ideal memory or in small tiles."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.chip.schedule import timeline
from codesign.mapping import map_workload
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import load_architecture
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType, Window
from tests.chip.small_chips import simulated
from tests.small_networks import NetworkBuilder

CHIPS = [load_architecture(name) for name in ("single_spike_core_128", "prosperity_like")]


def spikes_unfolded(trace: Trace, layer: Layer) -> int:
    """Ones in the columns that a convolution's input is unfolded to, padded with zeros."""
    assert layer.window is not None
    (height, width), stride = layer.window.kernel, layer.window.stride
    maps = trace.values(layer.inputs[0]).reshape(-1, *trace.workload.input_tensor(layer).shape)
    pad_y, pad_x = layer.window.padding
    padded = np.pad(maps, ((0, 0), (0, 0), (pad_y, pad_y), (pad_x, pad_x)))
    ones = 0
    for y in range(0, padded.shape[2] - height + 1, stride[0]):
        for x in range(0, padded.shape[3] - width + 1, stride[1]):
            ones += int(padded[:, :, y : y + height, x : x + width].sum())
    return ones


@st.composite
def networks(draw: st.DrawFn) -> Trace:
    """Convolutions of spikes of many sizes, one behind the other."""
    net = NetworkBuilder(draw(st.integers(1, 4)), draw(st.integers(0, 9999)), draw(st.floats(0, 1)))
    source = net.add_tensor("x", (draw(st.integers(1, 5)), 9, 8), Kind.SPIKE, largest=1)
    for number in range(draw(st.integers(1, 3))):
        kernel, stride = draw(st.sampled_from([1, 3])), draw(st.sampled_from([1, 2]))
        window = Window((kernel, kernel), (stride, stride), (kernel // 2, kernel // 2))
        channels = draw(st.sampled_from([1, 64, 127, 128, 129, 200, 256, 300]))
        net.convolution(source, channels, window, name=f"conv{number}")
        source = net.neuron(f"conv{number}", name=f"sn{number}")
    return net.trace()


@settings(max_examples=60, deadline=None)
@given(trace=networks(), chip=st.sampled_from(CHIPS))
def test_a_convolution_takes_a_cycle_for_each_unfolded_spike_and_128_output_channels(
    trace: Trace, chip: Architecture
) -> None:
    run = simulated(trace, chip)
    plans = map_workload(trace.workload, chip).plans
    slices = {plan.fused.name: plan.grid.slices for plan in plans}
    rows = timeline(run.jobs, run.schedule)
    rows = rows[(rows.resource == "spike[0]") & (rows.state == "accumulate")]
    cycles = (rows.end_cycle - rows.start_cycle).groupby(rows.layer).sum().to_dict()
    for layer in trace.workload.layers:
        if layer.type is LayerType.CONVOLUTION:
            channels = trace.workload.output_tensor(layer).shape[0]
            groups = -(-channels // 128)
            if chip.name == "prosperity_like":  # whose tiles may have fewer than 128 channels
                groups = sum(-(-(last - first) // 128) for first, last in slices[layer.name])
            assert cycles.get(layer.name, 0) == spikes_unfolded(trace, layer) * groups
