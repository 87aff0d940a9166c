"""Two-tone spectroscopy: the 0-1 transition of each qubit, first wide, then narrow."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.least_squares import Fit
from podium.control.calibration.fits.peak import fit_peak, lorentzian
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import all_pulses, linear_frequencies, reset
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Play, Program, SetFrequency
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_US

SATURATION_US = 4
"""Length of the spectroscopy pulse: many Rabi periods, a small part of T1."""
POINTS_PER_RABI = 1.6
"""Drive strength: the Rabi frequency in steps of the scan. A saturated line is 2 Rabi frequencies
wide and more, so it covers at least three points."""


def spectroscopy_program(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    centres_hz: dict[str, float],
    span_hz: float,
    points: int,
    shots: int,
) -> Program:
    """Return a scan of all drives at once, each about its centre (by full name)."""
    pulses = all_pulses(bench, qubits)
    frames = tuple(name for p in pulses for name in (p.drive, p.readout))
    rabi_hz = POINTS_PER_RABI * span_hz / (points - 1)
    axis = Axis(
        "drive",
        tuple(
            linear_frequencies(
                f"{p.qubit.element}_drive_frequency", centres_hz[p.qubit.name], span_hz, points
            )
            for p in pulses
        ),
    )
    body = [
        *(SetFrequency(p.drive, Affine(f"{p.qubit.element}_drive_frequency")) for p in pulses),
        *reset(pulses, frames, 3.0),
    ]
    for p in pulses:
        full_hz = bench.design(p.qubit, "rabi_frequency").value
        body.append(Play(p.drive, Square(SATURATION_US * FS_PER_US), min(1.0, rabi_hz / full_hz)))
    body.append(Barrier(frames))
    for p in pulses:
        body += p.measure()
    return Program(
        "qubit spectroscopy",
        tuple(frame for p in pulses for frame in (p.drive_frame(), p.readout_frame())),
        tuple(body),
        (axis,),
        shots=shots,
    )


def find_line(frequency_hz: NDArray[np.float64], iq: NDArray[np.complex128]) -> Fit:
    """Fit the line in the direction of the IQ plane in which it shows. Raises FitFailed."""
    return fit_peak(frequency_hz, line_axis(iq))


async def qubit_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan the design's range, then a narrow range about the line found, with less power.

    Stores ``f01`` (Hz), first value.
    """
    outcome = Outcome("qubit_spectroscopy", "Qubit spectroscopy")
    spread = max(bench.design(q, "f01").spread for q in qubits)
    span = 6 * spread + 20e6
    points = 2 * int(span / 1.5e6 / 2) + 1
    centres = {q.name: bench.design(q, "f01").value for q in qubits}
    wide = await bench.run(
        outcome, spectroscopy_program(bench, qubits, centres, span, points, bench.shots(250))
    )
    coarse: dict[str, Fit] = {}

    def raw_wide(qubit: Qubit) -> Panel:
        frequency = np.asarray(wide[f"{qubit.element}_drive_frequency"].values, dtype=np.float64)
        signal = line_axis(iq_of(wide, qubit.element))
        points = Series("wide scan", frequency / 1e9, signal * 1e3)
        return Panel(qubit.element, "drive frequency (GHz)", "signal (mV)", (points,))

    def fit_wide(qubit: Qubit, panel: Panel) -> Found:
        frequency = np.asarray(wide[f"{qubit.element}_drive_frequency"].values, dtype=np.float64)
        found = find_line(frequency, iq_of(wide, qubit.element))
        coarse[qubit.name] = found
        line = lorentzian(frequency, found.values)
        return {
            "f01": Measured(found.values["centre"], found.sigmas["centre"], "Hz"),
        }, replace(
            panel,
            series=(*panel.series, Series("fit", frequency / 1e9, line * 1e3, line=True)),
            text=f"{found.values['centre'] / 1e9:.5f} GHz, "
            f"width {found.values['width'] / 1e6:.2f} MHz",
        )

    seen = await analyse(bench, outcome, qubits, raw_wide, fit_wide)
    if not seen:
        return outcome
    width = max(coarse[q.name].values["width"] for q in seen)
    narrow_span = max(2.0 * width, 8e6)
    centres = {q.name: coarse[q.name].values["centre"] for q in seen}
    narrow = await bench.run(
        outcome, spectroscopy_program(bench, seen, centres, narrow_span, 61, bench.shots(300))
    )

    def raw_narrow(qubit: Qubit) -> Panel:
        frequency = np.asarray(narrow[f"{qubit.element}_drive_frequency"].values, dtype=np.float64)
        signal = line_axis(iq_of(narrow, qubit.element))
        points = Series("narrow scan", frequency / 1e9, signal * 1e3)
        return Panel(qubit.element, "drive frequency (GHz)", "signal (mV)", (points,))

    def fit_narrow(qubit: Qubit, panel: Panel) -> Found:
        frequency = np.asarray(narrow[f"{qubit.element}_drive_frequency"].values, dtype=np.float64)
        found = find_line(frequency, iq_of(narrow, qubit.element))
        line = lorentzian(frequency, found.values)
        # A saturated line is not a Lorentzian: its centre is good to a tenth of the step at best.
        floor = 0.1 * float(frequency[1] - frequency[0])
        sigma = float(np.hypot(found.sigmas["centre"], floor))
        return {"f01": Measured(found.values["centre"], sigma, "Hz")}, replace(
            panel,
            series=(*panel.series, Series("fit", frequency / 1e9, line * 1e3, line=True)),
            text=f"{found.values['centre'] / 1e9:.6f} GHz ± {sigma / 1e3:.0f} kHz",
        )

    await analyse(bench, outcome, seen, raw_narrow, fit_narrow)
    return outcome
