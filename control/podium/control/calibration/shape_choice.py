"""Chooses the shape of a coupler's pulse by what gates lose, and take from end to end."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.coupler_scan import SHAPES, PhaseCurve, PhaseScan, PulseShape
from podium.control.calibration.edge_sequences import Fringes
from podium.control.calibration.fits.gate_budget import decoherence, leaked
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.gate_losses import GateLosses
from podium.control.calibration.routines.conditional_phase import AMPLIFIED, HALF
from podium.control.parameters.entry import Measured, NotMeasured

Signal = NDArray[np.complex128]
GATES = 5
"""In a row, that losses are taken from."""
GAPS_NS = (2, 3, 5, 7)
"""Gaps that are tried of the best shapes, beside none: what is left in a coupler turns by more than
a turn in each ns, so any few are as good as others."""


@dataclass(frozen=True, slots=True)
class Round:
    """Some shapes are looked at."""

    shots: int
    shapes: int
    """So many of those with the least error in the round before."""
    gaps: bool = False
    """Whether gaps are tried of them as well."""


ROUNDS = (Round(280, 18), Round(280, 8), Round(280, 3, gaps=True), Round(280, 4), Round(280, 2))
"""What a gate loses goes up and down over some ns, since all four edges interfere: all are looked
at, then those with the least error, then the best of these with gaps, and the best of all. Where a
shape is looked at for the first time it may have luck: that is forgotten."""


@dataclass(frozen=True, slots=True)
class Cost:
    """A gate's loss of average fidelity."""

    leak: Measured
    """With what passes from end to end."""
    whole: float
    """With decoherence at rest."""


@dataclass(slots=True, eq=False)
class ShapeChoice:
    """Holds what gates of several shapes lose."""

    scan: PhaseScan
    lost: list[dict[PulseShape, Signal]] = field(default_factory=list)
    """What :class:`.GateLosses` look at, by the gate's shape, in each round."""
    idle: list[dict[int, Signal]] = field(default_factory=list)
    """The same without gates, by the time that they would have lasted, ns."""
    fine: dict[PulseShape, tuple[float, Fringes]] = field(default_factory=dict)
    """Amplitudes of shapes without a gap that may be the best one, with the fringes of several
    gates there."""

    async def measure(self) -> None:
        """Measure what gates lose that the scan knows an amplitude for, and the best ones anew."""
        try:
            curve = self.scan.curve()
        except (FitFailed, NotMeasured):
            return
        places = {shape: place for shape in SHAPES if (place := curve.place(shape)) is not None}
        for number, one in enumerate(ROUNDS):
            if self.lost:
                costs = self.costs()
                best = sorted(costs, key=lambda shape: costs[shape].whole)[: one.shapes]
                places = {shape: places[shape] for shape in best}
            if not places:
                return
            if number == 1:
                for shape, (at, _) in places.items():
                    row = await self.scan.row(at, shape, self.scan.p.still, AMPLIFIED)
                    self.fine[shape] = at, row
                refined = {shape: self.refined(curve, shape) for shape in places}
                places = {shape: found[:2] for shape, found in refined.items() if found}
            if one.gaps:
                places |= {
                    replace(shape, gap_ns=gap_ns): place
                    for shape, place in places.items()
                    for gap_ns in GAPS_NS
                }
            await self._losses({shape: at for shape, (at, _) in places.items()}, one.shots)

    def refined(self, curve: PhaseCurve, shape: PulseShape) -> tuple[float, float, float] | None:
        """Return the amplitude of half a turn, the slope there, and the sigma of the amplitude.

        By the fringes of several gates, where there are any: what a gate loses changes within a
        hundredth of a turn. A gap changes none of it. None where the scan did not come so far.
        """
        shape = replace(shape, gap_ns=0)
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
            turns, doubt = self.scan.turned(row, half * AMPLIFIED)
            off = (turns - half * AMPLIFIED) / AMPLIFIED * float(np.sign(half))
            return at - off / slope, slope, doubt / AMPLIFIED / abs(slope)
        return at, slope, sigma

    async def _losses(self, places: Mapping[PulseShape, float], shots: int) -> None:
        """Measure what gates of these shapes lose at these amplitudes, and what no gates do."""
        p, lost, idle = self.scan.p, {}, {}
        by_length = sorted(places, key=lambda one: one.lasts_ns)
        for shape, amplitude in [
            *((shape, 0.0) for shape in dict.fromkeys((by_length[0], by_length[-1]))),
            *places.items(),
        ]:
            own = shape.on(p)
            losses, slot_ns = GateLosses(own, GATES), own.slot_ns(shape.whole_ns)
            program = losses.program(amplitude, shape.whole_ns, slot_ns, p.bench.shots(shots))
            signal = losses.signal(await p.bench.run(self.scan.outcome, program))
            if amplitude:
                lost[shape] = signal
            else:
                idle[shape.lasts_ns] = signal
        self.lost.append(lost)
        self.idle.append(idle)

    def costs(self) -> dict[PulseShape, Cost]:
        """Return what gates of the last round cost, by all rounds but the first they were in.

        Raises NotMeasured.
        """
        p = self.scan.p
        t1, t2 = (
            tuple(Measured(p.bench.best(one.qubit, name), 0.0, "s") for one in p.both)
            for name in ("t1", "t2_echo")
        )
        rounds = [self._leaks(k) for k in range(len(self.lost))]
        found = {}
        for shape in self.lost[-1]:
            seen = [(k, leaks[shape]) for k, leaks in enumerate(rounds) if shape in leaks]
            counted = seen[1:] or seen
            shots = np.array([ROUNDS[k].shots for k, _ in counted], float)
            weights = shots / shots.sum()
            value = float(sum(weights * [one.value for _, one in counted]))
            sigma = float(np.sqrt(np.sum((weights * [one.sigma for _, one in counted]) ** 2)))
            at_rest = decoherence(shape.lasts_ns * 1e-9, t1, t2)
            found[shape] = Cost(Measured(value, sigma, "1"), value + at_rest.value)
        return found

    def _leaks(self, k: int) -> dict[PulseShape, Measured]:
        """Return what leakage and swap of a gate cost, as round ``k`` has found it.

        Raises NotMeasured.
        """
        losses, shots = GateLosses(self.scan.p, GATES), self.scan.p.bench.shots(ROUNDS[k].shots)
        idle = {ns: losses.spent(one, shots) for ns, one in sorted(self.idle[k].items())}
        lengths = list(idle)
        found = {}
        for shape, signal in self.lost[k].items():
            lost, sigma = losses.spent(signal, shots)
            at_rest = float(np.interp(shape.lasts_ns, lengths, [idle[ns][0] for ns in lengths]))
            doubt = float(np.hypot(sigma, idle[lengths[0]][1]))
            found[shape] = leaked(lost, at_rest, doubt, GATES)
        return found
