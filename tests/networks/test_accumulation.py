import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from codesign.networks.accumulation import AccumulationHead, FixedPoint
from codesign.networks.construction import calibrated_network
from codesign.networks.residual import residual_network
from codesign.pictures import load_picture


@given(st.floats(-20, 20, width=32))
def test_fixed_point_rounds_half_to_even_and_saturates(value):
    expected = min(max(round(value * 16) / 16, -4.0), 4.0 - 1 / 16)
    assert FixedPoint(fraction_bits=4, integer_bits=2)(torch.tensor([value])).item() == expected


def test_calibrated_pathway_lies_on_its_grid_and_has_zeros():
    network = calibrated_network(family="dsnn", depth=50)
    streams = []
    for stage in (2, 3, 4):
        block = network.get_submodule(f"layer{stage}.0.pool")
        block.register_forward_hook(lambda _m, _x, y: streams.append(y))
    with torch.inference_mode():
        network(torch.from_numpy(load_picture("astronaut"))[None])
    for a in streams:
        assert torch.equal(a * 16, (a * 16).round())
        assert a.min() == 0
        assert a.max() < 16
        assert 0.2 < (a != 0).float().mean() < 0.8


def test_networks_without_calibration_are_not_rounded():
    network = residual_network(family="dsnn", depth=18)
    assert not [module for module in network.modules() if isinstance(module, FixedPoint)]


def test_accumulation_head_is_the_linear_layer_of_the_mean_over_map_and_time():
    a = torch.randint(0, 4, (3, 2, 5, 4, 4), generator=torch.Generator().manual_seed(0)).double()
    linear = nn.Linear(5, 7).double()
    expected = a.mean(dim=(0, 3, 4)) @ linear.weight.T + linear.bias
    assert torch.allclose(AccumulationHead()(a, linear), expected, rtol=1e-12)  # float64 rounding
