from typing import Any

import pytest
from pydantic import ValidationError

from codesign.errors import InputError
from codesign.specs.catalogue import load_workload_spec, workload_names
from codesign.specs.workload import CONNECTIONS, Connection, Family, Readout, WorkloadSpec


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
        (["depth=20"], r"depth must be 18, 34, 50, 101 or 152 \(got 20\)"),
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


@pytest.mark.parametrize("name", workload_names())
def test_a_shipped_workload_is_what_its_name_says(name: str):
    loaded = load_workload_spec(name)
    assert name == f"{loaded.family}{loaded.depth}"
    assert loaded.timesteps == (6 if loaded.family is Family.SPIKING_RESNET else 4)
    assert loaded.weights == "calibrated"


def test_a_workload_survives_json():
    loaded = load_workload_spec("dsnn50")
    assert WorkloadSpec.model_validate_json(loaded.model_dump_json(by_alias=True)) == loaded
