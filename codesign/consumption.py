"""What the paper derives from counts: bounds of energy (eq. 15), its ratio to an ANN's (eq. 6).

Both price operations alone, as eq. 7 of arXiv 2301.11929 does; a chip also moves data. The
published rows that can be checked are reproduced: SEW-18 [12.65, 16.40] mJ and the td-BN
Spiking-34 [0.69, 19.85] mJ (with batch norm counted).
"""

from dataclasses import dataclass

from codesign.counting import dense_operations
from codesign.specs.architecture import PaperEnergies
from codesign.workload import SYNAPTIC, Kind, LayerType, Workload

WITH_DENSE_COUNT = (*SYNAPTIC, LayerType.PRODUCT)


@dataclass(frozen=True)
class Consumption:
    """Estimates from a network's shapes and its recorded rates.

    Attributes:
        dense_ac: ACs if every spike-driven synapse were active at every timestep, and one for
            each neuron update.
        least_pj: eq. 15's lower bound: the MACs alone, as if nothing fired.
        most_pj: eq. 15's upper bound: the MACs and `dense_ac`.
        firing_rate: rate of the inputs of the spike-driven layers, weighted by their synapses:
            recorded rate x dense ACs over dense ACs.
        limit_ratio: eq. 6: `T x firing_rate x E_AC / E_MAC`, what the energy of an SNN over that
            of the same ANN tends to as spikes carry more of the work.
        ratio: eq. 7's energy over that of an ANN of the same layers, all of its synapses MACs,
            run once.
    """

    dense_ac: int
    least_pj: float
    most_pj: float
    firing_rate: float
    limit_ratio: float
    ratio: float


def consumption(
    workload: Workload, counts: dict[str, int | float], prices: PaperEnergies, *, with_bn: bool
) -> Consumption:
    """Eq. 15's bounds and eq. 6's ratio.

    Args:
        workload: the network.
        counts: totals as of `codesign.counting.totals`.
        prices: of an AC and a MAC, in pJ.
        with_bn: count batch norms as MACs, as some rows of Table 2 do.
    """
    synapses = _dense_accumulates(workload)
    updates = sum(
        workload.output_tensor(layer).size * workload.output_tensor(layer).timesteps
        for layer in workload.layers
        if layer.type is LayerType.NEURON
    )
    driven = counts["ac_rate_dense"] - counts["ac_neuron"] - counts["ac_pool"]
    rate = driven / synapses if synapses else 0.0
    mac = counts["mac_with_bn" if with_bn else "mac"]
    least = mac * prices.mac_pj
    spent = least + counts["ac_rate_dense"] * prices.ac_pj
    return Consumption(
        dense_ac=synapses + updates,
        least_pj=least,
        most_pj=least + (synapses + updates) * prices.ac_pj,
        firing_rate=rate,
        limit_ratio=workload.timesteps * rate * prices.ac_pj / prices.mac_pj,
        ratio=spent / (_ann_multiplies(workload) * prices.mac_pj),
    )


def _dense_accumulates(workload: Workload) -> int:
    """Synapses of all spike-driven layers at all their timesteps, padding included; of products
    all their terms."""
    return sum(
        dense_operations(workload, layer) * workload.output_tensor(layer).timesteps
        for layer in workload.layers
        if layer.type in WITH_DENSE_COUNT and workload.input_tensor(layer).kind is Kind.SPIKE
    )


def _ann_multiplies(workload: Workload) -> int:
    """MACs of an ANN with the same weighted layers and products, each computed once."""
    return sum(
        dense_operations(workload, layer)
        for layer in workload.layers
        if layer.type in WITH_DENSE_COUNT
    )
