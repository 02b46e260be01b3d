"""Sweeps that nobody ran, with numbers that behave like those of chips."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from codesign.exploration.fronts import front
from codesign.exploration.results import MEASURED, OBJECTIVES, Status, SweepResult

CORES, BUFFER, ORDER = "cores.spike.count", "storage.activation_buffer.size", "schedule.order"
WORK = {"fsnn50": 1.0, "dsnn50": 1.35, "sew50": 1.9}
PROVENANCE = {
    "weights": {"kind": "calibrated", "target": "Table 2 of arXiv 2301.11929", "seed": 0},
    "input": {"astronaut.png": {"kind": "published", "source": "scikit-image"}},
}
AXES = (
    {"key": CORES, "unit": "", "scale": "linear", "values": [4, 8, 16, 32]},
    {
        "key": BUFFER,
        "unit": "bit",
        "scale": "log",
        "values": [size * 2**20 for size in (1, 2, 4, 8, 16)],
    },
    {"key": ORDER, "unit": "", "scale": "words", "values": ["layer", "timestep", "pipeline"]},
    {"key": "technology.clock", "unit": "Hz", "scale": "linear", "values": [500_000_000]},
)


def grid_sweep(**changes: Any) -> SweepResult:
    """Three workloads over 4 x 5 x 3 designs, of which some are refused, pruned or failed."""
    rows = [
        {"workload": workload, **dict(zip([axis["key"] for axis in AXES], values, strict=True))}
        for workload, *values in itertools.product(WORK, *(axis["values"] for axis in AXES))
    ]
    points = with_results(pd.DataFrame(rows))
    points = without_results(points, [7, 8, 67, 68], Status.REFUSED, "tile of {} KiB does not fit")
    points = without_results(points, [70, 130], Status.PRUNED, None)
    points = without_results(points, [171], Status.FAILED, "<b>division</b> by zero")
    return sweep(points, AXES, {"method": "grid", "points": None, "seed": None}, **changes)


def whole_grid() -> SweepResult:
    """The same with results everywhere: a balanced grid."""
    rows = [
        {"workload": workload, **dict(zip([axis["key"] for axis in AXES], values, strict=True))}
        for workload, *values in itertools.product(WORK, *(axis["values"] for axis in AXES))
    ]
    sampling = {"method": "grid", "points": None, "seed": None}
    return sweep(with_results(pd.DataFrame(rows)), AXES, sampling)


def bounds_sweep() -> SweepResult:
    """The same, floors alone."""
    points = whole_grid().points
    blank = [*MEASURED, *(name for name in points if name.startswith("energy_"))]
    points = points.assign(**dict.fromkeys(set(blank) & set(points), np.nan))
    points["status"] = Status.BOUNDED.value
    return sweep(points, AXES, {"method": "grid", "points": None, "seed": None}, fronts={}, best={})


def random_sweep(designs: int, *, axes: int = 9, seed: int = 1, **changes: Any) -> SweepResult:
    """One workload on random designs, of many axes that hardly matter."""
    rng = np.random.default_rng(seed)
    known = {
        CORES: rng.integers(2, 65, designs),
        BUFFER: np.round(2 ** rng.uniform(20, 25, designs)),
        ORDER: rng.choice(["layer", "timestep", "pipeline"], designs),
        "technology.clock": rng.integers(100, 1000, designs) * 1_000_000,
    }
    known |= {f"memory.part_{n}.read": rng.uniform(0.5, 4.0, designs) for n in range(axes - 4)}
    points = with_results(pd.DataFrame({"workload": "dsnn50", **known}))
    scales = {CORES: "linear", BUFFER: "log", ORDER: "words"}
    units = {BUFFER: "bit", "technology.clock": "Hz"}
    described = [
        {
            "key": key,
            "unit": units.get(key, "pJ" if key.startswith("memory") else ""),
            "scale": scales.get(key, "linear"),
            "values": sorted(set(np.asarray(values).tolist())),
        }
        for key, values in known.items()
    ]
    sampling = {"method": "latin_hypercube", "points": designs, "seed": seed}
    return sweep(points, described, sampling, **changes)


def timesteps_sweep() -> SweepResult:
    """One workload as two networks, by the number of its timesteps."""
    points = whole_grid().points.query("workload != 'sew50'").reset_index(drop=True)
    steps = points["workload"].map({"fsnn50": 2, "dsnn50": 4})
    network = [f"dsnn50 timesteps={number}" for number in steps]
    points = points.assign(workload="dsnn50", network=network)
    points["workload.timesteps"] = steps
    axis = {"key": "workload.timesteps", "unit": "", "scale": "linear", "values": [2, 4]}
    return sweep(points, [*AXES, axis], {"method": "grid", "points": None, "seed": None})


def with_results(points: pd.DataFrame) -> pd.DataFrame:
    """Columns that a simulation would fill: more cores help until the buffer does not keep up."""
    cores, buffer = points[CORES].to_numpy(float), points[BUFFER].to_numpy(float)
    work = np.array([WORK[name] for name in points["workload"]])
    late = points[ORDER].map({"layer": 1.0, "timestep": 1.15, "pipeline": 0.9}).to_numpy()
    clock = points["technology.clock"].to_numpy(float) / 5e8
    spilled = np.maximum(0.0, 24 - np.log2(buffer)) * np.sqrt(cores) / 40
    latency = 0.1 * work * late * (1 / cores + 0.02 * spilled + 0.005) / clock
    energy = 1e10 * work * (1 + 0.5 * spilled + 0.01 * cores * late) * (0.8 + 0.2 * clock)
    area = 5 + 1.2 * cores + buffer / 2**20 * 0.9
    new = {
        "point": np.arange(len(points)),
        "network": points["workload"],
        "architecture": "split_core",
        "status": Status.SIMULATED.value,
        "error": None,
        "floor_latency_s": latency * (0.55 + 0.4 * np.exp(-spilled)),
        "floor_energy_pj": energy * (0.7 + 0.2 * np.exp(-spilled)),
        "makespan_cycles": np.round(latency * 5e8),
        "latency_s": latency,
        "energy_pj": energy,
        "edp_js": latency * energy * 1e-12,
        "interval_s": latency * 0.9,
        "interval_energy_pj": energy * 0.95,
        "area_mm2": area,
        "average_power_w": energy * 1e-12 / latency,
        "peak_power_w": 2 * energy * 1e-12 / latency,
        "bound_cycles": np.round(latency * 4e8),
        "bound": "compute_spike",
        "ac": 3.1e9 * work,
        "mac": 1.2e8 * work,
        "energy_dram_pj": 0.4 * energy,
        "trace_hash": "9c1f" * 16,
        "architecture_hash": "77aa" * 16,
    }
    return points.assign(**new)


def without_results(
    points: pd.DataFrame, places: Sequence[int], status: Status, error: str | None
) -> pd.DataFrame:
    """Some points that came to nothing; `{}` in the error is their number."""
    points = points.copy()
    points.loc[points.index[list(places)], "status"] = status.value
    if error is not None:
        for place in places:
            points.loc[points.index[place], "error"] = error.format(place)
    empty = [name for name in MEASURED if name in points] + ["energy_dram_pj"]
    points[empty] = points[empty].mask(points["status"] == status.value)
    return points


def sweep(
    points: pd.DataFrame,
    axes: Sequence[Mapping[str, Any]],
    sampling: Mapping[str, Any],
    objectives: Sequence[str] = ("latency", "energy", "area"),
    **changes: Any,
) -> SweepResult:
    """The table with the summary that belongs to it."""
    networks = list(dict.fromkeys(points["network"]))
    columns = [OBJECTIVES[name][0] for name in objectives]
    fronts, best = {}, {}
    for network in networks:
        own = points[(points["network"] == network) & (points["status"] == "simulated")]
        is_front = front(own[columns].to_numpy(dtype=float))
        fronts[network] = own["point"][is_front].tolist()
        best[network] = {
            name: _best(int(own["point"][own[column].idxmin()]), network.split()[0])
            for name, column in zip(objectives, columns, strict=True)
            if own[column].notna().any()
        }
    summary = {
        "name": "cores_and_buffer",
        "description": "How many spike cores a buffer can feed.",
        "version": "0.1.0",
        "axes": list(axes),
        "objectives": list(objectives),
        "constraints": ["area at most 100 mm2"],
        "sampling": dict(sampling),
        "workloads": list(dict.fromkeys(points["workload"])),
        "networks": networks,
        "architectures": list(dict.fromkeys(points["architecture"])),
        "counts": points["status"].value_counts().to_dict(),
        "fronts": fronts,
        "best": best,
        "provenance": dict.fromkeys(networks, PROVENANCE),
    }
    return SweepResult(summary | changes, points)


def _best(point: int, workload: str) -> dict[str, Any]:
    file = f"designs/point_{point}.yaml"
    return {
        "point": point,
        "file": file,
        "command": f"codesign run --arch {file} --workload {workload}",
    }
