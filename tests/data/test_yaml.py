"""YAML is read as it is meant."""

import pytest

from optical_core.data.yaml import read_yaml
from optical_core.errors import InputError
from optical_core.study.study_files import read_study


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in "no yes on off y N 1:30 2020-02-30 1_0".split()),
        ("true", True),
        ("null", None),
        ("~", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("1e-4", 1e-4),
        (".5", 0.5),
        ("-3", -3),
        ("'no'", "no"),
    ],
)
def test_a_value_is_what_it_says(text, value):
    found = read_yaml(f"a: [{text}]", "x")["a"][0]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3", "{a: {b: 1, b: 2}}", "no: 1\nno: 2"])
def test_a_key_that_comes_twice_is_refused(text):
    with pytest.raises(InputError, match=r"^x, line \d: '\w+' is there twice"):
        read_yaml(text, "x")


def test_anchors_and_merges_are_read():
    assert read_yaml("a: &a {b: 1, c: 1}\nd: {<<: *a, b: 2}", "x")["d"] == {"b": 2, "c": 1}


def test_a_study_in_norwegian(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("name: nn\ncollections: [demo]\nmodels: [embedded]\nlanguages: [en, no]\n")
    assert read_study(str(path)).languages == ("en", "no")
    path.write_text("name: 2024\ncollections: [demo]\n")
    with pytest.raises(InputError, match="in quotes"):
        read_study(str(path))
