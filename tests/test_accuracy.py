"""Accuracy: counted again by hand, the same for any batch, kept, and of trained networks alone."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from codesign import accuracy as room
from codesign.accuracy import accuracy, right_answers, wilson
from codesign.datasets.packaged import Packaged, open_packaged
from codesign.errors import InputError
from codesign.networks.construction import build
from codesign.specs.catalogue import load_workload_spec
from codesign.specs.workload import Family, NumberFormats, WorkloadSpec
from codesign.trace_cache import clear, entries
from tests.networks.trained_networks import drawn_network, save_drawn, shelf

__all__ = ["shelf"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def workload(family: str = "dsnn", name: str = "drawn", **changes: object) -> WorkloadSpec:
    content: dict[str, object] = {
        "name": f"{family}_digits",
        "description": "of the tests",
        "structure": "small_resnet",
        "family": family,
        "depth": 3,
        "width": 4,
        "pictures": "digits",
        "timesteps": 4,
        "connection": "add" if family == Family.SEW else "iand",
        "weights": f"trained:{name}",
        "images": ["digits#3"],
        "source": "assumed, because a test",
    }
    if family == Family.DSNN:
        content["readout"] = "sum"
    return WorkloadSpec.model_validate(content | changes)


def silent(sentence: str) -> None:
    raise AssertionError(f"nothing to say, but: {sentence}")


@pytest.mark.parametrize(
    ("correct", "total", "low", "high"),
    [
        # z = 1.96 put into the formula with a calculator; 0 and all end at 0 and 1
        (972, 1000, 0.95983, 0.98056),
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (1, 2, 0.09453, 0.90547),
    ],
)
def test_wilsons_interval_by_hand(correct: int, total: int, low: float, high: float) -> None:
    assert wilson(correct, total) == pytest.approx((low, high), abs=6e-6)


@given(st.data())
def test_the_ends_of_the_interval_are_the_shares_that_are_just_credible(
    data: st.DataObject,
) -> None:
    """By its definition: at either end the share lies 1.96 standard errors of that end away."""
    total = data.draw(st.integers(1, 10_000))
    correct = data.draw(st.integers(0, total))
    low, high = wilson(correct, total)
    assert 0 <= low <= correct / total <= high <= 1
    for end in (low, high):
        error = 1.959963984540054**2 * end * (1 - end) / total
        assert (correct / total - end) ** 2 == pytest.approx(error, abs=1e-12)


@pytest.mark.parametrize(
    "precision", [None, NumberFormats.of(4, 8, 8), NumberFormats.of(8, 16, 16)]
)
def test_the_count_is_that_of_single_pictures(
    precision: NumberFormats | None, shelf: Path, folder: Path
) -> None:
    save_drawn(drawn_network("dsnn"), shelf, "drawn")
    spec = workload().model_copy(update={"precision": precision})
    found = accuracy(spec, notice=silent)
    assert found is not None
    pictures = open_packaged("digits", "test")
    network = build(spec)
    expected = {"spike": 0, "accumulation": 0, "sum": 0}
    with torch.inference_mode():
        for levels, label in zip(pictures.levels, pictures.labels, strict=True):
            seen = torch.from_numpy(np.rint(levels / 240 * 256) / 256).float()
            spike, pathway = network.logits(seen[None, None])
            for readout, logits in (("spike", spike), ("accumulation", pathway)):
                expected[readout] += int(logits.argmax()) == label  # T = 4: means are exact
            expected["sum"] += int((spike + pathway).argmax()) == label
    assert found.heads == expected
    assert (found.correct, found.total) == (expected["sum"], 359)
    assert found.precision == (precision and precision.model_dump())
    said = found.as_json()
    assert said["share"] == expected["sum"] / 359
    assert said["interval"] == {
        "low": found.interval[0],
        "high": found.interval[1],
        "confidence": 0.95,
    }
    assert (said["data_set"], said["split"]) == ("digits", "test")


@pytest.mark.filterwarnings("ignore:TF32 acceleration")  # on leaving the block
def test_batches_threads_and_backends_change_nothing(shelf: Path) -> None:
    save_drawn(drawn_network("dsnn"), shelf, "drawn")
    spec = workload(
        timesteps=3, precision={"weight": "4 bit", "accumulator": "8 bit", "activation": "8 bit"}
    )
    whole = open_packaged("digits", "test")
    few = Packaged(whole.title, whole.split, whole.levels[:40], whole.labels[:40])
    expected = right_answers(spec, few, batch=40)
    assert right_answers(spec, few, batch=1) == expected
    assert right_answers(spec, few, batch=7) == expected
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        assert right_answers(spec, few) == expected
    finally:
        torch.set_num_threads(threads)
    with torch.backends.mkldnn.flags(enabled=False):
        assert right_answers(spec, few) == expected


def test_the_full_spike_network_is_the_spike_head_of_the_dual_stream_one(
    shelf: Path, folder: Path
) -> None:
    save_drawn(drawn_network("dsnn"), shelf, "drawn")
    for precision in (None, NumberFormats.of(6, 12, 8)):
        dual, single = (
            accuracy(workload(family).model_copy(update={"precision": precision}), notice=silent)
            for family in ("dsnn", "fsnn")
        )
        assert dual is not None
        assert single is not None
        assert single.heads == {"spike": dual.heads["spike"]}
        assert single.correct == dual.heads["spike"]


def test_what_was_measured_is_kept_apart_for_everything_that_determines_it(
    shelf: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_drawn(drawn_network("dsnn"), shelf, "drawn")
    save_drawn(drawn_network("dsnn", seed=1), shelf, "other")
    formats = [NumberFormats.of(*widths) for widths in [(8, 16, 16), (8, 16, 8), (4, 16, 16)]]
    specs = [
        workload(),
        workload(timesteps=1),
        workload(readout="spike"),
        workload(name="other"),
        *(workload().model_copy(update={"precision": each}) for each in formats),
    ]
    first = [accuracy(spec, notice=silent) for spec in specs]
    assert len(list(folder.glob("*.accuracy.json"))) == len(specs)
    assert entries() == []
    assert len({each.heads["spike"] for each in first if each is not None}) > 1

    def never(*_: object) -> None:
        raise AssertionError("is known already")

    monkeypatch.setattr(room, "right_answers", never)
    assert [accuracy(spec, notice=silent) for spec in specs] == first
    with pytest.raises(AssertionError, match="known already"):
        accuracy(specs[0], notice=silent, use_cache=False)
    for path in folder.glob("*.accuracy.json"):
        path.write_text(path.read_text()[:-5])
    with pytest.raises(AssertionError, match="known already"):  # a broken one is measured again
        accuracy(specs[0], notice=silent)
    assert clear() == 0
    assert list(folder.iterdir()) == []


def test_pictures_and_words_do_not_determine_it(shelf: Path, folder: Path) -> None:
    save_drawn(drawn_network("fsnn"), shelf, "drawn")
    accuracy(workload("fsnn"), notice=silent)
    accuracy(workload("fsnn", images=["digits#5"], description="another"), notice=silent)
    assert len(list(folder.glob("*.accuracy.json"))) == 1


def test_only_trained_networks_have_one(tmp_path: Path) -> None:
    assert accuracy(load_workload_spec("fsnn18"), notice=silent) is None
    checkpoint = workload().model_copy(update={"weights": str(tmp_path / "weights.pth")})
    assert accuracy(checkpoint, notice=silent) is None


def test_pictures_that_no_package_brings_are_told_of(
    shelf: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_drawn(drawn_network("fsnn"), shelf, "drawn")
    said: list[str] = []
    assert accuracy(workload("fsnn", pictures="cifar10"), notice=said.append) is None

    def missing(name: str, _split: str) -> None:
        raise InputError([])

    monkeypatch.setattr(room, "open_packaged", missing)
    assert accuracy(workload("fsnn"), notice=said.append) is None
    assert [sentence.partition(" is not known:")[0] for sentence in said] == [
        "The accuracy of fsnn_digits"
    ] * 2
    assert not folder.exists()


def test_without_a_writable_folder_it_is_measured_all_the_same(
    shelf: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_drawn(drawn_network("fsnn"), shelf, "drawn")
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "file"))
    said: list[str] = []
    assert accuracy(workload("fsnn"), notice=said.append) is not None
    assert said[0].startswith("The accuracy is not kept")
