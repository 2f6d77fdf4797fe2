"""One reader of YAML: 1.2, strict, and it knows where everything stands."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from within_wf.config.reader import Place, parse_yaml, read_yaml
from within_wf.errors import ConfigError

START = Place("a.yaml", 1, 1)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff")
    )
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc", min_size=1), inner, max_size=3)
)


def value(text):
    return parse_yaml(text, START).value


def problems(text):
    with pytest.raises(ConfigError) as error:
        parse_yaml(text, START)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("FALSE", False),
        ("1e-3", 1e-3),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-01-01", "2024-01-01"),
        ("~", None),
        ("", None),
        ("'12'", "12"),
        ('"true"', "true"),
        ("-.inf", -math.inf),
        ("a # comment", "a"),
    ],
)
def test_a_plain_value_means_what_yaml_1_2_says(text, expected):
    found = value(f"key: {text}")["key"]
    assert found == expected
    assert type(found) is type(expected)


@given(st.dictionaries(st.text("abcdef", min_size=1), VALUES, min_size=1))
def test_json_is_read_as_what_it_says(content):
    assert value(json.dumps(content, ensure_ascii=False)) == content
    assert value(json.dumps(content, ensure_ascii=False, indent=1)) == content


def test_every_value_knows_its_place():
    document = parse_yaml("a:\n  b: 1\n  c:\n    - x\n    -   y\n", START)
    assert str(document.place(("a", "b"))) == "a.yaml:2:3"
    assert str(document.place(("a", "c", 1))) == "a.yaml:5:9"
    assert str(document.place(("a", "c", 7, "z"))) == "a.yaml:3:3"
    assert str(document.place(("q",))) == "a.yaml:1:1"


def test_all_that_cannot_be_held_is_named_together():
    found = problems("a: &x 1\nb: *x\na: 2\n3: c\nd: !!str 4\n? [k]\n: v\n")
    assert len(found) == 6
    assert found[0].startswith("a.yaml:1:4: found the anchor &x")
    assert found[1].startswith("a.yaml:2:4: found the alias *x")
    assert found[2].startswith("a.yaml:3:1: found the key a again, expected it once: it stands at a.yaml:1:1")
    assert found[3].startswith("a.yaml:4:1: found the key 3")
    assert "the tag" in found[4]


@pytest.mark.parametrize(
    ("text", "where"),
    [("a: [1, 2\nb: 3", "a.yaml:2:2"), ("a: b: c", "a.yaml:1:5"), ("a:\n\t- b", "a.yaml:2:1"), ("a: 'open", "a.yaml:1:9")],
)
def test_what_is_no_yaml_is_shown_where_it_breaks(text, where):
    assert problems(text)[0].startswith(where)


def test_a_second_document_a_merge_key_and_deep_nesting_are_refused():
    assert "a second document" in problems("a: 1\n---\nb: 2")[0]
    assert "the merge key <<" in problems("a: 1\n<<: {b: 2}")[0]
    assert "at most 50 levels" in problems("a: " + "[" * 60 + "]" * 60)[0]
    assert "a number of 200 digits" in problems("a: " + "1" * 200)[0]
    assert "special characters" in problems("a: \x07")[0]


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"found no file.*In its folder: nothing"):
        read_yaml(tmp_path / "a.yaml")
    (tmp_path / "b.yaml").write_bytes(b"ok: 1\nname: caf\xe9\n")
    with pytest.raises(ConfigError, match=r"b\.yaml:2:10: found the byte 0xe9"):
        read_yaml(tmp_path / "b.yaml")
    (tmp_path / "c.yaml").write_text("- 1\n- 2\n")
    with pytest.raises(ConfigError, match=r"c\.yaml:1:1: found a list, expected a mapping"):
        read_yaml(tmp_path / "c.yaml")
    with pytest.raises(ConfigError, match="a file that can be read"):
        read_yaml(tmp_path)


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    (tmp_path / "a.yaml").write_text("# nothing yet\n")
    assert read_yaml(tmp_path / "a.yaml").value == {}
