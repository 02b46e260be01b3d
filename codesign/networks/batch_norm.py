"""Batch norm in spiking networks: threshold-dependent (td-BN), and fused into the convolution.

On a chip no batch norm exists: its scale goes into the weights and its shift becomes a bias
(eq. 16 of arXiv 2301.11929): `W' = gamma / sigma W`, `b' = beta - gamma mu / sigma`.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional


class ThresholdBatchNorm2d(nn.BatchNorm2d):
    """td-BN (Zheng et al., AAAI 2021): batch norm whose normalised value is scaled by alpha v_th.

    With alpha v_th = 1 it is plain batch norm. The factor multiplies gamma before use, so that
    one operation computes it all.

    Args:
        channels: C of the input `(N, C, H, W)`.
        alpha: 1 in a chain; 1 / sqrt(2) before the sum of two branches in Zheng's networks.
        v_threshold: threshold of the neurons that follow.
    """

    def __init__(self, channels: int, *, alpha: float = 1.0, v_threshold: float = 1.0):
        super().__init__(channels)
        self.scale = alpha * v_threshold

    @property
    def scaled_weight(self) -> Tensor:
        """gamma alpha v_th."""
        return self.weight * self.scale

    def forward(self, x: Tensor) -> Tensor:
        self._check_input_dim(x)
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
        return functional.batch_norm(
            x,
            self.running_mean,
            self.running_var,
            self.scaled_weight,
            self.bias,
            training=self.training,
            momentum=0.1 if self.momentum is None else self.momentum,
            eps=self.eps,
        )


def fuse_batch_norm(network: nn.Module) -> None:
    """Replaces every convolution and the batch norm right behind it by one convolution, in place.

    The convolution gets a bias and the attribute `batch_norm_fused = True`; `nn.Identity` takes
    the batch norm's place, so that names stay. The network is put into evaluation mode, because
    the batch's own statistics cannot be fused.

    Args:
        network: a network whose batch norms directly follow their convolution among a module's
            children, as in all networks of this package.
    """
    network.eval()
    for convolution, norm in _take_batch_norms(network):
        _fuse(convolution, norm)


def expect_fused(network: nn.Module) -> None:
    """Gives a network the form that `fuse_batch_norm` would, without any arithmetic.

    Weights keep their values and new biases have none yet: they are to be loaded.
    """
    network.eval()
    for convolution, _ in _take_batch_norms(network):
        bias = convolution.weight.new_empty(convolution.out_channels)
        convolution.bias = nn.Parameter(bias)
        convolution.batch_norm_fused = True  # type: ignore[assignment]


def fused_convolutions(network: nn.Module) -> Iterator[tuple[str, nn.Conv2d]]:
    """Name and module of every convolution that a batch norm was fused into."""
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d) and getattr(module, "batch_norm_fused", False):
            yield name, module


def _take_batch_norms(network: nn.Module) -> list[tuple[nn.Conv2d, nn.BatchNorm2d]]:
    """Takes out every batch norm behind a convolution; returns the pairs."""
    pairs = []
    for parent in list(network.modules()):
        for (_, first), (name, second) in pairwise(list(parent.named_children())):
            convolution = _last_convolution(first)
            if convolution is not None and isinstance(second, nn.BatchNorm2d):
                setattr(parent, name, nn.Identity())
                pairs.append((convolution, second))
    return pairs


def _last_convolution(module: nn.Module) -> nn.Conv2d | None:
    """The convolution, or the one at the end of a chain of convolutions."""
    if isinstance(module, nn.Sequential) and len(module):
        return _last_convolution(module[-1])
    return module if isinstance(module, nn.Conv2d) else None


@torch.no_grad()
def _fuse(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    gamma = norm.scaled_weight if isinstance(norm, ThresholdBatchNorm2d) else norm.weight
    scale = gamma / torch.sqrt(norm.running_var + norm.eps)
    convolution.weight = nn.Parameter(convolution.weight * scale[:, None, None, None])
    convolution.bias = nn.Parameter(norm.bias - norm.running_mean * scale)
    convolution.batch_norm_fused = True  # type: ignore[assignment]
