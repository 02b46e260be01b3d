"""The largest magnitudes of what layers with weights compute, seen while the network runs.

A layer's numbers are those of the chip's layer: what torch does in a batch norm, or by scaling, is
part of the weights and biases in front of it. Sums are taken before they are rounded to the grid on
which they are stored, which may saturate. Of neurons the membranes are seen where their class shows
them (`codesign.networks.neurons`); those of other libraries are not.

Results are looked at once and never kept. Sums in floating point differ in their last digits from
machine to machine, and so would traces: sums are kept with 12 significant bits, rounded up, and
inputs, which sums are divided by, rounded down.
"""

import math
from collections.abc import Callable, Mapping

import torch

from codesign.trace import Magnitudes
from codesign.workload import SYNAPTIC, Kind, Workload

_SIGNIFICANT_BITS = 12


class Gauge:
    """The largest magnitudes so far, by layer and tensor.

    A layer runs once, or at each timestep; a result of all timesteps may be changed timestep by
    timestep. `step` is the one timestep of a result, None if it is of all or of none.
    """

    def __init__(self) -> None:
        self._sums: dict[str, dict[int | None, float]] = {}
        self._weights: dict[str, torch.Tensor] = {}
        self._factors: dict[str, torch.Tensor] = {}
        self._inputs: dict[str, float] = {}

    def weigh(self, layer: str, weight: torch.Tensor, unit: float, step: int | None) -> None:
        """Takes the weights of a layer with the output channels as their first axis.

        Args:
            layer: its name.
            weight: what it multiplies with.
            unit: what its recorded inputs are multiples of.
            step: of its result; only the first timestep's weights are looked at, as all are equal.
        """
        if not step:
            self._weights[layer], self._factors[layer] = weight.detach(), torch.tensor([unit])

    def scale(self, layer: str, factor: torch.Tensor | float, step: int | None) -> None:
        """Folds a factor, one for all or one for each output channel, into a layer's weights."""
        if layer not in self._weights or step:
            return
        factors = torch.as_tensor(factor).detach().flatten()
        if len(factors) in {1, len(self._weights[layer])}:
            self._factors[layer] = self._factors[layer] * factors
        else:  # no channels of the weights: nothing is known of what they become
            del self._weights[layer]

    def add(self, layer: str, magnitude: float, step: int | None) -> None:
        """Takes the largest sum of a layer with weights, or the largest membrane of neurons."""
        sums = self._sums.setdefault(layer, {})
        if step is None:
            sums.clear()
        else:
            sums.pop(None, None)
        sums[step] = magnitude

    def change(self, layer: str, result: torch.Tensor, step: int | None) -> None:
        """Takes what a layer's sums have become by what is fused into it."""
        if layer in self._sums:
            self.add(layer, largest(result), step)

    def is_finite(self, layer: str, step: int | None) -> bool:
        """Whether a layer's sums were taken and are finite; then nobody has to look again."""
        sums = self._sums.get(layer, {})
        return math.isfinite(sums.get(step, sums.get(None, math.inf)))

    def read(self, tensor: str, values: torch.Tensor) -> None:
        """Takes real values as layers read them."""
        self._inputs[tensor] = max(largest(values), self._inputs.get(tensor, 0.0))

    def magnitudes(self, workload: Workload, owners: Mapping[str, str]) -> dict[str, Magnitudes]:
        """What was seen, in the order of the graph; layers with numbers that are not finite, or
        whose weights are not known, are left out.

        Args:
            workload: the finished graph.
            owners: of membranes that are read, the layer whose result they became.
        """
        inputs = {owners.get(name, name): value for name, value in self._inputs.items()}
        found = {}
        for layer in workload.layers:
            if layer.name not in self._sums:
                continue
            is_weighted = layer.type in SYNAPTIC
            if is_weighted and layer.name not in self._weights:
                continue
            numbers = Magnitudes(
                _rounded(max(self._sums[layer.name].values()), math.ceil),
                self._weight(layer.name) if is_weighted else 0.0,
                _rounded(inputs.get(layer.inputs[0], math.nan), math.floor)
                if is_weighted and workload.input_tensor(layer).kind is Kind.REAL
                else None,
            )
            if all(math.isfinite(x) for x in (numbers.sum, numbers.weight, numbers.input or 0)):
                found[layer.name] = numbers
        return found

    def _weight(self, layer: str) -> float:
        weight, factors = self._weights[layer], self._factors[layer]
        if len(factors) == 1:
            return largest(weight) * abs(float(factors))
        rows = weight.flatten(1)
        return float((torch.maximum(rows.amax(dim=1), -rows.amin(dim=1)) * factors.abs()).max())


def largest(values: torch.Tensor) -> float:
    """The largest magnitude, NaN if one is."""
    values = values.detach()
    if values.is_contiguous():
        low, high = torch.aminmax(values)  # one pass, but slow in any other layout
    else:
        low, high = values.amin(), values.amax()
    return max(-float(low), float(high))


def _rounded(value: float, direction: Callable[[float], int]) -> float:
    """A number with few significant bits, up or down."""
    if not math.isfinite(value):
        return value
    mantissa, exponent = math.frexp(value)
    return math.ldexp(direction(mantissa * 2**_SIGNIFICANT_BITS), exponent - _SIGNIFICANT_BITS)
