"""Generators from one readout that they depend on to the next, for a tree of outcomes.

It halts where the run would wait as it comes (:mod:`.feedback_run`), with the same signals and
windows. Analysers depend on nothing: a readout of theirs stands for all that are followed by the
same (:mod:`.readout_pattern`).
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
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
from podium.sim_instruments.physics.signals import CaptureTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.generator_ways import Cut, GeneratorWays
from podium.sim_instruments.twins.zurich.runs.readout_decisions import decision_by
from podium.sim_instruments.twins.zurich.runs.readout_pattern import Place, ReadoutPattern
from podium.sim_instruments.twins.zurich.runs.readout_words import (
    AskedReadout,
    BankMoment,
    ReadoutWords,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    AnyTrain,
    later,
)


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Rows of the generators from one halt to the next; times are against the first one's."""

    rows: tuple[Integers, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """All sequencers go on from this behind halts, as it was at the first of them."""

    number: int
    at_ns: int
    generators: tuple[int, ...]
    """Their states."""
    places: tuple[Place, ...]
    asked: tuple[AskedReadout, ...]
    bank: BankMoment


@dataclass(frozen=True, slots=True)
class _Place:
    """A halt, by what the sequencers go on from and when."""

    state: int
    at_ns: int


@dataclass(slots=True, eq=False)
class _Way:
    """A way from one halt to the next, when it was gone."""

    from_ns: int
    before: tuple[Place, ...]
    """Of the patterns, at the first halt."""
    cuts: tuple[Cut, ...]
    behind: _State | None
    """At the second halt; None: to the end."""
    counted: tuple[int, ...] = ()
    halt: Halt | None = None
    """The second one, once it was asked for."""


class OutcomeFirmware:
    """All sequencers of a run behind one data server.

    A way is gone from the first halt of a state, and holds for all its halts, later by so much.
    """

    def __init__(
        self,
        generators: Sequence[GeneratorWays],
        patterns: Sequence[ReadoutPattern],
        words: ReadoutWords,
        carriers: Mapping[str, float],
    ) -> None:
        """``carriers``: the frequency of the synthesizer behind each output and input, Hz."""
        self._carriers = carriers
        self._generators, self._patterns, self._words = tuple(generators), tuple(patterns), words
        self._first_fs = [words.first_fs(number) for number in range(len(patterns))]
        self._places = [Place(0, 0) for _ in patterns]
        self._rules = [
            {unit: decision_by(one.reader, unit) for unit in one.reader.listening}
            for one in patterns
        ]
        self._states: list[_State] = []
        self._numbers: dict[Hashable, int] = {}
        """Of states, by what they are seen from their halts."""
        self._ways: dict[Hashable, _Way] = {}
        """By state, outcomes, counters, and whether these bound it."""

    @property
    def _counters(self) -> tuple[int, ...]:
        """Return what only counts, at the last halt."""
        found = [value for one in self._generators for value in one.counted()]
        return *found, *(pattern.counter(place) for pattern, place in self._each())

    def begin(self) -> Reached:
        """Go from the start to the first halt."""
        way = self._onward(-FOR_EVER, bounded=True)
        way.counted = self._counters
        return self._reached(way, way.from_ns, None, _never_known)

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

        So there is one setting.
        """
        if not isinstance(moment, _Place):
            raise TypeError("not a moment of this firmware")
        key = moment.state, tuple(bits), tuple(counters), bounded
        way = self._ways.get(key)
        if way is None:
            state = self._states[moment.state]
            way = self._ways[key] = self._worked_out(state, bits, counters, bounded=bounded)
        return self._reached(way, moment.at_ns, setting, known)

    def _reached(self, way: _Way, from_ns: int, setting: Hashable, known: Known) -> Reached:
        """Return what a way comes to that begins at a time."""
        reached = Reached(
            None, way.counted, Done(tuple(one.rows for one in way.cuts)), setting, used=False
        )
        state = way.behind
        if state is None:
            return reached
        lasts_ns, later_ns = state.at_ns - way.from_ns, from_ns - way.from_ns
        content = state.number, tuple(one.shown for one in way.cuts), lasts_ns
        at_ns = state.at_ns + later_ns
        place = _Place(state.number, at_ns)
        halt = Halt(content, at_ns, (), (), (), (), place)
        if not known(content, at_ns):
            way.halt = way.halt or self._halt(way, state)
            halt = replace(
                way.halt,
                content=content,
                at_ns=at_ns,
                drives=[self._later(one, later_ns) for one in way.halt.drives],
                captures=[self._later(one, later_ns) for one in way.halt.captures],
                moment=place,
            )
        return replace(reached, halt=halt)

    def _later(self, train: AnyTrain, later_ns: int) -> AnyTrain:
        return later(train, self._carriers.get(train.line, 0.0), later_ns)

    def _worked_out(
        self, state: _State, bits: Sequence[int], counters: Sequence[int], *, bounded: bool
    ) -> _Way:
        """Have the sequencers go on from the first halt of a state."""
        for generator, one in zip(self._generators, state.generators, strict=True):
            generator.go_back(one, state.at_ns)
        self._places = list(state.places)
        self._words.go_back(state.bank)
        self._words.tell(state.asked, bits)
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
        way = self._onward(state.at_ns, bounded=bounded)
        way.counted = self._counted(counters, before, triggers)
        return way

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

    def _onward(self, from_ns: int, *, bounded: bool) -> _Way:
        """Go to the next halt, or to the end."""
        ahead_ns = max(from_ns, 0) + STEP_NS
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
                needs_ns = self._next_close_ns(from_ns)
                if needs_ns >= FOR_EVER:
                    cuts = tuple(one.end() for one in self._generators)
                    return _Way(from_ns, tuple(self._places), cuts, None)
            late = [one for one in self._generators if one.pause(needs_ns)] if paused else []
            if not late:
                return self._halted(from_ns, needs_ns)
        raise AssertionError("count() has no end")

    def _next_close_ns(self, from_ns: int) -> int:
        """Return when the next readout is over that nobody depends on, a moment later."""
        ends = [
            pattern.closes_ns(place) + BEHIND_NS
            for pattern, place in self._each()
            if place.index < pattern.count
        ]
        return max(min(ends), from_ns) if ends else FOR_EVER

    def _halted(self, from_ns: int, at_ns: int) -> _Way:
        """Return the way to a halt."""
        before, asked = tuple(self._places), self._asked(at_ns)
        cuts = tuple(
            one.halt(at_ns, self._words.comes(number, asked))
            for number, one in enumerate(self._generators)
        )
        states, at_fs = tuple(one.state for one in cuts), at_ns * FS_PER_NS
        content = (
            states,
            tuple(pattern.content(place, at_ns) for pattern, place in self._each()),
            tuple(
                (one.reader, one.at_fs - at_fs, one.units, one.register, one.integrators)
                for one in asked
            ),
            self._words.content(asked),
        )
        number = self._numbers.setdefault(content, len(self._states))
        places, bank = tuple(self._places), self._words.moment()
        state = _State(number, at_ns, states, places, asked, bank)
        if number == len(self._states):
            self._states.append(state)
        return _Way(from_ns, before, cuts, state)

    def _asked(self, at_ns: int) -> tuple[AskedReadout, ...]:
        """Return the readouts that are decided at a halt; analysers are behind them then."""
        due = self._due(at_ns)
        found = [
            pattern.asked(number, Place(readout, place.shift_ns))
            for number, (pattern, place) in enumerate(self._each())
            for readout in range(place.index, due[number])
        ]
        if not found:
            raise CannotBranch("nothing is asked")
        self._places = [
            Place(upto, place.shift_ns) for upto, place in zip(due, self._places, strict=True)
        ]
        both = zip(found, self._words.wanted(found), strict=True)
        return tuple(
            replace(one, units=tuple(unit for unit in one.units if wanted >> unit & 1))
            for one, wanted in both
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

    def _halt(self, way: _Way, state: _State) -> Halt:
        """Return a halt with all that is played and listened to since the one before."""
        cuts, at_ns = zip(self._generators, way.cuts, strict=True), state.at_ns
        drives = [train for one, cut in cuts for train in one.drives(cut, at_ns)]
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        windows: dict[tuple[int, int, int], tuple[int, int]] = {}
        """By reader, readout and integrator."""
        for number, (pattern, place) in enumerate(zip(self._patterns, way.before, strict=True)):
            drives += pattern.drives(place, way.from_ns, at_ns)
            places = dict(zip(pattern.reader.listening, pattern.reader.listeners, strict=False))
            for unit, train, of in pattern.windows(place, state.places[number].index):
                for row, readout in enumerate(of):
                    windows[number, readout, unit] = len(captures), row
                captures.append(train)
                listeners.append(places[unit])
        decisions: list[Decision] = []
        for asked in state.asked:
            for unit in asked.units:
                window = windows[asked.reader, asked.readout, unit]
                rule = self._rules[asked.reader][unit]
                decisions.append(replace(rule, windows=(window, window)))
        states = zip(self._generators, way.cuts, strict=True)
        return Halt(
            None,
            at_ns,
            drives,
            captures,
            listeners,
            tuple(decisions),
            None,
            tuple(one.place(cut.state) for one, cut in states),
        )

    @staticmethod
    def _over(pattern: ReadoutPattern, place: Place, at_ns: int) -> int:
        """Return the index behind the last readout that is over by a time."""
        closed = at_ns - BEHIND_NS - place.shift_ns
        return max(int(np.searchsorted(pattern.reader.closes_ns, closed, "right")), place.index)


def _never_known(_: Hashable, _at_ns: int) -> bool:
    return False
