"""A quantised network, bit for bit, against whole numbers alone; its codes by hand and as laws."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from codesign.errors import InputError
from codesign.networks.accumulation import FixedPoint
from codesign.networks.answers import logit_numerators
from codesign.networks.blocks import SpikeBlock
from codesign.networks.neurons import IF, LIF, Neuron
from codesign.networks.quantisation import channel_codes, layer_codes, quantise
from codesign.networks.shipped_form import to_shipped_form
from codesign.networks.small_residual import SmallResidualNetwork
from codesign.specs.workload import NumberFormats
from tests.networks.integer_reference import Reference, Seen
from tests.networks.trained_networks import drawn_network, drawn_pictures


def quantised(
    network: SmallResidualNetwork, widths: NumberFormats
) -> tuple[SmallResidualNetwork, Reference]:
    form = to_shipped_form(network)
    quantise(network, widths)
    return network, Reference(network, widths, form.integer_bits)


def observed(network: SmallResidualNetwork, picture: Tensor) -> dict[str, Tensor]:
    """What forward hooks see of every neuron and block, `(T, C, H, W)`."""
    seen: dict[str, Tensor] = {}
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, Neuron):
            handles.append(
                module.register_forward_hook(
                    lambda _m, _x, y, name=name: seen.update({name: y[:, 0]})
                )
            )
        elif isinstance(module, SpikeBlock):
            handles.append(
                module.register_forward_hook(
                    lambda _m, _x, y, name=name: seen.update({f"{name} a": y[1]})
                )
            )
    with torch.inference_mode():
        network(picture[None])
    for handle in handles:
        handle.remove()
    return seen


def require_same(network: SmallResidualNetwork, picture: Tensor, expected: Seen) -> None:
    seen = observed(network, picture)
    for name, spikes in expected.spikes.items():
        assert np.array_equal(seen[name].numpy(), spikes), name
    for name, a in expected.accumulations.items():
        grid = 2.0 ** expected.grids[name]
        assert np.array_equal(seen[f"{name} a"][:, 0].double().numpy() * grid, a), name
    with torch.inference_mode():
        found = dict(zip(("spike", "accumulation"), logit_numerators(network, picture[None])))
    for name, (numerators, bits) in expected.numerators.items():
        numbers = found[name]
        assert numbers is not None
        assert np.array_equal(numbers[0].numpy() * 2.0**bits, numerators), name


CASES = {
    "fsnn": ("iand", "and", "or", "xor"),
    "dsnn": ("iand", "and", "or", "xor"),
    "sew": ("add",),
}


def test_whole_numbers_alone_give_the_same_spikes_accumulations_and_logits() -> None:
    saturated, spikes, dtypes = 0, 0, set()

    @settings(max_examples=200)
    @given(data=st.data())
    def compare(data: st.DataObject) -> None:
        nonlocal saturated, spikes
        family = data.draw(st.sampled_from(sorted(CASES)))
        weight = data.draw(st.sampled_from([4, 6, 8, 16]))
        accumulator = max(weight, data.draw(st.sampled_from([8, 12, 16, 32])))
        network = drawn_network(
            family,
            seed=data.draw(st.integers(0, 999)),
            shape=data.draw(st.sampled_from([(1, 8, 8), (3, 6, 6), (1, 18, 18)])),
            depth=data.draw(st.integers(3, 5)),
            width=data.draw(st.integers(1, 4)),
            classes=3,
            timesteps=data.draw(st.integers(1, 8)),
            connection=data.draw(st.sampled_from(CASES[family])),
            shared_head=data.draw(st.booleans()),
        )
        widths = NumberFormats.of(
            weight, accumulator, data.draw(st.sampled_from([6, 8, 12, 16, 24]))
        )
        network, reference = quantised(network, widths)
        size = network.size
        picture = drawn_pictures(
            1, (size.channels, size.side, size.side), data.draw(st.integers(0, 99))
        )[0]
        expected = reference.run(picture)
        require_same(network, picture, expected)
        saturated += expected.saturated
        spikes += sum(int(each.sum()) for each in expected.spikes.values())
        dtypes.add(network.fc.weight.dtype)

    compare()
    assert saturated > 1000
    assert spikes > 100_000
    assert dtypes == {torch.float32, torch.float64}
