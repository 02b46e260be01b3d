"""The shipped chips: numbers as their sources print them, and a fair pair to compare."""

import pytest

from codesign.specs.architecture import Architecture, Core, CoreKind, Memory
from codesign.specs.catalogue import architecture_names, load_architecture

CACTI_45NM = {
    # bank in KiB, word in bits: read pJ, write pJ, leakage mW, area mm2, access ns
    (2, 64): (1.597, 2.167, 0.04598, 0.01592, 0.5306),
    (8, 64): (3.923, 4.046, 0.1693, 0.05334, 0.7307),
    (32, 128): (13.39, 13.63, 0.63, 0.2517, 1.081),
    (128, 32): (15.81, 11.96, 2.343, 0.9087, 1.623),
    (128, 64): (22.69, 16.41, 2.328, 0.8508, 1.556),
}
"""CACTI 7, ITRS-LOP, 1 read and 1 write port, 360 K."""


def core_memories(core: Core) -> tuple[Memory, ...]:
    return core.weight_memory, core.state_memory, core.input_memory


def memories(chip: Architecture) -> list[Memory]:
    assert chip.storage is not None
    shared = [chip.storage.weight_buffer, chip.storage.activation_buffer]
    return [*shared, *(memory for core in chip.cores.values() for memory in core_memories(core))]


def core_area_mm2(chip: Architecture) -> float:
    return sum(
        core.count
        * (core.overhead.area_mm2 + sum(memory.area_mm2 for memory in core_memories(core)))
        for core in chip.cores.values()
    )


@pytest.fixture
def split() -> Architecture:
    return load_architecture("split_core")


@pytest.fixture
def unified() -> Architecture:
    return load_architecture("unified_core")


@pytest.fixture(params=["split_core", "unified_core"])
def chip(request: pytest.FixtureRequest) -> Architecture:
    return load_architecture(request.param)


def test_the_paper_prices_eq_7():
    paper = load_architecture("paper")
    assert paper.operations is not None
    assert (paper.operations.ac_pj, paper.operations.mac_pj) == (0.9, 4.6)
    assert paper.cores == {}


def test_every_memory_is_made_of_banks_of_the_table(chip: Architecture):
    for memory in memories(chip):
        bank_kib, rest = divmod(memory.size_bits // memory.banks, 8 * 1024)
        read, write, leakage, area, access_ns = CACTI_45NM[bank_kib, memory.width_bits]
        assert rest == 0
        assert (memory.read_pj, memory.write_pj) == (read, write)
        # Sums of decimal numbers, written by hand in the files: equal but for binary rounding.
        assert memory.leakage_mw == pytest.approx(memory.banks * leakage, rel=1e-12)
        assert memory.area_mm2 == pytest.approx(memory.banks * area, rel=1e-12)
        assert f"{bank_kib} KB bank, {memory.width_bits}-bit word" in memory.source
        assert chip.technology is not None
        assert access_ns * 1e-9 * chip.technology.clock_hz <= 1


def test_the_memories_let_the_lanes_run_at_full_rate(chip: Architecture):
    assert chip.precision is not None
    for core in chip.cores.values():
        lanes = core.spike.lanes if core.spike else 0
        rows = core.mac.rows if core.mac else 0
        columns = core.mac.columns if core.mac else 0
        adders = core.mac.adders if core.mac else 0
        weights = max(lanes, rows) * chip.precision.weight_bits
        states = max(lanes, adders, core.neuron_lanes) * chip.precision.accumulator_bits
        inputs = max(core.spike.scan_bits if core.spike else 0, columns * 16)
        assert core.weight_memory.bits_per_cycle >= weights
        assert core.state_memory.bits_per_cycle >= states
        assert core.input_memory.bits_per_cycle >= inputs


def test_the_cores_of_both_chips_are_equally_large(split: Architecture, unified: Architecture):
    areas = core_area_mm2(split), core_area_mm2(unified)
    assert max(areas) / min(areas) <= 1.05
    assert [round(area, 2) for area in areas] == [24.06, 24.10]  # as the files' comments say


def test_the_logic_of_both_chips_is_equally_large(split: Architecture, unified: Architecture):
    """Beside memories twenty times as large, unequal logic would hide in the total."""
    split_mm2, unified_mm2 = (
        sum(core.count * core.overhead.area_mm2 for core in chip.cores.values())
        for chip in (split, unified)
    )
    assert max(split_mm2, unified_mm2) / min(split_mm2, unified_mm2) <= 1.05


def test_both_chips_share_all_but_their_cores(split: Architecture, unified: Architecture):
    for group in ("technology", "precision", "policy", "storage"):
        assert getattr(split, group) == getattr(unified, group)
    for memory in range(3):
        totals = [
            sum(core.count * core_memories(core)[memory].size_bits for core in chip.cores.values())
            for chip in (split, unified)
        ]
        assert totals[0] == totals[1]


def test_an_ac_never_costs_a_mac(unified: Architecture):
    core = unified.cores["unified"]
    assert core.kind is CoreKind.UNIFIED
    assert core.operations.ac_pj is not None
    assert core.operations.mac_pj is not None
    assert 0.05 < core.operations.ac_pj < core.operations.mac_pj


@pytest.mark.parametrize("name", architecture_names())
def test_an_architecture_survives_json(name: str):
    loaded = load_architecture(name)
    assert Architecture.model_validate_json(loaded.model_dump_json(by_alias=True)) == loaded
