"""Finds the f0-g1 sideband of a link's end, and how far its drive's power moves it.

What the other end reflects moves a line by more the weaker the drive is: taken for power, that is
up to 3 MHz of shift at full scale. It is fitted along, held by what the way there and back lets
through.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
)
from podium.control.calibration.links.link_bench import GRID_NS, EndPulses, LinkBench
from podium.control.calibration.links.link_loop import LinkLoop, left_in_loop
from podium.control.calibration.links.link_model import EndModel, left_in_f
from podium.control.calibration.links.sideband_rate import LOUDEST_ECHO, FallingF
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import linear_frequencies
from podium.control.facility.facility import LinkEnd
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Program, SetFrequency

Array = NDArray[np.float64]

RATES = (0.14, 0.28, 0.42)
"""g over kappa of each scan: below, the line is weak; a quarter of kappa and more broadens it."""
LEFT = 0.35
"""Of f, on resonance: steepest where about as much is left."""
POINTS, SHOTS = 41, 500
SPREADS = 3.0
SIGNIFICANT = 5.0
LEAST_DOUBT = 0.02
"""Of rate and width, relative, at least."""
STILL, NOTHING_BACK, LASTING_F = EndModel(0.0), LinkLoop(), FallingF()


@dataclass(frozen=True, slots=True)
class SidebandScan:
    """One scan over the line."""

    program: Program
    amplitude: float
    duration_ns: int


def sideband_scans(end: EndPulses, shots: int) -> list[SidebandScan]:
    """Return scans over where the line is expected, of stronger and stronger pulses.

    A shot brings the qubit to f, plays a square sideband pulse, and reads what is left in f.
    """
    drive, kappa = end.drive(), end.kappa_hz()
    made = []
    for share in RATES:
        amplitude = min(0.95, share * kappa / drive.rate_hz)
        duration_ns = _duration_ns(amplitude * drive.rate_hz, kappa)
        span = 2 * (2 * kappa + SPREADS * _doubt_hz(end, amplitude))
        centre = end.sideband_hz() + drive.stark_hz * amplitude**2
        swept = linear_frequencies("sideband_frequency", centre, span, POINTS)
        body = (
            SetFrequency(end.sideband, Affine("sideband_frequency")),
            *passive_reset([end.node], end.names),
            *end.prepare_f(),
            end.square(duration_ns, amplitude),
            *end.read_f(),
        )
        program = Program(
            "f0-g1 spectroscopy",
            end.frames(),
            body,
            (Axis("frequency", (swept,)),),
            shots=shots,
        )
        made.append(SidebandScan(program, amplitude, duration_ns))
    return made


def _duration_ns(rate_hz: float, kappa_hz: float) -> int:
    """Return how long a pulse on resonance takes to leave :data:`LEFT`, ns."""
    durations = np.arange(GRID_NS, 2000, GRID_NS)
    left = left_in_f(np.asarray(durations * 1e-9, np.float64), np.array(rate_hz), kappa_hz)
    return int(durations[min(int(np.argmax(left < LEFT)), durations.size - 1)])


def _doubt_hz(end: EndPulses, amplitude: float) -> float:
    """Return how far the line may lie from where it is expected, one sigma, Hz."""
    bench = end.bench
    shift = bench.design(end.end, "stark_shift").spread * amplitude**2
    if bench.measured(end.end, "sideband_frequency") is not None:
        return shift
    return float(np.hypot(bench.design(end.end, "frequency").spread, shift)) + 1e6


@dataclass(frozen=True, slots=True)
class ExpectedSideband:
    """Describes a sideband before it is scanned, at full scale."""

    centre_hz: float
    stark_hz: float
    rate_hz: tuple[float, float]
    """With one sigma."""
    kappa_hz: tuple[float, float]
    """With one sigma."""
    other: EndModel = STILL
    """The other end, which plays nothing."""
    loop: LinkLoop = NOTHING_BACK
    """As this end sees it, and what is known of the echo."""
    echo_sigma: float = 0.0
    """Of each quadrature of the echo; 0: nothing comes back."""
    falling: FallingF = LASTING_F


def expected_left(
    frequency_hz: list[Array],
    amplitude: list[float],
    duration_s: list[float],
    values: Mapping[str, float],
    expected: ExpectedSideband,
) -> list[Array]:
    """Return what a fit's ``values`` leave in f, scan by scan."""
    echo = complex(values.get("echo_i", 0.0), values.get("echo_q", 0.0))
    sizes = [one.size for one in frequency_hz]
    strength = np.repeat(amplitude, sizes)
    falling = expected.falling
    left = left_in_loop(
        np.repeat(duration_s, sizes),
        falling.hastened * values["rate"] * strength,
        np.concatenate(frequency_hz) - values["centre"] - values["stark"] * strength**2,
        (falling.model(values["kappa"]), expected.other),
        LinkLoop(echo, expected.loop.apart_hz),
        falling.second,
    )
    seen = values["offset"] + values["height"] * left
    return np.split(seen, np.cumsum(sizes)[:-1])


def fit_sideband(
    frequency_hz: list[Array],
    left: list[Array],
    sigma: list[Array],
    amplitude: list[float],
    duration_s: list[float],
    expected: ExpectedSideband,
) -> Fit:
    """Fit all scans at once: ``centre``, ``stark``, ``rate``, ``kappa``, ``height``, ``offset``.

    ``left``: fractions in f. What scans over a line do not tell apart, its depth and the drive's
    rate and the resonator's width, is held by what is expected. Raises FitFailed where no line
    stands out.
    """
    centre, stark = expected.centre_hz, expected.stark_hz
    (rate, _), (kappa, _) = expected.rate_hz, expected.kappa_hz
    first = float(frequency_hz[0][int(np.argmin(left[0]))]) - stark * amplitude[0] ** 2

    echo = {"echo_i": expected.loop.echo.real, "echo_q": expected.loop.echo.imag}
    known = {"rate": expected.rate_hz, "kappa": expected.kappa_hz}
    if expected.echo_sigma > 0:
        known |= {name: (one, expected.echo_sigma) for name, one in echo.items()}

    def model(values: Mapping[str, float]) -> Array:
        parts = expected_left(frequency_hz, amplitude, duration_s, {**echo, **values}, expected)
        return np.concatenate([*parts, [values[name] for name in known]])

    data = np.concatenate([*left, [value for value, _ in known.values()]])
    weights = np.concatenate([*sigma, [doubt for _, doubt in known.values()]])
    depth = max(float(np.ptp(one)) for one in left)
    start = {
        "centre": first, "stark": stark, "rate": rate, "kappa": kappa,
        "height": 1.3 * depth, "offset": min(float(np.min(one)) for one in left) - 0.2,
    }  # fmt: skip
    start |= {name: one for name, one in echo.items() if name in known}
    bounds = {
        "kappa": Bound(kappa / 3, 3 * kappa),
        "rate": Bound(rate / 5, 5 * rate),
        "height": Bound(0.0, 3.0),
    }
    bounds |= {name: Bound(-LOUDEST_ECHO, LOUDEST_ECHO) for name in echo if name in known}
    starts = [start, {**start, "centre": centre}]
    fit = fit_least_squares(model, data, weights, starts, bounds)
    seen = model(fit.values)[: -len(known)]
    if float(np.ptp(seen)) < SIGNIFICANT * float(np.median(np.concatenate(sigma))):
        raise FitFailed("no f0-g1 line stands out of the scans: f stays where it is")
    return fit


def expected_sideband(bench: LinkBench, number: int) -> ExpectedSideband:
    """Return what is known of the sideband of an end (0 or 1): as designed, or as measured."""
    end, other = bench.ends[number], bench.ends[1 - number]

    def held(quantity: str) -> tuple[float, float]:
        design = end.bench.design(end.end, quantity)
        sigma = max(design.spread, LEAST_DOUBT * design.value)
        return end.bench.guess(end.end, quantity), sigma

    stark = end.bench.guess(end.end, "stark_shift")
    loop = LinkLoop(bench.known_echo(), bench.apart_hz()[0])
    return ExpectedSideband(
        end.sideband_hz(),
        stark,
        held("sideband_rate"),
        held("kappa"),
        EndModel(other.kappa_hz()),
        loop.turned() if number else loop,
        bench.echo_sigma(),
        FallingF(*end.loss_of_f(), end.second_level(), end.photons()[0]),
    )


async def sideband_spectroscopy(bench: LinkBench) -> Outcome:
    """Scan the sideband of both ends, one after the other, with three strengths.

    Stores for each end ``sideband_frequency`` (Hz, without a shift) and ``stark_shift`` (Hz, at
    full scale).
    """
    outcome = Outcome("sideband_spectroscopy", "f0-g1 spectroscopy")
    for number in range(len(bench.ends)):
        await _of_end(bench, outcome, number)
    return outcome


async def _of_end(bench: LinkBench, outcome: Outcome, number: int) -> None:
    end = bench.ends[number]
    shots = bench.shots(SHOTS)
    scans = sideband_scans(end, shots)
    data = [await end.bench.run(outcome, scan.program) for scan in scans]
    frequency = [values_of(one, "sideband_frequency") for one in data]
    expected = expected_sideband(bench, number)
    amplitude = [scan.amplitude for scan in scans]
    duration_s = [scan.duration_ns * 1e-9 for scan in scans]

    def raw(_: LinkEnd) -> Panel:
        series = tuple(
            Series(f"{scan.amplitude:.2f} of full scale", f / 1e9, end.fraction(one))
            for scan, f, one in zip(scans, frequency, data, strict=True)
        )
        return Panel(end.end.name, "sideband frequency (GHz)", "left in f", series)

    def fit(_: LinkEnd, panel: Panel) -> Found:
        left = [end.fraction(one) for one in data]
        fit = fit_sideband(
            frequency,
            left,
            [end.fraction_sigma(one, shots) for one in left],
            amplitude,
            duration_s,
            expected,
        )
        v, s = fit.values, fit.sigmas
        drawn = expected_left(frequency, amplitude, duration_s, v, expected)
        lines = tuple(
            Series("fit", f / 1e9, one, line=True) for f, one in zip(frequency, drawn, strict=True)
        )
        text = "f0-g1 at {sideband_frequency}, moved by {stark_shift} at full scale"
        return {
            "sideband_frequency": Measured(v["centre"], s["centre"], "Hz"),
            "stark_shift": Measured(v["stark"], s["stark"], "Hz"),
        }, panel.fitted(*lines, text=text)

    await analyse(end.bench, outcome, (end.end,), raw, fit)
