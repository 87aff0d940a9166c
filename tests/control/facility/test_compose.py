"""Both readers of YAML say the same of a sound text, to the column."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.facility import compose
from podium.control.facility.problems import FacilityError
from podium.control.facility.source import SourceFile, read_source

WORDS = ["yes", "on", "True", "null", "~", "010", "0o10", "0x1F", "1:30", "1e3", ".5", "-3"]
WORDS += ["6.02 GHz", "3 µs", "2026-01-01", "'a b'", '"\\n"', "=", ".inf", "1_000", "!!str 3"]


def both(file: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> tuple[SourceFile, SourceFile]:
    """Return what the quick and the slow reader make of ``text``."""
    file.write_text(text, encoding="utf-8")
    fast = read_source(file)
    with monkeypatch.context() as patch:
        patch.setattr(compose, "compose_quickly", lambda text: None)
        slow = read_source(file)
    assert fast[1] == slow[1]
    return fast[0], slow[0]


def test_the_example_is_read_alike(example: Path, tmp_path: Path, monkeypatch) -> None:
    assert compose.compose_quickly("a: 1") is not None
    fast, slow = both(tmp_path / "x.yaml", example.read_text(encoding="utf-8"), monkeypatch)
    assert fast.data == slow.data
    assert fast.keys == slow.keys
    assert fast.values == slow.values


@given(
    st.lists(
        st.tuples(st.sampled_from(WORDS), st.integers(0, 3), st.sampled_from("mls")), max_size=8
    )
)
def test_words_and_numbers_are_read_alike(tmp_path_factory, given_lines) -> None:
    lines = []
    for number, (word, _, form) in enumerate(given_lines):
        value = {"m": f"{{µ: {word}, b: [{word}]}}", "l": f"[{word}, {word}]", "s": word}[form]
        lines.append(f"key_{number}: {value}  # comment")
    with pytest.MonkeyPatch.context() as patch:
        file = tmp_path_factory.getbasetemp() / "alike.yaml"
        fast, slow = both(file, "\n".join(lines) + "\n", patch)
    assert repr(fast.data) == repr(slow.data)
    assert fast.keys == slow.keys
    assert fast.values == slow.values


def test_every_line_that_is_indented_by_a_tab_is_told(tmp_path: Path) -> None:
    file = tmp_path / "tabs.yaml"
    file.write_text("facility: x\ninstruments:\n\tdac:\n\t\tmodel: a\n  lo:\n  \tmodel: b\n")
    with pytest.raises(FacilityError) as refused:
        read_source(file)
    told = [(problem.line, problem.column) for problem in refused.value.problems]
    assert told == [(3, 1), (4, 1), (6, 3)]
    file.write_text("a:\n" + "\tb: 1\n" * 50)
    with pytest.raises(FacilityError, match="of this line and of 29 more"):
        read_source(file)
