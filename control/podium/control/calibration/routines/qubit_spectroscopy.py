"""Two-tone spectroscopy: the 0-1 transition of each qubit, first anywhere, then narrowly."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.peak import Expected, fit_pulse_line, pulse_line
from podium.control.calibration.fits.projection import line_axis
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse, refuse_clipped
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
from podium.control.facility.facility import DriveWiring, Qubit
from podium.control.program.program import Affine, Axis, Barrier, Delay, Play, Program, SetFrequency
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

LINE_STEPS = 6.0
"""Width of the line in steps of the scan: no line falls between two points."""
WIDE_STEP_HZ = 1.5e6
SEARCH_SHOTS = 24
WIDER = (1.0, 2.0, 4.0)
"""Where no line is seen, it is looked for in windows so many times as wide."""
NARROW_POINTS, NARROW_SHOTS = 21, 200
NARROW_STEPS_HZ = (0.1e6, 0.7e6)
"""Smallest and largest step of the narrow scan."""
STEPS_OF_DOUBT = 0.6
"""Step of the narrow scan, in sigmas with which the wide one knows the line: it reaches six sigmas
to both sides."""
PAUSE_LIFETIMES = 1.5
"""Wait between shots: what is left of the excitation is in the fit, and waiting longer costs more
time than it gives contrast."""
T1_DOUBT = 0.5
"""Relative, of the design's T1: what the fit is told of the excitation left over."""
DRIVE_REACH_HZ = 480e6
"""From the local oscillator: carriers of all families go to 500 MHz, and a line needs both
flanks."""
SAME_LINE = 0.6
"""Lines of two qubits that lie within this share of their width are one line."""


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

    def fit(
        self, qubit: Qubit, data: "xarray.Dataset"
    ) -> tuple[dict[str, float], dict[str, float]]:
        """Fit the qubit's line: values and sigmas of :func:`.fit_pulse_line`."""
        found = fit_pulse_line(
            values_of(data, f"{qubit.element}_drive_frequency"),
            line_axis(iq_of(data, qubit.element)),
            self.duration_s,
            self.program.shots,
            self.expected[qubit.name],
        )
        return found.values, found.sigmas


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


async def qubit_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Search the design's range, wider where no line is seen, then scan narrowly about each line.

    Stores ``f01`` (Hz).
    """
    outcome = Outcome("qubit_spectroscopy", "Qubit spectroscopy")
    lines = await _search(bench, outcome, qubits)
    seen = tuple(q for q in qubits if q.name in lines)
    if seen:
        await _narrow(bench, outcome, seen, lines)
    return outcome


async def _search(bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...]) -> dict[str, Line]:
    """Return the lines by full name; those that no window shows are failures of the outcome."""
    found: dict[str, Line] = {}
    for wider in WIDER:
        missing = tuple(q for q in qubits if q.name not in found)
        if not missing:
            break
        spread = max(bench.design(q, "f01").spread for q in missing)
        span = wider * (6 * spread + 20e6)
        scans = {q.name: _reachable(bench, q, bench.design(q, "f01").value, span) for q in missing}
        points = 2 * int(span / WIDE_STEP_HZ / 2) + 1
        scan = line_scan(bench, scans, missing, points, SEARCH_SHOTS)
        data = await bench.run(outcome, scan.program)
        panels: dict[str, Panel] = {}
        for qubit in missing:
            panel = _drawn(qubit, data, f"search over {scans[qubit.name].span / 1e6:.0f} MHz")
            try:
                refuse_clipped(outcome, qubit.element)
                line = await asyncio.to_thread(_line, scan, qubit, data)
            except FitFailed as error:
                outcome.failures[qubit.name] = str(error)
                panels[qubit.name] = replace(panel, text=str(error), failed=True)
                continue
            found[qubit.name] = line
            outcome.failures.pop(qubit.name, None)
        _exclude(qubits, bench, outcome, found)
        for name, panel in panels.items():
            last = wider == WIDER[-1]
            text = panel.text if last else f"{panel.text}; the window is widened"
            outcome.panels.append(replace(panel, text=text, failed=last))
    return found


def _reachable(bench: Bench, qubit: Qubit, centre_hz: float, span_hz: float) -> Scan:
    """Return the part of a range that the qubit's line can drive."""
    low, high = centre_hz - span_hz / 2, centre_hz + span_hz / 2
    wiring = bench.runner.facility.wiring.get(qubit.drive_port)
    if isinstance(wiring, DriveWiring):
        low = max(low, wiring.lo_hz - DRIVE_REACH_HZ)
        high = min(high, wiring.lo_hz + DRIVE_REACH_HZ)
    return Scan(low, high) if low < high else Scan(centre_hz - span_hz / 2, centre_hz + span_hz / 2)


def _line(scan: LineScan, qubit: Qubit, data: "xarray.Dataset") -> Line:
    values, sigmas = scan.fit(qubit, data)
    frequency = values_of(data, f"{qubit.element}_drive_frequency")
    width = 0.8 / scan.duration_s
    edge = min(values["centre"] - frequency[0], frequency[-1] - values["centre"])
    if edge < width / 2:
        raise FitFailed(f"the line at {values['centre'] / 1e9:.6f} GHz is at the edge of the scan")
    amplitude = scan.amplitude[qubit.name]
    return Line(
        values["centre"],
        sigmas["centre"],
        width,
        (values["rabi"] / amplitude, sigmas["rabi"] / amplitude),
        float(np.ptp(frequency)),
    )


def _exclude(
    qubits: tuple[Qubit, ...], bench: Bench, outcome: Outcome, found: dict[str, Line]
) -> None:
    """Give a line that two qubits show to the one whose design it fits better."""
    by_name = {q.name: q for q in qubits}

    def misfit(name: str) -> float:
        design = bench.design(by_name[name], "f01")
        return abs(found[name].centre_hz - design.value) / design.spread

    names = sorted(found, key=misfit)
    for k, name in enumerate(names):
        for better in names[:k]:
            if better not in found or name not in found:
                continue
            one, other = found[name], found[better]
            if abs(one.centre_hz - other.centre_hz) < SAME_LINE * max(one.width_hz, other.width_hz):
                outcome.failures[name] = (
                    f"the only line seen, at {one.centre_hz / 1e9:.6f} GHz, is that of {better}"
                )
                del found[name]


async def _narrow(
    bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...], lines: Mapping[str, Line]
) -> None:
    doubt = max(lines[q.name].sigma_hz for q in qubits)
    step = float(np.clip(STEPS_OF_DOUBT * doubt, *NARROW_STEPS_HZ))
    half = step * (NARROW_POINTS - 1) / 2
    scans = {
        q.name: Scan(lines[q.name].centre_hz - half, lines[q.name].centre_hz + half) for q in qubits
    }
    rabi = {q.name: lines[q.name].rabi_hz for q in qubits}
    scan = line_scan(bench, scans, qubits, NARROW_POINTS, NARROW_SHOTS, rabi)
    data = await bench.run(outcome, scan.program)

    def raw(qubit: Qubit) -> Panel:
        return _drawn(qubit, data, f"scan over {2 * half / 1e6:.1f} MHz")

    def fit(qubit: Qubit, panel: Panel) -> Found:
        v, s = scan.fit(qubit, data)
        frequency = values_of(data, f"{qubit.element}_drive_frequency")
        if min(v["centre"] - frequency[0], frequency[-1] - v["centre"]) < 2 * step:
            raise FitFailed(f"the line at {v['centre'] / 1e9:.6f} GHz is at the edge of the scan")
        centre = v["centre"] - stark_hz(bench, qubit, v["rabi"])
        grid = np.linspace(frequency[0], frequency[-1], 401)
        line = pulse_line(grid, {**v, "memory": 0.0}, scan.duration_s)
        text = f"{centre / 1e9:.6f} GHz ± {s['centre'] / 1e3:.0f} kHz"
        if lines[qubit.name].window_hz > 1.5 * (6 * bench.design(qubit, "f01").spread + 20e6):
            text += f"; found in a window widened to {lines[qubit.name].window_hz / 1e6:.0f} MHz"
        return {"f01": Measured(centre, s["centre"], "Hz")}, replace(
            panel,
            series=(*panel.series, Series("fit", grid / 1e9, line * 1e3, line=True)),
            text=text,
        )

    await analyse(bench, outcome, qubits, raw, fit)


def _drawn(qubit: Qubit, data: "xarray.Dataset", label: str) -> Panel:
    frequency = values_of(data, f"{qubit.element}_drive_frequency")
    signal = line_axis(iq_of(data, qubit.element))
    series = Series(label, frequency / 1e9, signal * 1e3)
    return Panel(qubit.element, "drive frequency (GHz)", "signal (mV)", (series,))
