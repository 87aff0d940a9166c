"""A waveform is split into tones that add up to it, each slow about its carrier."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics.small_chip import (
    NONE,
    capture,
    feedline_point,
    play,
    qubit_point,
    run_of,
    train,
)

from podium.sim_instruments.physics.signals import Piece
from podium.sim_instruments.physics.waveform_tones import split_tones, tone_trains

RATE_HZ = 2e9
EACH = np.arange(1800)
Complexes = NDArray[np.complex128]


def carrier(hz: float, each: NDArray[np.int64] = EACH, rate_hz: float = RATE_HZ) -> Complexes:
    return np.exp(2j * np.pi * (hz / rate_hz * each + 0.3))


def summed(tones: tuple[tuple[float, Complexes], ...]) -> Complexes:
    return sum(one * np.exp(2j * np.pi * hz / RATE_HZ * np.arange(len(one))) for hz, one in tones)


def test_tones_of_constant_amplitude_are_found_exactly():
    wanted = {-440e6: 0.1, -107.25e6: 0.02, 30e6: 0.2, 33.5e6: 0.1, 250e6: 0.15}
    signal = sum(amplitude * carrier(hz) for hz, amplitude in wanted.items())
    padded = np.concatenate([np.zeros(5), signal, np.zeros(3)])
    tones = dict(split_tones(padded, RATE_HZ))
    assert sorted(tones) == pytest.approx(sorted(wanted), abs=0.01)
    for hz, envelope in tones.items():
        heard = envelope[5:-3]
        amplitude = wanted[min(wanted, key=lambda one: abs(one - hz))]
        assert np.all(heard == heard[0])
        assert not envelope[:5].any()
        assert not envelope[-3:].any()
        assert abs(heard[0]) == pytest.approx(amplitude, rel=1e-6)
    assert np.allclose(summed(tuple(tones.items())), padded, atol=1e-5)


SPANS = {
    "all begin at once": [(-154.3e6, 0.3, 0, 1800), (37.1e6, 0.2, 0, 680), (271e6, 0.3, 0, 1184)],
    "two end at once": [(-154.3e6, 0.3, 0, 1800), (37.1e6, 0.2, 0, 680), (271e6, 0.3, 0, 680)],
    "one by one": [(-107e6, 0.3, 0, 1200), (90e6, 0.3, 501, 1800)],
    "all end at once": [(-107e6, 0.1, 0, 1800), (90e6, 0.3, 1000, 1800), (3e6, 0.3, 700, 1800)],
    "with a pause": [(-107e6, 0.3, 0, 500), (40e6, 0.1, 0, 480), (-107e6, 0.3, 900, 1800)],
    "stepped": [(-107e6, 0.3, 0, 200), (-107e6, 0.2, 200, 1800), (50e6, 0.3, 0, 1792)],
    "hardly longer": [(-154.3e6, 0.3, 0, 1792), (37.1e6, 0.2, 0, 1800), (271e6, 0.3, 0, 1784)],
}


@pytest.mark.parametrize("spans", SPANS.values(), ids=SPANS)
@pytest.mark.parametrize("bits", [13, None])
def test_tones_that_begin_and_end_by_themselves_are_found_exactly(
    spans: list[tuple[float, float, int, int]], bits: int | None
):
    signal = np.zeros(len(EACH), np.complex128)
    for hz, amplitude, begin, end in spans:
        signal[begin:end] += amplitude * carrier(hz)[begin:end]
    played = signal if bits is None else np.round(signal * 2**bits) / 2**bits
    tones = split_tones(played, RATE_HZ)
    found = []
    for hz, envelope in tones:
        there = np.flatnonzero(envelope)
        assert np.all(envelope[there] == envelope[there[0]])
        found.append((hz, float(abs(envelope[there[0]])), int(there[0]), int(there[-1]) + 1))
    found.sort(key=lambda one: (round(one[0] / 1e6), one[2]))
    spans = sorted(spans, key=lambda one: (round(one[0] / 1e6), one[2]))
    assert [one[2:] for one in found] == [one[2:] for one in spans]
    for one, wanted in zip(found, spans, strict=True):
        assert one[0] == pytest.approx(wanted[0], abs=1e3)
        assert one[1] == pytest.approx(wanted[1], rel=1e-4)
    assert np.linalg.norm(summed(tones) - signal) < 3e-4 * np.linalg.norm(signal)


def test_words_of_a_converter_are_no_tones():
    signal = 0.3 * carrier(107e6) + 0.2 * carrier(-90e6)
    rounded = np.round(signal * 2**13) / 2**13
    assert sorted(hz for hz, _ in split_tones(rounded, RATE_HZ)) == pytest.approx(
        [-90e6, 107e6], abs=1e3
    )


@pytest.mark.parametrize(
    "envelope",
    [
        np.ones(1800),
        np.hanning(1800),
        1.0 + (EACH < 100) - 0.5 * (EACH > 1700),
        np.clip(np.minimum(EACH, 1799 - EACH) / 40, 0, 1),
    ],
    ids=["square", "soft", "stepped", "flat top"],
)
def test_a_pulse_on_one_carrier_is_one_tone(envelope: NDArray[np.float64]):
    ((hz, found),) = split_tones(0.3 * envelope * carrier(-107e6), RATE_HZ)
    assert hz == pytest.approx(-107e6, abs=1e-3)
    assert np.abs(found) == pytest.approx(0.3 * envelope, abs=1e-12)


def chirp() -> Complexes:
    return np.exp(1j * np.pi * 300e6 / RATE_HZ / len(EACH) * EACH**2)


def noise() -> Complexes:
    return np.random.default_rng(3).normal(size=(2, 200)).T @ np.array([1, 1j])


@pytest.mark.parametrize(
    ("signal", "far_hz"),
    [
        (np.hanning(1800) * (carrier(-107e6) + 0.2 * carrier(90e6)), 1e6),
        (carrier(-107e6) * np.minimum(EACH / 300, 1) + (EACH > 500) * carrier(90e6), 10e6),
        (chirp(), 20e6),
        (noise(), 20e6),
    ],
    ids=["soft", "soft at one end", "chirp", "noise"],
)
def test_other_waveforms_are_split_into_bands_that_add_up(signal: Complexes, far_hz: float):
    tones = split_tones(signal, RATE_HZ)
    assert len(tones) > 1
    assert np.allclose(summed(tones), signal, atol=1e-12)
    # What there is is near the carriers: power times frequency squared, of all bands together.
    soft = np.hanning(len(signal))
    power = sum(np.abs(np.fft.fft(envelope * soft)) ** 2 for _, envelope in tones)
    turning = np.fft.fftfreq(len(signal)) * RATE_HZ
    assert np.sqrt(power @ turning**2 / power.sum()) < far_hz


def test_a_level_after_turning_samples_stays_on_its_carrier():
    each = np.arange(300)
    samples = 0.2 * carrier(60e6, each, 1e9) + 0.1 * carrier(-80e6, each, 1e9)
    piece = Piece(7.1e9, samples, 0.4 + 0j, 500)
    slow = Piece(7.1e9, np.hanning(300).astype(np.complex128), 0j, 300)
    played = train("node_a.feedline", [0, 700, 1400], [piece, slow], [0, 1, 0], [0.0] * 3)
    first, second, rest = tone_trains(played)
    assert first.start_ns.tolist() == [0, 700, 1400]
    assert first.pieces[1] is slow
    assert second.start_ns.tolist() == rest.start_ns.tolist() == [0, 1400]
    carriers = sorted(one.pieces[0].carrier_hz for one in (first, second, rest))
    assert carriers == pytest.approx([7.02e9, 7.1e9, 7.16e9], abs=1e3)
    assert (rest.pieces[0].level, rest.pieces[0].duration_ns) == (0.4, 500)
    (same,) = tone_trains(train("node_a.feedline", [0], [slow], [0], [0.0]))
    assert same.pieces == (slow,)


@pytest.mark.parametrize("hz", [-107e6, 181e6])
def test_samples_that_turn_are_heard_as_their_tone(hz: float):
    feedline = feedline_point(
        qubit_point(t1=1.0, thermal=0.0, n_crit=1e9, resonator=7.1e9 + hz), kelvin=0.0
    )
    heard = []
    for one in (
        Piece(7.1e9 + hz, NONE, 1e-3 + 0j, 800),
        Piece(7.1e9, 1e-3 * np.exp(2e-9j * np.pi * hz * np.arange(800)), 0j, 800),
    ):
        listened = capture(7.1e9 + hz, 600, [246])
        sent = train("node_a.feedline", [0], [one], [0], [0.0])
        (answer,) = play(feedline, run_of([sent], [listened], 1_000))
        heard.append(answer.integrated[0])
    assert heard[1] == pytest.approx(heard[0], rel=1e-6)
