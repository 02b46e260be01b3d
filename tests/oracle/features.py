"""Which features of the chip a random run has, so that a test can say how often it saw each."""

from collections import Counter

from codesign.mapping import Mapping
from codesign.mapping.geometry import Work
from codesign.specs.architecture import CoreKind
from codesign.workload import Kind, LayerType
from tests.chip.small_chips import Simulated
from tests.oracle.machine import Machine

FEATURES = (
    *("order: layer", "order: timestep", "order: pipeline"),
    *("barrier: layer", "barrier: timestep"),
    *("partition: output channels", "partition: rows", "partition: input channels"),
    *("assignment: balanced", "batches of timesteps"),
    *("NoC: mesh", "NoC: bus", "NoC: crossbar", "multicast", "address events"),
    *("membranes spilled", "membranes resident", "tensors in DRAM"),
    *("weights reloaded", "weights kept", "waits for room", "jobs kept apart"),
    *("double buffering", "single buffering", "chunks"),
    *("several kinds of an ability", "several kinds at a layer"),
    *("scatter beside gather", "unified beside others"),
    *("unified", "zero-skipping", "gather", "weight-stationary", "repeat", "bit-serial"),
    *("host", "recomputed stem", "counters"),
    *("several images", "stride", "dilation", "groups", "pools", "products", "linear layers"),
)


def features(run: Simulated, mapping: Mapping, machine: Machine) -> Counter[str]:
    """The features that a run has, each once; waits where a core did wait."""
    schedule, noc = run.architecture.schedule, run.architecture.noc
    columns = run.jobs.columns
    layers_and_kinds = {
        (layer, run.jobs.core_groups[core])
        for layer, core in zip(columns["layer"].tolist(), columns["core"].tolist(), strict=True)
    }
    on = {plan.fused.index: [] for plan in mapping.plans}
    for layer, kind in sorted(layers_and_kinds):
        on[layer].append(run.architecture.kinds[kind])
    cores = [core for found in on.values() for core in found]
    spiking = [
        [core.spike.dataflow for core in on[plan.fused.index] if core.spike]
        for plan in mapping.plans
        if plan.geometry.work is Work.ACCUMULATE
    ]
    grids = [plan.grid for plan in mapping.plans]
    blocks = [(block.layer, block.kept) for block in run.jobs.blocks]
    weights = {plan.fused.index: plan.geometry.layer_bits() for plan in mapping.plans}
    fetched = Counter()
    for block in run.jobs.blocks:
        fetched[block.layer] += block.bits
    tensors = mapping.workload.tensors
    kinds = {tensor.name: tensor.kind for tensor in tensors}
    made = {name for plan in mapping.plans for name in plan.fused.stored}
    windows = [plan.geometry.window for plan in mapping.plans if plan.fused.is_synaptic]
    types = {plan.fused.main.type for plan in mapping.plans}
    multiplying = [
        core
        for plan in mapping.plans
        if plan.geometry.work is Work.MULTIPLY
        for core in on[plan.fused.index]
        if core.mac
    ]
    used = [run.architecture.kinds[kind] for kind in {kind for _, kind in layers_and_kinds}]
    seen = {
        f"order: {schedule.order}": True,
        f"barrier: {schedule.barrier}": machine.waits["barrier"] > 0,
        "partition: output channels": any(len(g.slices) > 1 for g in grids),
        "partition: rows": any(len(g.bands) > 1 for g in grids),
        "partition: input channels": any(g.is_spread for g in grids),
        "chunks": any(len(g.chunks) > 1 and not g.is_spread for g in grids),
        "assignment: balanced": schedule.assignment == "balanced",
        "batches of timesteps": any(plan.geometry.batch > 1 for plan in mapping.plans),
        f"NoC: {noc.topology if noc else None}": True,
        "multicast": machine.shared_transfers > 0,
        "address events": bool(columns["events"].any()),
        "membranes spilled": any(p.geometry.membranes == "spilled" for p in mapping.plans),
        "membranes resident": any(p.geometry.membranes == "resident" for p in mapping.plans),
        "tensors in DRAM": bool(mapping.in_dram & made),
        "weights reloaded": any(bits > weights[layer] for layer, bits in fetched.items()),
        "weights kept": any(kept for _, kept in blocks),
        "waits for room": machine.waits["room"] > 0,
        "jobs kept apart": machine.waits["apart"] > 0,
        "double buffering": any(core.double_buffering for core in cores),
        "single buffering": any(not core.double_buffering for core in cores),
        "unified": any(core.kind is CoreKind.UNIFIED for core in cores),
        "zero-skipping": any(core.mac.zero_skipping for core in multiplying),
        "weight-stationary": any(core.mac.dataflow == "weight_stationary" for core in multiplying),
        "gather": any("gather" in dataflows for dataflows in spiking),
        "several kinds at a layer": any(len(found) > 1 for found in on.values()),
        "scatter beside gather": any(len(set(dataflows)) > 1 for dataflows in spiking),
        "unified beside others": any(
            len({core.kind for core in found}) > 1 for found in on.values()
        ),
        "several kinds of an ability": any(
            sum(getattr(core, side) is not None for core in used) > 1 for side in ("spike", "mac")
        ),
        "repeat": any(
            plan.geometry.work is Work.ACCUMULATE
            and not plan.geometry.is_serial
            and plan.fused.is_synaptic
            and kinds[plan.fused.main.inputs[0]] is Kind.INTEGER
            for plan in mapping.plans
        ),
        "host": "host" in {kind for _, kind in layers_and_kinds},
        "counters": mapping.workload != mapping.network,
        "recomputed stem": any(p.fused.is_recomputed(mapping.workload) for p in mapping.plans),
        "bit-serial": any(plan.geometry.is_serial for plan in mapping.plans),
        "stride": any(max(window.stride) > 1 for window in windows),
        "dilation": any(max(window.dilation) > 1 for window in windows),
        "groups": any(window.groups > 1 for window in windows),
        "pools": bool(types & {LayerType.MAX_POOL, LayerType.AVERAGE_POOL}),
        "products": LayerType.PRODUCT in types,
        "linear layers": LayerType.LINEAR in types,
        "several images": len({stage.image for stage in run.jobs.stages}) > 1,
    }
    return Counter(name for name, found in seen.items() if found and name in FEATURES)
