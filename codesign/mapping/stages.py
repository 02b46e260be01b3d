"""Stages: what waits for what, stage by stage.

A stage is a fused layer at one timestep of one image. It needs the stages that make what it
reads; it waits for the room that others leave in the activation buffer, and for the barrier in
front of its epoch.
"""

from collections import defaultdict
from collections.abc import Sequence

from codesign.mapping.fusion import read_tensors
from codesign.mapping.jobs import Stage
from codesign.mapping.mapper import Mapping
from codesign.mapping.planning import Plan
from codesign.workload import LayerType, Workload

_Passes = dict[tuple[int, int], list[int]]
"""Stages of each (layer, pass), passes counted over all images."""


def first_stages(mapping: Mapping) -> tuple[int, ...]:
    """Number of an image's first stage of each fused layer, those of its timesteps behind it."""
    numbers = [0]
    for plan in mapping.plans[:-1]:
        numbers.append(numbers[-1] + plan.geometry.timesteps)
    return tuple(numbers)


def stages_of(mapping: Mapping, images: int = 1) -> tuple[Stage, ...]:
    """All stages, image by image, layer by layer and timestep by timestep."""
    order = mapping.order
    first = first_stages(mapping)
    count = first[-1] + mapping.plans[-1].geometry.timesteps
    needs = _needs(mapping, first)
    passes: _Passes = defaultdict(list)
    for image in range(images):
        for plan in mapping.plans:
            for timestep in range(plan.geometry.timesteps):
                layer = plan.fused.index
                at = image * order.passes + order.pass_of[layer][timestep]
                passes[layer, at].append(image * count + first[layer] + timestep)
    stages = []
    for image in range(images):
        for plan in mapping.plans:
            for timestep in range(plan.geometry.timesteps):
                layer = plan.fused.index
                at = image * order.passes + order.pass_of[layer][timestep]
                needed = needs[first[layer] + timestep]
                stage = Stage(
                    layer,
                    timestep,
                    tuple(image * count + each for each in needed),
                    tuple(dict.fromkeys(_awaited(mapping, layer, at, passes))),
                    _epoch(mapping, layer, at),
                    image,
                )
                stages.append(stage)
    return tuple(stages)


def _needs(mapping: Mapping, first: Sequence[int]) -> list[list[int]]:
    """For each stage of one image, the stages that make what it reads."""
    maker = {name: plan.fused.index for plan in mapping.plans for name in plan.fused.stored}
    needs = []
    for plan in mapping.plans:
        for timestep in range(plan.geometry.timesteps):
            needed = [
                first[maker[name]] + made
                for name in read_tensors(plan.fused)
                if name in maker
                for made in _needed_timesteps(mapping.workload, plan, name, timestep)
            ]
            if plan.geometry.membranes == "spilled" and timestep:
                needed.append(first[plan.fused.index] + timestep - 1)
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


def _needed_timesteps(workload: Workload, plan: Plan, name: str, timestep: int) -> range:
    made = workload.tensor_by_name[name].timesteps
    if plan.fused.main.type is LayerType.TIME_MEAN:
        return range(made)
    return range(1) if made == 1 else range(timestep, timestep + 1)
