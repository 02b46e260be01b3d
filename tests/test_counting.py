"""Counts equal explicit loops, and the kind of an operation follows from declarations alone."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesign.counting import count_layers, totals
from codesign.errors import TraceError
from codesign.fanout import tap_sums
from codesign.trace import trace_from_arrays
from codesign.workload import Kind, LayerType, Stream, Window
from tests.small_networks import NetworkBuilder, dual_stream_network, output_size


@st.composite
def windows(draw: Any, groups: int = 1) -> Window:
    def pair(low: int, high: int) -> tuple[int, int]:
        return draw(st.integers(low, high)), draw(st.integers(low, high))

    return Window(pair(1, 4), pair(1, 3), pair(0, 3), pair(1, 2), groups)


@st.composite
def convolutions(draw: Any, kind: Kind = Kind.SPIKE) -> tuple[NetworkBuilder, Window]:
    groups = draw(st.sampled_from([1, 2, 3]))
    window = draw(windows(groups))
    height, width = draw(st.integers(7, 12)), draw(st.integers(7, 12))
    net = NetworkBuilder(draw(st.integers(1, 3)), draw(st.integers(0, 999)), draw(st.floats(0, 1)))
    largest = draw(st.integers(1, 9)) if kind is Kind.INTEGER else None
    channels = groups * draw(st.integers(1, 2))
    net.add_tensor("x", (channels, height, width), kind, largest=largest)
    net.convolution("x", groups * draw(st.integers(1, 3)), window, name="conv")
    return net, window


def looped_pairs(values: NDArray[Any], shape: tuple[int, ...], window: Window) -> NDArray[Any]:
    """Pairs of unit and valid tap by the definition of a convolution: four nested loops."""
    timesteps, channels, height, width = values.shape
    pairs = np.zeros((timesteps, channels, shape[1]), dtype=int)
    for row in range(shape[1]):
        for column in range(shape[2]):
            for i in range(window.kernel[0]):
                for j in range(window.kernel[1]):
                    y = row * window.stride[0] - window.padding[0] + i * window.dilation[0]
                    x = column * window.stride[1] - window.padding[1] + j * window.dilation[1]
                    if 0 <= y < height and 0 <= x < width:
                        pairs[:, :, row] += values[:, :, y, x]
    return pairs


@given(case=convolutions())
@settings(max_examples=150, deadline=None)
def test_accumulates_equal_explicit_loops(case: tuple[NetworkBuilder, Window]) -> None:
    net, window = case
    shape = net.tensor("conv").shape
    pairs = looped_pairs(net.arrays["x"], shape, window)
    expected = pairs.sum(axis=(1, 2)) * (shape[0] // window.groups)
    counted = count_layers(net.trace())
    assert counted.ac_synaptic.tolist() == expected.tolist()
    assert counted["mac"].sum() == 0


@given(case=convolutions(Kind.INTEGER))
@settings(max_examples=80, deadline=None)
def test_integer_inputs_are_multiplied_or_repeated(case: tuple[NetworkBuilder, Window]) -> None:
    net, window = case
    values, shape = net.arrays["x"], net.tensor("conv").shape
    per_group = shape[0] // window.groups
    dense = values.shape[1] // window.groups * window.taps * np.prod(shape)
    nonzero = looped_pairs((values > 0).astype(int), shape, window).sum(axis=(1, 2)) * per_group
    repeated = looped_pairs(values, shape, window).sum(axis=(1, 2)) * per_group
    counted = count_layers(net.trace())
    assert counted["mac"].tolist() == [dense] * net.timesteps
    assert counted.mac_nonzero.tolist() == nonzero.tolist()
    assert counted.ac_repeat.tolist() == repeated.tolist()
    assert counted.ac_synaptic.sum() == 0


@given(case=convolutions(), cut=st.integers(1, 5))
@settings(max_examples=60, deadline=None)
def test_bands_of_rows_add_up_to_the_whole(case: tuple[NetworkBuilder, Window], cut: int) -> None:
    net, window = case
    shape = net.tensor("conv").shape
    edges = sorted({0, min(cut, shape[1]), shape[1]})
    bands = list(itertools.pairwise(edges))
    values = net.arrays["x"]
    by_band = tap_sums(values, shape, window, bands)
    looped = looped_pairs(values, shape, window)
    for index, (first, last) in enumerate(bands):
        assert by_band[:, :, index].tolist() == looped[:, :, first:last].sum(axis=2).tolist()


def test_a_stride_larger_than_the_kernel_leaves_inputs_unused() -> None:
    window = Window((1, 1), stride=(2, 2))
    values = np.ones((1, 1, 3, 3), dtype=np.uint8)
    assert output_size(3, 0, window) == 2
    assert tap_sums(values, (1, 2, 2), window).tolist() == [[[4]]]


@pytest.mark.parametrize("value", [0, 1])
def test_an_accumulation_tensor_of_zeros_or_ones_is_still_multiplied(value: int) -> None:
    net = NetworkBuilder()
    net.add_tensor("a", (2, 5, 5), Kind.INTEGER, largest=3, stream=Stream.ACCUMULATION)
    net.convolution("a", 3, Window((3, 3)), name="conv")
    net.arrays["a"][:] = value
    counted = count_layers(net.trace())
    assert counted["mac"].tolist() == [2 * 9 * 3 * 9] * 2
    assert counted.ac_synaptic.sum() == 0


def test_a_silent_spike_tensor_causes_no_accumulates() -> None:
    net = NetworkBuilder(rate=0.0)
    net.add_tensor("x", (2, 5, 5), Kind.SPIKE, largest=1)
    net.convolution("x", 3, Window((3, 3)), name="conv")
    assert count_layers(net.trace()).ac_synaptic.tolist() == [0, 0]


def test_the_estimate_is_rate_times_dense_with_padding() -> None:
    net = NetworkBuilder(timesteps=1)
    net.add_tensor("x", (1, 3, 3), Kind.SPIKE, largest=1)
    net.convolution("x", 2, Window((3, 3), padding=(1, 1)), name="conv")
    net.arrays["x"][:] = 0
    net.arrays["x"][0, 0, 0, 0] = 1  # a corner: 4 of 9 taps are inside
    counted = count_layers(net.trace())
    assert counted.ac_synaptic.tolist() == [4 * 2]
    assert counted.ac_rate_dense.tolist() == [1 / 9 * 9 * 9 * 2]


def test_a_dual_stream_network_by_hand() -> None:
    trace = dual_stream_network(timesteps=2, channels=4)
    counts = count_layers(trace).groupby("layer").sum(numeric_only=True)
    spikes = {name: int(trace.values(name).sum()) for name in ("stem.sn", "b1.sn2", "b2.iand")}
    assert counts.loc["stem", "mac"] == 3 * 9 * 4 * 36  # once, not at each timestep
    assert counts.loc["stem", "mac_batch_norm"] == 2 * 4 * 36
    assert counts.loc["stem.sn", "neuron_updates"] == 2 * 4 * 36
    assert counts.loc["pool", "ac_pool"] == spikes["stem.sn"]
    assert counts.loc["b1.iand", "ac_residual"] == 2 * 4 * 9
    assert counts.loc["b1.accumulation", "ac_accumulation"] == 2 * 4 * 9
    assert counts.loc["b1.accumulation", "ac_accumulation_nonzero"] == spikes["b1.sn2"]
    assert counts.loc["b2.pool.depthwise", "mac"] == 2 * 9 * 4 * 4
    assert counts.loc["b2.pool.pointwise", "mac"] == 2 * 4 * 8 * 4
    assert counts.loc["b2.pool.relu", "mac"] == 2 * 8 * 4
    assert counts.loc["spike.avgpool", "ac_pool"] == spikes["b2.iand"]
    assert counts.loc["accumulation.avgpool", "mac"] == 2 * 8 * 4
    assert counts.loc["spike.mean", "ac_readout"] == 2 * 8
    assert counts.loc["spike.fc", "mac"] == 8 * 10


@pytest.mark.parametrize("timesteps", [1, 3])
def test_a_sum_of_two_heads_is_readout_at_any_number_of_timesteps(timesteps: int) -> None:
    net = NetworkBuilder(timesteps)
    heads = []
    for name in "oa":
        net.add_tensor(name, (4,), Kind.REAL)
        net.add_layer(LayerType.TIME_MEAN, (name,), name=f"{name}.mean", static=True)
        heads.append(net.add_layer(LayerType.LINEAR, (f"{name}.mean",), name=f"{name}.fc"))
    net.add_layer(LayerType.ADD, tuple(heads), name="sum")
    counts = count_layers(net.trace()).set_index("layer")
    assert counts.loc["sum", ["ac_readout", "ac_residual"]].tolist() == [4, 0]
    assert counts.loc["o.mean", "ac_readout"] == 4 * timesteps


def test_a_spike_that_enters_no_window_of_a_pool_is_not_counted() -> None:
    net = NetworkBuilder(timesteps=1, rate=1.0)
    net.add_tensor("x", (1, 5, 5), Kind.SPIKE, largest=1)
    window = Window((2, 2), stride=(2, 2))
    net.add_layer(
        LayerType.MAX_POOL, ("x",), name="pool", kind=Kind.SPIKE, shape=(1, 2, 2), window=window
    )
    assert count_layers(net.trace()).ac_pool.tolist() == [16]


@pytest.mark.parametrize("inputs", [("a", "s"), ("s", "a")])
def test_the_added_spikes_are_found_on_either_side(inputs: tuple[str, str]) -> None:
    net = NetworkBuilder()
    net.add_tensor("a", (2, 4, 4), Kind.INTEGER, largest=3, stream=Stream.ACCUMULATION)
    net.add_tensor("s", (2, 4, 4), Kind.SPIKE, largest=1)
    net.add_layer(LayerType.ADD, inputs, name="sum", stream=Stream.ACCUMULATION)
    spikes = net.arrays["s"].reshape(2, -1).sum(axis=1).tolist()
    assert count_layers(net.trace()).ac_accumulation_nonzero.tolist() == spikes


def test_large_integers_are_summed_exactly() -> None:
    values = np.full((1, 1, 300, 300), 65535, dtype=np.uint16)
    window = Window((7, 7), padding=(3, 3))
    taps = sum(min(i + 3, 299) - max(i - 3, 0) + 1 for i in range(300))
    assert tap_sums(values, (1, 300, 300), window).sum() == 65535 * taps**2


def test_totals_name_the_sums() -> None:
    layers = count_layers(dual_stream_network())
    sums = totals(layers)
    assert sums["ac"] == sums["ac_synaptic"] + sums["ac_neuron"] + sums["ac_pool"]
    rest = sums["ac_residual"] + sums["ac_accumulation"] + sums["ac_readout"]
    assert sums["ac_all"] == sums["ac"] + rest
    assert sums["mac_with_bn"] == sums["mac"] + sums["mac_batch_norm"]


def test_without_the_accumulation_pathway_the_spike_stream_counts_the_same() -> None:
    both = count_layers(dual_stream_network(accumulation=True))
    alone = count_layers(dual_stream_network(accumulation=False))
    spike_stream = both[both.stream == "spike"].reset_index(drop=True)
    assert spike_stream.equals(alone)


def test_counting_needs_the_recorded_tensor() -> None:
    net = NetworkBuilder()
    net.add_tensor("x", (1, 3, 3), Kind.SPIKE, largest=1)
    net.convolution("x", 2, Window((3, 3)), name="conv")
    trace = trace_from_arrays(net.workload(), {}, {})
    with pytest.raises(TraceError, match="tensor 'x' was not recorded"):
        count_layers(trace)
