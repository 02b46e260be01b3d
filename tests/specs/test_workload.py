from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from codesign.errors import InputError
from codesign.specs.catalogue import load_workload_spec, workload_names
from codesign.specs.workload import (
    CONNECTIONS,
    EVENT_NETS,
    Connection,
    Family,
    Pictures,
    Readout,
    Structure,
    Training,
    WorkloadSpec,
    legal_connections,
    legal_families,
)


def spec(**fields: Any) -> WorkloadSpec:
    given = {"name": "mine", "description": "a network", "depth": 18, "source": "a test"}
    return WorkloadSpec.model_validate({**given, "timesteps": 4, **fields})


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("connection", [None, *Connection])
def test_a_connection_is_legal_only_in_its_families(family: Family, connection: Connection | None):
    readout = Readout.SUM if family is Family.DSNN else None
    fields = {"family": family, "connection": connection, "readout": readout}
    legal = CONNECTIONS[family] or (None,)
    if connection in legal:
        assert spec(**fields).connection is connection
    else:
        with pytest.raises(ValidationError, match=r"^1 validation error"):
            spec(**fields)


@pytest.mark.parametrize("readout", [None, *Readout])
def test_a_readout_is_chosen_for_two_heads_and_for_no_other(readout: Readout | None):
    if readout is None:
        with pytest.raises(ValidationError, match="readout must be one of 'spike', "):
            spec(family="dsnn", connection="iand")
    else:
        assert spec(family="dsnn", connection="iand", readout=readout).readout is readout
        with pytest.raises(ValidationError, match=r"readout must be absent for family 'fsnn'"):
            spec(family="fsnn", connection="iand", readout=readout)


def test_what_a_file_leaves_out_is_calibrated_weights_on_the_shipped_photograph():
    given = spec(family="sew", connection="add")
    assert (given.weights, given.images, given.identity_start) == (
        "calibrated",
        ("astronaut",),
        False,
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["timesteps=0"], r"timesteps must be at least 1 \(got 0\)"),
        (["timesteps=65"], r"timesteps must be at most 64 \(got 65\)"),
        (["timesteps=4.5"], r"timesteps must be a whole number \(got 4\.5\)"),
        (["timesteps="], r"timesteps must be a whole number \(got nothing\)"),
        (["depth=20"], r"depth must be 18, 34, 50, 101 or 152 for structure 'resnet' \(got 20\)"),
        (["family=fsn"], r"family must be .* \(got 'fsn'\)\. Did you mean 'fsnn'\?"),
        (["connection=iandd"], r"connection must be .* \(got 'iandd'\)\. Did you mean 'iand'\?"),
        (["connection=add"], r"connection must be 'and' or 'iand' or 'or' or 'xor' for family"),
        (["weights=''"], r"weights must not be shorter than 1 \(got ''\)"),
        (["images=astronaut"], r"images must be a list \(got 'astronaut'\)"),
        (["source=x"], r"source must not be shorter than 3 \(got 'x'\)"),
        (["timestep=3"], r"the file has no key 'timestep'\. Did you mean 'timesteps'\?"),
    ],
)
def test_a_bad_value_of_a_workload_is_named(options: list[str], message: str):
    with pytest.raises(InputError, match=rf"^--set {options[0]}: {message}"):
        load_workload_spec("fsnn18", options)


SMALL = [name for name in workload_names() if "_digits" in name or "_mnist" in name]


@pytest.mark.parametrize("name", SMALL)
def test_a_network_for_small_pictures_is_what_its_name_says(name: str):
    loaded = load_workload_spec(name)
    is_deep, is_plain = name.endswith("_deep"), "_plain" in name
    kinds = f"{'_plain' * is_plain}{'_sparse' * name.endswith('_sparse')}{'_deep' * is_deep}"
    assert name == f"{loaded.family}_{loaded.pictures}{kinds}"
    assert (loaded.structure, loaded.depth) == (Structure.SMALL_RESNET, 12 if is_deep else 3)
    assert (loaded.training == "single_stream") == is_plain
    weights = name if is_plain else name.replace("fsnn", "dsnn")
    assert loaded.weights == f"trained:{weights}"
    assert len(loaded.images) == loaded.pictures.classes


@pytest.mark.parametrize("name", [name for name in workload_names() if name not in SMALL])
def test_a_shipped_workload_is_what_its_name_says(name: str):
    loaded = load_workload_spec(name)
    parts = {
        Structure.RESNET: f"{loaded.family}{loaded.depth}",
        Structure.SEVEN_B: f"{loaded.family}7b",
        Structure.WIDE_SEVEN_B: f"{loaded.family}_wide7b",
        Structure.SPIKFORMER: "dspikformer"
        if loaded.family is Family.DSNN
        else f"spikformer_{loaded.connection}",
    }
    small = "_small" if loaded.width in {8, 64} and loaded.timesteps == 4 else ""
    assert name == parts[loaded.structure] + small
    usual = 16 if loaded.structure in EVENT_NETS else 4
    if small or loaded.family is Family.SPIKING_RESNET:
        usual = 4 if small else 6
    assert loaded.timesteps == usual
    assert loaded.weights == "calibrated"


@pytest.mark.parametrize("structure", EVENT_NETS)
@pytest.mark.parametrize("family", Family)
def test_an_event_net_has_a_width_and_the_connections_of_its_family(
    structure: Structure, family: Family
):
    fields: dict[str, Any] = {"structure": structure, "family": family, "depth": None}
    if family is Family.DSNN:
        fields |= {"readout": "sum", "accumulation_pool": "max"}
    for connection in Connection:
        given = {**fields, "width": 32, "connection": connection}
        if family is Family.SPIKING_RESNET or connection not in legal_connections(
            structure, family
        ):
            with pytest.raises(ValidationError, match="must be"):
                spec(**given)
        else:
            assert spec(**given).width == 32
    assert legal_connections(structure, Family.SEW) == (Connection.ADD, Connection.IAND)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("fsnn18", ["width=32"], r"width must be absent for structure 'resnet' \(got 32\)"),
        ("fsnn7b", ["depth=18"], r"depth must be absent for structure '7b' \(got 18\)"),
        ("fsnn7b", ["width=0"], r"width must be at least 1 \(got 0\)"),
        (
            "fsnn7b",
            ["structure=wide7"],
            r"structure must be .* Did you mean 'wide7b'\?",
        ),
        ("fsnn7b", ["connection=add"], r"connection must be 'and' or .* for family 'fsnn'"),
        ("sew7b", ["connection=or"], r"connection must be 'add' or 'iand' for family 'sew'"),
        ("fsnn18", ["accumulation_pool=max"], r"accumulation_pool must be absent here"),
        ("fsnn18", ["attention=scores"], r"attention must be absent for structure 'resnet'"),
        ("spikformer_add", ["width=100"], r"width must be a multiple of 32 .* \(got 100\)"),
        ("spikformer_add", ["depth=0"], r"depth must be at least 1 \(got 0\)"),
        ("spikformer_add", ["connection=or"], r"connection must be 'add' for family 'sew'"),
        ("spikformer_add", ["family=spiking_resnet"], r"family must be 'fsnn' or 'dsnn' or 'sew'"),
        ("spikformer_iand", ["attention=softmax"], r"attention must be 'scores' or 'context' "),
    ],
)
def test_sizes_and_choices_fit_their_structure(name: str, options: list[str], message: str):
    with pytest.raises(InputError, match=rf"^--set {options[0]}: {message}"):
        load_workload_spec(name, options)


def test_what_an_event_net_needs_is_named_when_it_is_not_there():
    message = r"width must be a number .*accumulation_pool must be 'max' or 'average' for an event"
    with pytest.raises(ValidationError, match=message):
        spec(structure="7b", family="dsnn", connection="iand", readout="sum", depth=None)
    with pytest.raises(ValidationError, match=r"depth must be 18, .* \(got nothing\)"):
        spec(family="sew", connection="add", depth=None)
    message = r"depth must be .*width must be .*attention must be 'scores' or 'context' for"
    with pytest.raises(ValidationError, match=message):
        spec(structure="spikformer", family="sew", connection="add", depth=None)


def test_a_workload_survives_json():
    loaded = load_workload_spec("dsnn50")
    assert WorkloadSpec.model_validate_json(loaded.model_dump_json(by_alias=True)) == loaded


SMALL = """name: tiny
description: a network for small pictures
structure: small_resnet
family: fsnn
depth: 4
width: 8
pictures: mnist
timesteps: 4
connection: iand
weights: trained:one
source: a test
"""


def small(**fields: Any) -> WorkloadSpec:
    given = {"structure": "small_resnet", "family": "fsnn", "connection": "iand", "depth": 3}
    more = {"width": 8, "pictures": "mnist", "weights": "trained:one"}
    return spec(**(given | more | fields))


def refusal(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """Place and problem of each fault of the file, with lines exchanged."""
    text = SMALL
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / "tiny.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_workload_spec(path)
    return [
        f"{fault.place}: {fault.problem}".split("tiny.yaml:")[1] for fault in caught.value.faults
    ]


@pytest.mark.parametrize(
    ("pictures", "shape", "classes"),
    [
        ("digits", (1, 8, 8), 10),
        ("mnist", (1, 28, 28), 10),
        ("cifar10", (3, 32, 32), 10),
        ("cifar100", (3, 32, 32), 100),
    ],
)
def test_pictures_say_their_shape_and_number_of_classes(
    pictures: str, shape: tuple[int, int, int], classes: int
):
    found = small(pictures=pictures).pictures
    assert found is not None
    assert (found.shape, found.classes) == (shape, classes)
    assert small(pictures=pictures, classes=classes).classes == classes
    assert len(Pictures) == 4


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("training", [None, *Training])
def test_an_fsnn_alone_says_how_it_is_trained(family: Family, training: Training | None):
    connection = next(iter(legal_connections(Structure.SMALL_RESNET, family)), None)
    readout = "sum" if family is Family.DSNN else None
    fields = {"family": family, "connection": connection, "readout": readout, "training": training}
    if training is None or family is Family.FSNN:
        assert small(**fields).training is training
    else:
        with pytest.raises(ValidationError, match=r"training must be absent for family '.*streams"):
            small(**fields)


@pytest.mark.parametrize("shared", [True, False])
def test_networks_that_ever_have_two_streams_say_whether_these_share_their_head(shared: bool):
    assert small(shared_head=shared).shared_head is shared
    dual = small(family="dsnn", readout="sum", shared_head=shared)
    assert dual.shared_head is shared
    for fields in ({"family": "sew", "connection": "add"}, {"training": "single_stream"}):
        with pytest.raises(ValidationError, match="shared_head must be absent for one stream"):
            small(**fields, shared_head=shared)
    assert small().shared_head is None


def test_a_network_for_small_pictures_may_have_every_family():
    assert legal_families(Structure.SMALL_RESNET) == tuple(Family)


def test_a_file_of_a_network_for_small_pictures_is_read(tmp_path: Path):
    path = tmp_path / "tiny.yaml"
    path.write_text(SMALL)
    loaded = load_workload_spec(path, ["pictures=cifar100", "training=single_stream"])
    assert isinstance(loaded, WorkloadSpec)
    assert (loaded.depth, loaded.width, loaded.pictures) == (4, 8, Pictures.CIFAR100)
    assert (loaded.training, loaded.classes) == (Training.SINGLE_STREAM, None)
    assert WorkloadSpec.model_validate_json(loaded.model_dump_json(by_alias=True)) == loaded


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "pictures: mnist",
            "pictures: minst",
            "7:11: pictures must be 'digits', 'mnist', 'cifar10' or 'cifar100' (got 'minst').",
        ),
        (
            "pictures: mnist\n",
            "",
            "1:1: pictures must be 'digits' or 'mnist' or 'cifar10' or 'cifar100' for structure "
            "'small_resnet' (got nothing).",
        ),
        (
            "pictures: mnist",
            "pictures: cifar100\nclasses: 10",
            "8:10: classes must be 100 for cifar100 (got 10).",
        ),
        (
            "timesteps: 4",
            "classes: 0\ntimesteps: 4",
            "8:10: classes must be at least 1 (got 0).",
        ),
        (
            "depth: 4",
            "depth: 2",
            "5:8: depth must be a number of blocks, at least 3, for structure 'small_resnet' "
            "(got 2).",
        ),
        (
            "depth: 4\n",
            "",
            "1:1: depth must be a number of blocks, at least 3, for structure 'small_resnet' "
            "(got nothing).",
        ),
        (
            "width: 8\n",
            "",
            "1:1: width must be a number of channels for structure 'small_resnet' (got nothing).",
        ),
        ("width: 8", "width: 5000", "6:8: width must be at most 4096 (got 5000)."),
        (
            "weights: trained:one",
            "weights: calibrated",
            "10:10: weights must be 'trained:NAME' or a checkpoint for structure 'small_resnet' "
            "(got 'calibrated').",
        ),
        (
            "weights: trained:one\n",
            "",
            "1:1: weights must be 'trained:NAME' or a checkpoint for structure 'small_resnet' "
            "(got nothing).",
        ),
        (
            "family: fsnn\n",
            "family: sew\ntraining: dual_stream\n",
            "5:11: training must be absent for family 'sew' (got 'dual_stream').",
        ),
        (
            "weights",
            "training: single_stream\nshared_head: false\nweights",
            "11:14: shared_head must be absent for one stream (got false).",
        ),
        ("weights", "shared_head: 1\nweights", "10:14: shared_head must be true or false (got 1)."),
        (
            "weights",
            "training: dual\nweights",
            "10:11: training must be 'dual_stream' or 'single_stream' (got 'dual').",
        ),
        (
            "structure: small_resnet",
            "structure: resnet",
            "7:11: pictures must be absent for structure 'resnet' (got 'mnist').",
        ),
    ],
)
def test_a_fault_of_a_network_for_small_pictures_has_its_place(
    tmp_path: Path, old: str, new: str, expected: str
):
    assert expected in refusal(tmp_path, (old, new))


def test_all_faults_of_a_network_for_small_pictures_are_named_at_once(tmp_path: Path):
    found = refusal(
        tmp_path,
        ("depth: 4", "depth: 1"),
        ("width: 8\n", ""),
        ("pictures: mnist\n", ""),
        ("weights: trained:one", "weights: calibrated"),
        ("connection: iand", "connection: add"),
    )
    assert sorted(entry.split()[1] for entry in found) == [
        *("connection", "depth", "pictures", "weights", "width"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["pictures=mnist"], r"pictures must be absent for structure 'resnet' \(got 'mnist'\)"),
        (["training=dual_stream", "family=sew"], r"training must be absent for family 'sew'"),
        (["classes=4097"], r"classes must be at most 4096 \(got 4097\)"),
        (["classes=ten"], r"classes must be a whole number \(got 'ten'\)"),
    ],
)
def test_what_is_for_small_pictures_is_refused_elsewhere(options: list[str], message: str):
    with pytest.raises(InputError, match=rf"--set {options[0]}: {message}"):
        load_workload_spec("fsnn18", options)


def test_other_structures_may_have_another_number_of_classes():
    assert load_workload_spec("fsnn18", ["classes=10"]).classes == 10
