"""The command `count`: operations, rates and memory of a workload, without a chip."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from codesign.cli.options import Changes, Checkpoint, Images, Json, NoCache, Samples, Seed
from codesign.cli.streams import console

if TYPE_CHECKING:
    from rich.console import Console

_BITS_PER_BYTE = 8


class Policy(StrEnum):
    """What an integer input k of a layer with weights costs."""

    MAC = "mac"
    REPEAT = "repeat"


def count(
    *,
    workload: Annotated[
        str, typer.Option("--workload", "-w", help="Workload: a name, a file name or a path.")
    ],
    policy: Annotated[
        Policy, typer.Option(help="Integer inputs: MACs, or k ACs for each k.")
    ] = Policy.MAC,
    arch: Annotated[
        str | None,
        typer.Option("--arch", "-a", help="Its number formats give the memory; fp32 if left out."),
    ] = None,
    images: Images = None,
    samples: Samples = None,
    seed: Seed = None,
    checkpoint: Checkpoint = None,
    changes: Changes = None,
    json: Json = None,
    no_cache: NoCache = False,
) -> None:
    """Count a workload's operations exactly, layer by layer, without a chip.

    Example: codesign count --workload dsnn50
    """
    from codesign.census import census
    from codesign.cli.orders import Wish, take_count
    from codesign.cli.runs import write_json
    from codesign.cli.study import study, with_samples

    order = take_count(
        workload,
        arch=arch,
        wish=Wish(images, samples, seed),
        checkpoint=checkpoint,
        changes=changes,
        json=json,
    )
    with study(use_cache=not no_cache) as work:
        found = census(
            *(work.traces(order.spec), order.prices),
            policy=policy.value,
            precision=order.precision,
        )
    summary = with_samples(found.summary, order.samples)
    _print(console(to_stderr=json == "-"), summary)
    write_json(json, summary)


def _print(reader: "Console", summary: dict[str, Any]) -> None:
    """A row for each layer, then totals and what the paper derives from them."""
    from rich.table import Table

    from codesign.pages.headline import samples_sentences
    from codesign.pages.origins import statements
    from codesign.units import si

    table = Table(box=None, pad_edge=False)
    table.add_column("layer", no_wrap=True)
    table.add_column("type")
    numbers = ("dense", "ACs", "rate x dense", "MACs", "zero-skipped", "with BN", "neurons", "rate")
    for column in numbers:
        table.add_column(column, justify="right")
    for column in ("weights", "membranes", "results"):
        table.add_column(column, justify="right")
    sizes = ("weight_bits", "membrane_bits", "result_bits")
    for row in summary["layers"]:
        rate = "" if row["firing_rate"] is None else f"{row['firing_rate']:.1%}"
        sums = [row["dense"], all_accumulates(row), row["ac_rate_dense"], row["mac"]]
        sums += [row["mac_nonzero"], row["mac"] + row["mac_batch_norm"], row["neuron_updates"]]
        table.add_row(
            row["layer"],
            row["type"],
            *(si(value, "") if value else "" for value in sums),
            rate,
            *(si(row[size] / _BITS_PER_BYTE, "B") if row[size] else "" for size in sizes),
        )
    reader.print(table)
    for line in _totals(summary):
        reader.print(line, highlight=False, markup=False, soft_wrap=True)
    for sentence in (*statements(summary["provenance"]), *samples_sentences([summary])):
        reader.print(sentence, style="yellow", highlight=False, markup=False)


def all_accumulates(row: dict[str, Any]) -> float:
    """All additions of a layer, whatever they are for."""
    names = ("synaptic", "neuron", "pool", "product", "residual", "accumulation", "readout")
    return float(sum(row[f"ac_{name}"] for name in names))


def _totals(summary: dict[str, Any]) -> list[str]:
    from codesign.units import si

    counts, fused = summary["counts"], summary["consumption"]["bn_fused"]
    counted, sizes = summary["consumption"]["bn_counted"], summary["footprint"]
    rate = summary["firing_rate"]
    return [
        f"ACs {counts['ac']:,.0f}, with residuals {counts['ac_all']:,.0f}; rate x dense "
        f"{counts['ac_rate_dense']:,.0f}{_difference(summary)}",
        *_products(summary),
        f"MACs {counts['mac']:,.0f} (zero-skipped {counts['mac_nonzero']:,.0f}, with batch norm "
        f"{counts['mac_with_bn']:,.0f}); integer inputs by policy '{summary['integer_input']}'",
        f"neuron updates {counts['neuron_updates']:,.0f}"
        + ("" if rate is None else f", of which {rate:.1%} fire"),
        f"memory: weights {si(sizes['weight_bits'] / 8, 'B')} ({sizes['weights']:,}), membranes "
        f"{si(sizes['membrane_bits'] / 8, 'B')}, results {si(sizes['result_bits'] / 8, 'B')} "
        f"({summary['formats']['source']})",
        f"estimated consumption (eq. 15): {_range(fused)}; with batch norm {_range(counted)}",
        f"energy over that of an ANN of the same layers: {fused['ratio']:.2f}; its limit (eq. 6), "
        f"T x rate x E_AC / E_MAC: {fused['limit_ratio']:.2f}",
    ]


def _products(summary: dict[str, Any]) -> list[str]:
    """How many products of recorded values there are; in most networks none."""
    dense, met = summary["dense_products"], summary["counts"]["ac_product"]
    if not dense:
        return []
    return [f"products of spikes {dense:,}, in which {met:,.0f} pairs meet and are accumulated"]


def _difference(summary: dict[str, Any]) -> str:
    """How far the exact count is from the paper's estimate, which knows no repeated integers."""
    counts = summary["counts"]
    if not counts["ac_rate_dense"] or summary["integer_input"] == Policy.REPEAT:
        return ""
    difference = counts["ac"] / counts["ac_rate_dense"] - 1
    return f", from which the exact count differs by {difference:+.1%}"


def _range(found: dict[str, float]) -> str:
    from codesign.units import si

    return f"{si(found['least_pj'] * 1e-12, 'J')} to {si(found['most_pj'] * 1e-12, 'J')}"
