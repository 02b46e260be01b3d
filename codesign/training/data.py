"""Data: training and test samples of a data set, as batches of what a network sees.

Sets of small pictures are held in memory as one tensor; what is in files of any number is read when
it is needed, by other processes if so wished. A set with a split for training and one for tests is
used so; of a set without, another is tested on (`--validation`), or every tenth sample is held out.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from codesign.datasets.network_inputs import sample_pixels, small_levels
from codesign.datasets.packaged import PACKAGED
from codesign.datasets.reading import refused
from codesign.datasets.references import (
    Reference,
    open_data_set,
    parse_reference,
    read_sample,
)
from codesign.datasets.sample import DataSet, Events, Sample
from codesign.errors import Fault, InputError
from codesign.inputs import network_input
from codesign.pictures import RESIZED_SIDE, SIDE
from codesign.specs.workload import EVENT_NETS, Pictures, Structure, WorkloadSpec
from codesign.training.order import Augmentation

Indices = NDArray[np.int64]
Batch = tuple[Tensor, Tensor]
"""What the network sees of some samples, and their labels `(N,)`."""

IN_MEMORY = frozenset({*PACKAGED, "cifar10", "cifar100"})
SPLIT = IN_MEMORY | {"dvsgesture"}
"""Sets that have a part for training and one for tests."""
HELD_OUT = 10
"""Of a set without a split one of so many samples is tested on."""
_FINGERPRINTED = 1_000
"""Of a set that is not held in memory so many samples, evenly spread, make the fingerprint."""


class Part(Protocol):
    """The samples of one part of a data set."""

    def __len__(self) -> int: ...

    def batches(
        self, steps: Sequence[Indices], augmentation: Augmentation | None = None
    ) -> Iterator[Batch]:
        """A batch for each step, of the samples with the step's indices.

        Raises:
            InputError: a sample cannot be read, is of another kind than the network sees, or has a
                label that is no class.
        """
        ...

    def fingerprint(self) -> dict[str, Any]:
        """SHA-256 over samples (their labels and contents), and over which; JSON values."""
        ...


@dataclass(frozen=True, eq=False)
class Stacked:
    """Small pictures in memory.

    Attributes:
        inputs: `(N, C, H, W)`.
        labels: `(N,)`.
        sha256: over all samples.
    """

    inputs: Tensor
    labels: Tensor
    sha256: str

    def __len__(self) -> int:
        return len(self.labels)

    def batches(
        self, steps: Sequence[Indices], augmentation: Augmentation | None = None
    ) -> Iterator[Batch]:
        for indices in steps:
            rows = torch.from_numpy(indices)
            pictures = self.inputs[rows]
            if augmentation is not None:
                pictures = augmentation.shifted(pictures, indices)
            yield pictures, self.labels[rows]

    def fingerprint(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "of": f"all {len(self)} samples"}


@dataclass(frozen=True, eq=False)
class View:
    """What a network sees of a sample that is read from its file.

    Attributes:
        structure: of the network.
        timesteps: T.
        pictures: which ones a network for small pictures sees.
    """

    structure: Structure
    timesteps: int
    pictures: Pictures | None

    @property
    def batch_dimension(self) -> int:
        """Frames of events have time first."""
        return 1 if self.structure in EVENT_NETS else 0

    def of(self, reference: Reference, changes: Augmentation | None, index: int) -> Tensor:
        """One sample with a batch of one, changed as the training sample of an index is."""
        name = str(reference)
        if changes is not None and changes.recipe.crop and self.structure == Structure.RESNET:
            whole = sample_pixels(name, resized=RESIZED_SIDE, cropped=RESIZED_SIDE)
            seen = changes.cropped(torch.from_numpy(whole)[None], SIDE, index)
        else:
            seen = torch.from_numpy(
                network_input(self.structure, name, self.timesteps, self.pictures)
            )
        if changes is None:
            return seen
        if self.batch_dimension:
            return changes.kept(seen, index)
        return changes.shifted(seen, np.array([index]))


@dataclass(frozen=True, eq=False)
class Listed:
    """Samples that are read when they are needed.

    Attributes:
        reference: of the set.
        indices: of the samples in the set.
        classes: how many there are.
        view: what the network sees of one.
        workers: processes that read them; 0 reads them here.
    """

    reference: Reference
    indices: Indices
    classes: int
    view: View
    workers: int = 0

    def __len__(self) -> int:
        return len(self.indices)

    def sample(self, index: int) -> Sample:
        """One sample; see `batches`."""
        reference = self.reference.at(int(self.indices[index]))
        sample = read_sample(reference)
        _require_label(str(reference), sample.label, self.classes)
        return sample

    def batches(
        self, steps: Sequence[Indices], augmentation: Augmentation | None = None
    ) -> Iterator[Batch]:
        loader: DataLoader[Any] = DataLoader(
            _Read(self, augmentation),
            batch_sampler=[indices.tolist() for indices in steps],
            num_workers=self.workers,
            collate_fn=self.together,
        )
        for batch in loader:
            if isinstance(batch, InputError):
                raise batch
            yield batch

    def together(self, samples: Sequence[tuple[Tensor, int] | InputError]) -> Batch | InputError:
        """One batch of several samples; an error travels as it is, since a process cannot raise
        ours into another."""
        read = []
        for sample in samples:
            if isinstance(sample, InputError):
                return sample
            read.append(sample)
        inputs = torch.cat([seen for seen, _ in read], dim=self.view.batch_dimension)
        return inputs, torch.tensor([label for _, label in read])

    def fingerprint(self) -> dict[str, Any]:
        chosen = np.unique(np.linspace(0, len(self) - 1, _FINGERPRINTED).astype(np.int64))
        digest = hashlib.sha256()
        for index in chosen:
            _add(digest, self.sample(int(index)))
        return {"sha256": digest.hexdigest(), "of": f"{len(chosen)} of {len(self)} samples"}


class _Read(Dataset[tuple[Tensor, int] | InputError]):
    """Samples as a loader's processes read them."""

    def __init__(self, part: Listed, augmentation: Augmentation | None):
        self._part, self._augmentation = part, augmentation

    def __getitem__(self, index: int) -> tuple[Tensor, int] | InputError:
        part = self._part
        try:
            label = part.sample(index).label
            reference = part.reference.at(int(part.indices[index]))
            return part.view.of(reference, self._augmentation, index), label
        except InputError as error:
            return error


@dataclass(frozen=True, eq=False)
class Data:
    """What a network is trained and tested on.

    Attributes:
        reference: of the data set, in full.
        title: as it is known.
        classes: their names.
        training: samples that are learnt from.
        test: samples that are not.
        division: how the two were parted, in words.
    """

    reference: Reference
    title: str
    classes: tuple[str, ...]
    training: Part
    test: Part
    division: str

    def provenance(self) -> dict[str, Any]:
        """For cards and checkpoints; JSON values."""
        return {
            "title": self.title,
            "set": self.reference.set_name,
            "classes": len(self.classes),
            "division": self.division,
            "training": {"samples": len(self.training), "fingerprint": self.training.fingerprint()},
            "test": {"samples": len(self.test), "fingerprint": self.test.fingerprint()},
        }


def open_data(
    spec: WorkloadSpec, data: str, validation: str | None = None, workers: int = 0
) -> Data:
    """The data that a workload's network is to be trained and tested on.

    Args:
        spec: the workload, which says what its network sees.
        data: reference of a data set.
        validation: reference of another to test on.
        workers: processes that read samples which are not held in memory.

    Raises:
        InputError: a reference is not one of a set, the set is not what it must be or empty, its
            pictures have another shape than the network sees, or a label is no class.
    """
    reference = _set_reference("--data", data)
    if validation is not None:
        other = _set_reference("--validation", validation)
        first = replace(reference, split="train") if reference.set_name in SPLIT else reference
        parts = _part(spec, first, workers), _part(spec, other, workers)
        if open_data_set(first).classes != open_data_set(other).classes:
            problem = f"must have the classes of {data}."
            raise InputError(Fault(f"--validation {validation}", problem))
        names = [f"{each.set_name}/{each.split}" for each in (first, other)]
        division = f"trained on {names[0]}, tested on {names[1]}"
    elif reference.set_name in SPLIT:
        first = replace(reference, split="train")
        parts = _part(spec, first, workers), _part(spec, replace(reference, split="test"), workers)
        division = "the set's own split"
        if reference.set_name in PACKAGED:
            division = "every fifth picture is a test picture"
    else:
        first = reference
        parts = _halves(spec, reference, workers)
        division = f"every {HELD_OUT}th sample is held out for the test"
    opened = open_data_set(first)
    return Data(first, opened.title, tuple(opened.classes), *parts, division)


def _set_reference(option: str, text: str) -> Reference:
    reference = parse_reference(text)
    if reference.index is not None:
        problem = "must be a whole data set (got one sample)."
        raise InputError(Fault(f"{option} {text}", problem, "Leave '#' and the number out."))
    name, *said = text.partition(":")[0].split("/")
    if option == "--data" and name in SPLIT and reference.split in said:
        problem = f"must be a set with all its parts (got '{reference.split}' alone)."
        fix = f"Leave '/{reference.split}' out; --validation names what is tested on."
        raise InputError(Fault(f"{option} {text}", problem, fix))
    return reference


def _part(spec: WorkloadSpec, reference: Reference, workers: int) -> Part:
    data_set = _not_empty(reference)
    if spec.pictures is not None and reference.set_name in IN_MEMORY:
        return _stacked(reference, spec.pictures)
    return _listed(spec, reference, np.arange(len(data_set)), workers)


def _halves(spec: WorkloadSpec, reference: Reference, workers: int) -> tuple[Part, Part]:
    data_set = _not_empty(reference)
    if len(data_set) < HELD_OUT:
        problem = f"must have at least {HELD_OUT} samples to hold some out (got {len(data_set)})."
        raise refused(str(reference), problem, "Name other samples to test on: --validation.")
    indices = np.arange(len(data_set))
    is_test = indices % HELD_OUT == HELD_OUT - 1
    return (
        _listed(spec, reference, indices[~is_test], workers),
        _listed(spec, reference, indices[is_test], workers),
    )


def _not_empty(reference: Reference) -> DataSet:
    data_set = open_data_set(reference)
    if not len(data_set):
        raise refused(str(reference), "must have samples (got none).", "Unpack the set again.")
    return data_set


def _listed(spec: WorkloadSpec, reference: Reference, indices: Indices, workers: int) -> Listed:
    view = View(spec.structure, spec.timesteps, spec.pictures)
    classes = len(open_data_set(reference).classes)
    return Listed(reference, indices, classes, view, workers)


@lru_cache(maxsize=8)
def _stacked(reference: Reference, pictures: Pictures) -> Stacked:
    """All pictures of a part in memory; the last few parts are kept, and must not be written to."""
    data_set = open_data_set(reference)
    inputs = np.empty((len(data_set), *pictures.shape), np.float32)
    labels = np.empty(len(data_set), np.int64)
    digest = hashlib.sha256()
    for index in range(len(data_set)):
        sample = data_set.sample(index)
        place = str(reference.at(index))
        _require_label(place, sample.label, len(data_set.classes))
        inputs[index] = small_levels(_levels(place, sample, pictures), pictures)
        labels[index] = sample.label
        _add(digest, sample)
    return Stacked(torch.from_numpy(inputs), torch.from_numpy(labels), digest.hexdigest())


def _levels(place: str, sample: Sample, pictures: Pictures) -> NDArray[np.uint8]:
    content = sample.content
    assert not isinstance(content, Events), "sets that are held in memory are of pictures"
    side = pictures.shape[1]
    if content.shape[:2] != (side, side):
        height, width = content.shape[:2]
        problem = f"must be {side} x {side} pixels, as '{pictures}' are (got {height} x {width})."
        fix = f"Train on {pictures}, or change 'pictures' in the workload."
        raise InputError(Fault(place, problem, fix))
    return content


def _require_label(place: str, label: int, classes: int) -> None:
    if not 0 <= label < classes:
        problem = f"must have a label from 0 to {classes - 1} (got {label})."
        raise InputError(Fault(place, problem, "The set is damaged: unpack it again."))


def _add(digest: "hashlib._Hash", sample: Sample) -> None:
    digest.update(f"{sample.label} {sample.sha256}\n".encode())
