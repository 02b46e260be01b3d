"""Room: how much of the activation buffer each tensor takes, and who waits until it is free.

How many timesteps of a tensor the buffer keeps depends on the order of work. In `layer` order a
layer makes all its timesteps before others read them. In `timestep` order one timestep is enough,
and its place is used again within the pass. In `pipeline` order the buffer holds a ring of
timesteps, as many as the pipeline is deep between the maker and the last reader and one more, for
the whole run, and where there is room, a place to spare, so that stages need not keep step. A
tensor that several passes share (the stem's result, the inputs of a mean over time, membranes that
found no place in their core) keeps its place for the whole image.

What waits follows from the rule that no one stores into a place that is still to be read:

- within a pass, a layer waits for the readers of what it replaces (`placement.waits_for_room`);
- the next pass may begin while the last layers of the one before are still at work, if what they
  hold and what it makes fit together; of the pass before that, nothing may be left;
- a place of a ring is free when its last content was read, and so is that of a whole image.

All of these point to passes or layers that come earlier, so none is in a circle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from codesign.mapping.forecast import Span
from codesign.mapping.fusion import FusedLayer
from codesign.mapping.order import Order, makers_of
from codesign.mapping.placement import readers_of, waits_for_room
from codesign.workload import LayerType, Workload

Layers = tuple[int, ...]


@dataclass(frozen=True)
class Kept:
    """What the buffer keeps of one tensor.

    Attributes:
        timesteps: how many of them at once.
        places: of a ring, each for a batch of timesteps.
        is_whole: whether it keeps its place from the first pass of an image to the last.
        images: for how many images at once; more than one only where passes of a pipeline are so
            far apart that the next image needs the place before the last one has left it.
    """

    timesteps: int
    is_whole: bool = False
    places: int = 1
    images: int = 1


@dataclass(frozen=True)
class Room:
    """For each fused layer, what must be stored before it may store: other layers, by number.

    Attributes:
        same_pass: in the same pass.
        pass_before: in the pass before.
        two_passes_before: in the pass before that; layers on which all others depend.
        rings: (layer, how many passes before).
        images: (layer, how many images before), in all passes of that image.
    """

    same_pass: tuple[Layers, ...]
    pass_before: tuple[Layers, ...]
    two_passes_before: tuple[Layers, ...]
    rings: tuple[tuple[tuple[int, int], ...], ...]
    images: tuple[tuple[tuple[int, int], ...], ...]


def kept_tensors(
    workload: Workload, fused_layers: Sequence[FusedLayer], order: Order, batch: int = 1
) -> dict[str, Kept]:
    """What the buffer would keep of every stored tensor, if a job has a batch of timesteps."""
    readers = readers_of(fused_layers)
    kept = {}
    for fused in fused_layers:
        for name in fused.stored:
            made = workload.tensor_by_name[name].timesteps
            reading = [fused_layers[index] for index in readers[name]]
            lag = max((order.depth[each.index] for each in reading), default=0)
            lag = max(0, lag - order.depth[fused.index])
            images = 1 + -(-lag // order.passes)
            means = any(each.main.type is LayerType.TIME_MEAN for each in reading)
            if order.kind == "layer":
                kept[name] = Kept(made)
            elif means or -(-made // batch) < order.passes or name in workload.outputs:
                kept[name] = Kept(made, is_whole=True, images=images)
            else:
                kept[name] = Kept((lag + 1) * min(batch, made), places=lag + 1)
    return kept


def with_spare_places(
    kept: Mapping[str, Kept], sizes: Mapping[str, int], inside: Iterable[str], capacity: int
) -> dict[str, Kept]:
    """Rings of a pipeline with a place to spare, if all of them fit so: then a maker may be early
    and a reader late without waiting. More than one never made a pipeline faster that was tried.

    Args:
        kept: of every tensor.
        sizes: bits of each with all that is kept.
        inside: those in the buffer; they fit.
        capacity: bits of the buffer.
    """
    names = list(inside)
    rings = {name: kept[name] for name in names if not kept[name].is_whole}
    more = sum(sizes[name] // ring.places for name, ring in rings.items())
    if more > capacity - sum(sizes[name] for name in names):
        return dict(kept)
    return dict(kept) | {
        name: replace(
            ring,
            timesteps=ring.timesteps // ring.places * (ring.places + 1),
            places=ring.places + 1,
        )
        for name, ring in rings.items()
    }


def room_of(
    fused_layers: Sequence[FusedLayer],
    spans: Sequence[Span],
    order: Order,
    inside: tuple[Mapping[str, Span], Mapping[str, int], Mapping[str, Kept]],
    capacity: int,
) -> Room:
    """What every fused layer waits for.

    Args:
        fused_layers: in order of computation.
        spans: when each is expected to be computed, within a pass.
        order: of work.
        inside: of each tensor in the buffer its life within a pass, its bits with all that is
            kept, and what is kept.
        capacity: bits of the buffer.
    """
    lives, sizes, kept = inside
    passing = {name: life for name, life in lives.items() if not kept[name].is_whole}
    free = capacity - sum(sizes[name] for name in lives if kept[name].is_whole)
    readers = readers_of(fused_layers)
    storing = [[name for name in fused.stored if name in lives] for fused in fused_layers]
    images = tuple(
        tuple(
            dict.fromkeys(
                (reader, kept[name].images)
                for name in names
                if kept[name].is_whole
                for reader in (readers[name] or (fused.index,))
            )
        )
        for fused, names in zip(fused_layers, storing, strict=True)
    )
    nothing: tuple[Layers, ...] = ((),) * len(fused_layers)
    if order.kind == "pipeline":
        rings = tuple(
            tuple(
                dict.fromkeys(
                    (reader, kept[name].places)
                    for name in names
                    if not kept[name].is_whole
                    for reader in (readers[name] or (fused.index,))
                )
            )
            for fused, names in zip(fused_layers, storing, strict=True)
        )
        return Room(nothing, nothing, nothing, rings, images)
    same = waits_for_room(fused_layers, spans, passing, sizes, free)
    before, last = _of_passes_before(fused_layers, spans, order, (passing, sizes), free)
    return Room(same, before, last, ((),) * len(fused_layers), images)


def _of_passes_before(
    fused_layers: Sequence[FusedLayer],
    spans: Sequence[Span],
    order: Order,
    inside: tuple[Mapping[str, Span], Mapping[str, int]],
    free: int,
) -> tuple[tuple[Layers, ...], tuple[Layers, ...]]:
    """What each layer waits for in the pass before, and in the one before that.

    A pass has stored the tensors of the layers up to this one at most, whatever of them is dead.
    Of the pass before everything may be there that its first layers, which are done, did not
    bring to an end. The fewest first layers are waited for with which both fit.
    """
    lives, sizes = inside
    readers, makers = readers_of(fused_layers), makers_of(fused_layers)
    planned = sorted(range(len(fused_layers)), key=lambda index: (spans[index][0], index))
    place = {layer: number for number, layer in enumerate(planned)}
    ends = {
        name: 1 + max(place[each] for each in (fused.index, *readers[name]))
        for fused in fused_layers
        for name in fused.stored
        if name in lives
    }
    left = [
        sum(sizes[name] for name, end in ends.items() if end > done)
        for done in range(len(planned) + 1)
    ]
    made, done = 0, 0
    before: dict[int, Layers] = {}
    for layer in planned:
        stored = [name for name in fused_layers[layer].stored if name in lives]
        made += sum(sizes[name] for name in stored)
        while done < len(planned) and left[done] + made > free:
            done += 1
        before[layer] = _lasting(makers, order, planned[:done]) if stored else ()
    everything = _lasting(makers, order, planned)
    last = tuple(
        everything if any(name in lives for name in fused.stored) else () for fused in fused_layers
    )
    return tuple(before[fused.index] for fused in fused_layers), last


def _lasting(makers: Sequence[Layers], order: Order, layers: Sequence[int]) -> Layers:
    """Those of some layers that no other of them waits for in every pass that they are in: when
    they are stored, all are. A mean over time, which is in the last pass alone, says nothing about
    the passes before."""
    passes = [frozenset(each) for each in order.pass_of]
    needed = {
        maker for layer in layers for maker in makers[layer] if passes[maker] <= passes[layer]
    }
    return tuple(sorted(set(layers) - needed))
