"""Generators from one readout that they depend on to the next, for a tree of outcomes.

It halts where the run would wait as it comes (:mod:`.feedback_run`), with the same signals and
windows. Analysers depend on nothing: a readout of theirs stands for all that are followed by the
same (:mod:`.readout_pattern`).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from math import sqrt

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.execution.conversation import BEHIND_NS, FOR_EVER
from podium.sim_instruments.execution.firmware import (
    STEP_NS,
    TURNS_MAX,
    CannotBranch,
    Decision,
    Halt,
    Known,
    Reached,
    Unbounded,
)
from podium.sim_instruments.execution.outcome_tree import FAR, FAR_MAX
from podium.sim_instruments.physics.signals import CaptureAnswer, CaptureTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import (
    digitised,
    tone_share,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Reader
from podium.sim_instruments.twins.zurich.runs.live_generator import GeneratorMoment, LiveGenerator
from podium.sim_instruments.twins.zurich.runs.readout_pattern import Place, ReadoutPattern
from podium.sim_instruments.twins.zurich.runs.readout_words import (
    AskedReadout,
    BankMoment,
    ReadoutWords,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import IntegratorCapture


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Rows of the generators from one halt to the next; times are against the first one's."""

    rows: tuple[Integers, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    at_ns: int
    generators: tuple[GeneratorMoment, ...]
    places: tuple[Place, ...]
    asked: tuple[AskedReadout, ...]
    bank: BankMoment


class OutcomeFirmware:
    """All sequencers of a run behind one data server."""

    def __init__(
        self,
        generators: Sequence[LiveGenerator],
        patterns: Sequence[ReadoutPattern],
        words: ReadoutWords,
    ) -> None:
        self._generators, self._patterns, self._words = tuple(generators), tuple(patterns), words
        self._first_fs = [words.first_fs(number) for number in range(len(patterns))]
        self._places = [Place(0, 0) for _ in patterns]
        self._played_ns = -FOR_EVER
        self._asked: list[AskedReadout] = []

    @property
    def counters(self) -> tuple[int, ...]:
        """Return what only counts, at the last halt."""
        found = [value for one in self._generators for value in one.counted()]
        return *found, *(pattern.counter(place) for pattern, place in self._each())

    def begin(self) -> Reached:
        """Go from the start to the first halt."""
        halt = self._onward(0, bounded=True)
        return Reached(halt, self.counters, self._done(0))

    def go_on(
        self,
        moment: object,
        bits: Sequence[int],
        counters: Sequence[int],
        setting: Hashable,
        known: Known,
        *,
        bounded: bool,
    ) -> Reached:
        """Go on from a moment with these outcomes and counters; its variables are in the content.

        So there is one setting, and whether a halt is known is never asked.
        """
        if not isinstance(moment, _Moment):
            raise TypeError("not a moment of this firmware")
        for generator, one in zip(self._generators, moment.generators, strict=True):
            generator.go_back(one)
        self._places, self._played_ns = list(moment.places), moment.at_ns
        self._words.go_back(moment.bank)
        self._words.tell(moment.asked, bits)
        first = 0
        for generator in self._generators:
            last = first + len(generator.counters) + 1
            generator.count(tuple(counters[first:last]), FAR - FAR_MAX)
            first = last
        left = counters[first:]
        for k, (pattern, place) in enumerate(self._each()):
            if pattern.counter(place) != left[k]:
                self._places[k] = pattern.placed(place, left[k], far=left[k] >= FAR - FAR_MAX)
        before = [place.index for place in self._places]
        triggers = [generator.counted()[-1] for generator in self._generators]
        halt = self._onward(moment.at_ns, bounded=bounded)
        counted = self._counted(counters, before, triggers)
        return Reached(halt, counted, self._done(moment.at_ns), setting, used=False)

    def _counted(
        self, tried: Sequence[int], indices: Sequence[int], triggers: Sequence[int]
    ) -> tuple[int, ...]:
        """Return the counters, as if all had been as they were tried."""
        found: list[int] = []
        for generator, before in zip(self._generators, triggers, strict=True):
            *values, left = generator.counted()
            found += [*values, tried[len(found) + len(values)] - (before - left)]
        for place, before in zip(self._places, indices, strict=True):
            found.append(tried[len(found)] - (place.index - before))
        return tuple(found)

    def _onward(self, from_ns: int, *, bounded: bool) -> Halt | None:
        """Go to the next halt; None: it is over."""
        ahead_ns = from_ns + STEP_NS
        for generator in self._generators:
            generator.pause(ahead_ns)
        for turn in count():
            if turn > TURNS_MAX and not bounded:
                raise Unbounded
            next_fs = [pattern.heard_fs(place) for pattern, place in self._each()]
            for number, generator in enumerate(self._generators):
                generator.go_on(self._words.known(number, next_fs), bounded=bounded)
            needs_ns = min((one.said_ns for one in self._generators), default=FOR_EVER)
            paused = [one.paused_ns for one in self._generators if one.paused_ns is not None]
            if needs_ns >= FOR_EVER:
                needs_ns = self._next_close_ns()
                if needs_ns >= FOR_EVER:
                    return None
            late = [one for one in self._generators if one.pause(needs_ns)] if paused else []
            if not late:
                return self._halt(needs_ns)
        raise AssertionError("count() has no end")

    def _next_close_ns(self) -> int:
        """Return when the next readout is over that nobody depends on, a moment later."""
        ends = [
            pattern.closes_ns(place) + BEHIND_NS
            for pattern, place in self._each()
            if place.index < pattern.count
        ]
        return max(min(ends), self._played_ns) if ends else FOR_EVER

    def _halt(self, at_ns: int) -> Halt:
        drives = [train for one in self._generators for train in one.plays(at_ns)]
        due = self._due(at_ns)
        asked = [
            _asked(number, pattern, Place(readout, place.shift_ns))
            for number, (pattern, place) in enumerate(self._each())
            for readout in range(place.index, due[number])
        ]
        if not asked:
            raise CannotBranch("nothing is asked")
        wanted = self._words.wanted(asked)
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        decisions: list[Decision] = []
        self._asked = []
        for number, (pattern, place) in enumerate(self._each()):
            drives += pattern.drives(place, self._played_ns, at_ns)
            mine = {
                one.readout: (one, units)
                for one, units in zip(asked, wanted, strict=True)
                if one.reader == number
            }
            rules: dict[int, dict[int, Decision]] = {readout: {} for readout in mine}
            places = dict(zip(pattern.reader.listening, pattern.reader.listeners, strict=False))
            for unit, train, of in pattern.windows(place, due[number]):
                for row, readout in enumerate(of):
                    if mine[readout][1] >> unit & 1:
                        rule = _decision(pattern.reader, unit, (len(captures), row))
                        rules[readout][unit] = rule
                captures.append(train)
                listeners.append(places[unit])
            for readout, (one, _) in mine.items():
                decisions += rules[readout].values()
                self._asked.append(replace(one, units=tuple(rules[readout])))
            self._places[number] = Place(due[number], place.shift_ns)
        self._played_ns = at_ns
        moment = _Moment(
            at_ns,
            tuple(one.moment() for one in self._generators),
            tuple(self._places),
            tuple(self._asked),
            self._words.moment(),
        )
        return Halt(
            self._content(at_ns),
            at_ns,
            drives,
            captures,
            listeners,
            tuple(decisions),
            moment,
            tuple(one.instruction for one in self._generators),
        )

    def _each(self) -> list[tuple[ReadoutPattern, Place]]:
        return list(zip(self._patterns, self._places, strict=True))

    def _due(self, at_ns: int) -> list[int]:
        """Return the index behind the last readout that is asked for, by analyser.

        Those that a generator hears until it reads next; where none waits, and of those that none
        reads, those that are over. A PQSC takes results in the order in which readouts end.
        """
        waits = [one.waits_ns() for one in self._generators if one.said_ns == at_ns]
        waits_ns = max(waits, default=FOR_EVER)
        found: list[int] = []
        last_fs = 0
        for (pattern, place), first_fs in zip(self._each(), self._first_fs, strict=True):
            upto = self._over(pattern, place, at_ns)
            if first_fs is not None and waits_ns < FOR_EVER:
                upto = pattern.heard_by(place, waits_ns, first_fs)
            found.append(upto)
            if upto > place.index:
                last = Place(upto - 1, place.shift_ns)
                last_fs = max(last_fs, pattern.ends_fs(last))
                if pattern.closes_ns(last) > at_ns:
                    raise CannotBranch("a result is read before its window is over")
        return [
            max(upto, min(pattern.ended_by(place, last_fs), self._over(pattern, place, at_ns)))
            for upto, (pattern, place) in zip(found, self._each(), strict=True)
        ]

    @staticmethod
    def _over(pattern: ReadoutPattern, place: Place, at_ns: int) -> int:
        """Return the index behind the last readout that is over by a time."""
        closed = at_ns - BEHIND_NS - place.shift_ns
        return max(int(np.searchsorted(pattern.reader.closes_ns, closed, "right")), place.index)

    def _content(self, at_ns: int) -> tuple[object, ...]:
        at_fs = at_ns * FS_PER_NS
        return (
            tuple(
                one.content(at_ns, self._words.comes(number, self._asked))
                for number, one in enumerate(self._generators)
            ),
            tuple(pattern.content(place, at_ns) for pattern, place in self._each()),
            tuple(
                (one.reader, one.at_fs - at_fs, one.units, one.register, one.integrators)
                for one in self._asked
            ),
            self._words.content(self._asked),
        )

    def _done(self, from_ns: int) -> Done:
        return Done(tuple(one.rows(2 * (from_ns - one.begin_ns)) for one in self._generators))


def _asked(number: int, pattern: ReadoutPattern, place: Place) -> AskedReadout:
    """Return the readout at a place of an analyser."""
    started, readout = pattern.reader.started, place.index
    heard_fs = pattern.heard_fs(place)
    if heard_fs is None:
        raise CannotBranch("no readout is left")
    register, integrators = int(started.register[readout]), int(started.integrators[readout])
    return AskedReadout(
        number, readout, heard_fs, pattern.ends_fs(place), (), register, integrators
    )


def _decision(reader: Reader, unit: int, window: tuple[int, int]) -> Decision:
    """Return the rule by which a window of an integrator becomes a bit."""
    one = reader.listening[unit]
    thresholds = reader.at.settings.thresholds
    threshold = thresholds[unit] if unit < len(thresholds) else 0.0
    gain = one.factor * sqrt(2 * IMPEDANCE_OHM) * one.train.windows[0].duration_ns
    scale = tone_share(one) * reader.full / len(reader.listening)
    rule = (
        scale,
        scale,
        0.0,
        0.0,
        scale,
        gain.real,
        -gain.imag,
        float(np.nextafter(threshold, np.inf)),
        1.0,
        0.0,
    )
    return Decision((window, window), rule, partial(_above, reader, unit, gain, threshold))


def _above(
    reader: Reader, unit: int, gain: complex, threshold: float, value: complex, _: complex
) -> bool:
    """Return the bit of a window that may be beyond the range of the converter."""
    if len(reader.listening) > 1:
        raise CannotBranch("several tones are beyond the range of the input")
    only = {unit: reader.listening[unit]}
    part = {unit: _first_of(only[unit])}
    (left,), _over = digitised(1, part, [CaptureAnswer(np.array([value]), None)], reader.full)
    return bool((complex(left.integrated[0]) * gain).real > threshold)


def _first_of(one: IntegratorCapture) -> IntegratorCapture:
    return replace(one, readouts=np.zeros(1, np.int64))
