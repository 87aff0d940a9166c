"""Generators from one readout that they depend on to the next, for a tree of outcomes.

It halts where the run would wait as it comes (:mod:`.feedback_run`), with the same signals and
windows. Analysers depend on nothing: a readout of theirs stands for all that are followed by the
same (:mod:`.readout_pattern`).
"""

from collections.abc import Hashable, Sequence
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
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import COUPLE
from podium.sim_instruments.twins.zurich.runs.generator_ways import Cut, GeneratorWays
from podium.sim_instruments.twins.zurich.runs.participants import Participant
from podium.sim_instruments.twins.zurich.runs.readout_decisions import decision_by
from podium.sim_instruments.twins.zurich.runs.readout_pattern import Place, ReadoutPattern
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import (
    AnyTrain,
    later,
)


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
    """When its word is heard."""
    units: tuple[int, ...]
    """Integrators whose bits a generator may look at."""


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """All sequencers go on from this behind halts, as it was at the first of them."""

    number: int
    at_ns: int
    generators: tuple[int, ...]
    """Their states."""
    places: tuple[Place, ...]
    asked: tuple[_Asked, ...]


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
    """All sequencers of a run within one instrument, results not forwarded by a PQSC.

    A way is gone from the first halt of a state, and holds for all its halts, later by so much.
    """

    def __init__(
        self, generators: Sequence[GeneratorWays], patterns: Sequence[ReadoutPattern]
    ) -> None:
        self._generators, self._patterns = tuple(generators), tuple(patterns)
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
        self._centre_hz = {
            line: one.centre_hz
            for one in (
                *(one.participant for one in generators),
                *(one.reader.participant for one in patterns),
            )
            for line in _lines(one)
        }

    @property
    def _counters(self) -> tuple[int, ...]:
        """Return what only counts, at the last halt."""
        found = [value for one in self._generators for value in one.counted()]
        both = zip(self._patterns, self._places, strict=True)
        return *found, *(pattern.counter(place) for pattern, place in both)

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
        return later(train, self._centre_hz.get(train.line, 0.0), later_ns)

    def _worked_out(
        self, state: _State, bits: Sequence[int], counters: Sequence[int], *, bounded: bool
    ) -> _Way:
        """Have the sequencers go on from the first halt of a state."""
        for generator, one in zip(self._generators, state.generators, strict=True):
            generator.go_back(one, state.at_ns)
        self._places = list(state.places)
        self._tell(state.asked, bits)
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

    def _tell(self, asked: Sequence[_Asked], bits: Sequence[int]) -> None:
        """Have generators hear the words of readouts."""
        left = iter(bits)
        for one in asked:
            word = sum(next(left) << COUPLE * unit for unit in one.units)
            for generator in self._generators:
                if self._hears(generator, one.reader):
                    generator.hear(_tick(generator, one.at_fs), word)

    def _hears(self, generator: GeneratorWays, reader: int) -> bool:
        """Tell whether words of an analyser reach a generator: of its own instrument."""
        of = self._patterns[reader].reader.participant.run.device
        return generator.participant.run.device == of

    def _known(self, generator: GeneratorWays) -> int:
        """Return up to which sample a generator knows all words."""
        both = enumerate(zip(self._patterns, self._places, strict=True))
        heard = [
            at_fs
            for number, (pattern, place) in both
            if self._hears(generator, number) and (at_fs := pattern.heard_fs(place)) is not None
        ]
        return _tick(generator, min(heard)) - 1 if heard else NEVER

    def _onward(self, from_ns: int, *, bounded: bool) -> _Way:
        """Go to the next halt, or to the end."""
        ahead_ns = max(from_ns, 0) + STEP_NS
        for generator in self._generators:
            generator.pause(ahead_ns)
        for turn in count():
            if turn > TURNS_MAX and not bounded:
                raise Unbounded
            for generator in self._generators:
                generator.go_on(self._known(generator), bounded=bounded)
            needs_ns = min((one.waits_ns() for one in self._generators), default=FOR_EVER)
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
        both = zip(self._patterns, self._places, strict=True)
        ends = [
            pattern.closes_ns(place) + BEHIND_NS
            for pattern, place in both
            if place.index < pattern.count
        ]
        return max(min(ends), from_ns) if ends else FOR_EVER

    def _halted(self, from_ns: int, at_ns: int) -> _Way:
        """Return the way to a halt."""
        waits = any(one.waits_ns() < FOR_EVER for one in self._generators)
        cuts = tuple(one.halt(at_ns) for one in self._generators)
        before = tuple(self._places)
        for number, (pattern, place) in enumerate(zip(self._patterns, before, strict=True)):
            upto = pattern.heard_by(place, at_ns) if waits else self._over(pattern, place, at_ns)
            self._places[number] = Place(upto, place.shift_ns)
        asked = self._asked(before, cuts, at_ns)
        if not asked:
            raise CannotBranch("nothing is asked")
        both = zip(self._patterns, self._places, strict=True)
        states = tuple(one.state for one in cuts)
        content = (
            states,
            tuple(pattern.content(place, at_ns) for pattern, place in both),
            tuple((one.reader, one.at_fs - at_ns * FS_PER_NS, one.units) for one in asked),
        )
        number = self._numbers.setdefault(content, len(self._states))
        state = _State(number, at_ns, states, tuple(self._places), asked)
        if number == len(self._states):
            self._states.append(state)
        return _Way(from_ns, before, cuts, state)

    def _asked(
        self, before: Sequence[Place], cuts: Sequence[Cut], at_ns: int
    ) -> tuple[_Asked, ...]:
        """Return the readouts that are decided at a halt."""
        found: list[_Asked] = []
        for number, (pattern, place) in enumerate(zip(self._patterns, before, strict=True)):
            for readout in range(place.index, self._places[number].index):
                at_fs = int(pattern.reader.heard_fs[readout]) + place.shift_ns * FS_PER_NS
                found.append(_Asked(number, readout, at_fs, pattern.units(readout)))
        bits = self._bits(found, cuts, at_ns)
        return tuple(
            replace(one, units=tuple(unit for unit in one.units if mine >> COUPLE * unit & 1))
            for one, mine in zip(found, bits, strict=True)
        )

    def _bits(self, asked: Sequence[_Asked], cuts: Sequence[Cut], at_ns: int) -> list[int]:
        """Return which bits of each word any generator may look at.

        One that is about to read finds the last word that has come by then, and no other.
        """
        found = [0] * len(asked)
        for generator, cut in zip(self._generators, cuts, strict=True):
            if cut.reads is None:
                continue
            reads = cut.reads + 2 * (at_ns - generator.begin_ns)
            heard = [k for k, one in enumerate(asked) if self._hears(generator, one.reader)]
            ticks = {k: _tick(generator, asked[k].at_fs) for k in heard}
            by_then = [k for k in heard if ticks[k] <= reads]
            if by_then and self._known(generator) >= reads:
                by_then.remove(max(by_then, key=lambda k: (ticks[k], k)))
            for k in heard:
                if k not in by_then:
                    found[k] |= generator.looks_at
        return found

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


def _lines(participant: Participant) -> tuple[str, ...]:
    """Return the connectors of a sequencer, as trains name them."""
    name = participant.connector
    return (name,) if participant.analyser is None else (f"{name}_out", f"{name}_in")


def _tick(generator: GeneratorWays, at_fs: int) -> int:
    """Return the sample of a generator at which a word is heard."""
    run = generator.participant.run
    return run.tick(at_fs + run.start_fs - generator.begin_ns * FS_PER_NS)


def _never_known(_: Hashable, _at_ns: int) -> bool:
    return False
