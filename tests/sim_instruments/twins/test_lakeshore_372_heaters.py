"""What the outputs of a 372 deliver to a fridge, and when they stop."""

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372

STAGES = {5: "still", 6: "mixing_chamber"}
HEATERS = {0: "mixing_chamber", 1: "4k", 2: "still"}


class Stage:
    """One stage with a heat capacity and a link to a bath, as a fridge of its own."""

    LINK_W_PER_K = 1e-3
    CAPACITY_J_PER_K = 0.02
    BATH_K = 0.010

    def __init__(self) -> None:
        self.kelvin, self.power_w, self.at_fs = self.BATH_K, 0.0, 0
        self.written: list[tuple[str, float, int]] = []

    def reading(self, channel: int, now_fs: int) -> float:
        self._integrate(now_fs)
        return self.kelvin if channel == 6 else 0.85

    def write(self, name: str, value: float, now_fs: int) -> None:
        self._integrate(now_fs)
        self.written.append((name, value, now_fs))
        if name == "heater.mixing_chamber.power":
            self.power_w = value

    def _integrate(self, now_fs: int) -> None:
        while self.at_fs < now_fs:
            step_s = min(S, now_fs - self.at_fs) / S
            flow_w = self.power_w - self.LINK_W_PER_K * (self.kelvin - self.BATH_K)
            self.kelvin += step_s * flow_w / self.CAPACITY_J_PER_K
            self.at_fs = min(self.at_fs + S, now_fs)


class Box(TwinConversation):
    def __init__(self) -> None:
        self.stage = Stage()
        super().__init__(
            LakeShore372(self.stage.reading, STAGES, "LSA1", HEATERS, self.stage.write)
        )
        self.say("*CLS")

    @property
    def powers(self) -> list[tuple[str, float]]:
        return [(name, pytest.approx(value)) for name, value, _ in self.stage.written]


@pytest.fixture
def box() -> Box:
    return Box()


def test_open_loop_is_a_share_of_the_ranges_current(box: Box) -> None:
    box.say("OUTMODE 0,2,6;MOUT 0,50;RANGE 0,7", 1)
    assert box.say("HTR?", 2) == "+50.000"
    # half of 31.6 mA through 120 ohm
    assert box.powers == [("heater.mixing_chamber.power", 0.25 * 1e-3 * 120)]
    box.say("RANGE 0,0", 3)
    assert box.powers[-1] == ("heater.mixing_chamber.power", 0.0)
    assert box.say("HTR?", 3) == "+00.000"


def test_shown_in_power_the_manual_output_is_in_watts(box: Box) -> None:
    box.say("HTRSET 0,120,0,0,2;OUTMODE 0,2,6;MOUT 0,0.0003;RANGE 0,6", 1)
    assert box.powers == [("heater.mixing_chamber.power", 3e-4)]
    assert float(box.say("HTR?", 2)) == pytest.approx(3e-4)


def test_a_load_that_was_set_wrongly_gets_another_power(box: Box) -> None:
    box.say("HTRSET 0,60,0,0,2;OUTMODE 0,2,6;MOUT 0,0.0003;RANGE 0,6", 1)
    assert box.powers == [("heater.mixing_chamber.power", 6e-4)]  # it is 120 ohm in truth


def test_the_sample_heater_reaches_its_compliance(box: Box) -> None:
    box.say("OUTMODE 0,2,6;MOUT 0,100;RANGE 0,8", 1)
    assert box.powers == [("heater.mixing_chamber.power", 10.0**2 / 120)]


def test_the_still_gets_a_share_of_full_power(box: Box) -> None:
    box.say("OUTMODE 2,4,0;STILL 3", 1)
    assert box.powers == []  # its range is off
    box.say("RANGE 2,1", 2)
    assert box.powers == [("heater.still.power", 0.03 * 100 / 120)]


def test_the_warm_up_heater_stops_above_its_setpoint_unless_it_is_to_go_on(box: Box) -> None:
    box.stage.BATH_K = box.stage.kelvin = 250.0
    box.say("OUTMODE 1,6,6;SETP 1,300;WARMUP 0,100;HTRSET 1,2,1,0,1;RANGE 1,1", 1)
    assert box.powers[-1] == ("heater.4k.power", 0.45**2 * 50)
    box.stage.BATH_K = box.stage.kelvin = 310.0
    assert box.say("RANGE? 1", 60) == "0"
    assert box.powers[-1] == ("heater.4k.power", 0.0)
    box.say("WARMUP 1,100;RANGE 1,1", 61)
    assert box.say("RANGE? 1", 120) == "1"


def regulated(box: Box, until_s: int, looks: int) -> float:
    box.say("SCAN 6,0;OUTMODE 0,5,6;PID 0,1,20,0;SETP 0,0.05;RANGE 0,5", 1)
    for look in range(1, looks + 1):
        box.twin.advance(1 * S + look * (until_s - 1) * S // looks)
    return box.stage.kelvin


def test_a_closed_loop_reaches_its_setpoint(box: Box) -> None:
    assert regulated(box, 1200, 1) == pytest.approx(0.05, rel=5e-3)
    held_w = box.stage.LINK_W_PER_K * (0.05 - box.stage.BATH_K)
    percent = float(box.say("HTR?", 1200))
    assert (percent / 100) ** 2 * 1e-5 * 120 == pytest.approx(held_w, rel=0.1)


def test_what_a_loop_does_depends_on_time_and_not_on_who_looks() -> None:
    one, other = Box(), Box()
    assert regulated(one, 300, 1) == regulated(other, 300, 57)
    assert one.stage.written == other.stage.written


def test_a_ramp_moves_the_setpoint_at_its_rate(box: Box) -> None:
    box.say("SETP 0,0.010", 0)
    box.say("RAMP 0,1,0.030;SETP 0,0.100", 10)  # K/min
    assert box.say("RAMPST? 0;RAMPST?", 70) == "1;1"
    assert float(box.say("SETP? 0", 70)) == pytest.approx(0.040)
    assert box.say("RAMPST? 0", 200) == "0"
    assert float(box.say("SETP? 0", 200)) == pytest.approx(0.100)


def test_a_sensor_above_its_limit_switches_every_heater_off(box: Box) -> None:
    box.say("SCAN 6,0;TLIMIT 6,1", 1)
    box.say("OUTMODE 0,2,6;MOUT 0,100;RANGE 0,8;OUTMODE 2,4,0;STILL 10;RANGE 2,1", 2)
    assert box.say("RANGE? 0;RANGE? 2", 2.5) == "8;1"
    assert box.say("RANGE? 0;RANGE? 2;HTR?", 60) == "0;0;+00.000"
    name, power_w, at_fs = box.stage.written[-1]
    assert (name, power_w) == ("heater.still.power", 0.0)
    assert 2 * S < at_fs < 10 * S  # when it passed 1 K, not when somebody looked


def test_an_invalid_reading_switches_the_current_off(box: Box) -> None:
    regulated(box, 10, 1)
    box.say("INTYPE 6,0,1,0,1,0,1", 10)  # 2 mohm full scale
    box.say("*ESR?", 20)
    assert box.stage.written[-1][1] == 0.0


def test_an_input_controls_one_output_only(box: Box) -> None:
    box.say("OUTMODE 0,5,6")
    box.say("OUTMODE 1,5,6")
    assert box.say("OUTMODE? 0") == "5,00,0,0,0,005"
    assert box.say("OUTMODE? 1") == "5,06,0,0,0,005"


@pytest.mark.parametrize("message", ["OUTMODE 0,4,6", "OUTMODE 2,5,6", "OUTMODE 0,6,6"])
def test_a_mode_that_an_output_does_not_have_is_refused(box: Box, message: str) -> None:
    assert box.say(f"{message};*ESR?") == "016"
    assert box.say("OUTMODE? 0").startswith("0,01")


def test_current_into_an_output_without_a_heater_is_an_open_load() -> None:
    bare = LakeShore372(lambda channel, now_fs: 0.01, STAGES, "S")
    session = bare.open("scpi")
    session.feed(b"OUTMODE 0,2,6;MOUT 0,10\n", 0)
    assert session.feed(b"HTRST? 0\n", 0) == b"0\r\n"
    assert session.feed(b"RANGE 0,1;HTRST? 0\n", 0) == b"1\r\n"


def test_defaults_of_the_factory_switch_off(box: Box) -> None:
    box.say("OUTMODE 0,2,6;MOUT 0,50;RANGE 0,7;DFLT 99", 1)
    assert box.powers[-1] == ("heater.mixing_chamber.power", 0.0)
    assert box.say("MOUT? 0;RANGE? 0", 1).split(";")[1] == "0"


def test_switched_off_and_on_only_an_output_that_is_to_stay_on_does(box: Box) -> None:
    """OUTMODE, <powerup enable>: it remains on after a power cycle, or is shut off."""
    box.say("OUTMODE 0,2,6,0;MOUT 0,50;RANGE 0,6;OUTMODE 2,4,0,1;STILL 10;RANGE 2,1;SETP 0,0.02", 1)
    box.twin.power_cycle(5 * S)
    assert box.say("RANGE? 0;RANGE? 2;OUTMODE? 2", 5) == "0;1;4,00,1,0,0,005"
    assert float(box.say("SETP? 0", 5)) == 0.02
    assert box.powers[-1] == ("heater.mixing_chamber.power", 0.0)
    assert float(box.say("AOUT? 2", 5)) > 0
