"""The loop: epochs of steps, a test after each, and checkpoints on the way."""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from codesign.errors import CodesignError, Fault, InputError
from codesign.networks.network import SpikingNetwork
from codesign.training.checkpoints import Progress
from codesign.training.data import Data, Indices, Stacked
from codesign.training.firing import FiringRates
from codesign.training.objective import Objective, Tally
from codesign.training.optimisation import learning_rate
from codesign.training.options import Settings
from codesign.training.order import augmentation, batches
from codesign.training.processes import Processes
from codesign.training.watching import Observer

_TEST_BATCH = 256
"""Small pictures of one step of a test; of others it is as many as in training."""

_AFTER_DIVERGING = (
    "Train with a smaller --learning-rate or --rate-penalty and another --out; the last "
    "checkpoint, if there is one, stays as it is."
)


class DivergedError(CodesignError):
    """The loss or a weight is no longer a finite number."""


Keep = Callable[[Progress], None]
"""Writes a checkpoint."""


@dataclass
class Loop:
    """All that takes part in a training.

    Attributes:
        network: that is trained.
        optimiser: of its parameters.
        scaler: of gradients in mixed precision.
        data: that it is trained and tested on.
        settings: how.
        processes: that share the work.
        observer: hears of it.
        keep: writes a checkpoint.
        progress: how far it is.
    """

    network: SpikingNetwork
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    data: Data
    settings: Settings
    processes: Processes
    observer: Observer
    keep: Keep
    progress: Progress

    @property
    def steps(self) -> int:
        """Of an epoch."""
        return len(self.data.training) // self.settings.recipe.batch

    def run(self) -> None:
        """Trains from where the progress is to the last epoch.

        Raises:
            DivergedError: the loss or a weight is NaN or infinite.
            InputError: a sample cannot be read, or a checkpoint cannot be written.
        """
        epochs = self.settings.recipe.epochs
        progress = self.progress
        self.observer.started(epochs, self.steps, epoch=progress.epoch, step=progress.step)
        penalty = self.settings.rate_penalty
        with FiringRates(self.network, differentiable=penalty > 0) as firing:
            objective = Objective(self.network, firing, penalty)
            parallel = self.processes.parallel(objective)
            while progress.epoch < epochs:
                self._epoch(parallel)
                self._close_epoch(objective)
        self.network.eval()

    def _epoch(self, objective: torch.nn.Module) -> None:
        """The rest of the epoch that the progress is in."""
        progress, settings = self.progress, self.settings
        self.network.train()
        tally = Tally(*progress.tally)
        begun, kept = time.perf_counter() - progress.seconds, time.monotonic()
        for inputs, labels in self._training_batches():
            rate = learning_rate(
                settings.recipe, progress.epoch * self.steps + progress.step, self.steps
            )
            tally.add(self._step(objective, inputs, labels, rate))
            progress.step += 1
            progress.tally = tally.values()
            progress.seconds = time.perf_counter() - begun
            self.observer.stepped(progress.epoch, progress.step, tally.loss / tally.samples)
            if time.monotonic() - kept >= settings.checkpoint_seconds:
                self._keep()
                kept = time.monotonic()

    def _step(
        self, objective: torch.nn.Module, inputs: Tensor, labels: Tensor, rate: float
    ) -> list[float]:
        """One step of the optimiser; the tally of its batch."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad()
        with self._precision():
            loss, counted = objective(inputs, labels)
        values: list[float] = self.processes.summed(counted).tolist()
        self._require_finite(values, rate)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimiser)
        self.scaler.update()
        return values

    def _training_batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """What is left of the epoch, of each batch this process's share."""
        progress, settings, data = self.progress, self.settings, self.data.training
        where = {"seed": settings.seed, "epoch": progress.epoch}
        chosen = batches(len(data), settings.recipe.batch, **where)[progress.step :]
        changes = augmentation(settings.recipe, len(data), **where)
        yield from self._given(data.batches(self._shares(chosen), changes))

    def _shares(self, chosen: Any) -> list[Indices]:
        return [indices[self.processes.rank :: self.processes.count] for indices in chosen]

    def _given(self, read: Iterator[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
        device = self.processes.device
        for inputs, labels in read:
            yield inputs.to(device, non_blocking=True), labels.to(device, non_blocking=True)

    def _precision(self) -> AbstractContextManager[Any]:
        if not self.settings.has_amp:
            return nullcontext()
        device = self.processes.device.type
        return torch.autocast(device, torch.float16 if device == "cuda" else torch.bfloat16)

    def _require_finite(self, values: list[float], rate: float) -> None:
        loss = values[1] / max(values[0], 1)
        if math.isfinite(loss):
            return
        progress = self.progress
        raise DivergedError(
            f"epoch {progress.epoch + 1}, step {progress.step + 1} of {self.steps}, learning rate "
            f"{rate:.3g}: the loss must be finite (got {loss}). {_AFTER_DIVERGING}"
        )

    def _require_finite_weights(self) -> None:
        """A neuron never fires at NaN: the loss can be finite where weights are not."""
        for name, parameter in self.network.named_parameters():
            if not bool(parameter.isfinite().all()):
                raise DivergedError(
                    f"epoch {self.progress.epoch + 1}: {name} must be finite (got NaN or "
                    f"infinity). {_AFTER_DIVERGING}"
                )

    def _close_epoch(self, objective: Objective) -> None:
        """Tests, adds a row to the history, and goes on to the next epoch."""
        progress, recipe = self.progress, self.settings.recipe
        self._require_finite_weights()
        self.processes.share_statistics(self.network)
        trained = Tally(*progress.tally)
        tested, progress.firing = self._test(objective)
        if not math.isfinite(tested.loss):
            raise DivergedError(
                f"epoch {progress.epoch + 1}: the loss of the test must be finite "
                f"(got {tested.loss}). {_AFTER_DIVERGING}"
            )
        last = progress.epoch * self.steps + self.steps - 1
        row = {
            "epoch": progress.epoch + 1,
            "learning_rate": learning_rate(recipe, last, self.steps),
            "seconds": progress.seconds,
        }
        two = self.network.family == "dsnn"
        row |= _columns("train", trained, two_heads=two) | _columns("test", tested, two_heads=two)
        progress.history.append(row)
        progress.epoch, progress.step = progress.epoch + 1, 0
        progress.tally, progress.seconds = [], 0.0
        self._keep()
        self.observer.epoch_done(row)

    def _keep(self) -> None:
        self._require_finite_weights()  # or a checkpoint that is worth something would be lost
        self.progress.scaler = self.scaler.state_dict()
        self.keep(self.progress)

    @torch.no_grad()
    def _test(self, objective: Objective) -> tuple[Tally, dict[str, list[int]]]:
        """The tally of the test samples, and of each neuron layer its spikes and their limit."""
        self.network.eval()
        tally, data = Tally(), self.data.test
        firing: dict[str, list[int]] = {}
        share = np.arange(len(data))[self.processes.rank :: self.processes.count]
        size = _TEST_BATCH if isinstance(data, Stacked) else self.settings.recipe.batch
        steps = [share[start : start + size] for start in range(0, len(share), size)]
        for inputs, labels in self._given(data.batches(steps)):
            with self._precision():
                _, counted = objective(inputs, labels)
            tally.add(counted.tolist())
            for name, counts in objective.firing.counts().items():
                before = firing.get(name, [0, 0])
                firing[name] = [old + new for old, new in zip(before, counts, strict=True)]
        return self._of_all(tally, firing)

    def _of_all(
        self, tally: Tally, firing: dict[str, list[int]]
    ) -> tuple[Tally, dict[str, list[int]]]:
        """The sums over all processes."""
        if self.processes.count == 1:
            return tally, firing
        names = list(firing)
        flat = [*tally.values(), *(count for name in names for count in firing[name])]
        summed = self.processes.summed(torch.tensor(flat, dtype=torch.float64)).tolist()
        width = len(tally.values())
        counts = [int(count) for count in summed[width:]]
        pairs = {name: counts[2 * place : 2 * place + 2] for place, name in enumerate(names)}
        return Tally(*summed[:width]), pairs


def _columns(part: str, tally: Tally, *, two_heads: bool) -> dict[str, Any]:
    """Means of a tally; None for a head that the network does not have."""
    count = max(tally.samples, 1)
    row: dict[str, Any] = {
        f"{part}_samples": int(tally.samples),
        f"{part}_loss": tally.loss / count,
        f"{part}_loss_spike": tally.loss_spike / count,
        f"{part}_loss_accumulation": tally.loss_accumulation / count if two_heads else None,
        f"{part}_firing_rate": tally.rate / count,
    }
    for head in ("spike", "accumulation", "sum"):
        correct = getattr(tally, f"correct_{head}")
        is_there = two_heads or head == "spike"
        row[f"{part}_correct_{head}"] = int(correct) if is_there else None
        row[f"{part}_accuracy_{head}"] = correct / count if is_there else None
    return row


def require_batches(data: Data, settings: Settings, processes: Processes) -> None:
    """Checks that the training samples fill a batch, and that processes can share it.

    Raises:
        InputError: they do not.
    """
    batch, count = settings.recipe.batch, len(data.training)
    if batch > count:
        problem = f"must be at most {count}, the number of training samples (got {batch})."
        raise InputError(Fault("--batch", problem, "Choose a smaller one."))
    if batch % processes.count:
        problem = f"must be a multiple of {processes.count}, the number of processes (got {batch})."
        raise InputError(Fault("--batch", problem))
    if len(data.test) < processes.count:
        problem = f"must have a test sample for each of {processes.count} processes."
        raise InputError(Fault(str(data.reference), problem, "Start fewer processes."))


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """torch's numbers of a seed, and afterwards those that would have been."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield
