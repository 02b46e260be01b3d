"""Results as a chip of 20 cores would give them, invented and consistent with themselves.

The numbers are plausible, not right: they let pages be looked at and tested without a simulation.
"""

import random
from typing import Any

import pandas as pd

from codesign.results import COMPONENTS, COUNTS, PATH_COLUMNS, STATES, Result

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
CORES = {"spike": 16, "accumulation": 4}
PORTS = ("weight_buffer[0]", "weight_buffer[1]", *(f"activation_buffer[{n}]" for n in range(4)))
CLOCK_HZ = 500_000_000


def example_result(
    name: str = "dsnn50", *, timesteps: int = 4, cores: bool = True, seed: int = 1
) -> Result:
    """A run of `fsnn<depth>` or `dsnn<depth>` on a chip, or (`cores=False`) priced by eq. 7."""
    chance = random.Random(f"{name} {seed}")
    network, depth = name[:4], int(name[4:])
    layers = _layers(network, depth, timesteps, chance)
    timeline = _timeline(layers, chance) if cores else _no_timeline()
    makespan = max((row["end_cycle"] for row in timeline), default=0) + 12_345 if cores else None
    occupancy = _occupancy(timeline, makespan)
    energy = _energy(layers, makespan)
    layer_table, energy_table = pd.DataFrame(layers), pd.DataFrame(energy)
    summary = _summary(name, timesteps, makespan, layer_table, energy_table)
    timeline_columns = ["resource", "layer", "stream", "timestep", "tile", "state"]
    timeline_columns += ["start_cycle", "end_cycle"]
    return Result(
        summary,
        layer_table,
        energy_table,
        pd.DataFrame(occupancy, columns=["core", "kind", "state", "cycles"]),
        pd.DataFrame(timeline, columns=timeline_columns),
        pd.DataFrame(_critical_path(layers, makespan), columns=PATH_COLUMNS),
    )


def _layers(network: str, depth: int, timesteps: int, chance: random.Random) -> list[Any]:
    """A row for each layer and timestep of a bottleneck (or basic) residual network."""
    names = [("stem.convolution", "convolution", "spike"), ("stem.neuron", "neuron", "spike")]
    names.append(("stem.pool", "max_pool", "spike"))
    for stage, blocks in enumerate(BLOCKS[depth], start=1):
        for block in range(blocks):
            place = f"layer{stage}.{block}"
            for number in range(1, 4 if depth >= 50 else 3):
                names.append((f"{place}.convolution{number}", "convolution", "spike"))
                names.append((f"{place}.neuron{number}", "neuron", "spike"))
            names.append((f"{place}.iand", "logic", "spike"))
            if network == "dsnn":
                names.append((f"{place}.accumulate", "add", "accumulation"))
        if network == "dsnn" and stage > 1:
            names.append((f"layer{stage}.downsample.pointwise", "convolution", "accumulation"))
            names.append((f"layer{stage}.downsample.relu", "relu", "accumulation"))
    names.append(("head", "linear", "accumulation" if network == "dsnn" else "spike"))
    return [
        _layer_row(*layer, timestep, chance)
        for layer in names
        for timestep in range(1 if layer[0] == "stem.convolution" else timesteps)
    ]


def _layer_row(
    name: str, kind: str, stream: str, timestep: int, chance: random.Random
) -> dict[str, Any]:
    row: dict[str, Any] = {"layer": name, "type": kind, "stream": stream, "timestep": timestep}
    row |= dict.fromkeys(COUNTS, 0)
    row |= {"ac_rate_dense": 0.0, "neurons": 0, "spikes": 0}
    real = stream == "accumulation" or name == "stem.convolution"
    if kind in ("convolution", "linear") and real:
        row["mac"] = chance.randrange(60_000_000, 120_000_000)
        row["mac_nonzero"] = int(row["mac"] * chance.uniform(0.6, 0.9))
    elif kind in ("convolution", "linear"):
        row["ac_synaptic"] = chance.randrange(4_000_000, 30_000_000)
        row["ac_rate_dense"] = 1.04 * row["ac_synaptic"]
    elif kind == "neuron":
        row["neurons"] = row["ac_neuron"] = row["neuron_updates"] = 200_704
        row["spikes"] = int(200_704 * chance.uniform(0.04, 0.3) * (1 - 0.5 ** (timestep + 1)))
        row["ac_rate_dense"] = 200_704.0
    elif kind == "max_pool":
        row["ac_pool"] = 310_000 + timestep
    elif kind == "relu":
        row["mac"] = row["mac_nonzero"] = 100_352
    else:
        row["ac_accumulation" if stream == "accumulation" else "ac_residual"] = 401_408
    return row


def _timeline(layers: list[Any], chance: random.Random) -> list[Any]:
    """Jobs of every core one after another, with gaps, and transfers on every port."""
    rows: list[Any] = []
    free = {f"{kind}[{n}]": 0 for kind, number in CORES.items() for n in range(number)}
    free |= dict.fromkeys((*PORTS, "dram[0]"), 0)
    for layer in layers:
        kind = layer["stream"]
        wanted = [name for name in free if name.startswith(f"{kind}[")]
        wanted += [chance.choice(PORTS), "dram[0]"]
        for tile, resource in enumerate(wanted):
            core = resource.split("[")[0] in CORES
            start = free[resource] + chance.randrange(0, 900)
            state = "accumulate" if core else "transfer"
            end = start + chance.randrange(2_000, 20_000 if core else 6_000)
            free[resource] = end
            rows.append(
                {
                    "resource": resource,
                    "layer": layer["layer"],
                    "stream": kind,
                    "timestep": layer["timestep"],
                    "tile": tile,
                    "state": state,
                    "start_cycle": start,
                    "end_cycle": end,
                }
            )
    return rows


def _critical_path(layers: list[Any], makespan: int | None) -> list[Any]:
    """Weights of the first layer, then the computing of all layers, in segments of any length."""
    if makespan is None:
        return []
    held = layers[::4]  # long enough to be seen
    ends = [9 + (makespan - 9) * number // len(held) for number in range(len(held) + 1)]
    rows: list[Any] = [(0, 9, "dram", "dram[0]", layers[0]["layer"], -1, 0)]
    for layer, start, end in zip(held, ends[:-1], ends[1:], strict=True):
        rows.append((start, end, "compute_spike", "spike[0]", layer["layer"], layer["timestep"], 0))
    return rows


def _mapping(layers: pd.DataFrame) -> list[dict[str, Any]]:
    """Every layer on all spike cores, by rows, as fast as expected."""
    return [
        {
            "layer": layer,
            "cores": [{"kind": "spike", "first": 0, "count": CORES["spike"]}],
            "kinds": {},
            "slices": 1,
            "bands": 4,
            "chunks": 2,
            "is_spread": False,
            "expected_cycles": 1000.0,
            "limit": "compute",
            "loads_cycles": {
                "compute": 1000.0,
                "weight_buffer": 10.0,
                "activation_buffer": 300.0,
                "dram": 200.0,
            },
            "expected_energy_pj": 2e6,
            "alternatives": {"rows": 1000.0, "output_channels": 2000.0},
        }
        for layer in dict.fromkeys(layers["layer"])
    ]


def _no_timeline() -> list[Any]:
    return []


def _occupancy(timeline: list[Any], makespan: int | None) -> list[Any]:
    """States of each core that sum to the makespan."""
    rows = []
    for kind, number in CORES.items() if makespan else ():
        for core in (f"{kind}[{n}]" for n in range(number)):
            busy = sum(
                row["end_cycle"] - row["start_cycle"] for row in timeline if row["resource"] == core
            )
            rest = makespan - busy
            cycles = dict.fromkeys(STATES, 0) | {
                "scan": busy // 10,
                "accumulate": busy - busy // 10 - busy // 8,
                "neuron": busy // 8,
                "weights": rest // 3,
                "input": rest // 5,
                "dependency": rest // 9,
            }
            cycles["idle"] = makespan - sum(cycles.values())
            rows += [(core, kind, state, number) for state, number in cycles.items()]
    return rows


def _energy(layers: list[Any], makespan: int | None) -> list[Any]:
    """A row for each layer, timestep and component that is not zero."""
    rows = []
    for layer in layers:
        accumulates = sum(layer[name] for name in COUNTS if name.startswith("ac_"))
        parts = {"ac": 0.9 * layer["ac_rate_dense"], "mac": 4.6 * layer["mac"]}
        if makespan:
            parts = dict.fromkeys(COMPONENTS, 0.0) | {
                "ac": 0.05 * (layer["ac_synaptic"] + layer["ac_pool"]),
                "mac": 0.25 * layer["mac"],
                "addition": 0.05 * layer["ac_accumulation"],
                "neuron": 0.4 * layer["ac_neuron"],
                "logic": 0.006 * layer["ac_residual"],
                "weight_memory": 0.3 * (layer["ac_synaptic"] + layer["mac"] / 8),
                "state_memory": 0.6 * accumulates,
                "input_memory": 0.02 * (accumulates + layer["mac"]),
                "weight_buffer": 0.04 * layer["ac_synaptic"],
                "activation_buffer": 0.05 * (accumulates + layer["mac"]),
                "dram": 0.4 * layer["ac_synaptic"] + 0.08 * layer["mac"],
            }
        identity = {name: layer[name] for name in ("layer", "stream", "timestep")}
        rows += [
            {**identity, "component": component, "energy_pj": value}
            for component, value in parts.items()
            if value
        ]
    for component, per_cycle in (("clock", 260.0), ("leakage", 110.0)) if makespan else ():
        whole = {"layer": "", "stream": "chip", "timestep": -1, "component": component}
        rows.append({**whole, "energy_pj": per_cycle * makespan})
    return rows


def _summary(
    name: str,
    timesteps: int,
    makespan: int | None,
    layers: pd.DataFrame,
    energy: pd.DataFrame,
) -> dict[str, Any]:
    energy_pj = float(energy["energy_pj"].sum())
    latency_s = None if makespan is None else makespan / CLOCK_HZ
    streams = energy.groupby("stream")["energy_pj"].sum().to_dict()
    bounds = {"critical_path": 0.41, "spike_cores": 0.78, "accumulation_cores": 0.22}
    bounds |= {"weight_buffer": 0.33, "activation_buffer": 0.57, "dram": 0.64}
    return {
        "workload": name,
        "architecture": "split_core" if makespan else "paper",
        "timesteps": timesteps,
        "images": 1,
        "makespan_cycles": makespan,
        "latency_s": latency_s,
        "interval_cycles": makespan,
        "interval_bounds_cycles": {"dram": int(0.6 * makespan)} if makespan else {},
        "critical_path_cycles": {"compute_spike": makespan - 9, "dram": 9} if makespan else {},
        "interval_s": latency_s,
        "interval_energy_pj": 0.9 * energy_pj if makespan else None,
        "mapping": _mapping(layers) if makespan else [],
        "messages": {},
        "populations": [],
        "idle_cores": {},
        "host": {},
        "area_mm2": None if latency_s is None else 42.0,
        "average_power_w": latency_s and energy_pj * 1e-12 / latency_s,
        "area_parts_mm2": {"spike.logic": 2.0, "activation_buffer": 40.0} if makespan else {},
        "static_parts_pj": {"spike.logic": 110.0 * makespan, "spike.idle_clock": 260.0 * makespan}
        if makespan
        else {},
        "peak_power_w": latency_s and 2 * energy_pj * 1e-12 / latency_s,
        "energy_pj": energy_pj,
        "energy_parts_pj": energy.groupby("component")["energy_pj"].sum().to_dict(),
        "energy_streams_pj": streams,
        "edp_js": None if latency_s is None else energy_pj * 1e-12 * latency_s,
        "counts": {count: int(layers[count].sum()) for count in COUNTS}
        | {"ac_rate_dense": float(layers["ac_rate_dense"].sum())},
        "bounds_cycles": {key: int(share * (makespan or 0)) for key, share in bounds.items()}
        if makespan
        else {},
        "provenance": {
            "weights": {
                "kind": "calibrated",
                "target": "Table 2 of arXiv 2301.11929",
                "seed": 7,
                "sha256": "9c1f" * 16,
            },
            "input": {"image": "astronaut, 224 x 224 pixels, public domain", "sha256": "5e0d" * 16},
        },
        "trace_hash": "a3" * 32,
        "architecture_hash": "b7" * 32 if makespan else "c4" * 32,
        "version": "0.1.0",
        "sources": {
            "technology": "45 nm, 0.9 V: Horowitz, ISSCC 2014",
            "cores.spike.operations": "Horowitz, ISSCC 2014: int16 add",
            "cores.spike.overhead": "assumed, because no published core states its clock energy",
            "cores.accumulation.operations": "Horowitz, ISSCC 2014: int8 multiply, int16 add",
            "storage.dram": "LPDDR4, 8 pJ/bit: public DRAM models",
        },
    }
