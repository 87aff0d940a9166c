import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.firmware_interfaces.lakeshore_records import reading
from podium.sim_instruments.twins.lakeshore_372 import NOISE, LakeShore372

STAGES = {5: "still", 6: "mixing_chamber"}


def talk(reading=lambda channel, now_fs: 0.0102, serial="LSA12AB") -> TwinConversation:
    return TwinConversation(LakeShore372(reading, STAGES, serial))


@pytest.fixture
def bridge():
    return talk()


@pytest.mark.parametrize(
    ("kelvin", "written"),
    [
        (0.010234, "+010.234E-03"),
        (4.2, "+004.200E+00"),
        (0.99999999, "+001.000E+00"),
        (300.0, "+300.000E+00"),
        (0.0, "+000.000E+00"),
        (181e3, "+181.000E+03"),
        (1e-9, "+001.000E-09"),
    ],
)
def test_readings_have_six_digits_and_an_exponent_of_thousands(kelvin, written):
    assert reading(kelvin) == written


@given(st.floats(1e-6, 1e9))
def test_a_reading_is_the_same_after_it_was_written(value):
    assert float(reading(value)) == pytest.approx(value, rel=6e-4)
    assert len(reading(value)) == 12


def test_replies_end_with_carriage_return_and_newline_and_chained_ones_come_in_one_line(bridge):
    assert bridge.say("*IDN?;*ESR?") == "LSCI,MODEL372,LSA12AB,1.8;128"


def test_a_blank_line_is_not_answered(bridge):
    assert bridge.session.feed(b"\n\r\n", 0) == b""


def test_the_examples_of_the_manual_are_taken(bridge):
    for message in (
        "SCAN 5,1",
        "RAMP 0,1,1.5",
        "RELAY 1,2,2,0",
        'CRVHDR 21,"RX-102B","00011134",4,1.5,1',
        "CRVDEL 21",
    ):
        assert bridge.say(message + ";*ESR?") in ("128", "000"), message


def test_settings_are_answered_in_the_formats_of_the_manual(bridge):
    assert bridge.say("INSET? 6") == "1,010,003,21,1"
    assert bridge.say("INTYPE? 6") == "0,01,1,13,0,1"
    assert bridge.say("HTRSET? 0") == "+120.000,1,+000.000,1"
    assert bridge.say("HTRSET? 1") == "1,1,+000.000,1"
    assert bridge.say("SCAN?", 0) == "05,1"
    assert bridge.say("INNAME? 6") == "mixing_chamber"
    assert bridge.say("RDGST? 6") == "000"


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ("BLAH?", 32),
        ("KRDG?", 32),
        ("KRDG? 17", 16),
        ("KRDG? B", 16),
        ("INSET 6,1,0,3,21,1", 16),  # dwell of 0 s
        ("INSET 6,1,10,2,21,1", 16),  # pause of 2 s
        ("RANGE 1,2", 16),
        ("SCAN A", 16),
        ("SCAN 9", 16),  # not enabled
        ("INTYPE 6,0,23", 16),
        ("PID 0,MAX", 32),
        ("HTRSET 2,1,0,0,1", 16),
        ("KRDG 6", 32),
    ],
)
def test_what_the_box_refuses_is_not_answered_and_sets_its_event_bit(bridge, message, event):
    bridge.say("*CLS")
    before = bridge.say("INSET? 6;INTYPE? 6;SCAN?;RANGE? 1;PID? 0")
    assert bridge.say(message) == ""
    assert bridge.say("*ESR?") == f"{event:03d}"
    assert bridge.say("INSET? 6;INTYPE? 6;SCAN?;RANGE? 1;PID? 0") == before


def test_fields_that_are_left_out_stay_as_they_were(bridge):
    bridge.say("INSET 6,1,20,,,")
    assert bridge.say("INSET? 6") == "1,020,003,21,1"


def test_disabling_with_zeros_keeps_the_times(bridge):
    bridge.say("INSET 5,0,0,0,0,0")
    assert bridge.say("INSET? 5") == "0,010,003,21,1"


def test_if_all_inputs_are_disabled_the_first_becomes_enabled(bridge):
    bridge.say("INSET 5,0;INSET 6,0")
    assert bridge.say("INSET? 1").startswith("1,")
    assert bridge.say("SCAN?") == "01,1"


def test_a_channel_that_is_not_scanned_answers_with_its_last_reading():
    seconds = talk(lambda channel, now_fs: 1.0 + now_fs / S)  # the temperature is the time
    # 5 is measured from 3 s to 13 s, 6 from 16 s to 26 s, then 5 again from 29 s on
    for at_s, last5_s, last6_s in [(1, 0, 0), (10, 10, 0), (15, 13, 0), (20, 13, 20), (28, 13, 26)]:
        for channel, last_s in ((5, last5_s), (6, last6_s)):
            kelvin = float(seconds.say(f"KRDG? {channel}", at_s))
            assert kelvin == pytest.approx(1 + last_s, rel=6 * NOISE), (channel, at_s)


def test_without_autoscan_one_channel_is_measured_and_the_others_stand_still():
    seconds = talk(lambda channel, now_fs: 1.0 + now_fs / S)
    seconds.say("SCAN 6,0", 10)
    assert float(seconds.say("KRDG? 6", 50)) == pytest.approx(51, rel=6 * NOISE)
    assert float(seconds.say("KRDG? 5", 50)) == pytest.approx(11, rel=6 * NOISE)


def test_how_often_one_asks_changes_nothing():
    often, rarely = talk(), talk()
    for tick in range(300):
        often.say("KRDG? 6;KRDG? 5;RDGST? 6", tick / 10)
    assert often.say("KRDG? 6;SCAN?", 31) == rarely.say("KRDG? 6;SCAN?", 31)


def test_readings_scatter_by_the_stated_noise():
    bridge = talk()
    bridge.say("SCAN 6,0")
    readings = [bridge.twin.temperature_k(6, round((10 + n / 10) * S)) for n in range(2000)]
    assert statistics.mean(readings) == pytest.approx(0.0102, rel=5.5 * NOISE / 2000**0.5)
    # Of 2000 samples the standard deviation scatters by 1.6 %; 5.5 sigma: false alarm 4e-8.
    assert statistics.stdev(readings) == pytest.approx(0.0102 * NOISE, rel=0.09)


def test_an_excitation_warms_its_sensor_and_the_more_the_colder_it_is():
    def excess(kelvin, current):
        bridge = talk(lambda channel, now_fs: kelvin)
        bridge.say(f"SCAN 6,0;INTYPE 6,1,{current},1,17,0,1")
        shown = bridge.twin.temperature_k(6, 20 * S)
        cold = talk(lambda channel, now_fs: kelvin)
        cold.say("SCAN 6,0;INTYPE 6,1,1,1,17,1,1")  # shunted
        return shown - cold.twin.temperature_k(6, 20 * S)

    # 1 nA into 181 kohm: 0.18 pW; dT = P / (4 A T^3) with A = 1e-4 W/K^4
    assert excess(0.010, 7) == pytest.approx(0.43e-3, rel=0.1)
    assert excess(0.010, 8) == pytest.approx((1e-8 + 1.83e-8) ** 0.25 - 0.01, rel=0.05)
    assert excess(0.100, 8) < 2e-5


def test_two_boxes_have_noise_of_their_own():
    one, other = talk(serial="LSA1"), talk(serial="LSA2")
    assert one.twin.temperature_k(6, 20 * S) != other.twin.temperature_k(6, 20 * S)


def test_a_range_that_is_too_small_is_told_in_the_reading_status(bridge):
    bridge.say("INTYPE 6,0,1,0,13,0,1")  # 2 kohm, no autorange; the sensor has 180 kohm
    assert bridge.say("RDGST? 6;KRDG? 6") == "016;+000.000E+00"
    bridge.say("INTYPE 6,,,,18")
    assert bridge.say("RDGST? 6") == "000"


def test_inputs_without_a_sensor_read_nothing(bridge):
    assert bridge.say("KRDG? 9;RDGST? 9;KRDG? A") == "+000.000E+00;000;+000.000E+00"


def test_what_means_nothing_is_counted_apart(bridge):
    bridge.say("KRDG? 6;SCAN?;BEEP 0;BEEP?;NONSENSE")
    assert bridge.twin.tallies() == {"commands": 5, "unknown": 1, "unmeant": 1}


def test_a_channel_that_the_scanner_does_not_have_is_refused_at_once():
    with pytest.raises(ValueError, match="1 to 16"):
        LakeShore372(lambda channel, now_fs: 1.0, {17: "x"}, "S")
