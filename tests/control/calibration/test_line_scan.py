"""The fit of one scan over a line, against the formula of a driven two-level system."""

from dataclasses import replace

import numpy as np
import pytest
import xarray
from tests.benches.calibration.synthetic_data import EXAMPLE, NODE

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.peak import PulsePrior
from podium.control.calibration.line_scan import LineScan
from podium.control.facility.load import load_facility
from podium.control.program.program import Program

QUBIT = load_facility(EXAMPLE).qubits()[f"{NODE}.q0"]
LINE_HZ = 6.0067e9
DURATION_S = 408e-9
NOISE = 0.03
"""Of the height."""


def scan_of(strength: float, expected: PulsePrior, seed: int) -> tuple[LineScan, xarray.Dataset]:
    """Return a scan whose pulses turn the qubit by ``strength`` times pi, and its data."""
    rabi_hz = 0.5 * strength / DURATION_S
    frequency = LINE_HZ + np.linspace(-3.96e6, 3.96e6, 25)
    together = np.hypot(rabi_hz, frequency - LINE_HZ)
    excited = (rabi_hz / together * np.sin(np.pi * together * DURATION_S)) ** 2
    signal = excited + np.random.default_rng(seed).normal(0, NOISE, frequency.size)
    element = QUBIT.element
    data = xarray.Dataset(
        {f"{element}_i": ("drive", signal), f"{element}_q": ("drive", 0.1 * signal)},
        {f"{element}_drive_frequency": ("drive", frequency)},
    )
    program = Program("scan", (), (), (), shots=100_000)
    amplitude = {QUBIT.name: 0.1}
    return LineScan(program, "drive_frequency", DURATION_S, amplitude, {QUBIT.name: expected}), data


def test_a_strength_that_was_known_wrongly_is_found_anew_or_no_line_is_seen() -> None:
    """Twice a pi pulse leaves a dip between two humps, of which one pi pulse has neither.

    Where no line is seen, the search goes on with a weaker pulse.
    """
    found = 0
    for seed in range(20):
        scan, data = scan_of(1.93, PulsePrior((1.0, 0.05)), seed)
        try:
            fit = scan.fit(QUBIT, data)
        except FitFailed:
            continue
        found += 1
        assert fit.values["centre"] == pytest.approx(LINE_HZ, abs=0.1e6)
        assert scan.rabi_hz(QUBIT, fit)[0] == pytest.approx(19.3 * 0.5 / DURATION_S, rel=0.05)
        assert scan.left_over(QUBIT, data, fit) < 0.1
    assert found >= 12


@pytest.mark.parametrize("seed", range(5))
def test_a_strength_that_is_as_expected_stays_known(seed: int) -> None:
    scan, data = scan_of(1.02, PulsePrior((1.0, 0.05)), seed)
    known = scan.fit(QUBIT, data)
    free = replace(scan, expected={QUBIT.name: PulsePrior()})
    assert known.sigmas["rabi"] < free.fit(QUBIT, data).sigmas["rabi"]
