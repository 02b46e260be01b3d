"""Torch functions without a meaning in a graph: which are harmless, and what to say of others."""

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
        *("heaviside", "sign", "sgn", "where", "masked_fill", "masked_fill_", "floor"),
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
        f"must be an operation whose cost is known (got torch's '{word}' on a recorded value). "
        f"Rewrite it with known operations, or declare the module as a neuron if it is one."
    )
