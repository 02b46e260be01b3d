"""What commands print: on which stream, in which numbers, and what is not left behind."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from codesign.cli.application import application
from codesign.errors import InputError
from codesign.specs.catalogue import workload_path

SMALL = ("--arch", "paper", "--workload", "fsnn18", "--set", "workload.timesteps=1")
CHELSEA = Path(__file__).parents[1] / "data" / "chelsea.png"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODESIGN_CACHE", str(cache))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(application, ["run", *SMALL, *arguments], catch_exceptions=False)


def summary(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return content


def test_the_papers_pricing_tells_the_energy_of_exact_counts_as_well(folder: Path) -> None:
    done = run("--out", "out")
    counts = summary(folder / "out")["counts"]
    exact_uj = round((0.9 * counts["ac"] + 4.6 * counts["mac"]) * 1e-6)
    assert f"With exact ACs instead of rate x dense, eq. 7 gives {exact_uj} uJ." in done.stdout
    assert "calibrated to Table 2 of arXiv 2301.11929, not trained" in done.stdout


def test_images_follow_each_other_and_their_spread_is_told(folder: Path) -> None:
    done = run("--images", "astronaut", str(CHELSEA), "--out", "both")
    both = summary(folder / "both")
    for name, image in (("first", "astronaut"), ("second", str(CHELSEA))):
        run("--images", image, "--out", name)
    single = [summary(folder / name)["energy_pj"] for name in ("first", "second")]
    assert both["images"] == 2
    spread = both["spread"]["energy_pj"]
    assert [spread["min"], spread["max"]] == sorted(single)
    assert "mean of 2 images" in done.stdout


def test_a_folder_stands_for_all_its_pictures(folder: Path) -> None:
    (folder / "photos" / "more").mkdir(parents=True)
    (folder / "photos" / "more" / "b.PNG").write_bytes(CHELSEA.read_bytes())
    (folder / "photos" / "a.png").write_bytes(CHELSEA.read_bytes())
    (folder / "photos" / "notes.txt").write_text("no picture")
    run("--images", "photos", "--out", "out")
    inputs = summary(folder / "out")["provenance"]["input"]
    assert [each["name"] for each in inputs.values()] == ["a.png", "b.PNG"]


def test_no_line_is_broken_in_a_pipe(folder: Path) -> None:
    out = "a_long_name_of_a_folder_" * 5
    assert f"report: {out}/report.html\n" in run("--out", out).stdout


@pytest.mark.parametrize("place", ["folder", ""])
def test_json_that_cannot_be_written_is_refused_before_the_run(folder: Path, place: str) -> None:
    (folder / "folder").mkdir()
    with pytest.raises(InputError, match=r"--json.*must be a file"):
        run("--out", "out", "--json", place)
    assert [path.name for path in folder.iterdir()] == ["folder"]


def test_a_checkpoint_is_a_file_whatever_its_name(folder: Path) -> None:
    (folder / "calibrated").write_bytes(b"no weights")
    with pytest.raises(InputError, match="calibrated"):
        run("--out", "out", "--checkpoint", "calibrated")
    assert not (folder / "out").exists()


@pytest.mark.parametrize("place", [".", "none.pth", "/dev/zero"])
def test_a_checkpoint_that_is_no_file_is_refused_before_the_run(folder: Path, place: str) -> None:
    with pytest.raises(InputError, match=rf"--checkpoint {place}: must be a file"):
        run("--out", "out", "--checkpoint", place)


def test_json_through_a_link_leaves_the_link(folder: Path) -> None:
    (folder / "link").symlink_to("target.json")
    run("--out", "out", "--json", "link")
    assert (folder / "link").is_symlink()
    assert json.loads((folder / "target.json").read_text()) == summary(folder / "out")


def test_names_with_brackets_are_printed_as_they_are(folder: Path) -> None:
    assert "report: [red]out/report.html\n" in run("--out", "[red]out").stdout


@pytest.mark.parametrize(
    "images",
    [
        ("",),
        (",",),
        ("astronaut", ""),
        ("astronaut", "missing.png"),
        ("astronaut", __file__),
        (".",),
        ("x" * 300,),
        ("cifar10:" + "x" * 300,),
    ],
    ids=[
        *("none", "comma", "one is none", "one is missing", "one is no picture", "folder"),
        *("too long a name", "too long a folder"),
    ],
)
def test_images_that_cannot_be_used_are_refused_before_the_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, images: tuple[str, ...]
) -> None:
    monkeypatch.setenv("CODESIGN_CACHE", str(folder / "cache"))
    with pytest.raises(
        InputError, match=r"--images|missing\.png|must be a picture|hold pictures|too long"
    ):
        run("--out", "out", "--images", *images)
    assert list(folder.iterdir()) == []


def test_workloads_of_one_name_are_not_compared(folder: Path) -> None:
    (folder / "fsnn18.yaml").write_text(workload_path("fsnn18").read_text())
    for names in ("fsnn18,./fsnn18.yaml", "fsnn18,fsnn18"):
        arguments = ["compare", "--arch", "paper", "--workloads", names]
        with pytest.raises(InputError, match="'fsnn18' twice"):
            CliRunner().invoke(application, arguments, catch_exceptions=False)
    assert not (folder / "reports").exists()


def test_workloads_may_follow_each_other(folder: Path) -> None:
    arguments = ["compare", "--arch", "paper", "--set", "workload.timesteps=1", "-w"]
    done = CliRunner().invoke(application, [*arguments, "fsnn18", "dsnn18"], catch_exceptions=False)
    assert "report: reports/fsnn18_dsnn18_on_paper/report.html\n" in done.stdout


def test_a_run_takes_one_workload(folder: Path) -> None:
    done = CliRunner().invoke(application, ["run", "-w", "fsnn18", "dsnn18"])
    assert done.exit_code == 2
    assert not (folder / "reports").exists()


def test_integers_that_the_chip_repeats_are_printed_apart(folder: Path) -> None:
    policy = ["--set", "policy.integer_input=repeat", "workload.timesteps=1", "--out", "out"]
    done = CliRunner().invoke(application, ["run", "-w", "sew18", *policy], catch_exceptions=False)
    repeated = summary(folder / "out")["counts"]["ac_repeat"]
    assert re.search(rf"^integers as AC +{repeated:,} *$", done.stdout, re.MULTILINE)
    assert "Counts of AC and MAC are those of the network." in done.stdout


def test_a_comparison_prints_them_in_a_column(folder: Path) -> None:
    policy = ["--set", "policy.integer_input=repeat", "workload.timesteps=1"]
    arguments = ["compare", "-w", "sew18", "fsnn18", *policy]
    done = CliRunner().invoke(application, arguments, catch_exceptions=False)
    heading, first, second, *_ = done.stdout.splitlines()
    assert heading.rstrip().endswith("integers as AC")
    assert (first.split()[-1], second.split()[-1]) == ("M", "0")
    assert "Counts of AC and MAC are those of the network." in done.stdout
