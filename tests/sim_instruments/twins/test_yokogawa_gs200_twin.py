from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces import yokogawa_gs200 as box
from podium.sim_instruments.servers.cabling import Cabling, check_sources
from podium.sim_instruments.twins.twin import IDLE, Horizon
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200
from podium.sim_instruments.wiring import plan_of

S = 10**15
END_OF_PROGRAM = 128


class Box(TwinConversation):
    def __init__(self) -> None:
        super().__init__(YokogawaGS200("91T1"))

    def errors(self, at_s: float = 0.0) -> list[int]:
        codes = []
        while (code := int(self.say(":SYST:ERR?", at_s).split(",")[0])) != 0:
            codes.append(code)
        return codes

    def ramp(self, target: float, duration_s: float, at_s: float = 0.0) -> None:
        self.say(box.ramp_message(Decimal(repr(target)), Decimal(repr(duration_s))), at_s)


@pytest.fixture
def source():
    return Box()


def test_at_power_on_the_output_is_off_at_0_volts(source):
    assert source.say("OUTP?;:SOUR:FUNC?;LEV?;RANG?") == "0;VOLT;+0.0000E+0;+10E+0"
    assert source.twin.level_v(0) == 0.0
    assert source.twin.horizon(0) == IDLE


@pytest.mark.parametrize("function", ["VOLT", "CURR"])
def test_each_range_has_its_limit_and_its_resolution(source, function):
    source.say(f":SOUR:FUNC {function}")
    for entry in box.RANGES[function]:
        source.say(f":SOUR:RANG {entry.full_scale};LEV {entry.limit}")
        assert source.errors() == []
        assert Decimal(source.say(":SOUR:LEV?")) == entry.limit
        source.say(f":SOUR:LEV {entry.limit + entry.resolution}")
        assert source.errors() == [-222]
        source.say(f":SOUR:LEV {entry.resolution * 7 + entry.resolution / 10}")
        assert Decimal(source.say(":SOUR:LEV?")) == entry.resolution * 7


def test_the_smallest_range_sets_100_nanovolts(source):
    source.say(":SOUR:RANG 10E-3;LEV 100E-9;:OUTP ON")
    assert source.twin.level_v(0) == 1e-7


@pytest.mark.parametrize(
    ("asked", "range_"),
    [("MIN", "+10E-3"), ("0.05", "+100E-3"), ("MAX", "+30E+0"), ("11V", "+30E+0"), ("1V", "+1E+0")],
)
def test_a_range_is_found_by_a_value_in_it(source, asked, range_):
    source.say(f":SOUR:RANG {asked}")
    assert source.say(":SOUR:RANG?") == range_


def test_ranges_are_stepped_up_and_down(source):
    source.say(":SOUR:RANG UP")
    assert source.say(":SOUR:RANG?") == "+30E+0"
    source.say(":SOUR:RANG UP")
    source.say(":SOUR:RANG DOWN;RANG DOWN")
    assert source.say(":SOUR:RANG?") == "+1E+0"


def test_limits_can_be_asked(source):
    assert source.say(":SOUR:PROT:VOLT? MIN;VOLT? MAX") == "+1E+0;+30E+0"  # manual 13-12
    assert source.say(":SOUR:RANG 1;LEV? MAX;LEV? MIN") == "+1.20000E+0;-1.20000E+0"


def test_a_ramp_goes_in_a_straight_line_from_where_it_is(source):
    source.say(":SOUR:RANG 1;LEV -0.2;:OUTP 1")
    source.ramp(0.4, 3.0, at_s=10)
    assert source.errors(10) == []
    for since_s, level in [(0, -0.2), (0.5, -0.1), (1, 0.0), (2.25, 0.25), (3, 0.4), (99, 0.4)]:
        assert source.twin.level_v(round((10 + since_s) * S)) == pytest.approx(level, abs=1e-12)
    assert source.say(":SOUR:LEV?", 11.5) == "+100.00E-3"


def test_the_end_of_a_ramp_is_seen_in_the_extended_event_register_once(source):
    source.say(":SOUR:RANG 1;:OUTP 1;:STAT:ENAB 128")
    source.ramp(0.4, 3.0, at_s=10)
    assert int(source.say(":STAT:EVEN?", 12.999)) & END_OF_PROGRAM == 0
    assert int(source.say("*STB?", 13)) & box.EXTENDED_EVENT_SUMMARY
    assert int(source.say(":STAT:EVEN?", 13)) & END_OF_PROGRAM
    assert source.say(":STAT:EVEN?", 14) == "0"
    assert source.say("*STB?", 14) == "0"


def test_the_world_may_leap_to_the_end_of_a_ramp_and_not_while_it_is_paused(source):
    source.say(":SOUR:RANG 1;:OUTP 1")
    source.ramp(0.4, 3.0, at_s=10)
    assert source.twin.horizon(11 * S) == IDLE, "nobody has asked about it: others may be at work"
    assert source.say(":STAT:EVEN?", 11) == "0"
    assert source.twin.horizon(11 * S) == Horizon(False, 13 * S, False)
    source.say(":PROG:PAUS", 11)
    assert source.twin.horizon(12 * S) == IDLE
    source.say(":PROG:CONT", 15)
    assert source.twin.horizon(16 * S) == Horizon(False, 17 * S, False)
    assert source.twin.horizon(17 * S) == IDLE


def test_a_paused_ramp_holds_its_level_and_another_ramp_may_follow(source):
    source.say(":SOUR:RANG 1;:OUTP 1")
    source.ramp(0.3, 3.0)
    source.say(":PROG:PAUS", 1)
    assert source.twin.level_v(50 * S) == pytest.approx(0.1, abs=1e-12)
    assert source.say(":STAT:COND?", 50) == "285"
    source.ramp(0.0, 1.0, at_s=50)
    assert source.errors(50) == []
    assert source.twin.level_v(round(50.5 * S)) == pytest.approx(0.05, abs=1e-12)


def test_a_program_of_several_steps_repeats(source):
    source.say(":SOUR:RANG 1;:OUTP 1;:PROG:SLOP 0.5;INT 1;REP 1")
    source.say(":PROG:EDIT:STAR;:SOUR:LEV 0.1;LEV 0.2;:PROG:EDIT:END;:PROG:RUN")
    levels = [source.twin.level_v(round(at * S)) for at in (0.25, 0.75, 1.25, 1.75, 2.25, 2.75)]
    assert levels == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.15, 0.1])
    assert source.say(":PROG:COUN?", 3.1) == "2"
    assert source.twin.horizon(3 * S) == IDLE
    assert source.say("*OPC?", 4) == "1"
    assert int(source.say(":STAT:EVEN?", 1000)) & END_OF_PROGRAM == 0


def test_a_slope_longer_than_the_interval_is_cut_to_it(source):
    source.say(":SOUR:RANG 1;:OUTP 1;:PROG:SLOP 4;INT 1")
    source.say(":PROG:EDIT:STAR;:SOUR:LEV 0.1;LEV 0.2;:PROG:EDIT:END;:PROG:RUN")
    levels = [source.twin.level_v(round(at * S)) for at in (0.5, 1.0, 1.5, 2.0, 3.0)]
    assert levels == pytest.approx([0.05, 0.1, 0.15, 0.2, 0.2])


def test_while_a_program_is_edited_levels_are_its_steps_and_the_source_stands_still(source):
    source.say(":SOUR:RANG 1;LEV 0.1;:OUTP 1;:PROG:EDIT:STAR;:SOUR:LEV 0.5;:SOUR:LEV:AUTO 5")
    assert source.twin.level_v(0) == 0.1
    source.say(":PROG:EDIT:END;:PROG:SLOP 0;INT 1;RUN")
    assert source.twin.level_v(round(0.5 * S)) == 0.5
    assert source.twin.level_v(round(1.5 * S)) == 5.0
    assert source.say(":SOUR:RANG?", 3) == "+10E+0"


@pytest.mark.parametrize(
    "message",
    [
        ":PROG:RUN",  # no program
        ":PROG:EDIT:END",
        ":PROG:PAUS",
        ":PROG:CONT",
        ":PROG:EDIT:STAR;:SOUR:LEV 1;:PROG:EDIT:END;:PROG:RUN",  # the output is off
        ":OUTP 1;:PROG:EDIT:STAR;:SOUR:LEV 1;:PROG:RUN",  # still edited
    ],
)
def test_what_does_not_fit_the_state_is_a_settings_conflict(source, message):
    source.say(message)
    assert source.errors() == [-221]


@pytest.mark.parametrize(
    "message", [":SOUR:LEV 0", ":SOUR:RANG 10", ":SOUR:FUNC CURR", ":PROG:RUN", ":PROG:EDIT:STAR"]
)
def test_a_running_program_is_not_disturbed(source, message):
    source.say(":SOUR:RANG 1;:OUTP 1")
    source.ramp(0.3, 3.0)
    source.say(message, 1)
    assert source.errors(1) == [-221]
    assert source.twin.level_v(2 * S) == pytest.approx(0.2)


def test_program_times_are_tenths_of_seconds_within_limits(source):
    source.say(":PROG:INT 0.26;SLOP 1500 MS")
    assert source.say(":PROG:INT?;SLOP?") == "+300E-3;+1.5E+0"
    source.say(":PROG:INT 0;INT 3600.1;SLOP -1")
    assert source.errors() == [-222, -222, -222]


def test_programs_are_kept_by_name(source):
    source.say(":SOUR:RANG 1;:OUTP 1;:PROG:INT 1;EDIT:STAR;:SOUR:LEV 0.5;:PROG:EDIT:END")
    source.say(":PROG:SAVE 'up';:PROG:EDIT:STAR;:SOUR:LEV 0;:PROG:EDIT:END;:PROG:LOAD 'up';RUN")
    assert source.twin.level_v(2 * S) == 0.5
    assert source.say(":PROG:LOAD?", 3) == '"up"'
    source.say(":PROG:DEL 'up';LOAD 'up'", 3)
    assert source.errors(3) == [-256]


def test_opening_the_relay_ends_a_ramp_and_takes_the_voltage_away(source):
    source.say(":SOUR:RANG 1;:OUTP 1")
    source.ramp(0.3, 3.0)
    source.say(":OUTP 0", 1)
    assert source.twin.level_v(2 * S) == 0.0
    assert source.say(":SOUR:LEV?", 2) == "+100.00E-3"


def test_another_function_begins_at_zero_with_the_output_off(source):
    source.say(":SOUR:LEV 1;:OUTP 1;:SOUR:FUNC CURR")
    assert source.say(":OUTP?;:SOUR:LEV?;RANG?") == "0;+0.000000E+0;+200E-3"
    source.say(":SOUR:LEV 10 MA;:OUTP 1")
    assert source.say(":SOUR:LEV?") == "+10.000E-3"
    assert source.twin.level_v(0) == 0.0
    source.say(":SOUR:LEV 1 V")
    assert source.errors() == [-131]


def test_reset_goes_back_to_power_on(source):
    source.say(":SOUR:RANG 1;LEV 1;:OUTP 1;:PROG:INT 7;*RST")
    assert source.say(":OUTP?;:SOUR:RANG?;LEV?;:PROG:INT?") == "0;+10E+0;+0.0000E+0;+1.0E+0"


class SourceMachine(RuleBasedStateMachine):
    """A source that is asked often and one that is asked rarely do the same, and never jump."""

    def __init__(self) -> None:
        super().__init__()
        self.watched, self.left_alone = Box(), Box()
        self.now_ms = 0
        self.fastest_v_per_s = 0.0
        self.both(":SOUR:RANG 1;:OUTP 1")

    def both(self, message: str) -> None:
        for source in (self.watched, self.left_alone):
            source.say(message, self.now_ms / 1000)

    @rule(centivolts=st.integers(-120, 120), tenths=st.integers(1, 50))
    def ramp(self, centivolts: int, tenths: int) -> None:
        distance = abs(centivolts / 100 - self.watched.twin.level_v(self.now_ms * S // 1000))
        self.both(box.ramp_message(Decimal(centivolts) / 100, Decimal(tenths) / 10))
        if self.watched.say(":SYST:ERR?", self.now_ms / 1000).startswith("0"):
            self.fastest_v_per_s = distance / (tenths / 10)
        self.both(":SYST:ERR?")

    @rule(milliseconds=st.integers(1, 3000))
    def time_passes(self, milliseconds: int) -> None:
        for _ in range(3):
            before_v = self.watched.twin.level_v(self.now_ms * S // 1000)
            self.now_ms += milliseconds
            after_v = self.watched.twin.level_v(self.now_ms * S // 1000)
            most_v = self.fastest_v_per_s * milliseconds / 1000 + 1e-5  # and one step of the grid
            assert abs(after_v - before_v) <= most_v + 1e-9
            self.watched.say(":SOUR:LEV?;:STAT:COND?", self.now_ms / 1000)

    @rule()
    def pause(self) -> None:
        self.both(":PROG:PAUS;:SYST:ERR?")

    @rule()
    def resume(self) -> None:
        self.both(":PROG:CONT;:SYST:ERR?")

    @precondition(lambda self: self.now_ms > 0)
    @rule(back_ms=st.integers(0, 500))
    def looking_changes_nothing(self, back_ms: int) -> None:
        at_fs = self.now_ms * S // 1000
        assert self.watched.twin.level_v(at_fs) == self.watched.twin.level_v(at_fs)

    @invariant()
    def both_are_at_the_same_level_within_the_range(self) -> None:
        at_fs = self.now_ms * S // 1000
        level_v = self.watched.twin.level_v(at_fs)
        assert level_v == self.left_alone.twin.level_v(at_fs)
        assert abs(level_v) <= 1.2


TestSource = SourceMachine.TestCase
TestSource.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)


def test_switched_off_it_keeps_saved_programs_only(source):
    source.ramp(1.0, 5.0)
    source.say(":OUTP ON;:PROG:SAVE 'up';:STAT:ENAB 128;*ESE 255;NONSENSE")
    source.twin.power_cycle(S)
    assert source.twin.level_v(S) == 0.0
    assert source.say("*ESR?;*ESE?;:STAT:ENAB?", 1) == "128;0;0"
    assert source.errors(1) == []
    source.say(":PROG:RUN", 1)
    assert source.errors(1) == [-221]  # none is loaded
    source.say(":OUTP ON;:PROG:LOAD 'up';:PROG:RUN", 1)
    assert source.errors(1) == []


def test_a_flux_line_has_its_level_while_the_relay_is_closed(source):
    plan = plan_of(
        {
            "facility": "lab",
            "instruments": {"bias": {"model": "yokogawa_gs200"}},
            "wiring": {
                "node_a.q0.flux": {"source": "bias", "limit": "1 V", "slew": "1 V/s"},
            },
        }
    )
    twins = {"bias": source.twin}
    check_sources(plan, twins)
    source.say(":SOUR:RANG 1;LEV 0.25")
    assert Cabling.at(plan, twins, (), 0).biases_v == {"node_a.q0.flux": 0.0}
    source.say(":OUTP ON")
    assert Cabling.at(plan, twins, (), 0).biases_v == {"node_a.q0.flux": 0.25}
    source.ramp(0.75, 2.0)
    assert Cabling.at(plan, twins, (), S).biases_v == {"node_a.q0.flux": pytest.approx(0.5)}
