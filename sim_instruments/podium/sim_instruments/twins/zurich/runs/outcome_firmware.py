"""Generators from one readout that they depend on to the next, for a tree of outcomes.

It halts where the run would wait as it comes (:mod:`.feedback_run`), with the same signals and
windows. Analysers depend on nothing: a readout of theirs stands for all that are followed by the
same (:mod:`.readout_pattern`).
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial, reduce
from itertools import count
from math import sqrt
from operator import or_

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
from podium.sim_instruments.twins.zurich.pqsc.register_bank import written
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import (
    digitised,
    tone_share,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import COUPLE
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Reader
from podium.sim_instruments.twins.zurich.runs.live_generator import GeneratorMoment, LiveGenerator
from podium.sim_instruments.twins.zurich.runs.live_routes import LiveRoute, couples_of
from podium.sim_instruments.twins.zurich.runs.readout_pattern import Place, ReadoutPattern
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import IntegratorCapture


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Rows of the generators from one halt to the next; times are against the first one's."""

    rows: tuple[Integers, ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """One readout that is decided."""

    reader: int
    readout: int
    at_fs: int
    """When its word is heard within the instrument."""
    end_fs: int
    """When its integration ends."""
    units: tuple[int, ...]
    """The integrators of which somebody reads a bit: those that are decided."""
    register: int
    """Of a PQSC's bank, into which its results go."""
    integrators: int
    """A mask of those that it asks for."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    at_ns: int
    generators: tuple[GeneratorMoment, ...]
    places: tuple[Place, ...]
    asked: tuple[_Asked, ...]
    bank: tuple[int, ...]
    undecided: tuple[int, ...]


class OutcomeFirmware:
    """All sequencers of a run behind one data server."""

    def __init__(
        self,
        generators: Sequence[LiveGenerator],
        patterns: Sequence[ReadoutPattern],
        routes: Sequence[LiveRoute],
        bank: Sequence[int],
        *,
        sparing: bool,
    ) -> None:
        """``bank``: what a PQSC's registers hold when the run begins.

        ``sparing``: whether only those bits of a word are decided for which a generator waits.
        """
        self._generators, self._patterns = tuple(generators), tuple(patterns)
        self._of_reader = [
            tuple(way for way in routes if way.reader == number) for number in range(len(patterns))
        ]
        self._of_generator = [
            tuple(way for way in routes if way.generator == number)
            for number in range(len(generators))
        ]
        self._shown = [self._shown_in(register, routes) for register in range(len(bank))]
        self._bank = [word & shown for word, shown in zip(bank, self._shown, strict=True)]
        self._undecided = [0] * len(bank)
        """Bits of the bank."""
        self._sparing = sparing
        self._places = [Place(0, 0) for _ in patterns]
        self._played_ns = -FOR_EVER
        self._asked: list[_Asked] = []

    @staticmethod
    def _shown_in(register: int, routes: Sequence[LiveRoute]) -> int:
        """Return the bits of a register of the bank that somebody reads."""
        units = (way.shown(register, way.read) for way in routes if way.port is not None)
        return couples_of(reduce(or_, units, 0))

    @property
    def counters(self) -> tuple[int, ...]:
        """Return what only counts, at the last halt."""
        found = [value for one in self._generators for value in one.counted()]
        both = zip(self._patterns, self._places, strict=True)
        return *found, *(pattern.counter(place) for pattern, place in both)

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
        self._bank, self._undecided = list(moment.bank), list(moment.undecided)
        self._tell(moment.asked, bits)
        first = 0
        for generator in self._generators:
            last = first + len(generator.counters) + 1
            generator.count(tuple(counters[first:last]), FAR - FAR_MAX)
            first = last
        left = counters[first:]
        for k, (pattern, place) in enumerate(zip(self._patterns, self._places, strict=True)):
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

    def _tell(self, asked: Sequence[_Asked], bits: Sequence[int]) -> None:
        """Have generators hear the words of readouts."""
        left = iter(bits)
        words = [sum(next(left) << COUPLE * unit for unit in one.units) for one in asked]
        both = zip(asked, words, strict=True)
        for one, word in sorted(both, key=lambda each: each[0].end_fs):
            decided = reduce(or_, (1 << unit for unit in one.units), 0)
            undecided = couples_of(one.integrators & ~decided)
            self._write(one, word, undecided)
            for way in self._of_reader[one.reader]:
                if way.hears(one.register):
                    told = word, undecided
                    if way.port is not None:
                        told = way.message(self._bank, self._undecided)
                    at_fs = one.at_fs + way.late_fs
                    self._generators[way.generator].hear(at_fs, way.source, *told)

    def _write(self, one: _Asked, word: int, undecided: int) -> None:
        """Write the results of a readout into the bank, as far as anybody reads them."""
        for bank, bits in ((self._bank, word), (self._undecided, undecided)):
            written(bank, one.register, bits, one.integrators)
            bank[one.register] &= self._shown[one.register]

    def _known(self, number: int) -> int:
        """Return up to which sample a generator knows all words of which it reads something."""
        heard = [
            at_fs + way.late_fs
            for way in self._of_generator[number]
            if (at_fs := self._patterns[way.reader].heard_fs(self._places[way.reader])) is not None
        ]
        return self._generators[number].sample(min(heard)) - 1 if heard else NEVER

    def _onward(self, from_ns: int, *, bounded: bool) -> Halt | None:
        """Go to the next halt; None: it is over."""
        ahead_ns = from_ns + STEP_NS
        for generator in self._generators:
            generator.pause(ahead_ns)
        for turn in count():
            if turn > TURNS_MAX and not bounded:
                raise Unbounded
            for number, generator in enumerate(self._generators):
                generator.go_on(self._known(number), bounded=bounded)
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
        both = zip(self._patterns, self._places, strict=True)
        ends = [
            pattern.closes_ns(place) + BEHIND_NS
            for pattern, place in both
            if place.index < pattern.count
        ]
        return max(min(ends), self._played_ns) if ends else FOR_EVER

    def _halt(self, at_ns: int) -> Halt:
        drives = [train for one in self._generators for train in one.plays(at_ns)]
        asked = [
            _asked(number, pattern, Place(readout, place.shift_ns))
            for number, (upto, (pattern, place, _)) in enumerate(
                zip(self._due(at_ns), self._each(), strict=True)
            )
            for readout in range(place.index, upto)
        ]
        if not asked:
            raise CannotBranch("nothing is asked")
        wanted = dict(
            zip(((one.reader, one.readout) for one in asked), self._wanted(asked), strict=True)
        )
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        decisions: dict[tuple[int, int], dict[int, Decision]] = {key: {} for key in wanted}
        for number, (pattern, place, _) in enumerate(self._each()):
            drives += pattern.drives(place, self._played_ns, at_ns)
            upto = place.index + sum(reader == number for reader, _ in wanted)
            places = dict(zip(pattern.reader.listening, pattern.reader.listeners, strict=False))
            for unit, train, of in pattern.windows(place, upto):
                for row, readout in enumerate(of):
                    if wanted[number, readout] >> unit & 1:
                        one = _decision(pattern.reader, unit, (len(captures), row))
                        decisions[number, readout][unit] = one
                captures.append(train)
                listeners.append(places[unit])
            self._places[number] = Place(upto, place.shift_ns)
        self._asked = [
            replace(one, units=tuple(decisions[one.reader, one.readout])) for one in asked
        ]
        self._played_ns = at_ns
        moment = _Moment(
            at_ns,
            tuple(one.moment() for one in self._generators),
            tuple(self._places),
            tuple(self._asked),
            tuple(self._bank),
            tuple(self._undecided),
        )
        return Halt(
            self._content(at_ns),
            at_ns,
            drives,
            captures,
            listeners,
            tuple(one for units in decisions.values() for one in units.values()),
            moment,
            tuple(one.instruction for one in self._generators),
        )

    def _wanted(self, asked: Sequence[_Asked]) -> list[int]:
        """Return the integrators of which bits are decided, of readouts; masks.

        Of a word that is there when a generator reads next, those that it reads then, unless
        another one is written over it before.
        """
        found = [0] * len(asked)
        for number, generator in enumerate(self._generators):
            reads = generator.reads_next()
            coming = [
                (k, way, generator.sample(one.at_fs + way.late_fs))
                for way in self._of_generator[number]
                for k, one in enumerate(asked)
                if one.reader == way.reader and way.hears(one.register)
            ]
            for k, way, at in coming:
                if at > reads or not self._sparing:
                    found[k] |= way.shown(asked[k].register, way.read)
                    continue
                later = [
                    asked[other]
                    for other, same, then in coming
                    if same.source is way.source
                    and asked[k].end_fs < asked[other].end_fs
                    and then <= reads
                ]
                units = way.shown(asked[k].register, generator.reads(way.source))
                for one in later:
                    if way.port is None:
                        units = 0
                    elif one.register == asked[k].register:
                        units &= ~one.integrators
                found[k] |= units
        return found

    def _due(self, at_ns: int) -> list[int]:
        """Return the index behind the last readout that is asked for, by analyser.

        Those that a generator hears until it reads next; where none waits, and of those that none
        reads, those that are over. A PQSC takes results in the order in which readouts end.
        """
        waits = [one.waits_ns() for one in self._generators if one.said_ns == at_ns]
        waits_ns = max(waits, default=FOR_EVER)
        found: list[int] = []
        for pattern, place, ways in self._each():
            upto = self._over(pattern, place, at_ns)
            if ways and waits_ns < FOR_EVER:
                first_fs = min(way.late_fs for way in ways)
                upto = pattern.heard_by(place, waits_ns, first_fs)
                if (
                    upto > place.index
                    and pattern.closes_ns(Place(upto - 1, place.shift_ns)) > at_ns
                ):
                    raise CannotBranch("a result is read before its window is over")
            found.append(upto)
        ends = [
            pattern.ends_fs(Place(upto - 1, place.shift_ns))
            for upto, (pattern, place, _) in zip(found, self._each(), strict=True)
            if upto > place.index
        ]
        if not ends:
            return found
        return [
            max(upto, min(pattern.ended_by(place, max(ends)), self._over(pattern, place, at_ns)))
            for upto, (pattern, place, _) in zip(found, self._each(), strict=True)
        ]

    def _each(self) -> Iterator[tuple[ReadoutPattern, Place, tuple[LiveRoute, ...]]]:
        return zip(self._patterns, self._places, self._of_reader, strict=True)

    @staticmethod
    def _over(pattern: ReadoutPattern, place: Place, at_ns: int) -> int:
        """Return the index behind the last readout that is over by a time."""
        closed = at_ns - BEHIND_NS - place.shift_ns
        return max(int(np.searchsorted(pattern.reader.closes_ns, closed, "right")), place.index)

    def _content(self, at_ns: int) -> tuple[object, ...]:
        both = zip(self._patterns, self._places, strict=True)
        bank, undecided = list(self._bank), list(self._undecided)
        for one in self._asked:  # they are written anew
            left = ~couples_of(one.integrators)
            bank[one.register] &= left
            undecided[one.register] &= left
        return (
            tuple(
                one.content(at_ns, self._coming(number))
                for number, one in enumerate(self._generators)
            ),
            tuple(pattern.content(place, at_ns) for pattern, place in both),
            tuple(
                (
                    one.reader,
                    one.at_fs - at_ns * FS_PER_NS,
                    one.units,
                    one.register,
                    one.integrators,
                )
                for one in self._asked
            ),
            tuple(bank),
        )

    def _coming(self, number: int) -> dict[Source, int]:
        """Return by source the last sample by which a generator hears a word that is asked for."""
        generator, found = self._generators[number], dict[Source, int]()
        reads = generator.reads_next()
        for way in self._of_generator[number]:
            for one in self._asked:
                if one.reader == way.reader and way.hears(one.register):
                    at = generator.sample(one.at_fs + way.late_fs)
                    if at <= reads:
                        found[way.source] = max(at, found.get(way.source, at))
        return found

    def _done(self, from_ns: int) -> Done:
        return Done(tuple(one.rows(2 * (from_ns - one.begin_ns)) for one in self._generators))


def _asked(number: int, pattern: ReadoutPattern, place: Place) -> _Asked:
    """Return the readout at a place of an analyser."""
    started, readout = pattern.reader.started, place.index
    heard_fs = pattern.heard_fs(place)
    if heard_fs is None:
        raise CannotBranch("no readout is left")
    register, integrators = int(started.register[readout]), int(started.integrators[readout])
    return _Asked(number, readout, heard_fs, pattern.ends_fs(place), (), register, integrators)


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
