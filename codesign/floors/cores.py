"""Core floors: the least that cores of a kind spend on a group of layers, however these are cut.

Cycles and accesses of a job are sums of products of whole numbers, each rounded up
(`codesign.mapping.work`, `codesign.mapping.mac_arrays`, `codesign.mapping.epilogue`). Three facts
bound their sums over the jobs of any cut from below:

- rounded quotients of parts add up to no less than the rounded quotient of the whole, so that
  slices of output channels, bands of pixels and chunks of inputs can be put together again;
- a sum of maxima is no less than the maximum of the sums, so that lanes and ports can be summed
  apart;
- every tile is computed at every step by one job at least, and every weight and element of the
  input is read by one job at least.

Where several kinds of core can do a layer (`is_shared`), each may do any part of it. Then all kinds
are bounded by rates, without rounding, of the same numbers: pairs, elements, bits that are read.
The whole costs at least what it would if each number were handled by the kind that is cheapest for
it, whoever does what.

Left out, because it depends on the cut: inputs that several slices or bands read, biases that
several bands read, sums that wait for the next chunk or travel to another core, the first cycles of
all jobs but one of a step.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from codesign.floors.groups import Group, Numbers
from codesign.floors.work import Accesses, Among, On, main_layers
from codesign.mapping.datapaths import element_lanes, mac_datapath, scan_width, spike_datapath
from codesign.mapping.expected_cycles import core_fill
from codesign.mapping.geometry import Work
from codesign.specs.architecture import Core, Precision

Basis = tuple[str, str]
"""A component of energy, and the number that it grows with: of operations, of pairs that meet in
the main layer, of bits that it reads, or of output elements."""


@dataclass(frozen=True)
class CoreFloor:
    """What a group asks of one kind of core, if it did everything.

    Attributes:
        scan, main, epilogue, tail: cycles by layer and step: of scanning, of the main layer's
            datapath, of element-wise layers that follow it, and of neurons and the filling of the
            datapath. A core is busy for the longer of the first and the next two, and the last.
        energy_pj: of each layer, without clocks, by component and what it grows with.
    """

    scan: Numbers
    main: Numbers
    epilogue: Numbers
    tail: Numbers
    energy_pj: dict[Basis, Numbers]

    @cached_property
    def busy(self) -> Numbers:
        """Cycles in which cores of the kind compute."""
        cycles: Numbers = np.maximum(self.scan, self.main + self.epilogue) + self.tail
        return cycles


def core_floor(group: Group, core: Core, precision: Precision, among: Among) -> CoreFloor:
    """What a group asks of a kind of core at least.

    Args:
        group: layers that it can do.
        core: the kind.
        precision: widths of numbers.
        among: what else there is on the chip.
    """
    on = On(group, core, precision, *among)
    return _with_epilogue(on, main_layers(on))


def _with_epilogue(on: On, found: Accesses) -> CoreFloor:
    """The main layer's work, the epilogue's, and what all accesses of the core cost."""
    group = on.group
    none, is_neuron = np.zeros_like(group.lengths), group.has_neurons[:, None]
    words = _words(on)
    epilogue = _epilogue_cycles(on, words)
    fill = 0 if on.is_shared else core_fill(on.core, group.work)
    return CoreFloor(
        scan=none + found.scan,
        main=none + found.main,
        epilogue=np.where(is_neuron, 0.0, epilogue),
        tail=np.where(is_neuron, epilogue, 0.0) + fill * group.exists,
        energy_pj=_operations(on, found) | _accesses(on, found, words),
    )


@dataclass(frozen=True)
class _Words:
    """Words of the state memory by layer, at one timestep.

    Attributes:
        membranes: read and written.
        apart: sums that are read once more.
        operands, results: that pass it on their way.
        inputs: of main layers that hold them there.
    """

    membranes: Numbers
    apart: Numbers
    operands: Numbers
    results: Numbers
    inputs: Numbers


def _words(on: On) -> _Words:
    group, width = on.group, on.core.state_memory.width_bits
    sums = group.size * group.sum_bits / width
    return _Words(
        sums * group.has_neurons,
        sums * _are_apart(on),
        group.size * group.operand_bits / width,
        group.size * group.stored_bits / width,
        np.where(group.reads_windows, 0.0, group.read * group.input_bits / width),
    )


def _biases(on: On) -> Numbers:
    """Words of biases that a step reads. Kinds that share a layer may each read a part."""
    group = on.group
    if on.is_shared:
        return np.zeros_like(group.size)
    width = on.core.weight_memory.width_bits
    return on.words(group.channels * group.groups, group.bias_bits, width)


def _epilogue_cycles(on: On, words: _Words) -> Numbers:
    """The slowest of lanes, scanner, state memory, and the reading of biases."""
    group, core = on.group, on.core
    read = words.membranes + words.apart + words.operands
    read = (read + np.where(group.leads, words.inputs, 0.0)) / core.state_memory.banks
    of_biases = np.ceil(_biases(on) / core.weight_memory.banks)
    reading = np.maximum(read[:, None] * group.lengths, of_biases[:, None] * group.exists)
    elements = group.size[:, None] * group.lengths
    passing = elements / scan_width(core)
    if not on.is_shared:  # of which parts may have other shares than of the elements
        passing = np.maximum(passing, group.busiest / element_lanes(core))
    passing = np.where(group.has_epilogue[:, None], passing, 0.0)
    passing = np.where(group.has_neurons[:, None], elements / core.neuron_lanes, passing)
    cycles: Numbers = np.maximum(reading, passing)
    return cycles


def _accesses(on: On, found: Accesses, words: _Words) -> dict[Basis, Numbers]:
    """Energy of a core's memories, but for weights that are loaded into them."""
    group, core = on.group, on.core
    weights, state, inputs = core.weight_memory, core.state_memory, core.input_memory
    timesteps, none = group.timesteps, np.zeros_like(group.size)
    written = (words.membranes + words.operands + words.results) * timesteps
    values = group.value_bits * timesteps / weights.width_bits
    entering = group.read * group.input_bits * timesteps / inputs.width_bits
    entering = np.where(group.reads_windows, entering, 0.0)
    return {
        ("weight_memory", "pairs"): none + found.weight_reads * weights.read_pj,
        ("weight_memory", "elements"): _biases(on) * group.steps * weights.read_pj,
        ("weight_memory", "bits"): values * weights.write_pj,
        ("state_memory", "pairs"): none
        + found.state_reads * state.read_pj
        + found.state_writes * state.write_pj,
        ("state_memory", "elements"): (written + words.apart * timesteps) * state.read_pj
        + written * state.write_pj,
        ("state_memory", "bits"): words.inputs * timesteps * (state.read_pj + state.write_pj),
        ("input_memory", "pairs"): none + found.input_reads * inputs.read_pj,
        ("input_memory", "bits"): found.scan_reads * inputs.read_pj + entering * inputs.write_pj,
    }


def _are_apart(on: On) -> Numbers:
    """1 where sums in the state memory are not the membranes themselves, and are read once more.

    A cut of the input into chunks keeps them apart as well, which is not known here.
    """
    group, core = on.group, on.core
    if group.work is Work.ACCUMULATE and spike_datapath(core).pixels is None:
        has_batches = group.lengths.max(axis=1) > 1
        return np.asarray(~group.has_neurons | has_batches, dtype=np.float64)
    is_stationary = group.work is Work.MULTIPLY and (
        mac_datapath(core).dataflow == "weight_stationary"
    )
    return np.full(len(group.size), float(is_stationary))


def _operations(on: On, found: Accesses) -> dict[Basis, Numbers]:
    """Energy of operations."""
    group, prices = on.group, on.core.operations
    counts = group.operations | {"mac": found.mac + np.zeros_like(group.size)}
    return {
        (name, "operations"): count * (getattr(prices, f"{name}_pj") or 0.0)
        for name, count in counts.items()
    }
