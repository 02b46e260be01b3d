"""The axis of layers has a label for each of them, or one for each block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.pages.drawing import MOST_LABELS, block_of, blocks_of, new_figure, set_layer_axis
from tests.pages.drawn import drawn

RESNET = [f"layer{stage}.{block}.conv{n}" for stage in (1, 2) for block in range(6) for n in (1, 2)]


@pytest.mark.parametrize(
    ("layer", "block"),
    [
        ("layer1.0.conv2.0", "layer1.0"),
        ("transformer.blocks.3.attention.query", "transformer.blocks.3"),
        ("features.12", "features.12"),
        ("conv1", "conv1"),
        ("head.time_mean", "head"),
        ("", ""),
        ("...", "..."),
    ],
)
def test_a_block_is_named_up_to_its_number(layer: str, block: str) -> None:
    assert block_of(layer) == block


@given(st.lists(st.text("ab.12", min_size=1, max_size=6), max_size=150))
def test_blocks_hold_every_layer_once(layers: list[str]) -> None:
    places = [place for _, first, last in blocks_of(layers) for place in range(first, last + 1)]
    assert places == list(range(len(layers)))


def test_narrow_neighbours_share_a_label() -> None:
    layers = ["conv1", "sn1", "maxpool.0", *RESNET * 3, "pool", *RESNET, "avgpool", "fc"]
    blocks = blocks_of(layers)
    assert blocks[0] == ("conv1 …", 0, 2)
    assert blocks[1] == ("layer1.0", 3, 4)
    assert ("pool", 75, 75) in blocks
    assert blocks[-1] == ("avgpool …", 100, 101)


def test_few_layers_have_a_label_each() -> None:
    figure = new_figure(400)
    set_layer_axis(figure, RESNET, "Layer")
    layout = drawn(figure).layout
    assert (layout.xaxis.tickmode, layout.xaxis.dtick) == ("linear", 1)
    assert list(layout.xaxis.categoryarray) == RESNET
    assert len(layout.shapes) == 0


@pytest.mark.parametrize("names", [RESNET * 4, [f"features.{n}" for n in range(500)]])
def test_of_many_layers_no_more_than_can_be_read_have_a_label(names: list[str]) -> None:
    figure = new_figure(400)
    set_layer_axis(figure, names, "Layer")
    axis = drawn(figure).layout.xaxis
    assert len(axis.tickvals) == len(axis.ticktext) <= MOST_LABELS
    assert axis.title.text == "Layer"
    assert axis.tickfont.size >= 12
