"""Measures the conditional phase over the height of a coupler's pulse, of pulses of any shape."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.amplitude_walk import Begun, Pace, walk
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.routines.conditional_phase import HALF, gates_program
from podium.control.calibration.sequences import Pulses
from podium.control.program.program import Linear

Array = NDArray[np.float64]
RISES_NS = (24, 28, 32)
"""Of each of the four edges of a pulse, among which the gate's is chosen. ASSUMED: levels that lie
100 MHz apart follow it to some 1e-3."""
TOPS_NS = tuple(range(0, 41, 8))
"""How long the tops of both halves last together, among which the gate's is chosen."""
LONGEST_NS = 80
SHORT_PART = 0.18
"""A pulse without a top turns about this part of what one with the longest top does: it tells whole
turns of that."""
LONG_TURNS = 0.4
"""A top that tells the phase of each ns turns so far, or lasts :data:`LONGEST_NS`."""
BEYOND = 2.0
"""The scan goes on to this part of that amplitude: the sweet spot of a coupler that was drawn three
of its spreads away is not known, and the scan ends by itself where it turns enough."""
PACE = Pace(begin=0.3, step=0.06, shortest=0.003, turns=0.11, enough=0.85)
"""Of the scan with the longest top, which sees the coupler come from afar."""
LAST_PACE = replace(PACE, enough=0.6)
"""Of the scan without a top that goes on behind it: the gate without one is the highest."""
SHOTS = 300
CHECK_SHOTS = 600


@dataclass(frozen=True, slots=True)
class PulseShape:
    """The edges, the top and the gap of a net-zero pulse."""

    rise_ns: int
    top_ns: int
    """Of both halves together."""
    gap_ns: int = 0
    """Between the halves: it turns the phase at which their losses meet, and nothing else."""

    @property
    def whole_ns(self) -> int:
        """Length of both halves."""
        return 4 * self.rise_ns + self.top_ns

    @property
    def lasts_ns(self) -> int:
        """Length of all of it."""
        return self.whole_ns + self.gap_ns

    def __str__(self) -> str:
        gap = f" and a gap of {self.gap_ns} ns" if self.gap_ns else ""
        return f"{self.whole_ns} ns with edges of {self.rise_ns} ns{gap}"

    def on(self, p: EdgePulses) -> EdgePulses:
        """Return an edge's pulses with this shape."""
        return replace(p, rise_ns=self.rise_ns, between_ns=self.gap_ns)


SHAPES = tuple(PulseShape(rise_ns, top_ns) for rise_ns in RISES_NS for top_ns in TOPS_NS)


@dataclass(frozen=True, slots=True, eq=False)
class PhaseCurve:
    """The conditional phase over the amplitude, of pulses of any shape; nan: it is not known."""

    at: Array
    """Amplitudes of full scale, (n,), away from 0."""
    per_ns: Array
    """Turns for each ns of the top, (n,)."""
    edges: tuple[Array, Array]
    """Turns of pulses that are all edges, of the shortest length and of the longest, (n,) each."""
    sigma: Array
    """Of the first of these, turns, (n,)."""

    def phase(self, shape: PulseShape) -> Array:
        """Return the phase of pulses of that shape, turns."""
        short, long = self.edges
        share = (shape.rise_ns - RISES_NS[0]) / (RISES_NS[-1] - RISES_NS[0])
        return short + share * (long - short) + self.per_ns * shape.top_ns

    def place(self, shape: PulseShape) -> tuple[float, float] | None:
        """Return the amplitude that gives half a turn, and the slope there, turns by amplitude.

        None where the scan did not come so far.
        """
        size = np.abs(self.phase(shape))
        beyond = np.flatnonzero(size >= HALF)
        if not beyond.size or beyond[0] == 0:
            return None
        near = np.arange(max(0, int(beyond[0]) - 3), min(size.size, int(beyond[0]) + 3))
        near = near[np.isfinite(size[near])]
        x, y = self.at[near], np.log(np.maximum(size[near], 1e-6))
        fit = np.polynomial.Polynomial.fit(x, y, min(2, x.size - 1))
        grid = np.linspace(x[0], x[-1], 2001)
        found = float(grid[np.argmin(np.abs(fit(grid) - np.log(HALF)))])
        return found, float(HALF * fit.deriv()(found))


@dataclass(slots=True, eq=False)
class PhaseScan:
    """Holds the fringes of an edge over the amplitude of its coupler's pulse."""

    p: EdgePulses
    outcome: Outcome
    reach: float
    """The amplitude up to which the coupler stays away from the ends, by its design, signed."""
    none: Fringes
    at: list[float] = field(default_factory=list)
    edges: list[Fringes] = field(default_factory=list)
    """Of pulses with the shortest edges without a top at each amplitude."""
    longest: list[Fringes] = field(default_factory=list)
    """The same with the longest edges."""
    tops: list[tuple[int, Fringes]] = field(default_factory=list)
    """With the shortest ones and a top of so many ns."""
    rest: tuple[float, float] | None = None
    """The phase without a gate, and its sigma, turns, once it is known."""

    async def row(
        self, amplitude: float, shape: PulseShape, target: Pulses, gates: int = 1
    ) -> Fringes:
        """Measure the fringes at one amplitude."""
        p = shape.on(self.p)
        shots = p.bench.shots(SHOTS if gates == 1 else CHECK_SHOTS)
        at = Linear(amplitude, amplitude, 1)
        title = f"phase by {p.edge.pulsed}, {shape} at {amplitude:.3f}, {gates} gates"
        program = gates_program(p, target, at, shape.whole_ns, gates, shots, title)
        return Fringes(p, target, await p.bench.run(self.outcome, program), shots)

    def turned(self, row: Fringes, near: float) -> tuple[float, float]:
        """Return the conditional phase of one pulse, nearest to ``near``, and its sigma, turns."""
        if self.rest is None:
            turns, sigma = self.none.conditional()
            self.rest = float(turns), float(sigma)
        turns, sigma = row.conditional()
        off = turns.ravel()[0] - self.rest[0]
        doubt = float(np.hypot(sigma.ravel()[0], self.rest[1]))
        return float(nearest_turn(np.array([off]), near)[0]), doubt

    def all_turned(self, rows: Sequence[Fringes], near: Array | None = None) -> tuple[Array, Array]:
        """Return the phases of rows and their sigmas, nan where there are no fringes.

        ``near``: about where each is; nan, or none of them: where the one before is.
        """
        found, before = [], 0.0
        for k, row in enumerate(rows):
            about = before if near is None or np.isnan(near[k]) else float(near[k])
            try:
                before, sigma = self.turned(row, about)
            except FitFailed:
                found.append((np.nan, np.nan))
            else:
                found.append((before, sigma))
        turns, sigmas = np.array(found).reshape(-1, 2).T
        return turns, sigmas

    async def walk(self) -> None:
        """Measure with the longest top, then without one, up to where each phase is enough."""
        most = min(BEYOND, FULL / abs(self.reach))
        none, long = PulseShape(RISES_NS[0], 0), PulseShape(RISES_NS[0], LONGEST_NS)

        async def measure(share: float, shape: PulseShape = long) -> Fringes:
            return await self.row(share * self.reach, shape, self.p.still)

        def phase_of(row: Fringes, near: float) -> float:
            return self.turned(row, near)[0]

        async def both(share: float) -> tuple[Fringes, Fringes]:
            return await measure(share), await measure(share, none)

        def phase_of_both(rows: tuple[Fringes, Fringes], near: float) -> float:
            turns = phase_of(rows[1], near * SHORT_PART)
            return phase_of(rows[0], turns / SHORT_PART)

        found = await walk(PACE, most, both, phase_of_both)
        self.tops += [(LONGEST_NS, rows[0]) for _, rows in found]
        first = [rows[1] for _, rows in found]
        shares = [share for share, _ in found]
        turns, _ = self.all_turned(first)
        if len(shares) > 2 and np.isfinite(turns[-1]):
            whole, _ = self.all_turned([row for _, row in self.tops], turns / SHORT_PART)
            slope = float(whole[-1] - whole[-3]) / (shares[-1] - shares[-3])
            begun = Begun(shares[-1], float(turns[-1]), slope * float(turns[-1] / whole[-1]))
            more = await walk(LAST_PACE, most, lambda share: measure(share, none), phase_of, begun)
            shares += [share for share, _ in more]
            first += [row for _, row in more]
        self.at += [share * self.reach for share in shares]
        self.edges = first

    async def others(self) -> None:
        """Measure the longest edges at the same amplitudes, and tops where there are none."""
        for at in self.at:
            self.longest.append(await self.row(at, PulseShape(RISES_NS[-1], 0), self.p.still))
        if not self.tops:
            return
        turns, _ = self.all_turned(self.edges)
        for k in range(len(self.tops), len(self.at)):
            before = self.per_ns(turns)[-1] / turns[k - 1] * turns[k]
            top_ns = LONGEST_NS
            if np.isfinite(before):
                top_ns = max(4, min(top_ns, 4 * int(LONG_TURNS / max(abs(before), 1e-6) / 4)))
            shape = PulseShape(RISES_NS[0], top_ns)
            self.tops.append((top_ns, await self.row(self.at[k], shape, self.p.still)))

    def per_ns(self, turns: Array) -> Array:
        """Return the turns for each ns of a top, so far as tops were measured, (n,).

        ``turns``: of pulses that are all edges.
        """
        long = np.array([top_ns for top_ns, _ in self.tops], float)
        known = turns[: long.size]

        near = known + LONG_TURNS * np.sign(known)
        near = np.where(long == LONGEST_NS, known / SHORT_PART, near)
        found, _ = self.all_turned([row for _, row in self.tops], near)
        return np.asarray((found - known) / long)

    def curve(self) -> PhaseCurve:
        """Return the phase over the amplitude. Raises FitFailed."""
        if len(self.at) < 4:
            raise FitFailed(
                "no fringes over the amplitude of the coupler's pulse: the ends are not brought "
                "up, or lose their phase beside the pulse"
            )
        first, sigma = self.all_turned(self.edges)
        longest, _ = self.all_turned(self.longest, first * (RISES_NS[-1] / RISES_NS[0]))
        return PhaseCurve(np.array(self.at), self.per_ns(first), (first, longest), sigma)
