"""Search: designs that are proposed by what was found before (Optuna).

Proposals come in rounds of a fixed size, and a round is proposed when the one before is finished
and told in order. So a search depends on the sweep alone, neither on the number of workers nor on
which of them is fast; repeated, it proposes the same designs, whose rows are in the store. That
makes it resumable and lets several processes share it: each replays it, and computes what nobody
else has. A storage of Optuna's own would have to be kept in step with the store, and is not needed.

Every workload on every architecture has a search of its own: what one network wants of a chip says
little of another.
"""

import itertools
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from codesign.errors import Fault, InputError
from codesign.exploration.points import Point, Values, at, excess, holds
from codesign.exploration.prospects import Prospect, by_name, prospect
from codesign.exploration.recordings import Progress, Recordings
from codesign.exploration.results import Status
from codesign.exploration.running import Run
from codesign.exploration.space import DesignSpace
from codesign.specs.sweep import Axis, Method, SweepSpec

if TYPE_CHECKING:
    import optuna

ROUND = 16
"""Proposals at once: a generation of the evolutionary search."""
_MOST_REPEATS = 30
"""Rounds without a new design, after which the space is taken for exhausted."""


@dataclass
class _Study:
    """The search for one workload on one architecture.

    Attributes:
        architecture, workload: as the sweep names them.
        study: Optuna's.
        found: designs that were looked at.
        repeats: rounds since a new one was proposed.
    """

    architecture: str
    workload: str
    study: "optuna.Study"
    found: dict[Values, Prospect] = field(default_factory=dict)
    repeats: int = 0


Proposal = tuple["optuna.Trial", Values]


def search(
    space: DesignSpace, recordings: Recordings, run: Run, progress: Progress
) -> list[Prospect]:
    """All designs that a search looks at, each once, with what became of them.

    Args:
        space: the sweep.
        recordings: of its networks.
        run: that computes each round.
        progress: called with ("designs", done, total).

    Raises:
        InputError: Optuna is not installed.
    """
    spec, wanted, numbers = space.spec, space.spec.sampling.points or 0, itertools.count()
    pairs = itertools.product(spec.architectures, spec.workloads)
    studies = [_Study(*pair, _new_study(spec)) for pair in pairs]
    found: list[Prospect] = []
    for number in itertools.count():
        searching = [
            each for each in studies if len(each.found) < wanted and each.repeats < _MOST_REPEATS
        ]
        if not searching:
            break
        proposals = [_proposed(spec, each.study, number) for each in searching]
        fresh: list[Prospect] = []
        for each, mine in zip(searching, proposals, strict=True):
            designs = dict.fromkeys(values for _, values in mine if holds(spec, values))
            new = [values for values in designs if values not in each.found]
            for values in new[: wanted - len(each.found)]:
                point = Point(next(numbers), each.architecture, each.workload, values)
                each.found[values] = prospect(space, recordings, point)
                fresh.append(each.found[values])
            each.repeats = 0 if new else each.repeats + 1
        run.floors(fresh)
        run.simulations(fresh)
        found += fresh
        progress("designs", len(found), wanted * len(studies))
        for each, mine in zip(searching, proposals, strict=True):
            for trial, values in mine:
                _tell(spec, each.study, trial, each.found.get(values))
    return found


def _new_study(spec: SweepSpec) -> "optuna.Study":
    optuna_ = _optuna(spec)
    optuna_.logging.set_verbosity(optuna_.logging.WARNING)
    study: optuna.Study = optuna_.create_study(directions=["minimize"] * len(spec.objectives))
    return study


def _proposed(spec: SweepSpec, study: "optuna.Study", number: int) -> list[Proposal]:
    """A round of proposals; its seed follows from the search's and its number."""
    optuna = _optuna(spec)
    seeds = np.random.SeedSequence([spec.sampling.seed or 0, number])
    study.sampler = _sampler(spec, int(seeds.generate_state(1)[0]))
    distributions = {
        str(place): _distribution(optuna, axis) for place, axis in enumerate(spec.axes)
    }
    proposals = []
    for _ in range(ROUND):
        trial = study.ask(distributions)
        proposals.append((trial, _values(spec.axes, trial.params)))
    return proposals


def _sampler(spec: SweepSpec, seed: int) -> Any:
    optuna = _optuna(spec)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is experimental there
        if spec.sampling.method is Method.TPE:
            return optuna.samplers.TPESampler(
                seed=seed, constraints_func=_limits, constant_liar=True, n_startup_trials=ROUND
            )
        return optuna.samplers.NSGAIISampler(
            seed=seed, constraints_func=_limits, population_size=ROUND
        )


def _distribution(optuna: Any, axis: Axis) -> Any:
    """Places of values in their order, names of words, or a part of the way along a range."""
    levels = axis.levels
    if levels is None:
        return optuna.distributions.FloatDistribution(0.0, 1.0)
    is_ordered = not axis.keys and not any(_is_word(value) for (value,) in levels)
    if is_ordered:
        return optuna.distributions.IntDistribution(0, len(levels) - 1)
    return optuna.distributions.CategoricalDistribution(list(range(len(levels))))


def _is_word(value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and not value[:1].isdigit())


def _values(axes: Sequence[Axis], params: dict[str, Any]) -> Values:
    found: list[Any] = []
    for place, axis in enumerate(axes):
        chosen, levels = params[str(place)], axis.levels
        found += at(axis, chosen) if levels is None else levels[chosen]
    return tuple(found)


def _tell(
    spec: SweepSpec, study: "optuna.Study", trial: "optuna.Trial", found: Prospect | None
) -> None:
    """Tells what a proposal came to; one that is no design, or did not run, has failed."""
    known = by_name(found.costs) if found is not None else {}
    costs = [known.get(name) for name in spec.objectives]
    has_run = found is not None and found.status in (Status.SIMULATED, Status.EXCLUDED)
    if not has_run or any(cost is None for cost in costs):
        study.tell(trial, state=_optuna(spec).trial.TrialState.FAIL)
        return
    limited = [each for each in spec.constraints if each.quantity]
    amounts = [(each, known.get(str(each.quantity))) for each in limited]
    over = [excess(value, each) if value is not None else 1.0 for each, value in amounts]
    trial.set_user_attr("limits", over)
    study.tell(trial, [float(cost) for cost in costs if cost is not None])


def _limits(trial: "optuna.trial.FrozenTrial") -> Sequence[float]:
    """By how much the limits are broken, as Optuna wants it: at most zero where they hold."""
    found: Sequence[float] = trial.user_attrs.get("limits", [])
    return found or [0.0]


def _optuna(spec: SweepSpec) -> Any:
    try:
        import optuna
    except ImportError:
        problem = f"with method '{spec.sampling.method}' needs Optuna, which is not installed."
        fix = "Install it with: pip install 'codesign[search]'."
        raise InputError(Fault(f"{spec.name}: sampling", problem, fix)) from None
    return optuna
