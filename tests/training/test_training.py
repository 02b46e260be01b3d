import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
import torch
from torch import nn

from codesign.accuracy import accuracy
from codesign.errors import Fault, InputError
from codesign.networks.construction import build
from codesign.specs.workload import WorkloadSpec
from codesign.training import Observer, Options, Training, train
from codesign.training import checkpoints as checkpoints_module
from codesign.training import loop as loop_module
from codesign.training import outcome as outcome_module
from codesign.training.loop import DivergedError
from codesign.training.outcome import CARD, CHECKPOINT, METRICS, WEIGHTS
from tests.datasets.written import write_gestures, write_imagenet
from tests.training.small import STEPS, small_options, small_spec


class Stop(BaseException):
    """As a signal would."""


class Stopping(Observer):
    """Stops a training after so many steps in all; keeps the notes."""

    def __init__(self, after: int | None = None):
        self.left, self.notes = after, []

    def note(self, sentence: str) -> None:
        self.notes.append(sentence)

    def stepped(self, epoch: int, step: int, loss: float) -> None:  # noqa: ARG002 - the base's
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Stop


def same_weights(one: nn.Module, other: nn.Module) -> bool:
    pairs = zip(one.state_dict().items(), other.state_dict().items(), strict=True)
    return all(a == b and torch.equal(v, w) for (a, v), (b, w) in pairs)


def without_times(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{key: row[key] for key in row if key != "seconds"} for row in history]


@pytest.fixture(scope="module")
def whole() -> Training:
    """A training that nothing disturbed."""
    return train(small_spec(), "digits", small_options())


def test_the_same_seed_gives_the_same_and_another_one_another(whole: Training):
    torch.manual_seed(5)
    again = train(small_spec(), "digits", small_options())
    assert same_weights(again.network, whole.network)
    assert without_times(again.history) == without_times(whole.history)
    other = train(small_spec(), "digits", small_options(seed=1))
    assert not same_weights(other.network, whole.network)


@pytest.mark.parametrize("after", [[1], [STEPS - 1], [STEPS], [STEPS + 2], [2, 1, 3], [0]])
def test_what_was_interrupted_goes_on_bit_for_bit(
    tmp_path: Path, whole: Training, after: list[int]
):
    for steps in after:
        with pytest.raises(Stop):
            train(
                *(small_spec(), "digits", small_options()),
                folder=tmp_path,
                observer=Stopping(steps),
            )
        assert not (tmp_path / CARD).exists()
    watch = Stopping()
    done = train(small_spec(), "digits", small_options(), folder=tmp_path, observer=watch)
    assert same_weights(done.network, whole.network)
    assert without_times(done.history) == without_times(whole.history)
    assert done.card["firing_rates"] == whole.card["firing_rates"]
    if after != [0]:  # the first checkpoint is written behind the first step's announcement
        assert "is continued in epoch" in watch.notes[0]


def test_momentum_goes_on_as_well(tmp_path: Path):
    options = small_options(optimiser="sgd")
    with pytest.raises(Stop):
        train(small_spec(), "digits", options, folder=tmp_path, observer=Stopping(3))
    resumed = train(small_spec(), "digits", options, folder=tmp_path)
    assert same_weights(resumed.network, train(small_spec(), "digits", options).network)


def test_a_finished_training_is_not_repeated(tmp_path: Path, whole: Training):
    first = train(small_spec(), "digits", small_options(), folder=tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for name in (WEIGHTS, METRICS, "trained.json"):
        (tmp_path / name).unlink()
    cut = tmp_path / "trained.safetensors"
    cut.write_bytes(before[cut][:-20])
    watch = Stopping(0)  # any step would stop it
    again = train(small_spec(), "digits", small_options(), folder=tmp_path, observer=watch)
    assert watch.notes == [f"{tmp_path} holds all of this training already."]
    assert (first.has_trained, again.has_trained) == (True, False)
    assert again.card == first.card
    assert same_weights(again.network, whole.network)
    assert before == {path: path.read_bytes() for path in tmp_path.iterdir()}


def test_what_a_killed_writer_left_out_is_written_again(tmp_path: Path):
    train(small_spec(), "digits", small_options(), folder=tmp_path)
    card = json.loads((tmp_path / CARD).read_text())
    (tmp_path / CARD).unlink()
    (tmp_path / WEIGHTS).unlink()
    train(small_spec(), "digits", small_options(), folder=tmp_path, observer=Stopping(0))
    assert json.loads((tmp_path / CARD).read_text()) == card
    assert (tmp_path / WEIGHTS).exists()


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        (small_spec(), small_options(epochs=3), r"options.epochs was 2, now 3"),
        (small_spec(), small_options(seed=1), r"options.seed was 0, now 1"),
        (small_spec(), small_options(rate_penalty=0.1), r"options.rate_penalty was 0.0, now 0.1"),
        (small_spec(width=3), small_options(), r"network.width was 2, now 3"),
        (small_spec(connection="or"), small_options(), r"network.connection was iand, now or"),
        (small_spec(), small_options(validation="digits/train"), r"data.division was "),
    ],
)
def test_a_folder_of_another_command_is_refused_and_left_alone(
    tmp_path: Path, spec: WorkloadSpec, options: Any, message: str
):
    with pytest.raises(Stop):
        train(small_spec(), "digits", small_options(), folder=tmp_path, observer=Stopping(1))
    before = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(InputError, match=message):
        train(spec, "digits", options, folder=tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_what_another_machine_began_is_continued_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    there = checkpoints_module.machine() | {"torch": "1.0"}
    with monkeypatch.context() as patched:
        patched.setattr(checkpoints_module, "machine", lambda: there)
        with pytest.raises(Stop):
            train(small_spec(), "digits", small_options(), folder=tmp_path, observer=Stopping(1))
    watch = Stopping()
    train(small_spec(), "digits", small_options(), folder=tmp_path, observer=watch)
    assert watch.notes[0] == f"{tmp_path} is continued in epoch 1 of 2, after step 1."
    assert (
        f"not be those of one go to the last digit (torch was 1.0, is {torch.__version__}"
        in watch.notes[1]
    )


def test_the_form_of_the_shipped_weights_has_a_card_of_its_own(tmp_path: Path):
    done = train(small_spec(width=4), "digits", small_options(batch=64), folder=tmp_path)
    card = json.loads((tmp_path / "trained.json").read_text())
    assert card["accuracy_in_training"] == done.card["accuracy"]
    own = accuracy(small_spec(width=4, weights=f"trained:{tmp_path}"), notice=pytest.fail)
    assert own is not None
    assert {head: each["correct"] for head, each in card["accuracy"].items()} == own.heads
    assert {each["total"] for each in card["accuracy"].values()} == {359}


def test_weights_without_a_shipped_form_are_kept_with_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_: nn.Module) -> None:
        raise InputError(Fault("layer1", "must have weights whose sums are exact."))

    monkeypatch.setattr(outcome_module, "to_shipped_form", refuse)
    watch = Stopping()
    train(small_spec(), "digits", small_options(epochs=1), folder=tmp_path, observer=watch)
    assert "no weights for a chip's number formats: layer1: must have" in watch.notes[0]
    assert (tmp_path / WEIGHTS).exists()
    assert not (tmp_path / "trained.safetensors").exists()


def test_a_folder_serves_one_training_at_a_time(tmp_path: Path):
    refusals = []

    class Another(Observer):
        def stepped(self, epoch: int, step: int, loss: float) -> None:  # noqa: ARG002 - the base's
            with pytest.raises(InputError, match="must be free") as refused:
                train(small_spec(), "digits", small_options(epochs=1), folder=tmp_path)
            refusals.append(refused)

    observer = Another()
    done = train(
        small_spec(), "digits", small_options(epochs=1), folder=tmp_path, observer=observer
    )
    assert len(refusals) == STEPS
    assert json.loads((tmp_path / CARD).read_text()) == done.card


def test_what_a_killed_writer_left_half_written_goes_away(tmp_path: Path):
    with pytest.raises(Stop):
        train(small_spec(), "digits", small_options(), folder=tmp_path, observer=Stopping(1))
    part = tmp_path / f".{CHECKPOINT}.x7"
    part.write_bytes(b"half")
    train(small_spec(), "digits", small_options(), folder=tmp_path)
    assert not part.exists()


def test_a_folder_of_something_else_is_refused(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(InputError, match=r"or that of a training \(got 'thesis.tex'\)"):
        train(small_spec(), "digits", small_options(), folder=tmp_path)
    (tmp_path / "thesis.tex").rename(tmp_path / WEIGHTS)
    with pytest.raises(InputError, match=rf"\(got '{WEIGHTS}'\)"):
        train(small_spec(), "digits", small_options(), folder=tmp_path)
    assert (tmp_path / WEIGHTS).read_text() == "mine"
    with pytest.raises(InputError, match="must be a folder that can be written"):
        train(small_spec(), "digits", small_options(), folder=tmp_path / WEIGHTS / "under_a_file")


@pytest.mark.parametrize("family", ["dsnn", "fsnn"])
def test_weights_are_what_a_workload_takes(tmp_path: Path, family: str):
    changes = {} if family == "dsnn" else {"family": "fsnn", "readout": None}
    done = train(small_spec(**changes), "digits", small_options(), folder=tmp_path)
    assert done.network.family == "dsnn"
    run = build(small_spec(**changes, weights=str(tmp_path / WEIGHTS)))
    assert run.family == family
    pictures = torch.rand(4, 1, 8, 8)
    with torch.inference_mode():
        spike, accumulation = done.network.logits(pictures)
        expected = spike if family == "fsnn" else spike + accumulation
        torch.testing.assert_close(run(pictures), expected, rtol=1e-3, atol=1e-3)


def test_the_card_and_the_metrics_say_what_was_reached(tmp_path: Path):
    done = train(small_spec(), "digits", small_options(), folder=tmp_path, line="codesign train")
    card = json.loads((tmp_path / CARD).read_text())
    assert card == done.card
    assert card["data"]["test"]["samples"] == 359
    assert (card["seed"], card["epochs"], card["command"]) == (0, 2, "codesign train")
    assert card["loss"] == "dual-stream"
    table = pyarrow.parquet.read_table(tmp_path / METRICS).to_pylist()
    assert table == done.history
    assert [row["epoch"] for row in table] == [1, 2]
    for head in ("spike", "accumulation", "sum"):
        reached = card["accuracy"][head]
        assert reached["total"] == 359
        assert reached["accuracy"] == table[-1][f"test_accuracy_{head}"]
    pictures = torch.from_numpy(_digits_of_the_test())
    labels = _labels_of_the_test()
    with torch.inference_mode():
        spike, accumulation = done.network.logits(pictures)
    assert (spike.argmax(1) == labels).sum() == card["accuracy"]["spike"]["correct"]
    both = (spike + accumulation).argmax(1)
    assert (both == labels).sum() == card["accuracy"]["sum"]["correct"]
    assert card["firing_rate"] == pytest.approx(table[-1]["test_firing_rate"])
    assert len(card["firing_rates"]) == 9  # stem, two in each of three blocks, two downsamples


def _digits_of_the_test() -> Any:
    from codesign.datasets.network_inputs import small_levels
    from codesign.datasets.packaged import open_packaged
    from codesign.specs.workload import Pictures

    levels = open_packaged("digits", "test").levels
    return small_levels(levels[..., None].repeat(3, -1), Pictures.DIGITS)


def _labels_of_the_test() -> torch.Tensor:
    from codesign.datasets.packaged import open_packaged

    return torch.from_numpy(open_packaged("digits", "test").labels)


@pytest.mark.parametrize(
    ("changes", "trained", "heads"),
    [
        ({"family": "fsnn"}, "dsnn", 3),
        ({"family": "fsnn", "training": "dual_stream"}, "dsnn", 3),
        ({"family": "fsnn", "training": "single_stream"}, "fsnn", 1),
        ({"family": "sew", "connection": "add"}, "sew", 1),
        ({"family": "spiking_resnet", "connection": None}, "spiking_resnet", 1),
    ],
)
def test_each_family_is_trained_in_its_way(changes: Any, trained: str, heads: int):
    spec = small_spec(**changes, readout=None)
    done = train(spec, "digits", small_options(epochs=1))
    assert done.network.family == trained
    assert len(done.card["accuracy"]) == heads
    assert done.card["loss"] == ("dual-stream" if heads == 3 else "single-stream")
    assert (done.history[0]["test_accuracy_sum"] is None) == (heads == 1)
    assert not any(module._forward_hooks for module in done.network.modules())


def test_a_network_learns():
    done = train(small_spec(width=4), "digits", small_options(epochs=3, batch=64))
    assert done.card["accuracy"]["accumulation"]["accuracy"] > 0.25  # chance is 0.1
    losses = [row["test_loss_accumulation"] for row in done.history]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"learning_rate": 1e30}, r"epoch 1, step 2 of 5, .* the loss must be finite"),
        ({"learning_rate": 1e-3, "batch": 1438}, r"epoch 1: conv1.weight must be finite"),
    ],
)
def test_what_diverges_ends_in_an_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], message: str
):
    step = torch.optim.AdamW.step

    def spoilt(self: torch.optim.AdamW) -> None:
        step(self)
        if "batch" in options:
            with torch.no_grad():
                self.param_groups[0]["params"][0][0] = float("nan")

    monkeypatch.setattr(torch.optim.AdamW, "step", spoilt)
    with pytest.raises(DivergedError, match=message):
        train(
            small_spec(),
            "digits",
            small_options(**{"checkpoint_seconds": 60.0} | options),
            folder=tmp_path,
        )
    assert not [path.name for path in tmp_path.iterdir() if path.name[0] != "."]


def test_a_penalty_lowers_the_rate():
    rates = [
        train(*(small_spec(), "digits"), small_options(rate_penalty=penalty, epochs=3)).card[
            "firing_rate"
        ]
        for penalty in (0.0, 20.0)
    ]
    assert rates[1] < 0.8 * rates[0]


def test_slope_and_identity_start_reach_the_network():
    options = small_options(epochs=1, surrogate_slope=5.0, identity_start=True, learning_rate=1e-12)
    network = train(small_spec(), "digits", options).network
    assert network.sn1.surrogate_slope == 5.0
    for branch in network.branches():
        assert branch[1].weight.abs().max() < 1e-6


def test_a_loss_that_is_no_number_stops_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Stop):
        train(small_spec(), "digits", small_options(), folder=tmp_path, observer=Stopping(3))
    before = (tmp_path / CHECKPOINT).read_bytes()
    monkeypatch.setattr(loop_module, "learning_rate", lambda _, step, __: 1e38 if step else 0.1)
    with pytest.raises(DivergedError, match=r"^epoch 1, step \d of 5, learning rate 1e\+38: "):
        train(small_spec(), "digits", small_options(checkpoint_seconds=1e9), folder=tmp_path)
    assert (tmp_path / CHECKPOINT).read_bytes() == before
    assert not (tmp_path / CARD).exists()


def test_too_few_samples_for_a_batch_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match=r"--batch: must be at most 1438, .* \(got 2000\)"):
        train(small_spec(), "digits", small_options(batch=2000), folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_pictures_of_another_shape_leave_no_folder(tmp_path: Path):
    with pytest.raises(InputError, match="must be 8 x 8 pixels"):
        train(small_spec(), "mnist", small_options(), folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_user_is_told_that_a_workload_will_not_take_the_weights(tmp_path: Path):
    write_imagenet(tmp_path, {"a": 12, "b": 12})
    watch = Stopping()
    spec = small_spec(pictures="cifar10")
    done = train(spec, f"imagenet:{tmp_path}", small_options(epochs=1, batch=8), observer=watch)
    assert done.network.fc.out_features == 2
    assert "the network gets 2 logits" in watch.notes[0]


def test_a_spikformer_takes_a_step(tmp_path: Path):
    write_imagenet(tmp_path, {"a": 10, "b": 10})
    spec = small_spec(
        **{"structure": "spikformer", "depth": 1, "width": 32, "pictures": None},
        **{"attention": "scores", "weights": "calibrated"},
    )
    options = small_options(epochs=1, batch=8, recipe="cifar100")
    done = train(spec, f"imagenet:{tmp_path}", options)
    assert done.history[0]["train_samples"] == 16
    assert done.card["data"]["division"] == "every 10th sample is held out for the test"


def test_a_user_s_own_network_is_not_trained(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "name: mine\ndescription: x\nmodel: a:b\ninput: {shape: [1, 8, 8]}\nsource: assumed\n"
        "images: [astronaut]\n"
    )
    with pytest.raises(InputError, match="must be a workload with a family"):
        train(path, "digits", small_options())


def test_an_event_net_learns_from_recordings_with_frames_deleted(tmp_path: Path):
    place = write_gestures(tmp_path)
    spec = small_spec(
        **{"structure": "7b", "depth": None, "width": 2, "pictures": None, "timesteps": 16},
        **{"family": "fsnn", "readout": None, "weights": "calibrated"},
    )
    done = train(spec, f"dvsgesture:{place.parent}", Options(epochs=1, batch=3))
    assert done.card["recipe"]["recipe"] == "dvs_gesture"
    assert done.network.family == "dsnn"
    assert (done.history[0]["train_samples"], done.history[0]["test_samples"]) == (3, 1)
    assert done.network.fc.out_features == 11


def test_mixed_precision_trains_on_a_cpu_too():
    done = train(small_spec(), "digits", small_options(epochs=1, amp="on"))
    assert done.card["amp"]
    assert 0 < done.history[0]["train_loss"] < 10


def test_a_script_may_train_very_often():
    def once() -> float:
        return train(small_spec(), "digits", small_options(epochs=1)).card["firing_rate"]

    before = torch.get_rng_state()
    assert once() == once()
    assert torch.equal(torch.get_rng_state(), before)
