import pytest
import torch

from codesign.networks.connections import CONNECTIONS

S = torch.tensor([0.0, 0.0, 1.0, 1.0])
O = torch.tensor([0.0, 1.0, 0.0, 1.0])  # noqa: E741 - the paper's letter


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("and", [0, 0, 0, 1]),
        ("iand", [0, 1, 0, 0]),
        ("or", [0, 1, 1, 1]),
        ("xor", [0, 1, 1, 0]),
        ("add", [0, 1, 1, 2]),
    ],
)
def test_connections_have_the_truth_tables_of_table_1(name, truth):
    assert CONNECTIONS[name](S, O).tolist() == truth
