"""Small chips for tests, made from the shipped ones by overrides."""

from dataclasses import dataclass, replace
from functools import cache

from hypothesis import reject
from hypothesis import strategies as st

from codesign.chip import Schedule, simulate
from codesign.errors import CapacityError
from codesign.mapping import Jobs, Mapping, lower, map_workload
from codesign.specs.architecture import Architecture, Core, Host, Noc, Partition
from codesign.specs.catalogue import architecture_path
from codesign.specs.documents import Document, read_document
from codesign.specs.faults import validate
from codesign.specs.overrides import apply_overrides
from codesign.trace import Trace
from codesign.workload import Kind, LayerType, Stream, Window
from tests.small_networks import (
    POINT,
    THREE,
    NetworkBuilder,
    attention_network,
    dual_stream_network,
    output_size,
)

SPLIT = ("cores.spike.count=2", "cores.accumulation.count=1")
UNIFIED = ("cores.unified.count=3",)


@dataclass(frozen=True)
class Simulated:
    """A trace on a chip, and what came of it."""

    trace: Trace
    architecture: Architecture
    mapping: Mapping
    jobs: Jobs
    schedule: Schedule


def simulated(trace: Trace, architecture: Architecture, images: int = 1) -> Simulated:
    mapping = map_workload(trace.workload, architecture)
    jobs = lower(mapping, trace, images=images)
    return Simulated(trace, architecture, mapping, jobs, simulate(architecture, jobs))


@cache
def _document(name: str) -> Document:
    """A shipped file, read once: reading takes longer than simulating a small chip."""
    return read_document(architecture_path(name))


def _chip(name: str, overrides: tuple[str, ...]) -> Architecture:
    document = apply_overrides(_document(name), Architecture, overrides)
    return validate(document, Architecture, name)


def split_chip(*overrides: str) -> Architecture:
    return _chip("split_core", (*SPLIT, *overrides))


def unified_chip(*overrides: str) -> Architecture:
    return _chip("unified_core", (*UNIFIED, *overrides))


ADDITIONS = ("dense", "spikes", "counters", "counters")
"""How the accumulation pathway adds; counters are for a part of all networks alone."""


@st.composite
def nocs(draw: st.DrawFn) -> Noc:
    """Networks of up to eight cores."""
    topology = draw(st.sampled_from(["mesh", "bus", "crossbar"]))
    spikes = draw(st.sampled_from(["bitmap", "events", "shorter"]))
    sides = draw(st.sampled_from([(1, 8), (8, 1), (2, 4), (3, 3)]))
    mesh = {
        "columns": sides[0],
        "rows": sides[1],
        "storage": draw(st.sampled_from(["corner", "edge"])),
        "vertical_hop": draw(st.sampled_from(["0.1 pJ/b", "0.2 pJ/b"])),
    }
    return Noc.model_validate(
        {
            "topology": topology,
            "link": f"{draw(st.sampled_from([1, 16, 128]))} bit",
            "hop_latency": draw(st.integers(0, 3)),
            "hop": "0.1 pJ/b",
            "multicast": draw(st.booleans()),
            "spikes": spikes,
            "leakage": "1 mW",
            "area": "0.1 mm2",
            "source": "assumed, because a test",
        }
        | (mesh if topology == "mesh" else {})
        | ({"event": "1 pJ"} if spikes != "bitmap" else {})
    )


@st.composite
def with_a_host(draw: st.DrawFn, chip: Architecture) -> Architecture:
    """The chip with a host, slow or quick, near or far, which does what is no spike."""
    values = {
        "mac": "1 pJ",
        "macs_per_cycle": draw(st.sampled_from([1, 7, 64])),
        "bandwidth": draw(st.sampled_from(["0.2 GB/s", "4 GB/s", "100 GB/s"])),
        "latency": draw(st.sampled_from(["0 ns", "8.001 ns", "100 ns"])),
        "energy": "10 pJ/b",
        "source": "assumed, because a test",
    }
    inputs = draw(st.sampled_from([("real_input",), ("integer_input", "real_input")]))
    assert chip.policy is not None
    policy = chip.policy.model_copy(update=dict.fromkeys(inputs, "host"))
    return chip.model_copy(update={"host": Host.model_validate(values), "policy": policy})


@st.composite
def chips(draw: st.DrawFn) -> Architecture:
    """Split and unified chips that differ in everything the kernel contends for."""
    buffer = draw(st.sampled_from(["256 B", "1 KiB", "4 KiB", "2 MiB"]))
    shared = (
        f"storage.activation_buffer.ports={draw(st.sampled_from([1, 2, 4]))}",
        f"storage.weight_buffer.ports={draw(st.sampled_from([1, 2]))}",
        f"storage.weight_buffer.size={draw(st.sampled_from([32, 64, 512]))} KiB",
        f"storage.activation_buffer.size={buffer}",
        f"storage.dram.bandwidth={draw(st.sampled_from(['0.2 GB/s', '25.6 GB/s']))}",
        f"storage.dram.latency={draw(st.sampled_from([0, 8.001, 100]))} ns",
        f"technology.clock={draw(st.sampled_from([500, 500, 333]))} MHz",
        f"storage.dram.channels={draw(st.integers(1, 2))}",
    )
    noc = draw(st.one_of(st.none(), nocs()))
    order = draw(st.sampled_from(["layer", "timestep", "pipeline"]))
    other = {"layer": "layer", "timestep": draw(st.sampled_from(["layer", "timestep"]))}
    barrier = draw(st.sampled_from(["none", "none", other.get(order, "timestep")]))
    cycles = draw(st.integers(0, 30)) if barrier != "none" else 0
    partition = draw(st.sampled_from(["auto", "output_channels", "rows", "input_channels"]))
    if partition == "input_channels" and noc is None:
        noc = draw(nocs())
    shared += (
        f"schedule.time_batch={draw(st.sampled_from([1, 1, 2, 4]))}",
        f"schedule.assignment={draw(st.sampled_from(['equal', 'balanced']))}",
        f"policy.static_layers={draw(st.sampled_from(['stored', 'recompute']))}",
        f"policy.accumulation_additions={draw(st.sampled_from(ADDITIONS))}",
        *(f"schedule.order={order}", f"schedule.barrier={barrier}"),
        f"schedule.barrier_cycles={cycles}",
    )
    is_split = draw(st.booleans())
    if pixels := draw(st.sampled_from([None, None, 4, 32])):
        spike = f"cores.{'spike' if is_split else 'unified'}.spike"
        shared += (f"{spike}.dataflow=gather", f"{spike}.pixels={pixels}")
    dataflow = draw(st.sampled_from(["output_stationary", "weight_stationary"]))
    shared += (f"cores.{'accumulation' if is_split else 'unified'}.mac.dataflow={dataflow}",)
    if is_split:
        chip = split_chip(
            f"cores.spike.count={draw(st.integers(1, 4))}",
            f"cores.spike.double_buffering={str(draw(st.booleans())).lower()}",
            f"cores.accumulation.count={draw(st.integers(1, 3))}",
            f"cores.accumulation.double_buffering={str(draw(st.booleans())).lower()}",
            f"cores.accumulation.mac.zero_skipping={str(draw(st.booleans())).lower()}",
            f"policy.integer_input={draw(st.sampled_from(['mac', 'repeat', 'bit_serial']))}",
            f"policy.real_input={draw(st.sampled_from(['mac', 'mac', 'bit_serial']))}",
            *shared,
        )
    else:
        chip = unified_chip(f"cores.unified.count={draw(st.integers(1, 5))}", *shared)
    schedule = chip.schedule.model_copy(update={"partition": Partition(partition)})
    chip = chip.model_copy(update={"noc": noc, "schedule": schedule})
    return draw(with_a_host(chip)) if draw(st.sampled_from([False, False, True])) else chip


@st.composite
def windows(draw: st.DrawFn, groups: int = 1) -> Window:
    """Windows of all kinds that fit a map of 5 x 5 pixels."""
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    padding = st.tuples(st.integers(0, 2), st.integers(0, 2))
    dilation = st.tuples(st.integers(1, 2), st.integers(1, 2))
    return Window(draw(pairs), draw(pairs), draw(padding), draw(dilation), groups)


@st.composite
def windowed_traces(draw: st.DrawFn, timesteps: int, seed: int) -> Trace:
    """Convolutions of all geometries and kinds of input, a pool, and spikes added to spikes."""
    net = NetworkBuilder(timesteps, seed, draw(st.sampled_from([0.0, 0.1, 0.5, 1.0])))
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kind = draw(st.sampled_from(Kind))
    largest = {Kind.SPIKE: 1, Kind.INTEGER: 5, Kind.REAL: None}[kind]
    channels, made = (groups * draw(st.integers(1, 4)) for _ in range(2))
    shape = (channels, draw(st.integers(5, 6)), draw(st.integers(5, 6)))
    net.add_tensor("x", shape, kind, largest=largest, static=draw(st.booleans()))
    net.convolution("x", made, draw(windows(groups)), name="conv", static=False, bias=True)
    spikes = net.neuron("conv", name="sn")
    if draw(st.booleans()):
        _, height, width = net.tensor(spikes).shape
        pool = replace(draw(windows()), kernel=(min(2, height), min(2, width)), dilation=(1, 1))
        pool = replace(pool, padding=(pool.padding[0] // 2, pool.padding[1] // 2))
        sizes = (output_size(height, 0, pool), output_size(width, 1, pool))
        is_max = draw(st.booleans())
        spikes = net.add_layer(
            LayerType.MAX_POOL if is_max else LayerType.AVERAGE_POOL,
            (spikes,),
            kind=Kind.SPIKE if is_max else Kind.REAL,
            shape=(made, *sizes),
            window=pool,
        )
    net.convolution(spikes, made, THREE, name="second")
    again = net.neuron("second", name="second.sn")
    if net.tensor(spikes).kind is Kind.SPIKE:
        again = net.add_layer(
            LayerType.ADD, (again, spikes), name="sum", kind=Kind.INTEGER, largest=2
        )
    net.convolution(again, draw(st.sampled_from([3, 40])), POINT, name="third")
    return net.trace("windowed")


@st.composite
def linear_traces(draw: st.DrawFn, timesteps: int, seed: int) -> Trace:
    """A linear layer at several places, with what is added to it."""
    net = NetworkBuilder(timesteps, seed)
    places, stream = draw(st.integers(1, 5)), draw(st.sampled_from(Stream))
    made = draw(st.sampled_from([3, 40]))
    kind = draw(st.sampled_from([Kind.SPIKE, Kind.REAL]))
    net.add_tensor("x", (places, 8), kind, largest=1 if kind is Kind.SPIKE else None)
    net.add_tensor("s", (places, made), Kind.SPIKE, largest=1)
    net.add_layer(LayerType.LINEAR, ("x",), name="fc", shape=(places, made), stream=stream)
    net.add_layer(LayerType.ADD, ("fc", "s"), name="sum", stream=stream)
    return net.trace("linear")


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Random spikes of a dual-stream, full-spike, attention, convolutional or linear network."""
    timesteps, seed = draw(st.integers(1, 4)), draw(st.integers(0, 10_000))
    network = draw(st.sampled_from(["dual", "dual", "dual", "attention", "windowed", "linear"]))
    if network == "windowed":
        return draw(windowed_traces(timesteps, seed))
    if network == "linear":
        return draw(linear_traces(timesteps, seed))
    if network == "dual":
        channels = draw(st.sampled_from([1, 4, 40]))
        return dual_stream_network(timesteps, seed, draw(st.booleans()), channels)
    heads, channels = draw(st.integers(1, 3)), draw(st.sampled_from([1, 4, 40]))
    return attention_network(timesteps, seed, (heads, channels, draw(st.integers(1, 30))))


@st.composite
def runs(draw: st.DrawFn, images: st.SearchStrategy[int] | None = None) -> Simulated:
    """A random trace on a random chip, where it fits; several times in a row if asked for."""
    trace, chip = draw(traces()), draw(chips())
    if draw(st.booleans()):
        chip = draw(with_more_kinds(chip))
    if draw(st.booleans()):
        chip = draw(with_little_state(chip))
    try:
        return simulated(trace, chip, draw(images) if images is not None else 1)
    except CapacityError:
        reject()


MOST_CORES = 8
"""Nodes of the smallest mesh."""


@st.composite
def with_more_kinds(draw: st.DrawFn, chip: Architecture) -> Architecture:
    """The chip with further kinds of core that can do what its own can, or a part of it."""
    cores = dict(chip.cores)
    models = list(chip.cores.values())
    if "unified" in chip.cores and draw(st.booleans()):
        models = [split_chip().cores["spike"]]
    for number, core in enumerate(models):
        left = MOST_CORES - sum(each.count for each in cores.values())
        if left and (number == 0 or draw(st.booleans())):
            cores[f"other_{number}"] = draw(unlike(core, draw(st.integers(1, min(3, left)))))
    if draw(st.booleans()):
        cores = dict(reversed(cores.items()))
    return chip.model_copy(update={"cores": cores})


@st.composite
def unlike(draw: st.DrawFn, core: Core, count: int) -> Core:
    """A core of the same abilities but with other sizes."""
    changes: dict[str, object] = {
        "count": count,
        "neuron_lanes": draw(st.sampled_from([4, 32])),
        "double_buffering": draw(st.booleans()),
    }
    if core.spike is not None:
        lanes, pixels = draw(st.sampled_from([(8, None), (32, None), (16, 4), (32, 1)]))
        dataflow = "scatter" if pixels is None else "gather"
        update = {"lanes": lanes, "pixels": pixels, "dataflow": dataflow}
        changes["spike"] = core.spike.model_copy(update=update)
    if core.mac is not None:
        array = {"rows": draw(st.sampled_from([2, 8])), "columns": draw(st.sampled_from([4, 16]))}
        array["zero_skipping"] = draw(st.booleans())
        array["dataflow"] = draw(st.sampled_from(["output_stationary", "weight_stationary"]))
        changes["mac"] = core.mac.model_copy(update=array)
    for name, parts in {"weight_memory": (1, 8, 64), "input_memory": (1, 4)}.items():
        memory = getattr(core, name)
        size = memory.size_bits // draw(st.sampled_from(parts))
        width = memory.width_bits // draw(st.sampled_from([1, 4]))
        changes[name] = memory.model_copy(update={"size_bits": size, "width_bits": width})
    return core.model_copy(update=changes)


@st.composite
def with_little_state(draw: st.DrawFn, chip: Architecture) -> Architecture:
    """The chip with so little state memory that jobs and membranes hardly fit."""
    cores = dict(chip.cores)
    for group, core in cores.items():
        size = core.state_memory.bits_per_cycle * draw(st.integers(4, 24))
        memory = core.state_memory.model_copy(update={"size_bits": size})
        cores[group] = core.model_copy(update={"state_memory": memory})
    return chip.model_copy(update={"cores": cores})
