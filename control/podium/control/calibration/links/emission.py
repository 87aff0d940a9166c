"""Measures the photon that leaves: what a shaped pulse, cut off sooner or later, leaves in f."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.photon_shapes import played
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Play, Program, Table, Variable

Array = NDArray[np.float64]

SLICES, SHOTS = 15, 800
LEAVES_AT_LEAST = 0.9
"""Of f: a pulse that empties less of it makes no photon worth the name."""


def slices_ns(duration_ns: int) -> list[tuple[int, int]]:
    """Return begin and end of each slice of a pulse, ns: all on the grid, together the whole."""
    edges = [4 * round(duration_ns * k / SLICES / 4) for k in range(SLICES + 1)]
    edges[-1] = duration_ns
    return list(pairwise(edges))


def emission_program(bench: LinkBench, shots: int) -> Program:
    """Return a program that plays more and more slices of the emission, and reads what is left.

    Point n of ``slices`` plays the first n: the photon's energy until then has left.
    """
    end, photon = bench.first, bench.sech().photon()
    parts = slices_ns(photon.duration_ns)
    numbers = Variable("slices", "1", Table(tuple(float(n) for n in range(len(parts) + 1))))
    heights = tuple(
        Variable(f"slice_{k}", "1", Table(tuple(float(n > k) for n in range(len(parts) + 1))))
        for k in range(len(parts))
    )
    plays = [
        Play(end.sideband, played(photon.sent[begin:stop]), Affine(f"slice_{k}"))
        for k, (begin, stop) in enumerate(parts)
    ]
    body = (
        *passive_reset([end.node], end.names),
        *end.prepare_f(),
        *plays,
        *end.read_f(),
    )
    return Program("emission", end.frames(), body, (Axis("cut", (numbers, *heights)),), shots=shots)


def left_of_sech(time_s: Array, bandwidth_hz: float, kappa_hz: float) -> Array:
    """Return what is left in f while a sech photon leaves, ``a**2`` of :mod:`.photon_shapes`."""
    t = np.tanh(np.pi * bandwidth_hz * time_s)
    return np.asarray((1 - t) / 2 * (1 - bandwidth_hz * (1 + t) / (2 * kappa_hz)))


def fit_emission(
    time_s: Array, left: Array, sigma: Array, bandwidth_hz: float, kappa_hz: float
) -> Fit:
    """Fit ``bandwidth`` (Hz), ``centre`` (s), ``height`` and ``offset``. Raises FitFailed."""

    def model(values: Mapping[str, float]) -> Array:
        wide = max(values["bandwidth"], kappa_hz)
        shape = left_of_sech(time_s - values["centre"], values["bandwidth"], wide)
        return np.asarray(values["offset"] + values["height"] * shape)

    start = {
        "bandwidth": bandwidth_hz,
        "centre": 0.0,
        "height": float(np.ptp(left)),
        "offset": float(np.min(left)),
    }
    bounds = {"bandwidth": Bound(bandwidth_hz / 4, 4 * bandwidth_hz)}
    fit = fit_least_squares(model, left, sigma, [start], bounds)
    if fit.values["height"] < LEAVES_AT_LEAST * 0.5:
        raise FitFailed(
            f"only {fit.values['height']:.2f} of f leaves: the pulse makes no photon; calibrate "
            "the sideband's frequency and rate"
        )
    return fit


async def emission(bench: LinkBench) -> Outcome:
    """Cut the emission off at sixteen places and read f.

    Needs :func:`.sideband_rate` before. Stores ``photon_bandwidth`` (Hz, Gamma over 2 pi of what
    leaves) and ``emitted`` (1, part of f that leaves).
    """
    outcome = Outcome("emission", "Photon emission")
    end, shots = bench.first, bench.shots(SHOTS)
    photon = bench.sech().photon()
    data = await bench.run(outcome, emission_program(bench, shots))
    edges = [begin for begin, _ in slices_ns(photon.duration_ns)] + [photon.duration_ns]
    count = values_of(data, "slices").astype(int)
    time_s = (np.array(edges)[count] - photon.duration_ns / 2) * 1e-9

    def raw(_: Link) -> Panel:
        points = Series("left in f", time_s * 1e9, end.fraction(data))
        return Panel(bench.link.name, "cut off at (ns)", "left in f", (points,), judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        left = end.fraction(data)
        sigma = end.fraction_sigma(left, shots)
        found = fit_emission(time_s, left, sigma, photon.bandwidth_hz, end.kappa_hz())
        v, s = found.values, found.sigmas
        grid = np.linspace(time_s[0], time_s[-1], 200)
        wide = max(v["bandwidth"], end.kappa_hz())
        curve = v["offset"] + v["height"] * left_of_sech(grid - v["centre"], v["bandwidth"], wide)
        gone = min(v["height"], 1.0)
        text = "photon of {photon_bandwidth}, {emitted} of f has left"
        return {
            "photon_bandwidth": Measured(v["bandwidth"], s["bandwidth"], "Hz"),
            "emitted": Measured(gone, s["height"], "1"),
        }, panel.fitted(Series("fit", grid * 1e9, curve, line=True), text=text)

    await analyse(end.bench, outcome, (bench.link,), raw, fit)
    return outcome
