"""Bad input: status 2, a message that says where, what and how to fix it, and no report."""

from pathlib import Path

import pytest

from codesign.specs.catalogue import architecture_path
from tests.cli.conftest import Run


def chip(folder: Path, old: str, new: str) -> str:
    """A copy of split_core with one change; the name in the file fits."""
    text = architecture_path("split_core").read_text()
    assert old in text
    (folder / "split_core.yaml").write_text(text.replace(old, new, 1))
    return "./split_core.yaml"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("      lanes: 32", "      lames: 32", "Did you mean 'lanes'?"),
        ("ac: 0.05 pJ", "ac: 0.05", "0.9 pJ"),
        ("ac: 0.05 pJ", "ac: 0.05 MHz", "energy"),
        ("ac: 0.05 pJ", "ac: -0.05 pJ", "-0.05 pJ"),
        ("    count: 16", "    count: 0", "cores.spike.count must be at least 1 (got 0)"),
        ("    count: 16", "    count: 16\n    count: 16", "count"),
    ],
    ids=["unknown key", "bare number", "wrong unit", "negative", "zero cores", "duplicate key"],
)
def test_a_fault_in_an_architecture_is_located(
    codesign: Run, folder: Path, old: str, new: str, message: str
) -> None:
    name = chip(folder, old, new)
    done = codesign("run", "--arch", name, "--workload", "fsnn18")
    assert done.returncode == 2
    assert message in done.stderr
    assert "split_core.yaml:" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "reports").exists()


def test_an_alias_bomb_is_refused(codesign: Run, folder: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (folder / "bomb.yaml").write_text("\n".join(lines))
    done = codesign("run", "--arch", "bomb.yaml", "--workload", "fsnn18")
    assert done.returncode == 2
    assert "bomb.yaml" in done.stderr
    assert not (folder / "reports").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workload", "dsnn5O"), "Did you mean"),
        (("--workload", "fsnn18", "--arch", "spilt_core"), "Did you mean 'split_core'?"),
        (("--workload", "fsnn18", "--images", "none.png"), "none.png"),
        (("--workload", "fsnn18", "--checkpoint", "none.pth"), "none.pth"),
        (("--workload", "fsnn18", "--set", "cores.spike.cuont=3"), "Did you mean 'count'?"),
        (("--workload", "fsnn18", "--set", "nothing"), "nothing"),
        (
            ("--workload", "fsnn18", "--set", "cores.spike.state_memory.size=64 B"),
            "even its smallest tile needs",
        ),
    ],
)
def test_a_wrong_option_is_named(
    codesign: Run, folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = codesign("run", "--set", "workload.timesteps=1", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "reports").exists()


def test_all_faults_are_told_at_once(codesign: Run, folder: Path) -> None:
    chip(folder, "      lanes: 32", "      lanes: 0\n      lames: 1")
    done = codesign("validate", "./split_core.yaml", "dsnn50")
    assert done.returncode == 2
    assert "lanes must be at least 1 (got 0)" in done.stderr
    assert "lames" in done.stderr
    assert "dsnn50: workload is right" in done.stdout
