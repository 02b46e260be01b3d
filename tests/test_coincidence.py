"""Coincidences equal explicit loops over heads, places, terms and outputs."""

import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from codesign.coincidence import coincidences, events_of, values_of
from codesign.counting import count_layers, totals
from codesign.trace import trace_from_arrays
from codesign.workload import Contraction, Workload
from tests.small_networks import attention_network


@given(
    sizes=st.tuples(*[st.integers(1, 4)] * 4),
    event_axes=st.permutations(range(3)),
    value_axes=st.permutations(range(3)),
    seed=st.integers(0, 999),
)
def test_coincidences_are_those_of_explicit_loops(
    sizes: tuple[int, int, int, int],
    event_axes: list[int],
    value_axes: list[int],
    seed: int,
) -> None:
    """Operands lie in memory in any order of their axes."""
    groups, places, inner, outputs = sizes
    random = np.random.default_rng(seed)
    events = random.integers(0, 2, (2, groups, places, inner)).astype(np.uint8)
    values = random.integers(0, 4, (2, groups, inner, outputs)).astype(np.uint8)
    arrays, strides = [], []
    for array, axes in ((events, event_axes), (values, value_axes)):
        stored = np.ascontiguousarray(array.transpose(0, *(1 + axis for axis in axes)))
        steps = [stored[0].strides[axes.index(axis)] for axis in range(3)]
        arrays.append(stored)
        strides.append((steps[0], steps[1], steps[2]))
    contraction = Contraction(*sizes, *strides)
    assert np.array_equal(events_of(arrays[0], contraction), events)
    assert np.array_equal(values_of(arrays[1], contraction), values)
    expected = [0, 0]
    for t, g, p, k, j in itertools.product(range(2), *map(range, sizes)):
        expected[t] += int(events[t, g, p, k] and values[t, g, k, j] > 0)
    assert coincidences(arrays[0], arrays[1], contraction).tolist() == expected
    assert contraction.size == groups * places * inner * outputs


def test_products_are_counted_beside_other_accumulates() -> None:
    trace = attention_network(timesteps=2, sizes=(2, 3, 5))
    layers = count_layers(trace)
    counts = layers.groupby("layer").sum(numeric_only=True)
    q, k, v = (trace.values(name).reshape(2, 2, 3, 5) for name in "qkv")
    scores = trace.values("scores")
    assert counts.loc["scores", "ac_product"] == np.einsum("thcn,thcm->", q, k, dtype=int)
    assert counts.loc["mixed", "ac_product"] == np.einsum("thcm,thnm->", v, scores > 0, dtype=int)
    # the paper's estimate: firing rate of the events times the dense product
    assert counts.loc["scores", "ac_rate_dense"] == q.sum() * 5
    assert counts.loc["mixed", "ac_rate_dense"] == v.sum() * 5
    sums = totals(layers)
    parts = ("ac_synaptic", "ac_neuron", "ac_pool", "ac_product")
    assert sums["ac"] == sum(sums[name] for name in parts)
    assert sums["ac_product"] > 0


def test_silent_spikes_meet_nothing() -> None:
    trace = attention_network(rate=0.0)
    assert count_layers(trace).ac_product.sum() == 0


def test_a_product_survives_json() -> None:
    workload = attention_network().workload
    again = Workload.from_json(workload.to_json())
    assert again == workload
    old = workload.to_json()
    for layer in old["layers"]:  # as written before there were products
        del layer["contraction"]
    assert all(layer.contraction is None for layer in Workload.from_json(old).layers)
    assert trace_from_arrays(again, {}, {}).workload == workload
