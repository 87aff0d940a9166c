"""The twin of a TPG 366 (pfeiffer_tpg366) against Pfeiffer's manuals.

Its own protocol, BG 5511 (2022-07, firmware 010300), is known as two public programs transcribe it:
labmcp-pfeiffer-tpg, with a simulator, and the plugin of ESIBD Explorer. Frames and most mnemonics
are those of the TPG 261, BG 5195, pages 67 to 79; examples are of the TPG 300, BG 800 300, page 58.
"""

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.twins.pfeiffer_tpg366 import PfeifferTpg366

ACK, NAK, ENQ, ETX = b"\x06\r\n", b"\x15\r\n", b"\x05", b"\x03"
SYNTAX, PARAMETER = b"0001\r\n", b"0010\r\n"


class Line:
    def __init__(self) -> None:
        self.pressures = {f"pressure.p{n}": 10.0**n for n in range(1, 5)}
        self.twin = PfeifferTpg366(
            "44990000",
            lambda name, now_fs: self.pressures[name],
            {1: "p1", 2: "p2", 3: "p3", 4: "p4"},
        )
        self.session = self.twin.open("mnemonics")
        self.now_fs = 0

    def send(self, data: bytes) -> bytes:
        return self.session.feed(data, self.now_fs)

    def wait(self, seconds: float) -> bytes:
        self.now_fs += round(seconds * FS_PER_S)
        return self.send(b"")

    def ask(self, mnemonic: str) -> bytes:
        assert self.send(mnemonic.encode() + b"\r") == ACK
        return self.send(ENQ)


@pytest.fixture
def line() -> Line:
    return Line()


def test_bg_800_300_page_58_the_example_of_the_filter(line: Line) -> None:
    """FOL is a syntax error, FIL is not; for six gauges instead of four."""
    assert line.send(b"FOL, 3, 2, 2, 2, 2, 2\r\n") == NAK
    assert line.send(b"ERR\r\n") + line.send(ENQ) == ACK + SYNTAX
    assert line.send(b"FIL, 3, 2, 2, 2, 2, 2\r\n") == ACK
    assert line.send(ENQ) == b"3,2,2,2,2,2\r\n"


def test_bg_800_300_page_58_the_examples_of_sensors_and_saving(line: Line) -> None:
    assert line.ask("SEN") == b"2,2,2,2,0,0\r\n"
    assert line.send(b"SAV, 1\r\n") == ACK


def test_bg_800_300_page_58_the_example_of_a_pressure_that_falls(line: Line) -> None:
    """PRx, ENQ, ENQ: each gets the reading of its moment."""
    line.pressures["pressure.p2"] = 0.83
    assert line.ask("PR2") == b"0,+8.3000E-03\r\n"
    line.pressures["pressure.p2"] = 0.08
    assert line.send(ENQ) == b"0,+8.0000E-04\r\n"


def test_bg_5195_page_67_spaces_are_ignored_and_etx_clears_the_input(line: Line) -> None:
    assert line.ask(" U N I , 2 ") == b"2\r\n"
    assert line.send(b"UNI,1" + ETX + b"PNR\r") == ACK
    assert line.send(ENQ) == b"010300\r\n"
    assert line.ask("UNI") == b"2\r\n"


def test_bg_5195_page_67_enq_without_a_valid_request_gets_the_error_word(line: Line) -> None:
    assert line.send(ENQ) == b"0000\r\n"
    assert line.send(b"NOT\r") == NAK
    assert line.send(ENQ) == SYNTAX
    assert line.send(ENQ) == b"0000\r\n"


def test_bg_5195_page_68_what_was_not_understood_is_sent_again(line: Line) -> None:
    assert line.send(b"PR*\r") == NAK
    assert line.send(b"PR1\r") == ACK
    assert line.send(ENQ) == b"0,+1.0000E-01\r\n"


@pytest.mark.parametrize(
    ("mnemonic", "word"),
    [
        *[(f"{word},1", SYNTAX) for word in ("PR1", "PRX", "TID", "AYT", "PNR", "ERR")],
        *[(word, SYNTAX) for word in ("PR0", "PR7", "PR", "PRXX", "AB", "123", "UNIT")],
        *[(one, PARAMETER) for one in ("UNI,6", "UNI,-1", "UNI,a", "UNI,", "UNI,1.0", "COM,3")],
        *[(one, PARAMETER) for one in ("SEN,3,0,0,0,0,0", "FIL,4,0,0,0,0,0", "SAV,2", "RES,2")],
    ],
)
def test_what_is_wrong_is_refused_and_changes_nothing(
    line: Line, mnemonic: str, word: bytes
) -> None:
    before = [line.ask(one) for one in ("UNI", "SEN", "FIL")]
    assert line.send(mnemonic.encode() + b"\r") == NAK
    assert line.send(ENQ) == word
    assert [line.ask(one) for one in ("UNI", "SEN", "FIL")] == before
    assert line.wait(5) == b""


def test_the_error_word_has_a_digit_for_each_error_and_is_cancelled_when_read(line: Line) -> None:
    assert line.send(b"UNI,9\r") + line.send(b"FOL\r") == NAK + NAK
    assert line.ask("ERR") == b"0011\r\n"
    assert line.ask("ERR") == b"0000\r\n"


@pytest.mark.parametrize(("mode", "period_s"), [("", 1.0), (",0", 0.1), (",1", 1.0), (",2", 60.0)])
def test_bg_5195_page_72_com_sends_all_at_once_and_at_its_interval(
    line: Line, mode: str, period_s: float
) -> None:
    """ACK "is immediately followed by the continuous output"; any character ends it."""
    values = b"0,+1.0000E-01,0,+1.0000E+00,0,+1.0000E+01,0,+1.0000E+02,5,+2.0000E-02,5,+2.0000E-02"
    assert line.send(f"COM{mode}\r".encode()) == ACK + values + b"\r\n"
    assert line.send(b"\n") == b""
    assert line.wait(0.95 * period_s) == b""
    assert line.wait(2.1 * period_s) == 3 * (values + b"\r\n")
    assert line.send(ETX) == b""
    assert line.wait(120) == b""


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("0", b"0,+1.0000E+01\r\n"),  # mbar
        ("1", b"0,+7.5000E+00\r\n"),  # Torr
        ("2", b"0,+1.0000E+03\r\n"),  # Pa
        ("3", b"0,+7.5000E+03\r\n"),  # micron
        ("4", b"0,+1.0000E+01\r\n"),  # hPa
        ("5", b"0,+7.4000E+00\r\n"),  # V: 0.6 log10 10 + 6.8
    ],
)
def test_units_are_those_of_the_protocol(line: Line, code: str, says: bytes) -> None:
    assert line.ask("UNI") == b"4\r\n"
    assert line.ask(f"UNI,{code}") == code.encode() + b"\r\n"
    assert line.ask("PR3") == says


def test_statuses_are_those_of_page_71(line: Line) -> None:
    line.pressures |= {"pressure.p1": 1e-9, "pressure.p2": 2e5}
    assert line.ask("SEN,0,0,1,0,1,0") == b"2,2,1,2,0,0\r\n"
    assert line.ask("PRX").split(b",")[::2] == [b"1", b"2", b"4", b"0", b"5", b"5"]
    assert line.ask("PRX").split(b",")[-1] == b"+2.0000E-02\r\n"  # without a sensor


def test_what_public_programs_say_who_it_is(line: Line) -> None:
    assert line.ask("AYT") == b"TPG366,PTG28770,44990000,010300,010100\r\n"
    assert line.ask("TID") == b"PKR,PKR,PKR,PKR,noSENSOR,noSENSOR\r\n"
    assert line.ask("RES,1") == b"0\r\n"


def test_sav_keeps_parameters_over_a_power_cycle_or_goes_back_to_those_delivered(
    line: Line,
) -> None:
    line.ask("UNI,2")
    line.ask("FIL,0,0,0,0,0,0")
    line.twin.power_cycle(line.now_fs)
    assert line.ask("UNI") + line.ask("FIL") == b"4\r\n2,2,2,2,2,2\r\n"
    line.ask("UNI,2")
    assert line.send(b"SAV,1\r") == ACK
    line.twin.power_cycle(line.now_fs)
    assert line.ask("UNI") == b"2\r\n"
    assert line.send(b"SAV,0\r") == ACK
    line.twin.power_cycle(line.now_fs)
    assert line.ask("UNI") == b"4\r\n"


def test_after_power_on_it_sends_each_second_and_etx_ends_it(line: Line) -> None:
    line.wait(0)
    line.twin.power_cycle(line.now_fs)
    assert line.wait(3).count(b"\r\n") == 3
    line.send(ETX)
    assert line.wait(3) == b""
