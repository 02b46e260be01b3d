"""Energy is counts times coefficients: linear, complete, and by hand where one can."""

import math

import pytest
from hypothesis import given, settings

from codesign.counting import count_layers, totals
from codesign.energy import (
    component_sums,
    price,
    price_operations,
    single_coefficients_pj,
    static_parts_pj,
    stream_sums,
)
from codesign.results import COMPONENTS
from codesign.specs.catalogue import load_architecture
from codesign.static_power import static_power_mw
from codesign.workload import Kind
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import (
    THREE,
    NetworkBuilder,
    dual_stream_network,
    with_the_spike_head,
)


@settings(max_examples=25, deadline=None)
@given(run=runs())
def test_parts_sum_to_the_total_by_component_and_by_stream(run: Simulated) -> None:
    energy = price(run.jobs, run.schedule, run.architecture)
    total = math.fsum(energy.energy_pj)
    assert math.isclose(math.fsum(component_sums(energy).values()), total, rel_tol=1e-12)
    assert math.isclose(math.fsum(stream_sums(energy).values()), total, rel_tol=1e-12)
    assert set(energy.component) <= set(COMPONENTS)
    assert (energy.energy_pj > 0).all()


@pytest.mark.parametrize(
    ("override", "component"),
    [
        ("cores.spike.operations.ac=0.10 pJ", "ac"),
        ("cores.accumulation.operations.mac=0.50 pJ", "mac"),
        ("storage.dram.energy=16 pJ/b", "dram"),
    ],
)
def test_twice_a_coefficient_is_twice_its_component_and_nothing_else(
    override: str, component: str
) -> None:
    run = simulated(dual_stream_network(), split_chip())
    before = component_sums(price(run.jobs, run.schedule, run.architecture))
    after = component_sums(price(run.jobs, run.schedule, split_chip(override)))
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {component}
    assert math.isclose(after[component], 2 * before[component], rel_tol=1e-12)


def test_one_job_by_hand() -> None:
    net = NetworkBuilder(timesteps=1, seed=3)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 32, THREE, name="conv")
    net.neuron("conv", name="sn")
    run = simulated(net.trace(), split_chip("cores.spike.count=1"))
    parts = component_sums(price(run.jobs, run.schedule, run.architecture))
    pairs = int(run.jobs.columns["ac"].sum()) // 32
    neurons, inputs = 32 * 36, 4 * 36
    weights = 32 * 4 * 9 * 8  # bits
    assert parts["ac"] == pytest.approx(pairs * 32 * 0.05)
    assert parts["neuron"] == pytest.approx(neurons * 0.15)
    # A pair reads 32 x 8 bit of weights: 2 words of 128. Loading them writes every word once.
    assert parts["weight_memory"] == pytest.approx(pairs * 2 * 13.39 + weights / 128 * 13.63)
    # A pair reads and writes 32 x 16 bit of sums: 8 words of 64. So does each neuron's 16 bit.
    # The spikes that are made pass through it on their way out.
    state_words = pairs * 8 + neurons * 16 // 64 + neurons // 64
    assert parts["state_memory"] == pytest.approx(state_words * (3.923 + 4.046))
    assert parts["input_memory"] == pytest.approx(math.ceil(inputs / 64) * (3.923 + 4.046))
    assert parts["weight_buffer"] == pytest.approx(weights / 64 * (16.41 + 22.69))
    assert parts["activation_buffer"] == pytest.approx(neurons / 32 * 11.96)
    assert parts["dram"] == pytest.approx((weights + inputs) * 8)
    seconds = run.schedule.makespan_cycles / 500e6
    powers = static_power_mw(run.architecture)
    background = powers.pop("dram_background")
    assert parts["leakage"] == pytest.approx(sum(powers.values()) * seconds * 1e9)
    assert parts["dram_background"] == pytest.approx(background * seconds * 1e9)


def test_leakage_power_is_that_of_all_entries() -> None:
    core = 1.26 + 1.3544 + 0.6772
    expected = 16 * (core + 0.128) + 4 * (core + 0.232) + 9.312 + 37.488 + 30
    powers = static_power_mw(load_architecture("split_core"))
    assert sum(powers.values()) == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(run=runs())
def test_static_energy_by_place_sums_to_its_components(run: Simulated) -> None:
    parts = static_parts_pj(run.jobs, run.schedule, run.architecture)
    energy = price(run.jobs, run.schedule, run.architecture)
    of_chip = component_sums(energy[energy.stream == "chip"])
    assert math.fsum(parts.values()) == pytest.approx(math.fsum(of_chip.values()), rel=1e-12)
    idle = math.fsum(value for name, value in parts.items() if name.endswith(".idle_clock"))
    assert of_chip.get("clock", 0.0) == pytest.approx(idle, rel=1e-12)


def test_a_silent_input_costs_no_accumulates() -> None:
    net = NetworkBuilder(rate=0.0)
    net.add_tensor("x", (4, 6, 6), Kind.SPIKE, largest=1)
    net.convolution("x", 8, THREE, name="conv")
    net.neuron("conv", name="sn")
    run = simulated(net.trace(), split_chip())
    parts = component_sums(price(run.jobs, run.schedule, run.architecture))
    assert "ac" not in parts
    assert parts["neuron"] > 0


def test_removing_the_pathway_leaves_the_operations_of_the_spike_stream_their_energy() -> None:
    chip = split_chip()
    both, alone = (
        simulated(dual_stream_network(accumulation=accumulation), chip)
        for accumulation in (True, False)
    )
    spent = []
    for run in (both, alone):
        energy = price(run.jobs, run.schedule, chip)
        of_stream = energy[energy.stream == "spike"]
        spent.append({name: component_sums(of_stream)[name] for name in ("ac", "neuron", "logic")})
    assert spent[0] == pytest.approx(spent[1], rel=1e-12)
    assert "accumulation" not in stream_sums(price(alone.jobs, alone.schedule, chip))


WITHOUT_STATIC = (
    *(
        f"cores.{kind}.overhead.{name}"
        for kind in ("spike", "accumulation")
        for name in ("idle_clock=0 pJ", "leakage=0 mW")
    ),
    *(
        f"cores.{kind}.{memory}_memory.leakage=0 mW"
        for kind in ("spike", "accumulation")
        for memory in ("weight", "state", "input")
    ),
    *("storage.weight_buffer.leakage=0 mW", "storage.activation_buffer.leakage=0 mW"),
    "storage.dram.background=0 mW",
)


@pytest.mark.parametrize("timesteps", [1, 4])
@pytest.mark.parametrize("channels", [3, 8, 40])
def test_without_the_pathway_an_idle_gated_chip_spends_the_pathways_own_energy_less(
    timesteps: int, channels: int
) -> None:
    chip = split_chip(*WITHOUT_STATIC)
    both, alone = (
        simulated(
            with_the_spike_head(dual_stream_network(timesteps, 3, accumulation, channels)), chip
        )
        for accumulation in (True, False)
    )
    with_pathway, without = (price(run.jobs, run.schedule, chip) for run in (both, alone))
    difference = math.fsum(with_pathway.energy_pj) - math.fsum(without.energy_pj)
    own = stream_sums(with_pathway)["accumulation"]
    assert abs(difference - own) < 1e-3  # a femtojoule


def test_operations_alone_are_equation_7() -> None:
    layers = count_layers(dual_stream_network(timesteps=3, channels=8))
    paper = load_architecture("paper")
    sums = totals(layers)
    expected = 0.9 * sums["ac_rate_dense"] + 4.6 * sums["mac"]
    assert math.fsum(price_operations(layers, paper).energy_pj) == pytest.approx(
        expected, rel=1e-12
    )


@pytest.mark.parametrize(
    ("name", "coefficients_pj"),
    [
        ("paper", {"ac": 0.9, "mac": 4.6}),
        ("split_core", {"ac": 0.05, "mac": 0.25, "dram": 8.0}),
        ("loihi_like", {}),
    ],
)
def test_a_coefficient_is_single_where_the_whole_chip_has_one(
    name: str, coefficients_pj: dict[str, float]
) -> None:
    assert single_coefficients_pj(load_architecture(name)) == coefficients_pj


def test_kinds_of_cores_that_differ_have_no_single_coefficient() -> None:
    chip = load_architecture("split_core", ["cores.spike.operations.addition=0.06 pJ"])
    assert "ac" in single_coefficients_pj(chip)
    cores = dict(chip.cores)
    spike = cores["spike"].operations.model_copy(update={"ac_pj": 0.07})
    cores["other"] = cores["spike"].model_copy(update={"operations": spike})
    assert "ac" not in single_coefficients_pj(chip.model_copy(update={"cores": cores}))
