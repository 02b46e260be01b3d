"""The whole of a training, in one call."""

import copy
import json
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from codesign.errors import Fault, InputError
from codesign.networks.construction import network_options, spiking_network
from codesign.networks.network import SpikingNetwork
from codesign.networks.neurons import Neuron
from codesign.networks.trained import CHECKPOINT
from codesign.specs.catalogue import load_workload_spec
from codesign.specs.workload import EVENT_NETS, Family, WorkloadSpec
from codesign.specs.workload import Training as Way
from codesign.training.checkpoints import (
    Checkpoint,
    Progress,
    machine,
    read_checkpoint,
    write_checkpoint,
)
from codesign.training.data import Data, open_data
from codesign.training.loop import Keep, Loop, require_batches, seeded
from codesign.training.optimisation import optimiser
from codesign.training.options import Options, Settings, settings
from codesign.training.outcome import (
    card,
    held,
    read_card,
    require_same,
    write_card,
    write_metrics,
    write_trained,
    write_weights,
)
from codesign.training.processes import Processes, processes
from codesign.training.watching import Observer

DUAL, SINGLE = "dual-stream", "single-stream"
"""Losses: of both heads (eq. 12), or of the spike head."""


@dataclass(frozen=True, eq=False)
class Training:
    """A finished training.

    Attributes:
        network: in evaluation mode, batch norms unfused. An FSNN that was trained with both
            streams is the DSNN that it was trained as: its spike head is the FSNN's.
        history: a row for each epoch (see `codesign.training.loop`), of plain values.
        card: where its weights come from and what they reach; JSON values.
        has_trained: False if a folder held all of it already.
    """

    network: SpikingNetwork
    history: list[dict[str, Any]]
    card: dict[str, Any]
    has_trained: bool = True


def train(
    workload: WorkloadSpec | str | Path,
    data: str,
    options: Options | None = None,
    *,
    folder: Path | None = None,
    observer: Observer | None = None,
    line: str | None = None,
) -> Training:
    """Trains the network of a workload, from initial values or from where a folder is.

    In order: the data set is opened, the network made of the seed, the folder's checkpoint loaded
    if there is one; then every epoch takes its steps, is tested, and leaves a checkpoint; at last
    weights and card are written. Started by torch's launcher, processes share each batch.

    Args:
        workload: what is trained, or its name or path (see `trainable`); its weights are ignored.
        data: reference of a data set, as `digits` or `cifar10:FOLDER`.
        options: how; the recipe of the data set without.
        folder: where checkpoint, metrics, weights and card go; None writes nothing.
        observer: hears of it.
        line: the command line, for the card.

    Raises:
        InputError: an option, the workload, the data or the folder is not what it must be.
        DivergedError: the loss is NaN or infinite; the last checkpoint stays.
    """
    spec = workload if isinstance(workload, WorkloadSpec) else trainable(workload)
    chosen = options or Options()
    opened = open_data(spec, data, chosen.validation, chosen.workers)
    how = settings(chosen, opened.reference.set_name, identity_start=spec.identity_start)
    _require_device(how.device)
    with processes(how.device) as here:
        require_batches(opened, how, here)
        heard = observer if observer and here.is_first else Observer()
        return _Job(spec, opened, how, here, heard, folder, line).run()


@dataclass(frozen=True)
class _Job:
    """A training that is about to begin."""

    spec: WorkloadSpec
    data: Data
    settings: Settings
    here: Processes
    observer: Observer
    folder: Path | None
    line: str | None

    def run(self) -> Training:
        """The training, alone in its folder."""
        is_writer = self.folder is not None and self.here.is_first
        with held(self.folder) if self.folder and is_writer else nullcontext():
            return self._run()

    def _run(self) -> Training:
        command = self.command()
        self._note_classes()
        network = initial_network(self.spec, self.data, self.settings).to(self.here.device)
        steps = optimiser(network, self.settings.recipe)
        progress = self._resumed(network, steps, command)
        epochs = self.settings.recipe.epochs
        if self.folder and progress.epoch == epochs and (found := read_card(self.folder)):
            self.observer.note(f"{self.folder} holds all of this training already.")
            if self.here.is_first:  # whatever became of its files
                self._write_weights(network, progress, found)
            network.provenance = {"kind": "trained", "card": found}
            return Training(network.eval(), progress.history, found, has_trained=False)
        scaler = torch.amp.GradScaler(
            self.here.device.type,
            enabled=self.settings.has_amp and self.here.device.type == "cuda",
        )
        if progress.scaler:
            scaler.load_state_dict(progress.scaler)
        keep = self._keeper(network, steps, command)
        loop = Loop(
            *(network, steps, scaler, self.data, self.settings),
            *(self.here, self.observer, keep, progress),
        )
        loop.run()
        content = card(network, command, self.settings, progress, self.line)
        if self.folder and self.here.is_first:
            self._write_weights(network, progress, content)
            write_card(self.folder, content)
        self.here.wait()
        network.provenance = {"kind": "trained", "card": content}
        return Training(network, copy.deepcopy(progress.history), content)

    def _write_weights(
        self, network: SpikingNetwork, progress: Progress, content: dict[str, Any]
    ) -> None:
        assert self.folder is not None
        write_metrics(self.folder, progress.history)
        write_weights(self.folder, network)
        if refusal := write_trained(self.folder, network, content, self.data.test):
            self.observer.note(refusal)

    def command(self) -> dict[str, Any]:
        """What decides on the training; JSON values."""
        spec = trained_spec(self.spec)
        command = {
            "network": network_options(spec) | {"classes": len(self.data.classes)},
            "loss": DUAL if spec.family is Family.DSNN else SINGLE,
            "data": self.data.provenance(),
            "options": self.settings.decisive() | {"processes": self.here.count},
        }
        plain: dict[str, Any] = json.loads(json.dumps(command))  # as it is read again
        return plain

    def _note_classes(self) -> None:
        """Says if the workload will not take the weights."""
        wanted = network_options(self.spec).get("classes")
        if wanted not in (None, len(self.data.classes)):
            self.observer.note(
                f"the network gets {len(self.data.classes)} logits, as many as the data has "
                f"classes; workload {self.spec.name} has {wanted} and will not take its weights."
            )

    def _resumed(
        self, network: SpikingNetwork, steps: torch.optim.Optimizer, command: dict[str, Any]
    ) -> Progress:
        """Where the folder's checkpoint is; the beginning without one."""
        if self.folder is None:
            return Progress()
        path = self.folder / CHECKPOINT
        self.here.wait()  # for the folder, which the first one makes
        progress = Progress()
        if path.exists():
            checkpoint = read_checkpoint(path)
            require_same(self.folder, checkpoint.command, command)
            checkpoint.load(network, steps)
            progress = checkpoint.progress
            if progress.epoch < self.settings.recipe.epochs:
                self._note_continued(checkpoint)
        self.here.wait()  # nobody writes before all have read
        return progress

    def _note_continued(self, checkpoint: Checkpoint) -> None:
        progress, here = checkpoint.progress, machine()
        self.observer.note(
            f"{self.folder} is continued in epoch {progress.epoch + 1} of "
            f"{self.settings.recipe.epochs}, after step {progress.step}."
        )
        others = [
            f"{name} was {was}, is {here.get(name)}"
            for name, was in checkpoint.machine.items()
            if here.get(name) != was
        ]
        if others:
            self.observer.note(
                f"its weights will not be those of one go to the last digit ({'; '.join(others)})."
            )

    def _keeper(
        self, network: SpikingNetwork, steps: torch.optim.Optimizer, command: dict[str, Any]
    ) -> Keep:
        folder = self.folder
        if folder is None or not self.here.is_first:
            return lambda _: None

        def keep(progress: Progress) -> None:
            write_checkpoint(folder / CHECKPOINT, network, steps, progress, command)
            if progress.history and not progress.step:
                write_metrics(folder, progress.history)

        return keep


def trained_spec(spec: WorkloadSpec) -> WorkloadSpec:
    """What is trained of a workload: of an FSNN with both streams, the DSNN that has them."""
    if spec.family is not Family.FSNN or spec.training is Way.SINGLE_STREAM:
        return spec
    changes: dict[str, Any] = {"family": Family.DSNN, "training": None, "readout": "sum"}
    if spec.structure in EVENT_NETS:
        changes["accumulation_pool"] = "max"
    return WorkloadSpec.model_validate(spec.model_dump() | changes)


def initial_network(spec: WorkloadSpec, data: Data, how: Settings) -> SpikingNetwork:
    """The network that is trained, with the initial values of the seed."""
    options = network_options(trained_spec(spec)) | {"classes": len(data.classes)}
    with seeded(how.seed):
        network = spiking_network(**options)
    for module in network.modules():
        if isinstance(module, Neuron):
            module.surrogate_slope = how.recipe.surrogate_slope
    if how.recipe.identity_start:
        network.start_as_identity()
    return network


def trainable(workload: str | Path) -> WorkloadSpec:
    """The workload of a name or path, whose network can be trained.

    Raises:
        InputError: it is not what it must be, or a network or spikes of the user's own.
    """
    spec = load_workload_spec(workload)
    if not isinstance(spec, WorkloadSpec):
        problem = "must be a workload with a family (got a user's own network or spikes)."
        raise InputError(Fault(str(workload), problem, "Own networks are trained by their owners."))
    return spec


def _require_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        problem = "must be a device that is there (torch finds no CUDA)."
        raise InputError(Fault("--device cuda", problem, "Use --device cpu."))
