"""The README is true: what it tells readers to type works, and prints what it says.

Every fenced block marked `sh`, `console` or `python` is run as it stands, in a folder of its own
with the checkout's `archs` and `examples` in it. In a `console` block the lines that start with
`$ ` are commands, and what follows is all of their output but for the lines that `...` stands for.
Only commands that install things are left out.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALLING = ("make ", "pip ")
ELIDED = "..."


@dataclass(frozen=True)
class Block:
    """A fenced block: the language after its fence, its text, and the line where it starts."""

    language: str
    text: str
    line: int


def blocks(language: str) -> list[Block]:
    text = README.read_text("utf-8")
    return [
        Block(found[1], found[2], text.count("\n", 0, found.start()) + 1)
        for found in FENCED.finditer(text)
        if found[1] == language
    ]


def name_of(block: object) -> str:
    return f"line_{block.line}" if isinstance(block, Block) else str(block)


def commands(block: Block) -> list[str]:
    lines = (line for line in block.text.splitlines() if line and not line.startswith("#"))
    return [line for line in lines if not line.startswith(INSTALLING)]


def sessions(block: Block) -> list[tuple[str, str]]:
    """Each command of a console block with what it prints according to the README."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    assert parts[0] == "", f"README.md:{block.line}: a console block must start with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def trimmed(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


def pattern(shown: str) -> str:
    """A regular expression for all outputs that a shown one with elided lines stands for."""
    return "".join(
        r"(?:.*\n)+" if line.strip() == ELIDED else re.escape(f"{line}\n")
        for line in trimmed(shown).splitlines()
    )


@pytest.fixture
def reader(tmp_path: Path):
    """Runs a command as a reader does who types it at the top of the checkout."""
    for name in ("archs", "examples"):
        (tmp_path / name).symlink_to(ROOT / name)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = os.environ | {"PATH": path, "COLUMNS": "100"}

    def run(*command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("block", [b for b in blocks("sh") if commands(b)], ids=name_of)
def test_commands_work(block: Block, reader):
    for command in commands(block):
        done = reader("sh", "-c", command)
        assert done.returncode == 0, f"{command}\n{done.stderr}"


@pytest.mark.parametrize("block", blocks("console"), ids=name_of)
def test_commands_print_what_is_shown(block: Block, reader):
    for command, shown in sessions(block):
        done = reader("sh", "-c", command)
        is_error = shown.startswith("error: ")
        assert done.returncode == (2 if is_error else 0), f"{command}\n{done.stderr}"
        printed = trimmed(done.stderr if is_error else done.stdout)
        assert re.fullmatch(pattern(shown), printed), f"{command} printed\n{printed}"


@pytest.mark.parametrize("block", blocks("python"), ids=name_of)
def test_python_works(block: Block, reader):
    done = reader(sys.executable, "-W", "error", "-c", block.text)
    assert done.returncode == 0, done.stderr


def test_each_kind_of_block_is_found():
    assert all(blocks(language) for language in ("sh", "console", "python"))


def test_elided_lines_stand_for_some_lines_and_others_for_themselves():
    assert re.fullmatch(pattern("a\n  ...\nd"), "a\nb\nc\nd\n")
    assert not re.fullmatch(pattern("a\n...\nd"), "a\nd\n")
    assert not re.fullmatch(pattern("a\nd"), "a\nb\nd\n")


def test_the_files_that_are_shown_are_those_that_are_copied():
    files = (ROOT / "examples").rglob("*.yaml")
    shown = sorted(block.text for block in blocks("yaml"))
    assert shown == sorted(file.read_text() for file in files)


def test_links_into_the_repository_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)", README.read_text("utf-8"))
    here = [target for target in targets if "://" not in target]
    assert here
    assert [target for target in here if not (ROOT / target).exists()] == []


def test_every_command_is_shown():
    from codesign.cli.application import application

    known = {command.name for command in application.registered_commands}
    shown = set(re.findall(r"codesign ([a-z]+)", README.read_text("utf-8")))
    assert known - shown == set()
