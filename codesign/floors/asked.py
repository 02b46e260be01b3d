"""Asked: what a network asks of a chip that has made its choices, as arrays.

How layers are fused, how wide their numbers are and which datapath they need follows from the
network and a few choices of a chip (`Choices`); sizes and counts of memories and cores change
nothing. So this is made once for each such choice, and floors are a few array operations on it.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from codesign.floors.demand import Demand
from codesign.floors.groups import Flags, Group, Numbers, group_of
from codesign.floors.layer_demand import LayerDemand
from codesign.mapping.counters import as_computed
from codesign.mapping.fusion import FusedLayer, fuse, read_tensors, recomputable
from codesign.mapping.geometry import Work, geometry, is_on_host
from codesign.mapping.order import makers_of
from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Architecture, Policy, Precision, Schedule
from codesign.workload import Kind, LayerType, Stream, Workload


class Choices(NamedTuple):
    """What of a chip decides how layers are fused and how wide their numbers are.

    Attributes:
        policy: what the paper leaves to the hardware.
        precision: widths of numbers.
        is_in_layers: whether the order of work is `layer`.
        batch: timesteps of one job.
    """

    policy: Policy
    precision: Precision
    is_in_layers: bool
    batch: int

    def as_architecture(self) -> Architecture:
        """A chip of which nothing else is known."""
        order = "layer" if self.is_in_layers else "timestep"
        schedule = Schedule(order=order, time_batch=self.batch)
        return Architecture.model_construct(
            name="any",
            description="",
            policy=self.policy,
            precision=self.precision,
            schedule=schedule,
        )


@dataclass(frozen=True)
class Tensors:
    """Tensors that fused layers store or read, `(tensors,)`.

    Attributes:
        stored_bits: by the layer that makes it, all timesteps together.
        loaded_bits: by all that read it, at least.
        held_bits: that it takes in the activation buffer while it is there, at least.
        host_stored_bits, host_loaded_bits: of those stored and loaded, those by a host.
        is_outside: whether no layer makes it, so that it lives in the DRAM.
        is_spikes: whether it may travel as address events.
    """

    stored_bits: Numbers
    loaded_bits: Numbers
    held_bits: Numbers
    host_stored_bits: Numbers
    host_loaded_bits: Numbers
    is_outside: Flags
    is_spikes: Flags


@dataclass(frozen=True, eq=False)
class Asked:
    """What a network asks of a chip that has made its choices.

    Attributes:
        groups: of fused layers.
        tensors: that move.
        needs: of each fused layer those that make what it reads, and whether it needs all their
            timesteps.
        steps: of each fused layer, how often each of its tiles is computed.
        weight_bits: of each fused layer, all its weights and biases.
        membrane_bits: of each fused layer, its membranes if it has several timesteps.
        meetings: 1 where a layer reads or stores a tensor, `(layers, tensors)`.
        host_macs: of layers that a host does.
        outside_bits: of main inputs that no layer makes, by layer and step.
        always_loads: whether every job of a layer loads a part of its input.
        stores: whether a layer stores anything.
    """

    groups: tuple[Group, ...]
    tensors: Tensors
    needs: tuple[tuple[tuple[int, bool], ...], ...]
    steps: tuple[int, ...]
    weight_bits: tuple[int, ...]
    membrane_bits: Numbers
    meetings: Numbers
    host_macs: int
    outside_bits: Numbers
    always_loads: tuple[bool, ...]
    stores: tuple[bool, ...]


@lru_cache(maxsize=64)
def asked(demand: Demand, choices: Choices) -> Asked:
    """What the demand asks for under such choices."""
    architecture, policy = choices.as_architecture(), choices.policy
    workload = as_computed(demand.workload, policy)
    on_host = {each.name for each in workload.layers if is_on_host(workload, each, architecture)}
    repeats = policy.static_layers == "recompute"
    repeated = recomputable(workload) - on_host if repeats else frozenset()
    fused_layers = fuse(workload, on_host, repeated)
    widths = element_widths(workload, choices.precision)
    sizes = [geometry(workload, each, architecture, widths) for each in fused_layers]
    rows = [
        LayerDemand(demand, workload, fused, each, policy)
        for fused, each in zip(fused_layers, sizes, strict=True)
    ]
    parts: dict[tuple[Work, Stream], list[LayerDemand]] = defaultdict(list)
    for row in rows:
        is_any = row.sizes.work is not Work.ELEMENT_WISE
        parts[row.sizes.work, Stream.SPIKE if is_any else row.fused.stream].append(row)
    steps = tuple(each.steps for each in sizes)
    membranes = [
        math.prod(each.output_map) * each.sum_bits * (each.has_neurons and each.timesteps > 1)
        for each in sizes
    ]
    touched = [dict.fromkeys((*read_tensors(fused), *fused.stored)) for fused in fused_layers]
    names = tuple(dict.fromkeys(name for each in touched for name in each))
    made = {name for fused in fused_layers for name in fused.stored}
    return Asked(
        tuple(group_of(key, mine, max(steps)) for key, mine in parts.items()),
        _tensors(workload, names, rows, widths, choices),
        _needs(fused_layers, makers_of(fused_layers)),
        steps,
        tuple(each.layer_bits() for each in sizes),
        np.array(membranes, dtype=np.float64),
        np.array([[name in each for name in names] for each in touched], dtype=np.float64),
        sum(each.macs * each.timesteps for each in sizes if each.work is Work.HOST),
        _from_outside(rows, made, max(steps)),
        tuple(row.always_loads for row in rows),
        tuple(each.stored_bits > 0 for each in sizes),
    )


def _needs(
    fused_layers: tuple[FusedLayer, ...], makers: tuple[tuple[int, ...], ...]
) -> tuple[tuple[tuple[int, bool], ...], ...]:
    return tuple(
        tuple((maker, fused.main.type is LayerType.TIME_MEAN) for maker in made)
        for fused, made in zip(fused_layers, makers, strict=True)
    )


def _from_outside(rows: list[LayerDemand], made: set[str], steps: int) -> Numbers:
    """Bits of main inputs that no layer makes, which come from the DRAM, by layer and step."""
    table = np.zeros((len(rows), steps))
    for number, row in enumerate(rows):
        if row.fused.sources[0] not in made:
            bits = row.read * row.sizes.input_bits * row.lengths
            table[number, : len(bits)] = bits
    return table


def _tensors(
    workload: Workload,
    names: Sequence[str],
    rows: list[LayerDemand],
    widths: dict[str, int],
    choices: Choices,
) -> Tensors:
    """What moves. In `layer` order the buffer holds all timesteps of a tensor; else those of a job
    at least, but all of those that a mean over time reads, that are made less often than others, or
    that leave the network."""
    stored, loaded, host_stored, host_loaded = (defaultdict[str, int](int) for _ in range(4))
    averaged: set[str] = set()
    for row in rows:
        is_host, timesteps = row.sizes.work is Work.HOST, row.sizes.timesteps
        read = (row.read * row.sizes.input_bits, row.value_bits)
        moves = [(name, bits, loaded) for name, bits in zip(row.fused.sources, read, strict=False)]
        moves += [(name, row.size * widths[name], loaded) for name in row.fused.operands]
        moves += [(name, row.size * widths[name], stored) for name in row.fused.stored]
        for name, bits, table in moves:
            table[name] += bits * timesteps
            (host_loaded if table is loaded else host_stored)[name] += bits * timesteps * is_host
        if row.fused.main.type is LayerType.TIME_MEAN:
            averaged.update((*row.fused.sources, *row.fused.operands))
    passes, held = max(row.sizes.steps for row in rows), dict[str, int]()
    for name in names:
        tensor = workload.tensor_by_name[name]
        is_whole = choices.is_in_layers or name in averaged or name in workload.outputs
        is_whole = is_whole or -(-tensor.timesteps // choices.batch) < passes
        at_once = tensor.timesteps if is_whole else min(choices.batch, tensor.timesteps)
        held[name] = at_once * tensor.size * widths[name]

    def of(table: Mapping[str, int]) -> Numbers:
        return np.array([table.get(name, 0) for name in names], dtype=np.float64)

    return Tensors(
        of(stored),
        of(loaded),
        of(held),
        of(host_stored),
        of(host_loaded),
        np.array([name not in stored for name in names]),
        np.array([workload.tensor_by_name[name].kind is Kind.SPIKE for name in names]),
    )
