"""JSON Schema (2020-12) of what users write, for editors that check while one types.

The schema states the keys, units and limits of single values; rules between values are checked
when a file is loaded.
"""

from typing import Any

from pydantic import BaseModel

from codesign.errors import Fault, InputError, nearest
from codesign.specs.architecture import Architecture
from codesign.specs.model import ModelSpec
from codesign.specs.recorded import RecordedSpec
from codesign.specs.sweep import SweepSpec
from codesign.specs.workload import WorkloadSpec

DIALECT = "https://json-schema.org/draft/2020-12/schema"

DOCUMENTS: dict[str, type[BaseModel]] = {
    "architecture": Architecture,
    "workload": WorkloadSpec,
    "model": ModelSpec,
    "recorded": RecordedSpec,
    "sweep": SweepSpec,
}
"""The kinds of document that users write; `model` is a workload with a network of their own,
`recorded` one with spikes of their own."""


def json_schema(document: str) -> dict[str, Any]:
    """The schema of a kind of document, of `DOCUMENTS`.

    Raises:
        InputError: there is no such kind.
    """
    if document not in DOCUMENTS:
        raise InputError(
            Fault(
                document or "''",
                f"must be one of {', '.join(DOCUMENTS)}.",
                nearest(document, DOCUMENTS),
            )
        )
    return {"$schema": DIALECT, **DOCUMENTS[document].model_json_schema(by_alias=True)}
