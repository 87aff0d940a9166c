"""Finds the flux pulse on a coupler that turns 11 by half a turn, and its best length."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.amplitude_walk import Begun, Pace, walk
from podium.control.calibration.bench import Bench
from podium.control.calibration.coupler_curve import signed_reach
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, pulsed_coupler
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.gate_budget import decoherence, leaked
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.conditional_phase import (
    AMPLIFIED,
    CHECK_GATES,
    HALF,
    gates_program,
    half_turn_check,
    without_gate,
)
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
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
APART = 1.0
"""So many rates of exchange the coupler should stay above both ends."""
BEYOND = 2.0
"""The scan goes on to this part of that amplitude: the sweet spot of a coupler that was drawn three
of its spreads away is not known, and the scan ends by itself where it turns enough."""
PACE = Pace(begin=0.3, step=0.06, shortest=0.003, turns=0.11, enough=0.85)
"""Of the scan with the longest top, which sees the coupler come from afar."""
LAST_PACE = replace(PACE, enough=0.6)
"""Of the scan without a top that goes on behind it: the gate without one is the highest."""
SHOTS = 300
GATES = 5
"""In a row, that losses are taken from."""
ROUNDS = ((280, 18), (280, 8), (280, 4))
"""Shots, and of how many shapes. What a gate loses goes up and down over some ns, since all four
edges interfere: all are looked at, then those with the least error, then the best of these. The
first round is forgotten then: what it has found best has had luck."""
SLOPE_DOUBT = 0.15
"""Of the slope: it lays out scans, and nothing else."""
CHECK_SHOTS = 600
SLACK = 0.02
"""Turns a gate that a check may be off by beside its noise: what the line keeps of earlier ones."""


@dataclass(frozen=True, slots=True)
class _Shape:
    """The edges and the top of a net-zero pulse."""

    rise_ns: int
    top_ns: int
    """Of both halves together."""

    @property
    def whole_ns(self) -> int:
        """Length of all of it."""
        return 4 * self.rise_ns + self.top_ns

    def __str__(self) -> str:
        return f"{self.whole_ns} ns with edges of {self.rise_ns} ns"


SHAPES = tuple(_Shape(rise_ns, top_ns) for rise_ns in RISES_NS for top_ns in TOPS_NS)


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """The conditional phase over the amplitude, of pulses of any shape; nan: it is not known."""

    at: Array
    """Amplitudes of full scale, (n,), away from 0."""
    per_ns: Array
    """Turns for each ns of the top, (n,)."""
    edges: tuple[Array, Array]
    """Turns of pulses that are all edges, of the shortest length and of the longest, (n,) each."""
    sigma: Array
    """Of the first of these, turns, (n,)."""

    def phase(self, shape: _Shape) -> Array:
        """Return the phase of pulses of that shape, turns."""
        short, long = self.edges
        share = (shape.rise_ns - RISES_NS[0]) / (RISES_NS[-1] - RISES_NS[0])
        return short + share * (long - short) + self.per_ns * shape.top_ns

    def place(self, shape: _Shape) -> tuple[float, float] | None:
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
class _Scan:
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
    lost: list[dict[_Shape, NDArray[np.complex128]]] = field(default_factory=list)
    """What :class:`.GateLosses` look at, by the gate's shape, in each round."""
    idle: list[dict[int, NDArray[np.complex128]]] = field(default_factory=list)
    """The same without gates, by the time that they would have lasted, ns."""
    fine: dict[_Shape, tuple[float, Fringes]] = field(default_factory=dict)
    """Amplitudes of shapes that may be the best one, with the fringes of several gates there."""
    rest: tuple[float, float] | None = None
    """The phase without a gate, and its sigma, turns, once it is known."""

    async def row(self, amplitude: float, shape: _Shape, target: Pulses, gates: int = 1) -> Fringes:
        """Measure the fringes at one amplitude."""
        p = replace(self.p, rise_ns=shape.rise_ns)
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
        none, long = _Shape(RISES_NS[0], 0), _Shape(RISES_NS[0], LONGEST_NS)

        async def measure(share: float, shape: _Shape = long) -> Fringes:
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
            self.longest.append(await self.row(at, _Shape(RISES_NS[-1], 0), self.p.still))
        if not self.tops:
            return
        turns, _ = self.all_turned(self.edges)
        for k in range(len(self.tops), len(self.at)):
            before = self.per_ns(turns)[-1] / turns[k - 1] * turns[k]
            top_ns = LONGEST_NS
            if np.isfinite(before):
                top_ns = max(4, min(top_ns, 4 * int(LONG_TURNS / max(abs(before), 1e-6) / 4)))
            shape = _Shape(RISES_NS[0], top_ns)
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

    def curve(self) -> _Curve:
        """Return the phase over the amplitude. Raises FitFailed."""
        if len(self.at) < 4:
            raise FitFailed(
                "no fringes over the amplitude of the coupler's pulse: the ends are not brought "
                "up, or lose their phase beside the pulse"
            )
        first, sigma = self.all_turned(self.edges)
        longest, _ = self.all_turned(self.longest, first * (RISES_NS[-1] / RISES_NS[0]))
        return _Curve(np.array(self.at), self.per_ns(first), (first, longest), sigma)

    async def leaks(self) -> None:
        """Measure what gates lose that the scan knows an amplitude for, and the best ones anew."""
        try:
            curve = self.curve()
        except (FitFailed, NotMeasured):
            return
        places = {shape: place for shape in SHAPES if (place := curve.place(shape)) is not None}
        for shots, count in ROUNDS:
            if self.lost:
                costs = self.costs()
                best = sorted(costs, key=lambda one: costs[one].whole)[:count]
                places = {shape: places[shape] for shape in best}
            if not places:
                return
            if len(self.lost) == 1:
                for shape, (at, _) in places.items():
                    row = await self.row(at, shape, self.p.still, AMPLIFIED)
                    self.fine[shape] = at, row
                refined = {shape: self.refined(curve, shape) for shape in places}
                places = {shape: found[:2] for shape, found in refined.items() if found}
            await self.losses({shape: at for shape, (at, _) in places.items()}, shots)

    def refined(self, curve: _Curve, shape: _Shape) -> tuple[float, float, float] | None:
        """Return the amplitude of half a turn, the slope there, and the sigma of the amplitude.

        By the fringes of several gates, where there are any: what a gate loses changes within a
        hundredth of a turn. None where the scan did not come so far.
        """
        place = curve.place(shape)
        if place is None:
            return None
        at, slope = place
        near = int(np.argmin(np.abs(curve.at - at)))
        sigma = float(curve.sigma[near] / abs(slope))
        if shape not in self.fine:
            return at, slope, sigma
        at, row = self.fine[shape]
        half = HALF * float(np.sign(curve.phase(shape)[near]))
        with suppress(FitFailed):
            turns, doubt = self.turned(row, half * AMPLIFIED)
            off = (turns - half * AMPLIFIED) / AMPLIFIED * float(np.sign(half))
            return at - off / slope, slope, doubt / AMPLIFIED / abs(slope)
        return at, slope, sigma

    async def losses(self, places: Mapping[_Shape, float], shots: int) -> None:
        """Measure what gates of these shapes lose at these amplitudes, and what no gates do."""
        p, losses = self.p, GateLosses(self.p, GATES)
        lost: dict[_Shape, NDArray[np.complex128]] = {}
        idle: dict[int, NDArray[np.complex128]] = {}
        by_length = sorted(places, key=lambda one: one.whole_ns)
        for shape, amplitude in [
            *((shape, 0.0) for shape in dict.fromkeys((by_length[0], by_length[-1]))),
            *places.items(),
        ]:
            ns = shape.whole_ns
            played = GateLosses(replace(p, rise_ns=shape.rise_ns), GATES)
            program = played.program(amplitude, ns, p.slot_ns(ns), p.bench.shots(shots))
            signal = losses.signal(await p.bench.run(self.outcome, program))
            if amplitude:
                lost[shape] = signal
            else:
                idle[ns] = signal
        self.lost.append(lost)
        self.idle.append(idle)

    def costs(self) -> dict[_Shape, "_Cost"]:
        """Return what gates of the last round cost, by all rounds but the first.

        Raises NotMeasured.
        """
        t1, t2 = (
            tuple(Measured(self.p.bench.best(one.qubit, name), 0.0, "s") for one in self.p.both)
            for name in ("t1", "t2_echo")
        )
        rounds = range(min(1, len(self.lost) - 1), len(self.lost))
        found = {}
        for shape in self.lost[-1]:
            shots = np.array([ROUNDS[k][0] for k in rounds], float)
            leaks = [self.leak(k, shape) for k in rounds]
            weights = shots / shots.sum()
            value = float(sum(weights * [one.value for one in leaks]))
            sigma = float(np.sqrt(np.sum((weights * [one.sigma for one in leaks]) ** 2)))
            leak = Measured(value, sigma, "1")
            at_rest = decoherence(shape.whole_ns * 1e-9, t1, t2)
            found[shape] = _Cost(leak, value + at_rest.value)
        return found

    def leak(self, k: int, shape: _Shape) -> Measured:
        """Return what leakage of a gate costs, as round ``k`` has found it. Raises NotMeasured."""
        losses, shots = GateLosses(self.p, GATES), self.p.bench.shots(ROUNDS[k][0])
        idle = {ns: losses.lost(one, shots) for ns, one in sorted(self.idle[k].items())}
        lengths = list(idle)
        lost, sigma = losses.lost(self.lost[k][shape], shots)
        at_rest = float(np.interp(shape.whole_ns, lengths, [idle[ns][0] for ns in lengths]))
        return leaked(lost, at_rest, float(np.hypot(sigma, idle[lengths[0]][1])), GATES)


@dataclass(frozen=True, slots=True)
class _Cost:
    """A gate's loss of average fidelity."""

    leak: Measured
    whole: float
    """With decoherence at rest."""


async def coupler_phase(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end of lower frequency, the other in 0 and in 1, over a coupler's flux pulse.

    The pulse is net-zero, since lines behind bias tees keep one of one sign, and has smooth edges.
    It brings the coupler down to the ends, which shift each other meanwhile (Collodo et al., Phys.
    Rev. Lett. 125, 240502 (2020)); its height goes up in steps so
    small that whole turns are known. Of edges and tops of several lengths, each at the height that
    gives half a turn, five gates in a row tell what they lose from 10, 01 and 11. Stores
    ``gate_amplitude`` (of full scale), ``gate_duration`` and ``gate_rise`` (s) of the one with the
    least error, and ``gate_phase_slope`` (turns by full scale). Needs :func:`jazz`, which moves the
    coupler to its off point. Ramsey on the other end with three gates has to agree.
    """
    outcome = Outcome("coupler_phase", "Conditional phase by a coupler's pulse")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p, coupler = EdgePulses.of(bench, edge), pulsed_coupler(bench, edge)
    if coupler is None:
        raise NotMeasured(f"{edge.name} has no coupler whose flux could be pulsed", edge.name)
    level_v = await bias_coupler(bench, edge, coupler)
    none = await without_gate(p, outcome, p.still, 4 * bench.shots(SHOTS))
    scan = _Scan(p, outcome, signed_reach(p, coupler, level_v, APART), none)
    await scan.walk()
    await scan.others()
    await scan.leaks()
    name = p.still.qubit.element

    def raw() -> Panel:
        rows = scan.edges or [none]
        signal = np.array([row.data[f"{name}_i"].values.ravel()[0] for row in rows]) * 1e3
        at = np.array(scan.at) if scan.at else np.zeros(1)
        points = Series("first phase", at, signal)
        return Panel(edge.element, "amplitude (of full scale)", "signal (mV)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        rows = scan.edges or [none]
        look_at(np.array([row.data[f"{name}_i"].values for row in rows]))
        curve = scan.curve()
        if not scan.lost:
            longest = max(SHAPES, key=lambda one: one.whole_ns)
            raise FitFailed(
                f"no pulse of up to {longest} on {edge.pulsed} turns 11 by half a turn: at "
                f"{curve.at[-1]:.3f} of full scale it is {curve.phase(longest)[-1]:+.3f} turns"
            )
        costs = scan.costs()
        shape = min(costs, key=lambda one: costs[one].whole)
        found = scan.refined(curve, shape)
        if found is None:  # it was there when its leakage was measured
            raise FitFailed(f"a pulse of {shape} no longer gives half a turn anywhere")
        at, slope, sigma = found
        values = {
            "gate_amplitude": Measured(at, sigma, "1"),
            "gate_duration": Measured(shape.whole_ns * 1e-9, 1e-9, "s"),
            "gate_rise": Measured(shape.rise_ns * 1e-9, 1e-10, "s"),
            "gate_phase_slope": Measured(abs(slope), SLOPE_DOUBT * abs(slope), "1"),
        }
        said = ", ".join(
            f"{one} {cost.leak.value * 100:.2f} ± {cost.leak.sigma * 100:.2f} %"
            for one, cost in costs.items()
        )
        series = tuple(Series(str(one), curve.at, curve.phase(one)) for one in (SHAPES[0], shape))
        return values, replace(
            panel,
            y_label="conditional phase (turns)",
            series=series,
            marks=(("half a turn", at),),
            judged=False,
            text=f"half a turn at {{gate_amplitude}} in {{gate_duration}}; leakage costs: {said}",
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(scan, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(scan: _Scan, found: Mapping[str, Measured]) -> Panel:
    """Measure the phase that the other end gets from three gates in a row."""
    p, outcome = scan.p, scan.outcome
    at, target = found["gate_amplitude"], p.moved
    rise_ns, whole_ns = (round(found[name].value * 1e9) for name in ("gate_rise", "gate_duration"))
    shape = _Shape(rise_ns, whole_ns - 4 * rise_ns)
    gated = await scan.row(at.value, shape, target, CHECK_GATES)
    none = await without_gate(p, outcome, target, p.bench.shots(CHECK_SHOTS))
    known = at.sigma * found["gate_phase_slope"].value
    return half_turn_check(p, gated, none, known, SLACK)


COUPLER_PHASE = Declaration(
    coupler_phase,
    targets="edges",
    gates=("coupler cz",),
    turns_of=("coupler cz",),
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
    gives={"gate_rise": Lifetime(7 * DAY_S), "gate_phase_slope": Lifetime(7 * DAY_S)},
    refines=("gate_amplitude", "gate_duration"),
    places=(10,),
    cost_s=240.0,
)
