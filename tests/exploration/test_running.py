"""Running: no point of the front is lost by pruning, and what is found depends on no order."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codesign.accuracy import Accuracy
from codesign.errors import TraceError
from codesign.exploration.floor_rows import FloorTask
from codesign.exploration.prospects import (
    error_percent,
    prospects,
    quantities,
)
from codesign.exploration.recordings import Recordings, record
from codesign.exploration.results import Status
from codesign.exploration.rows import Found, recorded, traces
from codesign.exploration.running import Run
from codesign.exploration.space import DesignSpace, design_space
from codesign.exploration.store import Store, store
from codesign.exploration.table import sweep_result
from codesign.exploration.workers import AnyTask, Pool
from codesign.specs.sweep import Objective, Simulate
from tests.exploration.conftest import RANGE, Write, silent, swept

Costs = tuple[float, float]


@dataclass
class Scripted:
    """Workers that find what they are told, in an order that a seed decides.

    Attributes:
        costs: latency and energy by key.
        floors: the same, of floors.
        order: of what finishes first.
        count: tasks at once.
        computed: keys of rows that were simulated.
    """

    costs: dict[str, Costs]
    floors: dict[str, Costs]
    order: random.Random
    count: int = 3
    computed: list[str] = field(default_factory=list)
    _under_way: list[AnyTask] = field(default_factory=list)

    def free(self) -> int:
        return self.count - len(self._under_way)

    def submit(self, task: AnyTask) -> None:
        self._under_way.append(task)

    def finished(self, patience_s: float) -> list[Found]:
        del patience_s
        task = self._under_way.pop(self.order.randrange(len(self._under_way)))
        if isinstance(task, FloorTask):
            rows = {key: _named("floor_", self.floors[key]) for key, _ in task.chips}
            return [Found(task.key, Status.BOUNDED, {"rows": rows})]
        self.computed.append(task.key)
        return [Found(task.key, Status.SIMULATED, _named("", self.costs[task.key]))]

    def close(self) -> None:
        """There is nothing to end."""


def _named(prefix: str, costs: Costs) -> dict[str, float]:
    return {f"{prefix}latency_s": costs[0], f"{prefix}energy_pj": costs[1]}


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[DesignSpace, Recordings]:
    """Forty designs whose costs a test makes up, and limits that some break."""
    folder = tmp_path_factory.mktemp("many")
    np.savez(folder / "tiny.npz", events=np.ones((1, 1, 2, 2), dtype=bool))
    (folder / "tiny.yaml").write_text(
        "name: tiny\ndescription: one layer\ntimesteps: 1\n"
        "inputs: [{name: events, shape: [1, 2, 2], kind: spike}]\n"
        "layers: [{name: head, type: linear, inputs: [events], features: 2}]\n"
        "recordings: [tiny.npz]\nweights: random\nsource: written for tests\n"
    )
    (folder / "many.yaml").write_text(
        "name: many\ndescription: made up\narchitectures: [split_core]\nworkloads: [tiny.yaml]\n"
        "axes: [{key: cores.spike.count, range: {from: 1, to: 40, step: 1}}]\n"
        "constraints: [{quantity: latency, at_most: 9 s}]\nobjectives: [latency, energy]\n"
    )
    space = design_space(folder / "many.yaml")
    return space, record(space, progress=silent, notice=print)


def explored(
    many: tuple[DesignSpace, Recordings], workers: Scripted, kept: Store, simulate: Simulate
) -> pd.DataFrame:
    space, recordings = many
    found = list(prospects(space, recordings))
    run = Run(space, workers, kept, silent, simulate)
    run.floors(found)
    run.simulations(found)
    return sweep_result(space, found, recordings, simulate, kept).points


NUMBERS = st.integers(0, 12)


@settings(max_examples=25)
@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS), min_size=40, max_size=40),
    st.integers(0, 2**32),
)
def test_pruning_loses_no_point_of_the_front_in_any_order(
    many: tuple[DesignSpace, Recordings],
    tmp_path_factory: pytest.TempPathFactory,
    drawn: list[tuple[int, int, int, int]],
    seed: int,
) -> None:
    space, recordings = many
    keys = [str(each.key) for each in prospects(space, recordings)]
    floors = {key: (float(a), float(b)) for key, (a, b, _, _) in zip(keys, drawn, strict=True)}
    costs = {
        key: (float(a + c), float(b + d)) for key, (a, b, c, d) in zip(keys, drawn, strict=True)
    }
    tables = []
    for simulate, order in [
        (Simulate.ALL, seed),
        (Simulate.FRONT, seed),
        (Simulate.FRONT, seed + 1),
    ]:
        workers = Scripted(costs, floors, random.Random(order))
        with store(tmp_path_factory.mktemp("store")) as kept:
            tables.append(explored(many, workers, kept, simulate))
        assert len(set(workers.computed)) == len(workers.computed)
    every, pruned, again = tables
    pd.testing.assert_frame_equal(pruned, again)
    front = [
        number
        for number, (key, own) in enumerate(costs.items())
        if own[0] <= 9
        and not any(
            other != own and other[0] <= own[0] and other[1] <= own[1] and other[0] <= 9
            for other in costs.values()
        )
    ]
    for table in (every, pruned):
        on_front = table.set_index("point").loc[front]
        assert set(on_front["status"]) <= {"simulated"}
        assert on_front["energy_pj"].tolist() == [costs[keys[number]][1] for number in front]
    for number, status in enumerate(pruned["status"]):
        beaten = any(
            costs[keys[place]] != floors[keys[number]]
            and all(a <= b for a, b in zip(costs[keys[place]], floors[keys[number]], strict=True))
            for place in front
        )
        limit = (
            "excluded" if floors[keys[number]][0] > 9 or costs[keys[number]][0] > 9 else "simulated"
        )
        is_out = floors[keys[number]][0] > 9
        assert status == ("excluded" if is_out else "pruned" if beaten else limit)


def test_rows_that_are_kept_are_not_computed_again(
    many: tuple[DesignSpace, Recordings], tmp_path: Path
) -> None:
    space, recordings = many
    keys = [str(each.key) for each in prospects(space, recordings)]
    costs = {key: (1.0 + number, 40.0 - number) for number, key in enumerate(keys)}
    floors = dict.fromkeys(keys, (0.0, 0.0))
    runs = [Scripted(costs, floors, random.Random(0)) for _ in range(2)]
    tables = []
    for workers in runs:
        with store(tmp_path) as kept:
            tables.append(explored(many, workers, kept, Simulate.ALL))
    assert [len(workers.computed) for workers in runs] == [40, 0]
    pd.testing.assert_frame_equal(*tables)


def test_rows_that_another_process_computes_are_waited_for(
    many: tuple[DesignSpace, Recordings], tmp_path: Path
) -> None:
    space, recordings = many
    keys = [str(each.key) for each in prospects(space, recordings)]
    costs = {key: (1.0, float(number)) for number, key in enumerate(keys)}
    workers = Scripted(costs, dict.fromkeys(keys, (0.0, 0.0)), random.Random(0))
    with store(tmp_path) as other, store(tmp_path) as kept:
        assert other.claim(keys[3])

        class Helped(Scripted):
            """Meanwhile, the other process finishes."""

            def finished(self, patience_s: float) -> list[Found]:
                if len(self.computed) == 30:
                    other.keep(
                        "simulated", [Found(keys[3], Status.SIMULATED, _named("", (1.0, 3.0)))]
                    )
                return super().finished(patience_s)

        workers = Helped(costs, dict.fromkeys(keys, (0.0, 0.0)), random.Random(0))
        table = explored(many, workers, kept, Simulate.ALL)
    assert sorted(workers.computed) == sorted(set(keys) - {keys[3]})
    assert table["energy_pj"].tolist() == [float(number) for number in range(40)]


def test_designs_of_all_networks_are_compared_where_accuracy_counts(
    many: tuple[DesignSpace, Recordings], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space, recordings = many
    monkeypatch.setattr(DesignSpace, "data", "digits")
    spec = space.spec.model_copy(
        update={"objectives": tuple(map(Objective, ("error_rate", "energy"))), "constraints": ()}
    )
    found = list(prospects(replace(space, spec=spec), recordings))
    keys = [str(each.key) for each in found]
    for number, each in enumerate(found):  # as if every other point were of another network
        each.network = ("good", "bad")[number % 2]
        right = (95, 90)[number % 2]
        each.accuracy = Accuracy(right, 100, "digits", "test", "spike", {"spike": right}, None, 4)
        each.floors = each.costs = quantities({"error_percent": error_percent(each.accuracy)})
    costs = {key: (1.0, 10.0 if number < 20 else 9.0) for number, key in enumerate(keys)}
    workers = Scripted(costs, costs, random.Random(0))
    with store(tmp_path) as kept:
        run = Run(replace(space, spec=spec), workers, kept, silent, Simulate.FRONT)
        run.floors(found)
        run.simulations(found)
        result = sweep_result(replace(space, spec=spec), found, recordings, Simulate.FRONT, kept)
    assert result.summary["compared"] == {"good": "digits", "bad": "digits"}
    (front,) = result.summary["fronts"].values()
    assert front == list(range(20, 40, 2))
    assert {entry["point"] for entry in result.summary["best"]["digits"].values()} == {20}
    table = result.points
    assert set(table["status"][table["network"] == "bad"]) == {"pruned"}
    assert table["accuracy_percent"].tolist() == [95.0, 90.0] * 20
    assert table["error_percent"].tolist() == pytest.approx([5.0, 10.0] * 20)


@pytest.fixture
def pool() -> Iterator[Pool]:
    workers = Pool(2)
    yield workers
    workers.close()


def test_a_real_sweep_has_the_numbers_of_single_runs(
    sweep_file: Write, pool: Pool, tmp_path: Path
) -> None:
    from codesign.combination import combine
    from codesign.evaluation import evaluate

    space = design_space(sweep_file())
    table = swept(space, pool, tmp_path / "kept", Simulate.ALL)[0].points
    assert (table["status"] == "simulated").all()
    for number in (0, 11, 23):
        point = space.points[number]
        (trace,) = recorded(space.workload(point), notice=print)
        summary = combine([evaluate(trace, space.architecture(point))]).summary
        row = table.iloc[number]
        for name in ("makespan_cycles", "latency_s", "energy_pj", "area_mm2", "peak_power_w"):
            assert row[name] == summary[name]
        assert row["energy_dram_pj"] == summary["energy_parts_pj"]["dram"]
        assert row["floor_latency_s"] <= row["latency_s"]
        assert row["floor_energy_pj"] <= row["energy_pj"]


def test_a_design_that_the_network_does_not_fit_is_a_row_with_its_reason(
    sweep_file: Write, pool: Pool, tmp_path: Path
) -> None:
    path = sweep_file(
        ("[split_core]", "[loihi_like]"),
        ("cores.accumulation.count\n    values: [1, 2]", "messages.rows\n    values: [1]"),
        ("cores.spike.count\n    values: [1, 2, 4, 8]", "messages.columns\n    values: [1, 8]"),
        (RANGE, "technology.clock\n    values: [10 GHz]"),
    )
    space = design_space(path)
    table = swept(space, pool, tmp_path / "kept", Simulate.ALL)[0].points
    assert table["status"].tolist() == ["refused", "simulated"]
    assert "cores" in table["error"][0]
    assert table["latency_s"].isna().tolist() == [True, False]


def test_pruning_a_real_space_spares_simulations_and_keeps_the_front(
    tmp_path: Path, pool: Pool
) -> None:
    file = tmp_path / "real.yaml"
    file.write_text(
        "name: real\ndescription: cores and bandwidth\narchitectures: [split_core]\n"
        "workloads: [fsnn7b_small]\naxes:\n"
        "  - {key: cores.spike.count, values: [2, 4, 8, 16]}\n"
        "  - {key: cores.accumulation.count, values: [1, 2, 4]}\n"
        "  - {key: storage.dram.bandwidth, values: [3.2 GB/s, 12.8 GB/s]}\n"
        "  - {key: storage.dram.energy, values: [8 pJ/b, 12 pJ/b]}\n"
    )
    space = design_space(file)
    found = [swept(space, pool, tmp_path / each, each) for each in (Simulate.ALL, Simulate.FRONT)]
    every, pruned = (result for result, _ in found)
    computed = [count for _, count in found]
    assert every.summary["fronts"] == pruned.summary["fronts"]
    assert every.summary["best"] == pruned.summary["best"]
    left = pruned.points["status"] == "simulated"
    pd.testing.assert_frame_equal(
        every.points[left].drop(columns="status"), pruned.points[left].drop(columns="status")
    )
    assert computed[0] == 48
    assert pruned.summary["counts"]["pruned"] >= 0.3 * 48
    assert computed[1] <= 0.7 * 48  # some are simulated before the point that prunes them
    assert (every.points["floor_latency_s"] <= every.points["latency_s"]).all()
    assert (every.points["floor_energy_pj"] <= every.points["energy_pj"]).all()


def paper_sweep(folder: Path) -> DesignSpace:
    """Prices of operations alone, for three inputs: floors are exact there."""
    names = ("one", "two", "three")
    for seed, name in enumerate(names):
        random_ = np.random.default_rng(seed)
        np.savez(folder / f"{name}.npz", events=random_.random((1, 1, 9, 9)) < 0.3)
    (folder / "tiny.yaml").write_text(
        "name: tiny\ndescription: one layer\ntimesteps: 1\n"
        "inputs: [{name: events, shape: [1, 9, 9], kind: spike}]\n"
        "layers: [{name: conv, type: convolution, inputs: [events], channels: 7, kernel: 3}]\n"
        f"recordings: [{', '.join(f'{name}.npz' for name in names)}]\n"
        "weights: random\nsource: written for tests\n"
    )
    (folder / "prices.yaml").write_text(
        "name: prices\ndescription: operations\narchitectures: [paper]\n"
        "workloads: [tiny.yaml]\nobjectives: [energy]\n"
        "axes: [{key: operations.ac, range: {from: 0.1 pJ, to: 0.9 pJ, points: 9}}]\n"
        "constraints: [{quantity: energy, at_least: 1 pJ}]\n"
    )
    return design_space(folder / "prices.yaml")


def test_floors_that_are_exact_prune_no_point_of_the_front(tmp_path: Path, pool: Pool) -> None:
    space = paper_sweep(tmp_path)
    result = swept(space, pool, tmp_path / "kept", Simulate.FRONT)[0]
    assert result.points["status"].tolist() == ["simulated"] + ["pruned"] * 8
    assert result.summary["fronts"] == {"tiny": [0]}
    floor, energy = (result.points[name][0] for name in ("floor_energy_pj", "energy_pj"))
    assert floor < energy
    assert floor == pytest.approx(energy, rel=1e-11)  # less by what rounding may take


def test_a_limit_of_what_a_chip_does_not_have_excludes_it(tmp_path: Path, pool: Pool) -> None:
    space = paper_sweep(tmp_path)
    text = (tmp_path / "prices.yaml").read_text()
    (tmp_path / "prices.yaml").write_text(
        text.replace("quantity: energy, at_least: 1 pJ", "quantity: latency, at_most: 1 s")
    )
    space = design_space(tmp_path / "prices.yaml")
    table = swept(space, pool, tmp_path / "kept", Simulate.ALL)[0].points
    assert set(table["error"]) == {"latency at most 1 s (not known of this chip)"}


def test_floors_of_several_images_are_means_of_their_own_products(
    tmp_path: Path, pool: Pool
) -> None:
    space = paper_sweep(tmp_path)
    text = (tmp_path / "prices.yaml").read_text()
    (tmp_path / "prices.yaml").write_text(
        text.replace("[paper]", "[split_core]")
        .replace(
            "operations.ac, range: {from: 0.1 pJ, to: 0.9 pJ",
            "cores.spike.count, range: {from: 1, to: 9",
        )
        .replace("objectives: [energy]", "objectives: [edp]")
    )
    space = design_space(tmp_path / "prices.yaml")
    table = swept(space, pool, tmp_path / "kept", Simulate.ALL)[0].points
    assert (table["floor_edp_js"] > 0).all()
    for name in ("latency_s", "energy_pj", "edp_js"):
        assert (table[f"floor_{name}"] <= table[name]).all()


def test_another_recording_than_the_one_that_a_row_is_of_is_an_error(sweep_file: Write) -> None:
    space = design_space(sweep_file())
    workload = space.workload(space.points[0])
    (trace,) = recorded(workload, notice=print)
    assert [each.hash for each in traces(workload, [trace.hash])] == [trace.hash]
    with pytest.raises(TraceError, match="must be the one that the sweep began with"):
        list(traces(workload, ["0" * 64]))
