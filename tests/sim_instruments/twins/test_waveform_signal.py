"""The signal of a 33512B: its spectrum against a Fourier transform, its heat against a sum."""

from math import log10, pi, sqrt

import numpy as np
import pytest

from podium.sim_instruments.twins.keysight_33512b import Keysight33512B
from podium.sim_instruments.twins.waveform_signal import HEATER_OHM, heat_w, tones

S = 10**15
N = 20_000


def say(twin, message, at_s=0.0):
    return twin.open("scpi").feed(f"{message}\n".encode(), round(at_s * S)).decode().strip()


@pytest.fixture
def box():
    return Keysight33512B("1")


def sampled(shape, above=0.5):
    """Return a period of a wave of 1 V from peak to peak, written down sample by sample."""
    phase = (np.arange(N) + 0.5) / N
    match shape:
        case "SIN":
            return np.sin(2 * pi * phase) / 2
        case "SQU":
            return np.where(phase < above, 0.5, -0.5)
    rising = phase / above if above else np.zeros(N)
    falling = (1 - phase) / (1 - above) if above < 1 else np.ones(N)
    return np.where(phase < above, rising, falling) - 0.5


@pytest.mark.parametrize(
    ("settings", "shape", "above"),
    [
        ("FUNC SIN", "SIN", 0.5),
        ("FUNC SQU;:SOUR1:FUNC:SQU:DCYC 50", "SQU", 0.5),
        ("FUNC SQU;:SOUR1:FUNC:SQU:DCYC 23", "SQU", 0.23),
        ("FUNC PULS;:SOUR1:FUNC:PULS:WIDT 0.1E-6", "SQU", 0.1),
        ("FUNC RAMP;:SOUR1:FUNC:RAMP:SYMM 30", "RAMP", 0.3),
        ("FUNC RAMP;:SOUR1:FUNC:RAMP:SYMM 100", "RAMP", 1.0),
        ("FUNC RAMP;:SOUR1:FUNC:RAMP:SYMM 0", "RAMP", 0.0),
    ],
)
def test_lines_and_heat_are_those_of_the_wave_itself(box, settings, shape, above):
    fast = "1E6" if shape != "RAMP" else "1E5"
    say(box, f"SOUR1:FREQ {fast};:SOUR1:VOLT 2;VOLT:OFFS 0.25;:OUTP1 1;:SOUR1:{settings}")
    assert say(box, "SYST:ERR?") == '+0,"No error"'
    wave_v = 2.0 * sampled(shape, above)
    amplitudes = 2 * np.abs(np.fft.rfft(wave_v)) / N
    found = {round(one.frequency_hz / float(fast)): one.power_dbm for one in box.tones("ch1", 0)}
    for n in range(1, 10):
        if amplitudes[n] > 1e-6:
            wanted = 10 * log10(amplitudes[n] ** 2 / 2 / 50 / 1e-3)
            assert found.pop(n) == pytest.approx(wanted, abs=0.01)
    assert not [n for n in found if n < 10]
    open_v = 2 * (wave_v + 0.25)  # into an open circuit twice what 50 Ohm take
    heat = float(np.mean((open_v * HEATER_OHM / (HEATER_OHM + 50)) ** 2)) / HEATER_OHM
    assert heat_w(box.channels[0], 0) == pytest.approx(heat, rel=1e-3)


def test_what_is_off_or_never_triggered_is_dark_and_cold(box):
    say(box, "SOUR2:VOLT 1")
    assert box.tones("ch2", 0) == ()
    say(box, "OUTP2 1")
    assert len(box.tones("ch2", 0)) == 1
    assert box.tones("ch1", 0) == box.tones("ch3", 0) == box.tones("", 0) == ()
    say(box, "SOUR2:BURS:MODE GAT;STAT 1")
    assert box.tones("ch2", 0) == ()
    assert heat_w(box.channels[1], 0) == 0


def test_the_load_that_is_set_changes_what_is_said_and_not_what_is_there(box):
    say(box, "SOUR1:VOLT 2;:OUTP1 1")
    before = box.tones("ch1", 0)
    say(box, "OUTP1:LOAD INF")
    assert say(box, "SOUR1:VOLT?") == "+4.000000000000000E+00"
    assert box.tones("ch1", 0) == before


def test_bursts_by_themselves_have_their_share_of_lines_and_heat(box):
    say(box, "SOUR1:FREQ 1E4;VOLT 2;:OUTP1 1")
    ((whole,), heat) = box.tones("ch1", 0), heat_w(box.channels[0], 0)
    say(box, "TRIG1:SOUR IMM;:SOUR1:BURS:NCYC 25;INT:PER 0.01;:SOUR1:BURS:STAT 1")
    (burst,) = box.tones("ch1", 0)
    assert burst.power_dbm - whole.power_dbm == pytest.approx(20 * log10(0.25))
    assert heat_w(box.channels[0], 0) == pytest.approx(0.25 * heat)


def test_a_heater_takes_what_is_set_from_when_it_is_set_and_a_burst_as_long_as_it_lasts():
    written = []
    box = Keysight33512B("1", {1: "still"}, lambda *one: written.append(one))
    say(box, "SOUR1:FUNC DC;:SOUR1:VOLT:OFFS 1", 1)
    assert written == []
    say(box, "OUTP1 1", 2)
    watts = (2 * HEATER_OHM / (HEATER_OHM + 50)) ** 2 / HEATER_OHM
    assert written == [("heater.still.power", pytest.approx(watts), 2 * S)]
    assert not box.acts
    say(box, "SOUR1:FUNC SIN;:SOUR1:VOLT:OFFS 0;:SOUR1:FREQ 10;VOLT 2", 3)
    sine_w = watts / 2
    assert written[-1] == ("heater.still.power", pytest.approx(sine_w), 3 * S)
    say(box, "TRIG1:SOUR BUS;DEL 1;:SOUR1:BURS:NCYC 20;STAT 1", 4)
    assert written[-1] == ("heater.still.power", 0.0, 4 * S)
    say(box, "*TRG", 5)
    assert box.acts
    box.advance(20 * S)
    assert written[-2:] == [
        ("heater.still.power", pytest.approx(sine_w), 6 * S),
        ("heater.still.power", 0.0, 8 * S),
    ]
    assert not box.acts
    say(box, "*RST", 30)
    assert written[-1][2] == 8 * S
    say(box, "OUTP1 1;:SOUR2:FREQ 2;:OUTP2 1", 31)
    assert written[-1][2] == 31 * S  # channel 2 has no heater


def test_a_sine_of_a_volt_rms_has_thirteen_dbm():
    box = Keysight33512B("1")
    say(box, f"SOUR1:VOLT {2 * sqrt(2):.9f};:OUTP1 1;:SOUR1:VOLT:UNIT DBM")
    (line,) = tones(box.channels[0], 0)
    assert line.power_dbm == pytest.approx(13.0103, abs=1e-3)
    assert float(say(box, "SOUR1:VOLT?")) == pytest.approx(line.power_dbm, abs=1e-6)
