"""The cache finds what is whole, and records again what is not."""

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from codesign import trace_cache
from codesign.cache_limit import LARGEST_CACHE_BYTES
from codesign.errors import InputError
from codesign.networks.construction import spiking_network
from codesign.specs.catalogue import load_workload_spec
from codesign.specs.workload import WorkloadSpec
from codesign.trace_cache import entries, entry_key, recording


@pytest.fixture
def spec() -> WorkloadSpec:
    return load_workload_spec("fsnn18", ["timesteps=1"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def silent(sentence: str) -> None:
    raise AssertionError(f"nothing to say, but: {sentence}")


def test_what_was_recorded_is_found(spec: WorkloadSpec, folder: Path) -> None:
    first = recording(spec, "astronaut", notice=silent)
    second = recording(spec, "astronaut", notice=silent)
    assert (first.found, second.found) == (False, True)
    assert second.trace.hash == first.trace.hash
    assert second.trace.provenance["weights"]["kind"] == "calibrated"
    assert second.trace.provenance["input"]["name"] == "astronaut.png"
    assert len(trace_cache.entries()) == 1


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_broken_entry_is_recorded_again(spec: WorkloadSpec, folder: Path, damage: str) -> None:
    whole = recording(spec, "astronaut", notice=silent).trace
    (path,) = trace_cache.entries()
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 4
    path.write_bytes({"truncate": content[:-1000], "flip": content, "empty": b""}[damage])
    said: list[str] = []
    again = recording(spec, "astronaut", notice=said.append)
    assert not again.found
    assert again.trace.hash == whole.hash
    assert "is broken and is made again" in said[0]
    assert recording(spec, "astronaut", notice=silent).found


def test_everything_that_determines_a_recording_is_in_its_key(spec: WorkloadSpec) -> None:
    other_picture = str(Path(__file__).parent / "data" / "chelsea.png")
    keys = {
        entry_key(spec, "astronaut"),
        entry_key(spec, other_picture),
        entry_key(load_workload_spec("fsnn18", ["timesteps=2"]), "astronaut"),
        entry_key(load_workload_spec("fsnn18", ["connection=or"]), "astronaut"),
        entry_key(load_workload_spec("dsnn18", ["timesteps=1"]), "astronaut"),
    }
    assert len(keys) == 5
    described = spec.model_copy(update={"description": "another"})
    assert entry_key(described, "astronaut") == entry_key(spec, "astronaut")


def test_without_a_writable_folder_runs_go_on(
    spec: WorkloadSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "file"))
    said: list[str] = []
    assert not recording(spec, "astronaut", notice=said.append).found
    assert "is not cached" in said[0]


def test_no_cache_neither_looks_nor_writes(spec: WorkloadSpec, folder: Path) -> None:
    recording(spec, "astronaut", notice=silent, use_cache=False)
    assert trace_cache.entries() == []


def test_two_may_write_at_once(spec: WorkloadSpec, folder: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(
            pool.map(lambda _: recording(spec, "astronaut", notice=silent).trace.hash, range(2))
        )
    assert both[0] == both[1]
    (entry,) = trace_cache.entries()
    assert recording(spec, "astronaut", notice=silent).found
    assert sorted(path.name for path in folder.iterdir()) == [entry.name]


def test_what_is_no_recording_is_neither_counted_nor_removed(folder: Path) -> None:
    (folder / "folder.trace").mkdir(parents=True)
    (folder / "notes.txt").touch()
    assert trace_cache.entries() == []
    assert trace_cache.clear() == 0
    assert sorted(path.name for path in folder.iterdir()) == ["folder.trace", "notes.txt"]


def test_a_cache_that_is_no_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "file"))
    with pytest.raises(
        InputError, match=r"file: must be a folder that can be read .* \$CODESIGN_CACHE"
    ):
        entries()
    monkeypatch.setenv("CODESIGN_CACHE", str(tmp_path / "none"))
    assert entries() == []


def test_a_new_recording_makes_the_oldest_go_when_the_cache_is_full(
    spec: WorkloadSpec, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.mkdir()
    old = folder / "old.trace"
    old.touch()
    os.truncate(old, LARGEST_CACHE_BYTES)  # takes no room on the disk
    os.utime(old, (0, 0))
    monkeypatch.setattr(trace_cache, "_saves", itertools.count())
    recording(spec, "astronaut", notice=silent)
    (left,) = trace_cache.entries()
    assert left != old


def test_a_checkpoint_that_was_written_again_is_read_again(
    spec: WorkloadSpec, folder: Path, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "weights.safetensors"
    spec = spec.model_copy(update={"weights": str(checkpoint)})
    spikes = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        network = spiking_network(family="fsnn", depth=18, timesteps=1)
        save_file(network.state_dict(), checkpoint)
        trace = recording(spec, "astronaut", notice=silent).trace
        spikes.append(trace.values("sn1").sum())
    assert spikes[0] != spikes[1]
