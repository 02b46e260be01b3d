import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codesign.errors import InputError
from codesign.specs.documents import (
    DEEPEST_NESTING,
    LARGEST_FILE_BYTES,
    MOST_VALUES,
    parse_document,
    parse_scalar,
    read_document,
)


def test_values_are_those_of_yaml_1_2():
    text = "a: no\nb: true\nc: 0x1F\nd: 1e-12\ne: 2024-01-01\nf: ~\ng: '16'\nh: [1, x]\ni: 010\n"
    data = parse_document(text, "x.yaml").data
    assert data == {
        "a": "no",
        "b": True,
        "c": 31,
        "d": 1e-12,
        "e": "2024-01-01",
        "f": None,
        "g": "16",
        "h": [1, "x"],
        "i": 10,
    }


def test_every_value_and_key_has_its_place():
    document = parse_document("a:\n  b: 1\n  c: [2, 3]\n", "x.yaml")
    assert document.values["a", "b"].text == "x.yaml:2:6"
    assert document.keys["a", "c"].text == "x.yaml:3:3"
    assert document.values["a", "c", 1].text == "x.yaml:3:10"
    assert document.values["a", "b"].excerpt == "      b: 1\n         ^"


def test_an_alias_stands_for_a_copy():
    data = parse_document("a: &x {b: 1}\nc: *x\n", "x.yaml").data
    assert data == {"a": {"b": 1}, "c": {"b": 1}}
    assert data["a"] is not data["c"]


def test_all_faults_of_the_text_are_kept():
    text = "a: 1\na: 2\nb: !!python/object:os x\n? [1]\n: 2\nc: " + "9" * 65 + "\n"
    document = parse_document(text, "x.yaml")
    assert [str(fault).splitlines()[0] for _, fault in document.faults] == [
        "x.yaml:3:4: must have no tag (got 'tag:yaml.org,2002:python/object:os'). Remove it.",
        "x.yaml:2:1: must have each key once ('a' is already in line 1). Remove one of the two.",
        "x.yaml:4:3: must have plain text as key. Write 'key: value'.",
        "x.yaml:6:4: must be a number that can be read (it has 65 characters). Shorten it.",
    ]


def alias_bomb(levels: int) -> str:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, levels):
        entries = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{entries}]")
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"^x\.yaml: must hold a description \(got an empty file\)"),
        ("# only a comment\n", r"^x\.yaml: must hold a description \(got an empty file\)"),
        ("- a\n- b\n", r"^x\.yaml:1:1: must be a group of keys \(got a list\)"),
        ("hello\n", r"^x\.yaml:1:1: must be a group of keys \(got a single value\)"),
        ("a:\n\t- b\n", r"^x\.yaml:2:1: must be indented with spaces \(got a tab\)"),
        ("a: [1\n", r"^x\.yaml:2:1: must be YAML \(expected ',' or ']'"),
        ("a: b: c\n", r"^x\.yaml:1:5: must be YAML \(mapping values are not allowed here\)"),
        ("a: '\n", r"^x\.yaml:2:1: must be YAML \(found unexpected end of stream\)"),
        ("a: @b\n", r"^x\.yaml:1:4: must be YAML \(found character '@'"),
        ("--- \na: 1\n--- \nb: 2\n", r"^x\.yaml:3:1: must be one document \(got a second one\)"),
        ("a: *b\n", r"^x\.yaml:1:4: must define its anchors \(found undefined alias 'b'\)"),
        ("a: &x 1\nb: &x 2\n", r"^x\.yaml:2:4: must define the anchor 'x' once"),
        ("%YAML 1.1\n---\na: no\n", r"^x\.yaml:2:1: must be YAML 1\.2"),
        ("a: b\nc: \x00\n", r"^x\.yaml:2:4: must hold no control characters"),
        ("a: " + "[" * 5000, r"^x\.yaml:1:27: must not nest deeper than 24 levels"),
        ("a: &a {b: *a}\n", r"^x\.yaml:1:4: must not nest deeper than 24 levels"),
        (alias_bomb(9), r"must hold at most 20000 values after aliases are expanded"),
    ],
    ids=lambda text: text[:20],
)
def test_text_that_is_no_description_is_refused(text: str, message: str):
    with pytest.raises(InputError, match=message):
        parse_document(text, "x.yaml")


@given(st.text(st.sampled_from("ab:-#&*!|>%@`'\"{}[],? \n\t\r~0.\x00\u2028é"), max_size=60))
def test_any_text_is_a_document_or_an_input_error(text: str):
    with contextlib.suppress(InputError):
        assert isinstance(parse_document(text, "x.yaml").data, dict)


@given(st.text(st.sampled_from("ab:-#&*!|>%@`'\"{}[],? \n\t~0.x_e"), max_size=30))
def test_any_text_is_a_scalar_or_a_value_error(text: str):
    with contextlib.suppress(ValueError):
        value = parse_scalar(text)
        assert value is None or isinstance(value, str | int | float)


def test_the_limits_allow_what_is_just_within_them():
    nested = "a: " + "[" * (DEEPEST_NESTING - 1) + "]" * (DEEPEST_NESTING - 1)
    assert parse_document(nested, "x.yaml").data["a"] is not None
    many = "a: [" + "x, " * (MOST_VALUES - 2) + "]"
    assert len(parse_document(many, "x.yaml").data["a"]) == MOST_VALUES - 2


def test_an_excerpt_of_a_long_line_is_cut_around_the_fault():
    text = "a: [" + "x, " * 100 + "\n"
    with pytest.raises(InputError) as caught:
        parse_document(text + "b: @c", "x.yaml")
    assert all(len(line) <= 104 for line in caught.value.faults[0].excerpt.splitlines())


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    path = tmp_path / "none.yaml"
    with pytest.raises(InputError, match=r"none\.yaml: must be a readable file \(got: no such"):
        read_document(path)


def test_a_folder_is_no_file(tmp_path: Path):
    with pytest.raises(InputError, match=r"must be a readable file \(got: is a directory\)"):
        read_document(tmp_path)


def test_bytes_that_are_not_utf_8_are_named_with_their_line(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(InputError, match=r"x\.yaml:2: must be UTF-8 text \(got the byte 0xff\)"):
        read_document(path)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert read_document(path).data == {"a": 1}


def test_a_large_file_is_refused_unread(tmp_path: Path):
    path = tmp_path / "x.yaml"
    path.write_bytes(b"#" * (LARGEST_FILE_BYTES + 1))
    with pytest.raises(InputError, match=r"x\.yaml: must be at most 256 KiB \(got more\)"):
        read_document(path)


def test_a_file_in_the_current_folder_is_named_relative(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "x.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path)
    assert read_document(tmp_path / "x.yaml").file == "x.yaml"


@pytest.mark.parametrize(
    ("text", "value"),
    [("32", 32), ("0.9 pJ", "0.9 pJ"), ("true", True), ("", None), ("'1'", "1"), ("1e3", 1000.0)],
)
def test_a_scalar_is_read_as_in_a_file(text: str, value: object):
    assert parse_scalar(text) == value


@pytest.mark.parametrize(
    "text", ["[1, 2]", "{a: 1}", "a: b", "*x", "'", "- 1", "!!int 3", "9" * 65]
)
def test_a_scalar_is_one_plain_value(text: str):
    with pytest.raises(ValueError, match=r"^it "):
        parse_scalar(text)
