"""A cluster of one feedline on its way through a run of which only the beginning is known.

At the first photon of a readout the joint level is drawn from the populations that what was played
since the readout before has made; each member then jumps by itself until the feedline is dark, and
the levels that it has come to are where the next stretch begins. Whose coherence a reading takes is
decided when something is played again, by the rule of whole runs (:mod:`.coherent_members`): where
members stay coherent, the next stretch begins with the state that the levels of the others leave.
Phases count as in whole runs: from the first drive since all members had a level, in steps of a
part of a turn against each other where hardly any two stretches are alike (:mod:`.joint_blocks`).

Where the next pulse comes before the fields have rung down by 12 e-folds, but for
:data:`.episodes.APART_FOLDS` of them, what is left of the photons then is dropped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.deduplicate import PHASE_STEP
from podium.sim_instruments.physics.driven_feedline import DrivenFeedline, LevelPath
from podium.sim_instruments.physics.episodes import NotSimulated
from podium.sim_instruments.physics.exposure import STRIDE_NS
from podium.sim_instruments.physics.joint.joint_blocks import PHASES
from podium.sim_instruments.physics.joint.joint_branches import JointBranches
from podium.sim_instruments.physics.joint.stretch_signals import (
    TURN,
    Between,
    Element,
    LaidStretch,
    StretchSignals,
)
from podium.sim_instruments.physics.noise import philox, unit
from podium.sim_instruments.physics.schedule import FORGOTTEN, TOLD
from podium.sim_instruments.physics.trajectory import ToneCluster
from podium.sim_instruments.physics.walk import Pace, drawn, jumps_after

FOLDS: Final = float(-np.log(FORGOTTEN))
TOLD_FOLDS: Final = float(-np.log(TOLD))
ROOM: Final = 64
"""Jumps at a stretch; more are walked anew with more room."""
LATER_JUMPS: Final = 0x4C41
"""Sets the random numbers of jumps behind a window apart from those up to it."""


@dataclass(slots=True, eq=False)
class JointReading:
    """A readout as the members of a cluster meet it, M of them."""

    tones: ToneCluster
    kind: int
    """Of the block before it; -1: it was met before the cluster was made."""
    found: NDArray[np.int64]
    """Shape (M,): the levels at its first photon."""
    level: NDArray[np.int64]
    """Shape (M,): come to by ``walked_ns``."""
    walked_ns: NDArray[np.int64]
    """Shape (M,)."""
    is_heard: bool
    dark_ns: int | None = None
    """When it was over, once that is known."""

    @property
    def lasts_ns(self) -> int:
        """Return how long photons are there, as far as that is known."""
        dark_ns = self.tones.dark_ns if self.dark_ns is None else self.dark_ns
        return dark_ns - self.tones.origin_ns


@dataclass(slots=True, eq=False)
class _Chain:
    """Stretches that are coherent with each other, and how their phases count."""

    begin_ns: int
    """From when the frame turns."""
    first_ns: int
    """When something is played first."""
    base: float | None = None
    """Phase of the first drive against the frame; None: nothing was driven yet."""
    shift: dict[int, float] = field(default_factory=dict)
    """By member: by how much its drives' phases are rounded, turns."""


class JointTrajectory:
    """The times of one cluster in one run, and what is drawn of its levels."""

    def __init__(
        self,
        numbers: Sequence[int | None],
        branches: JointBranches,
        signals: StretchSignals,
        least_dark_ns: int,
        fraction: float,
        seed: int,
        run: int,
        level: Sequence[int],
        reading: JointReading | None = None,
    ) -> None:
        """``numbers``: of the members on their feedline, None of a coupler.

        ``least_dark_ns``: from the last tone on, before which nothing is simulated. ``level``:
        where the members begin; ``reading``: the readout that they are in, if there was one.
        """
        self.numbers = tuple(numbers)
        self.signals = signals
        self._branches = branches
        self._least_dark_ns = least_dark_ns
        self._fraction = fraction
        names = [qubit.name for qubit in branches.point.qubits]
        self.names = tuple(names)
        self._keys = [np.uint64(key(seed, name, "levels")) for name in names]
        self._key = np.uint64(key(seed, "+".join(names), "joint levels"))
        self._run = np.uint64(run)
        self._counts = 0
        self._queue: list[Element] = []
        self._readings: list[JointReading] = [] if reading is None else [reading]
        self._level = np.array(level, np.int64)
        self._is_coherent = np.zeros(len(names), np.bool_)
        """Shape (M,): who may be in a superposition."""
        self._chain = _Chain(0, 0)
        self._kinds: dict[tuple[object, ...], int] = {}
        self._passes: dict[tuple[object, ...], int] = {}
        self._losses: dict[tuple[int, int], NDArray[np.float64]] = {}
        self._unrounded: set[tuple[object, ...]] = set()
        self._is_rounded = False
        self._lit_ns: int | None = None
        self._dark_ns: int | None = None
        """Of the last readout that is over; None: there was none."""
        own = branches.point.cluster.elements
        self._rates = [np.ascontiguousarray(1e-9 * one.rates_1_s) for one in own]
        branches.begin(self._joint(self._level), 0)

    def play(self, elements: Iterable[Element]) -> None:
        """Take note of what is played to members."""
        self._queue.extend(one for one in elements if not self.signals.remember(one))
        self._queue.sort(key=lambda one: (one.begin_ns, one.line))

    def leave(self, tones: ToneCluster | None) -> None:
        """Finish tones, as others begin: those that nobody listened to take coherences, too."""
        if tones is not None and not self._has_met(tones):
            self._find(tones)

    def read(self, tones: ToneCluster, end_ns: int) -> None:
        """Find the levels for windows that end at ``end_ns``, and follow their jumps until then."""
        if not self._has_met(tones):
            self._find(tones)
        last = self._readings[-1]
        last.is_heard = True
        for m, number in enumerate(self.numbers):
            if number is not None and tones.paths[number] is None:
                tones.paths[number] = LevelPath(int(last.found[m]))
        self._walk(last, min(end_ns, tones.dark_ns))

    def populations(self, at_ns: int) -> NDArray[np.float64]:
        """Return the populations of the joint levels at a time behind the last readout, (D,).

        They are those of this one shot, from the levels that were read last.
        """
        kind, _, _ = self._block(at_ns)
        return self._ends(kind)

    def populations_of(self, name: str, at_ns: int) -> NDArray[np.float64]:
        """Return the populations of one member, (L,), at such a time."""
        member = self.names.index(name)
        basis = self._branches.point.basis
        level = basis.level[:, member]
        qubit = self._branches.point.qubits[member]
        return np.asarray(np.bincount(level, self.populations(at_ns), qubit.levels_hz.size), float)

    def levels_now(self) -> dict[str, tuple[int, int]]:
        """Return each member's level, and since when it is known, by name.

        Raises NotSimulated where a member may be in a superposition.
        """
        told = self._told() if self._readings else np.zeros(len(self.names), np.bool_)
        unknown = np.flatnonzero(self._is_coherent & ~told)
        if unknown.size:
            raise NotSimulated(
                f"{self.names[unknown[0]]} may be in a superposition as a flux pulse or a drive "
                f"couples {', '.join(self.names)} to others for the first time in a run in which "
                "what is played depends on what was measured: that is not simulated; read it "
                "before, or let a pulse of the same kind come before the first readout"
            )
        if not self._readings:
            since = self._dark_ns or 0
            return {name: (int(n), since) for name, n in zip(self.names, self._level, strict=True)}
        last = self._readings[-1]
        rows = zip(self.names, last.level.tolist(), last.walked_ns.tolist(), strict=True)
        return {name: (level, since) for name, level, since in rows}

    def found_now(self) -> dict[str, int]:
        """Return the level that each member was found in last, by name; empty: nobody looked."""
        if not self._readings:
            return {}
        return dict(zip(self.names, self._readings[-1].found.tolist(), strict=True))

    @property
    def waiting(self) -> Sequence[Element]:
        """Return what is still to come, on lines without memory."""
        return self._queue

    def _has_met(self, tones: ToneCluster) -> bool:
        return bool(self._readings) and self._readings[-1].tones is tones

    def _find(self, tones: ToneCluster) -> None:
        """Draw the joint level at the first photon of a readout."""
        lit_ns = tones.origin_ns
        kind, laid, between = self._block(lit_ns)
        populations = self._ends(kind)
        word, _ = philox(self._key, self._run, np.uint64(self._next()) << np.uint64(16))
        state = int(drawn(populations, populations.sum(), unit(np.uint64(word))))
        found = np.array(self._branches.point.basis.level[state], np.int64)
        walked = np.full(found.size, lit_ns)
        reading = JointReading(tones, kind, found, found.copy(), walked, is_heard=False)
        self._readings.append(reading)
        self._queue = [one for one in self._queue if one.begin_ns >= lit_ns]
        self.signals.pass_on(laid, between)
        self._is_coherent = self._is_coherent | laid.played | laid.is_flux

    def _next(self) -> int:
        self._counts += 1
        return self._counts

    def _ends(self, kind: int) -> NDArray[np.float64]:
        """Return the populations at the end of a block, from where the cluster has come to."""
        level = self._joint(self._readings[-1].level) if self._readings else None
        return self._branches.populations(kind, level)

    def _joint(self, level: NDArray[np.int64]) -> int:
        elements = self._branches.point.cluster.elements
        own = (min(int(n), one.count - 1) for n, one in zip(level, elements, strict=True))
        return self._branches.point.basis.index(*own)

    def _block(self, until_ns: int) -> tuple[int, LaidStretch, Between]:
        """Return what is played from the last readout on to another one, and its block's number."""
        rows = [one for one in self._queue if one.begin_ns < until_ns]
        earliest_ns = self._earliest_ns()
        first_ns = min((one.begin_ns for one in rows), default=until_ns)
        on_memory = self.signals.next_on_memory(earliest_ns)
        first_ns = first_ns if on_memory is None else min(first_ns, on_memory)
        if first_ns < min(earliest_ns, until_ns):
            raise NotSimulated(self._too_early(earliest_ns - first_ns))
        self._finish(first_ns)
        if rows or first_ns < until_ns:
            self._decide(first_ns)
        zero = first_ns if self._dark_ns is None else self._dark_ns
        between = Between(self._lit_ns, zero, until_ns)
        number, laid = self._laid(rows, between)
        if laid.begin_ns <= laid.end_ns:
            self._decide(zero + laid.begin_ns)
            over_ns = max(-laid.begin_ns, laid.end_ns - (until_ns - zero))
            if over_ns > 0:
                raise NotSimulated(self._meets_photons(over_ns))
            self._branches.lengthen(zero + laid.end_ns - self._chain.first_ns)
        return number, laid, between

    def _earliest_ns(self) -> int:
        """Return before when nothing may be played behind the last readout."""
        if not self._readings:
            return -(1 << 62) if self._dark_ns is None else self._dark_ns
        tones = self._readings[-1].tones
        return tones.origin_ns + tones.driven.played_ns + self._least_dark_ns

    def _too_early(self, by_ns: int) -> str:
        return (
            f"something is played to {', '.join(self.names)}, which share one state, {by_ns} ns "
            "before the photons of the readout before it have gone so far that those that are left "
            "can be dropped: that is not simulated; wait longer behind the readout"
        )

    def _meets_photons(self, over_ns: float) -> str:
        return (
            f"something is played to {', '.join(self.names)}, which share one state, while there "
            f"are photons in the resonators of their feedline, for {over_ns:g} ns: that is not "
            "simulated; let it end before a readout, and begin when that has rung down"
        )

    def _finish(self, next_ns: int) -> None:
        """Let the last readout be over, at the latest when something else comes."""
        if not self._readings or self._readings[-1].dark_ns is not None:
            return
        last = self._readings[-1]
        dark_ns = min(last.tones.dark_ns, max(next_ns, int(last.walked_ns.max())))
        self._walk(last, dark_ns)
        last.dark_ns = dark_ns
        self._lit_ns, self._dark_ns = last.tones.origin_ns, dark_ns

    def _decide(self, next_ns: int) -> None:
        """Decide who stays coherent behind the last readouts, as something is played again."""
        if not self._readings:
            if self._dark_ns is None and self._chain.base is None:
                self._chain = _Chain(next_ns, next_ns)
            return
        last = self._readings[-1]
        dark_ns = last.tones.dark_ns if last.dark_ns is None else last.dark_ns
        waited = self._branches.fading * (next_ns - dark_ns)
        lost = sum((self._lost(one) for one in self._readings), waited)
        read = np.array([number is not None for number in self.numbers])
        kept = self._is_coherent & read & ~self._told() & (lost < FOLDS)
        if np.any(kept):
            for one in self._readings:
                self._branches.passed(one.kind, self._pass_of(one, kept), one.found, one.level)
        else:
            self._branches.begin(self._joint(last.level), dark_ns)
            self._chain = _Chain(dark_ns, next_ns)
        self._is_coherent, self._level, self._readings = kept, last.level, []

    def _told(self) -> NDArray[np.bool_]:
        """Return whose record tells its level, (M,)."""
        told = np.zeros(len(self.numbers), np.bool_)
        for one in self._readings:
            if one.is_heard:
                told |= self._lost(one) >= TOLD_FOLDS
        return told

    def _lost(self, one: JointReading) -> NDArray[np.float64]:
        """Return the e-folds that the coherence of 0 and 1 of each member loses in a readout."""
        span, driven = one.lasts_ns, one.tones.driven
        content = driven.number, span
        if content not in self._losses:
            lost = self._branches.fading * span
            for m, number in enumerate(self.numbers):
                if number is not None:
                    lost[m] -= float(photon_exponent(driven, number, span).real[1, 0])
            self._losses[content] = lost
        return self._losses[content]

    def _pass_of(self, one: JointReading, kept: NDArray[np.bool_]) -> int:
        """Return the number of a readout behind which some members stay coherent."""
        driven, span = one.tones.driven, one.lasts_ns
        content = kept.tobytes(), driven.number, span
        if content not in self._passes:
            factors = [
                np.ones((qubit.levels_hz.size,) * 2, np.complex128)
                if number is None
                else np.exp(photon_exponent(driven, number, span))
                for qubit, number in zip(self._branches.point.qubits, self.numbers, strict=True)
            ]
            self._passes[content] = self._branches.reading(kept, factors, span)
        return self._passes[content]

    def _laid(self, rows: Sequence[Element], between: Between) -> tuple[int, LaidStretch]:
        """Return the number of the block of a stretch, and how it is laid out."""
        phased = self._phased(rows, between.dark_ns)
        found, laid = self.signals.lay(phased, between)
        number = self._kinds.get(found)
        if number is None:
            if not self._is_rounded:
                self._unrounded.add(_content(self._rounded(phased), between))
                self._is_rounded = len(self._kinds) > PHASES * len(self._unrounded)
            lasts_ns = between.until_ns - between.dark_ns
            number = self._kinds[found] = self._branches.block(laid.members, lasts_ns)
        return number, laid

    def _phased(self, rows: Sequence[Element], zero_ns: int) -> list[tuple[Element, float]]:
        """Return what is played with phases as its chain counts, from a frame since a time."""
        chain, frame_hz = self._chain, self._branches.point.frame_hz
        elapsed = (1e-9 * frame_hz * (zero_ns - chain.begin_ns)) % 1.0
        found = []
        for one in rows:
            member = self.signals.member_of(one.line)
            if member < 0:
                found.append((one, 0.0))
                continue
            turns = one.turns - elapsed
            if chain.base is None:
                chain.base = turns
            turns = (turns - chain.base) % 1.0
            if member not in chain.shift:
                shift = round(turns * PHASES) / PHASES - turns if self._is_rounded else 0.0
                chain.shift[member] = shift
            found.append((one, turns + chain.shift[member]))
        return found

    def _rounded(self, phased: Sequence[tuple[Element, float]]) -> list[tuple[Element, float]]:
        """Return the same with the first phase of each member's drives left out."""
        first: dict[int, float] = {}
        found = []
        for one, turns in phased:
            member = self.signals.member_of(one.line)
            found.append((one, turns - first.setdefault(member, turns)))
        return found

    def _walk(self, reading: JointReading, until_ns: int) -> None:
        """Follow the members' jumps in a readout to a time."""
        origin = reading.tones.origin_ns
        for m, number in enumerate(self.numbers):
            begin, end = int(reading.walked_ns[m]) - origin, until_ns - origin
            if end <= begin:
                continue
            pace = STEADY if number is None else reading.tones.before(until_ns).pace(number)
            jumps = self._jumps(m, int(reading.level[m]), begin, end, pace)
            path = None if number is None else reading.tones.paths[number]
            for _, at, to in jumps.tolist():
                reading.level[m] = to
                if path is not None:
                    path.change(at, to)
            reading.walked_ns[m] = until_ns

    def _jumps(
        self, member: int, level: int, begin: int, end: int, pace: Pace
    ) -> NDArray[np.int64]:
        """Draw the jumps of a member, (J, 3)."""
        own, number = self._keys[member] ^ np.uint64(LATER_JUMPS), self._next()
        _, other = philox(own, self._run, np.uint64(number) << np.uint64(16))
        room = ROOM
        while True:
            jumps = np.zeros((room, 3), np.int64)
            _, count = jumps_after(
                level,
                0,
                float(begin),
                float(end),
                self._rates[member],
                pace,
                self._fraction,
                own,
                self._run,
                number,
                unit(np.uint64(other)),
                jumps,
                0,
            )
            if count <= room:
                return jumps[:count]
            room = count


STEADY: Final = Pace(
    np.tile([0.0, float(STRIDE_NS)], 8),
    np.zeros(1, np.int64),
    np.full(1, 2, np.int64),
    np.full(1, float(STRIDE_NS)),
)


def photon_exponent(driven: DrivenFeedline, number: int, span_ns: int) -> NDArray[np.complex128]:
    """Return the logarithm of what the photons of a readout do to a qubit's coherences."""
    exposure = driven.exposure(number)
    change = exposure.exponent_at(span_ns) - exposure.exponent_at(0)
    # what the field gives back as it rings down is not counted on
    return np.asarray(np.minimum(change.real, 0.0) + 1j * change.imag)


def _content(phased: Sequence[tuple[Element, float]], between: Between) -> tuple[object, ...]:
    """Return the same for stretches that differ in the phases of members against each other."""
    rows = (
        (
            one.line,
            one.start_ns - between.dark_ns,
            one.piece,
            round((turns % 1.0) / PHASE_STEP) % TURN,
        )
        for one, turns in phased
    )
    return between.until_ns - between.dark_ns, *rows
