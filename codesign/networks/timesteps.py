"""Time in a network: the first dimension of `(T, N, ...)`, and where it begins.

Layers without a notion of time (convolution, batch norm, pool) see timesteps and images as one
batch; a static image enters time where its first result is held for T timesteps.
"""

from torch import Tensor, nn


class TimeBatched(nn.Sequential):
    """Runs its layers on `(T N, ...)` and gives back `(T, N, ...)`."""

    def forward(self, x: Tensor) -> Tensor:
        timesteps, batch = x.shape[:2]
        y = x.flatten(0, 1)
        for layer in self:
            y = layer(y)
        return y.reshape(timesteps, batch, *y.shape[1:])


class HoldForTimesteps(nn.Module):
    """Repeats a static value `(N, ...)` as `(T, N, ...)` without a copy.

    Args:
        timesteps: T.
    """

    def __init__(self, timesteps: int):
        super().__init__()
        self.timesteps = timesteps

    def forward(self, x: Tensor) -> Tensor:
        return x.unsqueeze(0).expand(self.timesteps, *x.shape)

    def extra_repr(self) -> str:
        return f"timesteps={self.timesteps}"
