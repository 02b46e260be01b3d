"""State that modules keep from call to call: cleared before a recording, put back behind it.

Cleared is what both libraries clear between inputs: SpikingJelly's `reset()`, snnTorch's
`reset_mem()`, and the `reset()` of a class that the user declared as neuron.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn


@contextmanager
def cleared_states(network: nn.Module, neurons: Iterable[nn.Module]) -> Iterator[None]:
    """Clears what the network's modules keep, and puts it back at the end.

    Args:
        network: its modules with SpikingJelly's memories are cleared.
        neurons: modules that are neurons.
    """
    stateful = [module for module in network.modules() if hasattr(module, "_memories")]
    stateful += [module for module in neurons if module not in stateful]
    before = [(module, _attributes(module)) for module in stateful]
    try:
        for module in stateful:
            clear = getattr(module, "reset_mem", None) or getattr(module, "reset", None)
            if callable(clear):  # snnTorch also calls its reset signal, a tensor, `reset`
                clear()
        yield
    finally:
        for module, attributes in before:
            _put_back(module, attributes)


_KEPT = ("_buffers", "_memories")


def _attributes(module: nn.Module) -> dict[str, Any]:
    """A module's attributes, and copies of the tables of its buffers and memories."""
    tables = {name: dict(vars(module)[name]) for name in _KEPT if name in vars(module)}
    return {**vars(module), **tables}


def _put_back(module: nn.Module, attributes: dict[str, Any]) -> None:
    current = vars(module)
    for name in [name for name in current if name not in attributes]:
        del current[name]
    for name, value in attributes.items():
        if name in _KEPT:
            current[name].clear()
            current[name].update(value)
        else:
            current[name] = value
