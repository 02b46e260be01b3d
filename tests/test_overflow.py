"""Widths by hand, against brute force, and as laws: what is widened to the need fits."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.evaluation import evaluate
from codesign.overflow import most_units, needs, widest, widths
from codesign.specs.architecture import Precision
from codesign.specs.catalogue import load_architecture
from codesign.trace import Magnitudes, Trace, trace_from_arrays
from codesign.workload import Kind, Layer, LayerType, Window
from tests.chip.small_chips import split_chip
from tests.small_networks import (
    NetworkBuilder,
    attention_network,
    dual_stream_network,
    output_size,
)


def precision(accumulator: int, weight: int = 8) -> Precision:
    widths = {"weight": f"{weight} bit", "accumulator": f"{accumulator} bit"}
    return Precision.model_validate(
        {**widths, "activation": "12 bit", "source": "assumed, because a test"}
    )


def with_magnitudes(trace: Trace, magnitudes: Mapping[str, Magnitudes]) -> Trace:
    arrays = {name: trace.values(name) for name in trace.names}
    return trace_from_arrays(trace.workload, arrays, trace.provenance, magnitudes)


def one_convolution(kind: Kind = Kind.SPIKE, **changes: Any) -> NetworkBuilder:
    net = NetworkBuilder(timesteps=3, seed=2)
    net.add_tensor("input", (4, 6, 5), kind, largest=3 if kind is Kind.INTEGER else None)
    net.convolution("input", 2, Window((3, 3), padding=(1, 1)), name="conv", **changes)
    net.neuron("conv", name="sn")
    return net


def need(trace: Trace, layer: str, weight: int = 8) -> tuple[int, str]:
    (found,) = (each for each in needs(trace, precision(weight, weight)) if each.layer == layer)
    return found.needs_bits, found.basis


@pytest.mark.parametrize(
    ("total", "bits"),
    [(1.0, 8), (2.0, 9), (256 / 127, 10), (257 / 127, 10), (255 / 127, 9), (0.0, 1)],
)
def test_the_largest_weight_is_the_largest_code(total: float, bits: int) -> None:
    seen = {"conv": Magnitudes(total, 1.0)}
    assert need(with_magnitudes(one_convolution().trace(), seen), "conv") == (bits, "recorded")


@given(
    scale=st.sampled_from([2.0**power for power in range(-9, 10)]),
    unit=st.sampled_from([2.0**power for power in range(-9, 10)]),
    total=st.floats(0.25, 4096, width=32),
)
def test_needs_do_not_change_with_the_scale_of_weights_or_reals(
    scale: float, unit: float, total: float
) -> None:
    trace = one_convolution(Kind.REAL).trace()
    one = with_magnitudes(trace, {"conv": Magnitudes(total, 0.5, 2.0)})
    other = with_magnitudes(trace, {"conv": Magnitudes(total * scale * unit, scale / 2, unit * 2)})
    assert need(one, "conv") == need(other, "conv")


def test_a_membrane_is_kept_in_the_codes_of_the_layer_before_it() -> None:
    seen = {"conv": Magnitudes(1.0, 0.5), "sn": Magnitudes(4.0)}
    trace = with_magnitudes(one_convolution().trace(), seen)
    assert need(trace, "conv") == (9, "recorded")  # 2 x 127
    assert need(trace, "sn") == (11, "recorded")  # 8 x 127
    without_weights = with_magnitudes(one_convolution().trace(), {"sn": Magnitudes(4.0)})
    assert [each.layer for each in needs(without_weights, precision(8))] == ["conv"]


def test_weights_that_are_zero_have_no_code_and_are_bounded() -> None:
    seen = {"conv": Magnitudes(1.0, 0.0)}
    assert need(with_magnitudes(one_convolution().trace(), seen), "conv")[1] == "bound"


@st.composite
def layers(draw: st.DrawFn) -> NetworkBuilder:
    """One convolution, or linear layer, of inputs of any kind."""
    kind = draw(st.sampled_from(list(Kind)))
    net = NetworkBuilder(draw(st.integers(1, 3)), draw(st.integers(0, 999)), 0.4)
    largest = draw(st.integers(1, 5)) if kind is Kind.INTEGER else None
    if draw(st.booleans()):
        net.add_tensor("input", (7,), kind, largest=largest)
        net.add_layer(
            LayerType.LINEAR, ("input",), name="layer", shape=(3,), bias=draw(st.booleans())
        )
        return net
    groups, per_group = draw(st.sampled_from([(1, 3), (2, 2), (4, 1)]))
    pairs = st.tuples(st.integers(1, 2), st.integers(1, 2))
    window = Window(
        draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        draw(pairs),
        draw(st.tuples(st.integers(0, 2), st.integers(0, 2))),
        draw(pairs),
        groups,
    )
    net.add_tensor("input", (groups * per_group, 7, 6), kind, largest=largest)
    net.convolution("input", 2 * groups, window, name="layer", bias=draw(st.booleans()))
    return net


def explicit_units(net: NetworkBuilder, layer: Layer) -> int:
    """The most units under one output, by a loop over outputs and taps."""
    units = net.arrays["input"].astype(int)
    if net.tensor("input").kind is Kind.REAL:
        units = (units > 0).astype(int)
    window = layer.window
    if window is None:
        return int(units.sum(axis=1).max())
    _, channels, height, width = units.shape
    per_group, most = channels // window.groups, 0
    rows, columns = (output_size(size, axis, window) for axis, size in enumerate((height, width)))
    for t, group, y, x in np.ndindex(len(units), window.groups, rows, columns):
        total = 0
        for tap in np.ndindex(window.kernel):
            row, column = (
                place * stride - padding + step * dilation
                for place, stride, padding, step, dilation in zip(
                    (y, x), window.stride, window.padding, tap, window.dilation, strict=True
                )
            )
            if 0 <= row < height and 0 <= column < width:
                mine = slice(group * per_group, (group + 1) * per_group)
                total += units[t, mine, row, column].sum()
        most = max(most, int(total))
    return most


@given(layers())
def test_the_most_units_are_those_of_explicit_loops(net: NetworkBuilder) -> None:
    trace = net.trace()
    (layer,) = trace.workload.layers
    expected = explicit_units(net, layer)
    assert most_units(trace, layer) == expected
    largest = 127 * (expected + layer.bias)
    assert need(trace, "layer") == (largest.bit_length() + 1, "bound")


@given(
    kind=st.sampled_from(list(Kind)),
    bias=st.booleans(),
    seed=st.integers(0, 999),
    weight=st.integers(2, 8),
)
def test_no_sum_of_codes_exceeds_its_bound(kind: Kind, bias: bool, seed: int, weight: int) -> None:
    """A product with the largest real is the code of its weight, as that of a spike is."""
    net = NetworkBuilder(2, seed, 0.4)
    net.add_tensor("input", (7,), kind, largest=3 if kind is Kind.INTEGER else None)
    net.add_layer(LayerType.LINEAR, ("input",), name="layer", shape=(3,), bias=bias)
    trace = net.trace()
    (layer,) = trace.workload.layers
    units = trace.values("input").astype(int)
    largest = 2 ** (weight - 1) - 1
    codes = np.random.default_rng(seed).integers(-largest, largest + 1, (3, 7))
    bias = np.random.default_rng(seed).integers(-largest, largest + 1, 3) * layer.bias
    sums = units @ codes.T + bias
    assert int(np.abs(sums).max()).bit_length() + 1 <= need(trace, "layer", weight)[0]


def test_a_product_holds_what_its_shape_allows() -> None:
    trace = attention_network(sizes=(2, 3, 5))
    assert need(trace, "scores") == (3, "bound")  # up to 3 coincidences
    assert need(trace, "mixed") == (5, "bound")  # up to 5 scores of 3


@given(seed=st.integers(0, 99), channels=st.sampled_from([2, 4]), factor=st.floats(2, 4000))
def test_widening_to_the_need_fits_and_one_bit_less_does_not(
    seed: int, channels: int, factor: float
) -> None:
    trace = dual_stream_network(seed=seed, channels=channels)
    seen = {layer.name: Magnitudes(factor, 1.0, 1.0) for layer in trace.workload.synaptic_layers()}
    for known in (trace, with_magnitudes(trace, seen)):
        judged = widths(known, precision(8))
        needed = judged["needs_bits"]
        assert needed > 8
        assert not judged["fits"]
        assert max(each["needs_bits"] for each in judged["overflows"]) == needed
        fitting = widths(known, precision(needed))
        assert fitting == {
            "fits": True, "needs_bits": needed, "has_bits": needed, "overflows": []
        }  # fmt: skip
        assert not widths(known, precision(needed - 1))["fits"]


@given(weight=st.integers(1, 12))
def test_wider_weights_need_wider_accumulators(weight: int) -> None:
    trace = dual_stream_network()
    narrow, wide = (
        [each.needs_bits for each in needs(trace, precision(32, bits))]
        for bits in (weight, weight + 1)
    )
    assert all(one <= other <= one + 2 for one, other in zip(narrow, wide, strict=True))


def test_an_evaluation_tells_widths_and_is_otherwise_the_same() -> None:
    plain = dual_stream_network()
    seen = {"b1.conv1": Magnitudes(300.0, 1.0), "b1.sn1": Magnitudes(500.0)}
    result = evaluate(with_magnitudes(plain, seen), split_chip()).summary
    (first, second) = result["widths"]["overflows"]
    assert first == {
        "layer": "b1.conv1", "needs_bits": 17, "has_bits": 16, "basis": "recorded"
    }  # fmt: skip
    assert (second["layer"], result["widths"]["needs_bits"]) == ("b1.sn1", 17)
    without = evaluate(plain, split_chip()).summary
    assert without["widths"]["fits"]
    for key in ("makespan_cycles", "energy_pj", "counts"):
        assert result[key] == without[key]


def test_operations_alone_have_no_widths() -> None:
    assert evaluate(dual_stream_network(), load_architecture("paper")).summary["widths"] is None


def test_several_inputs_need_what_each_layer_needs_most() -> None:
    def judged(**needs_bits: int) -> dict[str, Any]:
        overflows = [
            {"layer": name, "needs_bits": bits, "has_bits": 8, "basis": "recorded"}
            for name, bits in needs_bits.items()
        ]
        most = max(needs_bits.values(), default=7)
        return {
            "fits": not overflows, "needs_bits": most, "has_bits": 8, "overflows": overflows
        }  # fmt: skip

    together = widest([judged(), judged(a=9, b=12), judged(b=10, a=11, c=9)])
    assert together == judged(a=11, b=12, c=9)
    assert widest([judged(), judged()]) == judged()
    assert widest([None, None]) is None
