"""What the cycles were spent on, where there are very many cores."""

from codesign.pages.content import Stacked
from codesign.pages.latency import busiest_cores
from codesign.results import STATES


def test_of_very_many_cores_the_busiest_are_drawn_in_the_order_of_all() -> None:
    parts = {state: [0, 0, 0] for state in STATES} | {"neuron": [5, 1, 9], "idle": [4, 8, 0]}
    shown = busiest_cores(Stacked(["a", "b", "c"], parts, ""), limit=2)
    assert list(shown.categories) == ["a", "c"]
    assert shown.parts["neuron"] == [5, 9]
