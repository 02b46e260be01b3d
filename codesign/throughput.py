"""Throughput: how far apart images end when one follows the other without a pause.

The chip is simulated with a stream of images. The first ones fill it, and behind the last ones it
runs empty, where memories and links that nobody else asks for make intervals too short. Between
the two is the steady state: the mean interval is taken there.

What an image more adds to the energy of the stream, apart from what passes with time alone, is that
of one in the steady state: weights that stay are fetched by the first.
"""

from dataclasses import dataclass

from codesign.bounds import bounds_cycles
from codesign.chip import simulate
from codesign.energy import dynamic_pj
from codesign.mapping import Mapping, arrange
from codesign.mapping.datapaths import Integers
from codesign.mapping.order import Order

PIPELINE_GAPS = 4
"""Intervals of a pipeline of which the mean is taken: they swing, by a hundredth or less, with
the layers in which images meet. Where images come one by one, all are alike."""


@dataclass(frozen=True)
class Interval:
    """Of a steady stream of images.

    Attributes:
        interval_cycles: the mean between the ends of two images, rounded up; its nearest bound
            where the few intervals that were simulated have a mean below it.
        interval_bounds_cycles: by resource, what one image more asks of it, within a cycle of
            rounding; no mean over a long stream falls below.
        images: of the stream that was simulated.
        dynamic_pj: energy of that stream without what passes with time alone.
    """

    interval_cycles: int
    interval_bounds_cycles: dict[str, int]
    images: int
    dynamic_pj: float

    def energy_pj(self, of_one_pj: float, idle_pj_per_cycle: float) -> float:
        """Energy of one image more, with what passes with time in its interval.

        Args:
            of_one_pj: `dynamic_pj` of a run of one image.
            idle_pj_per_cycle: what passes with time alone.
        """
        more_pj = (self.dynamic_pj - of_one_pj) / (self.images - 1)
        return more_pj + idle_pj_per_cycle * self.interval_cycles


def stream_images(order: Order) -> tuple[int, int]:
    """How many images are simulated, and how many intervals between their ends are steady.

    At most as many images are under way as it takes passes to come through the pipeline; so many
    run the chip empty, and do not count.
    """
    gaps = PIPELINE_GAPS if order.kind == "pipeline" else 1
    emptying = -(-(max(order.depth) + 1) // order.passes)
    return 1 + gaps + emptying, gaps


def interval(mapping: Mapping, measured: dict[str, Integers]) -> Interval:
    """The interval between the ends of images in a steady stream.

    Args:
        mapping: that the jobs were measured for.
        measured: columns of one image's jobs, as of `codesign.mapping.measure`.
    """
    images, gaps = stream_images(mapping.order)
    stream = arrange(mapping, measured, images)
    schedule = simulate(mapping.architecture, stream)
    ends = schedule.completed(stream)
    one, two = (
        bounds_cycles(arrange(mapping, measured, count), mapping.architecture) for count in (1, 2)
    )
    more = {name: cycles - one[name] for name, cycles in two.items() if name != "dependency"}
    mean = -(-int(ends[gaps] - ends[0]) // gaps)
    spent_pj = dynamic_pj(stream, schedule, mapping.architecture)
    return Interval(max(mean, *more.values()), more, images, spent_pj)
