import pytest
import torch

from codesign.errors import CaptureError
from codesign.recording.draft import Draft, Operation, Product, Scope
from codesign.recording.runs import Constants, Pace, Runs
from codesign.workload import Kind, LayerType, Stream

SCOPE = Scope("block", "block", Stream.SPIKE)
ADD = Operation(LayerType.ADD, ("a", "b"))


def product(largest: int = 2, timed: bool = False) -> Product:
    return Product((3,), timed, Kind.INTEGER, largest)


def add(draft: Draft, step: int | None, operation: Operation = ADD, word: str = "add") -> str:
    return draft.add_layer(SCOPE, word, operation, product(), step=step).name


def test_the_same_at_the_next_timestep_is_the_same_layer() -> None:
    draft = Draft()
    assert [add(draft, step) for step in range(3)] == ["block.add"] * 3
    assert draft.runs["block.add"].count == 3
    assert draft.tensors["block.add"].timesteps == 3


def test_the_same_at_the_same_timestep_is_another_layer() -> None:
    draft = Draft()
    steps = [add(draft, 0), add(draft, 0), add(draft, 1), add(draft, 1)]
    assert steps == ["block.add", "block.add.2"] * 2


def test_a_value_that_does_not_change_is_one_layer() -> None:
    draft = Draft()
    assert [add(draft, None) for _ in range(3)] == ["block.add"] * 3
    assert draft.runs["block.add"].pace is Pace.ONCE


def test_a_call_for_all_timesteps_is_a_layer_each_time() -> None:
    draft = Draft()
    draft.declare_timesteps(4)
    names = [draft.add_layer(SCOPE, "add", ADD, product(timed=True)).name for _ in range(2)]
    assert names == ["block.add", "block.add.2"]


@pytest.mark.parametrize(
    ("operation", "word"),
    [(Operation(LayerType.ADD, ("a", "c")), "add"), (Operation(LayerType.RELU, ("a",)), "relu")],
)
def test_something_else_at_a_later_timestep_is_refused(operation: Operation, word: str) -> None:
    draft = Draft()
    add(draft, 0)
    with pytest.raises(CaptureError, match="must do at every timestep what it did at the first"):
        add(draft, 1, operation, word)


def test_integers_that_a_recording_cannot_hold_are_refused() -> None:
    draft = Draft()
    assert draft.add_layer(SCOPE, "add", ADD, product(65_535)).largest == 65_535
    with pytest.raises(CaptureError, match=r"must hold integers up to 65535 \(got up to 65536\)"):
        draft.add_layer(SCOPE, "add", ADD, product(65_536))


@pytest.mark.parametrize(
    ("pace", "count", "timesteps"),
    [
        (Pace.ALL, 1, 4),
        (Pace.EACH, 4, 4),
        (Pace.EACH, 3, None),
        (Pace.ONCE, 1, 1),
        (Pace.ONCE, 4, 4),
        (Pace.ONCE, 2, None),
    ],
)
def test_a_layer_runs_once_or_at_every_timestep(
    pace: Pace, count: int, timesteps: int | None
) -> None:
    runs = Runs("layer", "layer", pace, count)
    if timesteps is None:
        with pytest.raises(CaptureError, match=r"^layer: must run .* \(got "):
            runs.timesteps(4)
    else:
        assert runs.timesteps(4) == timesteps


WEIGHT = torch.arange(3.0)


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ((WEIGHT, None), True),
        ((WEIGHT.clone(), None), True),
        ((WEIGHT + 1, None), False),
        ((WEIGHT[:2], None), False),
        ((WEIGHT, 1.0), False),
        ((WEIGHT,), False),
    ],
)
def test_constants_must_be_the_same_in_all_runs(values: tuple[object, ...], same: bool) -> None:
    runs = Runs("layer", "layer", Pace.EACH)
    runs.begin()
    runs.take(Constants("weights", (WEIGHT, None)))
    runs.begin()
    if same:
        runs.take(Constants("weights", values))
        runs.begin()
    else:
        with pytest.raises(CaptureError, match="got another weights for 'layer' at its run 1"):
            runs.take(Constants("weights", values))


def test_what_the_first_run_took_may_not_be_missing() -> None:
    runs = Runs("layer", "layer", Pace.EACH)
    runs.begin()
    runs.take(Constants("scaling", ("mul", [1, 2])))
    runs.begin()
    with pytest.raises(CaptureError, match="got no scaling at its run 1"):
        runs.begin()
