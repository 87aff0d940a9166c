"""Finds the bias about which a coupler's flux acts the same to both sides."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_curve import SHORT_NS, CurveScan, refuse_still, shift_of
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, pulsed_coupler, sweet_spot_v
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified, record_failure
from podium.control.facility.edges import Coupler, Edge
from podium.control.parameters.entry import Measured, NotMeasured

Array = NDArray[np.float64]
LINE_DOUBT = 0.05
"""Of the way to the sweet spot, as pulses measure it. ASSUMED: how much less a pulse arrives than a
bias, of what the facility file says."""
CLOSE_V = 5e-3
"""Farther away than this it is looked for once more from where it was found."""
SLACK = 0.01
"""Turns by which a phase may be off the model beside its noise: what the line does to steps."""
SCATTERED, ROUGHLY = 9.0, 2500.0
"""Squares of what is left for each phase, at most: of a sweet spot, and of the way to it."""
CHECKED = 0.75
"""The check is at the place where pulses turn by this part of what the scan has seen."""
EVEN = 0.06
"""Turns by which pulses of both signs may differ beside their noise."""
BOUNDS = {
    "size": Bound(-30.0, 30.0),
    "square": Bound(0.02, 0.98),
    "fourth": Bound(-0.5, 0.5),
    "centre": Bound(-1.0, 1.0),
    "edges": Bound(-0.5, 0.5),
}


async def coupler_sweet_spot(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end of higher frequency, behind longer and longer pulses of both signs.

    The coupler comes nearer to that end to both sides of its sweet spot and shifts it more. Pulses
    that sum to nothing then move it alike in both of their halves. Stores the coupler's
    ``sweet_spot`` (V), where it rests from then on unless :func:`jazz` finds a better place. From
    there pulses of both signs have to turn by the same.
    """
    outcome = Outcome("coupler_sweet_spot", "Sweet spot of a coupler")
    for edge in edges:
        coupler = pulsed_coupler(bench, edge)
        if coupler is None:
            raise NotMeasured(f"{edge.name} has no coupler whose flux could be pulsed", edge.name)
        try:
            await _of_edge(EdgePulses.of(bench, edge), outcome, coupler)
        finally:
            await bias_coupler(bench, edge, coupler)
    return outcome


@dataclass(frozen=True, slots=True, eq=False)
class _Both:
    """Phases of pulses of both signs at one bias."""

    scan: CurveScan
    level_v: float
    sides: tuple[list[tuple[float, Fringes]], ...]

    @classmethod
    async def measured(
        cls, p: EdgePulses, outcome: Outcome, coupler: Coupler, level_v: float
    ) -> "_Both":
        """Ramp the coupler there and measure. Raises FitFailed and NotMeasured.

        Far from the sweet spot pulses of one sign do not come so near to the end.
        """
        await p.bench.runner.bias({coupler.flux_port: level_v})
        scan = await CurveScan.begun(p, outcome, coupler, sweet_spot_v(p.bench, coupler))
        both = cls(scan, level_v, (await scan.side(1.0), await scan.side(-1.0)))
        share, turns, _ = both.phases()
        farthest = scan.reach * float(np.abs(share).max(initial=0.0))
        refuse_still(p, (turns / (SHORT_NS * 1e-9)).tolist(), abs(farthest))
        return both

    @property
    def volts(self) -> float:
        """The bias that the pulse of a share of 1 equals, V."""
        return self.scan.reach * self.scan.p.full_scale_v

    def phases(self) -> tuple[Array, Array, Array]:
        """Return shares, phases and their sigmas, turns. Raises FitFailed."""
        found = []
        for side in self.sides:
            near = 0.0
            for share, row in side:
                near = self.scan.turned(row, near)
                found.append((share, near, float(row.phases()[0].sigma[0])))
        columns = np.array(found).reshape(-1, 3)
        return columns[:, 0], columns[:, 1], columns[:, 2]

    def fit(self, scattered: float = SCATTERED) -> Fit:
        """Return the model's parameters. Raises FitFailed."""
        share, turns, sigma = self.phases()
        largest = float(turns[np.argmax(np.abs(turns))])
        starts = [
            {
                "size": largest * (1 - u) / u,
                "square": u,
                "fourth": 0.0,
                "centre": float(share.max() + share.min()) / 2,
                "edges": 0.0,
            }
            for u in (0.3, 0.5, 0.7)
        ]
        reach = half_range(share)
        found = fit_least_squares(
            lambda values: turned(share, values, reach),
            turns,
            np.hypot(sigma, SLACK),
            starts,
            BOUNDS,
        )
        if found.chi2 > scattered:
            raise FitFailed(
                "the shift is not the same to both sides of any bias: phases scatter "
                f"{np.sqrt(found.chi2):.1f} times as much as expected; a level may be crossed on "
                "the way"
            )
        return found

    def reach(self) -> float:
        """Return the share that model and data are told in, beside the centre. Raises FitFailed."""
        return half_range(self.phases()[0])


def half_range(share: Array) -> float:
    """Return half of the range of shares."""
    return float(np.ptp(share)) / 2


def turned(share: Array, values: Mapping[str, float], reach: float) -> Array:
    """Return the phase of an end by a coupler that comes down to both sides of ``centre``, turns.

    By :func:`.coupler_curve.shift_of`, even about the centre, beyond what it is at rest; ``reach``:
    the share beside the centre at which the coupler has come down by ``square + fourth``.
    """
    even = {**values, "linear": 0.0, "cube": 0.0}
    at = (np.append(share, 0.0) - values["centre"]) / reach
    shift = shift_of(at, even)
    return np.asarray(shift[:-1] - shift[-1] + values["edges"])


async def _of_edge(p: EdgePulses, outcome: Outcome, coupler: Coupler) -> None:
    bench, edge = p.bench, p.edge
    empty = Panel(coupler.element, "amplitude (of full scale)", "phase (turns)")
    try:
        both = await _Both.measured(p, outcome, coupler, await bias_coupler(bench, edge, coupler))
        away_v = both.fit(ROUGHLY).values["centre"] * both.volts
        if abs(away_v) > CLOSE_V:
            both = await _Both.measured(p, outcome, coupler, both.level_v + away_v)
    except FitFailed as error:
        record_failure(outcome, coupler.name, empty, str(error))
        return

    def raw() -> Panel:
        share, turns, _ = both.phases()
        points = Series("data", share * both.scan.reach, turns)
        return replace(empty, series=(points,))

    def fit(_: Coupler, panel: Panel) -> Found:
        name = p.moved.qubit.element
        look_at(
            *(
                np.array(
                    [row.data[f"{name}_{part}"].values for side in both.sides for _, row in side]
                )
                for part in "iq"
            )
        )
        found, reach = both.fit(), both.reach()
        share = np.linspace(-reach, reach, 201) + found.values["centre"]
        line = Series("fit", share * both.scan.reach, turned(share, found.values, reach), line=True)
        centre = found.values["centre"]
        own = found.sigmas["centre"] * np.sqrt(max(1.0, found.chi2))
        sigma_v = float(np.hypot(own, LINE_DOUBT * centre) * abs(both.volts))
        sweet_v = both.level_v + centre * both.volts
        marks = (("sweet spot", centre * both.scan.reach),)
        text = "as much to both sides of {sweet_spot}"
        series = (*panel.series, line)
        return {"sweet_spot": Measured(sweet_v, sigma_v, "V")}, replace(
            panel, series=series, marks=marks, text=text, judged=False
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(both, coupler, found["sweet_spot"].value)

    await analyse_verified(bench, outcome, coupler, raw, fit, verify)


async def _verify(both: _Both, coupler: Coupler, level_v: float) -> Panel:
    """Compare pulses of both signs with the coupler at its sweet spot."""
    scan = both.scan
    p = scan.p
    await p.bench.runner.bias({coupler.flux_port: level_v})
    found, reach = both.fit(), both.reach()
    at_rest = {**found.values, "centre": 0.0}
    grid = np.linspace(0.0, reach, 401)
    phase = turned(grid, at_rest, reach)
    share = float(grid[np.argmin(np.abs(phase - CHECKED * phase[-1]))])
    rows = [await scan.row(sign * share, SHORT_NS) for sign in (1.0, -1.0)]
    turns, sigma = np.array([(f.turns[0], f.sigma[0]) for f, _ in (row.phases() for row in rows)]).T
    off, doubt = float(nearest_turn(turns[:1] - turns[1:], 0.0)[0]), float(np.hypot(*sigma))
    if not abs(off) < EVEN + 5 * doubt:
        raise FitFailed(
            f"measured anew at {level_v * 1e3:.1f} mV, pulses of {share * scan.reach:+.3f} and "
            f"{-share * scan.reach:+.3f} of full scale differ by {off:+.3f} ± {doubt:.3f} turns: "
            "it is not believed"
        )
    at = scan.reach * share * np.array([1.0, -1.0])
    points = Series("measured anew", at, turns - turns.mean())
    return Panel(
        coupler.element,
        "amplitude (of full scale)",
        "beside their mean (turns)",
        (points,),
        text=f"measured anew: both signs differ by {off:+.3f} ± {doubt:.3f} turns",
        judged=False,
    )


COUPLER_SWEET_SPOT = Declaration(
    coupler_sweet_spot,
    targets="edges",
    gates=("coupler cz",),
    turns_of=("coupler cz",),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    refines=("sweet_spot",),
    places=(4,),
    cost_s=20.0,
)
