"""The twin of the QDAC-II by its messages, time in hand."""

from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.servers.cabling import Cabling, check_sources
from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2
from podium.sim_instruments.twins.twin import IDLE
from podium.sim_instruments.wiring import PlanError, plan_of

S = 10**15
STEP_V = 20 / 2**20


class Wire:
    def __init__(self) -> None:
        self.twin = QdevilQdac2("159")
        self.session = self.twin.open("scpi")

    def __call__(self, message: str | bytes, at_s: float = 0) -> str:
        data = message if isinstance(message, bytes) else message.encode()
        return self.session.feed(data + b"\n", round(at_s * S)).decode().removesuffix("\n")

    def level(self, channel: int, at_s: float) -> float:
        return self.twin.levels_v_at(round(at_s * S))[f"ch{channel:02}"]


@pytest.fixture
def box() -> Wire:
    return Wire()


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("sour1:volt 10.1", '-222, "Data out of range"'),
        ("sour1:rang low;:sour1:volt 2.5", '-222, "Data out of range"'),
        ("sour1:volt:mode list;:sour1:volt 1", '-221, "Settings conflict"'),
        ("sour25:volt 1", '-114, "Header suffix out of range"'),
        ("sour0:volt 1", '-114, "Header suffix out of range"'),
        ("sour:volt 1,(@1,25)", '-222, "Data out of range"'),
        ("sour:volt 1,(@1!2)", '-171, "Invalid expression"'),
        ("sour:volt 1,2", '-171, "Invalid expression"'),
        ("sour1:volt one", '-141, "Invalid character data"'),
        ("sour1:volt:slew 0.001", '-222, "Data out of range"'),
        ("sour1:filt low", '-141, "Invalid character data"'),
        ("sour1:swe:coun 0", '-222, "Data out of range"'),
        ("sour1:swe:dwel 1e-7", '-222, "Data out of range"'),
        ("sour1:rang low;:sour1:swe:star 3", '-222, "Data out of range"'),
        ("sour1:list:volt #13abc", '-161, "Invalid block data"'),
        ("sour1:list:volt #14\0\0\xc0\x7f", '-222, "Data out of range"'),
        ("sour1:list:volt (@1)", '-109, "Missing parameter"'),
        ("tint 15", '-222, "Data out of range"'),
        ("outp:trig6:widt 1", '-114, "Header suffix out of range"'),
        ("sour1:sine:freq 1e6", '-222, "Data out of range"'),
        ("sour1:sine:dcyc 50", '-113, "Undefined header"'),
        ('sour1:awg:def "none";init', '-221, "Settings conflict"'),
        ('trac:data "none",1', '-224, "Illegal parameter value"'),
        ('trac:def "a",300000', '-222, "Data out of range"'),
        ('trac:def "a",2;data "a",1,2,3', '-223, "Too much data"'),
        ("*opt?", '-113, "Undefined header"'),
    ],
)
def test_what_is_refused_moves_nothing_and_is_in_the_error_queue(box, message, error) -> None:
    assert box(message.encode("latin-1")) == ""
    assert box("syst:err:coun?") == "1"
    assert box("syst:err:all?") == error
    assert box("syst:err?") == '0, "No error"'
    assert set(box.twin.levels_v_at(S).values()) == {0.0}


def test_a_list_of_channels_is_refused_whole(box) -> None:
    box("sour2:rang low")
    box("sour:volt 3,(@1,2,3)")
    assert box("sour:volt? (@1:3)") == "0,0,0"
    assert box("syst:err?").startswith("-222")


def test_errors_beyond_the_queue_are_one_overflow(box) -> None:
    for _ in range(30):
        box("blah")
    assert box("syst:err:coun?") == "20"
    errors = box("syst:err:all?").split(",-")
    assert errors[-1] == '350, "Queue overflow"'
    assert box("*esr?;*stb?") == "160;16"  # power on, command error; a message is available


@given(
    st.floats(-10, 10, allow_nan=False),
    st.floats(-10, 10, allow_nan=False),
    st.floats(0.01, 1e3),
    st.floats(0, 1),
)
def test_a_level_moves_in_a_straight_line_at_its_slew(begin_v, end_v, slew, share) -> None:
    box = Wire()
    box(f"sour4:volt {begin_v:.6f}")
    box(f"sour4:volt:slew {slew:.6f}", 1)
    box(f"sour4:volt {end_v:.6f}", 1)
    took_s = abs(end_v - begin_v) / slew
    near = 1e-5 + STEP_V
    at_v = begin_v + (end_v - begin_v) * share
    assert box.level(4, 1 + took_s * share) == pytest.approx(at_v, abs=near + 1e-5 * abs(at_v))
    assert box.level(4, 1.001 + took_s * 1.001) == pytest.approx(end_v, abs=near)


def test_looking_changes_no_level(box) -> None:
    box("sour1:volt:slew 0.5;:sour1:volt 1")
    seen = [box.level(1, n / 10) for n in range(30)]
    other = Wire()
    other("sour1:volt:slew 0.5;:sour1:volt 1")
    for n in range(30):
        assert other.level(1, n / 10) == seen[n]
        other("sour1:volt?;*stb?", n / 10)
    assert seen[10] == pytest.approx(0.5, abs=STEP_V)


def test_a_new_target_is_gone_to_from_where_the_level_is(box) -> None:
    box("sour1:volt:slew 1;:sour1:volt 1")
    box("sour1:volt 0", 0.5)
    assert box.level(1, 0.75) == pytest.approx(0.25, abs=STEP_V)
    box("sour1:volt:slew 0.1", 0.75)  # what moves goes on with it
    assert box.level(1, 1.75) == pytest.approx(0.15, abs=STEP_V)
    assert box("sour1:volt:last?", 1.75) == "0"


def test_the_converters_step_depends_on_range_and_enhancement(box) -> None:
    box("sour1:volt 1.2345678")
    assert box("sour1:volt:last?;:sour1:volt?") == "1.2345678;1.2345695"
    box("sour1:renh on")
    assert box("sour1:volt?") == "1.2345678"
    box("sour1:renh off;:sour1:rang low")
    assert float(box("sour1:volt?")) == pytest.approx(1.2345678, abs=2e-6)


def test_a_range_that_does_not_hold_the_level_is_refused(box) -> None:
    box("sour1:volt 3")
    box("sour1:rang low")
    assert box("syst:err?") == '-221, "Settings conflict"'
    assert box("sour1:rang?") == "HIGH"


def test_world_time_may_leap_to_the_first_end_that_somebody_has_asked_about(box) -> None:
    box("sour:volt:slew 0.5,(@1:3);:sour1:volt 1;:sour2:volt 2;:sour3:volt 0.1")
    assert box.twin.horizon(0) == IDLE
    box("sour:volt? (@1,2)")
    assert box.twin.horizon(0).busy_until_fs == 2 * S
    assert box.twin.horizon(2 * S).busy_until_fs == 4 * S
    assert box.twin.horizon(4 * S) == IDLE


def test_a_sweep_holds_each_point_for_its_dwell(box) -> None:
    box("sour1:volt:mode swe;:sour1:swe:star -1;stop 1;poin 5;dwel 0.1;coun 2;:sour1:dc:init", 10)
    seen = [box.level(1, 10.05 + n / 10) for n in range(11)]
    assert seen == pytest.approx([*2 * (-1.0, -0.5, 0, 0.5, 1.0), 1.0], abs=STEP_V)
    assert [box("sour1:swe:ncl?", at) for at in (10.05, 10.55, 11.05)] == ["2", "1", "0"]
    assert box("sour1:swe:time?") == "0.5"


def test_an_analog_sweep_goes_in_straight_lines_and_down_is_backwards(box) -> None:
    box("sour1:volt:mode swe;:sour1:swe:star 0;stop 1;poin 3;dwel 0.1;gen anal;dir down")
    box("sour1:dc:del 0.5;:sour1:dc:init", 10)
    times_s = (10.4, 10.55, 10.6, 10.65, 10.75)
    seen = [box.level(1, at_s) for at_s in times_s]
    assert seen == pytest.approx([0, 0.75, 0.5, 0.25, 0.0], abs=STEP_V)


def test_a_sweep_without_end_is_aborted_where_it_is(box) -> None:
    box("sour1:volt:mode swe;:sour1:swe:stop 1;poin 11;dwel 0.1;coun -1;:sour1:dc:init")
    assert box("sour1:swe:ncl?", 1000) == "-1"
    assert box.twin.horizon(1000 * S) == IDLE
    box("sour1:dc:abor", 1000.25)
    assert box.level(1, 2000) == box.level(1, 1000.25)


def test_a_list_is_numbers_or_a_block(box) -> None:
    box("sour1:list:volt 0.1,-0.2,3e-1")
    box(b"sour2:list:volt #212" + pack("<3f", 0.1, -0.2, 0.3))
    assert box("sour1:list:volt?;poin?") == "0.1,-0.2,0.3;3"
    assert box("sour2:list:poin?") == "3"
    numbers = [float(one) for one in box("sour2:list:volt?").split(",")]
    assert numbers == pytest.approx([0.1, -0.2, 0.3], abs=1e-8)
    box("sour3:list:volt " + ",".join(1023 * ["0.5"]))
    box("sour3:list:volt:app " + ",".join(1024 * ["0.5"]))
    assert box("sour3:list:poin?") == "1023"
    assert box("syst:err?") == '-108, "Parameter not allowed"'


def test_a_stepped_list_goes_on_by_one_for_each_trigger(box) -> None:
    box("sour1:volt:mode list;:sour1:list:volt 0.25,0.5,0.75;tmod step")
    box("sour1:dc:trig:sour int3;:sour1:dc:init:cont on")
    seen = []
    for n in range(4):
        box("tint 3", n + 1)
        box("tint 4", n + 1)
        seen.append(box.level(1, n + 1.5))
    assert seen == pytest.approx([0.25, 0.5, 0.75, 0.25], abs=STEP_V)


def test_one_that_was_initiated_once_is_triggered_once(box) -> None:
    box("sour1:volt:trig 1;:sour1:dc:trig:sour bus;:sour1:dc:init")
    assert box.level(1, 1) == 0
    box("*trg", 1)
    box("sour1:volt:trig 2;*trg", 2)
    assert box.level(1, 3) == pytest.approx(1, abs=STEP_V)


def test_power_that_was_off_and_rst_set_all_to_0_volts(box) -> None:
    for forget in (lambda: box("*rst", 1), lambda: box.twin.power_cycle(S)):
        box("sour1:volt 1;filt dc;:sour1:filt dc;:blah")
        forget()
        assert box.level(1, 2) == 0
        assert box("sour1:filt?") == "HIGH"
    assert box("syst:err:coun?") == "0"


def test_a_current_beyond_the_sensors_range_is_full_scale(box) -> None:
    box.twin.channels[0].load_ohm = 0.0
    box("sour1:volt 1;:sens1:rang low")
    assert box("read1?") == "2e-07"
    box("sens1:rang high")
    assert box("read? (@1)") == "0.01"


SWEEP = "sour1:volt:mode swe;:sour1:swe:star 1;stop 3;poin 3;dwel 0.1;:sour1:dc:mark:{mark} 5"


def currents(box: Wire, at_s: float) -> list[float]:
    return [float(one) for one in box("sens1:data:rem?", at_s).split(",") if one]


@pytest.mark.parametrize(
    ("mark", "levels_v"),
    [("sst", [1, 2, 3]), ("send", [2, 3, 3]), ("star", [1]), ("end", [3]), ("pst", [1])],
)
def test_the_marks_of_a_sweep_let_a_sensor_read(box, mark, levels_v) -> None:
    box.twin.channels[0].load_ohm = 1e3 - 50
    box(SWEEP.format(mark=mark))
    box("sens1:trig:sour int5;:sens1:init:cont on;:sour1:dc:init", 10)
    expected = [level / 1e3 for level in levels_v]
    assert currents(box, 11) == pytest.approx(expected, abs=5e-6)
    assert currents(box, 12) == []
    box("sour1:dc:init", 12)
    assert len(currents(box, 13)) == len(levels_v)


def test_a_sweep_that_is_aborted_marks_no_more(box) -> None:
    box(SWEEP.format(mark="sst") + ";:sour1:swe:coun -1")
    box("sens1:trig:sour int5;:sens1:init:cont on;:sour1:dc:init", 10)
    assert box("sens1:data:poin?", 10.95) == "10"
    box("sour1:dc:abor", 11.01)
    assert box("sens1:data:poin?", 20) == "11"
    box(SWEEP.format(mark="end") + ";:sens1:init:cont off;init;:sour1:dc:init", 20)
    assert box("sens1:data:poin?", 90) == "11"


def test_marks_that_come_while_a_sensor_reads_are_ignored(box) -> None:
    box(SWEEP.format(mark="sst") + ";:sour1:swe:poin 10")
    box("sens1:trig:sour int5;:sens1:aper 0.25;:sens1:init;:sour1:dc:init", 10)
    assert box("sens1:data:poin?", 20) == "1"
    box("sens1:init:cont on;:sour1:dc:init", 20)
    assert box("sens1:data:poin?", 30) == "5"


def test_readings_of_a_seed_are_the_same() -> None:
    asks = "sens:rang low,(@1:24);:read? (@1:24)"
    first, second = Wire(), Wire()
    assert first(asks) == second(asks)
    assert len(set(first("read? (@1:24)").split(","))) == 24


PLAN = {
    "facility": "lab",
    "instruments": {"bias": {"model": "qdevil_qdac2"}},
    "wiring": {
        "node_a.q0.flux": {"source": "bias.ch03", "limit": "1 V", "slew": "1 V/s"},
        "node_a.q1.flux": {"source": "bias.ch04", "limit": "1 V", "slew": "1 V/s"},
    },
}


def test_its_levels_are_on_the_flux_lines_that_it_is_wired_to(box) -> None:
    plan = plan_of(PLAN)
    check_sources(plan, {"bias": box.twin})
    box("sour3:volt:slew 0.1;:sour3:volt 0.5")
    at = Cabling.at(plan, {"bias": box.twin}, {"node_a.q1.flux"}, 2 * S)
    assert at.biases_v == {"node_a.q0.flux": pytest.approx(0.2, abs=STEP_V), "node_a.q1.flux": 0.0}


def test_a_channel_that_there_is_not_is_refused(box) -> None:
    wiring = {"node_a.q0.flux": {"source": "bias.out0", "limit": "1 V", "slew": "1 V/s"}}
    with pytest.raises(PlanError, match="bias holds no level at 'out0'; it does at ch01, ch02"):
        check_sources(plan_of(PLAN | {"wiring": wiring}), {"bias": box.twin})
