"""An order: what a command line asks to be run, checked before any work is done."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codesign.cli.folders import require_file, require_replaceable
from codesign.cli.options import names, require_no_folder
from codesign.datasets.choice import choose
from codesign.datasets.references import is_reference, parse_reference
from codesign.errors import Fault, InputError
from codesign.networks.trained import CHECKPOINT, OWN
from codesign.pictures import pictures_in
from codesign.specs.architecture import Architecture, PaperEnergies, Precision
from codesign.specs.catalogue import AnyWorkload, load_architecture, load_workload_spec
from codesign.specs.model import ModelSpec
from codesign.specs.overrides import split_overrides
from codesign.specs.precision import with_precision
from codesign.specs.recorded import RecordedSpec
from codesign.specs.workload import TRAINED, WorkloadSpec
from codesign.trace_cache import require_input

_LONGEST_NAME = 120
"""Of a folder that a comparison is put into by default; file systems end at about twice as many."""


@dataclass(frozen=True)
class Wish:
    """What the command line says of inputs.

    Attributes:
        images: values of `--images`; None leaves the workload's own.
        samples: of each data set among them.
        seed: of their random choice.
    """

    images: list[str] | None = None
    samples: int | None = None
    seed: int | None = None

    def inputs(self) -> tuple[tuple[str, ...], list[dict[str, Any]]]:
        """All images by name, and for each data set how its samples were chosen.

        Raises:
            InputError: a folder or a data set is not what it must be.
        """
        found: list[str] = []
        statements, has_choice = [], False
        for name in names("--images", self.images or []):
            if is_reference(name):
                reference = parse_reference(name)
                has_choice |= reference.index is None
                references, statement = choose(reference, self.samples, self.seed)
                found += map(str, references)
                statements.append(statement)
            else:
                found += pictures_in(Path(name)) if _is_folder(name) else [name]
        for option, value in (("--samples", self.samples), ("--seed", self.seed)):
            if value is not None and not has_choice:
                problem = "chooses among the samples of a data set, and no whole one was named."
                fix = "Name one with '--images SET:FOLDER', as cifar10:data/cifar-10-batches-bin."
                raise InputError(Fault(f"{option} {value}", problem, fix))
        return tuple(found), statements


def _is_folder(name: str) -> bool:
    """Whether a folder of that name is there; what cannot be asked for is reported as a picture."""
    try:
        return Path(name).is_dir()
    except (OSError, ValueError):  # too long a name, or a null byte
        return False


@dataclass(frozen=True)
class Order:
    """Workloads to be run on one or several chips, each on each.

    Attributes:
        architectures: the chips, of different names.
        specs: the workloads, of different names, with the images and weights that were chosen.
        folder: where the results go.
        changes: what `--set` replaced in the files of both.
        samples: for each data set, how samples of it were chosen.
    """

    architectures: tuple[Architecture, ...]
    specs: tuple[AnyWorkload, ...]
    folder: Path
    changes: tuple[str, ...]
    samples: list[dict[str, Any]]


def take_order(
    workloads: Sequence[str],
    *,
    chips: Sequence[str],
    wish: Wish,
    checkpoint: Path | None,
    changes: list[str] | None,
    out: Path | None,
    json: str | None,
) -> Order:
    """The order that the options of `run` and `compare` give.

    Raises:
        InputError: something that they name is wrong, missing, or cannot be written.
    """
    for_chip, for_workload = split_overrides(changes or [])
    for chip in chips:
        require_no_folder("--arch", chip)
    architectures = [load_architecture(chip, for_chip) for chip in chips]
    images, samples = wish.inputs()
    specs = []
    for workload in workloads:
        require_no_folder("--workload", workload)
        specs.append(_with_choices(load_workload_spec(workload, for_workload), images, checkpoint))
    _require_different("--workloads", "workloads", [spec.name for spec in specs])
    _require_different("--arch", "architectures", [chip.name for chip in architectures])
    for spec in specs:
        for picture in spec.images:
            require_input(spec, picture)
        for architecture in architectures:
            with_precision(spec, architecture)  # a chip may have no legal formats for it
    folder = out or Path("reports") / folder_name(
        [spec.name for spec in specs], [chip.name for chip in architectures]
    )
    require_replaceable(folder)
    require_file(json, outside=folder)
    held = last_of_each(changes or ())
    return Order(tuple(architectures), tuple(specs), folder, held, samples)


def folder_name(workloads: Sequence[str], chips: Sequence[str]) -> str:
    """`fsnn18_dsnn18_on_split_core`; of very many how many they are, and what tells them apart."""
    name = f"{'_'.join(workloads)}_on_{'_'.join(chips)}"
    if len(name) <= _LONGEST_NAME or len(workloads) + len(chips) == 2:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    on = chips[0] if len(chips) == 1 else f"{len(chips)}_chips"
    return f"{len(workloads)}_workloads_on_{on}_{digest}"


def last_of_each(changes: Sequence[str]) -> tuple[str, ...]:
    """What `--set` replaced: of several values for one key the last, which holds."""
    return tuple({change.partition("=")[0].strip(): change for change in changes}.values())


@dataclass(frozen=True)
class CountOrder:
    """A workload whose operations are to be counted.

    Attributes:
        spec: the workload, with the images and weights that were chosen.
        prices: of an AC and a MAC, as the paper has them.
        precision: number formats for the memory.
        samples: for each data set, how samples of it were chosen.
    """

    spec: AnyWorkload
    prices: PaperEnergies
    precision: Precision
    samples: list[dict[str, Any]]


def take_count(
    workload: str,
    *,
    arch: str | None,
    wish: Wish,
    checkpoint: Path | None,
    changes: list[str] | None,
    json: str | None,
) -> CountOrder:
    """The order that the options of `count` give.

    Raises:
        InputError: something that they name is wrong, missing, or cannot be written.
    """
    from codesign.footprint import FP32

    for_chip, for_workload = split_overrides(changes or [])
    precision = load_architecture(arch, for_chip).precision if arch else FP32
    if precision is None:
        problem = "must have number formats (got an architecture that prices operations alone)."
        raise InputError(Fault(f"--arch {arch}", problem, "Leave it out for fp32."))
    if for_chip and not arch:
        problem = "changes an architecture, and none was named."
        fix = "Name it with --arch, or write 'workload.' in front."
        raise InputError(Fault(f"--set {for_chip[0]}", problem, fix))
    require_no_folder("--workload", workload)
    images, samples = wish.inputs()
    spec = _with_choices(load_workload_spec(workload, for_workload), images, checkpoint)
    for picture in spec.images:
        require_input(spec, picture)
    require_file(json)
    prices = load_architecture("paper").operations
    assert prices is not None, "the shipped file says so"
    return CountOrder(spec, prices, precision, samples)


def _with_choices(
    spec: AnyWorkload, images: tuple[str, ...], checkpoint: Path | None
) -> AnyWorkload:
    """The workload with the images and weights that were chosen on the command line."""
    changes: dict[str, object] = {}
    if images:
        changes["images"] = images
    if checkpoint is not None:
        if isinstance(spec, RecordedSpec):
            problem = f"must be left out for '{spec.name}', whose spikes are recorded already."
            raise InputError(Fault("--checkpoint", problem))
        changes["weights"] = _weights(spec, checkpoint)
    return spec.model_copy(update=changes)


def _weights(spec: WorkloadSpec | ModelSpec, checkpoint: Path) -> str:
    """What a workload would say of a checkpoint, or of the folder of a training."""
    # in full, so that a file called `calibrated` is not taken for the shipped weights
    path = str(checkpoint.absolute())
    is_training = (checkpoint / f"{OWN}.safetensors").is_file()
    if isinstance(spec, WorkloadSpec) and is_training:
        return f"{TRAINED}{path}"
    if checkpoint.is_dir() and (checkpoint / CHECKPOINT).is_file():
        problem = f"must hold {OWN}.safetensors (its training is not finished, or left none)."
        fix = "Go on with it: codesign train; it says why a network leaves none."
        raise InputError(Fault(f"--checkpoint {checkpoint}", problem, fix))
    if not checkpoint.is_file():
        problem = "must be a file (got something else, or nothing, of that name)."
        fix = "Give the path of a .safetensors or .pth file, or the folder of a training."
        raise InputError(Fault(f"--checkpoint {checkpoint}", problem, fix))
    return path


def _require_different(option: str, what: str, found: Sequence[str]) -> None:
    """Checks that results can be told apart: two files of one name can lie in different folders."""
    for name in found:
        if found.count(name) > 1:
            problem = f"must be {what} of different names (got '{name}' twice)."
            fix = "Leave one out, or rename it, in its file as well."
            raise InputError(Fault(option, problem, fix))
