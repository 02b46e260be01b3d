"""The weights that ship are right as often as their cards say, to the picture, on any machine."""

import pytest
import torch

from codesign.accuracy import right_answers
from codesign.datasets.packaged import open_packaged
from codesign.networks.trained import FOLDER, read_card, trained_name, trained_names
from codesign.specs.catalogue import load_workload_spec, workload_names
from codesign.specs.workload import WorkloadSpec

NAMES = trained_names()
LARGEST_BYTES = 800 * 1024


def test_every_workload_with_trained_weights_has_them_and_none_is_left_over() -> None:
    specs = [load_workload_spec(name) for name in workload_names()]
    named = {
        trained_name(spec.weights)
        for spec in specs
        if isinstance(spec, WorkloadSpec) and trained_name(spec.weights)
    }
    assert named == set(NAMES)
    assert {path.suffix for path in FOLDER.iterdir()} == {".json", ".safetensors"}


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_the_weights_reach(name: str) -> None:
    card, spec = read_card(name), load_workload_spec(name)
    assert isinstance(spec, WorkloadSpec)
    assert spec.pictures is not None
    pictures = open_packaged(spec.pictures.value, "test")
    found = right_answers(spec, pictures)
    assert {head: known["correct"] for head, known in card["accuracy"].items()} == found
    assert {known["total"] for known in card["accuracy"].values()} == {len(pictures)}
    assert card["kind"] == "trained"
    assert f"--workload {name} " in card["command"]
    assert card["network"]["depth"] == spec.depth
    assert all(0 <= rate <= 1 for rate in card["firing_rates"].values())
    assert (FOLDER / f"{name}.safetensors").stat().st_size <= LARGEST_BYTES


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on leaving the block
def test_neither_threads_nor_batches_nor_the_backend_change_an_answer() -> None:
    spec = load_workload_spec("dsnn_digits")
    assert isinstance(spec, WorkloadSpec)
    pictures = open_packaged("digits", "test")
    usual, threads = right_answers(spec, pictures), torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        assert right_answers(spec, pictures, batch=37) == usual
        with torch.backends.mkldnn.flags(enabled=False):
            assert right_answers(spec, pictures) == usual
    finally:
        torch.set_num_threads(threads)
