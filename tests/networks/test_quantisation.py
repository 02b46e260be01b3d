"""A quantised network, bit for bit, against whole numbers alone; its codes by hand and as laws."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from codesign.errors import InputError
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
    charges: dict[str, list[Tensor]] = {}
    handles = []
    for name, module in network.named_modules():
        if isinstance(module, Neuron):
            charges[name] = []
            module.watch = lambda v, name=name: charges[name].append(v[0].clone())
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
    return seen | {f"{name} v": torch.stack(each) for name, each in charges.items()}


def require_same(network: SmallResidualNetwork, picture: Tensor, expected: Seen) -> None:
    seen = observed(network, picture)
    for name, spikes in expected.spikes.items():
        assert np.array_equal(seen[name].numpy(), spikes), name
        assert np.array_equal(seen[f"{name} v"].numpy(), expected.membranes[name]), name
    for name, a in expected.accumulations.items():
        grid = 2.0 ** expected.grids[name]
        assert np.array_equal(seen[f"{name} a"][:, 0].double().numpy() * grid, a), name
    with torch.inference_mode():
        spike, accumulation = logit_numerators(network, picture[None])
    found = {"spike": spike, "accumulation": accumulation}
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
            gain=data.draw(st.sampled_from([1.0, 6.0])),
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
        dtypes.update(parameter.dtype for parameter in network.parameters())

    compare()
    assert saturated > 1000
    assert spikes > 100_000
    assert dtypes == {torch.float32, torch.float64}


def rows(values: list[list[float]]) -> Tensor:
    return torch.tensor(values)


def test_codes_by_hand() -> None:
    # 3 bits: codes up to 3. Of [0.75, 0.25] the largest code fits at a shift of 2: [3, 1]
    codes = channel_codes(rows([[0.75, 0.25], [0.7, -0.7], [0.0, 0.0]]), 3, 10)
    assert codes.values.tolist() == [[3, 1], [3, -3], [0, 0]]
    assert codes.shifts.tolist() == [2, 2, 10]
    # half to even: 2.5 steps of a quarter are 2, 1.5 are 2
    assert channel_codes(rows([[0.625, 0.375]]), 3, 2).values.tolist() == [[2, 2]]
    # 0.75 is 1 whole or, cut off, 1 half: of equal errors the coarser step
    assert channel_codes(rows([[0.75]]), 2, 10).shifts.tolist() == [0]
    # a shift beyond the highest is not taken, though finer codes would be nearer
    assert channel_codes(rows([[0.75, 0.25]]), 3, 1).values.tolist() == [[2, 0]]
    # weights beyond the largest code are cut off: the threshold must stay a whole code
    assert channel_codes(rows([[9.0, -1.0]]), 3, 10).values.tolist() == [[3, -1]]


def test_many_small_weights_are_worth_cutting_off_a_large_one() -> None:
    weights = rows([[0.875] + [0.125] * 60])
    codes = channel_codes(weights, 3, 10)
    assert codes.shifts.tolist() == [3]
    assert codes.values[0, :2].tolist() == [3, 1]


@given(data=st.data(), bits=st.integers(2, 16), highest=st.integers(0, 10))
def test_no_near_shift_has_a_smaller_error(data: st.DataObject, bits: int, highest: int) -> None:
    numbers = data.draw(st.lists(st.integers(-4096, 4096), min_size=1, max_size=6))
    weights = torch.tensor([numbers]) / 1024
    codes = channel_codes(weights, bits, highest)
    largest_code = 2 ** (bits - 1) - 1
    assert codes.values.abs().max() <= largest_code

    def error(shift: int) -> float:
        scaled = weights.double() * 2.0**shift
        nearest = scaled.round().clamp(-largest_code, largest_code)
        return float(((scaled - nearest) * 2.0**-shift).square().sum())

    taken = int(codes.shifts[0])
    made = (weights.double() - codes.values * 2.0**-taken).square().sum()
    uncut = [f for f in range(-8, 40) if float(weights.abs().max()) * 2.0**f <= largest_code]
    first = highest if len(uncut) == 48 else max(uncut)
    tried = [min(max(first + more, 0), highest) for more in range(3)]
    assert float(made) == min(map(error, tried))
    assert taken == min(tried, key=lambda f: (error(f), f))


def test_a_layer_with_one_shift_has_the_error_of_all_its_weights() -> None:
    weights = rows([[0.75, 0.25], [0.01, 0.02]])
    codes = layer_codes(weights, 3, 10)
    assert codes.shifts.tolist() == [2, 2]
    assert codes.values.tolist() == [[3, 1], [0, 0]]


@pytest.mark.parametrize(("weight", "accumulator"), [(2, 4), (4, 8), (8, 8), (8, 16), (16, 32)])
def test_thresholds_are_whole_and_membranes_hold_four_of_them(
    weight: int, accumulator: int
) -> None:
    network, _ = quantised(drawn_network("dsnn"), NumberFormats.of(weight, accumulator, 12))
    neurons = [module for module in network.modules() if isinstance(module, Neuron)]
    assert len(neurons) == 9
    for neuron in neurons:
        thresholds = torch.as_tensor(neuron.v_threshold)
        assert neuron.limit == 2 ** (accumulator - 1) - 1
        assert ((thresholds >= 1) & (4 * thresholds <= max(neuron.limit, 4))).all()
        assert torch.equal(thresholds, thresholds.round())


@pytest.mark.parametrize("accumulator", [4, 8, 16])
def test_numbers_follow_from_the_shipped_ones(accumulator: int) -> None:
    """Weights and biases of all layers, rounded by Python."""
    formats = NumberFormats.of(4, accumulator, 12)
    shipped, network = drawn_network("dsnn", gain=6), drawn_network("dsnn", gain=6)
    for each in (shipped, network):
        with torch.no_grad():  # beyond 7 and 127 codes, and below 2^15
            each.layer1[0].conv1[1].bias[0] = -50
    to_shipped_form(shipped)
    quantised(network, formats)
    limit, cut = 2 ** (accumulator - 1) - 1, 0
    for name, layer in shipped.named_modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        made = network.get_submodule(name)
        is_spike_stream = isinstance(layer, nn.Conv2d) and ".pool." not in name
        highest = min(accumulator - 4, 10) if is_spike_stream else 10
        choose = layer_codes if name in ("conv1", "fc") else channel_codes
        codes = choose(layer.weight, 4, highest)
        steps = 2.0 ** -codes.shifts.double().reshape(-1, *[1] * (layer.weight.dim() - 1))
        unit = steps if is_spike_stream else torch.tensor(1.0)
        assert torch.equal(made.weight.double(), codes.values * steps / unit)
        if layer.bias is None:
            continue
        for channel, bias in enumerate(layer.bias.tolist()):
            code = round(bias * 2.0 ** int(codes.shifts[channel]))  # half to even
            if is_spike_stream:
                cut += abs(code) > limit
                code = min(max(code, -limit), limit)
            found = float(made.bias[channel].detach()) / float(unit.flatten()[0])
            step = 1.0 if is_spike_stream else float(steps[channel].flatten()[0])
            assert found * float(unit.flatten()[0]) == code * step
    assert (cut > 0) is (accumulator < 16)


def test_the_width_of_floating_point_follows_from_the_largest_numbers() -> None:
    def dtypes(network: SmallResidualNetwork) -> tuple[torch.dtype, torch.dtype]:
        return network.fc.weight.dtype, network.layer2[0].pool[0][0].weight.dtype

    few, _ = quantised(drawn_network("dsnn"), NumberFormats.of(8, 16, 8))
    assert dtypes(few) == (torch.float32, torch.float32)
    wide_sums, _ = quantised(drawn_network("dsnn"), NumberFormats.of(8, 16, 20))
    assert dtypes(wide_sums) == (torch.float32, torch.float64)
    # at most 2, and the spikes of 9 blocks: 11 2^22 > 2^24
    small = drawn_network("dsnn", depth=9, gain=0.1)
    everything, reference = quantised(small, NumberFormats.of(8, 16, 24))
    assert dtypes(everything) == (torch.float64, torch.float64)
    picture = drawn_pictures(1)[0]
    require_same(everything, picture, reference.run(picture))


def test_a_membrane_saturates_after_every_charge_by_hand() -> None:
    neuron = IF()
    neuron.v_threshold, neuron.limit = torch.tensor([2.0]).reshape(1, 1, 1), 7.0
    currents = torch.tensor([-5.0, -5.0, 8.0, 1.0, 9.0, 1.0]).reshape(-1, 1, 1, 1, 1)
    # -5, -10 is -7, 1, 2 fires, 9 is 7 and fires, 1
    membranes: list[float] = []
    neuron.watch = lambda v: membranes.append(float(v))
    with torch.inference_mode():
        spikes = neuron(currents)
    assert membranes == [-5, -7, 1, 2, 7, 1]
    assert spikes.flatten().tolist() == [0, 0, 0, 1, 1, 0]
    assert torch.equal(neuron(currents), spikes)  # with a graph as well


def test_saturation_changes_spikes() -> None:
    """Membranes without an end, as wide accumulators have them, fire later after inhibition."""
    changed = 0
    for seed in range(6):
        drawn = drawn_network("sew", seed=seed, timesteps=8, gain=6)
        network, reference = quantised(drawn, NumberFormats.of(8, 8, 12))
        picture = drawn_pictures(1)[0]
        expected = reference.run(picture)
        for module in network.modules():
            if isinstance(module, Neuron):
                module.limit = None
        seen = observed(network, picture)
        is_same = [np.array_equal(seen[name], each) for name, each in expected.spikes.items()]
        changed += expected.saturated > 0 and not all(is_same)
    assert changed > 0


W8M8 = NumberFormats.of(8, 8, 12)


@pytest.mark.parametrize("widths", [(4, 8, 8), (8, 16, 16), (16, 32, 24)])
@pytest.mark.parametrize("shared", [True, False])
def test_without_the_pathway_the_spike_head_gives_the_same_logits(
    widths: tuple[int, int, int], shared: bool
) -> None:
    formats = NumberFormats.of(*widths)
    dual, _ = quantised(drawn_network("dsnn", shared_head=shared), formats)
    network = drawn_network("dsnn", shared_head=shared)
    to_shipped_form(network)
    single = drawn_network("fsnn", seed=9)
    to_shipped_form(single)
    state = {k: v for k, v in network.state_dict().items() if k in single.state_dict()}
    single.load_state_dict(state)
    quantise(single, formats)
    pictures = drawn_pictures(5)
    with torch.inference_mode():
        (first, _), (second, nothing) = (
            logit_numerators(each, pictures) for each in (dual, single)
        )
        assert torch.equal(first, second)
        assert nothing is None
        assert torch.equal(dual.logits(pictures)[0], single.logits(pictures)[0])


def test_no_picture_leaves_what_float32_holds() -> None:
    """The extremes of levels, on networks that were said to be exact in float32."""
    for seed in range(4):
        network, reference = quantised(
            drawn_network("dsnn", seed=seed), NumberFormats.of(8, 16, 10)
        )
        assert network.fc.weight.dtype is torch.float32
        for picture in (torch.ones(1, 8, 8), torch.zeros(1, 8, 8)):
            require_same(network, picture, reference.run(picture))


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on leaving the block
def test_backends_and_batches_fire_alike() -> None:
    network, _ = quantised(
        drawn_network("dsnn", shape=(1, 28, 28), width=8), NumberFormats.of(8, 16, 16)
    )
    pictures = drawn_pictures(20, (1, 28, 28))
    with torch.inference_mode(), torch.backends.nnpack.flags(enabled=False):
        together = logit_numerators(network, pictures)
        with torch.backends.mkldnn.flags(enabled=False):
            apart = [logit_numerators(network, picture[None]) for picture in pictures]
    for head in (0, 1):
        assert torch.equal(together[head], torch.cat([each[head] for each in apart]))


def test_what_cannot_be_quantised_is_refused() -> None:
    network = drawn_network("spiking_resnet")
    with pytest.raises(InputError, match=r"precision: must be .* \(got spiking_resnet\)"):
        quantise(network, W8M8)
    network = drawn_network("fsnn")
    to_shipped_form(network)
    network.layer2[0].sn1 = LIF(2.0)
    with pytest.raises(InputError, match=r"must have IF neurons .*LIF.* at layer2\.0\.sn1"):
        quantise(network, W8M8)
    twice, _ = quantised(drawn_network("fsnn"), W8M8)
    with pytest.raises(InputError, match=r"must have IF neurons .*of each channel.* at sn1"):
        quantise(twice, W8M8)
    before = drawn_network("fsnn")
    to_shipped_form(before)
    assert torch.equal(network.conv1.weight, before.conv1.weight)  # it was not touched
