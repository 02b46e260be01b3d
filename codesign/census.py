"""Census: operations, rates and memory of a workload, layer by layer, without a chip.

Counts are means per input; inputs are looked at one after the other, so that memory does not grow
with their number. Under the policy `repeat` integer inputs cost k ACs for each k, else MACs.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pandas as pd

from codesign.consumption import WITH_DENSE_COUNT, consumption
from codesign.counting import count_layers, dense_operations, totals
from codesign.errors import Fault, InputError
from codesign.footprint import FP32, footprint
from codesign.results import COUNTS, provenance_of_all
from codesign.specs.architecture import PaperEnergies, Precision
from codesign.trace import Trace
from codesign.workload import SYNAPTIC, Kind, Layer, LayerType, Workload

IntegerPolicy = Literal["mac", "repeat"]


@dataclass(frozen=True)
class Census:
    """What was counted.

    Attributes:
        layers: a row for each layer, over all timesteps: `layer`, `type`, `stream`, the columns
            of `codesign.results.COUNTS`, `ac_rate_dense`, `neurons`, `spikes` (these as means per
            input), `firing_rate` (spikes per neuron update; NaN without neurons), `dense` (the
            operations of a weighted layer or a product if no operand were zero, padding
            included), and the columns of `codesign.footprint.footprint`.
        summary: the same as JSON values, with totals, eq. 15's bounds and eq. 6's ratio.
    """

    layers: pd.DataFrame
    summary: dict[str, Any]


def census(
    traces: Iterable[Trace],
    prices: PaperEnergies,
    *,
    policy: IntegerPolicy = "mac",
    precision: Precision = FP32,
) -> Census:
    """Counts the operations of recorded inputs of one workload.

    Args:
        traces: of one workload; read one at a time.
        prices: of an AC and a MAC, for eq. 15.
        policy: what an integer input costs.
        precision: number formats for the memory.

    Raises:
        InputError: there is no trace, or they are of different workloads.
    """
    inputs: list[Any] = []
    for trace in traces:
        counted = _by_layer(_as_executed(count_layers(trace), trace.workload, policy))
        if not inputs:
            sums, first = counted, trace
        elif trace.workload != first.workload:
            raise InputError(Fault("census", "needs inputs of one workload (got different ones)."))
        else:
            numbers = sums.columns[3:]
            sums[numbers] += counted[numbers]
        inputs.append(trace.provenance.get("input"))
    if not inputs:
        raise InputError(Fault("census", "needs at least one input (got none)."))
    layers = sums
    if len(inputs) > 1:
        layers = sums.assign(**{name: sums[name] / len(inputs) for name in sums.columns[3:]})
    layers["firing_rate"] = layers["spikes"] / layers["neurons"].where(layers["neurons"] > 0)
    layers["dense"] = [_dense(first.workload, layer) for layer in first.workload.layers]
    layers = layers.merge(footprint(first.workload, precision), on="layer", sort=False)
    return Census(layers, _summary(layers, first, prices, (inputs, policy, precision)))


def _dense(workload: Workload, layer: Layer) -> int:
    if layer.type not in WITH_DENSE_COUNT:
        return 0
    return dense_operations(workload, layer) * workload.output_tensor(layer).timesteps


def _as_executed(layers: pd.DataFrame, workload: Workload, policy: IntegerPolicy) -> pd.DataFrame:
    """Counts in which the integer inputs cost what the policy says."""
    if policy == "mac":
        return layers
    integers = {
        layer.name
        for layer in workload.layers
        if layer.type in SYNAPTIC and workload.input_tensor(layer).kind is Kind.INTEGER
    }
    repeats = layers["layer"].isin(integers)
    changed = layers.copy()
    changed["ac_synaptic"] += changed["ac_repeat"].where(repeats, 0)
    for name in ("mac", "mac_nonzero"):
        changed[name] = changed[name].where(~repeats, 0)
    return changed


def _by_layer(layers: pd.DataFrame) -> pd.DataFrame:
    columns = [*COUNTS, "ac_rate_dense", "neurons", "spikes"]
    keys = ["layer", "type", "stream"]
    sums: pd.DataFrame = layers.groupby(keys, sort=False)[columns].sum().reset_index()
    return sums


def _summary(
    layers: pd.DataFrame,
    trace: Trace,
    prices: PaperEnergies,
    choices: tuple[list[Any], IntegerPolicy, Precision],
) -> dict[str, Any]:
    inputs, policy, precision = choices
    counts = totals(layers)
    rows = layers.astype(object).where(layers.notna(), None)
    sizes = ("weights", "weight_bits", "membrane_bits", "result_bits")
    updates = layers["neurons"].sum()
    return {
        "workload": trace.workload.name,
        "timesteps": trace.workload.timesteps,
        "images": len(inputs),
        "integer_input": policy,
        "formats": precision.model_dump(mode="json", by_alias=True),
        "counts": counts,
        "dense_products": int(layers.loc[layers["type"] == LayerType.PRODUCT, "dense"].sum()),
        "firing_rate": float(layers["spikes"].sum() / updates) if updates else None,
        "footprint": {name: int(layers[name].sum()) for name in sizes},
        "consumption": {
            rule: asdict(consumption(trace.workload, counts, prices, with_bn=with_bn))
            for rule, with_bn in (("bn_fused", False), ("bn_counted", True))
        },
        "layers": rows.to_dict("records"),
        "provenance": provenance_of_all(trace.provenance, inputs),
    }
