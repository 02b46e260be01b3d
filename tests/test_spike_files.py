"""Tensors recorded elsewhere become a trace, or are refused with the tensor and the reason."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

from codesign.counting import count_layers
from codesign.errors import InputError
from codesign.spike_files import load_spikes
from codesign.workload import Kind, LayerType, Window, Workload
from tests.small_networks import NetworkBuilder

Arrays = dict[str, NDArray[Any]]
POOL = Window((3, 3), stride=(2, 2), padding=(1, 1))


def network() -> NetworkBuilder:
    """Pixels, a convolution with neurons, a pool, logic, a sum, and a head."""
    net = NetworkBuilder(timesteps=2, seed=4)
    net.add_tensor("image", (1, 5, 5), Kind.REAL, static=True)
    net.convolution("image", 2, Window((2, 2)), name="conv")
    net.neuron("conv", name="sn")
    net.add_layer(
        LayerType.MAX_POOL, ("sn",), name="pool", kind=Kind.SPIKE, shape=(2, 2, 2), window=POOL
    )
    net.logic(("pool", "pool"), name="g")
    net.add_layer(LayerType.ADD, ("pool", "g"), name="sum", kind=Kind.INTEGER, largest=2)
    net.add_layer(LayerType.LINEAR, ("sum",), name="fc", shape=(3,))
    return net


def needed() -> Arrays:
    arrays = network().arrays
    return {name: arrays[name] for name in ("image", "sn")}


@pytest.fixture(params=[".npz", ".safetensors"])
def write(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Arrays], Path]:
    def writer(arrays: Arrays) -> Path:
        path = tmp_path / f"spikes{request.param}"
        if request.param == ".npz":
            np.savez(path, **arrays)
        else:
            save_file(arrays, path)
        return path

    return writer


def workload() -> Workload:
    return network().workload()


def refusal(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_spikes(workload(), path, {})
    return [f"{fault.problem} {fault.fix}" for fault in caught.value.faults]


def test_a_file_of_what_is_needed_gives_the_counts(write: Callable[[Arrays], Path]) -> None:
    trace = load_spikes(workload(), write(needed()), {"weights": "random"})
    counts = count_layers(trace).groupby("layer", sort=False).sum(numeric_only=True)
    image, spikes = network().arrays["image"], network().arrays["sn"]
    assert counts.loc["conv", "mac"] == 2 * 4 * 16
    taps = np.minimum(np.arange(1, 6), 2) * np.array([1, 1, 1, 1, 0.5])  # 1, 2, 2, 2, 1 windows
    assert counts.loc["conv", "mac_nonzero"] == 2 * (taps @ (image[0, 0] > 0) @ taps)
    assert counts.loc["sn", "spikes"] == spikes.sum()
    assert counts.loc["pool", "ac_pool"] == spikes.sum()
    pooled = np.zeros((2, 2, 2, 2), dtype=int)
    for y in range(2):
        for x in range(2):
            rows, columns = slice(max(0, 2 * y - 1), 2 * y + 2), slice(max(0, 2 * x - 1), 2 * x + 2)
            pooled[:, :, y, x] = spikes[:, :, rows, columns].max(axis=(2, 3))
    # IAND of equal spikes is silent, so the sum holds what the pool holds.
    assert trace.values("g").sum() == 0
    assert trace.values("sum").tolist() == pooled.tolist()
    assert counts.loc["fc", "mac_nonzero"] == 3 * pooled.sum()
    assert trace.provenance["weights"] == "random"
    assert len(trace.provenance["input"]["sha256"]) == 64


def test_a_tensor_that_follows_from_others_may_be_given(write: Callable[[Arrays], Path]) -> None:
    given = np.zeros((2, 2, 2, 2), dtype=np.uint8)  # IAND of a pool and itself
    trace = load_spikes(workload(), write(needed() | {"g": given}), {})
    assert trace.values("g").tolist() == given.tolist()


def test_a_tensor_that_contradicts_its_inputs_is_refused(write: Callable[[Arrays], Path]) -> None:
    given = np.zeros((2, 2, 2, 2), dtype=np.uint8)
    given[1, 0, 1, 1] = 1
    (problem,) = refusal(write(needed() | {"g": given}))
    assert "(got 1 at (1, 0, 1, 1), where logic gives 0). Leave it out" in problem


def test_spikes_may_be_floats_and_booleans(write: Callable[[Arrays], Path]) -> None:
    for dtype in (np.float32, np.bool_, np.int64):
        arrays = needed() | {"sn": needed()["sn"].astype(dtype)}
        trace = load_spikes(workload(), write(arrays), {})
        assert trace.values("sn").tolist() == needed()["sn"].tolist()


def test_all_faults_of_names_and_shapes_are_told_at_once(write: Callable[[Arrays], Path]) -> None:
    path = write({"sn": np.zeros((2, 2, 4, 3), dtype=np.uint8), "pol": np.zeros(2)})
    assert refusal(path) == [
        "must hold tensors of the network (got 'pol'). Did you mean 'pool'?",
        "must hold tensor 'image' of shape (1, 1, 5, 5) (got none). Record it.",
        "tensor 'sn' must have shape (2, 2, 4, 4) (got (2, 2, 4, 3)). Time comes first; check "
        "shapes, stride and padding.",
    ]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, r"whole numbers from 0 to 1, because it is spike \(got 0.5 at \(1, 0, 2, 3\)\)"),
        (2, r"whole numbers from 0 to 1, because it is spike \(got 2.0 at"),
        (-1, r"whole numbers from 0 to 1, because it is spike \(got -1.0 at"),
        (np.nan, "finite values"),
    ],
)
def test_a_value_that_is_no_spike_is_refused(
    write: Callable[[Arrays], Path], value: float, message: str
) -> None:
    spikes = needed()["sn"].astype(np.float32)
    spikes[1, 0, 2, 3] = value
    with pytest.raises(InputError, match=message):
        load_spikes(workload(), write(needed() | {"sn": spikes}), {})


@pytest.mark.parametrize("suffix", [".npz", ".safetensors"])
def test_a_truncated_file_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"spikes{suffix}"
    if suffix == ".npz":
        np.savez(path, **needed())
    else:
        save_file(needed(), path)
    whole = path.read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:size])
        assert refusal(path)[0].startswith("must be a whole file of tensors")


def test_a_header_that_asks_for_a_terabyte_is_refused_before_anything_is_read(
    tmp_path: Path,
) -> None:
    path = tmp_path / "forged.npz"
    np.savez(path, **needed())
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (2, 1099511627776), }"
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("sn.npy", member)
    assert any("got (2, 1099511627776)" in line for line in refusal(path))


def test_a_file_that_carries_code_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pickled.npz"
    objects = np.empty((2, 2, 4, 4), dtype=object)
    np.savez(path, image=needed()["image"], sn=objects)
    assert "Object arrays cannot be loaded" in refusal(path)[0]


def test_missing_files_and_other_kinds_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.npz") == ["must be there (got no such file). Check the path."]
    assert refusal(tmp_path / "none.safetensors")[0].startswith("must be there")
    assert "must be a .npz or .safetensors file (got '.pt')" in refusal(tmp_path / "a.pt")[0]
