import pytest
from tests.benches.servers.lakeshore_controller import LakeShoreController

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.twins.lakeshore_336 import lakeshore_336

STAGES = {1: "first_stage", 2: "second_stage"}


@pytest.fixture
def box() -> LakeShoreController:
    return LakeShoreController(lakeshore_336)


def test_it_says_what_it_is(box: LakeShoreController) -> None:
    assert box.say("*IDN?;*ESR?") == "LSCI,MODEL336,S1,3.0;000"


def test_its_highest_range_is_3(box: LakeShoreController) -> None:
    assert box.say("RANGE 1,3;*ESR?") == "000"
    assert box.say("RANGE 1,4;*ESR?") == "016"
    assert box.say("RANGE? 1") == "3"


@pytest.mark.parametrize("message", ["SETP 1,", "SETP ,4", "OUTMODE ,1,1,0", "PID ,1,2,3"])
def test_a_command_whose_parameter_is_left_out_is_refused_and_sets_nothing(
    box: LakeShoreController, message: str
) -> None:
    before = box.say("SETP? 1;OUTMODE? 1;PID? 1")
    box.say(message)
    assert box.say("*ESR?") != "000"
    assert box.say("SETP? 1;OUTMODE? 1;PID? 1") == before


def test_readings_have_six_digits_and_a_sign(box: LakeShoreController) -> None:
    first, second = box.say("KRDG? A;KRDG? B").split(";")
    assert (len(first), len(second)) == (8, 8)
    assert float(first) == pytest.approx(45.0, rel=6e-4)
    assert box.say("KRDG? 0").split(",") == [first, second, "+0.00000", "+0.00000"]
    assert box.say("RDGST? A;RDGST? C") == "000;000"  # C has no sensor and is switched off


def test_a_closed_loop_acts_at_whole_seconds_whoever_looks(box: LakeShoreController) -> None:
    other = LakeShoreController(lakeshore_336)
    for one, looks in ((box, 1), (other, 30)):
        one.say("OUTMODE 1,1,2,0;PID 1,10,20,0;SETP 1,4;RANGE 1,3", 0.5)
        for look in range(1, looks + 1):
            one.twin.advance(30 * S * look // looks)
    assert box.written == other.written
    # P e (1 + t / 50 s) percent of 1 A through 50 ohm, e = 1 K less noise
    power_w = box.written[-1][1]
    assert power_w == pytest.approx((0.1 * (1 + 30 / 50)) ** 2 * 50, rel=0.01)
    assert float(box.say("HTR? 1", 30)) == pytest.approx(16.0, abs=0.2)


def test_regulating_in_sensor_units_heats_when_the_resistance_is_too_high(
    box: LakeShoreController,
) -> None:
    ohm = float(box.say("SRDG? B"))
    box.say(f"INTYPE B,3,1,0,1,3;OUTMODE 1,1,2,0;SETP 1,{ohm - 1:.1f};PID 1,10,0.1,0;RANGE 1,3", 1)
    box.twin.advance(3 * S)
    assert box.written[-1][1] > 0
    box.say(f"SETP 1,{ohm + 10:.1f}", 4)
    box.twin.advance(6 * S)
    assert box.written[-1][1] == 0.0


def test_a_zone_brings_gains_and_range(box: LakeShoreController) -> None:
    box.say("ZONE 1,1,5,20,0.1,0,0,1,0,0.1;ZONE 1,2,50,20,0.1,0,0,3,0,0.1")
    box.say("OUTMODE 1,2,2,0;SETP 1,4;RANGE 1,2", 1)
    assert box.say("RANGE? 1", 3) == "1"
    box.say("SETP 1,40", 4)
    assert box.say("RANGE? 1", 6) == "3"


def test_a_sensor_above_its_limit_switches_every_output_off(box: LakeShoreController) -> None:
    box.say("TLIMIT A,60;OUTMODE 1,3,0,0;MOUT 1,50;RANGE 1,2;OUTMODE 4,3,0,0;MOUT 4,50;RANGE 4,1")
    box.twin.advance(10 * S)
    assert box.say("RANGE? 1;RANGE? 4", 10) == "2;1"
    box.kelvin[1] = 61.0
    assert box.say("RANGE? 1;RANGE? 4;HTRST? 1", 12) == "0;0;0"
    assert [value for _, value, _ in box.written[-2:]] == [0.0, 0.0]


def test_the_warm_up_supply_ends_above_the_setpoint(box: LakeShoreController) -> None:
    box.say("OUTMODE 4,5,1,0;SETP 4,300;WARMUP 4,0,80;RANGE 4,1", 1)
    assert box.written[-1][:2] == ("heater.still.power", pytest.approx(0.64))
    box.kelvin[1] = 301.0
    assert box.say("RANGE? 4", 3) == "0"


def test_without_a_fridge_it_reads_nothing_and_an_output_is_open() -> None:
    bare = lakeshore_336(STAGES, "S")
    session = bare.open("scpi")
    assert session.feed(b"KRDG? A;RDGST? A\n", 0) == b"+0.00000;128\r\n"
    session.feed(b"OUTMODE 1,3,0,0;MOUT 1,5;RANGE 1,1\n", 0)
    assert session.feed(b"HTRST? 1\n", 0) == b"1\r\n"


def test_an_input_that_it_does_not_have_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="inputs 1 to 4, A to D"):
        lakeshore_336({5: "x"}, "S")


def test_switched_off_and_on_only_an_output_that_is_to_stay_on_does(
    box: LakeShoreController,
) -> None:
    """OUTMODE, <powerup enable>: it remains on after a power cycle, or is shut off."""
    box.say("OUTMODE 1,3,0,0;MOUT 1,50;RANGE 1,2;OUTMODE 4,3,0,1;MOUT 4,50;RANGE 4,1;SETP 1,20")
    assert [name for name, *_ in box.written] == ["heater.4k.power", "heater.still.power"]
    box.say("NONSENSE")
    box.twin.power_cycle(5 * S)
    assert box.say("RANGE? 1;RANGE? 4;MOUT? 1;OUTMODE? 4;SETP? 1", 5) == (
        "0;1;+050.000;3,0,1;+20.0000"
    )
    assert box.say("*ESR?", 5) == "128"
    assert box.written[2:] == [("heater.4k.power", 0.0, 5 * S)]


def test_a_setpoint_that_moved_while_it_was_switched_off_has_arrived(
    box: LakeShoreController,
) -> None:
    box.say("RAMP 1,1,6;SETP 1,60", 0)
    assert box.say("RAMPST? 1", 60) == "1"
    box.twin.power_cycle(61 * S)
    assert box.say("RAMPST? 1;SETP? 1", 61) == "0;+60.0000"
