"""Stages: what waits for what, stage by stage.

A stage is a fused layer at one step (a timestep, or a batch of them) of one image. It needs the
stages that make what it reads; it waits for the room that others leave in the activation buffer,
and for the barrier in front of its epoch.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from codesign.mapping.fusion import read_tensors
from codesign.mapping.jobs import Stage
from codesign.mapping.mapper import Mapping
from codesign.mapping.planning import Plan
from codesign.workload import LayerType

_Passes = dict[tuple[int, int], list[int]]
"""Stages of each (layer, pass), passes counted over all images."""


def first_stages(mapping: Mapping) -> tuple[int, ...]:
    """Number of an image's first stage of each fused layer, those of its timesteps behind it."""
    numbers = [0]
    for plan in mapping.plans[:-1]:
        numbers.append(numbers[-1] + plan.geometry.steps)
    return tuple(numbers)


def stages_of(mapping: Mapping, images: int = 1) -> tuple[Stage, ...]:
    """All stages, image by image, layer by layer and timestep by timestep; behind them those of
    single tiles whose partial sums are brought together, as `TileStages` numbers them."""
    order = mapping.order
    first, count = first_stages(mapping), stage_count(mapping)
    needs = _needs(mapping, first)
    keys = [
        (image, plan.fused.index, step)
        for image in range(images)
        for plan in mapping.plans
        for step in range(plan.geometry.steps)
    ]
    steps = {
        (image, layer, step): image * order.passes + order.pass_of[layer][step]
        for image, layer, step in keys
    }
    passes: _Passes = defaultdict(list)
    for image, layer, step in keys:
        number = image * count + first[layer] + step
        passes[layer, steps[image, layer, step]].append(number)
    stages = []
    for image, layer, step in keys:
        at = steps[image, layer, step]
        needed = tuple(image * count + each for each in needs[first[layer] + step])
        room = tuple(dict.fromkeys(_awaited(mapping, layer, at, passes)))
        first_timestep = step * mapping.plans[layer].geometry.batch
        stages.append(Stage(layer, first_timestep, needed, room, _epoch(mapping, layer, at), image))
    tiles = TileStages(mapping, images)
    return (*stages, *tiles.stages(stages))


def stage_count(mapping: Mapping) -> int:
    """Stages of one image, without those of single tiles."""
    return sum(plan.geometry.steps for plan in mapping.plans)


class TileStages:
    """Numbers of the stages of single tiles: of their partial sums, and of the tiles themselves.

    They come behind all others: image by image, layer by layer, tile by tile, timestep by
    timestep, the partial sums before the tile.
    """

    def __init__(self, mapping: Mapping, images: int):
        self._mapping, self._images = mapping, images
        self._base = images * stage_count(mapping)
        self._first: dict[int, int] = {}
        self.of_image = 0
        for plan in mapping.plans:
            if plan.grid.is_spread:
                self._first[plan.fused.index] = self.of_image
                self.of_image += 2 * plan.grid.tile_count * plan.geometry.steps

    def sums(self, image: int, layer: int, tile: int, timestep: int) -> int:
        """The stage of a tile's partial sums; that of the tile itself is the next."""
        timesteps = self._mapping.plans[layer].geometry.steps
        place = 2 * (tile * timesteps + timestep)
        return self._base + image * self.of_image + self._first[layer] + place

    def stages(self, of_layers: Sequence[Stage]) -> Iterator[Stage]:
        """All of them in order; `of_layers` are those before them.

        Partial sums need what their layer needs; they wait until the sums of two timesteps
        before, whose place they take, were added up.
        """
        first, count = first_stages(self._mapping), stage_count(self._mapping)
        for image in range(self._images):
            for layer in self._first:
                plan = self._mapping.plans[layer]
                timesteps = plan.geometry.steps
                for tile in range(plan.grid.tile_count):
                    for timestep in range(timesteps):
                        of_layer = of_layers[image * count + first[layer] + timestep]
                        then = divmod(image * timesteps + timestep - 2, timesteps)
                        room: tuple[int, ...] = ()
                        if then[0] >= 0:
                            room = (self.sums(then[0], layer, tile, then[1]) + 1,)
                        yield replace(of_layer, room=room)
                        yield replace(of_layer, needs=(), room=())


def _needs(mapping: Mapping, first: Sequence[int]) -> list[list[int]]:
    """For each stage of one image, the stages that make what it reads."""
    maker = {name: plan.fused.index for plan in mapping.plans for name in plan.fused.stored}
    needs = []
    for plan in mapping.plans:
        for step in range(plan.geometry.steps):
            needed = [
                first[maker[name]] + made
                for name in read_tensors(plan.fused)
                if name in maker
                for made in _needed_steps(mapping, plan, maker[name], step)
            ]
            if plan.geometry.membranes == "spilled" and step:
                needed.append(first[plan.fused.index] + step - 1)
            needs.append(list(dict.fromkeys(needed)))
    return needs


def _awaited(mapping: Mapping, layer: int, at: int, passes: _Passes) -> list[int]:
    """Stages that leave room for a layer in a pass."""
    room, of_image = mapping.room, mapping.order.passes
    places = [(each, at) for each in room.same_pass[layer]]
    places += [(each, at - 1) for each in room.pass_before[layer]]
    places += [(each, at - 2) for each in room.two_passes_before[layer]]
    places += [(each, at - back) for each, back in room.rings[layer]]
    for each, back in room.images[layer]:
        begin = (at // of_image - back) * of_image
        places += [(each, number) for number in range(begin, begin + of_image)]
    return [stage for place in places if place[1] >= 0 for stage in passes.get(place, ())]


def _epoch(mapping: Mapping, layer: int, at: int) -> int:
    schedule = mapping.architecture.schedule
    if schedule.barrier == "layer":
        return at * len(mapping.plans) + layer
    return at + mapping.order.depth[layer] if schedule.barrier == "timestep" else 0


def _needed_steps(mapping: Mapping, plan: Plan, maker: int, step: int) -> range:
    """Steps of a layer that makes what another reads at a step: all for a mean over time, the
    only one of what is made once, else the same."""
    made = mapping.plans[maker].geometry.steps
    if plan.fused.main.type is LayerType.TIME_MEAN:
        return range(made)
    return range(1) if made == 1 else range(step, step + 1)
