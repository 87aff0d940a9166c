"""What is held for a nanosecond is as strong as two samples were, on its carrier and beside it."""

import numpy as np
import pytest

from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds

ENVELOPE = np.hanning(400)


def strength(samples: np.ndarray, ns: float, hz: float) -> float:
    """Of a signal whose samples are held so long, at a frequency about its carrier."""
    # Two samples of the instrument are one point each, at 0 and half a nanosecond.
    droop = np.sinc(hz * 1e-9) if ns == 1 else 1.0
    turns = np.exp(-2j * np.pi * hz * ns * 1e-9 * np.arange(len(samples)))
    return float(abs(samples @ turns) * ns * droop)


@pytest.mark.parametrize("mhz", [-290, -175, -60, 120, 290])
def test_a_tone_beside_the_carrier_keeps_its_strength(mhz: int):
    tone = ENVELOPE * np.exp(2j * np.pi * mhz * 1e6 * 0.5e-9 * np.arange(len(ENVELOPE)))
    # Both tones are there, as of two pulses that share a waveform.
    signal = ENVELOPE + tone
    made = in_nanoseconds(signal)
    for hz in (0, mhz * 1e6):
        assert strength(made, 1, hz) == pytest.approx(strength(signal, 0.5, hz), rel=2e-3)


def test_what_is_on_its_carrier_alone_is_the_mean_of_two_samples():
    pulse = np.concatenate([np.zeros(6), np.full(40, 0.3), np.zeros(2)]).astype(np.complex128)
    assert in_nanoseconds(pulse).tolist() == pulse.reshape(-1, 2).mean(axis=1).tolist()
    assert in_nanoseconds(pulse, 1)[3] == pytest.approx(0.15)


def test_the_length_is_that_of_the_signal():
    turning = np.exp(2j * np.pi * 0.1 * np.arange(7))
    assert len(in_nanoseconds(turning)) == 4
    assert len(in_nanoseconds(turning, 1)) == 4


def test_nothing_is_played_in_the_zeros_that_fill_a_block_up():
    """A pulse that turns and ends at once rings for 4 ns in the filter, and in no instrument."""
    ends = np.exp(2j * np.pi * 0.05 * np.arange(208))
    filled = np.concatenate([np.zeros(8), ends, np.zeros(12)])
    for late in (0, 1):
        made = in_nanoseconds(filled, late)
        heard = np.flatnonzero(made)
        assert (heard[0], heard[-1]) == (4, 107 + late)
        assert made.sum() == pytest.approx(filled.sum() / 2), "what is on the carrier is all there"
