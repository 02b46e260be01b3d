"""Tiles: which elements of which tensors a job reads and makes, and what it computes of them.

A layer's maps are `(channels, rows, columns)`; `input_places` and `output_places` say which element
of a tensor stands where in them. What a job reads is put into an otherwise poisoned map, so that
a job that reaches for more than it has loaded computes what is wrong.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from codesign.mapping.fusion import ELEMENT_WISE
from codesign.workload import Contraction, Layer, LayerType
from tests.oracle.parts import Part, Site
from tests.replay.reference import Network, element_wise, fired, indices

Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Load:
    """Elements that a job reads of a tensor, at some timesteps of it."""

    name: str
    timesteps: tuple[int, ...]
    elements: Integers


@dataclass(frozen=True)
class Tile:
    """One job's part of a layer, with numbers."""

    network: Network
    site: Site
    part: Part

    @property
    def main(self) -> Layer:
        return self.site.plan.fused.main

    @cached_property
    def elements(self) -> Integers:
        """Elements of the tile in every tensor of the output's size."""
        return output_places(self.site)[self.part.outputs][:, self.part.rows].ravel()

    def timesteps_of(self, name: str) -> tuple[int, ...]:
        """The timesteps of a tensor that the job reads: all for a mean over time; what does not
        change with the timestep is read again for each of the job's."""
        made = self.network.workload.tensor_by_name[name].timesteps
        if self.main.type is LayerType.TIME_MEAN and name == self.main.inputs[0]:
            return tuple(range(made))
        is_held = made < self.site.plan.geometry.timesteps
        return tuple(0 if is_held else timestep for timestep in self.part.timesteps)

    @cached_property
    def inputs(self) -> list[Load]:
        """What the main layer reads; of a product both operands."""
        part, site = self.part, self.site
        places = input_places(site)[part.all_channels(site)][:, part.input_rows(site)]
        loads = [Load(site.source, self.timesteps_of(site.source), places.ravel())]
        if self.main.contraction:
            name = self.main.inputs[1]
            values = value_places(self.main.contraction)[part.outputs][:, part.terms]
            loads.append(Load(name, self.timesteps_of(name), values.ravel()))
        return loads

    @cached_property
    def operands(self) -> list[Load]:
        """What the epilogue reads beside."""
        names = self.site.plan.fused.operands if self.part.is_last else ()
        return [Load(name, self.timesteps_of(name), self.elements) for name in names]

    @cached_property
    def stored(self) -> tuple[str, ...]:
        return self.site.plan.fused.stored if self.part.is_last else ()

    def sums(self, read: list[Integers]) -> Integers:
        """What the main layer makes of its input, by timestep and element; element-wise layers
        pass it on. Biases are not in it."""
        source = self._map(read[0])
        if self.main.type is LayerType.PRODUCT:
            made = self._product(source, read[1])
        elif self.site.plan.fused.is_synaptic:
            made = self._convolved(source)
        elif self.main.type in ELEMENT_WISE:
            made = source[:, self.part.outputs][:, :, self.part.rows]
        elif self.main.type is LayerType.TIME_MEAN:
            made = source[:, self.part.outputs][:, :, self.part.rows].sum(axis=0, keepdims=True)
        else:
            made = self._pooled(source)
        return made.reshape(len(made), -1)

    def _map(self, read: Integers) -> Integers:
        """What was read, in a map of the layer that is poisoned elsewhere."""
        shape = self.site.plan.geometry.input_map
        poison = 10**9 + np.arange(np.prod(shape)).reshape(shape)
        maps = np.repeat(poison[None], len(read), axis=0)
        channels, rows = self.part.all_channels(self.site), self.part.input_rows(self.site)
        maps[:, np.array(channels)[:, None], np.array(rows, dtype=int)] = read.reshape(
            len(read), len(channels), len(rows), shape[2]
        )
        return maps

    def _seen(self, maps: Integers, i: int, j: int) -> Integers:
        """What the job's output pixels see at a tap, for each channel of some maps;
        zeros beside the map."""
        window = self.site.plan.geometry.window
        height, width = maps.shape[2:]
        columns = np.arange(self.site.plan.geometry.output_map[2])
        y = np.array(self.part.rows) * window.stride[0] + i * window.dilation[0] - window.padding[0]
        x = columns * window.stride[1] + j * window.dilation[1] - window.padding[1]
        is_inside = ((y >= 0) & (y < height))[:, None] & ((x >= 0) & (x < width))
        seen = maps[:, :, np.clip(y, 0, height - 1)[:, None], np.clip(x, 0, width - 1)]
        return np.where(is_inside, seen, 0)

    def _convolved(self, source: Integers) -> Integers:
        weights = self.network.weights[self.main.name]
        kernel, terms = self.site.plan.geometry.window.kernel, list(self.part.terms)
        per_group = self.site.plan.geometry.outputs_per_group
        made = []
        for output in self.part.outputs:
            mine = source[:, self.part.channels(self.site, output // per_group)]
            total = np.zeros((), dtype=np.int64)
            for i in range(kernel[0]):
                for j in range(kernel[1]):
                    seen = self._seen(mine, i, j)
                    total = total + np.tensordot(weights[output, terms, i, j], seen, (0, 1))
            made.append(total)
        return np.stack(made, axis=1)

    def _pooled(self, source: Integers) -> Integers:
        kernel, is_max = self.site.plan.geometry.window.kernel, self.main.type is LayerType.MAX_POOL
        mine = source[:, self.part.outputs]
        taps = [self._seen(mine, i, j) for i in range(kernel[0]) for j in range(kernel[1])]
        return np.max(taps, axis=0) if is_max else np.sum(taps, axis=0)

    def _product(self, events: Integers, read: Integers) -> Integers:
        meet, part = self.main.contraction, self.part
        assert meet
        values = read.reshape(len(read), len(part.outputs), len(part.terms))
        made = []
        for place, output in enumerate(part.outputs):
            mine = events[:, part.channels(self.site, output // meet.outputs)][:, :, part.rows]
            made.append(np.einsum("tkpx,tk->tpx", mine, values[:, place]))
        return np.stack(made, axis=1)

    def finished(
        self, sums: Integers, operands: dict[str, Integers], membranes: Integers
    ) -> tuple[dict[str, Integers], Integers]:
        """Biases, and the element-wise layers one by one: all results by timestep and element,
        and the membranes after the last timestep."""
        network, fused = self.network, self.site.plan.fused
        pixels = len(self.part.rows) * self.site.plan.geometry.output_map[2]
        biases = network.biases.get(self.main.name)
        if biases is not None:
            sums = sums + np.repeat(biases[self.part.outputs], pixels)
        if rounding := network.roundings.get(self.main.name):
            sums = rounding.stored(sums, np.repeat(rounding.shifts[self.part.outputs], pixels))
        leads = self.main.type in ELEMENT_WISE
        values = dict(operands)
        values[self.main.inputs[0] if leads else self.main.output] = sums
        for layer in fused.layers if leads else fused.epilogue:
            if layer.type is LayerType.NEURON:
                spikes = []
                threshold, limit = network.thresholds[layer.name], network.limits.get(layer.name)
                if not isinstance(threshold, int):
                    threshold = np.repeat(threshold[self.part.outputs], pixels)
                for current in values[layer.inputs[0]]:
                    made, membranes = fired(membranes, current, threshold, limit)
                    spikes.append(made)
                values[layer.output] = np.stack(spikes)
            else:
                values[layer.output] = element_wise(layer, [values[name] for name in layer.inputs])
        return values, membranes


def _of_rows_of_features(shape: tuple[int, int, int]) -> Integers:
    """A linear layer's tensors are `(places, features)`, its maps `(features, places, 1)`."""
    features, places, _ = shape
    return np.arange(features * places).reshape(places, features).T[:, :, None]


def input_places(site: Site) -> Integers:
    """The element of the input that stands at each place of the layer's input map."""
    shape, meet = site.plan.geometry.input_map, site.plan.fused.main.contraction
    if meet:
        return indices(meet, meet.event_strides, "gpk").transpose(0, 2, 1).reshape(shape)
    if site.plan.fused.main.type is LayerType.LINEAR:
        return _of_rows_of_features(shape)
    return np.arange(np.prod(shape)).reshape(shape)


def output_places(site: Site) -> Integers:
    """The element of a result that stands at each place of the layer's output map."""
    shape, meet = site.plan.geometry.output_map, site.plan.fused.main.contraction
    if meet:
        elements = np.arange(np.prod(shape)).reshape(meet.groups, meet.places, meet.outputs)
        return elements.transpose(0, 2, 1).reshape(shape)
    if site.plan.fused.main.type is LayerType.LINEAR:
        return _of_rows_of_features(shape)
    return np.arange(np.prod(shape)).reshape(shape)


def value_places(meet: Contraction) -> Integers:
    """The element of a product's second operand for each output channel and term."""
    places = indices(meet, meet.value_strides, "gkj").transpose(0, 2, 1)
    return places.reshape(meet.groups * meet.outputs, meet.inner)
