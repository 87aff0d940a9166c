"""Measures how far the flux of a coupler shifts the end of higher frequency, by Ramsey."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.amplitude_walk import Pace, walk
from podium.control.calibration.edge_flux import coupler_arc, coupler_reach
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.least_squares import Bound, FitFailed, fit_least_squares
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routine import refuse_clipped
from podium.control.facility.edges import Coupler

Array = NDArray[np.float64]
SHORT_NS, LONG_NS = 100, 420
"""Two pulses: the short one tells how many turns the long one makes, and what edges turn."""
SHIFT_HZ = 16e6
"""The scan ends where the end is shifted so far."""
BEYOND = 1.1
"""A curve is known up to this share of the level that pulses have."""
NEAR = 3.0
"""So many rates of exchange the coupler should stay above both ends."""
MOST = 1.5
"""The scan goes on to this part of that amplitude: the design may be off by so much."""
PACE = Pace(begin=0.15, step=0.12, shortest=0.01, turns=0.15, enough=SHIFT_HZ * SHORT_NS * 1e-9)
FEWEST = 5
SHOTS = 600
BOUNDS = {
    "size": Bound(-200e6, 200e6),
    "linear": Bound(-2.0, 2.0),
    "square": Bound(-0.95, 0.95),
    "cube": Bound(-0.5, 0.5),
    "fourth": Bound(-0.5, 0.5),
}


@dataclass(frozen=True, slots=True, eq=False)
class CouplerCurve:
    """The shift of an end over the level of the coupler's flux, relative to a pulse's."""

    amplitude: float
    """Of a pulse of level 1, of full scale, signed."""
    values: Mapping[str, float]
    """Of :func:`shift_of`."""

    def shift_hz(self, level: Array) -> Array:
        """Return the shift at a level, Hz."""
        return shift_of(level, self.values)


def shift_of(level: Array, values: Mapping[str, float]) -> Array:
    """Return the shift by a coupler that has come down by a share of the way, Hz.

    It is ``size * u / (1 - u)``, u the share.

    An end at the detuning D from it, pushed by ``g**2 / D``, moves by ``g**2 / D * u / (1 - u)``
    where D becomes ``(1 - u) D``; u is a polynomial of the level.
    """
    way = level * (
        values["linear"]
        + level * (values["square"] + level * (values["cube"] + level * values["fourth"]))
    )
    return np.asarray(values["size"] * way / (1 - np.minimum(way, 0.98)))


def signed_reach(p: EdgePulses, coupler: Coupler, level_v: float, apart: float) -> float:
    """Return the amplitude at which the coupler comes near to the ends by its design, signed.

    ``apart``: so many rates of exchange away. Raises NotMeasured.
    """
    low, high = coupler_reach(p, coupler, level_v, apart, FULL)
    common = min(-low, high) * p.full_scale_v
    down, up = coupler_arc(p.bench, coupler, level_v + np.array([-common, common]))
    return low if down < up else high


@dataclass(frozen=True, slots=True, eq=False)
class CurveScan:
    """Measures the phase of the end of higher frequency behind one pulse on the coupler."""

    p: EdgePulses
    outcome: Outcome
    reach: float
    """See :func:`signed_reach`."""
    rest: float
    """The phase without a pulse, turns."""

    @classmethod
    async def begun(
        cls, p: EdgePulses, outcome: Outcome, coupler: Coupler, level_v: float
    ) -> "CurveScan":
        """Measure the phase without a pulse. Raises FitFailed and NotMeasured."""
        bare = cls(p, outcome, signed_reach(p, coupler, level_v, NEAR), 0.0)
        none = await bare.row(0.0, SHORT_NS)
        return replace(bare, rest=float(none.phases()[0].turns[0]))

    async def row(self, share: float, duration_ns: int) -> Fringes:
        """Measure the fringes behind a pulse of a share of the reach, the other end in 0.

        Raises FitFailed where the input clipped.
        """
        p, amplitude = self.p, share * self.reach
        shots = p.bench.shots(SHOTS)
        body = p.flux_step(amplitude, duration_ns) if amplitude else []
        title = f"{p.edge.pulsed} at {amplitude:.3f} for {duration_ns} ns"
        program = phase_program(p, p.moved, body, shots, title, controls=(0.0,))
        data = await p.bench.run(self.outcome, program)
        refuse_clipped(self.outcome, p.moved.qubit.element)
        return Fringes(p, p.moved, data, shots)

    def turned(self, row: Fringes, near: float) -> float:
        """Return the phase of a row, nearest to ``near``, turns. Raises FitFailed."""
        return float(nearest_turn(row.phases()[0].turns - self.rest, near)[0])

    async def side(self, sign: float, most: float | None = None) -> list[tuple[float, Fringes]]:
        """Return signed shares up to where short pulses turn enough, and their fringes.

        ``most``: the largest share; None: as far as pulses go.
        """
        farthest = min(MOST, FULL / abs(self.reach))

        async def measure(share: float) -> Fringes:
            return await self.row(sign * share, SHORT_NS)

        found = await walk(PACE, farthest if most is None else most, measure, self.turned)
        return [(sign * share, row) for share, row in found]


async def coupler_curve(
    p: EdgePulses, outcome: Outcome, coupler: Coupler, level_v: float
) -> CouplerCurve:
    """Return the curve at a bias. Raises FitFailed and NotMeasured.

    Pulses of both signs: those that bring the coupler to the ends, and as large ones away.
    """
    scan = await CurveScan.begun(p, outcome, coupler, level_v)
    found: list[tuple[float, float, float]] = []
    most = None
    for sign in (1.0, -1.0):
        near = 0.0
        for share, row in await scan.side(sign, most):
            near = scan.turned(row, near)
            long = await scan.row(share, LONG_NS)
            far = scan.turned(long, near * LONG_NS / SHORT_NS)
            doubt = hypot(*(float(one.phases()[0].sigma[0]) for one in (long, row)))
            span_s = (LONG_NS - SHORT_NS) * 1e-9
            found.append((share, (far - near) / span_s, doubt / span_s))
        if sign > 0:
            most = max((share for share, *_ in found), default=0.0) + 1e-9
            refuse_still(p, [hz for _, hz, _ in found], most * scan.reach)
    return _fitted(np.array(found), scan.reach)


def refuse_still(p: EdgePulses, shifts_hz: list[float], farthest: float) -> None:
    """Raise FitFailed where pulses shift the end too little for a curve."""
    seen = max((abs(hz) for hz in shifts_hz), default=0.0)
    if len(shifts_hz) < FEWEST or seen < 0.5 * SHIFT_HZ:
        raise FitFailed(
            f"pulses on {p.edge.flux_port} of up to {farthest:.2f} of full scale shift "
            f"{p.moved.qubit.element} by {seen / 1e6:.2f} MHz, and should by "
            f"{SHIFT_HZ / 1e6:.0f} MHz: its output is not connected, its line is dead, or the "
            "wiring names another's output"
        )


def _fitted(points: Array, reach: float) -> CouplerCurve:
    """Return the curve through shares, shifts and their sigmas, (n, 3)."""
    end = float(points[:, 0].max()) / BEYOND
    level, shift, sigma = points[:, 0] / end, points[:, 1], points[:, 2]
    at_one = float(shift[np.argmin(np.abs(level - 1))])
    odd = 0.5 * (at_one - float(shift[np.argmin(np.abs(level + 1))])) / at_one
    starts = [
        {
            "size": at_one * (1 - u) / u,
            "linear": u * odd,
            "square": u * (1 - odd),
            "cube": 0.0,
            "fourth": 0.0,
        }
        for u in (0.3, 0.45, 0.6)
    ]
    found = fit_least_squares(lambda v: shift_of(level, v), shift, sigma, starts, BOUNDS)
    return CouplerCurve(end * reach, found.values)
