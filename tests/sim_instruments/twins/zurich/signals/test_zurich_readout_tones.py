"""Tones that share a readout waveform come back as a plain convolution has each of them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.benches.physics.small_chip import feedline_point, play, qubit_point, run_of

from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import ReadoutSettings
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Readouts
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    capture_trains,
    readout_trains,
    results_of,
)

Complexes = NDArray[np.complex128]
Samples = NDArray[np.float64]
Tones = list[tuple[float, complex, Callable[[Samples], Samples]]]
"""Hz from the centre, amplitude, and envelope by samples."""
CENTRE_HZ, RATE_HZ = 7.2e9, 2e9
RANGE_DBM = -30.0
FINE = 32
"""Steps of the convolution in a sample."""
PULSE, WINDOW, DELAY = 1200, 800, 512
"""Samples: of a pulse, of a window, and from the start of the one to that of the other."""


def chip(*around_hz: float, rest_ns: float) -> FeedlinePoint:
    """A resonator of some MHz near each frequency, and a time of flight of 145 ns and a rest."""
    qubits = [
        replace(
            qubit_point(f"node_a.q{n}", resonator=CENTRE_HZ + hz + 0.7e6, n_crit=1e12),
            rates_1_s=np.zeros((4, 4)),
        )
        for n, hz in enumerate(around_hz)
    ]
    still = feedline_point(*qubits, kelvin=0.0)
    return replace(still, delay_out_ns=145 + rest_ns - still.delay_in_ns)


EACH = np.arange(PULSE)


def carrier(hz: float, samples: Samples) -> Complexes:
    return np.exp(2j * np.pi * hz / RATE_HZ * samples)


def rect(samples: Samples) -> Samples:
    return ((samples >= 0) & (samples < PULSE)).astype(np.float64)


def soft(samples: Samples) -> Samples:
    edge = np.clip(np.minimum(samples, PULSE - samples) / 60, 0, 1)
    return np.sin(np.pi / 2 * edge) ** 2


def brief(samples: Samples) -> Samples:
    return ((samples >= 100) & (samples < 1000)).astype(np.float64)


def heard(feedline: FeedlinePoint, tones: Tones) -> Complexes:
    """Return the samples of a window, V: nothing of the world's is used.

    Each resonator takes ``kappa_c/2`` of the convolution of the tones with its own ringing.
    """
    step = 1e9 / RATE_HZ / FINE
    # Midpoints of steps, from the tones' arrival at the chip on.
    time = step * (np.arange((PULSE + 4) * FINE) + 0.5)
    signal = sum(
        envelope(time * RATE_HZ * 1e-9) * amplitude * np.exp(2j * np.pi * hz * 1e-9 * time)
        for hz, amplitude, envelope in tones
    )
    passing, size = signal.copy(), 2 * len(time)
    for qubit in feedline.qubits:
        away = 2j * np.pi * (qubit.resonator_hz[0] - CENTRE_HZ) - np.pi * qubit.kappa_hz
        ringing = np.exp(away * 1e-9 * step * np.arange(len(time)))
        ringing[0] /= 2
        rung = np.fft.ifft(np.fft.fft(signal, size) * np.fft.fft(ringing, size))[: len(time)]
        passing -= np.pi * qubit.kappa_coupling_hz * 1e-9 * step * rung
    delay = feedline.delay_in_ns + feedline.delay_out_ns
    place = ((DELAY + np.arange(WINDOW)) / RATE_HZ * 1e9 - delay) / step - 0.5
    each = np.arange(len(time))
    arrived = np.interp(place, each, passing.real) + 1j * np.interp(place, each, passing.imag)
    volts = tone_amplitude(RANGE_DBM) * np.sqrt(100)
    gain = feedline.transmission_in * feedline.gain_out * volts
    return gain * arrived * np.exp(-2j * np.pi * CENTRE_HZ * 1e-9 * delay)


def integrated(
    feedline: FeedlinePoint, waves: dict[int, Complexes], weights: tuple[Complexes, ...]
) -> Complexes:
    """What the integrators of a twin on the feedline get, V."""
    masks = sum(1 << slot for slot in waves), (1 << len(weights)) - 1
    columns = [np.array([one], np.int64) for one in (0, *masks)]
    zero = np.zeros(1, np.int64)
    started = Readouts(*columns, np.zeros(1, np.bool_), zero, zero)
    settings = ReadoutSettings(WINDOW, DELAY, weights)
    drives = tuple(readout_trains(feedline.name, "qa", started, waves, 0, CENTRE_HZ, RANGE_DBM, 40))
    heard = capture_trains(feedline.name, started, settings, CENTRE_HZ, 40)
    signals = run_of(list(drives), [one.train for one in heard.values()], 2_000)
    return results_of(1, len(weights), heard, play(feedline, signals)).all()[0]


EIGHT = [(-460e6, 0.1, rect), (-333e6, 0.05j, rect), (-180e6, 0.12, rect), (-107e6, -0.1, rect)]
EIGHT += [(12e6, 0.03, rect), (107e6, 0.1, rect), (250e6, -0.08j, rect), (441e6, 0.11, rect)]


@pytest.mark.parametrize("rest_ns", [0.3, 0.85])
@pytest.mark.parametrize(
    "tones",
    [
        [(-107e6, 0.4, rect), (107e6, 0.3j, rect)],
        [(-250e6, 0.4, rect), (250e6, 0.02j, rect)],
        [(-250e6, 0.4, rect), (-243e6, 0.3, rect)],
        EIGHT,
        [(-107e6, 0.4, soft), (107e6, 0.3j, soft)],
        [(-250e6, 0.4, rect), (107e6, 0.3, brief), (250e6, 0.2, soft)],
    ],
    ids=["107", "250", "near", "eight", "soft", "each its own"],
)
def test_each_tone_of_a_waveform_is_as_strong_and_as_late_as_it_is_alone(
    tones: Tones, rest_ns: float
):
    feedline = chip(*(hz for hz, _, _ in tones[:3]), rest_ns=rest_ns)
    wave = sum(envelope(EACH + 0.5) * a * carrier(hz, EACH) for hz, a, envelope in tones)
    # Soft weights hear nothing of a tone that is far away.
    weights = tuple(np.hanning(WINDOW) * carrier(-hz, EACH[:WINDOW]) for hz, _, _ in tones)
    found = integrated(feedline, {0: wave}, weights)
    right = np.array(weights) @ heard(feedline, tones)
    assert np.abs(found / right) == pytest.approx(1, abs=1e-3)
    assert np.degrees(np.angle(found / right)) == pytest.approx(0, abs=0.1)


def test_weights_of_several_tones_hear_what_each_hears_alone():
    feedline = chip(-107e6, 250e6, rest_ns=0.3)
    waves = {slot: 0.3 * carrier(hz, EACH) for slot, hz in enumerate((-107e6, 250e6))}
    one, other = (np.hanning(WINDOW) * carrier(-hz, EACH[:WINDOW]) for hz in (-107e6, 250e6))
    first, second, both = integrated(feedline, waves, (one, other, one / 2 + other / 3))
    assert both == pytest.approx(first / 2 + second / 3, rel=1e-3)


def test_tones_in_one_waveform_are_those_of_several():
    feedline = chip(-107e6, 250e6, rest_ns=0.6)
    one, other = 0.4 * carrier(-107e6, EACH), 0.3j * carrier(250e6, EACH)
    weights = tuple(carrier(-hz, EACH[:WINDOW]) for hz in (-107e6, 250e6))
    apart = integrated(feedline, {0: one, 1: other}, weights)
    together = integrated(feedline, {0: one + other}, weights)
    assert np.allclose(together, apart, rtol=1e-9, atol=0)
