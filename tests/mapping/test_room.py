"""What the buffer keeps of a pipeline's tensors."""

from codesign.mapping import map_workload
from codesign.mapping.room import Kept, with_spare_places
from tests.chip.small_chips import split_chip
from tests.small_networks import dual_stream_network

KEPT = {
    "ring": Kept(timesteps=2, places=2),
    "batches": Kept(timesteps=6, places=3),
    "whole": Kept(timesteps=4, is_whole=True),
    "outside": Kept(timesteps=1),
}
SIZES = {"ring": 20, "batches": 60, "whole": 8, "outside": 100}
INSIDE = ["ring", "batches", "whole"]


def test_every_ring_gets_a_place_to_spare_if_all_fit() -> None:
    needed = sum(SIZES[name] for name in INSIDE) + 10 + 20
    assert with_spare_places(KEPT, SIZES, INSIDE, needed) == KEPT | {
        "ring": Kept(timesteps=3, places=3),
        "batches": Kept(timesteps=8, places=4),
    }
    assert with_spare_places(KEPT, SIZES, INSIDE, needed - 1) == KEPT


def test_a_pipeline_in_a_large_buffer_lets_its_makers_be_early_by_one_pass() -> None:
    mapping = map_workload(dual_stream_network().workload, split_chip("schedule.order=pipeline"))
    depth = mapping.order.depth
    waits = [
        (layer, reader, back)
        for layer, rings in enumerate(mapping.room.rings)
        for reader, back in rings
    ]
    assert waits
    lags = {
        layer: max(depth[reader] for each, reader, _ in waits if each == layer) - depth[layer]
        for layer, _, _ in waits
    }
    for layer, _, back in waits:
        assert back == max(0, lags[layer]) + 2
