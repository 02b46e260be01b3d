"""Which features of the chip a random run has, so that a test can say how often it saw each."""

from collections import Counter

from codesign.mapping import Mapping
from codesign.mapping.geometry import Work
from codesign.specs.architecture import CoreKind
from tests.chip.small_chips import Simulated

FEATURES = (
    *("order: layer", "order: timestep", "order: pipeline"),
    *("barrier: layer", "barrier: timestep"),
    *("partition: output channels", "partition: rows", "partition: input channels"),
    *("assignment: balanced", "batches of timesteps"),
    *("NoC: mesh", "NoC: bus", "NoC: crossbar", "multicast", "address events"),
    *("membranes spilled", "membranes resident", "tensors in DRAM"),
    *("weights reloaded", "weights kept", "waits for room", "jobs kept apart"),
    *("double buffering", "single buffering", "chunks"),
    *("unified", "zero-skipping", "gather", "repeat", "bit-serial", "several images"),
)


def features(run: Simulated, mapping: Mapping, shared_transfers: int) -> Counter[str]:
    """The features that a run has, each once."""
    schedule, noc = run.architecture.schedule, run.architecture.noc
    policy, columns = run.architecture.policy, run.jobs.columns
    cores = run.architecture.cores.values()
    grids = [plan.grid for plan in mapping.plans]
    blocks = [(block.layer, block.kept) for block in run.jobs.blocks]
    weights = {plan.fused.index: plan.geometry.layer_bits() for plan in mapping.plans}
    fetched = Counter()
    for block in run.jobs.blocks:
        fetched[block.layer] += block.bits
    arrays = [plan for plan in mapping.plans if plan.geometry.work is Work.MULTIPLY]
    seen = {
        f"order: {schedule.order}": True,
        f"barrier: {schedule.barrier}": True,
        "partition: output channels": any(len(g.slices) > 1 for g in grids),
        "partition: rows": any(len(g.bands) > 1 for g in grids),
        "partition: input channels": any(g.is_spread for g in grids),
        "chunks": any(len(g.chunks) > 1 and not g.is_spread for g in grids),
        "assignment: balanced": schedule.assignment == "balanced",
        "batches of timesteps": any(plan.geometry.batch > 1 for plan in mapping.plans),
        f"NoC: {noc.topology if noc else None}": True,
        "multicast": shared_transfers > 0,
        "address events": bool(columns["events"].any()),
        "membranes spilled": any(p.geometry.membranes == "spilled" for p in mapping.plans),
        "membranes resident": any(p.geometry.membranes == "resident" for p in mapping.plans),
        "tensors in DRAM": len(mapping.in_dram) > 1,
        "weights reloaded": any(bits > weights[layer] for layer, bits in fetched.items()),
        "weights kept": any(kept for _, kept in blocks),
        "waits for room": any(stage.room for stage in run.jobs.stages),
        "jobs kept apart": bool(columns["apart"].any()),
        "double buffering": any(core.double_buffering for core in cores),
        "single buffering": any(not core.double_buffering for core in cores),
        "unified": any(core.kind is CoreKind.UNIFIED for core in cores),
        "zero-skipping": any(
            core.mac.zero_skipping
            for plan in arrays
            if (core := run.architecture.cores[plan.group]).mac
        ),
        "gather": any(
            plan.geometry.work is Work.ACCUMULATE and plan.geometry.sums_in == "registers"
            for plan in mapping.plans
        ),
        "repeat": bool(policy) and policy.integer_input == "repeat",
        "bit-serial": any(plan.geometry.is_serial for plan in mapping.plans),
        "several images": len({stage.image for stage in run.jobs.stages}) > 1,
    }
    return Counter(name for name, found in seen.items() if found and name in FEATURES)
