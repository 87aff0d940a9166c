"""Measures what a gate's pulse takes out of 1, and from end to end, amplified by pulses in a row.

Between pulses there are waits, over which the mean is taken: what one pulse leaves in a state
outside meets what the next one leaves at a phase that the wait decides, and the mean is the sum of
what each leaves by itself. So it is with what passes from 10 to 01.

A pulse that moves an end loses to 20 from 11 alone, which the end at rest sees; that end sees what
comes to it from 10, too. One that moves a coupler loses to the coupler as well, whichever end is in
1, and that end alone sees it: 10, 01 and 11 are looked at, at both ends. What 11 loses to 20 is
seen by both and counts twice there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.edge_flux import coupler_arc, pulsed_coupler, rest_v
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.gate_budget import STATES, SWAP_COSTS
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import GRID_NS, Pulses
from podium.control.program.program import Affine, Axis, Delay, Program, Statement, Table, Variable

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
WAITS = 5
"""Points at least, and one more than gates: fewer do not spread a phase over a turn."""
COUPLER_WAITS = 12
LONGEST_WAIT_NS = 16
KNOWN_HZ = 1e6
"""To which detunings of both ends at rest are known: of 20 from 11 the shift of their excitations
is part, and lines leave some flux."""
DOUBT_HZ = 60e6
"""So far a coupler may be from where its design has it."""
PLACES = 5
"""Detunings within a doubt that are looked at."""
DRAWS = 300
BOTH = ((1.0, 0.0), (0.0, 1.0), (1.0, 1.0))
LOSS, SWAP = "loss", "swap"
"""What is looked at: what 11 loses, and what passes from the moved end to that at rest."""
Weight = Callable[[tuple[float, float], int], float]
"""Of what an end has lost, by the states that both were prepared in and the end."""


@lru_cache(maxsize=32)
def drawn_waits_ns(
    apart_hz: tuple[tuple[float, float], ...], gates: int, points: int
) -> tuple[tuple[int, ...], ...]:
    """Return waits behind each gate but the last, at each point, (gates - 1, points).

    Those of :data:`DRAWS` drawn ones with the least interference, in the mean over detunings and at
    worst over the phase that a gate adds: equal steps, which spread one detuning best, add
    everything up half a megahertz beside it. ``apart_hz``: detunings, each with its doubt. No waits
    help where one is a multiple of 1 GHz: at worst over detunings it would decide alone.
    """
    off = np.linspace(-1.0, 1.0, PLACES)
    rng = np.random.default_rng(1)
    drawn = rng.integers(0, LONGEST_WAIT_NS + 1, (DRAWS, points, gates - 1))
    uneven = np.zeros(DRAWS)
    for hz, doubt_hz in apart_hz:
        for one in (hz + doubt_hz * off).tolist():
            uneven += interference(drawn, one) ** 2
    best = drawn[int(np.argmin(uneven))]
    return tuple(tuple(int(one) for one in gap) for gap in best.T)


def interference(waits: NDArray[np.int64], apart_hz: float) -> Array:
    """Return by how much the sum of what gates lose is off, at worst, as a share of it.

    ``waits`` (..., points, gates - 1), ns: behind each gate but the last.
    """
    begins = np.concatenate([np.zeros((*waits.shape[:-1], 1)), np.cumsum(waits, axis=-1)], axis=-1)
    turned = np.exp(2j * np.pi * apart_hz * 1e-9 * begins)
    gates = begins.shape[-1]
    apart = np.arange(1, gates)
    mean = np.stack(
        [
            (turned[..., m:] * np.conj(turned[..., :-m])).sum(axis=-1).mean(axis=-1)
            for m in apart.tolist()
        ],
        axis=-1,
    )
    added = np.exp(2j * np.pi * np.outer(apart, np.arange(24) / 24))
    return np.asarray(np.abs(2 / gates * (mean @ added).real).max(axis=-1))


@dataclass(frozen=True, slots=True)
class GateLosses:
    """Lays out so many pulses in a row on an edge, and tells what they lose and take across."""

    p: EdgePulses
    gates: int
    kinds: tuple[str, ...] = (LOSS, SWAP)
    """What is looked at of a pulse that moves an end; of a coupler's, everything."""

    @property
    def states(self) -> tuple[tuple[float, float], ...]:
        """States that the first and the second end are prepared in."""
        if self.p.by_coupler:
            return BOTH
        states = {LOSS: BOTH[-1], SWAP: BOTH[self.p.both.index(self.p.moved)]}
        return tuple(states[kind] for kind in self.kinds)

    @property
    def read(self) -> tuple[Pulses, ...]:
        """The ends that are looked at."""
        return self.p.both if self.p.by_coupler else (self.p.still,)

    def waits_ns(self) -> tuple[tuple[int, ...], ...]:
        """Return the waits behind each pulse, at each point of all states. Raises NotMeasured."""
        p, best = self.p, self.p.bench.best
        coupler = pulsed_coupler(p.bench, p.edge)
        swap_hz = best(p.moved.qubit, "f01") - best(p.still.qubit, "f01")
        if coupler is None:
            apart_hz = {LOSS: p.rest_detuning_hz, SWAP: swap_hz}
            points = max(WAITS, self.gates + 1)
            each = [
                drawn_waits_ns(((apart_hz[kind], KNOWN_HZ),), self.gates, points)
                for kind in self.kinds
            ]
            drawn = tuple(tuple(chain.from_iterable(gap)) for gap in zip(*each, strict=True))
            return (*drawn, (0,) * len(self.kinds) * points)
        level_v = np.array([rest_v(p.bench, p.edge, coupler)])
        above = float(coupler_arc(p.bench, coupler, level_v)[0])
        known = [(hz, KNOWN_HZ) for hz in (p.rest_detuning_hz, swap_hz)]
        doubted = [(above - best(one.qubit, "f01"), DOUBT_HZ) for one in p.both]
        drawn = drawn_waits_ns((*known, *doubted), self.gates, COUPLER_WAITS)
        return tuple(one * len(self.states) for one in (*drawn, (0,) * COUPLER_WAITS))

    def program(self, amplitude: float, duration_ns: int, slot_ns: int, shots: int) -> Program:
        """Return both ends prepared, pulses in slots, a readout; over states, each with its waits.

        The readout waits for the grid: an SHFQA stores a waveform for each place on its own grid,
        and shots that end off it would have it elsewhere in each repetition.
        """
        p, element = self.p, self.p.edge.element
        behind = self.waits_ns()
        names = {gap: f"{element}_wait{k or ''}" for k, gap in enumerate(dict.fromkeys(behind))}
        rest = f"{element}_rest"
        rests = tuple(-sum(point) % GRID_NS for point in zip(*behind, strict=True))
        pulses: list[Statement] = []
        for gap in behind:
            pulses += [
                p.pulse(amplitude, duration_ns),
                p.settling(duration_ns, slot_ns),
                Delay((p.flux,), Affine(names[gap])),
            ]
        points = [Variable(name, "ns", Table(gap)) for gap, name in names.items()]
        points.append(Variable(rest, "ns", Table(rests)))
        prepared: list[list[Statement]] = []
        each = len(rests) // len(self.states)
        for k, one in enumerate(p.both):
            name = f"{one.qubit.element}_preparation"
            heights = [one.pi_amplitude() * state[k] for state in self.states for _ in range(each)]
            points.append(Variable(name, "1", Table(tuple(heights))))
            prepared.append([one.pulse(Affine(name))])
        axes = (Axis("wait", tuple(points)),)
        body = [
            *p.begin(),
            *p.one_by_one(prepared),
            *pulses,
            Delay((p.flux,), Affine(rest)),
            *p.read(),
        ]
        return Program(f"leakage, {duration_ns} ns", p.frames(), tuple(body), axes, shots=shots)

    def signal(self, data: "xarray.Dataset") -> NDArray[np.complex128]:
        """Return mean V of the ends that are looked at, (ends, states, waits), complex."""
        shape = (len(self.states), -1)
        return np.stack([iq_of(data, one.qubit.element).reshape(shape) for one in self.read])

    def lost(self, signal: NDArray[np.complex128], shots: int) -> tuple[float, float]:
        """Return what has left both ends, mean over waits, summed over states; and its sigma.

        Of a pulse that moves an end, what 11 has lost alone. ``signal``: as :meth:`signal` returns
        it. Raises NotMeasured.
        """
        return self._sum(signal, shots, self._of_loss)

    def swapped(self, signal: NDArray[np.complex128], shots: int) -> tuple[float, float]:
        """Return how much of 1 an end in 0 beside one in 1 has, mean over waits, and its sigma.

        What heat and readout leave there is in it, as it is behind no gates. Same errors.
        """
        return self._sum(signal, shots, self._of_swap)

    def spent(self, signal: NDArray[np.complex128], shots: int) -> tuple[float, float]:
        """Return what :meth:`lost` would have to be to cost as much as both do, and its sigma.

        Readouts that have a part in both are counted as such. Same errors.
        """
        swap = STATES * SWAP_COSTS

        def weight(state: tuple[float, float], end: int) -> float:
            return self._of_loss(state, end) + swap * self._of_swap(state, end)

        return self._sum(signal, shots, weight)

    def _of_loss(self, state: tuple[float, float], _: int) -> float:
        return 1.0 if self.p.by_coupler or all(state) else 0.0

    def _of_swap(self, state: tuple[float, float], end: int) -> float:
        """Return the weight of an end that was in 0: what it has lost is what it has, below 0."""
        beside = sum(not one[self.p.both.index(read)] for one in self.states for read in self.read)
        return 0.0 if state[end] else -1.0 / beside

    def _sum(
        self, signal: NDArray[np.complex128], shots: int, weight: Weight
    ) -> tuple[float, float]:
        """Return the sum of what has left 1 of each state and end, mean over waits, and its sigma.

        What an end has of 1 that was in 0 counts below 0.
        """
        value, variance = 0.0, 0.0
        for one, of_end in zip(self.read, signal, strict=True):
            reference, end = levels(self.p.bench, one.qubit), self.p.both.index(one)
            for state, over_waits in zip(self.states, of_end, strict=True):
                kept, factor = reference.project(over_waits), weight(state, end)
                value += factor * (state[end] - float(kept.mean()))
                variance += (
                    factor**2 * float(np.mean(reference.sigma(kept, shots) ** 2)) / kept.size
                )
        return value, sqrt(variance)
