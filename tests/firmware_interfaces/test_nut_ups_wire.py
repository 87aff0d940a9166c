import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import nut_ups as nut
from podium.firmware_interfaces.nut_ups import NutError

names = st.from_regex(r"[a-z]+(\.[a-z0-9]+){0,2}", fullmatch=True)
values = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=20)


@given(st.dictionaries(names, values, max_size=6))
def test_variables_are_read_as_they_were(variables) -> None:
    rows = [nut.variable_line("ups", name, value) for name, value in variables.items()]
    assert nut.read_variables("ups", nut.list_lines("VAR ups", rows)) == variables


def test_words_are_cut_as_the_rfc_quotes_them() -> None:
    assert nut.words('VAR su700 ups.mfr "a \\"b\\" \\\\c"') == (
        "VAR",
        "su700",
        "ups.mfr",
        'a "b" \\c',
    )
    assert nut.words("  GET  VAR ups\tx ") == ("GET", "VAR", "ups", "x")
    assert nut.words('SET VAR ups a ""') == ("SET", "VAR", "ups", "a", "")
    assert nut.words("") == ()


@pytest.mark.parametrize("line", ['VAR ups "open', "back\\", '"a\\'])
def test_quotes_that_do_not_close_are_no_words(line) -> None:
    with pytest.raises(NutError):
        nut.words(line)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["ERR UNKNOWN-UPS"],
        ["BEGIN LIST VAR other", "END LIST VAR other"],
        ["BEGIN LIST VAR ups", 'VAR ups a "1"'],
        ["BEGIN LIST VAR ups", "VAR ups a", "END LIST VAR ups"],
        ["BEGIN LIST VAR ups", 'VAR other a "1"', "END LIST VAR ups"],
    ],
)
def test_what_is_no_list_of_variables_is_refused(lines) -> None:
    with pytest.raises(NutError):
        nut.read_variables("ups", lines)


def test_a_number_is_finite_or_none() -> None:
    said = {"a": "12.5", "b": "n/a", "c": "nan", "d": "inf"}
    assert [nut.number_of(said, name) for name in "abcde"] == [12.5, None, None, None, None]
