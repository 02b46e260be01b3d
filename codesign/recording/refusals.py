"""What has no meaning in a graph: which torch functions are harmless, and what to say of others.

Where spikes are made outside a known neuron, the error says how to declare the neuron's class: a
spike that were taken for a real value would turn accumulates into multiplications.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn

from codesign.errors import CaptureError

VALUE_FREE = frozenset(
    {
        *("dim", "ndimension", "size", "stride", "numel", "nelement", "len", "element_size"),
        *("is_floating_point", "is_complex", "is_contiguous", "is_inference", "storage_offset"),
        *("get_device", "hash", "repr", "format", "is_tensor", "requires_grad_"),
        *("zeros_like", "ones_like", "full_like", "empty_like"),
        *("new_zeros", "new_ones", "new_full", "new_empty"),
    }
)
"""Functions whose result says nothing of a tensor's values."""

_COMPARISONS = frozenset(
    {
        *("gt", "ge", "lt", "le", "eq", "ne", "greater", "greater_equal", "less", "less_equal"),
        *("heaviside", "sign", "sgn", "where", "masked_fill", "masked_fill_", "floor", "ceil"),
        *("bernoulli", "bernoulli_", "threshold", "trunc", "isclose"),
    }
)
_CONTROL = frozenset(
    {
        *("bool of", "int of", "float of", "index of", "complex of"),
        *("item", "tolist", "numpy", "array", "contains", "dlpack", "dlpack_device"),
    }
)
"""Ways in which Python gets at a tensor's values; the first line is `bool(x)` and the like."""


def unknown_operation(word: str, is_known: bool, class_name: str) -> CaptureError:
    """The error for a function that touches a recorded value and has no meaning in a graph.

    Args:
        word: the function.
        is_known: whether only its argument `out` is the fault.
        class_name: of the module that runs it.
    """
    if is_known:
        return CaptureError(
            f"must be an operation whose cost is known (got torch's '{word}' with out= on a "
            f"recorded value). Use its result instead."
        )
    if word in _CONTROL:
        return CaptureError(
            f"must not let Python read recorded values (got '{word}'), because what depends on "
            f"them is not recorded. Write it with torch operations, without `if` on values."
        )
    if word in _COMPARISONS:
        return CaptureError(
            f"must be an operation whose cost is known (got torch's '{word}' on a recorded value, "
            f"as spikes are made). If the module is a neuron, declare its class: "
            f"`neurons={{{class_name}: 'LIF'}}`; if it is more than that, put its neuron into a "
            f"module of its own first."
        )
    if word == "setitem":
        return CaptureError(
            "must not write values into another tensor. Collect them with `torch.stack`."
        )
    return CaptureError(
        f"must be an operation whose cost is known (got torch's '{word}' on a recorded value in a "
        f"{class_name}). Rewrite it with known operations; if the module is a neuron, declare "
        f"its class: `neurons={{{class_name}: 'LIF'}}`."
    )


def require_visible(paths: Mapping[nn.Module, Sequence[str]], name: str) -> None:
    """Refuses modules whose torch functions cannot be seen.

    Args:
        paths: the network's modules and their places.
        name: what the network is called.

    Raises:
        CaptureError: a module is compiled or scripted.
    """
    for module, places in paths.items():
        is_compiled = type(module).__name__ == "OptimizedModule"
        if is_compiled or isinstance(module, torch.jit.ScriptModule):
            kind = "compiled" if is_compiled else "scripted"
            raise CaptureError(
                f"{places[0] or name}: must be a plain module (got a {kind} one, whose operations "
                f"are not seen). Give the module that it was made of."
            )
