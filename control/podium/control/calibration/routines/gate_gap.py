"""Finds the gap between a gate's halves, and the flux in it, that set the conditional phase."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice, product
from math import hypot
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.gate_budget import decoherence, leaked, swapped
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.gate_losses import LOSS, SWAP, GateLosses
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.sequences import Pulses
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import Program, Statement

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
GAPS_NS = tuple(range(10))
SHOTS = 250
HALF = 0.5
SURELY = 0.015
"""Turns within which a gap at 0 does: what is left goes into the gate's amplitude, and 0.034 turns
cost 0.4 % of leakage there, and hide the duration after which least is left in 20."""
FARTHEST = 0.15
"""A phase that is farther from half a turn is not believed; the amplitude's scan ends there."""
SLOW_NS = 4
"""The shortest gap with a level: each of its halves has to last for more than a line blurs."""
NEAREST = 0.5
"""Of the way from the sweet spot to where 11 and 20 meet: the level in a gap goes no farther."""
LEVEL_SIGMA = 1e-3
"""What a level is set to, and no finer: the amplitude's scan takes out the rest."""
LEVELS_ABOUT = (-0.2, -0.1, 0.0, 0.1, 0.2)
"""Levels in a gap are tried that should leave so much of half a turn: the arc alone does not know
what a line makes of some nanoseconds."""
SCATTERED = 25.0
SWAPS = 6
"""Gates in a row behind which what passes from 10 to 01 is looked at."""
SWAP_SHOTS = 800
LOSSES = 4
"""Gates in a row behind which what 11 has lost is looked at."""
LOSS_SHOTS = 2000
"""At each wait: leakage costs 0.02 % then, give or take."""
SURE_SHOTS = 1000
"""Of what others are compared with, and where one level is tried: 250 tell 0.012 turns."""


async def gate_gap(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey on the end at rest, the other in 0 and in 1, over the gap of one net-zero pulse.

    Between the halves all of 11 is in 20, whose phase goes on while the moved end passes its sweet
    spot. Needs :func:`chevron`. Stores ``gate_gap`` (s), whole ns, where the conditional phase is
    half a turn, and ``gate_gap_level`` (of the halves' height): in a gap of even length both halves
    of it are at a level at which 20 turns more slowly where 0 does not leave half a turn (Negîrneac
    et al., Phys. Rev. Lett. 126, 220502 (2021)); five levels about that of the arc are tried. Of
    all such gaps that which costs least is taken, by what passes from 10 to 01, measured behind
    six gates, by how long it lasts and, where it has no room for a level by which
    :func:`.gate_level` could take that back, by what 11 loses in it. Ramsey on the other end has to
    agree.
    """
    outcome = Outcome("gate_gap", "Gap of the gate")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


def has_room(gap_ns: int) -> bool:
    """Return whether both halves of a gap last for long enough to be at a level."""
    return gap_ns >= SLOW_NS and gap_ns % 2 == 0


def _gates(own: EdgePulses, slot_ns: int) -> list[Statement]:
    pulse, rest = own.pulse(own.gate_amplitude, own.gate_ns), own.settling(own.gate_ns, slot_ns)
    return own.one_by_one([[], [pulse, rest]])


@dataclass(frozen=True, slots=True)
class _Ramsey:
    """Measures the conditional phase of an end behind a gate with a gap; None: without a gate."""

    target: Pulses
    gap_ns: int | None
    level: float = 0.0
    shots: int = SHOTS

    def program(self, p: EdgePulses) -> Program:
        """Return its program."""
        gates: list[Statement] = []
        if self.gap_ns is not None:
            own = replace(p, between_ns=self.gap_ns, gap_level=self.level)
            gates = _gates(own, p.slot_ns(p.gate_ns + max(GAPS_NS)))
        said = "none" if self.gap_ns is None else f"{self.gap_ns} ns"
        shots = p.bench.shots(self.shots)
        return phase_program(p, self.target, gates, shots, f"gap of the gate, {said}")


async def _conditional(p: EdgePulses, outcome: Outcome, *every: _Ramsey) -> list[Fringes]:
    """Run some of them."""
    data = await p.bench.run_all(outcome, (one.program(p) for one in every))
    return [
        Fringes(p, one.target, seen, p.bench.shots(one.shots))
        for one, seen in zip(every, data, strict=True)
    ]


def _turns(rows: list[Fringes], none: Fringes) -> tuple[Array, Array]:
    """Return conditional phases near half a turn, and their sigmas."""
    found = np.array([row.conditional() for row in rows])
    rest, rest_sigma = none.conditional()
    turns, sigma = found[:, 0] - rest, np.hypot(found[:, 1], rest_sigma)
    return nearest_turn(turns, HALF), sigma


@dataclass(frozen=True, slots=True)
class _Gap:
    """A gap that leaves half a turn, by the phases of gaps at 0."""

    p: EdgePulses
    gap_ns: int
    wanted: float
    """By how much 20 has to turn more slowly in it than at the sweet spot, turns a nanosecond; 0 of
    a gap at 0."""

    @classmethod
    def of(cls, p: EdgePulses, above: Array) -> "list[_Gap]":
        """Return all of them; without one, the gap at 0 that comes nearest.

        ``above``: by how much each gap at 0 leads beyond half a turn, turns.
        """
        rate = float(p.detuning_hz(np.zeros(1))[0]) * 1e-9
        away = np.abs(nearest_turn(above, 0.0))
        found = [cls(p, gap, 0.0) for gap in GAPS_NS if away[gap] < SURELY]
        for gap, whole in product(filter(has_room, GAPS_NS), (0, 1)):
            wanted = (whole + float(above[gap]) % 1.0) / gap
            if wanted <= NEAREST * rate and (whole or away[gap] >= SURELY):
                found.append(cls(p, gap, wanted))
        return found or [cls(p, int(np.argmin(away)), 0.0)]

    @property
    def pulses(self) -> EdgePulses:
        """The edge with this gap, at the level of the arc."""
        level = float(self.levels(np.zeros(1))[0]) if self.wanted else 0.0
        return replace(self.p, between_ns=self.gap_ns, gap_level=level)

    def levels(self, left: Array) -> Array:
        """Return the levels that leave so much of half a turn, by the arc, turns."""
        levels = np.linspace(0.0, 1.0, 201)
        detuning = self.p.detuning_hz(levels * self.p.gate_amplitude) * 1e-9
        return np.interp(self.wanted - left / self.gap_ns, detuning[0] - detuning, levels)

    @property
    def tried(self) -> Array:
        """Levels about the arc's should leave so much of half a turn; at 0 it is the most.

        Of a gap at 0 there is one.
        """
        return np.minimum(LEVELS_ABOUT if self.wanted else (0.0,), self.wanted * self.gap_ns)

    def best(self, turns: Array, sigma: Array) -> tuple[float, float]:
        """Return the level that leaves least, and what that is, turns.

        ``turns``: measured at what :attr:`tried` leaves.
        """
        left = self.tried
        if left.size == 1:
            return 0.0, float(nearest_turn(turns, HALF)[0]) - HALF
        slope, start = np.polyfit(left, nearest_turn(turns - left, HALF) - HALF, 1, w=1 / sigma)
        nothing = np.clip(-start / max(1.0 + slope, HALF), left[0], left[-1])
        return float(self.levels(np.array([nothing]))[0]), float(start + (1 + slope) * nothing)


def _line(p: EdgePulses, turns: Array, sigma: Array) -> Array:
    """Return the phase over the gap, as that of 20 at the sweet spot goes on; raises FitFailed."""
    at = np.array(GAPS_NS, float)
    rate = float(p.detuning_hz(np.zeros(1))[0]) * 1e-9
    off = nearest_turn(turns - rate * at, float(turns[0]))
    first = np.angle(np.sum(np.exp(2j * np.pi * off))) / (2 * np.pi)
    left = nearest_turn(off - first, 0.0)
    slope, start = np.polyfit(at, left, 1, w=1 / sigma)
    line: Array = first + start + (rate + slope) * at
    scatter = nearest_turn(turns - line, 0.0) / np.hypot(sigma, 0.02)
    if np.sum(scatter**2) > SCATTERED * (at.size - 2):
        raise FitFailed("the phase does not go with the gap as that of 20 at the sweet spot")
    return line


@dataclass(frozen=True, slots=True)
class _Cost:
    """Measures what a gap costs by what passes from 10 to 01, by its length, and by leakage.

    Of a gap with room for a level leakage is left out: :func:`.gate_level` takes it back.
    """

    p: EdgePulses
    """The edge with the gap."""
    leaks: bool

    @classmethod
    def of(cls, gap: _Gap) -> "_Cost":
        """Return that of a gap."""
        return cls(gap.pulses, not has_room(gap.gap_ns))

    @property
    def looks(self) -> tuple[tuple[GateLosses, float, int], ...]:
        """Return the gates in a row, the amplitude and the shots of each of its programs."""
        p = self.p
        swaps, losses = GateLosses(p, SWAPS, (SWAP,)), GateLosses(p, LOSSES, (LOSS,))
        shots = p.bench.shots(LOSS_SHOTS)
        leaking = [(losses, amplitude, shots) for amplitude in (p.gate_amplitude, 0.0)]
        return (swaps, p.gate_amplitude, p.bench.shots(SWAP_SHOTS)), *leaking * self.leaks

    def programs(self) -> Iterator[Program]:
        """Yield its programs."""
        slot_ns = self.p.slot_ns(self.p.gate_ns)
        for losses, amplitude, shots in self.looks:
            yield losses.program(amplitude, self.p.gate_ns, slot_ns, shots)

    def found(self, data: "Sequence[xarray.Dataset]") -> float:
        """Return what it costs, of the average fidelity."""
        p = self.p
        (swaps, _, shots), *leaking = self.looks
        gained, sigma = swaps.swapped(swaps.signal(data[0]), shots)
        lost = 0.0
        if leaking:
            each = [
                losses.lost(losses.signal(one), many)
                for (losses, _, many), one in zip(leaking, data[1:], strict=True)
            ]
            (most, doubt), (idle, other) = each
            lost = max(leaked(most, idle, hypot(doubt, other), LOSSES).value, 0.0)
        t1, t2 = (
            tuple(Measured(p.bench.best(one.qubit, name), 0.0, "s") for one in p.both)
            for name in ("t1", "t2_echo")
        )
        at_rest = decoherence(p.slot_ns(p.gate_ns) * 1e-9, t1, t2)
        return swapped(gained, 0.0, sigma, SWAPS).value + at_rest.value + lost


async def _costs(bench: Bench, outcome: Outcome, gaps: Sequence[_Gap]) -> list[float]:
    """Return what gaps cost; where there is one alone, nothing is measured."""
    if len(gaps) < 2:
        return [0.0]
    costs = [_Cost.of(gap) for gap in gaps]
    every = await bench.run_all(outcome, chain.from_iterable(one.programs() for one in costs))
    data = iter(every)
    return [one.found(list(islice(data, len(one.looks)))) for one in costs]


async def _best_gap(
    p: EdgePulses, outcome: Outcome, rows: list[Fringes], none: Fringes
) -> tuple[_Gap, list[Fringes]] | None:
    """Return the gap that costs least, and phases at levels in it; None: no phase was seen.

    A level that leaves more than :data:`SURELY` is none, and neither is 0, unless all do: a line
    makes of it what the arc does not know.
    """
    try:
        away = nearest_turn(_line(p, *_turns(rows, none)) - HALF, 0.0)
    except FitFailed:  # told with what was measured, behind it
        return None
    gaps = _Gap.of(p, away)
    costs = await _costs(p.bench, outcome, gaps)
    cheapest: tuple[_Gap, list[Fringes]] | None = None
    for k in np.argsort(costs).tolist():
        gap = gaps[k]
        levels = gap.levels(gap.tried).tolist() if gap.wanted else [0.0]
        shots = SHOTS if gap.wanted else SURE_SHOTS
        every = [_Ramsey(p.still, gap.gap_ns, level, shots) for level in levels]
        phases = await _conditional(p, outcome, *every)
        cheapest = cheapest or (gap, phases)
        if abs(gap.best(*_turns(phases, none))[1]) < SURELY:
            return gap, phases
    return cheapest


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    p.refuse_shaped()
    every = [_Ramsey(p.still, gap) for gap in GAPS_NS]
    without = _Ramsey(p.still, None, shots=SURE_SHOTS)
    *rows, none = await _conditional(p, outcome, *every, without)
    at = np.array(GAPS_NS, float)
    tried = await _best_gap(p, outcome, rows, none)

    def raw() -> Panel:
        signal = [one.data[f"{p.still.qubit.element}_i"].values.ravel()[0] * 1e3 for one in rows]
        points = Series("first phase", at, np.array(signal, float))
        return Panel(edge.element, "gap (ns)", "signal (mV)", (points,))

    def fit(_: Edge, panel: Panel) -> Found:
        look_at(np.array([one.data[f"{p.still.qubit.element}_i"].values for one in rows]))
        turns, sigma = _turns(rows, none)
        line = _line(p, turns, sigma)
        if tried is None:
            raise FitFailed("the phase was not seen before it was fitted anew")
        best, seen = tried
        gap, (level, left) = best.gap_ns, best.best(*_turns(seen, none))
        text = f"{gap} ns at {level:.3f} of the halves' height leave {left:+.3f} turns"
        values = {
            "gate_gap": Measured(gap * 1e-9, 1e-10, "s"),
            "gate_gap_level": Measured(level, LEVEL_SIGMA, "1"),
        }
        series = (
            Series("data", at, turns),
            Series("20 at its sweet spot", at, nearest_turn(line, HALF), line=True),
        )
        label = "conditional phase (turns)"
        return values, replace(panel, y_label=label, series=series, text=text, judged=False)

    async def verify(found: Mapping[str, Measured]) -> Panel:
        gap, level = round(found["gate_gap"].value * 1e9), found["gate_gap_level"].value
        both = (_Ramsey(p.moved, gap, level), _Ramsey(p.moved, None, level, SURE_SHOTS))
        again = await _conditional(p, outcome, *both)
        turns, sigma = _turns(again[:1], again[1])
        if not abs(float(turns[0]) - HALF) < FARTHEST + 5 * float(sigma[0]):
            raise FitFailed(
                f"measured anew on {p.moved.qubit.element}, a gap of {gap} ns gives "
                f"{float(turns[0]):.3f} ± {float(sigma[0]):.3f} turns: it is not believed"
            )
        points = Series(f"on {p.moved.qubit.element}", np.array([float(gap)]), turns)
        text = f"on {p.moved.qubit.element}: {float(turns[0]):.3f} ± {float(sigma[0]):.3f} turns"
        return Panel(edge.element, "gap (ns)", "phase (turns)", (points,), text=text, judged=False)

    await analyse_verified(bench, outcome, edge, raw, fit, verify)


GATE_GAP = Declaration(
    gate_gap,
    targets="edges",
    gates=("cz",),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS),
        *("gate_amplitude", "gate_duration"),
    ),
    gives={"gate_gap": Lifetime(7 * DAY_S), "gate_gap_level": Lifetime(7 * DAY_S)},
    places=(15, 35),
    cost_s=3.0,
)
