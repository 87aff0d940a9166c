"""Measures how fast a sideband drive empties f: its rate, the resonator, and what comes back to it.

Part of a photon is reflected by the other end, passes the circulator the wrong way and arrives
while f still empties: 20 dB move a width that knows nothing of it by up to 18 %, and the line by a
tenth of the width. It has gone through the other resonator, which turns and delays it by its
frequency: so strong and weak, short and long pulses, on the line and off it, tell it from a width.

Pulses on the line tell how far a strong drive is off it and hardly on which side. A scan of strong
pulses over their line does.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, fit_least_squares
from podium.control.calibration.links.link_bench import (
    FORGOTTEN_LIFETIMES,
    EndPulses,
    LinkBench,
)
from podium.control.calibration.links.link_loop import LinkLoop, left_in_loop
from podium.control.calibration.links.link_model import EndModel
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import linear_frequencies
from podium.control.facility.facility import Link, LinkEnd
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Program,
    SetFrequency,
    Table,
    Variable,
)

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

DURATIONS_NS = (40, 80)
"""Of the square pulses on the line: in the shorter f comes and goes, in the longer all has left."""
POINTS, SHOTS = 31, 600
HIGHEST = 0.9
WEAK_RATE, WEAK_NS, WEAK_SPAN_HZ = 0.3, 100, 30e6
"""Of the scan over a weak drive's line: g over kappa, the pulse's length, and how far it goes. It
halves the sigmas of rate and width, and alone tells the echo's quadrature (by the fit's
covariance)."""
STRONG_NS, STRONG_SPAN_HZ = 40, 60e6
"""Of the scan over a strong drive's line, at :data:`HIGHEST`. It takes the shift's sigma to a
quarter, and leaves the fit one minimum of its two; in place of a third scan on the line, 160 ns
long, it halves the sigmas of rate and width once more."""
CORRELATION = "rate_kappa_correlation"
"""A wide resonator and a strong drive empty f alike: both errors go up together."""
LOUDEST_ECHO = 0.95
"""Of amplitude, at most: without a circulator nearly all comes back."""


def rate_program(end: EndPulses, duration_ns: int, shots: int) -> Program:
    """Return a scan over the amplitude of a square sideband pulse, on the line that it moves."""
    amplitudes = np.linspace(0.0, HIGHEST, POINTS)
    line = end.sideband_hz() + end.drive().stark_hz * amplitudes**2
    axis = Axis(
        "strength",
        (
            Variable("sideband_amplitude", "1", Table(tuple(amplitudes.tolist()))),
            Variable("sideband_frequency", "Hz", Table(tuple(np.round(line, 0).tolist()))),
        ),
    )
    return _emptied(end, axis, duration_ns, Affine("sideband_amplitude"), shots)


@dataclass(frozen=True, slots=True)
class LineScan:
    """Describes a scan over the frequency of a square sideband pulse."""

    amplitude: float
    """Of full scale."""
    duration_ns: int
    span_hz: float


def line_scans(end: EndPulses) -> tuple[LineScan, LineScan]:
    """Return the scans over the lines of a weak and of a strong drive."""
    weak = min(HIGHEST, round(WEAK_RATE * end.kappa_hz() / end.drive().rate_hz, 4))
    return (
        LineScan(weak, WEAK_NS, WEAK_SPAN_HZ),
        LineScan(HIGHEST, STRONG_NS, STRONG_SPAN_HZ),
    )


def aside_program(end: EndPulses, scan: LineScan, shots: int) -> Program:
    """Return a scan over the frequency of a square sideband pulse, about the line that it moves."""
    line = end.sideband_hz() + end.drive().stark_hz * scan.amplitude**2
    swept = linear_frequencies("sideband_frequency", line, scan.span_hz, POINTS)
    return _emptied(end, Axis("frequency", (swept,)), scan.duration_ns, scan.amplitude, shots)


def _emptied(
    end: EndPulses, axis: Axis, duration_ns: int, amplitude: Affine | float, shots: int
) -> Program:
    body = (
        SetFrequency(end.sideband, Affine("sideband_frequency")),
        *passive_reset([end.node], end.names, FORGOTTEN_LIFETIMES),
        *end.prepare_f(),
        end.square(duration_ns, amplitude),
        *end.read_f(),
    )
    return Program("f0-g1 rate", end.frames(), body, (axis,), shots=shots)


@dataclass(frozen=True, slots=True, eq=False)
class EmptyingScan:
    """Holds the populations that square pulses have left in f at one end, n points."""

    label: str
    duration_s: float
    amplitude: Array
    """Shape (n,), of full scale."""
    aside_hz: Array
    """Shape (n,): of the drive from where the line was taken to be."""
    left: Array
    sigma: Array


Scans = Sequence[EmptyingScan]


@dataclass(frozen=True, slots=True)
class FallingF:
    """Holds what becomes of f at one end by itself."""

    decay_1_s: float = 0.0
    dephasing_1_s: float = 0.0
    second: float = 0.0
    """Where what has fallen to e is read, between what has emitted (0) and f (1)."""
    photons: float = 0.0
    """Mean thermal photons of the mode into which f emits."""

    @property
    def hastened(self) -> float:
        """Return by what factor thermal photons make the drive's rate seem larger.

        They stimulate emission, and what has emitted takes them up again: f approaches n / (1 + 2n)
        by 1 + 2n faster (detailed balance), as with g times the root of that.
        """
        return float(np.sqrt(1 + 2 * self.photons))

    def model(self, kappa_hz: float) -> EndModel:
        """Return the end with a resonator of that width."""
        return EndModel(kappa_hz, self.decay_1_s, self.dephasing_1_s)


def expected_left(
    scans: Scans,
    values: Mapping[str, float],
    end: int,
    apart_hz: float,
    falling: tuple[FallingF, FallingF],
) -> list[Array]:
    """Return what the fit's ``values`` leave in f at an end (0 or 1), scan by scan."""
    apart = apart_hz + values["line_1"] - values["line_0"]
    loop = LinkLoop(complex(values["echo_i"], values["echo_q"]), apart)
    left = left_in_loop(
        np.concatenate([np.full(len(one.left), one.duration_s) for one in scans]),
        np.concatenate(
            [falling[end].hastened * values[f"rate_{end}"] * one.amplitude for one in scans]
        ),
        np.concatenate(
            [
                values[f"line_{end}"] + one.aside_hz - values[f"stark_{end}"] * one.amplitude**2
                for one in scans
            ]
        ),
        (
            falling[end].model(values[f"kappa_{end}"]),
            falling[1 - end].model(values[f"kappa_{1 - end}"]),
        ),
        loop.turned() if end else loop,
        falling[end].second,
    )
    seen = values[f"offset_{end}"] + values[f"height_{end}"] * left
    return np.split(seen, np.cumsum([len(one.left) for one in scans])[:-1])


def fit_rates(
    ends: tuple[Scans, Scans],
    apart_hz: float,
    expected: Sequence[tuple[float, float]],
    stark_sigma_hz: Sequence[float],
    falling: tuple[FallingF, FallingF],
    near: Mapping[str, float] | None = None,
) -> Fit:
    """Fit all scans of both ends at once.

    Finds by end (0, 1) ``rate`` (Hz at full scale), ``kappa`` (Hz), ``line`` (Hz: by how much the
    line was taken too high), ``stark`` (Hz: by how much more the drive shifts it at full scale than
    it was taken to), ``height``, ``offset``; and ``echo_i``, ``echo_q`` of amplitude.

    ``apart_hz``: second resonance less first, as the lines were taken; ``expected``: rate and kappa
    of each end; ``stark_sigma_hz``: how well each shift is known; ``falling``: of each end;
    ``near``: what a fit of much the same has found. Raises FitFailed.
    """

    def model(values: Mapping[str, float]) -> Array:
        seen = [
            part for k in (0, 1) for part in expected_left(ends[k], values, k, apart_hz, falling)
        ]
        return np.concatenate([*seen, [values["stark_0"], values["stark_1"]]])

    start, bounds = {"echo_i": 0.0, "echo_q": 0.0}, dict[str, Bound]()
    for k, (rate, kappa) in enumerate(expected):
        left = np.concatenate([one.left for one in ends[k]])
        start |= {
            f"rate_{k}": rate, f"kappa_{k}": kappa, f"line_{k}": 0.0, f"stark_{k}": 0.0,
            f"height_{k}": float(np.ptp(left)), f"offset_{k}": float(np.min(left)),
        }  # fmt: skip
        bounds |= {
            f"kappa_{k}": Bound(kappa / 3, 3 * kappa),
            f"rate_{k}": Bound(rate / 5, 5 * rate),
            f"line_{k}": Bound(-kappa, kappa),
            f"height_{k}": Bound(0.0, 3.0),
        }
    bounds |= {f"echo_{one}": Bound(-LOUDEST_ECHO, LOUDEST_ECHO) for one in "iq"}
    starts = [
        {**start, "rate_0": start["rate_0"] * by, "rate_1": start["rate_1"] * by}
        for by in (1.0, 0.85, 1.18)
    ]
    if near is not None:
        starts = [dict(near)]
    data, sigma = (
        np.concatenate([getattr(one, name) for scans in ends for one in scans])
        for name in ("left", "sigma")
    )
    data = np.concatenate([data, [0.0, 0.0]])
    return fit_least_squares(model, data, np.concatenate([sigma, stark_sigma_hz]), starts, bounds)


async def sideband_rate(bench: LinkBench) -> Outcome:
    """Empty f at both ends with square pulses of many strengths, and of two over their lines.

    Needs :func:`.sideband_spectroscopy` before. Stores for each end ``sideband_rate`` (Hz, g over
    2 pi at full scale), ``kappa`` (Hz, of its transfer resonator), ``sideband_frequency`` (Hz, of
    the resonator without what comes back to it), ``stark_shift`` and ``rate_kappa_correlation`` (1,
    of the errors of rate and width), and of the link ``echo_i`` and ``echo_q``: the amplitude that
    goes there and back, but for what the resonators do to it.
    """
    outcome = Outcome("sideband_rate", "f0-g1 rate")
    apart = bench.apart_hz()
    taken = [(end.sideband_hz(), end.drive().stark_hz) for end in bench.ends]
    stark_sigma = [end.stark_sigma_hz() for end in bench.ends]
    expected = [
        (end.bench.guess(end.end, "sideband_rate"), end.bench.guess(end.end, "kappa"))
        for end in bench.ends
    ]
    first, second = [await _scans(bench, outcome, end) for end in bench.ends]
    ends, known = (first, second), dict[Taken, Fit]()

    def fitted(part: EndPulses) -> tuple[Fit, Taken]:
        """Return the fit, and what was taken as known."""
        name = f"{bench.link.name} > resonances apart"
        one, other = (
            FallingF(*end.loss_of_f(), end.second_level(), end.photons()[0]) for end in bench.ends
        )
        at = part.bench.inputs.take(name, *apart), (one, other)
        if at not in known:
            near = next((one.values for one in known.values()), None)
            known[at] = fit_rates(ends, at[0], expected, stark_sigma, at[1], near)
        return known[at], at

    for number, end in enumerate(bench.ends):
        await _of_end(outcome, end, number, ends[number], taken[number], fitted)
    await _of_link(bench, outcome, ends, fitted)
    return outcome


def correlation(found: Fit, first: str, second: str) -> Measured:
    """Return the correlation of the errors of two values that a fit has found.

    It comes of the fit's equation; its sigma is that of a correlation of as many samples.
    """
    own = found.correlate(first, first) * found.correlate(second, second)
    value = float(found.correlate(first, second) / np.sqrt(own))
    return Measured(value, (1 - value**2) / float(np.sqrt(found.degrees)), "1")


Taken = tuple[float, tuple[FallingF, FallingF]]
"""How far apart both resonances were taken to be, and what becomes of f."""
Fitted = Callable[[EndPulses], tuple[Fit, Taken]]


async def _scans(bench: LinkBench, outcome: Outcome, end: EndPulses) -> list[EmptyingScan]:
    """Run all scans of an end."""
    shots = bench.shots(SHOTS)
    line, stark = end.sideband_hz(), end.drive().stark_hz
    found = []

    def scan(label: str, duration_ns: int, amplitude: Array, data: "xarray.Dataset") -> None:
        off = values_of(data, "sideband_frequency") - line - stark * amplitude**2
        left = end.fraction(data)
        sigma = end.fraction_sigma(left, shots)
        found.append(EmptyingScan(label, duration_ns * 1e-9, amplitude, off, left, sigma))

    for duration_ns in DURATIONS_NS:
        data = await end.bench.run(outcome, rate_program(end, duration_ns, shots))
        scan(f"{duration_ns} ns", duration_ns, values_of(data, "sideband_amplitude"), data)
    for one in line_scans(end):
        data = await end.bench.run(outcome, aside_program(end, one, shots))
        label = f"{end.end.name}, {one.amplitude:.2f} of full scale"
        scan(label, one.duration_ns, np.full(POINTS, one.amplitude), data)
    return found


async def _of_end(
    outcome: Outcome,
    end: EndPulses,
    number: int,
    scans: Scans,
    taken: tuple[float, float],
    fitted: Fitted,
) -> None:
    strengths = scans[: len(DURATIONS_NS)]

    def raw(_: LinkEnd) -> Panel:
        series = tuple(Series(one.label, one.amplitude, one.left) for one in strengths)
        return Panel(end.end.name, "amplitude of the sideband (of full scale)", "left in f", series)

    def fit(_: LinkEnd, panel: Panel) -> Found:
        found, taken_as = fitted(end)
        v, s = found.values, found.sigmas
        drawn = expected_left(strengths, v, number, *taken_as)
        lines = tuple(
            Series("fit", one.amplitude, seen, line=True)
            for one, seen in zip(strengths, drawn, strict=True)
        )
        text = "g {sideband_rate} at full scale, resonator {kappa}, line at {sideband_frequency}"
        rate, kappa, line, stark = (f"{one}_{number}" for one in ("rate", "kappa", "line", "stark"))
        return {
            "sideband_rate": Measured(v[rate], s[rate], "Hz"),
            "kappa": Measured(v[kappa], s[kappa], "Hz"),
            CORRELATION: correlation(found, rate, kappa),
            "sideband_frequency": Measured(taken[0] - v[line], s[line], "Hz"),
            "stark_shift": Measured(taken[1] + v[stark], s[stark], "Hz"),
        }, panel.fitted(*lines, text=text)

    await analyse(end.bench, outcome, (end.end,), raw, fit)


async def _of_link(
    bench: LinkBench, outcome: Outcome, ends: tuple[Scans, Scans], fitted: Fitted
) -> None:
    aside = [one for scans in ends for one in scans[len(DURATIONS_NS) :]]

    def raw(_: Link) -> Panel:
        series = tuple(Series(one.label, one.aside_hz / 1e6, one.left) for one in aside)
        return Panel(bench.link.name, "sideband off its line (MHz)", "left in f", series)

    def fit(_: Link, panel: Panel) -> Found:
        found, taken_as = fitted(bench.first)
        v, s = found.values, found.sigmas
        drawn = [
            seen
            for k, scans in enumerate(ends)
            for seen in expected_left(scans[len(DURATIONS_NS) :], v, k, *taken_as)
        ]
        lines = tuple(
            Series("fit", one.aside_hz / 1e6, seen, line=True)
            for one, seen in zip(aside, drawn, strict=True)
        )
        size = float(np.hypot(v["echo_i"], v["echo_q"]))
        text = f"comes back: {{echo_i}} and {{echo_q}} of amplitude, {size**2:.2%} of the power"
        return {
            "echo_i": Measured(v["echo_i"], s["echo_i"], "1"),
            "echo_q": Measured(v["echo_q"], s["echo_q"], "1"),
        }, panel.fitted(*lines, text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
