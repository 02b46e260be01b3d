"""A trace comes back as it was written, and nothing altered is taken for whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from codesign.errors import TraceError
from codesign.trace import Magnitudes, Trace, trace_from_arrays
from codesign.trace_files import load_trace, save_trace
from codesign.workload import Kind, Layer, LayerType, Stream, Tensor, Workload


def small_arrays(seed: int, largest: int) -> dict[str, NDArray[Any]]:
    random = np.random.default_rng(seed)
    return {
        "input": random.integers(0, 2, (1, 2, 3, 3), dtype=np.uint8),
        "spikes": random.integers(0, 2, (4, 2, 3, 3), dtype=np.uint8),
        "sums": random.integers(0, largest + 1, (4, 2, 3, 3)),
    }


MAGNITUDES = {"conv": Magnitudes(3.5, 0.25, 2.0), "sn": Magnitudes(1.5)}


def small_trace(
    seed: int = 0, largest: int = 5, magnitudes: dict[str, Magnitudes] | None = None
) -> Trace:
    tensors = (
        Tensor("input", (2, 3, 3), 1, Kind.REAL),
        Tensor("spikes", (2, 3, 3), 4, Kind.SPIKE, largest=1),
        Tensor("sums", (2, 3, 3), 4, Kind.INTEGER, Stream.ACCUMULATION, largest=largest),
    )
    layers = (
        Layer("spikes", LayerType.NEURON, Stream.SPIKE, ("input",), "spikes", function="IF"),
        Layer("sums", LayerType.ADD, Stream.ACCUMULATION, ("spikes", "spikes"), "sums"),
    )
    workload = Workload("small", 4, tensors, layers, ("sums",))
    return trace_from_arrays(workload, small_arrays(seed, largest), {"weights": "none"}, magnitudes)


@given(seed=st.integers(0, 1000), largest=st.integers(1, 1000))
def test_values_survive_packing(seed: int, largest: int) -> None:
    trace = small_trace(seed, largest)
    sums = small_arrays(seed, largest)["sums"]
    assert np.array_equal(trace.values("sums"), sums)
    assert np.array_equal(trace.nonzero("sums"), sums > 0)


def test_a_file_gives_back_graph_values_provenance_and_hash(tmp_path: Path) -> None:
    trace = small_trace()
    save_trace(trace, tmp_path / "a.trace")
    loaded = load_trace(tmp_path / "a.trace")
    assert loaded.workload == trace.workload
    assert loaded.provenance == trace.provenance
    assert loaded.hash == trace.hash
    assert loaded.names == ("input", "spikes", "sums")
    for name in trace.names:
        assert np.array_equal(loaded.planes(name), trace.planes(name))


def test_magnitudes_are_part_of_a_trace_and_of_its_hash(tmp_path: Path) -> None:
    trace = small_trace(magnitudes=MAGNITUDES)
    save_trace(trace, tmp_path / "a.trace")
    loaded = load_trace(tmp_path / "a.trace")
    assert loaded.magnitudes == trace.magnitudes == MAGNITUDES
    assert loaded.hash == trace.hash != small_trace().hash


def test_a_file_without_magnitudes_is_a_trace_of_spikes_alone(tmp_path: Path) -> None:
    save_trace(small_trace(), tmp_path / "a.trace")
    assert b"magnitudes" not in (tmp_path / "a.trace").read_bytes()
    assert load_trace(tmp_path / "a.trace").magnitudes == {}


def test_equal_traces_make_equal_files(tmp_path: Path) -> None:
    save_trace(small_trace(), tmp_path / "a.trace")
    save_trace(small_trace(), tmp_path / "b.trace")
    assert (tmp_path / "a.trace").read_bytes() == (tmp_path / "b.trace").read_bytes()
    assert small_trace(1).hash != small_trace(0).hash


def test_every_flipped_bit_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.trace"
    save_trace(small_trace(), path)
    whole = path.read_bytes()
    for position in range(len(whole)):
        altered = bytearray(whole)
        altered[position] ^= 1 << (position % 8)
        path.write_bytes(altered)
        with pytest.raises(TraceError):
            load_trace(path).verify()


def test_every_truncation_is_found(tmp_path: Path) -> None:
    path = tmp_path / "a.trace"
    save_trace(small_trace(), path)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(TraceError):
            load_trace(path).verify()


def test_appended_bytes_are_found(tmp_path: Path) -> None:
    path = tmp_path / "a.trace"
    save_trace(small_trace(), path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(TraceError, match=r"a\.trace"):
        load_trace(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="there is no such trace file"):
        load_trace(tmp_path / "none.trace")


def test_no_half_written_file_is_left_behind(tmp_path: Path) -> None:
    (tmp_path / "a.trace").mkdir()
    with pytest.raises(TraceError, match="could not be written"):
        save_trace(small_trace(), tmp_path / "a.trace")
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.trace"]


def test_an_array_of_another_shape_is_refused() -> None:
    workload = small_trace().workload
    with pytest.raises(TraceError, match=r"tensor 'spikes' must have shape \(4, 2, 3, 3\)"):
        trace_from_arrays(workload, {"spikes": np.zeros((4, 2, 3))}, {})


def test_a_spike_tensor_that_holds_a_two_is_refused() -> None:
    workload = small_trace().workload
    with pytest.raises(TraceError, match="must hold values from 0 to 1"):
        trace_from_arrays(workload, {"spikes": np.full((4, 2, 3, 3), 2)}, {})


def test_an_unrecorded_tensor_is_named() -> None:
    with pytest.raises(TraceError, match="tensor 'nothing' was not recorded"):
        small_trace().values("nothing")
