"""Which messages only ask."""

import pytest

from podium.firmware_interfaces.ieee4882.queries import is_message, only_asks


@pytest.mark.parametrize(
    "message",
    [
        b"*IDN?",
        b":SOUR:LEV?",
        b"RDGK? 6",
        b":CALC:DATA?",
        b":SOUR:FUNC?;RANG?;:OUTP?",
        b'DISP:TEXT? "a;b"',
    ],
)
def test_queries_only_ask(message: bytes) -> None:
    assert only_asks(message)


@pytest.mark.parametrize(
    "message",
    [
        b":SOUR:LEV 1",
        b":SOUR:LEV 1;:SOUR:LEV?",
        b":SOUR:LEV?;:OUTP 1",
        b"*RST",
        b"*TST?",
        b"*CAL?",
        b":CAL:ALL?",
        b"",
        b"(?",
    ],
)
def test_whatever_acts_or_cannot_be_read_does_not_only_ask(message: bytes) -> None:
    assert not only_asks(message)


def test_a_parameter_is_told_from_a_message() -> None:
    for name in ("power", "module2.sequencer0.sync_en", "IDN"):
        assert not is_message(name)
    for text in ("*IDN?", ":OUTP", "SOUR:POW", "RDGK? 6"):
        assert is_message(text)
