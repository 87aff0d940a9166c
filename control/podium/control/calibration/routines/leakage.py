"""Sets the gate's duration by what repeated gates leave in 20."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import STEP_NS, EdgePulses, even_ns
from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.gate_losses import LOSS, GateLosses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured

Array = NDArray[np.float64]
GATES = 4
"""In a row, with equal waits between them: :mod:`..gate_losses`."""
STEPS = (-0.09, -0.045, 0.0, 0.045, 0.09)
"""Durations, about the one that is known, as shares of it."""
SHOTS = 400
NEAREST = 3
"""So many even durations about that after which least is lost are compared with each other."""
COMPARED_GATES = 4
COMPARED_SHOTS = 800
CHECK_GATES = 3
CHECK_SHOTS = 600
SCATTERED = 16.0
LIKE = 0.12
"""Of 1: by how much more or less may be lost anew than so many gates should. Runs that have nothing
to do with each other agree by chance once in a thousand times without."""
UNEVEN = 0.02
"""What interference leaves of a mean over so few waits: share of 1, beside the shots' noise."""


async def leakage(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Both ends in 1, four gates of several durations, then as many of the best; an end is read.

    Needs :func:`chevron`. Stores ``gate_duration`` (s), whole ns for each half: of the three that
    are nearest to where least is left in 20 that which loses least. A second measurement, with
    another number of gates, has to agree. What passes from 10 to 01, :func:`gate_gap` takes out.
    """
    outcome = Outcome("leakage", "Leakage, amplified")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _lost(
    p: EdgePulses, outcome: Outcome, times: list[int], gates: int, shots: int
) -> tuple[Array, Array]:
    """Return what is lost from 1 of the end at rest, mean over waits, at each duration; its sigma.

    Raises NotMeasured.
    """
    slot, losses = p.slot_ns(max(times)), GateLosses(p, gates, (LOSS,))
    every = await p.bench.run_all(
        outcome, (losses.program(p.gate_amplitude, ns, slot, shots) for ns in times)
    )
    lost, sigma = np.array([losses.lost(losses.signal(data), shots) for data in every]).T
    return lost, sigma


@dataclass(frozen=True, slots=True)
class _Minimum:
    """Where least is lost over the duration."""

    best: float
    """In ns."""
    sigma: float
    least: float
    bend: float
    """Of what is lost, over the square of the duration's change as a share of ``now``."""
    now: int

    @classmethod
    def of(cls, at: Array, lost: Array, spread: Array, now: int) -> "_Minimum":
        """Fit a parabola; raises FitFailed where that has no minimum in the scan."""

        def model(values: Mapping[str, float]) -> Array:
            away = (at - values["best"]) / now
            return values["least"] + values["bend"] * away**2

        start = {"best": float(at[np.argmin(lost)]), "least": float(lost.min()), "bend": 30.0}
        bounds = {"best": Bound(0.5 * now, 1.5 * now), "bend": Bound(0.0, 1e4)}
        found = fit_least_squares(model, lost, np.hypot(spread, UNEVEN), [start], bounds)
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
        return cls(v["best"], s["best"], v["least"], v["bend"], now)

    def lost(self, at: Array) -> Array:
        """Return what is lost at these durations, ns."""
        return np.asarray(self.least + self.bend * ((at - self.best) / self.now) ** 2)


def _nearest(best: float) -> list[int]:
    """Return the even durations nearest to one, in ns."""
    about = [even_ns(best) + STEP_NS * k for k in range(-NEAREST, NEAREST + 1)]
    return sorted(sorted(about, key=lambda ns: abs(ns - best))[:NEAREST])


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    p.refuse_shaped()
    now = p.gate_ns
    times = sorted({even_ns(now * (1 + step)) for step in STEPS})
    lost, spread = await _lost(p, outcome, times, GATES, bench.shots(SHOTS))
    at, least = np.array(times, float), dict[int, float]()
    near, lost_near = [], np.empty(0)
    with suppress(FitFailed):  # told with what was measured, behind it
        near = _nearest(_Minimum.of(at, lost, spread, now).best)
        shots = bench.shots(COMPARED_SHOTS)
        lost_near, _ = await _lost(p, outcome, near, COMPARED_GATES, shots)

    def raw() -> Panel:
        points = Series("data", at, lost)
        return Panel(edge.element, "duration (ns)", "lost from 1, mean over waits", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(lost)
        minimum = _Minimum.of(at, lost, spread, now)
        if not near:
            raise FitFailed("what is lost has had no minimum about which durations are compared")
        look_at(lost_near)
        each = lost_near / COMPARED_GATES
        whole = near[int(np.argmin(each))]
        least[whole] = float(minimum.lost(np.array([whole]))[0]) / GATES
        grid = np.linspace(at[0], at[-1], 100)
        doubt = sqrt(minimum.sigma**2 + STEP_NS**2 / 12) * 1e-9
        more = ", ".join(
            f"{(one - each.min()) * 100:.2f} % at {ns} ns"
            for ns, one in zip(near, each, strict=True)
            if ns != whole
        )
        return {"gate_duration": Measured(whole * 1e-9, doubt, "s")}, panel.fitted(
            Series("fit", grid, minimum.lost(grid), line=True),
            text=f"least is lost at {minimum.best:.2f} ± {minimum.sigma:.2f} ns, of 11 {more} more "
            "in a gate: {gate_duration}",
            judged=False,
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        best = round(found["gate_duration"].value * 1e9)
        return await _verify(p, outcome, best, least[best])

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(p: EdgePulses, outcome: Outcome, best: int, least: float) -> Panel:
    """Compare the duration found with one shorter and one longer, with another number of gates.

    ``least``: what a gate of it loses.
    """
    step = max(2 * STEP_NS, even_ns(0.1 * best))
    times = [best - step, best, best + step]
    lost, spread = await _lost(p, outcome, times, CHECK_GATES, p.bench.shots(CHECK_SHOTS))
    look_at(lost)
    if abs(lost[1] - CHECK_GATES * least) > LIKE + 5 * spread[1]:
        raise FitFailed(
            f"measured anew, {CHECK_GATES} gates of {best} ns lose {lost[1] * 100:.1f} % of 1, "
            f"where {least * 100:.1f} % each were found: the minimum is not believed"
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
    return Panel(
        p.edge.element,
        "duration (ns)",
        "lost from 1, mean over waits",
        (Series("measured anew", np.array(times, float), lost),),
        text=f"measured anew: {lost[1] * 100:.2f} % lost at {best} ns",
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
