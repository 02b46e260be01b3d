"""The map of a mesh shows every link where it is."""

from codesign.pages.noc_links import mesh_data, noc_data
from codesign.pages.noc_map import link_figure
from tests.pages.noc_results import MESH, carried


def test_no_two_links_are_drawn_at_one_place() -> None:
    figure = link_figure(mesh_data(noc_data(carried(*MESH))))
    (heads,) = [trace for trace in figure.data if "colorscale" in trace.get("marker", {})]
    places = list(zip(heads["x"], heads["y"], strict=True))
    assert len(set(places)) == len(places) == 9
