from pathlib import Path

import pytest

from codesign.errors import InputError
from codesign.models.sources import source_digest
from tests.models.own_networks import write


@pytest.mark.parametrize("edited", ["mine", "parts"])
def test_an_edit_of_what_a_module_is_made_of_changes_its_digest(folder: Path, edited: str) -> None:
    before = source_digest("mine")
    assert source_digest("mine") == before
    path = folder / f"{edited}.py"
    path.write_text(path.read_text().replace("torch", "torch "))
    assert source_digest("mine") != before


def test_what_a_module_does_not_import_does_not_matter(folder: Path) -> None:
    before = source_digest("mine")
    write(folder, other="import mine")
    assert source_digest("mine") == before


def test_all_of_a_package_matters(folder: Path) -> None:
    write(folder, package__nets__small="from ..blocks import x", package__blocks="x = 1")
    write(folder, package____init__="")
    before = source_digest("package.nets.small")
    write(folder, package__blocks="x = 2")
    after = source_digest("package.nets.small")
    assert before != after
    write(folder, package__nets__other="")
    assert source_digest("package.nets.small") not in {before, after}


def test_modules_that_import_each_other_are_read_once(folder: Path) -> None:
    write(folder, first="import second", second="import first, json, torch")
    assert source_digest("first") == source_digest("second")


def test_it_does_not_run_the_module(folder: Path) -> None:
    write(folder, loud="raise SystemExit('I ran')", broken="def (")
    assert source_digest("loud") != source_digest("broken")


def test_an_installed_package_counts_with_its_own_source() -> None:
    assert source_digest("simpy") == source_digest("simpy.core")


def test_a_module_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(InputError, match=rf"^model nothing: must be a Python module .*{folder}"):
        source_digest("nothing")
