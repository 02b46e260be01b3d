"""The house: every module imports only from rooms before its own, and torch stays in two rooms."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import codesign

PACKAGE = Path(codesign.__file__).parent
ROOMS = [  # in the order of the flow; rooms of one line do not know each other
    {"errors", "cache_limit", "aside"},
    {"whole_files"},
    {"units"},
    {"workload"},
    {"specs"},
    {"pictures"},
    {"datasets"},
    {"trace", "events"},
    {"inputs"},
    {"networks", "trace_files", "spike_files"},
    {"models", "training"},
    {"recording"},
    {"trace_cache"},
    {"results", "fanout", "coincidence", "static_power"},
    {"counting", "result_files"},
    {"accuracy"},
    {"mapping"},
    {"consumption", "footprint", "overflow"},
    {"census"},
    {"chip"},
    {"energy", "area", "bounds", "critical_path", "what_if"},
    {"throughput", "fill_levels"},
    {"power"},
    {"messages"},
    {"evaluation", "combination", "sensitivity", "published", "trace_events"},
    {"floors"},
    {"exploration"},
    {"pages"},
    {"cli"},
    {"__main__"},
]
FLOOR = {room: floor for floor, rooms in enumerate(ROOMS) for room in rooms}
WITH_TORCH = {"networks", "models", "training", "recording"}
LAZY_TORCH = {"trace_cache", "accuracy"}  # import it inside the one function that runs a network


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            if node.module == "codesign":
                yield from (f"codesign.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_from_earlier_rooms_only(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    for name in imported(ast.parse(path.read_text())):
        parts = name.split(".")
        if parts[0] == "codesign" and len(parts) > 1 and parts[1] in FLOOR:
            other = parts[1]
            assert other == room or FLOOR[other] < FLOOR[room], f"{room} imports {other}"
        if parts[0] == "torch":
            assert room in WITH_TORCH | LAZY_TORCH, f"{room} imports torch"


def test_every_room_has_its_place_in_the_flow() -> None:
    rooms = {room_of(path) for path in modules()} - {"__init__"}
    assert rooms == set(FLOOR)
