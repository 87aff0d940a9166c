"""Shapes a CZ's pulse ns by ns for its chip, and keeps it where it errs less than before.

What gates were seen to do says which chips are possible (:mod:`..pulse_design`); a pulse that is
shaped for them is played, what it does says more, and the next one is better. The square halves of
a net-zero pulse swing past levels beside their own, and last whole steps; samples are freer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, LEVELS, READOUT_SETTINGS, Declaration
from podium.control.calibration.edge_pulses import FULL, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.gate_budget import STATES, decoherence
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.ramsey_phase import nearest_turn
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.gate_model import GateModel, PairLevels
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.pulse_design import ChipBelief, Trial, learned, shaped
from podium.control.calibration.routine import (
    Found,
    analyse_verified,
    record_failure,
    refuse_clipped,
)
from podium.control.calibration.routines.chevron import growth_of
from podium.control.calibration.routines.phase_compensation import (
    check_phases,
    counted_fringes,
    own_phases,
)
from podium.control.calibration.target import captures_of
from podium.control.client.gate_slot import GRID_NS, SETTLE_NS
from podium.control.client.gates import MOST_SAMPLES, SAMPLES
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime

Array = NDArray[np.float64]
ROUNDS = 2
"""Shapes that are tried, each by what was seen of those before."""
SCALES = (1.0, 1.003, 0.997)
"""Heights at which one is played, of its own."""
GATES, PHASE_GATES, FINE_GATES = 4, 3, 5
"""In a row, of which losses are taken, a trial's phase, and the phase that sets the height."""
SHOTS, PHASE_SHOTS = 800, 600
COMPARED_GATES, COMPARED_SHOTS, COMPARED_RUNS, MOST_RUNS = 6, 1000, 4, 12
"""Of the shaped pulse and that before, in turns, so that drift is in both alike; at most."""
CLEAR = 2.5
"""Sigmas of the gain, or of a loss, beyond which no further runs are made: a good gate of square
halves leaves 0.02 % to gain, and the first runs tell 0.015 %."""
SWAP_LEFT = 5e-4
LOSS_LEFT = 1e-3
"""Of what a pulse of square halves swaps and loses: what the sum over waits has of interference."""
HEIGHT_SIGMA = 1e-4
"""Of a sample: what an output of 14 bits sets it to, and more."""
HALF = 0.5


async def gate_shape(bench: Bench, edges: tuple[Edge, ...]) -> Outcome:
    """Ramsey and losses of gates whose pulses are shaped sample by sample, each by those before.

    Needs a calibrated gate of square halves. Stores ``gate_samples`` and ``gate_sample1`` ... (1),
    of the height ``gate_amplitude``, with ``gate_duration``, ``gate_gap`` (s), ``phase_first`` and
    ``phase_second``, where the gate then errs less by loss, swap and decoherence than before, by
    more than one sigma; else the gate stays. Gates with their frames turned have to agree.
    """
    outcome = Outcome("gate_shape", "Shape of the gate")
    for edge in edges:
        await _of_edge(bench, outcome, edge)
    return outcome


@dataclass(frozen=True, slots=True)
class _Pulse:
    """A pulse by its samples, with the edge that plays it."""

    p: EdgePulses
    height: float
    samples: Array
    """Of full scale."""

    @classmethod
    def of(cls, p: EdgePulses, samples: Array) -> "_Pulse":
        """Return the edge's pulse of these samples, of full scale."""
        height = float(np.abs(samples).max())
        own = replace(p, samples=tuple((samples / height).tolist()), between_ns=0)
        return cls(own, height, samples)

    @property
    def lasts_ns(self) -> int:
        """Return how long it lasts, its gap apart."""
        return self.samples.size - self.p.gap_ns

    @property
    def slot_ns(self) -> int:
        """Return how long its gate lasts."""
        return self.p.slot_ns(self.lasts_ns)


@dataclass(slots=True, eq=False)
class _Shaping:
    """Holds what was seen of pulses of one edge."""

    p: EdgePulses
    outcome: Outcome
    levels: PairLevels
    meeting: float
    trials: list[Trial] = field(default_factory=list)
    idle: dict[int, tuple[float, float, float, float]] = field(default_factory=dict)
    rest: tuple[float, float] = (0.0, 0.0)

    async def begin(self, old: _Pulse) -> None:
        """Look at the gate as it is. Raises FitFailed and NotMeasured."""
        fringes = await self._fringes(None, 0, 2 * PHASE_SHOTS)
        for element in captures_of(self.p.edge):
            refuse_clipped(self.outcome, element)
        turns, sigma = fringes.conditional()
        self.rest = float(turns.ravel()[0]), float(sigma.ravel()[0])
        await self.look(old, HALF)

    async def look(self, pulse: _Pulse, expected: float) -> None:
        """Play a pulse, and keep what it did; ``expected``: its conditional phase, about, turns.

        Raises FitFailed and NotMeasured.
        """
        slot = pulse.slot_ns
        if slot not in self.idle:
            self.idle[slot] = await self._losses(replace(pulse, height=0.0), 2 * SHOTS)
        found, none = await self._losses(pulse, SHOTS), self.idle[slot]
        lost, swapped = (
            Measured(
                (found[k] - none[k]) / GATES,
                hypot(found[k + 1] / GATES, none[k + 1] / GATES, left),
                "1",
            )
            for k, left in ((0, LOSS_LEFT), (2, SWAP_LEFT))
        )
        turns = await self.phase(pulse, PHASE_GATES, expected, PHASE_SHOTS)
        self.trials.append(Trial(tuple(pulse.samples.tolist()), turns, lost, swapped))

    async def phase(self, pulse: _Pulse, gates: int, expected: float, shots: int) -> Measured:
        """Return the conditional phase of one pulse, by so many in a row, turns."""
        fringes = await self._fringes(pulse, gates, shots)
        turns, sigma = (float(one.ravel()[0]) for one in fringes.conditional())
        whole = float(nearest_turn(np.array([turns - self.rest[0]]), gates * expected)[0])
        return Measured(whole / gates, hypot(sigma, self.rest[1]) / gates, "1")

    async def _fringes(self, pulse: _Pulse | None, gates: int, shots: int) -> Fringes:
        p = self.p if pulse is None else pulse.p
        played = [] if pulse is None else p.flux_gate(pulse.height, pulse.lasts_ns) * gates
        shots = p.bench.shots(shots)
        program = phase_program(p, p.still, played, shots, f"conditional phase of {gates}")
        return Fringes(p, p.still, await p.bench.run(self.outcome, program), shots)

    async def _losses(self, pulse: _Pulse, shots: int) -> tuple[float, float, float, float]:
        """Return what 11 loses and 10 passes on in :data:`GATES` gates, each with its sigma."""
        losses, shots = GateLosses(pulse.p, GATES), self.p.bench.shots(shots)
        program = losses.program(pulse.height, pulse.lasts_ns, pulse.slot_ns, shots)
        signal = losses.signal(await self.p.bench.run(self.outcome, program))
        return *losses.lost(signal, shots), *losses.swapped(signal, shots)

    def belief(self) -> ChipBelief:
        """Return which chips are possible. Raises FitFailed."""
        return learned(self.levels, self.meeting, self.trials)

    def at_rest(self, slot_ns: int) -> Measured:
        """Return what decoherence costs in a slot."""
        t1, t2 = (
            tuple(Measured(self.p.bench.best(one.qubit, name), 0.0, "s") for one in self.p.both)
            for name in ("t1", "t2_echo")
        )
        return decoherence(slot_ns * 1e-9, t1, t2)

    def best(self, belief: ChipBelief) -> _Pulse:
        """Return the pulse of the least error, of those lengths that are worth a look."""
        shortest = self.shortest_ns(belief)
        found = []
        for slot in (shortest, shortest + GRID_NS):
            count = slot - SETTLE_NS
            if count > 2 * MOST_SAMPLES:
                break
            samples, error = shaped(belief, count, FULL)
            found.append((error + self.at_rest(slot).value, count, _Pulse.of(self.p, samples)))
        if not found:
            raise FitFailed(f"a pulse of {shortest} ns has more samples than are kept")
        return min(found, key=lambda one: one[:2])[2]

    def shortest_ns(self, belief: ChipBelief) -> int:
        """Return the shortest slot in which 11 goes to 20 and back at full speed."""
        back_ns = 1e9 / (2 * sqrt(2) * belief.levels.exchange_hz * belief.fit.values["exchange"])
        return GRID_NS * int(np.ceil((back_ns + SETTLE_NS) / GRID_NS))


def _levels(p: EdgePulses) -> tuple[PairLevels, float]:
    """Return the edge's levels as stored, and the amplitude at which 11 and 20 meet, about."""
    known, qubits = p.bench.known, (p.moved.qubit, p.still.qubit)
    top, still = (known(one, "f01").value for one in qubits)
    bends = tuple(p.bench.best(one, "anharmonicity") for one in qubits)
    levels = PairLevels(
        top,
        still,
        (bends[0], bends[1]),
        known(p.edge, "exchange").value * growth_of(p.edge) / sqrt(2),
        1.0,  # by the meeting, see draw_of
        p.bench.design(p.moved.qubit, "asymmetry").value,
    )
    return levels, p.gate_amplitude


def _old(p: EdgePulses) -> _Pulse:
    """Return the gate of square halves as it is."""
    half, gap = p.gate_ns // 2, p.gap_ns
    level = p.bench.measured(p.edge, "gate_gap_level") or 0.0
    ratio = p.bench.measured(p.edge, "gate_ratio") or 1.0
    first = np.concatenate([np.ones(half), np.full(gap // 2, level)])
    second = -ratio * np.concatenate([np.full(gap - gap // 2, level), np.ones(half)])
    return _Pulse(p, p.gate_amplitude, p.gate_amplitude * np.concatenate([first, second]))


@dataclass(frozen=True, slots=True)
class _Comparison:
    """Holds what two gates cost."""

    gain: Measured
    """By how much the shaped one errs less."""
    slots_ns: tuple[int, int]
    """Of the gate before, and of the shaped one."""
    spent: tuple[float, float]
    """What they lose and swap, as :meth:`.GateLosses.spent` has it."""

    @property
    def said(self) -> str:
        """Return it in words."""
        before, behind = self.slots_ns
        return (
            f"in {behind} ns in place of {before} ns it errs by "
            f"{100 * self.gain.value:+.3f} ± {100 * self.gain.sigma:.3f} % less"
        )


async def _compared(shaping: _Shaping, old: _Pulse, new: _Pulse) -> _Comparison:
    """Measure both gates in turns until it is clear which errs less. Raises NotMeasured."""
    p, outcome = shaping.p, shaping.outcome
    shots = p.bench.shots(COMPARED_SHOTS)
    seen: list[list[NDArray[np.complex128]]] = [[], []]
    while True:
        for found, pulse in zip(seen, (old, new), strict=True):
            losses = GateLosses(pulse.p, COMPARED_GATES)
            program = losses.program(pulse.height, pulse.lasts_ns, pulse.slot_ns, shots)
            found.append(losses.signal(await p.bench.run(outcome, program)))
        if len(seen[0]) < COMPARED_RUNS:
            continue
        compared = _comparison(shaping, (old.slot_ns, new.slot_ns), seen, shots)
        clear = abs(compared.gain.value) > CLEAR * compared.gain.sigma
        if clear or len(seen[0]) == MOST_RUNS:
            return compared


def _comparison(
    shaping: _Shaping,
    slots_ns: tuple[int, int],
    seen: Sequence[Sequence[NDArray[np.complex128]]],
    shots: int,
) -> _Comparison:
    """Return what runs of both gates, of so many shots each, say. Raises NotMeasured."""
    p = shaping.p
    losses = GateLosses(p, COMPARED_GATES)
    (before, doubt), (behind, other) = (
        losses.spent(np.mean(found, axis=0), shots * len(found)) for found in seen
    )
    shorter_ns = slots_ns[0] - slots_ns[1]
    relaxed = COMPARED_GATES * shorter_ns * 1e-9 / p.bench.best(p.still.qubit, "t1")
    gain = (before - behind - relaxed) / COMPARED_GATES / STATES
    gain += shaping.at_rest(slots_ns[0]).value - shaping.at_rest(slots_ns[1]).value
    sigma = hypot(doubt, other) / COMPARED_GATES / STATES
    return _Comparison(Measured(gain, sigma, "1"), slots_ns, (before, behind))


async def _tuned(shaping: _Shaping, belief: ChipBelief, pulse: _Pulse) -> _Pulse:
    """Return a pulse at the height at which the phase of several is half a turn each."""
    model = GateModel([belief.likeliest(pulse.samples.size)])
    [low], [high] = (model.played(pulse.samples * by) for by in (0.999, 1.001))
    slope = float(nearest_turn(np.array([high.conditional - low.conditional]), 0.0)[0]) / 0.002
    turns = await shaping.phase(pulse, FINE_GATES, HALF, 2 * PHASE_SHOTS)
    if abs(turns.value - HALF) > 0.5 / FINE_GATES or abs(slope) < 1.0:
        raise FitFailed(
            f"the shaped pulse turns 11 by {turns.value:.3f} turns, and should by half of one"
        )
    scale = 1 + (HALF - turns.value) / slope
    return replace(pulse, height=pulse.height * scale, samples=pulse.samples * scale)


async def _shaped(shaping: _Shaping) -> _Pulse:
    """Return the pulse that is left after all rounds. Raises FitFailed and NotMeasured."""
    old = _old(shaping.p)
    await shaping.begin(old)
    belief = shaping.belief()
    for _ in range(ROUNDS):
        pulse = shaping.best(belief)
        model = GateModel([belief.likeliest(pulse.samples.size)])
        for scale in SCALES:
            samples = pulse.samples * scale
            expected = model.played(samples)[0].conditional
            if np.abs(samples).max() < FULL:
                await shaping.look(_Pulse.of(shaping.p, samples), expected)
        belief = shaping.belief()
    return await _tuned(shaping, belief, shaping.best(belief))


async def _of_edge(bench: Bench, outcome: Outcome, edge: Edge) -> None:
    p = EdgePulses.of(bench, edge)
    p.refuse_shaped()
    shaping = _Shaping(p, outcome, *_levels(p))
    panel = Panel(edge.element, "time (ns)", "pulse (of full scale)")
    old = _old(p)
    try:
        pulse = await _shaped(shaping)
        compared = await _compared(shaping, old, pulse)
    except FitFailed as error:
        record_failure(outcome, edge.name, panel, str(error))
        return
    drawn = tuple(
        Series(name, np.arange(one.samples.size, dtype=float), one.samples, line=True)
        for name, one in (("before", old), ("shaped", pulse))
    )
    panel = replace(panel, series=drawn, text=compared.said, judged=False)
    if compared.gain.value <= compared.gain.sigma:
        outcome.notes.append(f"{edge.name} keeps its gate: shaped, {compared.said}")
        outcome.panels.append(panel)
        return
    fringes = await counted_fringes(pulse.p, outcome, pulse.height, pulse.lasts_ns)

    def fit(_: Edge, raw: Panel) -> Found:
        look_at(pulse.samples)
        return _stored(pulse) | own_phases(fringes)[0], raw

    async def verify(found: Mapping[str, Measured]) -> Panel:
        return await check_phases(pulse.p, outcome, pulse.height, pulse.lasts_ns, found)

    await analyse_verified(bench, outcome, edge, lambda: panel, fit, verify)


def _stored(pulse: _Pulse) -> dict[str, Measured]:
    """Return what is stored of a pulse."""
    half = pulse.samples[: pulse.samples.size // 2] / pulse.height
    found = {
        "gate_amplitude": Measured(pulse.height, HEIGHT_SIGMA, "1"),
        "gate_duration": Measured(pulse.samples.size * 1e-9, 1e-10, "s"),
        "gate_gap": Measured(0.0, 1e-10, "s"),
        "gate_samples": Measured(float(half.size), HEIGHT_SIGMA, "1"),
    }
    for name, one in zip(SAMPLES, half.tolist(), strict=False):
        found[name] = Measured(one, HEIGHT_SIGMA, "1")
    return found


GATE_SHAPE = Declaration(
    gate_shape,
    targets="edges",
    gates=("cz",),
    turns_of=(),
    needs=(
        *("sweet_spot", *DRIVE, *READOUT_SETTINGS, *LEVELS, "anharmonicity", "t1", "t2_echo"),
        *("exchange", "gate_amplitude", "gate_duration", "gate_gap"),
    ),
    gives={name: Lifetime(1 * DAY_S) for name in ("gate_samples", *SAMPLES)},
    refines=("gate_amplitude", "gate_duration", "gate_gap", "phase_first", "phase_second"),
    places=(),
    cost_s=12.0,
)
