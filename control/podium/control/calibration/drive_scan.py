"""Scans of a drive over a line: first a search that widens, then narrowly about what it saw.

Used wherever a 0-1 line is looked for: at the sweet spot, and beside it.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.peak import Expected, fit_pulse_line
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import refuse_clipped
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    linear_frequencies,
    measure_all,
    on_grid_ns,
    pulse_area_ns,
)
from podium.control.calibration.state import Told
from podium.control.facility.facility import DriveWiring, Qubit
from podium.control.program.program import Affine, Axis, Barrier, Delay, Play, Program, SetFrequency
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

LINE_STEPS = 6.0
"""Width of the line in steps of the scan: no line falls between two points."""
SEARCH_STEP_HZ, SEARCH_SHOTS = 1.5e6, 32
WIDER = (1.0, 2.0, 4.0)
"""Where no line is seen, it is looked for in windows so many times as wide, with as many times the
shots."""
NARROW_POINTS, NARROW_SHOTS = 25, 250
NARROW_STEPS_HZ = (0.1e6, 0.7e6)
"""Smallest and largest step of the narrow scan."""
STEPS_OF_DOUBT = 0.6
"""Step of the narrow scan, in sigmas with which the search knows the line: it reaches six sigmas
to both sides."""
PAUSE_LIFETIMES = 1.5
"""Wait between shots: what is left of the excitation is in the fit, and waiting longer costs more
time than it gives contrast."""
T1_DOUBT = 0.5
"""Relative, of the design's T1: what the fit is told of the excitation left over."""
DRIVE_REACH_HZ = 480e6
"""From the local oscillator: carriers of all families go to 500 MHz, and a line needs both
flanks."""
EDGE = 0.4
"""A line nearer to the end of its scan than this share of its width is not seen whole."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Where a scan of a drive looks, Hz."""

    low: float
    high: float

    @property
    def centre(self) -> float:
        """The middle."""
        return (self.low + self.high) / 2

    @property
    def span(self) -> float:
        """From end to end."""
        return self.high - self.low


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


def pause_ns(pulses: tuple[Pulses, ...]) -> int:
    """Return the wait between shots of a scan, ns."""
    return on_grid_ns(max(p.reset_s(PAUSE_LIFETIMES) for p in pulses))


def expected_memory(pulses: Pulses, between_ns: int) -> tuple[float, float]:
    """Return the share of the excitation that is left ``between_ns`` later, and its sigma."""
    t1_s = pulses.bench.measured(pulses.qubit, "t1")
    doubt = T1_DOUBT if t1_s is None else 0.1
    if t1_s is None:
        t1_s = pulses.bench.design(pulses.qubit, "t1").value
    folds = between_ns * 1e-9 / t1_s
    left = float(np.exp(-folds))
    return left, max(0.02, left * folds * doubt)


@dataclass(frozen=True, slots=True, eq=False)
class LineScan:
    """A scan of all drives at once, as it is played, and what its fit is told of it."""

    program: Program
    duration_s: float
    """Of the pulse."""
    amplitude: Mapping[str, float]
    """Of the pulse, of full scale, by the qubit's full name."""
    expected: Mapping[str, Expected]

    def fit(self, qubit: Qubit, data: "xarray.Dataset") -> Fit:
        """Fit the qubit's line: see :func:`.fit_pulse_line`. Raises FitFailed."""
        frequency = values_of(data, f"{qubit.element}_drive_frequency")
        found = fit_pulse_line(
            frequency,
            line_axis(iq_of(data, qubit.element)),
            self.duration_s,
            self.program.shots,
            self.expected[qubit.name],
        )
        centre = found.values["centre"]
        edge = min(centre - frequency[0], frequency[-1] - centre)
        if edge < EDGE * 0.8 / self.duration_s:
            raise FitFailed(f"the line at {centre / 1e9:.6f} GHz is at the edge of the scan")
        return found


def line_scan(
    bench: Bench,
    scans: Mapping[str, Scan],
    qubits: tuple[Qubit, ...],
    points: int,
    shots: int,
    rabi_hz: Mapping[str, tuple[float, float]] | None = None,
) -> LineScan:
    """Return a scan of all drives at once, each over its own range (by full name).

    ``rabi_hz``: Rabi frequency at full scale and its sigma; None: as designed, and the strength of
    the pulse is not known.
    """
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    duration_ns = line_pulse_ns(max(scans[q.name].span for q in qubits) / (points - 1))
    axis = Axis(
        "drive",
        tuple(
            linear_frequencies(
                f"{q.element}_drive_frequency", scans[q.name].centre, scans[q.name].span, points
            )
            for q in qubits
        ),
    )
    wait_ns = pause_ns(pulses)
    body = [
        *(SetFrequency(p.drive, Affine(f"{p.qubit.element}_drive_frequency")) for p in pulses),
        Delay(frames, wait_ns * FS_PER_NS),
        Barrier(frames),
    ]
    amplitude: dict[str, float] = {}
    expected: dict[str, Expected] = {}
    for p in pulses:
        name = p.qubit.name
        full_hz, doubt_hz = (full_scale_rabi_hz(p), 0.0) if rabi_hz is None else rabi_hz[name]
        amplitude[name] = min(0.95, 1e9 / (2 * duration_ns) / full_hz)
        body.append(Play(p.drive, Square(duration_ns * FS_PER_NS), amplitude[name]))
        strength = amplitude[name] * full_hz * 2 * duration_ns * 1e-9
        expected[name] = Expected(
            None if rabi_hz is None else (strength, strength * max(0.03, doubt_hz / full_hz)),
            expected_memory(p, wait_ns + p.probe_ns + p.flight_ns()),
        )
    body.append(Barrier(frames))
    body += measure_all(pulses)
    program = Program(
        "qubit spectroscopy",
        frames_of(pulses),
        tuple(body),
        (axis,),
        shots=bench.shots(shots),
    )
    return LineScan(program, duration_ns * 1e-9, amplitude, expected)


def stark_hz(bench: Bench, qubit: Qubit, rabi_hz: float) -> float:
    """Return how far a pulse of that Rabi frequency moves a transmon's 0-1 line by itself, Hz.

    Level 2 is coupled to level 1 by sqrt(2) of the Rabi frequency, the anharmonicity away, and
    pushes it by rabi**2 / (2 |anharmonicity|) (second order perturbation theory of the rotating
    frame).
    """
    if qubit.kind != "transmon":
        return 0.0
    return -(rabi_hz**2) / (2 * bench.guess(qubit, "anharmonicity"))


@dataclass(frozen=True, slots=True)
class Line:
    """A line as a wide scan has seen it."""

    centre_hz: float
    sigma_hz: float
    width_hz: float
    rabi_hz: tuple[float, float]
    """Rabi frequency at full scale and its sigma."""
    window_hz: float
    """Width of the window in which it was found."""


@dataclass(slots=True, eq=False)
class Search:
    """What a search has seen, by the qubit's full name."""

    lines: dict[str, Line] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """Why no line was found in any window."""
    panels: list[Panel] = field(default_factory=list)
    """Of the scans that showed no line."""


async def search(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    centres_hz: Mapping[str, float],
    spans_hz: Mapping[str, float],
    told: Told | None = None,
    shots: int = SEARCH_SHOTS,
) -> Search:
    """Look for each qubit's line about its centre, in wider windows where it is not seen."""
    seen = Search()
    for wider in WIDER:
        missing = tuple(q for q in qubits if q.name not in seen.lines)
        if not missing:
            break
        span = wider * max(spans_hz[q.name] for q in missing)
        scans = {q.name: _reachable(bench, q, centres_hz[q.name], span) for q in missing}
        points = 2 * max(10, int(span / SEARCH_STEP_HZ / 2)) + 1
        scan = line_scan(bench, scans, missing, points, round(wider * shots))
        data = await bench.run(outcome, scan.program, told)
        for qubit in missing:
            try:
                refuse_clipped(outcome, qubit.element)
                seen.lines[qubit.name] = await asyncio.to_thread(_line, scan, qubit, data)
                seen.reasons.pop(qubit.name, None)
            except FitFailed as error:
                seen.reasons[qubit.name] = str(error)
                panel = drawn(qubit, data, f"search over {scans[qubit.name].span / 1e6:.0f} MHz")
                seen.panels.append(replace(panel, text=str(error)))
    return seen


async def narrow(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    lines: Mapping[str, Line],
    told: Told | None = None,
) -> "tuple[LineScan, xarray.Dataset]":
    """Scan narrowly about each line; fit it with :meth:`LineScan.fit`."""
    doubt = max(lines[q.name].sigma_hz for q in qubits)
    half = float(np.clip(STEPS_OF_DOUBT * doubt, *NARROW_STEPS_HZ)) * (NARROW_POINTS - 1) / 2
    scans = {
        q.name: Scan(lines[q.name].centre_hz - half, lines[q.name].centre_hz + half) for q in qubits
    }
    rabi = {q.name: lines[q.name].rabi_hz for q in qubits}
    scan = line_scan(bench, scans, qubits, NARROW_POINTS, NARROW_SHOTS, rabi)
    return scan, await bench.run(outcome, scan.program, told)


def _reachable(bench: Bench, qubit: Qubit, centre_hz: float, span_hz: float) -> Scan:
    """Return the part of a range that the qubit's line can drive."""
    low, high = centre_hz - span_hz / 2, centre_hz + span_hz / 2
    wiring = bench.runner.facility.wiring.get(qubit.drive_port)
    if isinstance(wiring, DriveWiring):
        low = max(low, wiring.lo_hz - DRIVE_REACH_HZ)
        high = min(high, wiring.lo_hz + DRIVE_REACH_HZ)
    return Scan(low, high) if low < high else Scan(centre_hz - span_hz / 2, centre_hz + span_hz / 2)


def _line(scan: LineScan, qubit: Qubit, data: "xarray.Dataset") -> Line:
    found = scan.fit(qubit, data)
    amplitude = scan.amplitude[qubit.name]
    return Line(
        found.values["centre"],
        found.sigmas["centre"],
        0.8 / scan.duration_s,
        (found.values["rabi"] / amplitude, found.sigmas["rabi"] / amplitude),
        float(np.ptp(values_of(data, f"{qubit.element}_drive_frequency"))),
    )


def drawn(qubit: Qubit, data: "xarray.Dataset", label: str) -> Panel:
    """Return the panel of a scan as it is."""
    frequency = values_of(data, f"{qubit.element}_drive_frequency")
    signal = line_axis(iq_of(data, qubit.element))
    series = Series(label, frequency / 1e9, signal * 1e3)
    return Panel(qubit.element, "drive frequency (GHz)", "signal (mV)", (series,))
