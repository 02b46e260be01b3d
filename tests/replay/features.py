"""Which features a replayed run has, so that a test can say that it saw each."""

from collections import Counter

from codesign.mapping.geometry import Work
from codesign.workload import LayerType, Stream
from tests.replay.runs import Run

FEATURES = (
    *("order: layer", "order: timestep", "order: pipeline"),
    *("partition: output channels", "partition: rows", "partition: input channels"),
    *("chunks one by one", "batches of timesteps", "several images", "assignment: balanced"),
    *("membranes local", "membranes resident", "membranes spilled", "membranes in DRAM"),
    *("tensors in DRAM", "rings of places", "tensors kept for an image", "waits for room"),
    *("scatter", "gather", "output-stationary", "weight-stationary", "unified"),
    *("host", "recomputed stem", "counters"),
    *("accumulation stream", "depthwise convolutions", "strides", "dilation", "groups"),
    *("linear layers", "products", "max pools", "average pools", "means over time"),
    *("some spikes", "weights that a core keeps", "address events"),
)


def features(run: Run) -> Counter[str]:
    """The features that a run has, each once."""
    mapping, columns = run.mapping, run.jobs.columns
    plans, order = mapping.plans, mapping.order
    grids = [plan.grid for plan in plans]
    noc = mapping.architecture.noc
    windows = [plan.geometry.window for plan in plans if plan.fused.is_synaptic]
    types = {plan.fused.main.type for plan in plans}
    membranes = {
        p.geometry.membranes for p in plans if p.fused.has_neurons and p.geometry.steps > 1
    }
    sums = {(plan.geometry.work, plan.geometry.sums_in) for plan in plans}
    made = {name for plan in plans for name in plan.fused.stored}
    spikes = [n for n in made if mapping.workload.tensor_by_name[n].kind == "spike"]
    rates = [float(run.images[0][name].mean()) for name in spikes]
    seen = {
        f"order: {order.kind}": True,
        "partition: output channels": any(len(grid.slices) > 1 for grid in grids),
        "partition: rows": any(len(grid.bands) > 1 for grid in grids),
        "partition: input channels": any(grid.is_spread for grid in grids),
        "chunks one by one": any(len(grid.chunks) > 1 and not grid.is_spread for grid in grids),
        "batches of timesteps": any(plan.geometry.batch > 1 for plan in plans),
        "several images": len(run.images) > 1,
        "assignment: balanced": mapping.architecture.schedule.assignment == "balanced",
        "membranes in DRAM": any(name.startswith("membranes of") for name in mapping.in_dram),
        "tensors in DRAM": bool(mapping.in_dram & made),
        "rings of places": any(mapping.room.rings),
        "tensors kept for an image": any(mapping.room.images),
        "waits for room": any(mapping.room.same_pass),
        "scatter": (Work.ACCUMULATE, "membranes") in sums,
        "gather": (Work.ACCUMULATE, "registers") in sums,
        "output-stationary": (Work.MULTIPLY, "registers") in sums,
        "weight-stationary": (Work.MULTIPLY, "memory") in sums,
        "unified": "unified" in run.jobs.core_groups,
        "counters": mapping.workload != mapping.network,
        "recomputed stem": any(p.fused.is_recomputed(mapping.workload) for p in plans),
        "host": any(plan.geometry.work is Work.HOST for plan in plans),
        "accumulation stream": any(p.fused.stream is Stream.ACCUMULATION for p in plans),
        "depthwise convolutions": any(p.fused.name.endswith("depthwise") for p in plans),
        "strides": any(max(window.stride) > 1 for window in windows),
        "dilation": any(max(window.dilation) > 1 for window in windows),
        "groups": any(window.groups > 1 for window in windows),
        "linear layers": LayerType.LINEAR in types,
        "products": LayerType.PRODUCT in types,
        "max pools": LayerType.MAX_POOL in types,
        "average pools": LayerType.AVERAGE_POOL in types,
        "means over time": LayerType.TIME_MEAN in types,
        "address events": noc is not None and noc.spikes == "events",
        "some spikes": any(0.02 < rate < 0.98 for rate in rates),
        "weights that a core keeps": bool(
            ((columns["block"] >= 0) & (columns["weight_bits"] == 0)).any()
        ),
    } | {f"membranes {kept}": True for kept in membranes}
    return Counter(name for name, found in seen.items() if found and name in FEATURES)
