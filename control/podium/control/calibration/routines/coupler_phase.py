"""Finds the flux pulse on a coupler that turns 11 by half a turn, and its best length."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.amplitude_walk import Pace, walk
from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.coupler_curve import signed_reach
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_flux import bias_coupler, pulsed_coupler
from podium.control.calibration.edge_pulses import COUPLER_RISE_NS, FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.conditional_phase import (
    CHECK_GATES,
    HALF,
    gates_program,
    half_turn_check,
    without_gate,
)
from podium.control.calibration.routines.leakage import GATES, WAITS, lost_program
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Linear

Array = NDArray[np.float64]
EDGES_NS = 4 * COUPLER_RISE_NS
"""All edges of a net-zero pulse together."""
TOPS_NS = (16, 80)
"""How long the tops of both halves last together in the two scans."""
LENGTHS_NS = tuple(range(16, 81, 8))
"""Of the tops among which the gate's is chosen."""
APART = 1.0
"""So many rates of exchange the coupler should stay above both ends."""
BEYOND = 2.0
"""The scan goes on to this part of that amplitude: the sweet spot of a coupler that was drawn three
of its spreads away is not known, and the scan ends by itself where it turns enough."""
PACE = Pace(begin=0.3, step=0.1, shortest=0.003, turns=0.11, enough=0.85)
"""Of the scan with the long top, which ends where the shorter ones still need more height."""
SHOTS = 300
LEAKAGE_SHOTS = 1500
"""What a gate leaks goes up and down over some ns: both halves interfere."""
STATES = 4
"""One of these leaks."""
SLOPE_DOUBT = 0.15
"""Of the slope: it lays out scans, and nothing else."""
CHECK_SHOTS = 600
SLACK = 0.02
"""Turns a gate that a check may be off by beside its noise: what the line keeps of earlier ones."""


@dataclass(frozen=True, slots=True, eq=False)
class _Curve:
    """The conditional phase over the amplitude, of pulses with a top of any length."""

    at: Array
    """Amplitudes of full scale, (n,), away from 0."""
    per_ns: Array
    """Turns for each ns of the top, (n,)."""
    edges: Array
    """Turns of a pulse that is all edges, (n,)."""
    sigma: Array
    """Of the phase with the longer top, turns, (n,)."""

    def phase(self, top_ns: float) -> Array:
        """Return the phase of pulses with that top, turns."""
        return self.edges + self.per_ns * top_ns

    def place(self, top_ns: float) -> tuple[float, float] | None:
        """Return the amplitude that gives half a turn, and the slope there, turns by amplitude.

        None where the scan did not come so far.
        """
        size = np.abs(self.phase(top_ns))
        beyond = np.flatnonzero(size >= HALF)
        if not beyond.size or beyond[0] == 0:
            return None
        near = slice(max(0, int(beyond[0]) - 3), int(beyond[0]) + 3)
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
    rows: tuple[list[Fringes], list[Fringes]] = field(default_factory=lambda: ([], []))
    """With the short and the long top, at each amplitude."""
    at: list[float] = field(default_factory=list)
    lost: dict[int, NDArray[np.complex128]] = field(default_factory=dict)
    """V of the lower end behind gates, and behind none, (2, waits), by the top's length."""
    rest: tuple[float, float] | None = None
    """The phase without a gate, and its sigma, turns, once it is known."""

    async def row(self, amplitude: float, top_ns: int, target: Pulses, gates: int = 1) -> Fringes:
        """Measure the fringes at one amplitude."""
        p = self.p
        shots = p.bench.shots(SHOTS if gates == 1 else CHECK_SHOTS)
        at, whole_ns = Linear(amplitude, amplitude, 1), top_ns + EDGES_NS
        title = f"phase by {p.edge.pulsed}, {top_ns} ns at {amplitude:.3f}, {gates} gates"
        program = gates_program(p, target, at, whole_ns, gates, shots, title)
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

    async def walk(self) -> None:
        """Measure with the long top, up to where the phase is large enough."""

        async def measure(share: float) -> Fringes:
            return await self.row(share * self.reach, TOPS_NS[1], self.p.still)

        most = min(BEYOND, FULL / abs(self.reach))
        found = await walk(PACE, most, measure, lambda row, near: self.turned(row, near)[0])
        self.at += [share * self.reach for share, _ in found]
        self.rows[1].extend(row for _, row in found)

    async def shorter(self) -> None:
        """Measure with the short top at the same amplitudes, as far as there are fringes."""
        for amplitude in self.at:
            self.rows[0].append(await self.row(amplitude, TOPS_NS[0], self.p.still))

    def curve(self) -> _Curve:
        """Return the phase over the amplitude. Raises FitFailed."""
        if len(self.at) < 4:
            raise FitFailed(
                "no fringes over the amplitude of the coupler's pulse: the ends are not brought "
                "up, or lose their phase beside the pulse"
            )
        found = []
        for rows in self.rows:
            near, phases = 0.0, []
            for row in rows:
                near, sigma = self.turned(row, near)
                phases.append((near, sigma))
            found.append(np.array(phases))
        short, long = found
        per_ns = (long[:, 0] - short[:, 0]) / (TOPS_NS[1] - TOPS_NS[0])
        edges = short[:, 0] - per_ns * TOPS_NS[0]
        return _Curve(np.array(self.at), per_ns, edges, long[:, 1])

    async def leaks(self) -> None:
        """Measure what gates of each length lose that the scan knows an amplitude for."""
        try:
            curve = self.curve()
        except (FitFailed, NotMeasured):
            return
        p, shots = self.p, self.p.bench.shots(LEAKAGE_SHOTS)
        for top_ns in LENGTHS_NS:
            place = curve.place(top_ns)
            if place is None:
                continue
            ns = top_ns + EDGES_NS
            iq = []
            for amplitude in (place[0], 0.0):
                program = lost_program(p, amplitude, ns, p.slot_ns(ns), GATES, shots)
                data = await p.bench.run(self.outcome, program)
                iq.append(iq_of(data, p.still.qubit.element))
            self.lost[top_ns] = np.stack(iq)

    def costs(self) -> dict[int, tuple[float, float, float]]:
        """Return what a gate of each top leaks, its sigma, and what it costs with decoherence."""
        reference = levels(self.p.bench, self.p.still.qubit)
        shots, best = self.p.bench.shots(LEAKAGE_SHOTS), self.p.bench.best
        rate_1_s = 0.0
        for one in self.p.both:
            t1, t2 = best(one.qubit, "t1"), best(one.qubit, "t2_echo")
            rate_1_s += 0.4 * (0.5 / t1 + 1 / t2)
        found = {}
        for top_ns, pair in self.lost.items():
            kept = reference.project(pair)
            sigma = float(np.sqrt(np.sum(reference.sigma(kept, shots) ** 2)))
            leak = float(kept[1].mean() - kept[0].mean()) / GATES
            doubt = sigma / WAITS / GATES
            whole = leak / STATES + rate_1_s * (top_ns + EDGES_NS) * 1e-9
            found[top_ns] = leak, doubt, whole
        return found


async def coupler_phase(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end of lower frequency, the other in 0 and in 1, over a coupler's flux pulse.

    The pulse is net-zero, since lines behind bias tees keep one of one sign, and has smooth edges.
    It brings the coupler down to the ends, which shift each other meanwhile (Collodo et al., Phys.
    Rev. Lett. 125, 240502 (2020)); its height goes up in steps so
    small that whole turns are known, with a short and with a long top. Of tops between them, each
    at the height that gives half a turn, four gates in a row tell what they lose from 11. Stores
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
    await scan.shorter()
    await scan.leaks()
    name = p.still.qubit.element

    def raw() -> Panel:
        rows = scan.rows[1] or [none]
        signal = np.array([row.data[f"{name}_i"].values.ravel()[0] for row in rows]) * 1e3
        at = np.array(scan.at) if scan.at else np.zeros(1)
        points = Series("first phase", at, signal)
        return Panel(edge.element, "amplitude (of full scale)", "signal (mV)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(np.array([row.data[f"{name}_i"].values for row in scan.rows[1] or [none]]))
        curve = scan.curve()
        costs = scan.costs()
        if not costs:
            raise FitFailed(
                f"no pulse of {max(LENGTHS_NS) + EDGES_NS} ns on {edge.pulsed} turns 11 "
                f"by half a turn: at {curve.at[-1]:.3f} of full scale it is "
                f"{curve.phase(TOPS_NS[1])[-1]:+.3f} turns"
            )
        top_ns = min(costs, key=lambda one: costs[one][2])
        place = curve.place(top_ns)
        if place is None:  # it was there when its leakage was measured
            raise FitFailed(f"a top of {top_ns} ns no longer gives half a turn anywhere")
        at, slope = place
        near = int(np.argmin(np.abs(curve.at - at)))
        whole_ns = top_ns + EDGES_NS
        values = {
            "gate_amplitude": Measured(at, float(curve.sigma[near] / abs(slope)), "1"),
            "gate_duration": Measured(whole_ns * 1e-9, 1e-9, "s"),
            "gate_rise": Measured(COUPLER_RISE_NS * 1e-9, 1e-10, "s"),
            "gate_phase_slope": Measured(abs(slope), SLOPE_DOUBT * abs(slope), "1"),
        }
        said = ", ".join(
            f"{one + EDGES_NS} ns {leak * 100:.2f} ± {doubt * 100:.2f} %"
            for one, (leak, doubt, _) in costs.items()
        )
        series = tuple(Series(f"{ns + EDGES_NS} ns", curve.at, curve.phase(ns)) for ns in TOPS_NS)
        return values, replace(
            panel,
            y_label="conditional phase (turns)",
            series=series,
            marks=(("half a turn", at),),
            judged=False,
            text=f"half a turn at {{gate_amplitude}} in {{gate_duration}}; a gate leaks: {said}",
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await _verify(scan, found)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(scan: _Scan, found: Mapping[str, Measured]) -> Panel:
    """Measure the phase that the other end gets from three gates in a row."""
    p, outcome = scan.p, scan.outcome
    at, target = found["gate_amplitude"], p.moved
    top_ns = round(found["gate_duration"].value * 1e9) - EDGES_NS
    gated = await scan.row(at.value, top_ns, target, CHECK_GATES)
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
    cost_s=6.0,
)
