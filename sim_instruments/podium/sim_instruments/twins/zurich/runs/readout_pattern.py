"""Tells which readouts of an analyser stand for each other, where they come again and again.

Analysers depend on nothing, so all that one plays and listens to is known when a run begins. Where
that repeats after a few readouts, what comes next depends only on which readout of the pattern is
next, and on how many are left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.execution.firmware import CannotBranch
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Reader
from podium.sim_instruments.twins.zurich.runs.readout_words import AskedReadout
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import later, turns_at

PERIOD_MAX: Final = 512
"""Readouts until they repeat, at most."""
AHEAD: Final = 16
"""Readouts beyond a period that must be left where one stands for another."""
_DIGITS: Final = 9


@dataclass(frozen=True, slots=True)
class Place:
    """Holds how far an analyser is."""

    index: int
    """Of its next readout that nobody has asked for."""
    shift_ns: int
    """So much later than its own time everything happens: it stands for another readout."""


class ReadoutPattern:
    """The readouts of one analyser. Raises CannotBranch where they do not repeat."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        at = reader.at
        if at.qudits or at.scope is not None or len(reader.kept) != reader.count:
            raise CannotBranch("the scope, multi-state discrimination, or readouts that are lost")
        if not reader.count or len(reader.heard_fs) != reader.count:
            raise CannotBranch("no readout has a result")
        self.count = reader.count
        self.opens_ns = reader.opens_ns
        self._centre_hz = reader.participant.centre_hz
        self._columns = [
            reader.started.generators,
            reader.started.integrators,
            reader.started.register,
            reader.heard_fs - FS_PER_NS * self.opens_ns,
        ]
        for played in reader.drives:
            self._columns += self._elements(played)
        for heard in reader.listening.values():
            self._columns += self._elements(heard.train)
        self.period = self._found()
        self._units = self._listening()

    def _elements(self, train: PulseTrain | CaptureTrain) -> list[Integers]:
        """Return what each readout has of a train: when, what and at which phase."""
        owner = np.searchsorted(self.opens_ns, train.start_ns, side="right") - 1
        if len(owner) and (owner[0] < 0 or np.any(np.diff(owner) <= 0)):
            raise CannotBranch("signals of one readout come after the next")
        kind = train.piece if isinstance(train, PulseTrain) else train.window
        synthesizer = turns_at(self._centre_hz, train.start_ns)
        turns = np.round((train.phase_turns - synthesizer) % 1.0, _DIGITS)
        columns = [np.full(self.count, -1, np.int64) for _ in range(3)]
        columns[0][owner] = train.start_ns - self.opens_ns[owner]
        columns[1][owner] = kind
        columns[2][owner] = np.rint((turns % 1.0) * 10**_DIGITS).astype(np.int64)
        return columns

    def _found(self) -> int:
        apart = np.diff(self.opens_ns)
        for period in range(1, min(PERIOD_MAX, self.count) + 1):
            if np.array_equal(apart[period:], apart[:-period]) and all(
                np.array_equal(one[period:], one[:-period]) for one in self._columns
            ):
                return period
        raise CannotBranch("readouts do not repeat")

    def _listening(self) -> list[tuple[int, ...]]:
        """Return the integrators that listen to each readout."""
        found: list[tuple[int, ...]] = [()] * self.count
        for unit, one in self.reader.listening.items():
            for readout in one.readouts.tolist():
                found[readout] = (*found[readout], unit)
        return found

    @property
    def _spare(self) -> int:
        return self.period + AHEAD

    def counter(self, place: Place) -> int:
        """Return how many readouts are left, but for some."""
        return self.count - place.index - self._spare

    def placed(self, place: Place, counter: int, *, far: bool) -> Place:
        """Return a place from which the same comes, with so many left; ``far``: with many."""
        if place.index >= self.count:
            return place
        if not far:
            return self._at(place, self.count - counter - self._spare)
        if self.count - place.index > 2 * self._spare:
            return place
        index = place.index % self.period + self.period
        if self.count - index <= 2 * self._spare:
            raise CannotBranch("there are too few readouts")
        return self._at(place, index)

    def _at(self, place: Place, index: int) -> Place:
        """Return a place that stands for another one."""
        if index == place.index:
            return place
        if index >= self.count:
            raise CannotBranch("no readout is left")
        apart_ns = int(self.opens_ns[place.index] - self.opens_ns[index])
        return Place(index, place.shift_ns + apart_ns)

    def content(self, place: Place, at_ns: int) -> tuple[int, ...]:
        """Return what comes next, but for how many, seen from a time."""
        if place.index >= self.count:
            return (-1,)
        next_ns = int(self.opens_ns[place.index]) + place.shift_ns - at_ns
        return place.index % self.period, next_ns

    def heard_fs(self, place: Place) -> int | None:
        """Return when the word of the next readout is heard; None: there is none."""
        if place.index >= self.count:
            return None
        return int(self.reader.heard_fs[place.index]) + place.shift_ns * FS_PER_NS

    def closes_ns(self, place: Place) -> int:
        """Return when the next readout is over."""
        return int(self.reader.closes_ns[place.index]) + place.shift_ns

    def ends_fs(self, place: Place) -> int:
        """Return when the integration of a readout ends within the instrument."""
        return int(self.reader.ends_fs[place.index]) + place.shift_ns * FS_PER_NS

    def ended_by(self, place: Place, until_fs: int) -> int:
        """Return the index behind the last readout whose integration ends by a time."""
        until_fs -= place.shift_ns * FS_PER_NS
        return max(int(np.searchsorted(self.reader.ends_fs, until_fs, side="right")), place.index)

    def heard_by(self, place: Place, until_ns: int, late_fs: int) -> int:
        """Return the index behind the last readout that is heard by a time.

        ``late_fs``: by how much later than within the instrument.
        """
        until_fs = (until_ns - place.shift_ns) * FS_PER_NS + FS_PER_NS - 1 - late_fs
        found = int(np.searchsorted(self.reader.heard_fs, until_fs, side="right"))
        return max(found, place.index)

    def asked(self, number: int, place: Place) -> AskedReadout:
        """Return the readout at a place, with all integrators that listen.

        ``number``: of the analyser among those of the run.
        """
        started, readout = self.reader.started, place.index
        return AskedReadout(
            number,
            readout,
            int(self.reader.heard_fs[readout]) + place.shift_ns * FS_PER_NS,
            self.ends_fs(place),
            self._units[readout],
            int(started.register[readout]),
            int(started.integrators[readout]),
        )

    def drives(self, place: Place, begin_ns: int, end_ns: int) -> list[PulseTrain]:
        """Return what it plays that begins from one time on and before another."""
        shift = place.shift_ns
        found: list[PulseTrain] = []
        for train in self.reader.drives:
            rows = slice(*np.searchsorted(train.start_ns, (begin_ns - shift, end_ns - shift)))
            if rows.start < rows.stop:
                found.append(later(train.only(rows), self._centre_hz, shift))
        return found

    def windows(self, place: Place, upto: int) -> list[tuple[int, CaptureTrain, Sequence[int]]]:
        """Return the windows of the next readouts up to one: integrator, train, and of which."""
        found: list[tuple[int, CaptureTrain, Sequence[int]]] = []
        for unit, one in self.reader.listening.items():
            rows = slice(*np.searchsorted(one.readouts, (place.index, upto)))
            if rows.start < rows.stop:
                train = later(one.train.only(rows), self._centre_hz, place.shift_ns)
                found.append((unit, train, one.readouts[rows].tolist()))
        return found
