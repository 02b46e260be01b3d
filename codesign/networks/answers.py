"""Answers of networks for small pictures: which class, in arithmetic without rounding.

A head averages over the map and over time before its linear layer, and a mean over 3, 5, 6 or 7
timesteps is no binary fraction: in floating point its last digit, and with it the larger of two
nearly equal logits, could depend on the machine. A mean is therefore not formed. With P places in
the map and T timesteps, T P times the logits are

    W sum_t,p o_t,p + T P b

whose terms are whole multiples of a grid as soon as weights, biases and `a` are, as those of
shipped and of quantised networks. float64 holds every whole number up to 2^53: enough for weights
and `a` of 16 bits, 256 features, 16 places and 64 timesteps (2^49), or for `a` of 24 bits and 4
timesteps, were all of them the largest there can be. T P is the same for all classes and both
heads, so that neither an argmax nor the sum of two heads changes; of classes that are equal the
first is the answer.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from codesign.networks.small_residual import SmallResidualNetwork


def logit_numerators(
    network: SmallResidualNetwork, pictures: Tensor
) -> tuple[Tensor, Tensor | None]:
    """T P times the logits of the spike head and, of a DSNN, of the accumulation head.

    Args:
        network: in shipped or quantised form.
        pictures: `(N, C, H, W)`.

    Returns:
        Float64, `(N, classes)` each, exact.

    Raises:
        InputError: the pictures have another shape.
    """
    o, a = network.features(pictures, accumulate=network.family == "dsnn")
    accumulation = network.fc if network.fc_acc is None else network.fc_acc
    return _numerators(o, network.fc), None if a is None else _numerators(a, accumulation)


def answers(network: SmallResidualNetwork, pictures: Tensor) -> dict[str, Tensor]:
    """The class that each readout answers with, `(N,)`: `spike` and, of a DSNN, the others.

    Args:
        network: in shipped or quantised form.
        pictures: `(N, C, H, W)`.

    Raises:
        InputError: the pictures have another shape.
    """
    spike, accumulation = logit_numerators(network, pictures)
    found = {"spike": spike}
    if accumulation is not None:
        found |= {"accumulation": accumulation, "sum": spike + accumulation}
    return {name: _first_largest(numerators) for name, numerators in found.items()}


def right_answers(
    network: SmallResidualNetwork, batches: Iterable[tuple[Tensor, Tensor]]
) -> dict[str, int]:
    """How many answers of each readout are right.

    Args:
        network: in shipped or quantised form.
        batches: pictures `(N, C, H, W)` and their labels `(N,)`, of any N.

    Raises:
        InputError: the pictures have another shape.
    """
    right: dict[str, int] = {}
    # NNPACK convolves larger batches by transforms, which leave the grid
    with torch.inference_mode(), torch.backends.nnpack.flags(enabled=False):
        for pictures, labels in batches:
            for readout, found in answers(network, pictures).items():
                right[readout] = right.get(readout, 0) + int((found == labels).sum())
    return right


def _numerators(stream: Tensor, head: nn.Linear) -> Tensor:
    timesteps, _, _, height, width = stream.shape
    sums = stream.double().sum(dim=(0, 3, 4))
    made: Tensor = sums @ head.weight.double().T
    return made + timesteps * height * width * head.bias.double()


def _first_largest(numerators: Tensor) -> Tensor:
    return torch.from_numpy(numerators.detach().numpy().argmax(axis=1))
