"""Each kind of core computes its layers in order, after what they read."""

from codesign.mapping.forecast import forecast
from codesign.mapping.fusion import fuse
from tests.mapping.test_placement import residual_block
from tests.small_networks import dual_stream_network


def test_layers_of_one_kind_of_core_follow_one_another() -> None:
    fused_layers = fuse(residual_block().workload())
    assert forecast(fused_layers, [("core",)] * 3, [4, 5, 6]) == ((0, 4), (4, 9), (9, 15))


def test_a_layer_on_other_cores_begins_when_what_it_reads_is_made() -> None:
    fused_layers = fuse(residual_block().workload())
    spans = forecast(fused_layers, [("one",), ("other",), ("one",)], [4, 5, 6])
    assert spans == ((0, 4), (4, 9), (9, 15))


def test_the_streams_run_side_by_side_on_cores_of_their_own() -> None:
    fused_layers = fuse(dual_stream_network().workload)
    groups = [(str(fused.stream),) for fused in fused_layers]
    spans = forecast(fused_layers, groups, [10.0] * len(fused_layers))
    spike, other = (
        [span for span, group in zip(spans, groups, strict=True) if group == (stream,)]
        for stream in ("spike", "accumulation")
    )
    last_spike = max(last for _, last in spike)
    assert any(first < last_spike for first, _ in other)
    assert spans[-1][1] < 10.0 * len(fused_layers)  # less than one after the other
