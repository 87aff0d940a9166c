from dataclasses import replace

import numpy as np
import pytest
from tests.benches.zurich.processor import processor
from tests.benches.zurich.sample_renderer import (
    modulate_iq,
    modulate_sines,
    oscillator_turns,
    play,
)

from podium.sim_instruments.twins.zurich.sequencer.image import DoesNotRun
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor
from podium.sim_instruments.twins.zurich.sequencer.render import (
    FULL_SCALE,
    Oscillators,
    oscillator_at,
    oscillators_later,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row

WAVES = (
    "wave w = vect(%s); wave v = ones(64) * 0.5; wave m = marker(64, 1); wave n = marker(64, 2);"
)
RAMP = np.arange(64) / 64
SOURCE = WAVES % ",".join(map(str, RAMP))


def rendered(one: Processor, length: int):
    trace = one.run()
    begin = int(trace.kinds(Kind.WAVE)[0, Row.TIME])
    return play(trace, one.image, begin, begin + length), trace, begin


def words(values) -> np.ndarray:
    return np.rint(np.asarray(values) * FULL_SCALE)


@pytest.mark.parametrize("device", ["SHFSG8", "HDAWG8"])
@pytest.mark.parametrize(
    ("call", "first", "second"),
    [
        ("playWave(w)", RAMP, 0 * RAMP),
        ("playWave(2, w)", 0 * RAMP, RAMP),
        ("playWave(1, 2, w)", RAMP, RAMP),
        ("playWave(w, v)", RAMP, 0 * RAMP + 0.5),
        ("playWave(1, 2, w, 2, v)", RAMP, RAMP + 0.5),
    ],
)
def test_waveforms_reach_the_outputs_that_the_program_names(device, call, first, second):
    one = processor(f"{SOURCE} {call};", device)
    played, _, _ = rendered(one, 64)
    assert np.abs(played.outputs[0] - first).max() < 2 / FULL_SCALE
    assert np.abs(played.outputs[1] - second).max() < 2 / FULL_SCALE
    assert not played.markers.any()


def test_words_are_the_compilers_bit_for_bit():
    one = processor(
        "wave w = gauss(640, 0.9, 320, 70); wave v = drag(640, 0.5, 300, 50); playWave(w, v);"
    )
    played, trace, _ = rendered(one, 640)
    wave = one.image.waveform_at(int(trace.rows[0, Row.B]))
    assert np.array_equal(words(played.outputs.T), wave.words())


def test_the_lowest_bits_are_markers():
    one = processor(f"{SOURCE} playWave(1, w + m, 2, v + n);", "HDAWG8")
    played, _, _ = rendered(one, 64)
    assert (played.markers[0] == 1).all()
    assert (played.markers[1] == 2).all()
    assert np.abs(played.outputs[0] - RAMP).max() < 4 / FULL_SCALE
    assert np.abs(played.outputs[1] - 0.5).max() < 5 / FULL_SCALE


def test_a_divided_rate_repeats_samples_and_a_hold_keeps_the_last():
    one = processor(f"{SOURCE} playWave(w, 2); playHold(64); playZero(64); playHold(32);")
    played, _, _ = rendered(one, 256 + 64 + 64 + 32)
    assert np.abs(played.outputs[0, :256] - np.repeat(RAMP, 4)).max() < 2 / FULL_SCALE
    assert np.abs(played.outputs[0, 256:320] - RAMP[-1]).max() < 2 / FULL_SCALE
    assert not played.outputs[:, 320:].any()


def test_a_cut_of_the_time_axis_is_a_cut_of_the_samples():
    one = processor(f"{SOURCE} repeat (3) {{ playWave(w, v, 1); playHold(96); playZero(32); }}")
    whole, trace, begin = rendered(one, 800)
    for first, last in ((0, 10), (5, 131), (127, 129), (200, 640), (640, 800)):
        part = play(trace, one.image, begin + first, begin + last)
        assert np.array_equal(part.outputs, whole.outputs[:, first:last])
        assert np.array_equal(part.amplitudes, whole.amplitudes[:, first:last])


def test_pulses_are_shifted_to_the_upper_side_of_the_oscillator():
    entries = [
        {"index": 0, "waveform": {"index": 0}, "phase": {"value": 0}},
        {
            "index": 1,
            "waveform": {"index": 0},
            "phase": {"value": 90, "increment": True},
            "amplitude00": {"value": 0.5},
            "amplitude01": {"value": -0.5},
            "amplitude10": {"value": 0.5},
            "amplitude11": {"value": 0.5},
        },
    ]
    one = processor(
        "wave i = ones(64) * 0.6; wave q = ones(64) * -0.3; assignWaveIndex(1,2,i, 1,2,q, 0);"
        "resetOscPhase(); executeTableEntry(0); executeTableEntry(1);",
        entries=entries,
        amplitudes=(1.0, -1.0, 1.0, 1.0),
    )
    played, trace, begin = rendered(one, 128)
    signal = modulate_iq(played, trace, Oscillators((1e8,) + (0.0,) * 7), 2e9, begin)
    (reset,) = trace.kinds(Kind.RESET_OSCILLATORS)[:, Row.TIME]
    time = np.arange(begin, begin + 128) - reset
    expected = (0.6 - 0.3j) * np.exp(2j * np.pi * 0.05 * time)
    expected[64:] *= 0.5j
    assert np.abs(signal - expected).max() < 1e-4


def test_an_oscillator_keeps_its_phase_through_changes_of_frequency():
    one = processor(
        "playZero(64); setOscFreq(2, 1.5e7); playZero(1000); setOscFreq(2, -3e8);"
        "playZero(512); resetOscPhase(4); playZero(512); playWave(ones(32));"
    )
    trace = one.run()
    end = trace.end
    turns = oscillator_turns(trace, Oscillators((0, 0, 4e6, 0, 0, 0, 0, 0)), 2, 2e9, 0, end)
    changes = trace.kinds(Kind.FREQUENCY)[:, Row.TIME].tolist()
    (reset,) = trace.kinds(Kind.RESET_OSCILLATORS)[:, Row.TIME].tolist()
    hz, phase, expected = 4e6, 0.0, []
    for time in range(end):
        if time == reset:
            phase = 0.0
        if time in changes:
            hz = (1.5e7, -3e8)[changes.index(time)]
        expected.append(phase % 1)
        phase += hz / 2e9
    apart = (turns - np.array(expected) + 0.5) % 1 - 0.5
    assert np.abs(apart).max() < 1e-9


def test_rows_of_oscillators_are_sought_once_and_anew_in_a_trace_that_was_cut():
    one = processor(
        "configFreqSweep(0, 1e6, 1e6); setSweepStep(0, 1); playZero(64); setSweepStep(0, 2);"
        "playZero(64); resetOscPhase();",
        "SHFSG8",
    )
    trace = one.run()
    asked = trace.oscillator_rows()
    assert np.array_equal(asked, trace.kinds(Kind.FREQUENCY, Kind.RESET_OSCILLATORS))
    assert len(asked) == 3
    assert trace.oscillator_rows() is asked
    cut = replace(trace, rows=trace.rows[trace.rows[:, Row.TIME] < asked[1, Row.TIME]])
    assert len(cut.oscillator_rows()) == 1


def test_outputs_of_an_hdawg_are_multiplied_by_their_sines():
    one = processor(
        "wave w = ones(64); playZero(64); setSinePhase(0, 90); playWave(w, w);"
        "incrementSinePhase(1, -30); playZero(64);",
        "HDAWG8",
    )
    played, trace, begin = rendered(one, 64)
    oscillators = Oscillators((0.0, 1e8) + (0.0,) * 6)
    out = modulate_sines(played, trace, oscillators, 2.4e9, begin, (0, 1))
    # The increment acts with the start of the wave before it.
    expected = np.sin(2 * np.pi * ((begin + np.arange(64)) * 1e8 / 2.4e9 - 30 / 360))
    assert np.abs(out[0] - 1).max() < 1e-6
    assert np.abs(out[1] - expected).max() < 1e-6
    plain = modulate_sines(played, trace, oscillators, 2.4e9, begin, (None, None))
    assert np.abs(plain - 1).max() < 1e-9


def test_more_of_a_wave_than_there_is_is_named():
    trace = processor("wave w = ones(96); playWave(w);").run()
    other = processor("wave w = ones(64); playWave(w);")
    with pytest.raises(DoesNotRun, match="96 samples of 1 channels"):
        play(trace, other.image, 0, 200)


def test_a_wave_that_is_not_there_is_named():
    one = processor("wave w = ones(64); playWave(w);")
    trace = one.run()
    other = processor("playZero(64);")
    with pytest.raises(DoesNotRun, match="no waveform begins"):
        play(trace, other.image, 0, 200)


@pytest.mark.parametrize("since", [0, 1_000])
def test_oscillators_that_go_on_later_are_where_they_would_be(since) -> None:
    """Tuned and reset at random, in two parts and as a whole: the same to the bit."""
    draw = np.random.default_rng(since)
    empty = processor(SOURCE, "SHFSG8").run()
    for count in range(50):
        rows = np.zeros((count % 13, Row.COLUMNS), np.int64)
        rows[:, Row.TIME] = np.sort(draw.integers(since, 10**6, len(rows)))
        tunes = draw.random(len(rows)) < 0.5
        rows[:, Row.KIND] = np.where(tunes, Kind.FREQUENCY, Kind.RESET_OSCILLATORS)
        rows[:, Row.A] = np.where(tunes, draw.integers(8, size=len(rows)), draw.integers(256))
        rows[:, Row.B] = draw.integers(-(1 << 46), 1 << 46, len(rows))
        trace = replace(empty, rows=rows)
        begin = Oscillators(tuple(draw.uniform(-1e9, 1e9, 8)), tuple(draw.random(8)), since)
        at, *times = sorted(draw.integers(since, 10**6, 4).tolist())
        middle = oscillators_later(trace, begin, 2e9, at)
        assert middle.since == at
        for which in range(8):
            turns, hz = oscillator_at(trace, begin, which, 2e9, np.array([at, *times]))
            later, same_hz = oscillator_at(trace, middle, which, 2e9, np.array([at, *times]))
            assert later.tobytes() == turns.tobytes()
            assert same_hz.tobytes() == hz.tobytes()
            assert (middle.phases[which], middle.hz[which]) == (turns[0], hz[0])
