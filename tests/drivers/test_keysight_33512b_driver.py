"""The driver over real TCP against the twin."""

import pytest

from podium.drivers.errors import Refused
from podium.drivers.keysight_33512b import REHEARSAL, Keysight33512B, Waveform
from podium.drivers.recording_fake import RecordingFake
from podium.drivers.roles import Identity
from podium.sim_instruments.twins.keysight_33512b import Keysight33512B as Twin


@pytest.fixture
def twin():
    return Twin("MY1")


@pytest.fixture
def driver(serve, twin):
    driver = Keysight33512B("generator", serve(twin).visa, heaters={1: "still"})
    yield driver
    driver.close()


def test_it_says_who_it_is(driver):
    assert driver.identity() == Identity(
        "Agilent Technologies", "33512B", "MY1", "2.03-1.19-2.00-52-00"
    )


def test_a_waveform_is_set_whatever_was_before(driver):
    first = Waveform("SIN", 5e6, 9.0, 0.5)
    second = Waveform("RAMP", 1e5, 0.5, -4.5)
    for waveform in (first, second, first):
        driver.set_waveform("ch2", waveform)
        assert driver.waveform("ch2") == waveform
    assert driver.waveform("ch1") == Waveform("SIN", 1000.0, 0.1)
    driver.set_waveform("ch1", Waveform("DC", 0.0, 0.0, 4.0))
    assert driver.waveform("ch1").offset_v == 4.0


@pytest.mark.parametrize(
    ("channel", "waveform", "why"),
    [
        ("ch3", Waveform("SIN", 1e3, 1.0), "no channel 'ch3'; it has ch1, ch2"),
        ("ch1", Waveform("NOIS", 1e3, 1.0), "there are SIN, SQU"),
        ("ch1", Waveform("SIN", 30e6, 1.0), "FREQ 30000000.0.*clipped to upper limit"),
        ("ch1", Waveform("SIN", 1e3, 9.0, 3.0), "VOLT 9.0.*Settings conflict"),
    ],
)
def test_what_cannot_be_played_is_refused_with_the_boxs_words(driver, channel, waveform, why):
    with pytest.raises(Refused, match=why):
        driver.set_waveform(channel, waveform)


def test_outputs_are_switched_and_made_safe(driver):
    driver.output("ch1", on=True)
    driver.output("ch2", on=True)
    assert driver.output_on("ch1")
    driver.safe()
    assert not driver.output_on("ch1")
    assert driver.snapshot()["ch2.output"] == 0


def test_a_burst_is_over_when_its_trigger_returns(driver, twin_servers):
    driver.set_waveform("ch1", Waveform("SQU", 2.0, 1.0))
    driver.set_burst("ch1", 6)
    began_fs = twin_servers.clock.now_fs()
    driver.trigger()
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 3
    driver.set_burst("ch1", 0)
    assert driver.snapshot()["ch1.burst"] == 0


def test_an_amplitude_in_other_units_is_left_alone(driver, twin):
    twin.open("scpi").feed(b"VOLT:UNIT DBM\n", 0)
    with pytest.raises(Refused, match="in DBM, not VPP"):
        driver.waveform("ch1")


def test_a_rehearsal_notes_what_would_be_set():
    noted: list[str] = []
    usual = {"*IDN": "Agilent Technologies,33512B,0,0", "SYST:ERR": '0,"No error"'}
    with RecordingFake(usual | REHEARSAL, noted.append) as fake:
        driver = Keysight33512B("generator", fake.visa)
        driver.set_waveform("ch2", Waveform("SIN", 1e3, 1.0))
        driver.output("ch2", on=True)
        driver.close()
    assert noted == [
        *(":SOUR2:VOLT:UNIT VPP", ":SOUR2:FREQ 1000", ":SOUR2:FUNC SIN", ":SOUR2:FREQ 1000.0"),
        ":SOUR2:VOLT MIN",
        *(":SOUR2:VOLT:OFFS 0.0", ":SOUR2:VOLT 1.0", ":OUTP2 1"),
    ]
