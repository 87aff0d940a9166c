"""Sideband drives: the photon that they make, integrated from the equations of motion."""

import numpy as np
import pytest

from podium.control.calibration.links.photon_shapes import (
    SidebandDrive,
    emission,
    middles_s,
    sech_rate_hz,
)

GAMMA_HZ = 10.4e6


@pytest.mark.parametrize("kappa_hz", [10.4e6, 13.5e6, 40e6])
def test_the_drive_emits_a_sech(kappa_hz: float) -> None:
    """Two coupled amplitudes and a leak, by small steps: no formula of the shape is used."""
    step_s = 2e-11
    time_s = np.arange(-400e-9, 250e-9, step_s)
    rate = 2 * np.pi * sech_rate_hz(time_s + step_s / 2, GAMMA_HZ, kappa_hz)
    kappa = 2 * np.pi * kappa_hz
    f, one = 1.0, 0.0
    out = np.empty(time_s.size)
    for k, g in enumerate(rate):
        half_f, half_one = f - g * one * step_s / 2, one + (g * f - kappa / 2 * one) * step_s / 2
        f, one = f - g * half_one * step_s, one + (g * half_f - kappa / 2 * half_one) * step_s
        out[k] = np.sqrt(kappa) * one
    gamma = 2 * np.pi * GAMMA_HZ
    wanted = np.sqrt(gamma) / 2 / np.cosh(gamma * (time_s + step_s) / 2)
    assert np.max(np.abs(out - wanted)) < 2e-3 * np.sqrt(gamma) / 2
    assert f**2 + one**2 < 1e-4


def test_a_resonator_as_wide_as_the_photon_takes_half_its_width() -> None:
    at = middles_s(180)
    wanted = GAMMA_HZ / 2 / np.cosh(np.pi * GAMMA_HZ * at)
    assert np.allclose(sech_rate_hz(at, GAMMA_HZ, GAMMA_HZ), wanted, rtol=1e-9)


def test_the_phase_follows_the_shift_of_the_line() -> None:
    envelope = emission(SidebandDrive(12e6, -30e6), GAMMA_HZ, GAMMA_HZ, 180)
    turned_hz = np.diff(np.unwrap(np.angle(envelope))) / (2 * np.pi * 1e-9)
    shift_hz = -30e6 * np.abs(envelope) ** 2
    assert np.allclose(turned_hz, (shift_hz[1:] + shift_hz[:-1]) / 2, atol=1.0)
    assert np.angle(envelope[90]) == pytest.approx(0.0, abs=1e-12)


def test_a_photon_faster_than_its_resonator_is_refused() -> None:
    with pytest.raises(ValueError, match="does not leave a resonator of 6 MHz"):
        sech_rate_hz(middles_s(10), GAMMA_HZ, 6e6)
