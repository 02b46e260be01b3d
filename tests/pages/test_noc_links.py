"""Links are known by their names, and carried what the timeline says."""

from codesign.pages.noc_links import mesh_data, noc_data, sides
from tests.pages.noc_results import MESH, carried


def test_a_links_share_is_the_sum_of_its_cycles_in_the_makespan() -> None:
    found = {
        link.name: (link.transfers, link.busy_cycles, link.share)
        for link in noc_data(carried(*MESH))
    }
    assert found == {
        "(1,0)>(1,1)": (1, 500, 0.5),
        "(0,0)>(1,0)": (2, 200, 0.2),
        "memory.0>(0,0)": (1, 10, 0.01),
        "(1,0)>(0,0)": (1, 1, 0.001),
    }


def test_both_directions_between_neighbours_are_there_even_if_idle() -> None:
    mesh = mesh_data(noc_data(carried(*MESH)))
    assert sides(mesh) == (2, 2)
    idle = {link.name for link in mesh.values() if not link.transfers}
    assert len(mesh) == 4 * 2 + 1  # four pairs of neighbours, and the way from the memory
    assert idle == {"(0,0)>(0,1)", "(0,1)>(0,0)", "(0,1)>(1,1)", "(1,1)>(0,1)", "(1,1)>(1,0)"}
    assert all(link.ends == ends for ends, link in mesh.items())
