"""The twin of the 33512B by its messages: what the guide says of settings that limit others."""

import pytest

from podium.sim_instruments.twins.keysight_33512b import Keysight33512B
from podium.sim_instruments.twins.twin import IDLE

S = 10**15
CONFLICT = '-221,"Settings conflict"'
FINE = '+0,"No error"'


class Wire:
    def __init__(self) -> None:
        self.twin = Keysight33512B("MY1")
        self.session = self.twin.open("scpi")

    def __call__(self, message: str, at_s: float = 0) -> str:
        answer = self.session.feed(f"{message}\n".encode(), round(at_s * S))
        return answer.decode().removesuffix("\n")

    def number(self, query: str) -> float:
        return float(self(query))


@pytest.fixture
def box() -> Wire:
    return Wire()


def test_numbers_are_written_as_the_guide_prints_them(box) -> None:
    box("TRIG2:TIM 0.3")
    assert box("TRIG2:TIM?") == "+3.000000000000000E-01"
    assert box("SOUR1:BURS:NCYC INF;NCYC?") == "+9.9E+37"


def test_amplitude_and_offset_are_those_at_the_termination(box) -> None:
    """Page 61 of the guide: 10 Vpp into 50 Ohm are 20 Vpp into an open circuit."""
    box("VOLT 10;:OUTP1:LOAD INF")
    assert box.number("VOLT?") == 20
    box("OUTP1:LOAD 50;:VOLT 1;VOLT:OFFS 0.1;:OUTP1:LOAD INF")
    assert (box.number("VOLT?"), box.number("VOLT:OFFS?")) == (2, 0.2)
    box("OUTP1:LOAD 50")
    assert (box.number("VOLT?"), box.number("VOLT:OFFS?")) == (1, 0.1)
    assert box.number("OUTP2:LOAD?") == 50
    assert box("SYST:ERR?") == FINE


def test_there_are_no_dbm_into_an_open_circuit(box) -> None:
    box("VOLT:UNIT DBM;:OUTP1:LOAD INF")
    assert box("VOLT:UNIT?") == "VPP"
    box("VOLT:UNIT DBM")
    assert (box("VOLT:UNIT?"), box("SYST:ERR?")) == ("VPP", CONFLICT)


def test_an_offset_leaves_room_for_the_amplitude_that_there_is(box) -> None:
    box("VOLT 2;VOLT:OFFS 4.5")
    assert box("SYST:ERR?") == CONFLICT
    assert (box.number("VOLT?"), box.number("VOLT:OFFS?")) == (1, 4.5)
    box("VOLT 4")
    assert box("SYST:ERR?") == CONFLICT
    assert (box.number("VOLT?"), box.number("VOLT:OFFS?")) == (4, 3)


def test_a_function_that_is_slower_takes_the_frequency_down(box) -> None:
    box("FREQ 10 MHZ;:FUNC RAMP")
    assert box("SYST:ERR?") == CONFLICT
    assert box.number("FREQ?") == 200e3
    assert box.number("FREQ? MAX") == 200e3


def test_a_burst_period_is_as_long_as_its_burst(box) -> None:
    box("FREQ 1000;:BURS:STAT ON;NCYC 100")
    assert box("SYST:ERR?") == CONFLICT
    assert box.number("BURS:INT:PER?") == pytest.approx(0.1, abs=2e-6)


def test_a_pulse_is_shorter_than_its_period(box) -> None:
    box("FUNC PULS;:FUNC:PULS:WIDT 1e-3;:FREQ 10e3")
    box("SYST:ERR?")
    assert box.number("FUNC:PULS:WIDT?") < 1e-4


def test_opc_waits_for_a_burst_and_an_endless_one_is_aborted(box) -> None:
    box("FREQ 10;:BURS:STAT ON;NCYC 5;:TRIG1:SOUR BUS")
    assert box("*TRG;*OPC?", 1) == ""
    assert box.twin.horizon(S).busy_until_fs == 1.5 * S
    assert box.session.feed(b"", round(1.5 * S)) == b"1\n"
    assert box.twin.horizon(2 * S) == IDLE
    box("BURS:NCYC INF;*TRG", 2)
    other = box.twin.open("scpi")
    assert other.feed(b"*OPC?\n", 100 * S) == b""
    box("ABOR", 101)
    assert other.feed(b"", 101 * S) == b"1\n"


def test_nothing_waits_for_the_bus_that_was_not_told_to(box) -> None:
    box("BURS:STAT ON")
    assert box("*TRG;*OPC?") == "1"


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("SOUR3:FREQ 1", '-114,"Header suffix out of range"'),
        ("OUTP0 ON", '-114,"Header suffix out of range"'),
        ("FUNC BLAH", '-141,"Invalid character data"'),
        ("FREQ ONE", '-141,"Invalid character data"'),
        ("FREQ INF", '-141,"Invalid character data"'),
        ("FREQ 1 V", '-131,"Invalid suffix"'),
        ("FREQ (@1)", '-104,"Data type error"'),
        ("FREQ 1,2", '-108,"Parameter not allowed"'),
        ("AM:STAT ON", '-113,"Undefined header"'),
    ],
)
def test_what_is_refused_changes_nothing(box, message, error) -> None:
    box(message)
    assert box("SYST:ERR?") == error
    assert box("SYST:ERR?") == FINE
    assert (box.number("FREQ?"), box("OUTP1?")) == (1000, "0")


def test_the_twenty_first_error_is_an_overflow(box) -> None:
    for _ in range(25):
        box("BLAH")
    errors = [box("SYST:ERR?") for _ in range(21)]
    assert errors[18:] == ['-113,"Undefined header"', '-350,"Queue overflow"', FINE]


def test_rst_and_power_set_it_back(box) -> None:
    for forget in (lambda: box("*RST"), lambda: box.twin.power_cycle(0)):
        box("SOUR2:FREQ 5e3;:OUTP2 ON;:OUTP:SYNC OFF;:OUTP2:LOAD INF")
        forget()
        assert box("OUTP2?;:OUTP:SYNC?") == "0;1"
        assert box.number("SOUR2:FREQ?") == 1000
        assert box.number("SOUR2:VOLT?") == 0.1


@pytest.mark.parametrize(
    ("message", "numbers", "error"),
    [
        ("APPL:SIN 5 KHZ, 3.0 VPP, -2.5 V", ["SIN", 5e3, 3, -2.5], "+0"),
        ("APPL:PRBS 5 KHZ, 3.0 V, -2.5 V", ["PRBS", 5e3, 3, -2.5], "+0"),  # the guide prints it
        ("SOUR1:APPL:RAMP", ["RAMP", 1e3, 0.1, 0], "+0"),
        ("APPL:SQU 1e3,MAX,1", ["SQU", 1e3, 10, 0], "-222"),
        ("APPL:SQU 1e3,4,MAX", ["SQU", 1e3, 4, 3], "+0"),
        ("APPL:RAMP 1 MHZ,1", ["RAMP", 2e5, 1, 0], "-222"),
        ("APPL:DC DEF,DEF,-2.5", ["DC", 1e3, 0.1, -2.5], "+0"),
    ],
)
def test_a_function_is_applied_at_once(box, message, numbers, error) -> None:
    box("volt:offs 4.9;:burs:stat on;:outp off")
    box("syst:err?")
    box(message)
    function, _, rest = box("appl?").strip('"').partition(" ")
    assert [function, *map(float, rest.split(","))] == [
        numbers[0],
        *map(pytest.approx, numbers[1:]),
    ]
    assert box("syst:err?").startswith(error)
    assert box("outp?;:burs:stat?") == "1;0"


def test_an_amplitude_may_come_with_its_unit(box) -> None:
    box("volt 1 vrms")
    assert box("volt:unit?") == "VPP"
    assert box.number("volt?") == pytest.approx(2.828427)
    box("outp:load inf;:volt 1 dbm")
    assert box("syst:err?").startswith("-221")
    assert box("volt:unit?") == "VPP"
