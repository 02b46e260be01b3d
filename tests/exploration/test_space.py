"""The chips and workloads behind a sweep's points, and what is refused before anything runs."""

from contextlib import suppress

import pytest

from codesign.errors import InputError
from codesign.exploration.space import design_space
from codesign.specs.catalogue import architecture_path
from tests.exploration.conftest import RANGE, Write


def faults_of(path: object) -> str:
    with pytest.raises(InputError) as caught:
        design_space(str(path))
    return str(caught.value)


def test_a_point_has_the_values_of_its_axes(sweep_file: Write) -> None:
    space = design_space(sweep_file())
    point = space.points[-1]
    chip = space.architecture(point)
    assert len(space.points) == 24
    assert chip.cores["spike"].count == 8
    assert chip.cores["accumulation"].count == 2
    assert chip.storage is not None
    assert chip.storage.dram.bandwidth_bits_per_s == 204_800_000_000


def test_an_axis_of_the_workload_makes_networks_of_their_own(sweep_file: Write) -> None:
    axis = "  - key: workload.timesteps\n    values: [1, 2]\n"
    path = sweep_file(
        ("little.yaml", "fsnn7b_small"), ("axes:\n", f"axes:\n{axis}"), ("[1, 2, 4, 8]", "[1, 2]")
    )
    space = design_space(path)
    networks = dict.fromkeys(space.network(point) for point in space.points)
    assert list(networks) == ["fsnn7b_small timesteps=1", "fsnn7b_small timesteps=2"]
    assert [space.workload(space.points[place]).timesteps for place in (0, -1)] == [1, 2]


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        (("cores.spike.count", "cores.spike.cuont"), ":7:10: ", "Did you mean 'count'?"),
        (("[1, 2, 4, 8]", "[1, 0, 4, 8]"), ":8:17: cores.spike.count must be at least 1", "got 0"),
        (("[1, 2, 4, 8]", "[1, two]"), ":8:17: ", "whole number"),
        (("to: 25.6 GB/s", "to: 25.6 pJ"), ":12:12: ", "one unit"),
        (("from: 6.4 GB/s", "from: 6.4"), ":12:12: ", "one unit"),
        (("[latency", "[lateness"), ":13:14: ", "Did you mean 'latency'?"),
        (("split_core", "split_cor"), "split_cor: ", "Did you mean 'split_core'?"),
        (("little.yaml", "litle.yaml"), "litle.yaml: ", "a file that is not there"),
        (("points: 3, ", ""), ":12:12: ", "Write 'points: 5'."),
        (("description: cores", "descriptoin: cores"), ":3:1: ", "descriptoin"),
        (("key: cores.acc", "keys: cores.acc"), ":9:11: ", "a list"),
        (("[1, 2]\n", "[1, 1]\n"), ":10:13: ", "different"),
        (("cores.accumulation.count", "cores.spike.count"), ":9:5: ", "each key once"),
        (
            ("[little.yaml]", "[dsnn18]\nimages: [astronaut, no.png]"),
            ":6:21: no.png",
            "picture file",
        ),
        (("cores.accumulation.count", "name"), ":9:5: ", "what a chip or a workload is"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(
    sweep_file: Write, change: tuple[str, str], place: str, message: str
) -> None:
    said = faults_of(sweep_file(change))
    assert place in said
    assert message in said


MESH = """
noc:
  topology: mesh
  columns: 4
  rows: 6
  storage: corner
  link: 64 bit
  hop_latency: 2
  hop: 0.1 pJ/b
  multicast: true
  spikes: shorter
  event: 1 pJ
  leakage: 1 mW
  area: 0.5 mm2
  source: assumed, because this is a test
"""


def test_a_value_that_is_legal_beside_another_is_no_fault(sweep_file: Write) -> None:
    path = sweep_file(
        ("[split_core]", "[meshed.yaml]"),
        (RANGE, "noc.rows\n    values: [3, 6]"),
        ("[1, 2, 4, 8]", "[8, 16]"),
    )
    text = architecture_path("split_core").read_text().replace("name: split_core", "name: meshed")
    (path.parent / "meshed.yaml").write_text(text + MESH)
    space = design_space(path)
    legal = []
    for point in space.points:
        with suppress(InputError):
            space.architecture(point)
            legal.append(point.values)
    # 16 + 1 cores have no room on 12 nodes, though 3 rows alone would be too few for the base.
    assert legal == [(8, 1, 3), (8, 1, 6), (8, 2, 3), (8, 2, 6), (16, 1, 6), (16, 2, 6)]


def test_sums_that_leave_no_design_are_told(sweep_file: Write) -> None:
    limit = "constraints:\n  - {sum: {cores.spike.count: 1}, equals: 3}\nobjectives"
    assert "must leave at least one design" in faults_of(sweep_file(("objectives", limit)))


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("{quantity: area, at_most: 40}", "must be an area with its unit"),
        ("{quantity: latency, at_most: 40 mm2}", "an area; a time is expected"),
        ("{sum: {cores.spike.cuont: 1}, equals: 3}", "must be the key of an axis"),
        ("{quantity: area}", "must have one of at_most, at_least, equals"),
        ("{sum: {storage.dram.bandwidth: 1}, equals: 3}", "must have plain numbers"),
        ("{quantity: area, at_least: 60 mm2, at_most: 50 mm2}", "must not be above at_most"),
        ("{quantity: latency}", "must have one of at_most, at_least, equals"),
        ("{quantity: area, sum: {cores.spike.count: 1}, equals: 3}", "either a quantity or a sum"),
    ],
)
def test_limits_are_checked(sweep_file: Write, limit: str, message: str) -> None:
    said = faults_of(sweep_file(("objectives", f"constraints:\n  - {limit}\nobjectives")))
    assert message in said


def test_a_sample_may_have_ends_that_are_legal_beside_others_only(sweep_file: Write) -> None:
    path = sweep_file(
        ("[split_core]", "[meshed.yaml]"),
        (RANGE, "noc.rows\n    range: {from: 3, to: 6}"),
        ("values: [1, 2, 4, 8]", "range: {from: 4, to: 16}"),
        ("objectives", "sampling: {method: latin_hypercube, points: 6, seed: 3}\nobjectives"),
    )
    text = architecture_path("split_core").read_text().replace("name: split_core", "name: meshed")
    (path.parent / "meshed.yaml").write_text(text + MESH)
    assert len(design_space(path).points) == 6  # 3 rows are too few for the 16 cores of the file


def test_the_place_of_a_value_is_that_of_its_own_key(sweep_file: Write) -> None:
    said = faults_of(
        sweep_file(
            ("key: cores.spike.count", "keys: [cores.spike.count, cores.accumulation.count]"),
            ("  - key: cores.accumulation.count\n    values: [1, 2]\n", ""),
            ("[1, 2, 4, 8]", "[[0, 8], [8, 0]]"),
        )
    )
    assert ":8:15: cores.spike.count must be at least 1" in said
    assert ":8:26: cores.accumulation.count must be at least 1" in said


def test_a_search_changes_chips_alone(sweep_file: Write) -> None:
    said = faults_of(
        sweep_file(
            ("little.yaml", "fsnn7b_small"),
            ("cores.spike.count", "workload.timesteps"),
            ("objectives", "sampling: {method: nsga2, points: 8, seed: 0}\nobjectives"),
        )
    )
    assert "must be of the architecture" in said
