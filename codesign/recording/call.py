"""One call of a torch function on recorded tensors, before it is run."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from codesign.errors import CaptureError


@dataclass(frozen=True, slots=True)
class Call:
    """A torch function and its arguments.

    Attributes:
        name: the function's name as in torch: `conv2d`, `add_`, `__rsub__`.
        function: what torch was asked to run.
        args: its positional arguments.
        kwargs: its arguments by name.
    """

    name: str
    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    def run(self) -> torch.Tensor:
        """What torch computes; all operations that are recorded give one tensor."""
        result: torch.Tensor = self.function(*self.args, **self.kwargs)
        return result

    def argument(self, position: int, name: str, default: Any = None) -> Any:
        """An argument by its position or name."""
        if position < len(self.args):
            return self.args[position]
        return self.kwargs.get(name, default)

    def tensor(self, position: int = 0, name: str = "input") -> torch.Tensor:
        """An argument that must be a tensor.

        Raises:
            CaptureError: it is something else.
        """
        tensor = self.argument(position, name)
        if not isinstance(tensor, torch.Tensor):
            raise CaptureError(
                f"must have a tensor as its argument '{name}' (got {type(tensor).__name__}). "
                f"Give the tensor first."
            )
        return tensor
