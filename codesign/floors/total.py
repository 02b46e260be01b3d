"""Floors: how short the makespan and how small the energy of a workload on a chip can be at best.

They are closed forms: nothing is mapped or simulated, so that a point of a design space takes less
than a millisecond or two instead of a second. A floor holds for every cut, placement and order of
grants that the program can choose, so that a point whose floors another point beats in every
objective can be left out without losing a point of the true front.

Makespan, the largest of:

- `compute_KINDS`: the work that these kinds of core alone can do
  (`codesign.floors.cores`) on all of them, perfectly balanced. What must happen before
  the first and after the last of it is added: of all sets of stages that begin after some moment,
  or that are followed by some time;
- `dependency`: stage after stage, each on all cores that can do it (`codesign.floors.chains`);
- `dram`, `weight_buffer`, `activation_buffer`, `noc`, `host_link`: what must pass them
  (`codesign.floors.traffic`), over their width.

Energy is what cores and memories must spend for that, and static power for the floor of the
makespan. What several kinds of core can do is priced at the cheapest, number by number.

Left out: all that depends on how layers are cut, as rereading inputs and fetching weights again in
`layer` order, imbalance, waiting, barriers, and ways on a mesh that are longer than the shortest.
On a chip of messages only its neurons and synapses count (`codesign.floors.messages`).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from codesign.energy import component_sums, price_operations
from codesign.errors import CapacityError
from codesign.floors.asked import Asked, Choices, asked
from codesign.floors.chains import Chains, chains_of
from codesign.floors.cores import CoreFloor, core_floor
from codesign.floors.demand import Demand
from codesign.floors.groups import Group, Numbers
from codesign.floors.messages import message_floor
from codesign.floors.pipelines import busiest_run, longest_chain, most_cores
from codesign.floors.traffic import ACTIVATIONS, Traffic, traffic_floor
from codesign.floors.work import Among
from codesign.mapping.kinds import Kinds, able_kinds
from codesign.results import COMPONENTS
from codesign.specs.architecture import Architecture, Core
from codesign.static_power import PJ_PER_MW_SECOND, static_power_mw

_ROUNDING = 1 - 1e-9
"""Sums of a simulation's energies are rounded in another order than these: relative errors of some
1e-13, which no floor may exceed."""


@dataclass(frozen=True)
class Floors:
    """Lower bounds of one workload on one chip.

    Attributes:
        makespan_cycles: None without cores, as of a simulation; 0 where nothing is known.
        energy_pj: of the whole run.
        bound: which of the bounds of the makespan is the largest; empty if there are none.
        bounds_cycles: all of them.
        energy_parts_pj: a floor for each component of energy, without those that are 0; beside
            them `activations`, of tensors that may live in the activation buffer or in the DRAM, so
            that it is a floor of both components together.
    """

    makespan_cycles: int | None
    energy_pj: float
    bound: str = ""
    bounds_cycles: Mapping[str, int] = field(default_factory=dict)
    energy_parts_pj: Mapping[str, float] = field(default_factory=dict)


def floors(demand: Demand, architecture: Architecture) -> Floors:
    """The floors of a demand on a chip, or its exact energy where operations alone are priced.

    Of a chip that cannot do the workload they say nothing; nothing is raised.
    """
    if architecture.operations is not None:
        parts = component_sums(price_operations(demand.counts, architecture))
        return Floors(None, math.fsum(parts.values()), energy_parts_pj=parts)
    if architecture.messages is not None:
        cycles, spent = message_floor(demand, architecture)
        least = {name: spent_pj * _ROUNDING for name, spent_pj in spent.items() if spent_pj}
        return Floors(cycles, math.fsum(least.values()), "neurons", {"neurons": cycles}, least)
    wanted = asked(demand, _choices(architecture))
    parts_of_work = [each for group in wanted.groups if (each := _Part.of(group, architecture))]
    traffic = traffic_floor(wanted, architecture, [part.kinds for part in parts_of_work])
    bounds = dict(_compute_bounds(wanted, architecture, parts_of_work)) | traffic.cycles
    whole = {name: math.ceil(cycles * _ROUNDING) for name, cycles in bounds.items()}
    bound = max(whole, key=lambda name: whole[name])
    energy = _energy(architecture, parts_of_work, traffic, whole[bound])
    least = {name: spent_pj * _ROUNDING for name, spent_pj in energy.items() if spent_pj}
    return Floors(whole[bound], math.fsum(least.values()) * _ROUNDING, bound, whole, least)


def _choices(architecture: Architecture) -> Choices:
    policy, precision, schedule = (
        architecture.policy,
        architecture.precision,
        architecture.schedule,
    )
    assert policy is not None, "an architecture with cores states its policy"
    assert precision is not None, "an architecture with cores states its precision"
    return Choices(policy, precision, schedule.order == "layer", schedule.time_batch)


@dataclass(frozen=True)
class _Part:
    """A group of layers and the kinds of core that can do it."""

    group: Group
    cores: dict[str, Core]
    floors: dict[str, CoreFloor]

    @classmethod
    def of(cls, group: Group, architecture: Architecture) -> "_Part | None":
        """None if no core can."""
        fused, sizes = group.example
        try:
            (kinds,) = able_kinds([fused], [sizes], architecture)
        except CapacityError:
            return None
        every = architecture.kinds
        cores = {kind: every[kind] for kind in kinds}
        arrays = [core.mac for core in cores.values() if core.mac]
        is_masked = any(array.zero_skipping for array in arrays)
        among = Among(len(kinds) > 1, is_masked, architecture.noc is not None)
        precision = architecture.precision
        assert precision is not None
        found = {kind: core_floor(group, core, precision, among) for kind, core in cores.items()}
        return cls(group, cores, found)

    @property
    def kinds(self) -> Kinds:
        return tuple(self.cores)

    def least(self, weights: Mapping[str, float]) -> Numbers:
        """Busy cycles by layer and step, each times the weight of its kind, at least.

        A job takes the longer of scanning and of its main and element-wise layers, and then its
        neurons; each of these sums is at least as large as if the kind that is best for it did
        all. A job lasts a cycle.
        """
        exists = self.group.exists * min(weights[kind] for kind in self.kinds)
        if len(self.kinds) == 1:
            (kind,) = self.kinds
            alone: Numbers = np.maximum(self.floors[kind].busy * weights[kind], exists)
            return alone
        scan, main, epilogue, tail = (
            np.minimum.reduce(
                [getattr(each, name) * weights[kind] for kind, each in self.floors.items()]
            )
            for name in ("scan", "main", "epilogue", "tail")
        )
        least: Numbers = np.maximum(np.maximum(scan, main + epilogue) + tail, exists)
        return least


def _weights(parts: Sequence[_Part], cores: Mapping[str, Core]) -> Iterator[dict[str, float]]:
    """Weights of the cores of each kind that all cores together have 1 of.

    Any such weights bound the makespan: no core is busy longer than it lasts, so that the weighted
    sum of busy cycles is no more. Those in proportion to how fast each kind would be alone bound it
    best where kinds differ in speed, equal ones where some layers are for some kinds alone.
    """
    total = sum(core.count for core in cores.values())
    yield dict.fromkeys(cores, 1 / total)
    if len(cores) > 1:
        both = [part for part in parts if set(part.kinds) == set(cores)]
        alone = {kind: sum(part.floors[kind].busy.sum() for part in both) for kind in cores}
        if all(alone.values()):
            speed = {kind: 1 / cycles for kind, cycles in alone.items()}
            total_speed = sum(cores[kind].count * each for kind, each in speed.items())
            yield {kind: each / total_speed for kind, each in speed.items()}


def _compute_bounds(
    wanted: Asked, architecture: Architecture, parts: Sequence[_Part]
) -> Iterator[tuple[str, float]]:
    """Bounds by the work of cores, and by what waits for what."""
    alone = np.zeros((len(wanted.steps), max(wanted.steps)))
    for part in parts:
        for weights in _weights([part], part.cores):
            layers = part.group.layers
            alone[layers] = np.maximum(alone[layers], part.least(weights))
    own = _own_cores(architecture, parts, alone) if _is_pipeline(architecture) else {}
    for each in own.values():
        alone = np.maximum(alone, each.work / most_cores(each.layers, each.cores))
    chains = chains_of(wanted, architecture, alone)
    longest = [longest_chain(wanted, *each) for each in own.values()]
    yield "dependency", max([chains.longest, *longest])
    for kinds in dict.fromkeys(frozenset(part.kinds) for part in parts):
        mine = [part for part in parts if kinds.issuperset(part.kinds)]
        cores = {kind: core for kind, core in architecture.kinds.items() if kind in kinds}
        layers = np.concatenate([part.group.layers for part in mine])
        found = [
            _between(np.concatenate([part.least(weights) for part in mine]), layers, chains)
            for weights in _weights(mine, cores)
        ]
        if len(cores) == 1 and next(iter(cores)) in own:
            found.append(_of_runs(own[next(iter(cores))], chains))
        yield f"compute_{'+'.join(cores)}", max(found)


def _is_pipeline(architecture: Architecture) -> bool:
    return architecture.schedule.order == "pipeline"


class _Own(NamedTuple):
    """Layers that one kind of core alone can do, in a pipeline.

    Attributes:
        work: cycles on one core by layer and step; 0 for other layers.
        layers: how many they are.
        cores: of the kind.
    """

    work: Numbers
    layers: int
    cores: int


def _own_cores(
    architecture: Architecture, parts: Sequence[_Part], alone: Numbers
) -> dict[str, _Own]:
    """By kind of core; `alone` is the work of each stage if all cores shared it."""
    found = {}
    for kind, core in architecture.kinds.items():
        layers = [part.group.layers for part in parts if part.kinds == (kind,)]
        if layers:
            mine = np.concatenate(layers)
            work = np.zeros_like(alone)
            work[mine] = alone[mine] * core.count
            found[kind] = _Own(work, len(mine), core.count)
    return found


def _of_runs(own: _Own, chains: Chains) -> float:
    """The busiest run of a pipeline, with the least time before and behind its layers."""
    is_there = own.work > 0
    of_layers = own.work.sum(axis=1)
    run = busiest_run(of_layers[of_layers > 0].tolist(), own.cores)
    return float(chains.before[is_there].min() + run + chains.behind[is_there].min())


def _between(work: Numbers, layers: NDArray[np.int64], chains: Chains) -> float:
    """Cycles that some stages take together, with the least time before and behind them.

    Of all stages that begin after a moment, whatever the moment, and of all that are followed by
    at least some time.
    """
    is_there = work > 0
    cycles, before, behind = work[is_there], chains.before[layers], chains.behind[layers]
    before, behind = before[is_there], behind[is_there]
    if not len(cycles):
        return 0.0
    most = 0.0
    for first, second in ((before, behind), (behind, before)):
        order = np.argsort(-first, kind="stable")
        together = np.cumsum(cycles[order]) + first[order] + np.minimum.accumulate(second[order])
        most = max(most, float(together.max()))
    return most


def _energy(
    architecture: Architecture, parts: Sequence[_Part], traffic: Traffic, makespan: int
) -> dict[str, float]:
    """A floor of each component of energy."""
    found = dict.fromkeys((*COMPONENTS, ACTIVATIONS), 0.0)
    for part in parts:
        every = list(part.floors.values())
        for basis in every[0].energy_pj:
            spent = every[0].energy_pj[basis]
            for other in every[1:]:
                spent = np.minimum(spent, other.energy_pj[basis])
            found[basis[0]] += float(spent.sum())
        clocks = {
            kind: core.overhead.clock_pj - core.overhead.idle_clock_pj
            for kind, core in part.cores.items()
        }
        found["clock"] += float(part.least(clocks).sum())
    for component, spent_pj in traffic.energy_pj.items():
        found[component] += spent_pj
    assert architecture.technology is not None
    seconds = makespan / architecture.technology.clock_hz
    static = static_power_mw(architecture)
    found["dram_background"] = static.pop("dram_background") * seconds * PJ_PER_MW_SECOND
    found["leakage"] = math.fsum(static.values()) * seconds * PJ_PER_MW_SECOND
    for core in architecture.cores.values():
        found["clock"] += core.count * core.overhead.idle_clock_pj * makespan
    return found
