"""Scans all drives over their qubits' lines at once, and fits."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.peak import PulsePrior, fit_pulse_line, pulse_line
from podium.control.calibration.fits.projection import Levels, line_axis
from podium.control.calibration.herald import mean_in_0
from podium.control.calibration.outcome import Panel, Series
from podium.control.calibration.polarisation import shots_for
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    linear_frequencies,
    measure_at_once,
    on_grid_ns,
    pulse_area_ns,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Play,
    Program,
    SetFrequency,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

LINE_STEPS = 6.0
"""Width of the line in steps of the scan: no line falls between two points."""
PAUSE_LIFETIMES = 1.1
"""Wait between shots: what is left of the excitation is in the fit, and waiting longer costs more
time than it gives contrast."""
T1_DOUBT = 0.5
"""Relative, of the design's T1: what the fit receives about the excitation left over."""
STRENGTH_DOUBT = 0.03
"""Least relative doubt of a pulse's strength where the Rabi frequency has been measured."""
EDGE = 0.4
"""A line nearer to the end of its scan than this share of its width is not seen whole."""
MUCH_LEFT = 0.1
"""Share of the points' variance that a line seldom leaves where its strength is as expected."""
HUMP = 1.5
"""The same where the strength of the pulse is not known: twice a pi pulse leaves two humps 1.4
widths beside the line, and the end of a scan may show one of them alone."""

Rabi = Mapping[str, tuple[float, float]]
"""Rabi frequency at full scale and its sigma, Hz, by the qubit's full name."""


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds a scan of a drive, Hz."""

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


def scan_pulse_ns(ranges: Mapping[str, Range], qubits: tuple[Qubit, ...], points: int) -> int:
    """Return the length of the pulse of a scan, one for all qubits, ns."""
    return line_pulse_ns(max(ranges[q.name].span for q in qubits) / (points - 1))


def there_and_back(name: str, span: Range, points: int) -> Variable:
    """Return every second frequency of a range upwards and the others downwards, Hz.

    What a shot leaves to the next one pulls points on the way up to one side, and on the way down
    to the other.
    """
    line = linear_frequencies(name, span.centre, span.span, points)
    order = [*range(0, points, 2), *reversed(range(1, points, 2))]
    return Variable(name, line.unit, Table(tuple(line.value(k) for k in order)))


def known_rabi(pulses: Pulses) -> tuple[float, float] | None:
    """Return the Rabi frequency at full scale that was measured, and its sigma, Hz."""
    name = pulses.qubit.name
    pi = pulses.bench.record.get(f"{name}.pi_amplitude")
    if pi is not None:
        hz = 1e9 / (2 * pi.value * pulse_area_ns(pulses.pulse_ns))
        return hz, hz * pi.sigma / pi.value
    rabi = pulses.bench.record.get(f"{name}.rabi_frequency")
    return None if rabi is None else (rabi.value, rabi.sigma)


@dataclass(frozen=True, slots=True, eq=False)
class LineScan:
    """A scan of all drives at once, as it is played, and what its fit knows of it."""

    program: Program
    quantity: str
    """That is swept: ``drive_frequency`` of ``q0_drive_frequency``."""
    duration_s: float
    """Of the pulse."""
    amplitude: Mapping[str, float]
    """Of the pulse, of full scale, by the qubit's full name."""
    expected: Mapping[str, PulsePrior]
    heralded: Levels | None = None
    """By which heralds are judged, where shots are kept: those count that began in 0."""
    means: Callable[["xarray.Dataset"], "xarray.Dataset"] | None = None
    """Makes means of shots of which several qubits began in 0, in the place of that."""

    def iq(self, qubit: Qubit, data: "xarray.Dataset") -> NDArray[np.complex128]:
        """Return the means of the points of the qubit's scan. Raises FitFailed."""
        if self.means is not None:
            return iq_of(self.means(data), qubit.element)
        if self.heralded is None:
            return iq_of(data, qubit.element)
        return mean_in_0(data, qubit.element, self.heralded)

    @property
    def width_hz(self) -> float:
        """Of the line."""
        return 0.8 / self.duration_s

    def frequency_hz(self, qubit: Qubit, data: "xarray.Dataset") -> NDArray[np.float64]:
        """Return the points of the qubit's scan."""
        return values_of(data, f"{qubit.element}_{self.quantity}")

    def fit(self, qubit: Qubit, data: "xarray.Dataset") -> Fit:
        """Fit the qubit's line: see :func:`.fit_pulse_line`. Raises FitFailed.

        Where a line of the strength that is expected leaves much, and one of any strength far less,
        what was known of the strength was wrong.
        """
        expected = self.expected[qubit.name]
        found = self._fit_as(qubit, data, expected)
        left = self.left_over(qubit, data, found)
        if expected.strength is not None and left > MUCH_LEFT:
            try:
                free = self._fit_as(qubit, data, replace(expected, strength=None))
            except FitFailed:
                free = found
            if self.left_over(qubit, data, free) < left / 2:
                found = free
        frequency = self.frequency_hz(qubit, data)
        centre = found.values["centre"]
        edge = min(centre - np.min(frequency), np.max(frequency) - centre)
        nearest = HUMP if self.expected[qubit.name].strength is None else EDGE
        if edge < nearest * self.width_hz:
            raise FitFailed(f"the line at {centre / 1e9:.6f} GHz is at the edge of the scan")
        return found

    def _fit_as(self, qubit: Qubit, data: "xarray.Dataset", expected: PulsePrior) -> Fit:
        return fit_pulse_line(
            self.frequency_hz(qubit, data),
            line_axis(self.iq(qubit, data)),
            self.duration_s,
            self.program.shots,
            expected,
        )

    def left_over(self, qubit: Qubit, data: "xarray.Dataset", fit: Fit) -> float:
        """Return the share of the points' variance that a fit leaves."""
        signal = line_axis(self.iq(qubit, data))
        line = pulse_line(self.frequency_hz(qubit, data), fit.values, self.duration_s)
        return float(np.var(signal - line) / np.var(signal))

    def rabi_hz(self, qubit: Qubit, fit: Fit) -> tuple[float, float]:
        """Return the Rabi frequency at full scale that a fit has found, and its sigma."""
        amplitude = self.amplitude[qubit.name]
        return fit.values["rabi"] / amplitude, fit.sigmas["rabi"] / amplitude

    def draw(self, qubit: Qubit, data: "xarray.Dataset") -> Panel:
        """Return the panel of the scan as it is."""
        frequency = self.frequency_hz(qubit, data)
        try:
            iq = self.iq(qubit, data)
        except FitFailed:  # no shot began in 0 for sure: draw them all
            iq = np.mean(iq_of(data, qubit.element), axis=0)
        signal = line_axis(iq)
        series = Series(
            f"scan over {np.ptp(frequency) / 1e6:.3g} MHz", frequency / 1e9, signal * 1e3
        )
        words = self.quantity.replace("_", " ").replace("ef", "1-2 drive")
        return Panel(qubit.element, f"{words} (GHz)", "signal (mV)", (series,))


def line_scan(
    bench: Bench,
    ranges: Mapping[str, Range],
    qubits: tuple[Qubit, ...],
    points: int,
    shots: int,
    rabi_hz: Rabi,
) -> LineScan:
    """Return a scan over the 0-1 lines, each over its own range (by full name).

    A qubit without an entry in ``rabi_hz`` is driven as designed, and the strength of its pulse
    counts as unknown.
    """
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    duration_ns = scan_pulse_ns(ranges, qubits, points)
    axis = Axis(
        "drive",
        tuple(
            linear_frequencies(
                f"{q.element}_drive_frequency", ranges[q.name].centre, ranges[q.name].span, points
            )
            for q in qubits
        ),
    )
    wait_ns = on_grid_ns(max(p.reset_s(PAUSE_LIFETIMES) for p in pulses))
    body: list[Statement] = [
        *(SetFrequency(p.drive, Affine(f"{p.qubit.element}_drive_frequency")) for p in pulses),
        Delay(frames, wait_ns * FS_PER_NS),
        Barrier(frames),
    ]
    amplitude: dict[str, float] = {}
    expected: dict[str, PulsePrior] = {}
    for p in pulses:
        name = p.qubit.name
        full_hz = rabi_hz[name][0] if name in rabi_hz else bench.guess(p.qubit, "rabi_frequency")
        amplitude[name] = min(0.95, 1e9 / (2 * duration_ns) / full_hz)
        body.append(Play(p.drive, Square(duration_ns * FS_PER_NS), amplitude[name]))
        expected[name] = PulsePrior(
            expected_strength(amplitude[name], duration_ns, rabi_hz.get(name)),
            expected_memory(p, wait_ns + p.probe_ns + p.flight_ns()),
        )
    body.append(Barrier(frames))
    body += measure_at_once(pulses)
    program = Program(
        "qubit spectroscopy",
        frames_of(pulses),
        tuple(body),
        (axis,),
        shots=shots_for(bench, qubits, shots),
    )
    return LineScan(program, "drive_frequency", duration_ns * 1e-9, amplitude, expected)


def expected_strength(
    amplitude: float, duration_ns: int, rabi_hz: tuple[float, float] | None
) -> tuple[float, float] | None:
    """Return the area of a square pulse, of pi, and its sigma; None where that is not known."""
    if rabi_hz is None:
        return None
    strength = amplitude * rabi_hz[0] * 2 * duration_ns * 1e-9
    return strength, strength * max(STRENGTH_DOUBT, rabi_hz[1] / rabi_hz[0])


def expected_memory(pulses: Pulses, between_ns: int) -> tuple[float, float]:
    """Return the share of the excitation that is left ``between_ns`` later, and its sigma."""
    t1 = pulses.bench.record.get(f"{pulses.qubit.name}.t1")
    t1_s, doubt = (
        (pulses.bench.guess(pulses.qubit, "t1"), T1_DOUBT) if t1 is None else (t1.value, 0.1)
    )
    folds = between_ns * 1e-9 / t1_s
    left = float(np.exp(-folds))
    return left, max(0.02, left * folds * doubt)


def stark_hz(bench: Bench, qubit: Qubit, rabi_hz: float) -> float:
    """Return how far a pulse of that Rabi frequency moves a transmon's 0-1 line by itself, Hz.

    Level 2 is coupled to level 1 by sqrt(2) of the Rabi frequency, the anharmonicity away, and
    pushes it by rabi**2 / (2 |anharmonicity|) (second order perturbation theory of the rotating
    frame).
    """
    if qubit.kind != "transmon":
        return 0.0
    return -(rabi_hz**2) / (2 * bench.guess(qubit, "anharmonicity"))
