import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from codesign.errors import InputError
from codesign.models.loading import build_model, failures_told, neuron_classes
from tests.models.own_networks import spec, write


def test_a_network_is_built_from_the_current_folder(folder: Path) -> None:
    path = list(sys.path)
    network = build_model(spec(arguments={"width": 5}))
    assert network[0].out_features == 5
    assert not network.training
    assert sys.path == path
    assert sorted(entry.name for entry in folder.iterdir()) == ["mine.py", "parts.py"]


def test_a_network_without_checkpoint_is_the_same_again(folder: Path) -> None:
    state = torch.get_rng_state()
    first, second = build_model(spec()), build_model(spec())
    assert torch.equal(first[0].weight, second[0].weight)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("edited", ["mine", "parts"])
def test_an_edited_module_is_imported_anew(folder: Path, edited: str) -> None:
    """Within one second and with the same size, which bytecode could not tell."""
    before = build_model(spec())
    path = folder / f"{edited}.py"
    path.write_text(path.read_text().replace("SIZE = 3", "SIZE = 7").replace("8.0", "9.0"))
    after = build_model(spec())
    assert not torch.equal(before[0].weight, after[0].weight) or after[2].out_features == 7


def test_a_module_in_a_package(folder: Path) -> None:
    write(folder, package__nets__small="from ..blocks import build", package____init__="")
    write(folder, package__blocks="from torch import nn\ndef build(): return nn.Identity()")
    assert type(build_model(spec(model="package.nets.small:build"))).__name__ == "Identity"


def test_neuron_classes_are_found_in_the_model_and_elsewhere(folder: Path) -> None:
    classes = neuron_classes(spec(neurons={"parts:Spiking": "IF", "Network": "LIF"}))
    assert {found.__name__: model for found, model in classes.items()} == {
        "Spiking": "IF",
        "Network": "LIF",
    }


CODE = {
    "fails": "def build(): raise OSError('no such luck')",
    "nothing": "def build(): pass",
    "number": "build = 3",
    "instance": "from torch import nn\nbuild = nn.Identity()",
    "syntax": "def build(:\n    pass",
    "raising": "x = 1\nraise KeyError('at import')",
    "dependency": "import not_installed_anywhere",
}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "absent:build"}, r"^model absent: must be a Python module \(got none"),
        ({"model": "mine.absent:build"}, r"^model mine\.absent:build: cannot be imported \(Module"),
        ({"model": "mine:buidl"}, r"^model mine:buidl: must be in module 'mine' .*mean 'build'\?"),
        (
            {"model": "syntax:build"},
            r"^model syntax:build: cannot be .*Syntax.*syntax.py:1",
        ),
        ({"model": "raising:build"}, r"cannot be imported \(KeyError: 'at import', raising.py:2\)"),
        (
            {"model": "dependency:build"},
            r"cannot be imported .*'not_installed_anywhere', depend",
        ),
        ({"model": "number:build"}, r"must be a function or class that makes .* \(got a int\)"),
        ({"model": "instance:build"}, r"must be a function or class .* \(got a Identity\)"),
        ({"model": "nothing:build"}, r"must return a torch.nn.Module \(got nothing\)"),
        ({"model": "fails:build"}, r"failed \(OSError: no such luck, fails.py:1\)"),
        ({"arguments": {"depth": 3}}, r"failed \(TypeError: .*unexpected keyword .*'depth'"),
        ({"arguments": {"width": "wide"}}, r"^model mine:build: failed \(TypeError"),
        ({"neurons": {"Absent": "IF"}}, r"^neurons mine:Absent: must be in module 'mine'"),
        ({"neurons": {"build": "IF"}}, r"^neurons mine:build: must be a subclass of torch.nn"),
    ],
)
def test_what_cannot_be_built_is_named(folder: Path, fields: dict[str, Any], message: str) -> None:
    write(folder, **CODE)
    given = spec(**fields)
    step = neuron_classes if "neurons" in fields else build_model
    with pytest.raises(InputError, match=message):
        step(given)


def test_a_failure_while_it_runs_names_the_line_of_the_users_code(folder: Path) -> None:
    write(folder, bad="def run():\n    return {}['key']")
    sys.path.insert(0, str(folder))
    try:
        import bad  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(folder))
    with (
        pytest.raises(InputError, match=r"^model mine:build: failed \(KeyError: 'key', bad.py:2\)"),
        failures_told(spec()),
    ):
        bad.run()
    with pytest.raises(ZeroDivisionError), failures_told(spec()):
        raise ZeroDivisionError  # not in the user's folder: a defect of this program


@pytest.mark.parametrize("suffix", ["safetensors", "pt"])
def test_weights_come_from_the_checkpoint(folder: Path, suffix: str) -> None:
    state = {name: torch.full_like(v, 0.5) for name, v in build_model(spec()).state_dict().items()}
    if suffix == "pt":
        torch.save({"state_dict": state, "epoch": 3}, "weights.pt")
    else:
        save_file(state, "weights.safetensors")
    network = build_model(spec(checkpoint=f"weights.{suffix}"))
    assert all((value == 0.5).all() for value in network.state_dict().values())


def test_all_entries_that_do_not_fit_are_named_at_once(folder: Path) -> None:
    state = build_model(spec()).state_dict()
    del state["0.weight"], state["2.bias"]
    state |= {"head.weight": torch.ones(1), "0.bias": torch.full((4,), torch.nan)}
    state["2.weight"] = torch.ones(3, 5)
    save_file(state, "weights.safetensors")
    with pytest.raises(InputError) as refused:
        build_model(spec(checkpoint="weights.safetensors"))
    said = [fault.problem for fault in refused.value.faults]
    assert said == [
        "must have an entry '0.weight' (it is missing).",
        "'0.bias' must be finite (got NaN or infinity).",
        "'2.weight' must have the shape (3, 4) (got (3, 5)).",
        "must have an entry '2.bias' (it is missing).",
        "must have only entries of this network (got 'head.weight' too).",
    ]


def test_a_checkpoint_that_carries_code_is_refused(folder: Path) -> None:
    class Payload:
        def __reduce__(self) -> Any:
            return (Path.touch, (Path("ran"),))

    torch.save({"0.weight": Payload()}, "weights.pt")
    with pytest.raises(InputError, match="must hold tensors and plain values alone"):
        build_model(spec(checkpoint="weights.pt"))
    assert not (folder / "ran").exists()
