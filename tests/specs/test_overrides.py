import re

import pytest

from codesign.errors import InputError
from codesign.specs.architecture import Architecture
from codesign.specs.catalogue import architecture_path, load_architecture, load_workload_spec
from codesign.specs.documents import read_document
from codesign.specs.overrides import apply_overrides, split_overrides


def test_an_override_changes_its_value_and_no_other():
    plain = load_architecture("split_core")
    changed = load_architecture("split_core", ["cores.spike.count=32"])
    assert changed.cores["spike"].count == 32
    spike = plain.cores["spike"].model_copy(update={"count": 32})
    assert changed == plain.model_copy(update={"cores": {**plain.cores, "spike": spike}})


def test_the_document_itself_stays_as_it_is():
    document = read_document(architecture_path("paper"))
    before = document.data["operations"]["ac"]
    changed = apply_overrides(document, Architecture, ["operations.ac=1 pJ"])
    assert (document.data["operations"]["ac"], changed.data["operations"]["ac"]) == (before, "1 pJ")


def test_overriding_one_use_of_an_alias_leaves_the_other():
    chip = load_architecture("split_core", ["cores.accumulation.state_memory.size=32 KiB"])
    assert chip.cores["accumulation"].state_memory.size_bits == 32 * 1024 * 8
    assert chip.cores["spike"].state_memory.size_bits == 64 * 1024 * 8


def test_the_last_of_two_overrides_wins():
    spec = load_workload_spec("fsnn18", ["timesteps=8", "workload.timesteps=2"])
    assert spec.timesteps == 2


def test_a_key_that_the_file_leaves_out_can_be_set():
    assert load_workload_spec("fsnn18", ["workload.identity_start=true"]).identity_start


def test_a_layer_is_named_with_its_dots():
    options = ["schedule.layers.layer1.0.conv1=rows", "schedule.layers.fc=output_channels"]
    layers = load_architecture("split_core", options).schedule.layers
    assert layers == {"layer1.0.conv1": "rows", "fc": "output_channels"}


def test_options_are_split_by_what_they_mean():
    options = ["cores.spike.count=32", "workload.timesteps=8", "policy.integer_input=repeat"]
    architecture, workload = split_overrides(options)
    assert architecture == ["cores.spike.count=32", "policy.integer_input=repeat"]
    assert workload == ["workload.timesteps=8"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("cores.spike.cuont=32", "cores.spike has no key 'cuont'. Did you mean 'count'?"),
        ("cores.spkie.count=32", "cores has no key 'spkie'. Did you mean 'spike'?"),
        ("coers.spike.count=32", "the file has no key 'coers'. Did you mean 'cores'?"),
        (
            "timesteps=2",
            "the file has no key 'timesteps'. Did you mean '--set workload.timesteps=2'?",
        ),
        (
            "timestep=2",
            "the file has no key 'timestep'. Did you mean '--set workload.timesteps=2'?",
        ),
        (
            "reedout=sum",
            "the file has no key 'reedout'. Did you mean '--set workload.readout=sum'?",
        ),
        (
            "noc.topology=mesh",
            "the file has no key 'noc'. Write topology, link, hop_latency, hop, multicast, spikes, "
            "leakage, area, source in a file: they belong together.",
        ),
        ("schedule.layers.fc=colums", "schedule.layers.fc must be"),
        ("nmae=x", "the file has no key 'nmae'. Did you mean 'name'?"),
        ("cores.spike.count.x=2", "cores.spike.count must be a group to hold other keys (got 16)."),
        ("cores.spike.count", "must have the form key.key=value (got 'cores.spike.count')."),
        ("=3", "must have the form key.key=value (got '=3')."),
        ("cores..count=3", "must have the form key.key=value (got 'cores..count=3')."),
        ("policy=[a, b]", "must end in one value (got '[a, b]': it is not a single value)."),
        ("cores.spike.count=0", "cores.spike.count must be at least 1 (got 0)."),
        ("cores.spike.count='32'", "cores.spike.count must be a whole number (got '32')."),
        ("technology.clock=4 pJ", "technology.clock: '4 pJ' is an energy; a frequency is expected"),
        ("cores.spike=3", "cores.spike must be a group of keys (got 3)."),
        ("name=other", "name must be the file's name, 'split_core' (got 'other')."),
        (
            "cores.spike.kind=unified",
            "cores.spike.mac is missing for a core of kind 'unified'.",
        ),
        (
            "cores.spike.weight_memory.banks=3",
            "cores.spike.weight_memory.size must be a multiple of banks x width = 48 B",
        ),
    ],
)
def test_a_fault_of_an_override_names_the_option(option: str, message: str):
    with pytest.raises(InputError, match=f"^{re.escape(f'--set {option}: {message}')}"):
        load_architecture("split_core", [option])


def test_a_workload_override_that_breaks_a_rule_names_the_option():
    message = (
        r"^--set workload\.family=sew: connection must be 'add' for family 'sew' \(got 'iand'\)"
    )
    with pytest.raises(InputError, match=message):
        load_workload_spec("fsnn18", ["workload.family=sew"])


def test_all_faulty_options_are_named_at_once():
    with pytest.raises(InputError) as caught:
        load_architecture("split_core", ["nmae=x", "cores", "cores.spike.cuont=2"])
    assert len(caught.value.faults) == 3
