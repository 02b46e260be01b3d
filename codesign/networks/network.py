"""What all networks share: two streams, a head for each, and which of the heads answers.

A network maps its input to the pair of streams `(o, a)`: spikes (or SEW's integers) and, in a
DSNN, the accumulation of the branches' spikes. Nothing in the spike stream reads `a`.
"""

import torch
from torch import Tensor, nn

from codesign.networks.accumulation import AccumulationHead, SumOfHeads
from codesign.networks.blocks import ResidualBlock, Streams
from codesign.networks.timesteps import TimeBatched


class SpikingNetwork(nn.Module):
    """A residual spiking network with one head, or with two.

    Attributes:
        family: fsnn, dsnn, sew or spiking_resnet; see `codesign.networks.families`.
        connection: g; None where currents are added.
        readout: which logits `forward` returns.
        fc: the linear head of the spike stream.
        fc_acc: that of the accumulation pathway, None where the streams share one, as published.
        provenance: where the weights came from; JSON values.
        firing_current: the least constant current at which a neuron fires at every timestep.
    """

    fc: nn.Linear
    fc_acc: nn.Linear | None
    firing_current = 1.0

    def __init__(self, family: str, connection: str | None, readout: str):
        super().__init__()
        self.family, self.connection, self.readout = family, connection, readout
        self.provenance: dict[str, object] = {"kind": "initialised"}

    def add_heads(
        self, features: int, classes: int, *, shared: bool, head: AccumulationHead
    ) -> None:
        """The last step of building: linear layers, and `head` if there is a pathway."""
        self.fc = nn.Linear(features, classes)
        self.fc_acc = None
        self.accumulation_head: nn.Module | None = None
        if self.family == "dsnn":
            self.accumulation_head = head
            self.sum_of_heads = SumOfHeads()
            self.fc_acc = None if shared else nn.Linear(features, classes)

    def features(self, inputs: Tensor, *, accumulate: bool) -> Streams:
        """Both streams behind the last block, `(T, N, C, H, W)` each.

        Args:
            inputs: what the network sees, in the shape that it documents.
            accumulate: whether to run the accumulation pathway; else its stream is None.
        """
        raise NotImplementedError

    def pooled(self, o: Tensor) -> Tensor:
        """What the spike head reads at each timestep, `(T, N, features)`."""
        raise NotImplementedError

    def blocks(self) -> list[ResidualBlock]:
        """All residual blocks in order; a Spikformer's are others."""
        return [module for module in self.modules() if isinstance(module, ResidualBlock)]

    def branches(self) -> list[TimeBatched]:
        """Of every residual branch the convolution and batch norm that make its result."""
        return [block.last_convolution for block in self.blocks()]

    @torch.no_grad()
    def start_as_identity(self) -> None:
        """Makes every residual pass its identity on unchanged, where it does not change shape.

        The last batch norm of each branch (or the convolution that it was fused into) is set to
        zero, so that the branch never fires. AND needs a branch that always fires: its shift is
        the `firing_current`.
        """
        shift = self.firing_current if self.connection == "and" else 0.0
        for branch in self.branches():
            convolution, norm = branch[0], branch[1]
            target = norm if isinstance(norm, nn.BatchNorm2d) else convolution
            assert isinstance(target, nn.BatchNorm2d | nn.Conv2d)
            assert target.bias is not None
            target.weight.zero_()
            target.bias.fill_(shift)

    def logits(self, inputs: Tensor) -> tuple[Tensor, Tensor | None]:
        """Logits `(N, classes)` of the spike head and, for a DSNN, of the accumulation head.

        Dual-stream training needs both (eq. 12); a test needs those that the readout names.

        Raises:
            InputError: the input has another shape than the network takes.
        """
        o, a = self.features(inputs, accumulate=self.family == "dsnn")
        return self._spike_logits(o), None if a is None else self._accumulation_logits(a)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits `(N, classes)` as the readout says.

        What the readout does not need is not computed: with `spike` the accumulation pathway
        rests, and a DSNN does the work of an FSNN.

        Raises:
            InputError: the input has another shape than the network takes.
        """
        o, a = self.features(inputs, accumulate=self.readout != "spike")
        if a is None:
            return self._spike_logits(o)
        if self.readout == "accumulation":
            return self._accumulation_logits(a)
        result: Tensor = self.sum_of_heads(self._spike_logits(o), self._accumulation_logits(a))
        return result

    def _spike_logits(self, o: Tensor) -> Tensor:
        result: Tensor = self.fc(self.pooled(o).mean(dim=0))
        return result

    def _accumulation_logits(self, a: Tensor) -> Tensor:
        assert self.accumulation_head is not None
        result: Tensor = self.accumulation_head(a, self.fc if self.fc_acc is None else self.fc_acc)
        return result
