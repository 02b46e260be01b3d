"""What the calibrated networks must keep: Table 2, sane rates, and the same bits everywhere."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from codesign.events import LARGEST_COUNT
from codesign.inputs import network_input
from codesign.networks.accumulation import FixedPoint
from codesign.networks.calibrated import read_weights, weights_path
from codesign.networks.calibration import calibrate, encode, main
from codesign.networks.construction import calibrated_network
from codesign.networks.exactness import LARGEST_EXACT_SUM, largest_sums
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.networks.residual import ResidualNetwork
from codesign.networks.targets import TABLE_2_AC, TARGETS, TIMESTEPS
from codesign.pictures import load_picture

DEPTHS = (18, 34, 50, 101, 152)
TORCH_WARNS_OF_TF32 = pytest.mark.filterwarnings("ignore:TF32 acceleration")
"""On leaving the block that turns a backend off."""

CHELSEA = str(Path(__file__).parent.parent / "data" / "chelsea.png")


def photograph(name: str = "astronaut") -> torch.Tensor:
    return torch.from_numpy(load_picture(name))[None]


class Observed:
    """What plain forward hooks see while a network runs: rates, and operations as Table 2 has them.

    The kind of a convolution's input is known from its place: SEW's residual stream is an integer
    one from the second block of each stage to the first convolutions of the next.
    """

    def __init__(self, network: ResidualNetwork, image: torch.Tensor):
        self.rates: dict[str, float] = {}
        self.ac = {"spike": 0.0, "accumulation": 0.0}
        hooks = []
        for name, module in network.named_modules():
            observe = self._observer(name, module, network.family)
            if observe is not None:
                hooks.append(module.register_forward_hook(observe))
        with torch.inference_mode():
            network(image)
        for hook in hooks:
            hook.remove()

    def _observer(
        self, name: str, module: nn.Module, family: str
    ) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], None] | None:
        if isinstance(module, Neuron):
            return lambda _m, _x, y: self._neurons(name, y)
        if isinstance(module, nn.MaxPool2d) or (name == "avgpool.0" and family != "sew"):
            return lambda _m, x, _y: self._add("spike", float(x[0].sum(dtype=torch.float64)))
        if isinstance(module, nn.Conv2d) and self._sees_spikes(name, family):
            stream = "accumulation" if ".pool." in name else "spike"
            return lambda m, x, y: self._add(
                stream, y.numel() * m.weight[0].numel() * float(x[0].mean(dtype=torch.float64))
            )
        return None

    @staticmethod
    def _sees_spikes(name: str, family: str) -> bool:
        if name == "conv1":
            return False
        if ".pool." in name:
            return name == "layer1.0.pool.0"
        on_residual = ".conv1." in name or ".downsample." in name
        return family != "sew" or not on_residual or name.startswith("layer1.0.")

    def _neurons(self, name: str, spikes: torch.Tensor) -> None:
        self.rates[name] = float(spikes.mean(dtype=torch.float64))
        self._add("spike", spikes.numel())

    def _add(self, stream: str, operations: float) -> None:
        self.ac[stream] += operations


@pytest.mark.parametrize("family", ["fsnn", "sew", "spiking_resnet"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_calibrated_networks_meet_table_2_and_fire_sanely(family, depth):
    network = calibrated_network(family=family, depth=depth, timesteps=TIMESTEPS[family])
    seen = Observed(network, photograph())
    assert all(0.01 < rate < 0.6 for rate in seen.rates.values())
    # a depth without a row aims at what its file notes: the nearest depth's mean rate
    wanted = TABLE_2_AC.get(
        (family, depth), read_weights(f"{family}{depth}").metadata["ac_rate_dense"]
    )
    assert seen.ac["spike"] == pytest.approx(wanted, rel=1e-3)  # Table 2 prints three digits


@pytest.mark.parametrize(
    ("depth", "published"), [(18, 1.69e9), (34, 3.42e9), (50, 3.20e9), (101, 4.48e9)]
)
def test_dual_stream_rows_follow_from_the_same_weights(depth, published):
    seen = Observed(calibrated_network(family="dsnn", depth=depth), photograph())
    total = seen.ac["spike"] + seen.ac["accumulation"]
    assert total == pytest.approx(published, rel=1e-3)  # Table 2 prints three digits


def test_depths_without_a_row_take_the_nearest_mean_rate():
    for family, depth, nearest in [("fsnn", 152, 101), ("spiking_resnet", 18, 34)]:
        rate = read_weights(f"{family}{depth}").metadata["mean_rate"]
        # the calibration stops within 5e-4 of the total
        expected = read_weights(f"{family}{nearest}").metadata["mean_rate"]
        assert rate == pytest.approx(expected, rel=1.5e-3)


@pytest.mark.parametrize(
    "name",
    [
        *("fsnn18", "sew18", "spiking_resnet18"),
        *("fsnn_7b_iand_8", "fsnn_7b_and_8", "sew_7b_add_8", "fsnn_wide7b_or_8"),
        *("fsnn_spikformer_1_64", "sew_spikformer_1_64"),
    ],
)
def test_the_calibration_makes_the_shipped_file_again(name):
    rate = read_weights(name).metadata["inner_rate"]
    assert encode(name, rate, calibrate(name, rate)) == weights_path(name).read_bytes()


def test_the_command_finds_the_rate_of_the_shipped_file_again(tmp_path, capsys):
    main(["fsnn_7b_xor_8", "--output", str(tmp_path)])
    made = (tmp_path / "fsnn_7b_xor_8.safetensors").read_bytes()
    assert made == weights_path("fsnn_7b_xor_8").read_bytes()
    assert "neuron layers fire between" in capsys.readouterr().out


def test_the_command_names_what_it_does_not_know(capsys):
    with pytest.raises(SystemExit):
        main(["fsnn19"])
    assert "names of files or --all are needed (got fsnn19)" in capsys.readouterr().err


@pytest.mark.parametrize("name", TARGETS)
def test_every_neuron_layer_of_every_file_fires_between_1_and_60_percent(name):
    rates = read_weights(name).metadata["rates"].values()
    assert min(rates) > 0.01
    assert max(rates) < 0.6


@pytest.mark.parametrize("family", ["dsnn", "sew", "spiking_resnet"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_no_sum_of_any_picture_leaves_what_float32_holds_exactly(family, depth):
    sums = largest_sums(calibrated_network(family=family, depth=depth))
    convolutions = {"dsnn": {18: 26, 50: 60}}.get(family, {}).get(depth)
    assert convolutions in (None, len(sums))
    assert 0 < max(sums.values()) <= LARGEST_EXACT_SUM


@pytest.mark.parametrize(
    "name", [name for name, target in TARGETS.items() if "structure" in target.options]
)
def test_no_sum_of_any_input_leaves_it_in_other_networks(name):
    target = TARGETS[name]
    family = "dsnn" if target.family == "fsnn" else target.family
    sums = largest_sums(calibrated_network(family=family, **target.options))
    convolutions = {"7b": 15, "wide7b": 16 + (family == "dsnn")}
    structure = target.options["structure"]
    assert len(sums) == convolutions.get(structure, 5 + 6 * target.options.get("depth", 0))
    assert 0 < max(sums.values()) <= LARGEST_EXACT_SUM


@pytest.mark.parametrize("name", [name for name in TARGETS if "7b" in name])
def test_the_first_convolution_sums_46000_events_of_each_pixel_exactly(name):
    target = TARGETS[name]
    network = calibrated_network(family=target.family, **target.options)
    [stem] = [total for path, total in largest_sums(network).items() if path.startswith("stem")]
    assert stem / LARGEST_COUNT * 46_000 <= LARGEST_EXACT_SUM


def digest(network: SpikingNetwork, image: torch.Tensor) -> str:
    """Hash of all spikes and of all values of the accumulation stream."""
    found = hashlib.sha256()
    hooks = [
        module.register_forward_hook(
            lambda _m, _x, y: found.update(y.float().contiguous().numpy().tobytes())
        )
        for module in network.modules()
        if isinstance(module, Neuron | FixedPoint)
    ]
    with torch.inference_mode():
        network(image)
    for hook in hooks:
        hook.remove()
    return found.hexdigest()


# a change of this value means that every recorded number of the program changes
DSNN18_DIGEST = "de0bbebccb4e428e2b87b09166e5ec6c9629b76a676df0d96798829d587fa606"


def test_spikes_are_the_same_on_every_machine():
    assert digest(calibrated_network(family="dsnn", depth=18), photograph()) == DSNN18_DIGEST


@TORCH_WARNS_OF_TF32
@pytest.mark.parametrize(("family", "depth"), [("dsnn", 50), ("sew", 18), ("spiking_resnet", 18)])
def test_spikes_do_not_depend_on_backend_threads_or_precision(family, depth):
    network = calibrated_network(family=family, depth=depth)
    expected = digest(network, photograph())
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            assert digest(network, photograph()) == expected
    finally:
        torch.set_num_threads(threads)
    with torch.backends.mkldnn.flags(enabled=False):
        assert digest(network, photograph()) == expected
    assert digest(network.double(), photograph().double()) == expected


# as DSNN18_DIGEST
OTHER_DIGESTS = {
    ("7b", "dsnn"): "174ad86a2f94edecf77c9634786d9ae18d2ad9cfcc924420056e06ada52ba94c",
    ("7b", "sew"): "773918b158f8c0d24e3108d68a49b108c7383362c04d4f96bc4cad7a938991e1",
    ("wide7b", "dsnn"): "767d023c372882bd25626f5b0cb4028053cba33d9c97c3e22779e826b88387c2",
    ("wide7b", "sew"): "c52e1730f871eda5fb4abeae09d4906596b7c9683c1a9438e05cfc9727b427e8",
    ("spikformer", "dsnn"): "3577a8ea9465d1b3926faf3889a80ada72c3a9619850e238f5e62eb97f02a129",
    ("spikformer", "sew"): "5d56c4754f79cb6c197a1a360033dcbbf3f21c3ace3dbab7d38f9a2c2f722695",
}
SMALL_SIZES = {
    "7b": {"width": 8},
    "wide7b": {"width": 8},
    "spikformer": {"depth": 1, "width": 64},
}


@TORCH_WARNS_OF_TF32
@pytest.mark.parametrize(("structure", "family"), OTHER_DIGESTS)
def test_other_networks_do_not_depend_on_machine_backend_or_precision(structure, family):
    sizes = SMALL_SIZES[structure]
    network = calibrated_network(structure=structure, family=family, timesteps=4, **sizes)
    inputs = torch.from_numpy(network_input(structure, "astronaut", 4))
    expected = OTHER_DIGESTS[structure, family]
    assert digest(network, inputs) == expected
    with torch.backends.mkldnn.flags(enabled=False):
        assert digest(network, inputs) == expected
    # membranes halve at each timestep, and four of them leave room for it
    assert digest(network.double(), inputs.double()) == expected


def test_other_pictures_give_other_spikes():
    network = calibrated_network(family="fsnn", depth=18)
    pixels = photograph()[0].reshape(3, -1).numpy()
    shuffled = np.random.default_rng(0).permutation(pixels, axis=1).reshape(1, 3, 224, 224)
    black = photograph().amin((2, 3), keepdim=True).expand(1, 3, 224, 224).contiguous()
    images = [photograph(), photograph(CHELSEA), torch.from_numpy(shuffled), black]
    counts = [Observed(network, image).ac["spike"] for image in images]
    assert len(set(counts)) == len(images)


@pytest.mark.parametrize("timesteps", [1, 2, 8])
def test_other_timesteps_keep_the_network_alive(timesteps):
    network = calibrated_network(family="fsnn", depth=50, timesteps=timesteps)
    rates = Observed(network, photograph()).rates.values()
    assert all(rate < 0.6 for rate in rates)
    assert np.mean(list(rates)) > 0.01


@pytest.mark.parametrize("connection", ["or", "xor"])
def test_other_connections_keep_the_network_alive(connection):
    network = calibrated_network(family="fsnn", depth=50, connection=connection)
    rates = Observed(network, photograph()).rates.values()
    assert all(0.01 < rate < 0.7 for rate in rates)
