"""Traces with chips that cut them into many pieces, for the laws of mapping."""

from dataclasses import dataclass

import pandas as pd
from hypothesis import strategies as st

from codesign.mapping import Jobs, Mapping, lower, map_workload
from codesign.mapping.fusion import FusedLayer
from codesign.mapping.geometry import Geometry, chip_precision, geometry
from codesign.mapping.planning import Plan
from codesign.mapping.widths import element_widths
from codesign.specs.architecture import Architecture, Core
from codesign.trace import Trace
from codesign.workload import Kind, Window, Workload
from tests.chip.small_chips import split_chip, unified_chip
from tests.small_networks import NetworkBuilder, attention_network, dual_stream_network


@dataclass(frozen=True)
class Lowered:
    """A trace, where it was mapped, and the jobs that came of it."""

    trace: Trace
    mapping: Mapping
    jobs: Jobs

    def core(self, plan: Plan) -> Core:
        (place,) = plan.places
        return self.mapping.architecture.cores[place.group]

    def plan(self, name: str) -> Plan:
        return next(plan for plan in self.mapping.plans if plan.fused.name == name)


def sizes_on(workload: Workload, fused: FusedLayer, architecture: Architecture) -> Geometry:
    """The geometry of one fused layer on a chip."""
    widths = element_widths(workload, chip_precision(architecture))
    return geometry(workload, fused, architecture, widths)


def lowered(trace: Trace, architecture: Architecture) -> Lowered:
    mapping = map_workload(trace.workload, architecture)
    return Lowered(trace, mapping, lower(mapping, trace))


@st.composite
def cutting_chips(draw: st.DrawFn) -> Architecture:
    """Chips whose memories hold a small network in one piece, or only in many tiles and chunks."""
    unified = draw(st.booleans())
    groups = ("unified",) if unified else ("spike", "accumulation")
    overrides = [
        f"policy.accumulation_additions={draw(st.sampled_from(['dense', 'spikes']))}",
        f"policy.integer_input={draw(st.sampled_from(['mac', 'repeat']))}",
        f"storage.activation_buffer.size={draw(st.sampled_from(['64 B', '1 KiB', '2 MiB']))}",
    ]
    skipping = str(draw(st.booleans())).lower()
    overrides.append(f"cores.{groups[-1]}.mac.zero_skipping={skipping}")
    dataflow = draw(st.sampled_from([*2 * ["output_stationary"], "weight_stationary"]))
    overrides.append(f"cores.{groups[-1]}.mac.dataflow={dataflow}")
    if pixels := draw(st.sampled_from([None, None, 1, 4, 16])):
        overrides += [
            f"cores.{groups[0]}.spike.dataflow=gather",
            f"cores.{groups[0]}.spike.pixels={pixels}",
        ]
    for group in groups:
        sizes = {
            "count": draw(st.integers(1, 4)),
            "weight_memory.size": draw(st.sampled_from(["96 B", "192 B", "512 B", "64 KiB"])),
            "state_memory.size": draw(st.sampled_from(["1 KiB", "4 KiB", "64 KiB"])),
            "input_memory.size": draw(st.sampled_from(["512 B", "32 KiB"])),
        }
        overrides += [f"cores.{group}.{key}={value}" for key, value in sizes.items()]
    return (unified_chip if unified else split_chip)(*overrides)


@st.composite
def dual_streams(draw: st.DrawFn) -> Lowered:
    """A dual-stream or full-spike network on a chip that may cut it."""
    trace = dual_stream_network(
        timesteps=draw(st.integers(1, 3)),
        seed=draw(st.integers(0, 10_000)),
        accumulation=draw(st.booleans()),
        channels=draw(st.sampled_from([1, 4, 12])),
    )
    return lowered(trace, draw(cutting_chips()))


@st.composite
def single_convolutions(
    draw: st.DrawFn, kinds: tuple[Kind, ...] = tuple(Kind), neurons: bool = True
) -> Lowered:
    """One convolution of any geometry, with or without neurons, on a chip that may cut it."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, 2)), draw(st.integers(0, 2))
    dilation = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    window = Window(kernel, stride, padding, dilation, groups)
    kind = draw(st.sampled_from(kinds))
    net = NetworkBuilder(draw(st.integers(1, 3)), draw(st.integers(0, 999)), draw(st.floats(0, 1)))
    channels = groups * draw(st.integers(1, 2 if groups > 1 else 9))
    height, width = draw(st.integers(5, 9)), draw(st.integers(5, 9))
    largest = {Kind.SPIKE: 1, Kind.INTEGER: 5, Kind.REAL: None}[kind]
    static = draw(st.booleans())
    net.add_tensor("x", (channels, height, width), kind, largest=largest, static=static)
    made = groups * draw(st.integers(1, 2 if groups > 1 else 20))
    net.convolution("x", made, window, name="conv", static=static and draw(st.booleans()))
    if neurons and draw(st.booleans()):
        net.neuron("conv", name="sn")
    return lowered(net.trace(), draw(cutting_chips()))


@st.composite
def attentions(draw: st.DrawFn) -> Lowered:
    """Products of spikes, with heads or with a single one, on a chip that may cut them."""
    trace = attention_network(
        timesteps=draw(st.integers(1, 3)),
        seed=draw(st.integers(0, 999)),
        sizes=(draw(st.integers(1, 3)), draw(st.integers(1, 6)), draw(st.integers(1, 7))),
        rate=draw(st.floats(0, 1)),
    )
    return lowered(trace, draw(cutting_chips()))


def needs_by_place(case: Lowered) -> dict[tuple[int, int], tuple[tuple[int, int], ...]]:
    """For each fused layer and timestep, those that it needs."""
    stages = case.jobs.stages
    places = [(stage.layer, stage.timestep) for stage in stages]
    return {
        place: tuple(places[need] for need in stage.needs)
        for place, stage in zip(places, stages, strict=True)
    }


def job_table(case: Lowered) -> pd.DataFrame:
    return pd.DataFrame(case.jobs.columns)
