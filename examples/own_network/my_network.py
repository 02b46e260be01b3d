"""A small spiking network of one's own: plain torch, a neuron class, a loop over timesteps."""

import torch
from torch import Tensor, nn


class Leaky(nn.Module):
    """A leaky integrate-and-fire neuron that takes its membrane and gives it back."""

    def forward(self, current: Tensor, membrane: Tensor) -> tuple[Tensor, Tensor]:
        membrane = 0.5 * membrane + current
        spikes = (membrane >= 1).float()
        return spikes, membrane - spikes


class Classifier(nn.Module):
    """Two convolutions with neurons and a residual sum, a pool, and a linear layer."""

    def __init__(self, channels: int, timesteps: int):
        super().__init__()
        self.conv1 = nn.Conv2d(3, channels, 3, stride=2, padding=1)
        self.norm1 = nn.BatchNorm2d(channels)
        self.neuron1 = Leaky()
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.neuron2 = Leaky()
        self.pool = nn.AvgPool2d(4)
        self.linear = nn.Linear(16 * channels, 10)
        self.timesteps = timesteps

    def forward(self, image: Tensor) -> Tensor:
        current = self.norm1(self.conv1(image))  # does not change, so it is computed once
        membrane1 = membrane2 = torch.zeros_like(current)
        logits = torch.zeros(1, 10)
        for _ in range(self.timesteps):
            spikes1, membrane1 = self.neuron1(current, membrane1)
            spikes2, membrane2 = self.neuron2(self.conv2(spikes1), membrane2)
            logits = logits + self.linear(self.pool(spikes1 + spikes2).flatten(1))
        return logits / self.timesteps


def build(channels: int = 16, timesteps: int = 4) -> nn.Module:
    return Classifier(channels, timesteps)
