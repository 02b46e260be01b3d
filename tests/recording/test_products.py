"""Products of recorded values: what they record, which operands they read, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from codesign.coincidence import events_of, values_of
from codesign.counting import count_layers
from codesign.errors import CaptureError
from codesign.recording import capture
from codesign.trace import Trace
from codesign.workload import Kind, Layer, LayerType
from tests.recording.example_networks import NEURONS, TIMESTEPS, Integrate, hold, image

CHANNELS, HEADS, SIDE = 12, 3, 4


class Attending(nn.Module):
    """Three spike tensors `(T, 1, 12, 4, 4)`, and a function of them with products."""

    def __init__(self, function: Callable[[Tensor, Tensor, Tensor], Tensor], seed: int = 0):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        for name in "qkv":
            stem = nn.Conv2d(2, CHANNELS, 1)
            nn.init.uniform_(stem.weight, -0.5, 0.9, generator=generator)
            nn.init.uniform_(stem.bias, 0.0, 0.6, generator=generator)
            self.add_module(f"{name}_stem", stem)
            self.add_module(name, Integrate())
        self.function = function
        self.out = Integrate()

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (
            self.get_submodule(name)(hold(self.get_submodule(f"{name}_stem")(x))) for name in "qkv"
        )
        return self.function(q, k, v)


def by_head(x: Tensor) -> Tensor:
    """`(T, 1, heads, channels, tokens)`."""
    return x.reshape(*x.shape[:2], HEADS, -1, SIDE * SIDE)


def record(function: Callable[[Tensor, Tensor, Tensor], Tensor], seed: int = 0) -> Trace:
    network = Attending(function, seed).eval()
    return capture(network, image(1, 2, SIDE, SIDE, seed=seed), name="net", neurons=NEURONS)


def products(trace: Trace) -> list[Layer]:
    return [layer for layer in trace.workload.layers if layer.type is LayerType.PRODUCT]


def replayed(trace: Trace, layer: Layer) -> np.ndarray:
    """The product from its recorded operands, `(T, groups, places, outputs)`."""
    assert layer.contraction is not None
    events = events_of(trace.values(layer.inputs[0]), layer.contraction).astype(int)
    values = values_of(trace.values(layer.inputs[1]), layer.contraction).astype(int)
    return np.einsum("tgpk,tgkj->tgpj", events, values)


def scores_first(q: Tensor, k: Tensor, v: Tensor, scale: float = 0.125) -> Tensor:
    q, k, v = by_head(q), by_head(k), by_head(v)
    scores = (q.transpose(-2, -1) @ k) * scale
    return v @ scores.transpose(-2, -1)


def tokens_first(q: Tensor, k: Tensor, v: Tensor, scale: float = 0.125) -> Tensor:
    q, k, v = (by_head(x).permute(0, 1, 2, 4, 3) for x in (q, k, v))
    return (q @ k.mT) * scale @ v


def context_first(q: Tensor, k: Tensor, v: Tensor, divisor: float = 8) -> Tensor:
    q, k, v = by_head(q), by_head(k), by_head(v)
    return torch.matmul((torch.matmul(k, v.mT) / divisor).mT, q)


@pytest.mark.parametrize(
    ("function", "constant"),
    [
        (scores_first, 0.125),
        (scores_first, 32**-0.5),  # what no float32 holds exactly
        (tokens_first, 0.125),
        (tokens_first, 32**-0.5),
        (context_first, 8),
        (context_first, 20**0.5),
    ],
)
def test_recorded_operands_give_the_recorded_products_again(function, constant: float) -> None:
    trace = record(lambda q, k, v: function(q, k, v, constant))
    inner, outer = products(trace)
    for layer in (inner, outer):
        assert layer.contraction is not None
        made = replayed(trace, layer)
        recorded = trace.values(layer.output)
        events_are_left = layer is inner or function is scores_first
        expected = made if events_are_left else made.swapaxes(2, 3)
        assert np.array_equal(expected.reshape(recorded.shape), recorded)
        assert recorded.any()


def test_the_order_of_products_changes_their_cost_but_not_their_result() -> None:
    results, sizes = [], []
    for function in (scores_first, tokens_first, context_first):
        trace = record(function)
        layers = products(trace)
        outputs = trace.values(layers[1].output)
        is_tokens_first = function is tokens_first
        results.append(outputs.swapaxes(2, 3) if is_tokens_first else outputs)
        sizes.append([each.contraction.size for each in layers if each.contraction])
    assert np.array_equal(results[0], results[1])
    assert np.array_equal(results[0], results[2])
    tokens, channels = SIDE * SIDE, CHANNELS // HEADS
    scores = HEADS * tokens * tokens * channels
    assert sizes == [[scores, scores]] * 2 + [[HEADS * tokens * channels**2] * 2]


def arranged(x: Tensor, sizes: tuple[int, ...], memory: tuple[int, ...]) -> Tensor:
    """A view of the features with these sizes, whose axes lie in memory in another order."""
    split = x.reshape(*x.shape[:2], *(sizes[axis] for axis in memory))
    return split.permute(0, 1, *(2 + memory.index(axis) for axis in range(len(sizes))))


@given(
    groups=st.sampled_from([1, 2, 3, 4]),
    inner=st.sampled_from([1, 2, 4, 8, 16]),
    left=st.permutations(range(3)),
    right=st.permutations(range(3)),
    seed=st.integers(0, 50),
)
@settings(max_examples=40, deadline=None)
def test_any_order_of_features_reads_the_right_elements(
    groups: int, inner: int, left: list[int], right: list[int], seed: int
) -> None:
    seen: list[Tensor] = []
    rows = CHANNELS * SIDE * SIDE // groups // inner

    def function(q: Tensor, k: Tensor, _v: Tensor) -> Tensor:
        q = arranged(q, (groups, rows, inner), tuple(left))
        seen.append(q @ arranged(k, (groups, inner, rows), tuple(right)))
        return seen[0]

    trace = record(function, seed)
    (layer,) = products(trace)
    assert np.array_equal(replayed(trace, layer), seen[0].squeeze(1).numpy())
    assert np.array_equal(trace.values(layer.output), seen[0].squeeze(1).numpy())


def test_views_are_split_and_merged_where_nothing_has_to_be_copied() -> None:
    def function(q: Tensor, k: Tensor, _v: Tensor) -> Tensor:
        q = by_head(q).permute(0, 1, 2, 4, 3)  # (T, 1, heads, tokens, channels)
        q = q.reshape(TIMESTEPS, 1, HEADS, SIDE, SIDE, -1).flatten(3, 4)
        return q @ by_head(k)

    trace = record(function)
    assert products(trace)[0] == products(record(lambda q, k, _v: by_head(q).mT @ by_head(k)))[0]


def test_scaled_integers_are_recorded_as_integers_and_may_drive_neurons() -> None:
    net = Attending(scores_first).eval()
    net.function = lambda q, k, v: net.out(scores_first(q, k, v))
    trace = capture(net, image(1, 2, SIDE, SIDE), name="net", neurons=NEURONS)
    inner, outer = (trace.workload.output_tensor(layer) for layer in products(trace))
    tokens, channels = SIDE * SIDE, CHANNELS // HEADS
    assert (inner.kind, inner.largest) == (Kind.INTEGER, channels)
    assert (outer.kind, outer.largest) == (Kind.INTEGER, tokens * channels)
    fired = trace.values("out")
    membrane = np.zeros(fired.shape[1:])
    for spikes, units in zip(fired, trace.values(outer.name), strict=True):
        membrane = membrane + units * 0.125
        assert np.array_equal(spikes, membrane >= 1)
        membrane *= membrane < 1


def test_a_spike_meets_what_is_not_zero() -> None:
    trace = record(scores_first)
    counts = count_layers(trace).groupby("layer").ac_product.sum()
    q, k, v = (trace.values(name).reshape(TIMESTEPS, HEADS, -1, SIDE**2) for name in "qkv")
    scores = np.einsum("thcn,thcm->thnm", q.astype(int), k.astype(int))
    met = [0, 0]
    for index in np.ndindex(*scores.shape):
        t, head, n, m = index
        met[0] += int((q[t, head, :, n] & k[t, head, :, m]).sum())
        met[1] += int((v[t, head, :, m] * (scores[index] > 0)).sum())
    inner, outer = products(trace)
    assert [counts[inner.name], counts[outer.name]] == met
    assert met[0] == scores.sum()  # each coincidence adds one


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda q, k, _v: (by_head(q).mT @ by_head(k)) + 1.0, "must be arithmetic"),
        (lambda q, _k, _v: by_head(q).mT @ torch.ones(HEADS, 4, 16), "must multiply two recorded"),
        (
            lambda q, k, _v: by_head(q + k).mT @ by_head(q + k),
            r"must multiply spikes with spikes or integers \(got integer and integer",
        ),
        (lambda q, k, _v: by_head(q).permute(2, 0, 1, 4, 3) @ by_head(k), "of as many heads"),
        (
            lambda q, k, _v: (
                q.reshape(3, 1, 2, 6, 4, 4).transpose(3, 2)
                @ k.reshape(3, 1, 2, 6, 4, 4).transpose(3, 2)
            ),
            "at most one axis of matrices",
        ),
        (lambda q, k, _v: by_head(q).mT * by_head(k).mT, "in the order in which they were made"),
        (lambda q, _k, _v: by_head(q).mT.reshape(3, 1, 16, 12), "must not merge features that"),
        (
            lambda q, k, v: scores_first(q, k, v) + scores_first(k, q, v),
            "must read integers that are not scaled",
        ),
        (lambda q, k, v: 2 / scores_first(q, k, v), "must be arithmetic"),
        (lambda q, k, v: scores_first(q, k, v) * -0.5, "must be arithmetic"),
    ],
)
def test_what_is_no_attention_is_refused(function, message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        record(function)
