"""No buffer ever holds more than it can, and what comes goes again."""

from hypothesis import given, settings

from codesign.fill_levels import fill_levels
from tests.chip.small_chips import Simulated, runs, simulated, split_chip
from tests.small_networks import dual_stream_network

many = settings(max_examples=60, deadline=None)


@many
@given(run=runs())
def test_no_buffer_holds_more_than_it_can(run: Simulated) -> None:
    mapping = run.mapping
    levels = fill_levels(mapping, run.jobs, run.schedule)
    storage = run.architecture.storage
    assert storage is not None
    for name in ("activation_buffer", "weight_buffer"):
        of_buffer = levels[levels.buffer == name]
        assert of_buffer.cycle.is_monotonic_increasing
        assert of_buffer.bits.min() >= 0
        assert of_buffer.bits.max() <= getattr(storage, name).size_bits
        assert of_buffer.cycle.max() <= run.schedule.makespan_cycles


def test_what_is_not_kept_leaves_again() -> None:
    run = simulated(dual_stream_network(), split_chip("storage.weight_buffer.size=32 KiB"))
    mapping = run.mapping
    levels = fill_levels(mapping, run.jobs, run.schedule)
    kept = sum(block.bits for block in run.jobs.blocks if block.kept)
    left = levels.groupby("buffer")["bits"].last()
    assert left["weight_buffer"] == kept
    outputs = sum(
        run.trace.workload.tensor_by_name[name].size * mapping.widths[name]
        for name in run.trace.workload.outputs
        if name not in mapping.in_dram
    )
    assert left["activation_buffer"] == outputs
