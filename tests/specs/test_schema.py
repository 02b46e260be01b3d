import json

import pytest

from codesign.errors import InputError
from codesign.specs.catalogue import (
    architecture_path,
    architectures,
    sweep_path,
    sweeps,
    workload_path,
    workloads,
)
from codesign.specs.documents import read_document
from codesign.specs.schema import DIALECT, DOCUMENTS, json_schema


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ("architecture", architecture_path("paper")),
        ("workload", workload_path("fsnn18")),
        ("model", workload_path("fsnn18")),
        ("recorded", workload_path("fsnn18")),
        ("sweep", sweep_path("core_split")),
    ],
)
def test_the_shipped_schema_is_the_current_one(document: str, path):
    shipped = json.loads((path.parent / f"{document}.schema.json").read_text())
    assert shipped == json_schema(document)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_schema_names_keys_as_users_write_them(document: str):
    schema = json_schema(document)
    assert schema["$schema"] == DIALECT
    for group in (schema, *schema["$defs"].values()):
        if group["type"] == "object":
            assert group["additionalProperties"] is False
            assert not [key for key in group["properties"] if key.endswith(("_pj", "_bits", "_hz"))]


def test_every_shipped_file_tells_editors_its_schema():
    shelves = {"architecture": architectures(), "workload": workloads(), "sweep": sweeps()}
    for document, entries in shelves.items():
        for entry in entries:
            first = entry.path.read_text().splitlines()[0]
            assert first == f"# yaml-language-server: $schema={document}.schema.json"
            keys = read_document(entry.path).data.keys()
            assert keys <= json_schema(document)["properties"].keys()


def test_an_unknown_kind_of_document_is_answered_with_the_nearest():
    with pytest.raises(
        InputError,
        match=r"^architectur: must be one of architecture, workload, model, recorded, sweep\. ",
    ):
        json_schema("architectur")
