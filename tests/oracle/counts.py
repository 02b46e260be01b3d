"""What every job does: operations, cycles, accesses and bits, from what was recorded."""

from collections import Counter

from codesign.mapping import Mapping
from codesign.trace import Trace
from codesign.workload import LayerType
from tests.oracle.elements import epilogue, pooled, reduced, transfers
from tests.oracle.packets import packets
from tests.oracle.parts import Site, parts
from tests.oracle.synapses import synapses

Key = tuple[int, int, int, int]
"""Layer, first timestep, tile and chunk."""

Counts = dict[Key, dict[str, int]]


def counts(mapping: Mapping, trace: Trace, kinds: dict[Key, str]) -> Counts:
    """The numbers of every job, by the names of the columns of `codesign.mapping.jobs`; what is
    missing is 0. Weights are those of a job that loads its own; `kinds` says on which kind of core
    a job is."""
    found: Counts = {}
    for plan in mapping.plans:
        sites = {kind: Site(mapping, plan, trace, kind) for kind in mapping.architecture.kinds}
        is_main = plan.fused.is_synaptic or plan.fused.main.type is LayerType.PRODUCT
        for key, part in parts(plan).items():
            site = sites[kinds.get((plan.fused.index, *key), plan.groups[0])]
            total: Counter[str] = Counter()
            for counted in (synapses if is_main else pooled, epilogue, transfers, reduced, packets):
                for name, value in counted(site, part).items():
                    total[name] += value
            found[plan.fused.index, *key] = dict(total)
    return found
