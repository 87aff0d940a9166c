"""The states that one qubit comes to in a run: what was played since a known level, from which.

The states form a tree for each level; a stretch that is played again from the same state is only
looked up. Shots that go different ways branch, and those that go the same way are evolved once.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.drive_during_readout import readout_drive_maps
from podium.sim_instruments.physics.drive_line import Shape
from podium.sim_instruments.physics.driven_feedline import DrivenFeedlines
from podium.sim_instruments.physics.evolution import (
    DURING_READOUT,
    PULSE,
    REUSED,
    Events,
    Tables,
    bare_tables,
    evolve,
    fill_waits,
    populations,
    rest,
    with_shapes,
)
from podium.sim_instruments.physics.exposure import jumps_during
from podium.sim_instruments.physics.lab_frame import PHASES, laboratory_maps
from podium.sim_instruments.physics.noise import SlowNoise, quadrature
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.schedule import FORGOTTEN
from podium.sim_instruments.physics.walk import Pace

Stretch = tuple[int, ...]
"""GAP, ns; or PART, number of the driven feedline, begin, end; or SHAPE, shape, steps of phase;
or SHAPE_IN_READOUT, shape, number of the driven feedline, offset in it, steps of phase; or KEPT,
steps of the e-folds by which all coherences grow."""
GAP: Final = 0
PART: Final = 1
SHAPE: Final = 2
SHAPE_IN_READOUT: Final = 3
KEPT: Final = 4
KEPT_STEP: Final = 1e-6

BRANCHES_MAX: Final = 20_000
"""Kept at a time: a few kB each."""
FIRST_EPOCH_NS: Final = 1_000_000
FIRST_SPAN_NS: Final = 2_000


class Branch:
    """One state of the qubit, and those that were come to from it."""

    __slots__ = ("after", "columns", "found")

    def __init__(self, columns: NDArray[np.complex128]) -> None:
        self.columns = columns
        self.after: dict[Stretch, Branch] = {}
        self.found: NDArray[np.float64] | None = None
        """Populations, once asked for."""


class Branches:
    """All branches of one qubit."""

    def __init__(
        self,
        qubit: QubitPoint,
        number: int,
        shapes: Sequence[Shape],
        driven: DrivenFeedlines,
        noise: SlowNoise,
    ) -> None:
        """``number``: of the qubit on its feedline; ``shapes`` may grow."""
        self._qubit = qubit
        self._number = number
        self._shapes = shapes
        self._driven = driven
        self._noise = noise
        self._higher = False
        self.span_ns = FIRST_SPAN_NS
        """How long a coherent stretch may be with the nodes of the slow noise there are."""
        self.epoch_end_ns = 0
        bare = bare_tables(qubit, np.zeros(1), np.ones(1))
        self._fading = bare.fading
        self._rates = bare.rates
        self._noise_hz = 0.0, 0.0
        self._lower = np.tril_indices(qubit.levels_hz.size, -1)
        self._losses: dict[Stretch, NDArray[np.float64]] = {}
        self._renew()

    @property
    def rates(self) -> NDArray[np.float64]:
        """Jump rates without photons, (L, L), 1/ns."""
        return self._rates

    def pace(self, driven: int) -> Pace:
        """Return how fast the qubit jumps while a feedline is driven, by the number of that."""
        return self._driven.all[driven].pace(self._number)

    def reach(self, at_ns: int, start_s: float) -> None:
        """Begin another epoch of the slow noise if that of before is over by ``at_ns``.

        Epochs double in length: in each the noise has a mean of its own and strays about it.
        """
        if at_ns < self.epoch_end_ns:
            return
        begin = self.epoch_end_ns
        while self.epoch_end_ns <= at_ns:
            begin, self.epoch_end_ns = (
                self.epoch_end_ns,
                max(2 * self.epoch_end_ns, FIRST_EPOCH_NS),
            )
        if self._qubit.slow_sigma_hz:
            self._noise_hz = self._noise.over(
                start_s + 1e-9 * begin, 1e-9 * (self.epoch_end_ns - begin)
            )
            self._renew()

    def lengthen(self, span_ns: int, shape: int) -> bool:
        """Make room for a coherent stretch that ends with a shape; tell whether all was renewed."""
        higher = self._higher or self._qubit.drives_to_2(self._shapes[shape].carrier_hz)
        if (span_ns <= self.span_ns and higher == self._higher) or not self._noise_hz[1]:
            return False
        self._higher = higher
        while self.span_ns < span_ns:
            self.span_ns *= 2
        self._renew()
        return True

    def _renew(self) -> None:
        memory = float(-np.log(FORGOTTEN) / self._fading[0, 1]) if self._fading[0, 1] else np.inf
        mean, stray = self._noise_hz
        reach = 2e-9 * np.pi * stray * min(self.span_ns, memory) * (2 if self._higher else 1)
        nodes = quadrature(reach)
        self._tables = bare_tables(self._qubit, mean + stray * nodes.node, nodes.weight)
        self._plays: dict[Stretch, tuple[Tables, int]] = {}
        self._rests: dict[Stretch, tuple[float, NDArray[np.complex128], NDArray[np.float64]]] = {}
        self._forget()

    def _forget(self) -> None:
        self._roots: dict[int, Branch] = {}
        self._count = 0

    def root(self, level: int) -> Branch:
        """Return the state of a known level."""
        if level not in self._roots:
            levels = self._qubit.levels_hz.size
            columns = np.zeros((self._tables.node_hz.size, 1, levels, levels), np.complex128)
            columns[:, 0, level, level] = 1.0
            if self._count > BRANCHES_MAX:
                self._forget()
            self._roots[level] = Branch(columns)
        return self._roots[level]

    def then(self, branch: Branch, stretch: Stretch) -> Branch:
        """Return the state after one more stretch."""
        known = branch.after.get(stretch)
        if known is None:
            columns = branch.columns.copy()
            self._evolve(columns, stretch)
            known = branch.after[stretch] = Branch(columns)
            self._count += 1
            if self._count > BRANCHES_MAX:
                self._forget()  # what is at hand goes on; the rest is evolved anew when it comes
        return known

    def populations(self, branch: Branch) -> NDArray[np.float64]:
        """Return the populations of a state, (L,)."""
        if branch.found is None:
            out = np.empty((self._qubit.levels_hz.size, 1))
            populations(branch.columns, self._tables.weight, out)
            branch.found = out[:, 0].copy()
        return branch.found

    def loss(self, stretch: Stretch) -> NDArray[np.float64]:
        """Return the e-folds that each coherence loses in a gap or a part."""
        if stretch not in self._losses:
            fading = self._fading[self._lower]
            if stretch[0] == GAP:
                self._losses[stretch] = fading * stretch[1]
            else:
                _, _, begin, end = stretch
                change = self._photons(stretch).real[self._lower]
                self._losses[stretch] = fading * (end - begin) - change
        return self._losses[stretch]

    def _photons(self, stretch: Stretch) -> NDArray[np.complex128]:
        """Return the logarithm of what the photons of a part do to the coherences."""
        _, driven, begin, end = stretch
        exposure = self._driven.all[driven].exposure(self._number)
        change = exposure.exponent_at(end) - exposure.exponent_at(begin)
        # what the field gives back as it rings down is not counted on
        return np.asarray(np.minimum(change.real, 0.0) + 1j * change.imag)

    def _evolve(self, columns: NDArray[np.complex128], stretch: Stretch) -> None:
        if stretch[0] in (GAP, PART):
            if stretch not in self._rests:
                self._rests[stretch] = self._rest(stretch)
            rest(columns, 0, *self._rests[stretch], self._tables)
            return
        if stretch[0] == KEPT:
            kept = np.diagonal(columns, axis1=2, axis2=3).copy()
            columns *= np.exp(KEPT_STEP * stretch[1])
            for level in range(columns.shape[-1]):
                columns[..., level, level] = kept[..., level]
            return
        play, phase = stretch[:-1], stretch[-1]
        if stretch[0] == SHAPE and self._qubit.drive_elements is not None:
            play = (*play, round(phase * PHASE_STEP * PHASES) % PHASES)
        if play not in self._plays:
            self._plays[play] = self._play(play)
        tables, what = self._plays[play]
        events = Events(
            np.array([what]),
            np.zeros(1, np.int64),
            np.zeros(1, np.int64),
            np.array([phase * PHASE_STEP]),
            np.zeros(1, np.bool_),
        )
        none = np.zeros(0, np.int64)
        evolve(events, 0, 1, columns, tables, none, 0, np.zeros((1, columns.shape[-1], 1)))

    def _rest(self, stretch: Stretch) -> tuple[float, NDArray[np.complex128], NDArray[np.float64]]:
        """Return duration, factor of the coherences and map of the populations of a wait."""
        levels = self._qubit.levels_hz.size
        factor = np.ones((1, levels, levels), np.complex128)
        jumps = np.empty((1, levels, levels))
        if stretch[0] == GAP:
            span = float(stretch[1])
        else:
            _, driven, begin, end = stretch
            span = float(end - begin)
            factor[0] = np.exp(self._photons(stretch))
        fill_waits(np.array([span]), self._tables, factor, jumps)
        if stretch[0] == PART:
            exposure = self._driven.all[driven].exposure(self._number)
            jumps[0] = jumps_during(exposure, self._rates, begin, end)
        return span, factor[0], jumps[0]

    def _play(self, play: Stretch) -> tuple[Tables, int]:
        shape = self._shapes[play[1]]
        none = np.zeros((0, *self._rates.shape))
        still = self._tables._replace(
            gap_ns=np.zeros(1),
            gap_factor=none.astype(np.complex128),
            gap_jumps=none,
        )
        if play[0] == SHAPE:
            moved = {}
            if self._qubit.drive_elements is not None and shape.shift_hz is None:
                begun = replace(shape, start_turns=play[2] / PHASES)
                moved[0] = laboratory_maps(begun, self._tables, self._qubit.drive_elements)
            # a map takes no longer to make than the samples take to play once
            return with_shapes(still, [shape], np.full(1, REUSED), moved=moved), PULSE
        exposure = self._driven.all[play[2]].exposure(self._number, 1)
        maps = readout_drive_maps(shape, exposure, play[3], self._tables)
        return with_shapes(still, [shape], np.zeros(1, np.int64), [(0, maps)]), DURING_READOUT
