"""The command `train`: a network of a workload learns a data set."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.cli.options import Json
from codesign.cli.streams import console

if TYPE_CHECKING:
    from codesign.specs.workload import WorkloadSpec
    from codesign.training import Observer, Options, Training


def train(
    *,
    workload: Annotated[
        str,
        typer.Option(
            "--workload",
            "-w",
            help="Workload: a name, a file name or a path. Training starts from initial values, "
            "whatever its weights are.",
        ),
    ],
    data: Annotated[
        str,
        typer.Option(
            "--data",
            "-d",
            help="Data set: digits, mnist, or SET:FOLDER, SET one of imagenet, cifar10, cifar100, "
            "dvsgesture, cifar10dvs. Of a set without a test part every tenth sample is held out.",
        ),
    ],
    validation: Annotated[
        str | None, typer.Option(help="Data set to test on, instead of the set's own part.")
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(
            help="digits, mnist, cifar10 (ours), imagenet, dvs_gesture, cifar10_dvs, cifar100 (the "
            "paper's); that of the data set if left out. Other options change its values."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training samples.")] = None,
    seed: Annotated[int, typer.Option(help="Of initial values, order and augmentation.")] = 0,
    batch: Annotated[
        int | None, typer.Option(help="Samples of a step, over all processes together.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="The largest one.")] = None,
    optimiser: Annotated[str | None, typer.Option(help="sgd or adamw.")] = None,
    weight_decay: Annotated[
        float | None, typer.Option(help="Of what is neither a norm nor a bias.")
    ] = None,
    rate_penalty: Annotated[
        float,
        typer.Option(help="So many times the mean firing rate of all neurons joins the loss."),
    ] = 0.0,
    surrogate_slope: Annotated[
        float | None, typer.Option(help="Slope of the surrogate gradient.")
    ] = None,
    identity_start: Annotated[
        bool | None,
        typer.Option(
            "--identity-start/--no-identity-start", help="Start branches at zero, or not."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    amp: Annotated[
        str, typer.Option(help="Mixed precision: on, off, or auto, which is on for CUDA alone.")
    ] = "auto",
    workers: Annotated[
        int, typer.Option(help="Processes that read samples of sets which do not fit in memory.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Folder for checkpoint, metrics, weights and card; reports/training/WORKLOAD if "
            "left out. What was interrupted there goes on.",
        ),
    ] = None,
    json: Json = None,
) -> None:
    """Train a network of a workload on a data set; both streams at once where it has two.

    Example: codesign train --workload dsnn_digits --data digits --epochs 12
    """
    from codesign.cli.folders import require_file
    from codesign.cli.options import require_no_folder
    from codesign.training import Options, trainable
    from codesign.training.processes import take_threads

    asked = {
        **{"recipe": recipe, "epochs": epochs, "seed": seed, "batch": batch},
        **{"learning_rate": learning_rate, "optimiser": optimiser, "weight_decay": weight_decay},
        "rate_penalty": rate_penalty,
        **{"surrogate_slope": surrogate_slope, "identity_start": identity_start},
        **{"validation": validation, "device": device, "amp": amp, "workers": workers},
    }
    require_no_folder("--workload", workload)
    folder = out or Path("reports") / "training" / Path(workload).stem
    require_file(json, outside=folder)
    spec = trainable(workload)
    take_threads(spec, device)
    options = Options(**asked)  # type: ignore[arg-type]
    line = command_line({"workload": workload, "data": data, **asked}, Options(seed=seed))
    done = _train(spec, data, options, folder, line)
    if _is_first():
        _finish(done, spec.name, data, folder, json)


def command_line(asked: dict[str, Any], usual: "Options") -> str:
    """The command that says the same, with what differs from the usual and the seed."""
    words = ["codesign", "train"]
    for name, value in asked.items():
        option = "--" + name.replace("_", "-")
        if name == "identity_start" and value is not None:
            words.append(option if value else "--no-identity-start")
        elif name == "seed" or value != getattr(usual, name, None):
            words += [option, str(value)]
    return shlex.join(words)


def _train(
    spec: "WorkloadSpec", data: str, options: "Options", folder: Path, line: str
) -> "Training":
    from codesign.training import train as train_network

    with _shown() as observer:
        return train_network(spec, data, options, folder=folder, observer=observer, line=line)


def _is_first() -> bool:
    """Whether this process speaks, of those that torch's launcher started."""
    import os

    return os.environ.get("RANK", "0") == "0"


@contextmanager
def _shown() -> "Iterator[Observer]":
    """An observer that shows bars and epochs on stderr."""
    from codesign.training import Observer

    if not _is_first():
        yield Observer()
        return

    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    screen = console(to_stderr=True)

    class Shown(Observer):
        """Bars of epochs and steps, and a line for each epoch."""

        def note(self, sentence: str) -> None:
            screen.print(
                f"note: {sentence}", style="yellow", highlight=False, markup=False, soft_wrap=True
            )

        def started(self, epochs: int, steps: int, *, epoch: int, step: int) -> None:
            bars.start()
            self.all = bars.add_task("epochs", total=epochs, completed=epoch)
            self.one = bars.add_task("steps", total=steps, completed=step)

        def stepped(self, epoch: int, step: int, loss: float) -> None:  # noqa: ARG002 - the base's
            bars.update(self.one, completed=step, description=f"steps, loss {loss:.3f}")

        def epoch_done(self, row: dict[str, Any]) -> None:
            bars.update(self.all, completed=row["epoch"])
            screen.print(epoch_line(row), highlight=False, markup=False, soft_wrap=True)

    bars = Progress(*columns, console=screen, refresh_per_second=4)
    try:
        yield Shown()
    finally:
        if bars.tasks:
            bars.stop()


def epoch_line(row: dict[str, Any]) -> str:
    """An epoch in words."""
    heads = ", ".join(
        f"{head} {100 * row[f'test_accuracy_{head}']:.2f} %"
        for head in ("spike", "accumulation", "sum")
        if row[f"test_accuracy_{head}"] is not None
    )
    return (
        f"epoch {row['epoch']}: loss {row['train_loss']:.4f}; test: {heads}; "
        f"firing rate {row['test_firing_rate']:.3f}; {row['seconds']:.1f} s"
    )


def summary_line(name: str, data: str, card: dict[str, Any]) -> str:
    """A training in words."""
    heads = ", ".join(
        f"{head} {100 * reached['accuracy']:.2f} % ({reached['correct']}/{reached['total']})"
        for head, reached in card["accuracy"].items()
    )
    return f"{name} on {data}: {heads}; firing rate {card['firing_rate']:.3f}"


def _finish(done: "Training", name: str, data: str, folder: Path, json: str | None) -> None:
    from codesign.cli.runs import write_json

    reader = console(to_stderr=json == "-")
    for line in (summary_line(name, data, done.card), f"weights: {folder / 'weights.safetensors'}"):
        reader.print(line, highlight=False, markup=False, soft_wrap=True)
    write_json(json, done.card)
