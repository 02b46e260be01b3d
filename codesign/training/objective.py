"""The objective: cross entropy of every head, and the price of spikes.

Dual-stream training (eq. 12 of arXiv 2301.11929) adds the cross entropies of both heads with equal
weights. A network without an accumulation pathway has that of its spike head alone. A penalty on
the mean firing rate lets users trade accuracy for energy; the paper has none.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn
from torch.nn import functional

from codesign.networks.network import SpikingNetwork
from codesign.training.firing import FiringRates


@dataclass
class Tally:
    """Sums over samples.

    Attributes:
        samples: how many.
        loss: of all terms.
        loss_spike: cross entropy of the spike head.
        loss_accumulation: that of the accumulation head.
        correct_spike: right answers of the spike head.
        correct_accumulation: of the accumulation head.
        correct_sum: of both heads' added logits.
        rate: mean firing rate of all neurons, times samples.
    """

    samples: float = 0.0
    loss: float = 0.0
    loss_spike: float = 0.0
    loss_accumulation: float = 0.0
    correct_spike: float = 0.0
    correct_accumulation: float = 0.0
    correct_sum: float = 0.0
    rate: float = 0.0

    def add(self, values: list[float]) -> None:
        """Adds what `Objective` counted of a batch."""
        for name, value in zip(TALLIED, values, strict=True):
            setattr(self, name, getattr(self, name) + value)

    def values(self) -> list[float]:
        """In the order of the attributes."""
        return [getattr(self, name) for name in TALLIED]


TALLIED = tuple(field.name for field in fields(Tally))


class Objective(nn.Module):
    """Loss and tally of a batch.

    Args:
        network: with one head or with two.
        firing: watches its neurons.
        rate_penalty: weight of the mean firing rate.
    """

    def __init__(self, network: SpikingNetwork, firing: FiringRates, rate_penalty: float = 0.0):
        super().__init__()
        self.network = network
        self.rate_penalty = rate_penalty
        self.firing = firing

    def forward(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """The mean loss of a batch, and what `Tally` holds of it, `(8,)` float64 without gradient.

        Args:
            inputs: as the network takes them.
            labels: `(N,)`.
        """
        self.firing.clear()
        spike, accumulation = self.network.logits(inputs)
        loss_spike = functional.cross_entropy(spike, labels)
        loss, loss_accumulation = loss_spike, torch.zeros_like(loss_spike)
        if accumulation is not None:
            loss_accumulation = functional.cross_entropy(accumulation, labels)
            loss = loss_accumulation + loss_spike
        rate = self.firing.rate().to(loss.device)
        if self.rate_penalty:
            loss = loss + self.rate_penalty * rate
        count = len(labels)
        means = (loss, loss_spike, loss_accumulation)
        right = _right(spike.detach(), accumulation, labels)
        tally = [torch.tensor(float(count)), *(mean.detach() * count for mean in means), *right]
        tally.append(rate.detach() * count)
        return loss, torch.stack([value.double().cpu() for value in tally])


def _right(spike: Tensor, accumulation: Tensor | None, labels: Tensor) -> list[Tensor]:
    """Right answers of the spike head, the accumulation head, and their sum."""
    answers = [spike.argmax(1)]
    if accumulation is not None:
        added = spike + accumulation.detach()
        answers += [accumulation.detach().argmax(1), added.argmax(1)]
    counts = [(answer == labels).sum() for answer in answers]
    return counts + [torch.zeros_like(counts[0])] * (3 - len(counts))
