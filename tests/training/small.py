"""A network so small that an epoch takes a moment, and options that go with it."""

from typing import Any

from codesign.specs.workload import WorkloadSpec
from codesign.training import Options

STEPS = 5
"""Of an epoch of the digits with `BATCH`."""
BATCH = 256


def small_spec(**changes: Any) -> WorkloadSpec:
    values: dict[str, Any] = {
        **{"name": "small", "description": "for tests", "structure": "small_resnet"},
        **{"family": "dsnn", "depth": 3, "width": 2, "pictures": "digits", "timesteps": 2},
        **{"connection": "iand", "readout": "sum", "weights": "trained:small", "source": "assumed"},
    }
    values |= changes
    return WorkloadSpec(**{name: value for name, value in values.items() if value is not None})


def small_options(**changes: Any) -> Options:
    return Options(**{"epochs": 2, "batch": BATCH, "checkpoint_seconds": 0.0} | changes)
