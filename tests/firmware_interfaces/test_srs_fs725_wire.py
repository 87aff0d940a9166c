import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.srs_fs725 import (
    SETTINGS,
    STATUS,
    Line,
    SyntaxFault,
    decode,
    numbers_of,
    status_words,
)


@pytest.mark.parametrize(
    ("line", "means"),
    [
        ("LO?", Line("LO", False, True, ())),
        ("lo?", Line("LO", False, True, ())),
        ("LO1", Line("LO", False, False, (1,))),
        ("RS 1", Line("RS", False, False, (1,))),
        ("MO!", Line("MO", True, False, ())),
        ("MO!?", Line("MO", True, True, ())),
        ("SF-2000", Line("SF", False, False, (-2000,))),
        ("AD10?", Line("AD10", False, True, ())),
        ("L O ? ", Line("LO", False, True, ())),
        ("LO 1 2", Line("LO", False, False, (12,))),
        ("SD3 150", Line("SD3", False, False, (150,))),
        ("SP7008,3938,60", Line("SP", False, False, (7008, 3938, 60))),
    ],
)
def test_a_command_is_read(line, means) -> None:
    assert decode(line) == means


@pytest.mark.parametrize("line", ["", "L", "*IDN?", "LO?1", "LOx", "LO1.5", "12", "LO 1,,2", "?"])
def test_what_is_no_command_is_refused(line) -> None:
    with pytest.raises(SyntaxFault):
        decode(line)


@given(st.text(max_size=30))
def test_any_line_is_a_command_or_a_refusal(line) -> None:
    try:
        command = decode(line)
    except SyntaxFault:
        return
    assert command.word[:2].isalpha()


@given(st.lists(st.integers(-9999, 9999), min_size=1, max_size=6))
def test_numbers_are_read_back(numbers) -> None:
    answer = ",".join(map(str, numbers))
    assert numbers_of(answer, len(numbers)) == tuple(numbers)
    with pytest.raises(ValueError, match="whole numbers are wanted"):
        numbers_of(answer, len(numbers) + 1)


def test_status_bytes_are_told_in_words() -> None:
    assert status_words((0, 0, 1, 1, 0, 128)) == (
        "lamp too cold",
        "frequency lock is off",
        "was reset",
    )
    assert status_words((0, 0, 0, 0, 128, 0), ignored=(0, 0, 0, 0, 128, 0)) == ()
    assert status_words((0, 0, 0, 192, 0, 0)) == (), "two bits mean nothing"


def test_settings_begin_within_their_limits() -> None:
    for word, setting in SETTINGS.items():
        for number, (low, high) in zip(setting.initial, setting.limits, strict=True):
            assert low <= number <= high, word
    assert [len(meanings) for meanings in STATUS] == [8] * 6
