"""Designs as files: an architecture that `codesign run` takes, with what a sweep chose."""

import io
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

from codesign.exploration.points import Point
from codesign.exploration.space import DesignSpace
from codesign.specs.axes import Scalar
from codesign.units import shown


def design_name(sweep: str, network: str, objective: str) -> str:
    """The name of a sweep's best design of a network: `core_split_dsnn50_latency`."""
    return re.sub(r"[^a-z0-9]+", "_", f"{sweep}_{network}_{objective}".lower()).strip("_")


def design_yaml(space: DesignSpace, point: Point, name: str) -> str:
    """The chip of a point as a file of that name.

    Values stand as they were written in the architecture and the sweep; comments do not come along.
    """
    document = space.chip_document(point)
    base, sweep = document.data["name"], space.spec.name
    changed = [
        f"{key}={shown(value)}" if isinstance(value, str) else f"{key}={value}"
        for key, value in zip(space.spec.keys, point.values, strict=True)
        if not key.startswith("workload.")
    ]
    data = dict(document.data) | {
        "name": name,
        "description": f"{base} as point {point.number} of the sweep {sweep} has it",
    }
    head = [
        f"# Point {point.number} of the sweep {sweep}: {base} with",
        *(f"#     {change}" for change in changed),
    ]
    return "\n".join([*head, _dumped(data)])


def run_command(space: DesignSpace, point: Point, path: str) -> str:
    """The command that runs a point again from its file."""
    words = ["codesign", "run", "--arch", path, "--workload", space.resolved(point.workload)]
    for option in space.options(point):
        words += ["--set", option]
    if space.spec.images:
        words += ["--images", *space.spec.images]
    return shlex.join(words)


def with_files(
    space: DesignSpace,
    points: Sequence[Point],
    best: Mapping[str, Mapping[str, Mapping[str, Any]]],
    folder: str,
) -> tuple[dict[str, dict[str, dict[str, Any]]], dict[str, str]]:
    """The best designs with the file and the command of each, and the files' texts by path.

    Args:
        space: the sweep.
        points: all, by number.
        best: by network and objective, with `point`.
        folder: that commands name, in which the files will be.
    """
    texts: dict[str, str] = {}
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for network, objectives in best.items():
        found[network] = {}
        for objective, entry in objectives.items():
            point = points[entry["point"]]
            name = design_name(space.spec.name, network, objective)
            file = f"best/{name}.yaml"
            texts[file] = design_yaml(space, point, name)
            command = run_command(space, point, f"{folder}/{file}")
            design = {k: _written(v) for k, v in zip(space.spec.keys, point.values, strict=True)}
            found[network][objective] = {
                **entry,
                "design": design,
                "file": file,
                "command": command,
            }
    return found, texts


def _written(value: Scalar) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _dumped(data: Mapping[str, Any]) -> str:
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.width = 100
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    stream = io.StringIO()
    yaml.dump(dict(data), stream)
    return stream.getvalue()
