"""Measures how fast a sideband drive empties f: its rate, and the resonator's width."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, fit_least_squares
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.link_model import left_in_f
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
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

Array = NDArray[np.float64]

DURATIONS_NS = (40, 80, 160)
"""Of the square pulses: in the shortest f comes and goes, in the longest all has left early."""
POINTS, SHOTS = 31, 600
HIGHEST = 0.9
KAPPA_BY_ECHO, RATE_BY_ECHO = 2.0, 0.6
"""By what share the found width and rate move for a unit of amplitude that has come back in phase:
part of a photon is reflected by the other end, passes the circulator the wrong way and arrives
while f still empties. From the closed loop, solved in steps, for widths of 8 to 15 MHz."""


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
    body = (
        SetFrequency(end.sideband, Affine("sideband_frequency")),
        *passive_reset([end.node], end.names),
        *end.prepare_f(),
        end.square(duration_ns, Affine("sideband_amplitude")),
        *end.read_f(),
    )
    return Program("f0-g1 rate", end.frames(), body, (axis,), shots=shots)


def fit_rate(
    amplitude: list[Array],
    left: list[Array],
    sigma: list[Array],
    duration_s: list[float],
    expected: tuple[float, float],
) -> Fit:
    """Fit ``rate`` (Hz at full scale), ``kappa`` (Hz), ``height``, ``offset`` to all scans at once.

    ``expected``: rate and kappa. Raises FitFailed.
    """
    rate, kappa = expected

    def model(values: Mapping[str, float]) -> Array:
        return np.concatenate(
            [
                values["offset"]
                + values["height"] * left_in_f(np.array(t), values["rate"] * a, values["kappa"])
                for a, t in zip(amplitude, duration_s, strict=True)
            ]
        )

    data = np.concatenate(left)
    low, high = float(np.min(data)), float(np.ptp(data))
    starts = [
        {"rate": rate * by, "kappa": kappa, "height": high, "offset": low} for by in (0.8, 1, 1.25)
    ]
    bounds = {
        "kappa": Bound(kappa / 3, 3 * kappa),
        "rate": Bound(rate / 5, 5 * rate),
        "height": Bound(0.0, 3.0),
    }
    return fit_least_squares(model, data, np.concatenate(sigma), starts, bounds)


def echo_sigma(link: Link) -> float:
    """Return one standard deviation of the amplitude in phase that comes back to a sender.

    Its phase is not known; its size is what the way there and back lets through, by design.
    """
    forth = 1.0 - link.design["loss"].value if "loss" in link.design else 1.0
    isolation = link.design["isolation"].value if "isolation" in link.design else 1.0
    return float(forth * np.sqrt(isolation / 2))


async def sideband_rate(bench: LinkBench) -> Outcome:
    """Empty f with square pulses of three lengths and many strengths.

    Needs :func:`.sideband_spectroscopy` before. Stores for each end ``sideband_rate`` (Hz, g over
    2 pi at full scale) and ``kappa`` (Hz, of its transfer resonator). Photons that come back from
    the other end move both; of their phase nothing is known, and both sigmas say so.
    """
    outcome = Outcome("sideband_rate", "f0-g1 rate")
    for end in bench.ends:
        await _of_end(bench, outcome, end)
    return outcome


async def _of_end(bench: LinkBench, outcome: Outcome, end: EndPulses) -> None:
    shots = bench.shots(SHOTS)
    programs = [rate_program(end, duration_ns, shots) for duration_ns in DURATIONS_NS]
    data = [await end.bench.run(outcome, program) for program in programs]
    amplitude = [values_of(one, "sideband_amplitude") for one in data]
    expected = tuple(end.bench.guess(end.end, one) for one in ("sideband_rate", "kappa"))

    def raw(_: LinkEnd) -> Panel:
        series = tuple(
            Series(f"{ns} ns", a, end.fraction(one))
            for ns, a, one in zip(DURATIONS_NS, amplitude, data, strict=True)
        )
        return Panel(end.end.name, "amplitude of the sideband (of full scale)", "left in f", series)

    def fit(_: LinkEnd, panel: Panel) -> Found:
        left = [end.fraction(one) for one in data]
        sigma = [end.fraction_sigma(one, shots) for one in left]
        seconds = [ns * 1e-9 for ns in DURATIONS_NS]
        fit = fit_rate(amplitude, left, sigma, seconds, (expected[0], expected[1]))
        v, s = fit.values, fit.sigmas
        echo = end.bench.inputs.take(f"{bench.link.name} > way round", 0.0, echo_sigma(bench.link))
        lines = tuple(
            Series(
                "fit",
                a,
                v["offset"] + v["height"] * left_in_f(np.array(t), v["rate"] * a, v["kappa"]),
                line=True,
            )
            for a, t in zip(amplitude, seconds, strict=True)
        )
        text = "g {sideband_rate} at full scale, resonator {kappa}"
        return {
            "sideband_rate": Measured(v["rate"] * (1 + RATE_BY_ECHO * echo), s["rate"], "Hz"),
            "kappa": Measured(v["kappa"] * (1 + KAPPA_BY_ECHO * echo), s["kappa"], "Hz"),
        }, replace(panel, series=(*panel.series, *lines), text=text)

    await analyse(end.bench, outcome, (end.end,), raw, fit)
