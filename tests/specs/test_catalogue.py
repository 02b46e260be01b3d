from collections.abc import Callable
from pathlib import Path

import pytest

from codesign.errors import InputError
from codesign.specs.catalogue import (
    architecture_names,
    architecture_path,
    architectures,
    load_architecture,
    load_sweep,
    load_workload_spec,
    workload_names,
    workload_path,
    workloads,
)


def test_names_are_listed_in_the_order_people_expect():
    assert architecture_names() == [
        *("loihi_like", "paper", "prosperity_like", "single_spike_core_128", "spike_only"),
        *("split_core", "unified_core"),
    ]
    depths = (18, 34, 50, 101, 152)
    expected = []
    for family in ("dsnn", "fsnn", "sew", "spiking_resnet"):
        expected += [f"{family}{depth}" for depth in depths]
        if family != "spiking_resnet":
            expected += [f"{family}7b", f"{family}7b_small", f"{family}_wide7b"]
        if family == "dsnn":
            expected += ["dspikformer", "dspikformer_small"]
    forms = [f"spikformer_{g}{size}" for g in ("add", "iand") for size in ("", "_small")]
    position = expected.index("spiking_resnet18")
    expected[position:position] = forms
    small = [f"{kind}_{data}" for kind in ("dsnn", "fsnn", "sew") for data in ("digits", "mnist")]
    small += ["fsnn_digits_plain", "fsnn_mnist_plain"]
    small += [f"{name}_deep" for name in small]
    small += ["dsnn_mnist_sparse", "fsnn_mnist_sparse"]
    assert [name for name in workload_names() if name not in small] == expected
    assert set(workload_names()) == {*expected, *small}


def test_lists_carry_the_descriptions_of_the_files():
    for entry in architectures():
        assert entry.description == load_architecture(entry.name).description
    for entry in workloads():
        assert entry.description == load_workload_spec(entry.name).description


@pytest.mark.parametrize("text", ["split_core", "split_core.yaml", "split_core.yml"])
def test_a_shipped_file_is_found_by_name_and_file_name(text: str):
    assert load_architecture(text).name == "split_core"


def test_a_shipped_file_is_found_by_path():
    assert load_workload_spec(workload_path("dsnn18")) == load_workload_spec("dsnn18")


def test_a_file_in_the_current_folder_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    own = architecture_path("paper").read_text().replace("0.9 pJ", "0.5 pJ")
    (tmp_path / "paper.yaml").write_text(own)
    monkeypatch.chdir(tmp_path)
    mine, shipped = load_architecture("paper.yaml"), load_architecture("paper")
    assert mine.operations is not None
    assert shipped.operations is not None
    assert (mine.operations.ac_pj, shipped.operations.ac_pj) == (0.5, 0.9)


def test_an_unknown_name_is_answered_with_the_nearest_and_the_list():
    with pytest.raises(
        InputError, match=r"^splt_core: must be an architecture's name or a file"
    ) as e:
        load_architecture("splt_core")
    listed = ", ".join(architecture_names())
    assert f"Did you mean 'split_core'? There are: {listed};" in str(e.value)


def test_an_empty_name_is_unknown():
    with pytest.raises(InputError, match=r"^'': must be a workload's name or a file"):
        load_workload_spec("")


def test_a_path_is_never_taken_for_a_name(tmp_path: Path):
    with pytest.raises(InputError, match=r"split_core\.yaml: must be a readable file"):
        load_architecture(tmp_path / "split_core.yaml")


def test_the_name_in_the_file_is_the_name_of_the_file(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(architecture_path("paper").read_text())
    message = r"mine\.yaml:6:7: name must be the file's name, 'mine' \(got 'paper'\)"
    with pytest.raises(InputError, match=message):
        load_architecture(path)


@pytest.mark.parametrize(
    ("load", "path", "problem"),
    [
        (load_architecture, "sweeps/lanes_buffer.yaml", "must be an architecture (got a sweep)"),
        (load_architecture, "workloads/dsnn18.yaml", "must be an architecture (got a workload)"),
        (load_workload_spec, "archs/loihi_like.yaml", "must be a workload (got an architecture)"),
        (load_workload_spec, "sweeps/lanes_buffer.yaml", "must be a workload (got a sweep)"),
        (load_sweep, "archs/paper.yaml", "must be a sweep (got an architecture)"),
        (load_sweep, "examples/own_network/my_network.yaml", "must be a sweep (got a workload)"),
    ],
)
def test_a_file_of_another_kind_is_called_by_its_name(
    load: Callable[[Path], object], path: str, problem: str
):
    with pytest.raises(InputError) as caught:
        load(Path(__file__).parents[2] / path)
    (fault,) = caught.value.faults
    assert fault.problem == f"{problem}."
