"""How often each layer ran, and what that says about its timesteps.

A network runs a layer once for all timesteps, once for each timestep, or on a value that does not
change with the timestep. Which calls are one layer is not guessed from their order: a call is a
further run of a layer if the same module does the same operation on the same values of the graph,
and the layer has not run at that timestep yet. Hence a module that is used at two places of one
timestep is two layers, and one that is called at successive timesteps is one.

What is constant in a layer (weights, a fused batch norm, a scale) must be the same in all its
runs, or the layer would need other weights for each timestep.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from codesign.errors import CaptureError


class Pace(StrEnum):
    """What one run of a layer makes."""

    ALL = "all"
    """The values of all timesteps."""
    EACH = "each"
    """The value of one timestep."""
    ONCE = "once"
    """A value that does not change with the timestep."""


@dataclass(frozen=True, slots=True)
class Constants:
    """What a run takes beside recorded values: what for, and the numbers or tensors."""

    word: str
    values: tuple[Any, ...]


@dataclass(eq=False, slots=True)
class Runs:
    """The runs of one layer.

    Attributes:
        name: the layer's.
        module: identity of the module that runs it; empty for code outside modules.
        pace: what one run makes.
        count: runs so far; a layer that runs at each timestep has run at timesteps below it.
        constants: what the first run took, in order.
        compared: how many of them the present run has taken.
    """

    name: str
    module: str
    pace: Pace
    count: int = 0
    constants: list[Constants] = field(default_factory=list)
    compared: int = 0

    def begin(self) -> None:
        """Counts another run.

        Raises:
            CaptureError: the one before it took less than the first.
        """
        self._require_all_taken()
        self.count += 1
        self.compared = 0

    def take(self, constants: Constants) -> None:
        """Notes what the present run takes.

        Raises:
            CaptureError: the first run took something else.
        """
        if self.count == 1:
            self.constants.append(constants)
            return
        first = self.constants[self.compared] if self.compared < len(self.constants) else None
        if first is None or first.word != constants.word or not _same(first, constants):
            raise CaptureError(
                f"must be the same at every timestep (got another {constants.word} for "
                f"'{self.name}' at its run {self.count - 1}). Use one for all timesteps."
            )
        self.compared += 1

    def began_with(self, constants: Constants | None) -> bool:
        """Whether the first run began with these weights; True if there are none."""
        return constants is None or _same(self.constants[0], constants)

    def timesteps(self, total: int) -> int:
        """At how many timesteps the layer's value exists: T, or 1 if it does not change.

        Args:
            total: T.

        Raises:
            CaptureError: the layer ran at some timesteps only.
        """
        self._require_all_taken()
        if self.pace is Pace.ALL or self.count == total:
            return total
        if self.pace is Pace.ONCE and self.count == 1:
            return 1
        if self.pace is Pace.ONCE:
            raise CaptureError(
                f"{self.name}: must run once, or at each of the {total} timesteps (got "
                f"{self.count} runs on values that do not change with the timestep). Keep its "
                f"result instead of computing it again."
            )
        raise CaptureError(
            f"{self.name}: must run at every timestep (got {self.count} of {total}). "
            f"Do the same at each timestep."
        )

    def _require_all_taken(self) -> None:
        if self.count > 1 and self.compared != len(self.constants):
            missing = self.constants[self.compared].word
            raise CaptureError(
                f"{self.name}: must be the same at every timestep (got no {missing} at its run "
                f"{self.count - 1}). Do the same at each timestep; state that is carried from one "
                f"to the next belongs into a neuron."
            )


def _same(first: Constants, other: Constants) -> bool:
    pairs = zip(first.values, other.values, strict=False)
    return len(first.values) == len(other.values) and all(_equal(*pair) for pair in pairs)


def _equal(first: Any, other: Any) -> bool:
    """Equality of numbers, tensors and sequences of them; the same object is equal to itself."""
    if first is other:
        return True
    if hasattr(first, "untyped_storage") and hasattr(other, "untyped_storage"):
        return first.shape == other.shape and bool((first == other).all())
    if isinstance(first, Sequence) and isinstance(other, Sequence):
        return len(first) == len(other) and all(map(_equal, first, other))
    return type(first) is type(other) and bool(first == other)
