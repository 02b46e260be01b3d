import pytest
import torch
from torch import nn

from codesign.networks.batch_norm import (
    ThresholdBatchNorm2d,
    expect_fused,
    fuse_batch_norm,
    fused_convolutions,
)
from codesign.networks.residual import residual_network


def shaken(norm: nn.BatchNorm2d) -> nn.BatchNorm2d:
    """The batch norm with statistics and parameters that are not those of a new one."""
    generator = torch.Generator().manual_seed(1)
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        assert tensor is not None
        tensor.data = torch.rand(tensor.shape, generator=generator) + 0.5
    return norm


def pictures(channels: int) -> torch.Tensor:
    return torch.randn(2, channels, 6, 6, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("norm", [nn.BatchNorm2d(8), ThresholdBatchNorm2d(8, alpha=0.5)])
def test_fused_convolution_computes_what_both_computed(norm):
    chain = nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), shaken(norm)).double().eval()
    x = pictures(3).double()
    expected = chain(x)
    fuse_batch_norm(chain)
    assert isinstance(chain[1], nn.Identity)
    assert torch.allclose(chain(x), expected, rtol=1e-12, atol=1e-12)  # float64 rounding


def test_threshold_batch_norm_with_factor_one_is_batch_norm():
    plain, threshold = shaken(nn.BatchNorm2d(4)), shaken(ThresholdBatchNorm2d(4))
    for training in (True, False):
        plain.train(training)
        threshold.train(training)
        assert torch.equal(plain(pictures(4)), threshold(pictures(4)))
    assert plain.state_dict().keys() == threshold.state_dict().keys()
    for key, value in plain.state_dict().items():
        assert torch.equal(value, threshold.state_dict()[key])


def test_threshold_batch_norm_scales_the_normalised_value_alone():
    norm = shaken(ThresholdBatchNorm2d(4, alpha=0.5, v_threshold=3.0)).double().eval()
    x = pictures(4).double()
    mean, var = norm.running_mean, norm.running_var
    assert mean is not None
    assert var is not None
    column = (slice(None), None, None)
    normalised = (x - mean[column]) / torch.sqrt(var[column] + norm.eps)
    expected = norm.weight[column] * 1.5 * normalised + norm.bias[column]
    assert torch.allclose(norm(x), expected, rtol=1e-12, atol=1e-12)  # float64 rounding


@pytest.mark.parametrize("family", ["dsnn", "spiking_resnet"])
def test_every_convolution_before_a_batch_norm_is_fused(family):
    network = residual_network(family=family, depth=18)
    convolutions = {n for n, m in network.named_modules() if isinstance(m, nn.Conv2d)}
    depthwise = {name for name in convolutions if name.endswith("pool.0.0")}
    fuse_batch_norm(network)
    assert not [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {name for name, _ in fused_convolutions(network)} == convolutions - depthwise


def test_expected_form_is_the_fused_form():
    fused = residual_network(family="dsnn", depth=50)
    fuse_batch_norm(fused)
    with torch.device("meta"):
        expected = residual_network(family="dsnn", depth=50)
    expect_fused(expected)
    shapes = {key: value.shape for key, value in fused.state_dict().items()}
    assert {key: value.shape for key, value in expected.state_dict().items()} == shapes
    names = [name for name, _ in fused_convolutions(fused)]
    assert [name for name, _ in fused_convolutions(expected)] == names
