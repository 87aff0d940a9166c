"""Sets a gate's amplitude, the level in its gap and its length where the least is lost and swapped.

A half of the pulse that is too long leaves some of 11. Away from where the levels meet the other
half takes it back, where the phase of the gap is right: of amplitudes and levels that leave half a
turn there are two pairs at which nothing is lost (Negîrneac et al., Phys. Rev. Lett. 126, 220502
(2021), have them as crossings of two lines in the plane of both).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, STEP_NS, EdgePulses
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.gate_budget import decoherence, leaked, swapped
from podium.control.calibration.fits.least_squares import (
    Bound,
    FitFailed,
    fit_least_squares,
    look_at,
)
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.gate_losses import LOSS, SWAP, GateLosses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.routines.chevron import growth_of, slope_hz
from podium.control.calibration.routines.conditional_phase import gates_program
from podium.control.calibration.routines.gate_gap import NEAREST, has_room
from podium.control.calibration.target import captures_of
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.program.program import Linear, Program

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
AWAY = (-0.26, -0.13, 0.0, 0.13, 0.26)
"""Detunings of 20 from 11 in a pulse, in times of their rate of exchange."""
FINE = 53
"""Detunings at which it is asked where amplitudes have a level, if few of those have."""
LEAST_ROOM = 0.1
"""Of detunings that have: with less there is nothing to choose from."""
SLOPE_AT = 0.2
"""The same of the two amplitudes that tell how the conditional phase goes with it."""
SLOPE_SHOTS = 400
GATES = 4
"""In a row. A twin takes ten times as long for six of them, whose waits are longer too."""
SHOTS = 800
BEST_SHOTS = 1200
"""Of what is lost, and of what passes, at the best pair of each length."""
CHECK_GATES = 3
CHECK_SHOTS = 600
UNEVEN = 0.07
"""By how much interference changes a mean over waits: share of what is lost."""
LIKE = 0.05
"""Of 1: by how much more may be lost anew than was found."""
FEWEST = 3
"""Points that a fit needs."""
SCATTERED = 9.0
"""Chi2 per degree of freedom from which on points lie on no curve of two halves: 37 of 38 scans of
19 pairs had up to 4.1, and one of the two lengths of a pair that met 20 at two places 11 to 26."""
MIDDLE = 0.04
"""Rates of exchange by which the amplitude may have been off the place where levels meet."""


async def gate_level(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Four gates on 11 over pairs of amplitude and level that leave half a turn, of two lengths.

    Needs :func:`gate_gap` and :func:`chevron`. Ramsey at two amplitudes tells how the phase goes
    with them. Stores ``gate_amplitude``, ``gate_gap_level`` and ``gate_duration`` (s), that or
    2 ns more, of the least error by loss, swap and decoherence. A gap without room for a level
    stays as it is. A second measurement, with another number of gates, has to agree.
    """
    outcome = Outcome("gate_level", "Level of the gate")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


@dataclass(frozen=True, slots=True)
class _Pair:
    """Holds an amplitude and a level that leave half a turn together."""

    p: EdgePulses
    away: float
    amplitude: float
    level: float

    @property
    def pulses(self) -> EdgePulses:
        """The edge with this level."""
        return replace(self.p, gap_level=self.level)


@dataclass(frozen=True, slots=True)
class _Line:
    """Finds amplitudes and levels that leave half a turn together."""

    p: EdgePulses
    rate_hz: float
    """At which 11 and 20 exchange."""
    turns: float
    """By which the conditional phase grows with the amplitude, by full scale."""

    def at(self, away: float) -> _Pair | None:
        """Return the pair at a detuning, in rates of exchange; None: there is no such level."""
        p, now = self.p, self.p.gate_amplitude
        level = p.bench.measured(p.edge, "gate_gap_level") or 0.0
        amplitude = now + away * self.rate_hz / slope_hz(p, now)
        levels = np.linspace(0.0, 1.0, 401)
        rest, held = (float(one) for one in p.detuning_hz(np.array([0.0, level * now])) * 1e-9)
        slower = rest - p.detuning_hz(levels * amplitude) * 1e-9
        wanted = rest - held + self.turns * (amplitude - now) / p.gap_ns
        if not 0.0 <= wanted <= NEAREST * rest or not 0.0 < amplitude < FULL:
            return None
        return _Pair(p, away, amplitude, float(np.interp(wanted, slower, levels)))

    def pairs(self) -> tuple[_Pair, ...]:
        """Return pairs over :data:`AWAY`, closer where few amplitudes have a level."""
        found = [pair for pair in map(self.at, AWAY) if pair is not None]
        if len(found) < FEWEST:
            fine = np.linspace(AWAY[0], AWAY[-1], FINE).tolist()
            room = [pair.away for pair in map(self.at, fine) if pair is not None]
            if room and room[-1] - room[0] > LEAST_ROOM:
                closer = np.linspace(room[0], room[-1], len(AWAY)).tolist()
                found = [pair for pair in map(self.at, closer) if pair is not None]
        return tuple(found)


async def _line(p: EdgePulses, outcome: Outcome) -> _Line:
    """Measure how the conditional phase goes with the amplitude. Raises FitFailed, NotMeasured."""
    rate_hz = 2 * growth_of(p.edge) * p.bench.known(p.edge, "exchange").value
    reach = abs(SLOPE_AT * rate_hz / slope_hz(p, p.gate_amplitude))
    shots, places = p.bench.shots(SLOPE_SHOTS), (p.gate_amplitude - reach, p.gate_amplitude + reach)
    programs = (
        gates_program(p, p.still, Linear(at, at, 1), p.gate_ns, 1, shots, f"phase at {at:.4f}")
        for at in places
    )
    fringes = [Fringes(p, p.still, one, shots) for one in await p.bench.run_all(outcome, programs)]
    turned = [float(one.conditional()[0].ravel()[0]) for one in fringes]
    apart = float(nearest_turn(np.array([turned[1] - turned[0]]), 0.0)[0])
    return _Line(p, rate_hz, apart / (2 * reach))


@dataclass(frozen=True, slots=True)
class _Losing:
    """Measures what 11 loses in so many gates of a pair, or what of 10 passes."""

    pair: _Pair
    duration_ns: int
    gates: int
    shots: int
    kind: str = LOSS

    @property
    def losses(self) -> GateLosses:
        """The gates in a row."""
        return GateLosses(self.pair.pulses, self.gates, (self.kind,))

    def program(self) -> Program:
        """Return its program."""
        slot_ns = self.pair.pulses.slot_ns(self.duration_ns)
        return self.losses.program(self.pair.amplitude, self.duration_ns, slot_ns, self.shots)

    def found(self, data: "xarray.Dataset") -> tuple[float, float]:
        """Return what is lost, or passes, and its sigma."""
        losses = self.losses
        told = losses.lost if self.kind == LOSS else losses.swapped
        return told(losses.signal(data), self.shots)


async def _lost(bench: Bench, outcome: Outcome, *every: _Losing) -> list[tuple[float, float]]:
    """Run some of them."""
    data = await bench.run_all(outcome, (one.program() for one in every))
    return [one.found(seen) for one, seen in zip(every, data, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class _Scan:
    """Holds what gates of one length lose over pairs."""

    duration_ns: int
    pairs: tuple[_Pair, ...]
    lost: Array
    sigma: Array
    idle: float
    """What is lost without gates."""

    def fitted(self) -> tuple[float, Array, Array]:
        """Return where least is lost, and the curve. Raises FitFailed.

        Halves that are too long by an angle e lose ``(e - c n^2)^2``, n rates away from the place
        at which levels meet, which is about where the amplitude was. What edges take elsewhere is
        not in it: how much is lost there the formula does not know. Nor is a second place at which
        levels meet, as where crosstalk has both halves meet at amplitudes of their own: then
        points lie on no such curve, and its best pair is none.
        """
        at = np.array([one.away for one in self.pairs])
        if at.size < FEWEST:
            raise FitFailed(f"{at.size} levels only leave half a turn with an amplitude")

        def lost(values: Mapping[str, float], x: Array) -> Array:
            square = (x - values["middle"]) ** 2 - values["square"]
            return self.idle + GATES * (values["bend"] * square) ** 2

        def model(values: Mapping[str, float]) -> Array:
            return np.append(lost(values, at), values["middle"])

        starts = [
            {"middle": 0.0, "square": square, "bend": np.pi / 1.5} for square in (-0.01, 0.01, 0.04)
        ]
        bounds = {
            "middle": Bound(-0.15, 0.15),
            "square": Bound(-0.1, 0.1),
            "bend": Bound(0.5, 5.0),
        }
        seen = np.append(self.lost, 0.0)
        uneven = UNEVEN * np.maximum(self.lost - self.idle, 0.0)
        doubt = np.append(np.hypot(self.sigma, uneven), MIDDLE)
        found = fit_least_squares(model, seen, doubt, starts, bounds)
        if found.chi2 > SCATTERED:
            raise FitFailed(
                "what is lost lies on no curve of two halves that meet 20 at one place: the points "
                f"scatter {sqrt(found.chi2):.1f} times as much as shots and waits explain; flux of "
                "another line may part the places, or a third level be near"
            )
        grid = np.linspace(at.min(), at.max(), 241)
        curve = lost(found.values, grid)
        near = grid[curve < float(curve.min()) + 1e-4]
        best = float(near[np.argmin(np.abs(near))])
        return best, grid, curve


async def _scan(line: _Line, outcome: Outcome, duration_ns: int, idle: float) -> _Scan:
    pairs = line.pairs()
    shots = line.p.bench.shots(SHOTS)
    every = [_Losing(pair, duration_ns, GATES, shots) for pair in pairs]
    found = await _lost(line.p.bench, outcome, *every)
    lost, sigma = np.array(found).reshape(-1, 2).T
    return _Scan(duration_ns, pairs, lost, sigma, idle)


@dataclass(frozen=True, slots=True)
class _Best:
    """Holds the pair of one length at which least is lost."""

    pair: _Pair
    duration_ns: int
    lost: float
    """Of 11, in :data:`GATES` gates, beyond what is lost without."""
    cost: float
    curve: Series
    """What was fitted."""


async def _best(line: _Line, outcome: Outcome, scan: _Scan) -> _Best:
    """Return a length's best pair, with what it costs. Raises FitFailed where there is none.

    What is lost there is measured: at one length edges can take a hundredth where at the next they
    take nothing.
    """
    away, grid, curve = scan.fitted()
    p, pair = line.p, line.at(away)
    if pair is None:
        raise FitFailed("no amplitude and level leave half a turn together")
    shots = p.bench.shots(BEST_SHOTS)
    kinds = [_Losing(pair, scan.duration_ns, GATES, shots, kind) for kind in (LOSS, SWAP)]
    (left, _), (gained, _) = await _lost(p.bench, outcome, *kinds)
    lost = left - scan.idle
    t1, t2 = (
        tuple(Measured(p.bench.best(one.qubit, name), 0.0, "s") for one in p.both)
        for name in ("t1", "t2_echo")
    )
    at_rest = decoherence(p.slot_ns(scan.duration_ns) * 1e-9, t1, t2).value
    cost = leaked(lost, 0.0, 0.0, GATES).value + swapped(gained, 0.0, 0.0, GATES).value
    drawn = Series("fit", grid, curve, line=True)
    return _Best(pair, scan.duration_ns, lost, cost + at_rest, drawn)


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    p.refuse_shaped()
    if not has_room(p.gap_ns):
        return
    nothing = _Pair(p, 0.0, 0.0, 0.0)
    at_rest = _Losing(nothing, p.gate_ns, GATES, 2 * bench.shots(SHOTS))
    [(idle, _)] = await _lost(bench, outcome, at_rest)
    try:
        for element in captures_of(edge):
            refuse_clipped(outcome, element)
        line = await _line(p, outcome)
    except FitFailed as error:
        seen = Series("without gates", np.zeros(1), np.array([idle]))
        record_failure(outcome, edge.name, _panel(edge, (seen,)), str(error))
        return
    scans = [await _scan(line, outcome, p.gate_ns + more, idle) for more in (0, STEP_NS)]
    tried, refused = [], []
    for scan in scans:
        try:
            tried.append(await _best(line, outcome, scan))
        except FitFailed as error:
            refused.append(f"gates of {scan.duration_ns} ns: {error}")
    best = min(tried, key=lambda one: one.cost, default=None)
    if best is not None:
        outcome.notes += [f"{edge.name} goes without {one}" for one in refused]

    def raw() -> Panel:
        series = tuple(
            Series(f"{one.duration_ns} ns", np.array([x.away for x in one.pairs]), one.lost)
            for one in scans
        )
        return _panel(edge, series)

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(np.concatenate([one.lost for one in scans]))
        if best is None:
            raise FitFailed("; ".join(refused))
        drawn = tuple(one.curve for one in tried)
        step = 0.1 * line.rate_hz / abs(slope_hz(p, p.gate_amplitude))
        values = {
            "gate_amplitude": Measured(best.pair.amplitude, step, "1"),
            "gate_gap_level": Measured(best.pair.level, 0.02, "1"),
            "gate_duration": Measured(best.duration_ns * 1e-9, STEP_NS * 1e-9 / 12**0.5, "s"),
        }
        text = f"least is lost {best.pair.away:+.2f} rates away in {best.duration_ns} ns, at "
        text += "{gate_amplitude} with {gate_gap_level} in the gap"
        return values, panel.fitted(*drawn, text=text, judged=False)

    async def verify(_: Mapping[str, Measured]) -> Panel:
        if best is None:
            raise FitFailed("there is no pair to be measured anew")
        return await _verify(outcome, edge, best, idle)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


async def _verify(outcome: Outcome, edge: Edge, best: _Best, idle: float) -> Panel:
    """Measure what another number of gates loses. Raises FitFailed where it is more."""
    bench = best.pair.p.bench
    anew = _Losing(best.pair, best.duration_ns, CHECK_GATES, bench.shots(CHECK_SHOTS))
    [(lost, sigma)] = await _lost(bench, outcome, anew)
    if lost > idle + best.lost + LIKE + 5 * sigma:
        raise FitFailed(
            f"measured anew, {CHECK_GATES} gates lose {lost * 100:.1f} % of 1, where {GATES} were "
            f"found to lose {(idle + best.lost) * 100:.1f} %: the level is not believed"
        )
    points = Series("measured anew", np.array([best.pair.away]), np.array([lost]))
    text = f"measured anew: {CHECK_GATES} gates lose {lost * 100:.2f} %"
    return replace(_panel(edge, (points,)), text=text, judged=False)


def _panel(edge: Edge, series: tuple[Series, ...]) -> Panel:
    return Panel(edge.element, "detuning (rates of exchange)", "lost from 1", series)


GATE_LEVEL = Declaration(
    gate_level,
    targets="edges",
    gates=("cz",),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "gate_duration", "gate_gap", "gate_gap_level", "exchange"),
    ),
    refines=("gate_amplitude", "gate_duration", "gate_gap_level"),
    places=(37,),
    cost_s=4.0,
)
