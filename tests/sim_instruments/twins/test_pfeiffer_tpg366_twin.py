import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces import pfeiffer_tpg366 as box
from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.firmware_interfaces.pfeiffer_tpg366 import GaugeStatus, Pressure
from podium.sim_instruments.twins.pfeiffer_tpg366 import PfeifferTpg366


class Box:
    def __init__(self) -> None:
        self.pressures = {f"pressure.p{n}": 10.0**n for n in range(1, 7)}
        self.twin = PfeifferTpg366("1", lambda name, now_fs: self.pressures[name])
        self.session = self.twin.open("mnemonics")

    def ask(self, mnemonic: str) -> str:
        said = self.session.feed(mnemonic.encode() + b"\r\n", 0)
        return said.decode().strip("\r\n") + self.session.feed(b"\x05", 0).decode().strip()


@pytest.fixture
def gauges() -> Box:
    return Box()


@given(st.sampled_from(GaugeStatus), st.floats(1e-11, 1e5))
def test_a_reading_is_the_same_after_it_was_written(status: GaugeStatus, value: float) -> None:
    (read,) = box.pressures_of(box.pressure_text(Pressure(status, value)))
    assert read.status is status
    assert read.value == pytest.approx(value, rel=6e-3)


@pytest.mark.parametrize("answer", ["", "0", "0,x", "9,1E-3", "0,1,2", "0,1,,"])
def test_what_is_no_reading_is_not_taken_for_one(answer: str) -> None:
    with pytest.raises(box.SyntaxFault):
        box.pressures_of(answer)


def test_pressures_come_in_the_unit_that_is_set(gauges: Box) -> None:
    assert gauges.ask("PR3") == "\x060,+1.0000E+01"  # 1000 Pa in mbar
    assert gauges.ask("UNI,2") == "\x062"
    assert gauges.ask("PR3") == "\x060,+1.0000E+03"
    assert gauges.ask("UNI,1") == "\x061"
    assert gauges.ask("PR3") == "\x060,+7.5000E+00"


def test_what_is_out_of_range_off_or_missing_says_so(gauges: Box) -> None:
    gauges.pressures["pressure.p1"] = 1e-8
    assert gauges.ask("PR1").startswith("\x061,")
    assert gauges.ask("PR6").startswith("\x062,")  # 1e6 Pa
    assert gauges.ask("SEN,0,1,0,0,0,0") == "\x062,1,2,2,2,2"
    assert gauges.ask("PR2").startswith("\x064,")
    bare = PfeifferTpg366("1").open("mnemonics")
    bare.feed(b"PRX\r\n", 0)
    assert bare.feed(b"\x05", 0).startswith(b"5,+2.0000E-02,5,")


@pytest.mark.parametrize(
    ("mnemonic", "word"),
    [("UNI,9", "0010"), ("SEN,1,1", "0010"), ("UNI,x", "0010"), ("PR7", "0001"), ("PRX,1", "0001")],
)
def test_what_is_refused_is_named_once(gauges: Box, mnemonic: str, word: str) -> None:
    assert gauges.ask(mnemonic) == "\x15" + word
    assert gauges.ask("ERR") == "\x060000"


def test_from_power_on_it_sends_each_second_until_it_hears_something(gauges: Box) -> None:
    gauges.session.feed(b"", 0)
    gauges.twin.power_cycle(0)
    assert gauges.session.feed(b"", S // 2) == b""
    assert gauges.session.feed(b"", 3 * S).count(b"\r\n") == 3
    assert gauges.session.feed(b"\x05", 3 * S + 1).count(b"\r\n") == 1
    assert gauges.session.feed(b"", 9 * S) == b""


def test_enq_again_measures_again(gauges: Box) -> None:
    assert gauges.ask("PR2") == "\x060,+1.0000E+00"
    gauges.pressures["pressure.p2"] = 250.0
    assert gauges.session.feed(b"\x05", 0) == b"0,+2.5000E+00\r\n"


def test_the_network_may_chop_the_stream_anywhere(gauges: Box) -> None:
    whole = Box().session.feed(b"PR2\r\n\x05UNI\r\x05", 0)
    assert (
        b"".join(gauges.session.feed(bytes([one]), 0) for one in b"PR2\r\n\x05UNI\r\x05") == whole
    )


def test_switched_off_and_on_its_gauges_are_on_and_its_unit_is_that_which_was_saved(
    gauges: Box,
) -> None:
    gauges.ask("SEN,1,0,0,0,0,0")
    gauges.ask("UNI,2")
    gauges.ask("NONSENSE")
    gauges.twin.power_cycle(0)
    session = gauges.twin.open("mnemonics")
    assert session.feed(b"SEN\r\x05UNI\r\x05ERR\r\x05", 0) == (
        b"\x06\r\n2,2,2,2,2,2\r\n\x06\r\n4\r\n\x06\r\n0000\r\n"
    )
