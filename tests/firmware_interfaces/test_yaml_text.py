"""libyaml's way to a value agrees with ruamel.yaml's, which is the slower and the stricter one."""

import datetime
import math
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from podium.firmware_interfaces import yaml_text
from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").rglob("*.yaml"))


def slowly(text: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return YAML(typ="safe", pure=True).load(text)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_examples_read_alike(path: Path) -> None:
    text = path.read_text()
    assert parse_yaml(text) == slowly(text)
    assert yaml_text.compose_quickly(text) is not None


WORDS = [
    "yes", "no", "on", "True", "false", "null", "~", "", "1", "010", "0o17", "0x1F", "0b11",
    "1_000", "+5", "-0", "1.5", "1.", ".5", "1e3", "1E-3", "-1.5e+3", "1_0.5", ".inf", "-.INF",
    ".nan", "2026-11-20", "2026-11-20 09:30:00", "2026-11-20T09:30:00Z", "1:30", "4.935 GHz",
    "=", "a-b", "'1'", '"1"', "!!str 1", "1__", "0.0.0.0", "12e", "9" * 200,
]  # fmt: skip


@pytest.mark.parametrize("word", WORDS)
def test_words_and_numbers_are_those_of_yaml_1_2(word: str) -> None:
    text = f"a: {word}\nb: [{word or 'null'}]\n"
    try:
        expected = slowly(text)
    except (YAMLError, ValueError):
        with pytest.raises(NotYaml):
            parse_yaml(text)
        return
    found = parse_yaml(text)
    assert type(found["a"]) is type(expected["a"])
    if isinstance(found["a"], float) and math.isnan(found["a"]):
        assert math.isnan(expected["a"])
    else:
        assert found == expected


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "base: &b {x: 1}\nmore:\n  <<: *b\n  y: 2",
        "? [1, 2]\n: 3",
        "a: !!binary aGk=",
        "a: !!set {b, c}",
        "a: !mine 1",
        "--- 1\n--- 2",
        "%YAML 1.1\n---\na: yes",
        "a: &x [*x]",
        "- &a 1\n- &a 2\n- *a",
        "a: *b",
        "a: 'b",
        "\ta: 1",
    ],
)
def test_what_is_rare_is_left_to_ruamel(text: str) -> None:
    try:
        expected = slowly(text)
    except (YAMLError, ValueError):
        with pytest.raises(NotYaml):
            parse_yaml(text)
    else:
        assert repr(parse_yaml(text)) == repr(expected)


@pytest.mark.parametrize("part", ["[1],", "{a: 1},", "[],", "- [a,\n"])
def test_what_nobody_has_written_is_refused_without_ruamel(part: str, monkeypatch) -> None:
    def asked(*_: object) -> None:
        raise LookupError("ruamel is asked")

    monkeypatch.setattr("ruamel.yaml.YAML.load", asked)
    with pytest.raises(NotYaml, match=r"line \d+, column \d+: "):
        parse_yaml("a: [" + part * 800)
    with pytest.raises(LookupError):  # what somebody may have written gets ruamel's clearer words
        parse_yaml("a: [" + part * 10)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_examples_are_written_by_people(path: Path) -> None:
    assert not yaml_text._dense(path.read_text())


def test_what_is_named_twice_is_the_same_value() -> None:
    found = parse_yaml("a: &x [1, {b: 2}]\nc: *x\n")
    assert found["a"] is found["c"]
    doubled = "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}, *a{n}]\n" for n in range(60))
    assert len(parse_yaml(doubled)["a60"]) == 2, "and takes no time, however often it is"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=12)
    | st.sampled_from(WORDS)
    | st.dates(datetime.date(1000, 1, 1))
)
TREES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc1 -:#", max_size=5) | st.integers(), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(derandomize=True, deadline=None)
@given(TREES)
def test_whatever_is_written_is_read_as_ruamel_reads_it(tree: Any) -> None:
    from io import StringIO

    text = StringIO()
    YAML(typ="safe", pure=True).dump(tree, text)
    try:
        expected = slowly(text.getvalue())
    except YAMLError:  # it does not read all that it writes
        return
    assert repr(parse_yaml(text.getvalue())) == repr(expected)


@settings(derandomize=True, deadline=None)
@given(st.text("ab1:-,[]{}#'\"|>?%\n .~", max_size=30))
def test_garbage_that_ruamel_reads_is_read_alike(text: str) -> None:
    try:
        expected = slowly(text)
    except (YAMLError, ValueError, TypeError):
        return
    assert repr(parse_yaml(text)) == repr(expected)
