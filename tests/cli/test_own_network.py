"""`run` with a network of the user's own, from the current folder."""

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from tests.cli.conftest import Run

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_network"


@pytest.fixture
def own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODESIGN_CACHE", str(folder / ".cache"))
    for path in EXAMPLE.iterdir():
        if path.is_file():
            (folder / path.name).write_text(path.read_text())
    return folder


def change(own: Path, old: str, new: str, file: str = "my_network.yaml") -> None:
    text = (own / file).read_text()
    assert old in text
    (own / file).write_text(text.replace(old, new))


def summary_of(codesign: Run, *options: str) -> dict:
    done = codesign("run", "--workload", "my_network.yaml", "--json", "-", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_network_of_ones_own_runs_and_is_never_called_more_than_that(
    codesign: Run, own: Path
) -> None:
    assert codesign("validate", "my_network.yaml").stdout == "my_network.yaml: workload is right.\n"
    done = codesign("run", "--workload", "my_network.yaml")
    assert done.returncode == 0, done.stderr
    place = own / "reports" / "my_network_on_split_core"
    summary = json.loads((place / "summary.json").read_text())
    weights = summary["provenance"]["weights"]
    assert weights["kind"] == "user's model"
    assert weights["model"] == "my_network:build"
    assert summary["counts"]["ac_synaptic"] > 0
    assert summary["timesteps"] == 4
    for text in (json.dumps(summary["provenance"]), done.stdout):
        assert "calibrated" not in text
        assert "trained" not in text
    page = (place / "report.html").read_text()
    assert "user's model" in page or "user&#x27;s model" in page
    assert "calibrated" not in page


def test_what_the_user_states_of_the_weights_is_repeated(codesign: Run, own: Path) -> None:
    change(own, "source:", "weights_source: trained by me, 97 %\nsource:")
    weights = summary_of(codesign)["provenance"]["weights"]
    assert (weights["kind"], weights["stated_by_user"]) == ("user's model", "trained by me, 97 %")


def test_an_edit_of_the_network_is_recorded_anew(codesign: Run, own: Path) -> None:
    first = summary_of(codesign)
    assert summary_of(codesign)["trace_hash"] == first["trace_hash"]
    assert len(list((own / ".cache").iterdir())) == 1
    change(own, "0.5 * membrane", "0.7 * membrane", "my_network.py")
    second = summary_of(codesign)
    assert second["counts"]["ac_synaptic"] > first["counts"]["ac_synaptic"]
    assert len(list((own / ".cache").iterdir())) == 2


def test_arguments_may_be_set(codesign: Run, own: Path) -> None:
    few = summary_of(codesign, "--set", "workload.arguments.channels=4")
    many = summary_of(codesign, "--set", "workload.arguments.channels=8")
    assert few["counts"]["neuron_updates"] * 2 == many["counts"]["neuron_updates"]


def test_a_second_run_imports_neither_torch_nor_the_network(codesign: Run, own: Path) -> None:
    summary_of(codesign)
    program = dedent("""
        import sys
        from codesign.cli import main
        sys.argv = ["codesign", "run", "--workload", "my_network.yaml"]
        try:
            main()
        except SystemExit as end:
            assert not end.code
        print([name for name in ("torch", "my_network") if name in sys.modules])
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=own
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


@pytest.mark.parametrize(
    "given",
    ["seed: 3\n  shape: [3, 16, 16]", "file: frames.npy"],
)
def test_the_input_may_be_random_or_a_file(codesign: Run, own: Path, given: str) -> None:
    np.save(own / "frames.npy", np.random.default_rng(0).random((3, 16, 16)))
    change(own, "images:\n  - astronaut\n", "")
    change(own, "shape: [3, 32, 32]", given)
    change(own, "nn.Linear(16 * channels", "nn.Linear(4 * channels", "my_network.py")
    summary = summary_of(codesign)
    assert summary["provenance"]["input"]["kind"] in {"random", "file"}
    other = Path(__file__).parents[1] / "data" / "chelsea.png"
    if "seed" in given:
        chosen = summary_of(codesign, "--images", str(other))
        assert chosen["provenance"]["input"]["name"] == "chelsea.png"


def test_a_checkpoint_from_the_command_line(codesign: Run, own: Path) -> None:
    sys.path.insert(0, str(own))
    try:
        import my_network  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(own))
        sys.modules.pop("my_network", None)
    state = my_network.build().state_dict()
    save_file({name: torch.zeros_like(value) for name, value in state.items()}, "zeros.safetensors")
    summary = summary_of(codesign, "--checkpoint", "zeros.safetensors")
    assert summary["counts"]["ac_synaptic"] == 0
    weights = summary["provenance"]["weights"]
    assert weights["description"] == "from the checkpoint zeros.safetensors, as given"
    save_file({"conv1.weight": torch.zeros(1)}, own / "other.safetensors")
    done = codesign("run", "--workload", "my_network.yaml", "--checkpoint", "other.safetensors")
    assert done.returncode == 2
    assert "must have an entry 'conv2.weight' (it is missing)." in done.stderr
    assert "must have an entry 'linear.bias' (it is missing)." in done.stderr


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("my_network.yaml", "my_network:build", "absent:build", "must be a Python module"),
        ("my_network.yaml", "  Leaky: LIF", "  Leeky: LIF", "Did you mean 'Leaky'?"),
        ("my_network.yaml", "[3, 32, 32]", "[3, 31, 31]", "input.shape: must be [3, S, S]"),
        ("my_network.py", "return Classifier", "Classifier", "must return a torch.nn.Module"),
        ("my_network.py", "membrane1 = membrane2", "membrane1", "UnboundLocalError"),
        ("my_network.py", "nn.AvgPool2d(4)", "nn.Softmax(1)", "pool (softmax): must be"),
        (
            "my_network.py",
            "return Classifier",
            "raise SystemExit(0)\n    return Classifier",
            "SystemExit",
        ),
    ],
)
def test_what_is_wrong_ends_without_traceback_and_report(
    codesign: Run, own: Path, file: str, old: str, new: str, message: str
) -> None:
    change(own, old, new, file)
    done = codesign("run", "--workload", "my_network.yaml")
    assert done.returncode == 2
    assert message in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert not (own / "reports").exists()


def test_what_the_network_prints_is_not_in_the_json(codesign: Run, own: Path) -> None:
    change(own, "return Classifier", "print('hello')\n    return Classifier", "my_network.py")
    done = codesign("count", "--workload", "my_network.yaml", "--json", "-")
    assert json.loads(done.stdout)["workload"] == "my_network"
    assert "hello" in done.stderr


def test_an_undeclared_neuron_is_told_how_to_be_declared(codesign: Run, own: Path) -> None:
    lines = (own / "my_network.yaml").read_text().splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(("neurons:", "  Leaky"))]
    (own / "my_network.yaml").write_text("".join(kept))
    done = codesign("run", "--workload", "my_network.yaml")
    assert done.returncode == 2
    assert "neuron1 (ge): must be an operation whose cost is known" in done.stderr
    assert "Leaky: 'LIF'" in done.stderr
