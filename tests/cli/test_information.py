"""Commands that run nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codesign.cli.application import application
from codesign.specs.catalogue import (
    architecture_names,
    architecture_path,
    sweep_names,
    sweep_path,
    workload_names,
    workload_path,
)
from tests.cli.conftest import Run


def test_everything_that_is_shipped_is_listed_and_right(codesign: Run) -> None:
    listed = codesign("list").stdout
    for name in (*architecture_names(), *workload_names(), *sweep_names()):
        assert name in listed
    first_words = [line.split()[0] for line in listed.splitlines() if line.strip()]
    assert [word for word in first_words if word in workload_names()] == workload_names()
    names = (*architecture_names(), *workload_names(), *sweep_names())
    assert codesign("validate", *names).returncode == 0


def test_all_files_are_checked_though_one_is_a_folder(codesign: Run, folder: Path) -> None:
    (folder / "mine").mkdir()
    done = codesign("validate", "mine", "paper", "x" * 300)
    assert done.returncode == 2
    assert done.stdout == "paper: architecture is right.\n"
    assert "mine: must be a name or a YAML file (got a folder)" in done.stderr
    assert "File name too long" in done.stderr


PATHS = (
    dict.fromkeys(architecture_names(), architecture_path)
    | dict.fromkeys(workload_names(), workload_path)
    | dict.fromkeys(sweep_names(), sweep_path)
)


@pytest.mark.parametrize("name", PATHS)
def test_a_shipped_file_is_shown_as_it_is(name: str) -> None:
    path = PATHS[name]
    done = CliRunner().invoke(application, ["show", name])
    assert done.stdout == path(name).read_text()


def test_a_file_that_is_shown_can_be_used(codesign: Run, folder: Path) -> None:
    text = codesign("show", "split_core.yaml").stdout
    (folder / "mine.yaml").write_text(text.replace("name: split_core", "name: mine"))
    assert codesign("validate", "mine.yaml").stdout == "mine.yaml: architecture is right, 42 mm2.\n"


def test_an_unknown_name_cannot_be_shown(codesign: Run) -> None:
    done = codesign("show", "split_cores")
    assert (done.returncode, done.stdout) == (2, "")
    assert "Did you mean 'split_core'?" in done.stderr


def test_a_schema_is_json(codesign: Run) -> None:
    for kind in ("architecture", "workload"):
        schema = json.loads(codesign("schema", kind).stdout)
        assert schema["$schema"].endswith("2020-12/schema")


def test_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from codesign.cli import main\n"
        "sys.argv = ['codesign', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'pandas', 'plotly', 'simpy', 'numpy', 'pyarrow', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_cache_is_shown_and_cleared(codesign: Run, folder: Path) -> None:
    import os

    os.environ["CODESIGN_CACHE"] = str(folder / "cache")
    assert "0 recordings" in codesign("cache").stdout
    codesign("run", "--workload", "fsnn18", "--set", "workload.timesteps=1", "--arch", "paper")
    assert "1 recordings" in codesign("cache").stdout
    assert "1 recordings removed" in codesign("cache", "--clear").stdout
    assert not list((folder / "cache").glob("*.trace"))


def test_the_version_is_printed(codesign: Run) -> None:
    import codesign as package

    assert codesign("--version").stdout.strip() == f"codesign {package.__version__}"
