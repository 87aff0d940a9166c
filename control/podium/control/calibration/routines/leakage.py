"""Sets the gate's duration by what repeated gates leave in 20, and what passes from 10 to 01."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import STEP_NS, EdgePulses, even_ns
from podium.control.calibration.fits.gate_budget import STATES, SWAP_COSTS
from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured

Array = NDArray[np.float64]
GATES = 4
"""In a row, with equal waits between them: :mod:`..gate_losses`."""
STEPS = (-0.09, -0.045, 0.0, 0.045, 0.09)
"""Durations, about the one that is known, as shares of it."""
SHOTS = 250
CHECK_GATES = 3
CHECK_SHOTS = 400
SCATTERED = 16.0
LIKE = 0.12
"""Of 1: by how much more or less may be lost anew than so many gates should. Runs that have nothing
to do with each other agree by chance once in a thousand times without."""
UNEVEN = 0.02
"""What interference leaves of a mean over so few waits: share of 1, beside the shots' noise."""


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """What gates of several durations leave where it should not be, mean over waits."""

    lost: Array
    """Of 11."""
    sigma: Array
    swapped: Array
    """From 10 to 01, with what heat leaves there."""
    swap_sigma: Array


@dataclass(frozen=True, slots=True, eq=False)
class _Swaps:
    """What passes from 10 to 01 over the duration: all edges of the pulse interfere."""

    terms: Array
    """Mean, and what goes with the cosine and the sine of the phase; (3,)."""
    period_ns: float
    """In which an excitation turns once by how far 10 lies above 01 during the pulse."""

    @classmethod
    def of(cls, p: EdgePulses, at: Array, left: _Left) -> "_Swaps":
        """Return it by least squares; where no such turn is within the scan, the mean alone."""
        apart_hz = 0.0
        if p.levels == "11 and 20":  # at which 10 lies above 01 by as much as 2 falls short
            apart_hz = abs(p.bench.best(p.moved.qubit, "anharmonicity"))
        period_ns = 1e9 / apart_hz if apart_hz else np.inf
        known = 3 if period_ns < at[-1] - at[0] else 1
        rows = _turning(at, period_ns)[:, :known] / left.swap_sigma[:, None]
        terms = np.linalg.lstsq(rows, left.swapped / left.swap_sigma, rcond=None)[0]
        return cls(np.pad(terms, (0, 3 - known)), period_ns)

    def __call__(self, at: Array) -> Array:
        return np.asarray(_turning(at, self.period_ns) @ self.terms)


def _turning(at: Array, period_ns: float) -> Array:
    angle = 2 * np.pi * at / period_ns
    return np.stack([np.ones(at.size), np.cos(angle), np.sin(angle)], axis=1)


async def leakage(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """11 and 10, four gates of several durations, a readout of the end at rest.

    Needs :func:`chevron`. Stores ``gate_duration`` (s), to a whole ns for each half, of which both
    together cost least: a quarter of what 11 loses to 20, and two fifths of what passes from 10 to
    01. A second measurement, with another number of gates, has to agree.
    """
    outcome = Outcome("leakage", "Leakage and swap, amplified")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _left(p: EdgePulses, outcome: Outcome, times: list[int], gates: int, shots: int) -> _Left:
    """Return what gates of each duration leave. Raises NotMeasured."""
    slot, losses = p.slot_ns(max(times)), GateLosses(p, gates)
    found = []
    for ns in times:
        data = await p.bench.run(outcome, losses.program(p.gate_amplitude, ns, slot, shots))
        signal = losses.signal(data)
        found.append((*losses.lost(signal, shots), *losses.swapped(signal, shots)))
    return _Left(*np.array(found).T)


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    now = p.gate_ns
    times = sorted({even_ns(now * (1 + step)) for step in STEPS})
    left = await _left(p, outcome, times, GATES, bench.shots(SHOTS))
    at, expected = np.array(times, float), dict[int, tuple[float, float]]()

    def raw() -> Panel:
        points = (Series("lost from 11", at, left.lost), Series("10 to 01", at, left.swapped))
        return Panel(edge.element, "duration (ns)", "population, mean over waits", points)

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(left.lost, left.swapped)

        def model(values: Mapping[str, float]) -> Array:
            away = (at - values["best"]) / now
            return values["least"] + values["bend"] * away**2

        start = {"best": float(at[np.argmin(left.lost)]), "least": float(left.lost.min())}
        start["bend"] = 30.0
        bounds = {"best": Bound(0.5 * now, 1.5 * now), "bend": Bound(0.0, 1e4)}
        found = fit_least_squares(model, left.lost, np.hypot(left.sigma, UNEVEN), [start], bounds)
        v, s = found.values, found.sigmas
        if found.chi2 > SCATTERED:
            raise FitFailed(
                f"what is lost has no one minimum over the duration: the points scatter "
                f"{sqrt(found.chi2):.1f} times as much as their shots explain"
            )
        if not v["bend"] > 5 * s["bend"] or not at[0] < v["best"] < at[-1]:
            raise FitFailed(
                f"what is lost has its minimum at {v['best']:.1f} ns, which the scan from "
                f"{at[0]:.0f} to {at[-1]:.0f} ns does not fix"
            )

        def lost(ns: Array) -> Array:
            return np.asarray(v["least"] + v["bend"] * ((ns - v["best"]) / now) ** 2)

        swaps = _Swaps.of(p, at, left)
        whole = np.arange(times[0], times[-1] + 1, STEP_NS, dtype=float)
        costs = (lost(whole) / STATES + SWAP_COSTS * swaps(whole)) / GATES
        best = whole[[np.argmin(costs)]]
        expected[int(best[0])] = float(lost(best)[0]) / GATES, float(swaps(best)[0])
        grid = np.linspace(at[0], at[-1], 100)
        doubt = sqrt(s["best"] ** 2 + STEP_NS**2 / 12) * 1e-9
        values = {"gate_duration": Measured(float(best[0]) * 1e-9, doubt, "s")}
        return values, replace(
            panel,
            series=(
                *panel.series,
                Series("fit", grid, lost(grid), line=True),
                Series("fit of 10 to 01", grid, swaps(grid), line=True),
            ),
            judged=False,
            text=f"least is lost at {v['best']:.2f} ± {s['best']:.2f} ns, with what passes from 10 "
            f"to 01 at {best[0]:.0f} ns: {{gate_duration}}",
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        best = round(found["gate_duration"].value * 1e9)
        return await _verify(p, outcome, best, *expected[best])

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(
    p: EdgePulses, outcome: Outcome, best: int, least: float, swapped: float
) -> Panel:
    """Compare the duration found with one shorter and one longer, with another number of gates.

    ``least``: what a gate of it loses; ``swapped``: what :data:`GATES` of it have taken across.
    """
    step = max(2 * STEP_NS, even_ns(0.1 * best))
    times = [best - step, best, best + step]
    left = await _left(p, outcome, times, CHECK_GATES, p.bench.shots(CHECK_SHOTS))
    lost, spread = left.lost, left.sigma
    look_at(lost, left.swapped)
    if abs(lost[1] - CHECK_GATES * least) > LIKE + 5 * spread[1]:
        raise FitFailed(
            f"measured anew, {CHECK_GATES} gates of {best} ns lose {lost[1] * 100:.1f} % of 1, "
            f"where {least * 100:.1f} % each were found: the minimum is not believed"
        )
    if abs(left.swapped[1] - swapped) > LIKE + 5 * left.swap_sigma[1]:
        raise FitFailed(
            f"measured anew, {CHECK_GATES} gates of {best} ns take {left.swapped[1] * 100:.1f} % "
            f"from 10 to 01, where {GATES} took {swapped * 100:.1f} %: that is not believed"
        )
    worse = np.array([lost[0], lost[2]]) - lost[1]
    if not np.all(worse > -3 * np.hypot(spread[1], spread[[0, 2]])) or not np.any(
        worse > 3 * np.hypot(spread[1], spread[[0, 2]])
    ):
        raise FitFailed(
            f"measured anew, {best} ns lose {lost[1] * 100:.1f} % of 1, {times[0]} and "
            f"{times[2]} ns {lost[0] * 100:.1f} and {lost[2] * 100:.1f} %: the minimum is not "
            "believed"
        )
    at = np.array(times, float)
    return Panel(
        p.edge.element,
        "duration (ns)",
        "population, mean over waits",
        (
            Series("lost from 11, measured anew", at, lost),
            Series("10 to 01, measured anew", at, left.swapped),
        ),
        text=f"measured anew: {lost[1] * 100:.2f} % lost, {left.swapped[1] * 100:.2f} % in 01 "
        f"behind 10, at {best} ns",
        judged=False,
    )


LEAKAGE = Declaration(
    leakage,
    targets="edges",
    gates=("cz",),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "gate_duration"),
    ),
    refines=("gate_duration",),
    places=(30,),
    cost_s=4.0,
)
