"""Area is the sum of what the file states."""

import pytest

from codesign.area import area_mm2, area_parts_mm2
from codesign.specs.catalogue import load_architecture


def test_the_area_of_split_core_by_hand() -> None:
    parts = area_parts_mm2(load_architecture("split_core"))
    memories = 0.5034 + 0.42672 + 0.21336
    of_cores = sum(area for name, area in parts.items() if "." in name)
    assert of_cores == pytest.approx(16 * (memories + 0.0511) + 4 * (memories + 0.0926))
    assert (parts["weight_buffer"], parts["activation_buffer"]) == (3.4032, 14.5392)
    assert area_mm2(load_architecture("split_core")) == pytest.approx(sum(parts.values()))


def test_the_cores_of_the_two_chips_to_compare_have_the_same_area_within_5_percent() -> None:
    areas = []
    for name in ("split_core", "unified_core"):
        parts = area_parts_mm2(load_architecture(name))
        areas.append(sum(area for place, area in parts.items() if "." in place))
    assert areas[0] == pytest.approx(areas[1], rel=0.05)


def test_prices_of_operations_alone_have_no_area() -> None:
    assert area_mm2(load_architecture("paper")) is None
    assert area_mm2(load_architecture("single_spike_core_128")) is None
    assert area_parts_mm2(load_architecture("paper")) == {}
