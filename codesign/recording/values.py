"""What the recorder knows of one torch tensor: its value in the graph, its axes, its timestep.

Several torch tensors (views, casts, timesteps) may be one value of the graph. A value that no
layer has read yet may be an expression of spikes, or a sum over timesteps, without a layer.
"""

from dataclasses import dataclass

from codesign.errors import CaptureError
from codesign.recording.axes import Axes, is_timed
from codesign.recording.draft import Operation, Scope
from codesign.recording.expressions import Expression
from codesign.recording.layouts import Layout
from codesign.recording.runs import Constants
from codesign.workload import Kind, Tensor

CHANGED_BY_TIMESTEP = "was changed timestep by timestep"
"""Why a value of all timesteps is gone while its timesteps are not."""


@dataclass(frozen=True, slots=True)
class Total:
    """A sum over timesteps.

    Attributes:
        name: the tensor that is summed.
        count: how many timesteps, from the first.
        scaled: whether it was scaled by a constant, as a mean is.
    """

    name: str
    count: int
    scaled: bool = False


@dataclass(eq=False, slots=True)
class Value:
    """One value of the graph: a tensor of it, or something without a layer yet.

    Attributes:
        name: the graph's tensor; empty while no layer makes it.
        expression: its truth table, if it is a function of spikes.
        total: what it sums, while it is a sum over timesteps without a layer.
        scope: where an expression or sum was computed.
        readers: whether a layer has read it.
        gone: why it may not be read any more; empty while it may.
        whole: of one timestep, the value of all timesteps that it was taken from.
        is_parted: whether single timesteps were taken from it.
        scale: what the torch tensor's elements are multiples of, if not 1; integers only.
    """

    name: str
    expression: Expression | None = None
    total: Total | None = None
    scope: Scope | None = None
    readers: bool = False
    gone: str = ""
    whole: "Value | None" = None
    is_parted: bool = False
    scale: float = 1.0

    def part(self) -> "Value":
        """The same value at one timestep."""
        self.is_parted = True
        return Value(self.name, self.expression, whole=self, scale=self.scale)

    def require_unscaled(self) -> None:
        """Raises CaptureError if its elements are multiples of something else than 1."""
        if self.scale != 1:
            raise CaptureError(
                f"must read integers that are not scaled (got '{self.name}' times {self.scale}). "
                f"Scale behind it; only neurons, products and layers with weights may read them so."
            )

    def why_gone(self) -> str:
        """Why it may not be read any more; empty while it may."""
        of_whole = self.whole.gone if self.whole is not None else ""
        return self.gone or ("" if of_whole == CHANGED_BY_TIMESTEP else of_whole)


@dataclass(frozen=True, slots=True)
class Tracked:
    """What one torch tensor is.

    Attributes:
        value: its value in the graph.
        axes: labels of its axes.
        step: its timestep, if it is of a single one.
        layout: the order of its features, if it is another than the recorded one.
    """

    value: Value
    axes: Axes
    step: int | None = None
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A tensor of the graph as a layer reads it.

    Attributes:
        tensor: its description.
        axes: labels of the torch tensor's axes.
        shape: the torch tensor's shape.
        features: the same without time and batch; may differ from the description's shape by
            merged or split axes.
    """

    tensor: Tensor
    axes: Axes
    shape: tuple[int, ...]
    features: tuple[int, ...]

    @property
    def timed(self) -> bool:
        return is_timed(self.axes)


@dataclass(frozen=True, slots=True)
class Made:
    """What a new layer is and makes.

    Attributes:
        operation: what it does.
        kind: kind of its result.
        largest: largest value of spikes and integers, None for reals.
        shape: shape of the result if it is to be described otherwise than torch has it.
        scope: the module call that it belongs to, if not the one that runs now.
        constants: the weights that it takes.
        scale: what the torch tensor's elements are multiples of; integers only.
    """

    operation: Operation
    kind: Kind
    largest: int | None = None
    shape: tuple[int, ...] | None = None
    scope: Scope | None = None
    constants: Constants | None = None
    scale: float = 1.0


def as_vector(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A fully pooled map (C, 1, 1) is described as the vector that a linear layer reads."""
    return shape[:1] if len(shape) == 3 and shape[1:] == (1, 1) else shape
