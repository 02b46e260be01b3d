"""All pairs of workloads and chips that a comparison asks for, one after the other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from codesign.errors import CapacityError
from codesign.pages.refusals import Refusal, refusal_sentences

if TYPE_CHECKING:
    from codesign.cli.orders import Order
    from codesign.cli.study import Study
    from codesign.results import Result


def run_pairs(work: "Study", order: "Order") -> "tuple[list[Result], list[Refusal]]":
    """Results chip by chip, and what does not fit a chip.

    Raises:
        CapacityError: fewer than two ran; with the reasons of the others.
        CodesignError: anything else that is wrong with the inputs.
    """
    results: list[Result] = []
    refusals: list[Refusal] = []
    for architecture in order.architectures:
        for spec in order.specs:
            try:
                result = work.result(
                    spec, architecture, changes=order.changes, samples=order.samples
                )
            except CapacityError as error:
                reason = str(error).removeprefix(f"{architecture.name}: ")
                refusals.append(Refusal(spec.name, architecture.name, reason))
            else:
                results.append(result)
    if len(results) < 2:
        number = len(results)
        said = f"compare: at least two runs must be possible (got {number})."
        raise CapacityError("\n".join([said, *refusal_sentences(refusals)]))
    return results, refusals


def place_names(summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """A folder for each result: the workload's name, with the chip's where there are several."""
    several = len({summary["architecture"] for summary in summaries}) > 1
    return [
        str(summary["workload"]) + f"_on_{summary['architecture']}" * several
        for summary in summaries
    ]
