"""Energy: counts times coefficients, after the simulation.

Nothing here is simulated: the same jobs and schedule can be priced again under other coefficients.
Every number of the resulting table is attributed to a layer, a timestep, a stream and a component;
what no layer causes (leakage, clocks of waiting cores) is attributed to the chip. What the spike
stream stores for the accumulation stream alone is the accumulation stream's: without the pathway
it would not be (on a NoC with address events it stays with the spike stream).

- Operations and accesses of a core's memories: counts of the jobs times the core's coefficients.
- Buffers: one access for each word of one bank that a transfer touches. A weight block is written
  once when it is fetched and read by each core that loads it.
- DRAM: bits times energy per bit.
- NoC: bits, as they travel there, times the energy of each link that they pass, and address events
  made and read.
- Host: MACs of layers that are done outside the chip, and the bits that pass the link to it.
- Clock: each cycle that a core computes, and its idle clock for each other cycle of the makespan.
- Leakage: power times makespan (1 mW for one second is 1e9 pJ), of cores, memories and links; apart
  from it the background power of the DRAM, which is another chip.

On an architecture without cores energy is eq. 7 of arXiv 2301.11929: `ac_rate_dense` times the AC
coefficient plus dense MACs times the MAC coefficient.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codesign.chip.schedule import Schedule
from codesign.chip.transfers import link_bits, of_host
from codesign.mapping.datapaths import ceil_divide
from codesign.mapping.jobs import JOB_TRANSFERS, OPERATION_COLUMNS, Jobs
from codesign.results import COMPONENTS
from codesign.specs.architecture import Architecture, Core, Host, Noc, Storage
from codesign.static_power import PJ_PER_MW_SECOND, idle_pj_per_cycle, static_power_mw
from codesign.workload import Stream

Prices = NDArray[np.floating[Any]]

CHIP_STREAM, NO_TIMESTEP = "chip", -1


def price(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> pd.DataFrame:
    """Energy of a simulated run; columns as in `codesign.results.Result.energy`.

    Args:
        jobs: what was done.
        schedule: how long it took.
        architecture: the coefficients; it may differ from the simulated one in prices alone.
    """
    assert architecture.storage is not None
    per_job = {name: np.zeros(len(jobs)) for name in COMPONENTS}
    for group, core in architecture.cores.items():
        here = np.array(jobs.core_groups)[jobs.columns["core"]] == group
        for component, prices in core_prices(jobs, core):
            per_job[component] += np.where(here, prices, 0.0)
    for _, component, prices in transfer_prices(jobs, schedule, architecture.storage):
        per_job[component] += prices
    if architecture.noc is not None:
        per_job["noc"] += _noc_prices(jobs, schedule, architecture.noc)
    if architecture.host is not None:
        per_job["host"] += sum(host_prices(jobs, architecture.host).values())
    pathway = _pathway_prices(jobs, schedule, architecture)
    for component, spent in pathway.items():
        per_job[component] = per_job[component] - spent
    streams = np.array(jobs.layer_streams)[jobs.columns["layer"]]
    parts = [
        _table(jobs, streams, per_job),
        _table(jobs, np.full(len(jobs), str(Stream.ACCUMULATION)), pathway),
        _fetches(jobs, architecture.storage),
    ]
    table = pd.concat(parts, ignore_index=True).fillna(0.0)
    keys = ["layer", "timestep", "stream"]
    sums = table.groupby(keys, as_index=False).sum()
    rows = sums.melt(keys, var_name="component", value_name="energy_pj")
    rows["layer"] = np.array(jobs.layer_names)[rows["layer"].to_numpy()]
    return _tidy(pd.concat([rows, _static(jobs, schedule, architecture)], ignore_index=True))


def _table(jobs: Jobs, streams: NDArray[np.str_], per_job: Mapping[str, Any]) -> pd.DataFrame:
    """Energies of every job by component, with its layer, timestep and stream."""
    columns = jobs.columns
    identity = {"layer": columns["layer"], "timestep": columns["timestep"], "stream": streams}
    return pd.DataFrame({**identity, **per_job})


def _pathway_prices(
    jobs: Jobs, schedule: Schedule, architecture: Architecture
) -> dict[str, Prices]:
    """What storing for the accumulation stream alone costs jobs of the spike stream: as much more
    as storing the rest would cost less."""
    columns, storage, noc = jobs.columns, architecture.storage, architecture.noc
    assert storage is not None
    buffer = storage.activation_buffer
    inside, outside = columns["pathway_store_bits"], columns["pathway_store_dram_bits"]
    rest = columns["store_bits"] - inside
    words = ceil_divide(columns["store_bits"], buffer.width_bits)
    words -= ceil_divide(rest, buffer.width_bits)
    of_core = [architecture.kinds[group].state_memory for group in jobs.core_groups]
    through_pj = np.array([memory.read_pj + memory.write_pj for memory in of_core])
    prices: dict[str, Prices] = {
        "activation_buffer": words * buffer.write_pj,
        "dram": outside * storage.dram.energy_pj_per_bit,
        "state_memory": columns["pathway_state_words"] * through_pj[columns["core"]],
    }
    if noc is not None and noc.spikes == "bitmap":
        verbs = {"store": inside, "store_dram": outside}
        bits = [verbs.get(verb, np.zeros_like(inside)) for verb in JOB_TRANSFERS]
        prices["noc"] = over_links(np.stack(bits), schedule, noc)
    return prices


def price_operations(layers: pd.DataFrame, architecture: Architecture) -> pd.DataFrame:
    """Energy by eq. 7 of the counts in `codesign.results.Result.layers`."""
    assert architecture.operations is not None
    identity = layers[["layer", "stream", "timestep"]]
    parts = [
        identity.assign(component="ac", energy_pj=layers["ac_rate_dense"] * price_pj)
        if component == "ac"
        else identity.assign(component="mac", energy_pj=layers["mac"] * price_pj)
        for component, price_pj in (
            ("ac", architecture.operations.ac_pj),
            ("mac", architecture.operations.mac_pj),
        )
    ]
    return _tidy(pd.concat(parts, ignore_index=True))


def component_sums(energy: pd.DataFrame) -> dict[str, float]:
    """Energy by component, in the order of `COMPONENTS`, without those that are not there."""
    groups = {name: group["energy_pj"] for name, group in energy.groupby("component")}
    return {name: math.fsum(groups[name]) for name in COMPONENTS if name in groups}


def stream_sums(energy: pd.DataFrame) -> dict[str, float]:
    """Energy by stream; `chip` is what no layer caused."""
    return {str(name): math.fsum(group["energy_pj"]) for name, group in energy.groupby("stream")}


def single_coefficients_pj(architecture: Architecture) -> dict[str, float]:
    """Coefficients that are one number on the whole chip: of an AC, a MAC, a bit of the DRAM, and a
    bit on a link of the NoC. Where kinds of cores or links differ there is none."""
    if architecture.operations is not None:
        return {"ac": architecture.operations.ac_pj, "mac": architecture.operations.mac_pj}
    cores = [core.operations for core in architecture.cores.values()]
    known: dict[str, set[float | None]] = {
        "ac": {each.ac_pj for each in cores},
        "mac": {each.mac_pj for each in cores},
    }
    if architecture.storage is not None:
        known["dram"] = {architecture.storage.dram.energy_pj_per_bit}
    noc = architecture.noc
    if noc is not None and not noc.event_pj:
        vertical = noc.vertical_hop_pj_per_bit
        known["noc"] = {noc.hop_pj_per_bit, noc.hop_pj_per_bit if vertical is None else vertical}
    stated = {name: [each for each in found if each is not None] for name, found in known.items()}
    return {name: found[0] for name, found in stated.items() if len(found) == 1}


def core_prices(jobs: Jobs, core: Core) -> Iterator[tuple[str, Prices]]:
    """Component and pJ per job, as if all jobs were on this kind of core."""
    columns = jobs.columns
    for name in OPERATION_COLUMNS:
        component = "addition" if name == "reduction" else name
        coefficient = getattr(core.operations, f"{component}_pj")
        yield component, columns[name] * (coefficient or 0.0)
    for name in ("weight", "state", "input"):
        memory = getattr(core, f"{name}_memory")
        yield (
            f"{name}_memory",
            columns[f"{name}_reads"] * memory.read_pj + columns[f"{name}_writes"] * memory.write_pj,
        )
    yield "clock", jobs.compute_cycles() * core.overhead.clock_pj


def transfer_prices(
    jobs: Jobs, schedule: Schedule, storage: Storage
) -> Iterator[tuple[str, str, Prices]]:
    """Kind of transfer, component and pJ per job of the memories that all cores share.

    Cores that share a transfer of weights share its reading, which is the first one's.
    """
    columns = jobs.columns
    activations, weights = storage.activation_buffer, storage.weight_buffer
    read = ceil_divide(columns["load_bits"], activations.width_bits)
    yield "load", "activation_buffer", read * activations.read_pj
    written = ceil_divide(columns["store_bits"], activations.width_bits)
    yield "store", "activation_buffer", written * activations.write_pj
    words = ceil_divide(columns["weight_bits"], weights.width_bits)
    moved = schedule.moved("weight_buffer", len(jobs))
    yield "weights", "weight_buffer", words * moved * weights.read_pj
    for verb in ("load_dram", "store_dram"):
        yield verb, "dram", columns[f"{verb}_bits"] * storage.dram.energy_pj_per_bit


def host_prices(jobs: Jobs, host: Host) -> dict[str, Prices]:
    """pJ per job of what a host does: of its MACs (`mac`), and of what passes the link to it
    (`load`) and from it (`store`)."""
    mine, columns = of_host(jobs), jobs.columns
    prices: dict[str, Prices] = {"mac": columns["mac"] * host.mac_pj * mine}
    for verb in ("load", "store"):
        bits = columns[f"{verb}_bits"] + columns[f"{verb}_dram_bits"]
        prices[verb] = bits * host.energy_pj_per_bit * mine
    return prices


def _noc_prices(jobs: Jobs, schedule: Schedule, noc: Noc) -> Prices:
    """pJ per job on the links that its transfers held, and for its address events."""
    bits = np.stack([link_bits(jobs, verb) for verb in JOB_TRANSFERS])
    spent = over_links(bits, schedule, noc)
    prices: Prices = spent + jobs.columns["events"] * (noc.event_pj or 0.0)
    return prices


def over_links(bits: NDArray[np.int64], schedule: Schedule, noc: Noc) -> Prices:
    """pJ of each job's transfers, of so many bits by kind, on the links that they held."""
    over = schedule.links
    hop_pj = np.full(len(over), noc.hop_pj_per_bit)
    if noc.vertical_hop_pj_per_bit is not None:
        hop_pj[over["is_vertical"].to_numpy()] = noc.vertical_hop_pj_per_bit
    job = over["job"].to_numpy()
    spent_pj = bits[over["kind"].to_numpy(), job] * hop_pj
    spent: Prices = np.zeros(bits.shape[1])
    np.add.at(spent, job, spent_pj)
    return spent


def fetch_prices(jobs: Jobs, storage: Storage) -> dict[str, Prices]:
    """pJ by component of every block of weights that is fetched."""
    bits = np.array([block.bits for block in jobs.blocks], dtype=np.int64)
    words = ceil_divide(bits, storage.weight_buffer.width_bits)
    return {
        "weight_buffer": words * storage.weight_buffer.write_pj,
        "dram": bits * storage.dram.energy_pj_per_bit,
    }


def _fetches(jobs: Jobs, storage: Storage) -> pd.DataFrame:
    """Fetching weights, by layer; at timestep 0, because all timesteps share them."""
    layers = np.array([block.layer for block in jobs.blocks], dtype=np.int64)
    streams = np.array(jobs.layer_streams)[layers]
    identity = {"layer": layers, "timestep": 0, "stream": streams}
    return pd.DataFrame({**identity, **fetch_prices(jobs, storage)})


def static_parts_pj(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> dict[str, float]:
    """Energy that passes with time alone, by place: leakage of every memory and of the cores'
    logic (`spike.logic`), background of the DRAM, clocks of cores that do not compute
    (`spike.idle_clock`)."""
    assert architecture.technology is not None
    seconds = schedule.makespan_cycles / architecture.technology.clock_hz
    parts = {
        place: power_mw * seconds * PJ_PER_MW_SECOND
        for place, power_mw in static_power_mw(architecture).items()
    }
    busy = np.bincount(jobs.columns["core"], jobs.compute_cycles(), minlength=len(jobs.core_names))
    groups = np.array(jobs.core_groups)
    for group, core in architecture.cores.items():
        idle = schedule.makespan_cycles - busy[groups == group]
        parts[f"{group}.idle_clock"] = math.fsum(core.overhead.idle_clock_pj * idle)
    return parts


def spared_clock_pj(jobs: Jobs, architecture: Architecture) -> dict[str, float]:
    """Idle clock that cores did not spend because they computed, by the stream that they computed:
    with it, what passes with time alone is `idle_pj_per_cycle` times makespan."""
    busy = jobs.compute_cycles()
    groups = np.array(jobs.core_groups)[jobs.columns["core"]]
    streams = np.array(jobs.layer_streams)[jobs.columns["layer"]]
    return {
        str(stream): math.fsum(
            core.overhead.idle_clock_pj * int(busy[(groups == group) & (streams == stream)].sum())
            for group, core in architecture.cores.items()
        )
        for stream in np.unique(streams)
    }


def dynamic_pj(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> float:
    """Dynamic energy of a simulated run: without what its cycles would cost if nothing happened.

    Where a run is priced already, its energy less `idle_pj_per_cycle` times makespan is the same.
    """
    whole = math.fsum(price(jobs, schedule, architecture)["energy_pj"])
    return whole - idle_pj_per_cycle(architecture) * schedule.makespan_cycles


def _static(jobs: Jobs, schedule: Schedule, architecture: Architecture) -> pd.DataFrame:
    """What passes with time alone, as components."""
    components: dict[str, list[float]] = {"clock": [], "leakage": [], "dram_background": []}
    for place, spent_pj in static_parts_pj(jobs, schedule, architecture).items():
        is_clock = place.endswith(".idle_clock")
        component = place if place in components else "clock" if is_clock else "leakage"
        components[component].append(spent_pj)
    return pd.DataFrame(
        {
            "layer": "",
            "stream": CHIP_STREAM,
            "timestep": NO_TIMESTEP,
            "component": list(components),
            "energy_pj": [math.fsum(parts) for parts in components.values()],
        }
    )


def _tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Columns in their order, without rows of no energy."""
    columns = ["layer", "stream", "timestep", "component", "energy_pj"]
    kept: pd.DataFrame = rows[rows["energy_pj"] != 0.0]
    return kept[columns].reset_index(drop=True)
