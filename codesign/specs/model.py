"""What a workload file says of a user's own network: the function that makes it, and its input.

`model: my_package.my_module:build` names a function or class that returns a torch module. Nothing
here imports it or opens a file: that is done where torch is at hand (`codesign.models`).
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from codesign.specs.faults import Violation, refuse
from codesign.specs.groups import Source, Spec
from codesign.specs.workload import Text

Size = Annotated[int, Field(strict=True, ge=1, le=65_536)]

_PLACE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*")
_CLASS = re.compile(r"([^\W\d]\w*(\.[^\W\d]\w*)*:)?[^\W\d]\w*")


class InputSpec(Spec):
    """What the network sees, where it is no photograph alone.

    Attributes:
        shape: without the batch of one: `[C, H, W]` or `[F]`; `[T, C, H, W]` or `[T, F]` for a
            sequence. A photograph has `[3, 224, 224]` unless it says otherwise.
        seed: of random values.
        file: path of a NumPy file (`.npy`) of such a shape.
        values: `spike` if they are zeros and ones that the first layer accumulates, `real` if it
            multiplies them. Left out, binary frames of recorded events are spikes, and everything
            else is real.
    """

    shape: Annotated[tuple[Size, ...], Field(min_length=1)] | None = None
    seed: Annotated[int, Field(strict=True, ge=0)] | None = None
    file: Text | None = None
    values: Literal["real", "spike"] | None = None


class ModelSpec(Spec):
    """A user's own network and its input.

    Attributes:
        name: the file's name without its ending.
        description: one line for lists and reports.
        model: `package.module:function`, found from the current folder; it returns a torch module.
        arguments: what the function is called with, by name.
        weights: `checkpoint` in the file: path of the weights; without it they are as the
            function makes them.
        weights_source: what the user says of the weights; results repeat it, and say no more.
        timesteps: T of a network that sees one timestep in each call; absent if it is called
            once, with all of its input.
        neurons: the user's neuron classes, each `Class` of the model's module or
            `package.module:Class`, and the model that each stands for (`LIF`).
        images: names of shipped photographs, or paths of images; one inference for each. Where
            the input is random or a file, that one's name.
        input: shape, and what the input is if it is no photograph.
        source: where the network comes from.
    """

    name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    description: Text
    model: Text
    arguments: dict[str, Any] = Field(default_factory=dict)
    weights: Text | None = Field(default=None, alias="checkpoint")
    weights_source: Source | None = None
    timesteps: Annotated[int, Field(strict=True, ge=1, le=4096)] | None = None
    neurons: dict[str, Text] = Field(default_factory=dict)
    images: Annotated[tuple[Text, ...], Field(min_length=1)]
    input: InputSpec = InputSpec()
    source: Source

    @model_validator(mode="before")
    @classmethod
    def _inputs_are_named(cls, data: Any) -> Any:
        """Names an input that is no photograph, so that inputs are counted alike."""
        group = data.get("input") if isinstance(data, dict) else None
        if not isinstance(group, dict):
            return data
        named = [key for key in ("seed", "file") if group.get(key) is not None]
        label = seed_name(group["seed"]) if named == ["seed"] else group.get("file")
        has_others = "images" in data and list(data["images"] or ()) != [label]
        given = named + (["images"] if has_others else [])
        if named and len(given) > 1:
            problem = f"must be the only one of images, seed and file (got {' and '.join(given)})."
            refuse([Violation(("input", named[0]), problem, "Remove the others.")])
        return {**data, "images": [label]} if named else data

    @model_validator(mode="after")
    def _values_fit_together(self) -> "ModelSpec":
        refuse([*_place_violations(self), *_shape_violations(self)])
        return self


def seed_name(seed: object) -> str:
    """The name of an input of random values."""
    return f"random values of seed {seed}"


def _place_violations(spec: ModelSpec) -> list[Violation]:
    found = []
    if not _PLACE.fullmatch(spec.model):
        problem = f"must be a module and a name in it (got '{spec.model}')."
        found.append(Violation(("model",), problem, "Write 'model: my_module:build'."))
    for name in spec.neurons:
        if not _CLASS.fullmatch(name):
            problem = "must be a class, or a module and a class in it."
            found.append(Violation(("neurons", name), problem, "Write 'my_module:MyNeuron: LIF'."))
    for name in spec.arguments:
        if not name.isidentifier():
            problem = "must be the name of an argument."
            found.append(Violation(("arguments", name), problem, "Rename it."))
    return found


def _shape_violations(spec: ModelSpec) -> list[Violation]:
    shape = spec.input.shape
    is_random = spec.input.seed is not None
    if shape is None and is_random:
        problem = "is missing: random values have no shape of their own."
        fix = "Add 'shape: [3, 32, 32]' to 'input'."
        return [Violation(("input", "shape"), problem, fix, missing=True)]
    if shape is not None and len(shape) > 4:
        problem = f"must be [C, H, W] or [F], with T first for a sequence (got {list(shape)})."
        return [Violation(("input", "shape"), problem, "Leave out the batch.")]
    return []
