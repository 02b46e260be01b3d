"""The design space: the chips and workloads that a sweep's points stand for.

The files that a sweep names are read once. Every point replaces values in them, under the same
rules as `--set`: a value with which no point is a legal design is a fault of the sweep, told with
its line and column before anything runs; a combination that is none is a point that is refused.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from codesign.errors import Fault, InputError
from codesign.exploration.points import Point, Values, points
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import (
    AnyWorkload,
    architecture_path,
    load_sweep,
    load_workload_spec,
    sweep_path,
)
from codesign.specs.documents import Document, KeyPath, Place, read_document
from codesign.specs.faults import validate
from codesign.specs.overrides import WORKLOAD_PREFIX, Override, apply_overrides, path_of
from codesign.specs.precision import with_precision
from codesign.specs.sweep import Method, SweepSpec
from codesign.specs.workload import TRAINED, WorkloadSpec
from codesign.trace_cache import require_input


@dataclass
class DesignSpace:
    """A sweep and the files behind it.

    Attributes:
        spec: the sweep.
        document: its text, for places.
        folder: of the file; paths in it start there.
        chips: the text of each architecture, by the name that the sweep gives it.
    """

    spec: SweepSpec
    document: Document
    folder: Path
    chips: dict[str, Document]
    _workloads: dict[tuple[Any, ...], AnyWorkload] = field(default_factory=dict)

    @cached_property
    def points(self) -> list[Point]:
        """All points of the sweep.

        Raises:
            InputError: there is none.
        """
        found = list(points(self.spec))
        if not found:
            problem = "must leave at least one design (got none for which the sums hold)."
            raise InputError(self._place(("constraints",)).fault(problem, "Loosen one."))
        return found

    def architecture(self, point: Point) -> Architecture:
        """The chip of a point.

        Raises:
            InputError: it is no legal chip.
        """
        document = self.chip_document(point)
        return validate(document, Architecture, str(document.data["name"]))

    def unchanged(self) -> Architecture:
        """The first chip, as its file has it."""
        document = self.chips[self.spec.architectures[0]]
        return validate(document, Architecture, str(document.data["name"]))

    def chip_document(self, point: Point) -> Document:
        """The chip of a point as a user would write it."""
        return apply_overrides(
            self.chips[point.architecture], Architecture, self._overrides(point.values, False)
        )

    def workload(self, point: Point) -> AnyWorkload:
        """The workload of a point, with the sweep's images.

        Raises:
            InputError: it is no legal workload.
        """
        overrides = self._overrides(point.values, True)
        key = (point.workload, *(each.option for each in overrides))
        if key not in self._workloads:
            spec = load_workload_spec(self.resolved(point.workload), overrides)
            if self.spec.images:
                spec = spec.model_copy(update={"images": self.spec.images})
            self._workloads[key] = spec
        return self._workloads[key]

    def recorded(self, point: Point) -> AnyWorkload:
        """The workload of a point as it is recorded: trained weights in the chip's formats.

        Raises:
            InputError: it is no legal workload, or no legal chip.
        """
        workload = self.workload(point)
        if not _is_trained(workload):
            return workload
        return with_precision(workload, self.architecture(point))

    def network(self, point: Point) -> str:
        """A workload with what was changed in it: designs of one network are compared."""
        changed = [
            each.option.removeprefix(WORKLOAD_PREFIX)
            for each in self._overrides(point.values, True)
        ]
        return " ".join([self.workload(point).name, *changed])

    def compared(self, network: str) -> str:
        """Among which designs a network's are compared: its own, or those of its data set."""
        return self.data if self.spec.needs_accuracy else network

    @cached_property
    def data(self) -> str:
        """The data set of all workloads; empty if they have none, or several."""
        found = {str(self._data_of(name) or "") for name in self.spec.workloads}
        return found.pop() if len(found) == 1 else ""

    def _data_of(self, name: str) -> str | None:
        """The data set that a workload with trained weights was trained on."""
        spec = load_workload_spec(self.resolved(name))
        return getattr(spec, "pictures", None) if _is_trained(spec) else None

    def options(self, point: Point) -> list[str]:
        """What a point changes in its workload, as `--set` takes it."""
        return [each.option for each in self._overrides(point.values, True)]

    def require_legal(self) -> None:
        """Checks everything that can be checked before anything runs.

        Raises:
            InputError: with the faults of all axes, files and inputs.
        """
        faults: list[Fault] = []
        for axis, level in self._single_levels():
            faults += self._faults_of(axis, level)
        if faults:
            raise InputError(list(dict.fromkeys(faults)))
        seen: set[int] = set()
        for point in self.points:
            spec = self._legal_workload(point)
            if spec is not None and id(spec) not in seen:
                seen.add(id(spec))
                self._require_inputs(spec)

    def _require_inputs(self, spec: AnyWorkload) -> None:
        """Checks a workload's inputs; of those that the sweep names, its file is to blame."""
        for number, picture in enumerate(spec.images):
            try:
                require_input(spec, picture)
            except InputError as error:
                if not self.spec.images:
                    raise
                at = self._place(("images", number))
                faults = [
                    at.fault(f"{each.place}: {each.problem}", each.fix) for each in error.faults
                ]
                raise InputError(faults) from error

    def _legal_workload(self, point: Point) -> AnyWorkload | None:
        try:
            return self.workload(point)
        except InputError:
            return None

    def _single_levels(self) -> Iterator[tuple[int, Values]]:
        """Every value of every axis; of a range without steps, its ends."""
        for number, axis in enumerate(self.spec.axes):
            levels = axis.levels
            if levels is None:
                assert axis.range is not None
                levels = ((axis.range.first,), (axis.range.last,))
            for level in levels:
                yield number, level

    def _faults_of(self, axis: int, level: Values) -> list[Fault]:
        """What is wrong with a value wherever it stands; nothing if one point with it is legal."""
        keys = self.spec.axes[axis].columns
        overrides = [
            self._override(axis, key, value) for key, value in zip(keys, level, strict=True)
        ]
        of_chip, of_workload = (
            [each for each in overrides if _is_workload_key(each.option) is wanted]
            for wanted in (False, True)
        )
        faults: list[Fault] = []
        for name, document in self.chips.items():
            try:
                changed = apply_overrides(document, Architecture, of_chip)
            except InputError as error:  # no such key: then it is to blame, not its value
                return [self._at_key(axis, fault, name) for fault in error.faults]
            try:
                validate(changed, Architecture, str(document.data["name"]))
            except InputError as error:
                faults += error.faults
        for name in self.spec.workloads:
            try:
                load_workload_spec(self.resolved(name), of_workload)
            except InputError as error:
                faults += error.faults
        if faults and any(self._is_legal(point) for point in self._points_with(axis, level)):
            return []
        return faults

    def _at_key(self, axis: int, fault: Fault, chip: str) -> Fault:
        """The fault of a key that a chip does not have, at the axis that names it."""
        path: KeyPath = ("axes", axis, "keys" if self.spec.axes[axis].keys else "key")
        at = self._place(path)
        problem = f"{chip}: {fault.problem}"
        return replace(fault, place=at.text, problem=problem, excerpt=at.excerpt)

    def _points_with(self, axis: int, level: Values) -> Iterator[Point]:
        """The points that have a value; of what is drawn, designs that could have been."""
        start = sum(len(each.columns) for each in self.spec.axes[:axis])
        end = start + len(level)
        for point in self.points:
            if point.values[start:end] == level:
                yield point
            elif self.spec.sampling.method is not Method.GRID:
                yield replace(point, values=(*point.values[:start], *level, *point.values[end:]))

    def _is_legal(self, point: Point) -> bool:
        try:
            self.architecture(point)
            self.workload(point)
        except InputError:
            return False
        return True

    def _overrides(self, values: Values, of_workload: bool) -> list[Override]:
        given = iter(values)
        return [
            self._override(number, key, value)
            for number, axis in enumerate(self.spec.axes)
            for key, value in zip(axis.columns, given, strict=False)
            if _is_workload_key(key) is of_workload
        ]

    def _override(self, axis: int, key: str, value: Any) -> Override:
        known = self._value_places[axis]
        place = known.get((key, repr(value)), known["", ""])
        return Override(f"{key}={_text(value)}", path_of(key), value, place)

    @cached_property
    def _value_places(self) -> list[dict[tuple[str, str], Place]]:
        """Of each axis, the places of its values by key and text; of others the axis's own."""
        found: list[dict[tuple[str, str], Place]] = []
        for number, axis in enumerate(self.spec.axes):
            path: KeyPath = ("axes", number)
            places = {("", ""): self._place((*path, "range" if axis.range else "values"))}
            for index, value in enumerate(axis.values or ()):
                at = (*path, "values", index)
                for part, key in enumerate(axis.columns):
                    own = (value[part], (*at, part)) if axis.keys else (value, at)
                    places.setdefault((key, repr(own[0])), self._place(own[1]))
            found.append(places)
        return found

    def _place(self, path: KeyPath) -> Place:
        """A place in the sweep's file, outside of the documents that its values go into."""
        at = self.document.place_of_value(path)
        return Place(0, 0, at.text, at.excerpt)

    def resolved(self, name: str) -> str:
        """A name as commands and the catalogue take it: paths start from the sweep's folder."""
        return _resolved(self.folder, name)


def design_space(name_or_path: str | Path) -> DesignSpace:
    """The design space of a sweep's name or file, checked.

    Raises:
        InputError: the sweep, or a file that it names, is wrong; with every fault's place.
    """
    path = sweep_path(name_or_path)
    spec, document = load_sweep(path)
    chips = {
        name: read_document(architecture_path(_resolved(path.parent, name)))
        for name in spec.architectures
    }
    for name, text in chips.items():
        validate(text, Architecture, architecture_path(_resolved(path.parent, name)).stem)
    space = DesignSpace(spec, document, path.parent, chips)
    _require_different(space)
    _require_accuracy(space)
    space.require_legal()
    return space


def _require_different(space: DesignSpace) -> None:
    names = [str(text.data["name"]) for text in space.chips.values()]
    workloads = [Path(name).stem for name in space.spec.workloads]
    for field_name, found in (("architectures", names), ("workloads", workloads)):
        for name, following in itertools.combinations(found, 2):
            if name == following:
                problem = f"must have different names (got '{name}' twice)."
                at = space.document.place_of_value((field_name,))
                raise InputError(at.fault(f"{field_name} {problem}", "Leave one out."))


def _require_accuracy(space: DesignSpace) -> None:
    """Checks that error rates are known, and are those of one task."""
    if space.spec.needs_accuracy and not space.data:
        problem = "must be networks with trained weights, all of one data set, for an error rate."
        at = space.document.place_of_value(("workloads",))
        fix = "See 'codesign list' for those that ship, or leave out 'error_rate'."
        raise InputError(at.fault(problem, fix))


def _is_trained(workload: AnyWorkload) -> bool:
    return isinstance(workload, WorkloadSpec) and workload.weights.startswith(TRAINED)


def _resolved(folder: Path, name: str) -> str:
    """A name as the catalogue takes it: a path starts from the folder of the sweep's file."""
    path = folder / name
    is_path = name.endswith((".yaml", ".yml")) and path.is_file()
    return str(path) if is_path else name


def _is_workload_key(key: str) -> bool:
    return key.startswith(WORKLOAD_PREFIX)


def _text(value: Any) -> str:
    """A value as `--set` takes it."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)
