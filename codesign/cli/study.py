"""A study: one workload on one architecture, over one or several photographs, with progress."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from codesign import trace_cache
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import AnyWorkload
from codesign.trace import Trace

if TYPE_CHECKING:
    from codesign.results import Result


@dataclass
class Study:
    """What a command shows while it works; everything goes to stderr."""

    progress: Progress
    use_cache: bool

    def result(
        self,
        spec: AnyWorkload,
        architecture: Architecture,
        *,
        changes: Sequence[str],
        samples: Sequence[Any],
        what_ifs: int = 0,
    ) -> "Result":
        """The result over all images of a workload; traces are read one at a time.

        Args:
            spec: the workload.
            architecture: the chip.
            changes: what was replaced in the files of both, for the summary.
            what_ifs: how many resources are tried twice as fast, on the first image.
            samples: how samples of data sets were chosen, for the provenance.

        Raises:
            CodesignError: anything that is wrong with the inputs or does not fit the chip.
        """
        from codesign.combination import combine
        from codesign.evaluation import evaluate
        from codesign.specs.precision import with_precision

        spec = with_precision(spec, architecture)
        stages = self._bars(spec.name) if len(spec.images) == 1 else None
        result = combine(
            evaluate(
                trace,
                architecture,
                progress=stages,
                has_timeline=not number,
                what_ifs=0 if number else what_ifs,
            )
            for number, trace in enumerate(self.traces(spec))
        )
        summary = with_samples(result.summary, samples) | {"changes": list(changes)}
        return replace(result, summary=summary | {"accuracy": self.accuracy(spec)})

    def accuracy(self, spec: AnyWorkload) -> dict[str, Any] | None:
        """How many test pictures a trained network classifies rightly; None of any other."""
        from codesign.accuracy import accuracy

        found = accuracy(spec, notice=self.notice, use_cache=self.use_cache)
        return None if found is None else found.as_json()

    def traces(self, spec: AnyWorkload) -> Iterator[Trace]:
        """What was recorded of each image, one after the other, with one bar for all."""
        count = len(spec.images)
        what = "inference" if count == 1 else "images"
        bar = self.progress.add_task(f"{spec.name}: {what}", total=None if count == 1 else count)
        for picture in spec.images:
            trace = self.trace(spec, picture)
            if count == 1:
                self.progress.update(bar, completed=1, total=1)
            yield trace
            if count > 1:
                self.progress.advance(bar)

    def trace(self, spec: AnyWorkload, picture: str) -> Trace:
        """What was recorded of one image."""
        return trace_cache.recording(
            spec, picture, notice=self.notice, use_cache=self.use_cache
        ).trace

    def notice(self, sentence: str) -> None:
        self.progress.console.print(
            f"note: {sentence}", style="yellow", highlight=False, markup=False, soft_wrap=True
        )

    def _bars(self, label: str) -> Callable[[str, int, int], None]:
        bars: dict[str, int] = {}

        def show(stage: str, done: int, total: int) -> None:
            if stage not in bars:
                bars[stage] = self.progress.add_task(f"{label}: {stage}", total=total)
            self.progress.update(bars[stage], completed=done)  # type: ignore[arg-type]

        return show


def with_samples(summary: Mapping[str, Any], samples: Sequence[Any]) -> dict[str, Any]:
    """A summary whose provenance says how samples were chosen, if any were."""
    if not samples:
        return dict(summary)
    numbered = {f"data set {number}": each for number, each in enumerate(samples, 1)}
    provenance = dict(summary["provenance"] or {}) | {"samples": numbered}
    return dict(summary) | {"provenance": provenance}


@contextmanager
def study(*, use_cache: bool) -> Iterator[Study]:
    """A study with its bars on stderr."""
    with bars_on_stderr() as progress:
        yield Study(progress, use_cache)


@contextmanager
def stage(description: str) -> Iterator[None]:
    """A bar on stderr for work that comes after a study."""
    with bars_on_stderr() as progress, _bar(progress, description):
        yield


@contextmanager
def _bar(progress: Progress, description: str) -> Iterator[None]:
    """One bar for work that cannot say how far it is."""
    bar = progress.add_task(description, total=None)
    yield
    progress.update(bar, completed=1, total=1)


def bars_on_stderr() -> Progress:
    """Bars of work, each with how much is done."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=Console(stderr=True))
