"""Hardware-aware co-design simulator for dual-stream spiking neural networks.

The flow, spoken: `capture` a network, `map_workload` to an architecture, `lower` the recorded
spikes to jobs, `simulate` them, `price` the result; `evaluate` does all but the first.
"""

from importlib import import_module
from typing import Any

_HOMES = {
    "capture": "codesign.recording",
    "evaluate": "codesign.evaluation",
    "explore": "codesign.exploration.exploring",
    "load_architecture": "codesign.specs.catalogue",
    "load_trace": "codesign.trace_files",
    "load_workload_spec": "codesign.specs.catalogue",
    "lower": "codesign.mapping",
    "map_workload": "codesign.mapping",
    "price": "codesign.energy",
    "save_trace": "codesign.trace_files",
    "simulate": "codesign.chip",
    "write_compare_report": "codesign.pages",
    "write_run_report": "codesign.pages",
}

__all__ = ["__version__", *sorted(_HOMES)]  # noqa: PLE0604 - names of the table above


def __getattr__(name: str) -> Any:
    """A public function, imported when it is first asked for: only `capture` needs torch.

    The version as well is looked up then, so that `import codesign` takes no time.
    """
    if name == "__version__":
        return _version()
    if name not in _HOMES:
        raise AttributeError(f"module 'codesign' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("codesign")
    except PackageNotFoundError:  # the sources were put on the path without an installation
        return "0+unknown"
