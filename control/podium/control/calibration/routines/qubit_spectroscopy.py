"""Two-tone spectroscopy: the 0-1 transition of each qubit, pass by pass more narrowly."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.peak import fit_pulse_line, pulse_line
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    linear_frequencies,
    measure_all,
    on_grid_ns,
    pulse_area_ns,
    reset,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Play, Program, SetFrequency
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

LINE_STEPS = 6.0
"""Width of the line in steps of the scan: no line falls between two points."""
WIDE_STEP_HZ = 1.5e6
NARROWER = ((12e6, 61), (2.4e6, 49))
"""Spans (Hz) and points of the passes after the wide one."""


def line_pulse_ns(step_hz: float) -> int:
    """Return the length of a pi pulse whose line covers :data:`LINE_STEPS` steps, ns.

    A square pi pulse of duration t has a line 0.8 / t wide.
    """
    return on_grid_ns(0.8 / (LINE_STEPS * step_hz), 20)


def full_scale_rabi_hz(pulses: Pulses) -> float:
    """Return the Rabi frequency at full scale, measured or by design, Hz."""
    if pulses.bench.measured(pulses.qubit, "pi_amplitude") is not None:
        return 1e9 / (2 * pulses.pi_amplitude() * pulse_area_ns(pulses.pulse_ns))
    return pulses.bench.design(pulses.qubit, "rabi_frequency").value


def spectroscopy_program(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    centres_hz: dict[str, float],
    span_hz: float,
    points: int,
) -> Program:
    """Return a scan of all drives at once, each about its centre (by full name)."""
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    duration_ns = line_pulse_ns(span_hz / (points - 1))
    axis = Axis(
        "drive",
        tuple(
            linear_frequencies(f"{q.element}_drive_frequency", centres_hz[q.name], span_hz, points)
            for q in qubits
        ),
    )
    body = [
        *(SetFrequency(p.drive, Affine(f"{p.qubit.element}_drive_frequency")) for p in pulses),
        *reset(pulses, frames, 4.0),
    ]
    for p in pulses:
        amplitude = 1e9 / (2 * duration_ns) / full_scale_rabi_hz(p)
        body.append(Play(p.drive, Square(duration_ns * FS_PER_NS), min(0.95, amplitude)))
    body.append(Barrier(frames))
    body += measure_all(pulses)
    return Program(
        "qubit spectroscopy",
        frames_of(pulses),
        tuple(body),
        (axis,),
        shots=bench.shots(250),
    )


async def qubit_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Scan the design's range, then twice more narrowly about the line found.

    Stores ``f01`` (Hz).
    """
    outcome = Outcome("qubit_spectroscopy", "Qubit spectroscopy")
    spread = max(bench.design(q, "f01").spread for q in qubits)
    span = 6 * spread + 20e6
    points = 2 * int(span / WIDE_STEP_HZ / 2) + 1
    centres = {q.name: bench.design(q, "f01").value for q in qubits}
    remaining = await _pass(bench, outcome, qubits, centres, span, points)
    for span, points in NARROWER:
        if not remaining:
            break
        centres = {q.name: bench.known(q, "f01").value for q in remaining}
        remaining = await _pass(bench, outcome, remaining, centres, span, points)
    return outcome


async def _pass(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    centres_hz: dict[str, float],
    span_hz: float,
    points: int,
) -> tuple[Qubit, ...]:
    data = await bench.run(
        outcome, spectroscopy_program(bench, qubits, centres_hz, span_hz, points)
    )
    duration_s = line_pulse_ns(span_hz / (points - 1)) * 1e-9

    def raw(qubit: Qubit) -> Panel:
        frequency = values_of(data, f"{qubit.element}_drive_frequency")
        signal = line_axis(iq_of(data, qubit.element))
        series = Series(f"scan over {span_hz / 1e6:.0f} MHz", frequency / 1e9, signal * 1e3)
        return Panel(qubit.element, "drive frequency (GHz)", "signal (mV)", (series,))

    def fit(qubit: Qubit, panel: Panel) -> Found:
        frequency = values_of(data, f"{qubit.element}_drive_frequency")
        found = fit_pulse_line(frequency, line_axis(iq_of(data, qubit.element)), duration_s)
        centre, sigma = found.values["centre"], found.sigmas["centre"]
        edge = min(centre - frequency[0], frequency[-1] - centre)
        if edge < 0.02 * span_hz:
            raise FitFailed(f"the line at {centre / 1e9:.6f} GHz is at the edge of the scan")
        grid = np.linspace(frequency[0], frequency[-1], 401)
        line = pulse_line(grid, found.values, duration_s)
        return {"f01": Measured(centre, sigma, "Hz")}, replace(
            panel,
            series=(*panel.series, Series("fit", grid / 1e9, line * 1e3, line=True)),
            text=f"{centre / 1e9:.6f} GHz ± {sigma / 1e3:.0f} kHz",
        )

    return await analyse(bench, outcome, qubits, raw, fit)
