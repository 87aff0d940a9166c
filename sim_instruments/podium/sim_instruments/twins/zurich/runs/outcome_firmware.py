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
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import COUPLE
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Reader
from podium.sim_instruments.twins.zurich.runs.generator_ways import Cut, GeneratorWays
from podium.sim_instruments.twins.zurich.runs.readout_pattern import Place, ReadoutPattern
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
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
    """When its word is heard."""
    units: tuple[int, ...]
    """Integrators whose bits a generator may look at."""


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    at_ns: int
    states: tuple[int, ...]
    """Of the generators."""
    places: tuple[Place, ...]
    asked: tuple[_Asked, ...]


class OutcomeFirmware:
    """All sequencers of a run within one instrument, results not forwarded by a PQSC."""

    def __init__(
        self, generators: Sequence[GeneratorWays], patterns: Sequence[ReadoutPattern]
    ) -> None:
        self._generators, self._patterns = tuple(generators), tuple(patterns)
        self._places = [Place(0, 0) for _ in patterns]
        self._rules = [
            {unit: _rule(one.reader, unit) for unit in one.reader.listening} for one in patterns
        ]
        self._cuts: list[Cut] = []
        """What each generator has done since the last halt."""

    @property
    def counters(self) -> tuple[int, ...]:
        """Return what only counts, at the last halt."""
        found = [value for one in self._generators for value in one.counted()]
        both = zip(self._patterns, self._places, strict=True)
        return *found, *(pattern.counter(place) for pattern, place in both)

    def begin(self) -> Reached:
        """Go from the start to the first halt."""
        halt = self._onward(-FOR_EVER, _never_known, bounded=True)
        return Reached(halt, self.counters, self._done())

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
        if not isinstance(moment, _Moment):
            raise TypeError("not a moment of this firmware")
        for generator, one in zip(self._generators, moment.states, strict=True):
            generator.go_back(one, moment.at_ns)
        self._places = list(moment.places)
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
        halt = self._onward(moment.at_ns, known, bounded=bounded)
        counted = self._counted(counters, before, triggers)
        return Reached(halt, counted, self._done(), setting, used=False)

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

    def _onward(self, from_ns: int, known: Known, *, bounded: bool) -> Halt | None:
        """Go to the next halt; None: it is over."""
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
                    self._cuts = [one.end() for one in self._generators]
                    return None
            late = [one for one in self._generators if one.pause(needs_ns)] if paused else []
            if not late:
                return self._halt(from_ns, needs_ns, known)
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

    def _halt(self, from_ns: int, at_ns: int, known: Known) -> Halt:
        waits = any(one.waits_ns() < FOR_EVER for one in self._generators)
        self._cuts = [one.halt(at_ns) for one in self._generators]
        before = tuple(self._places)
        for number, (pattern, place) in enumerate(zip(self._patterns, before, strict=True)):
            upto = pattern.heard_by(place, at_ns) if waits else self._over(pattern, place, at_ns)
            self._places[number] = Place(upto, place.shift_ns)
        asked = self._asked(before, at_ns)
        if not asked:
            raise CannotBranch("nothing is asked")
        both = zip(self._patterns, self._places, strict=True)
        content = (
            tuple((one.state, one.shown) for one in self._cuts),
            tuple(pattern.content(place, at_ns) for pattern, place in both),
            tuple((one.reader, one.at_fs - at_ns * FS_PER_NS, one.units) for one in asked),
            at_ns - from_ns,
        )
        moment = _Moment(at_ns, tuple(one.state for one in self._cuts), tuple(self._places), asked)
        found = Halt(content, at_ns, (), (), (), (), moment)
        return found if known(content, at_ns) else self._told(found, from_ns, before, asked)

    def _asked(self, before: Sequence[Place], at_ns: int) -> tuple[_Asked, ...]:
        """Return the readouts that are decided at a halt."""
        found: list[_Asked] = []
        for number, (pattern, place) in enumerate(zip(self._patterns, before, strict=True)):
            for readout in range(place.index, self._places[number].index):
                at_fs = int(pattern.reader.heard_fs[readout]) + place.shift_ns * FS_PER_NS
                found.append(_Asked(number, readout, at_fs, pattern.units(readout)))
        bits = self._bits(found, at_ns)
        return tuple(
            replace(one, units=tuple(unit for unit in one.units if mine >> COUPLE * unit & 1))
            for one, mine in zip(found, bits, strict=True)
        )

    def _bits(self, asked: Sequence[_Asked], at_ns: int) -> list[int]:
        """Return which bits of each word any generator may look at.

        One that is about to read finds the last word that has come by then, and no other.
        """
        found = [0] * len(asked)
        for generator, cut in zip(self._generators, self._cuts, strict=True):
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

    def _told(
        self, halt: Halt, from_ns: int, before: Sequence[Place], asked: Sequence[_Asked]
    ) -> Halt:
        """Return a halt with all that is played and listened to since the one before."""
        cuts = zip(self._generators, self._cuts, strict=True)
        drives = [train for one, cut in cuts for train in one.drives(cut, halt.at_ns)]
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        windows: dict[tuple[int, int, int], tuple[int, int]] = {}
        """By reader, readout and integrator."""
        for number, (pattern, place) in enumerate(zip(self._patterns, before, strict=True)):
            drives += pattern.drives(place, from_ns, halt.at_ns)
            places = dict(zip(pattern.reader.listening, pattern.reader.listeners, strict=False))
            for unit, train, of in pattern.windows(place, self._places[number].index):
                for row, readout in enumerate(of):
                    windows[number, readout, unit] = len(captures), row
                captures.append(train)
                listeners.append(places[unit])
        decisions: list[Decision] = []
        for one in asked:
            for unit in one.units:
                window = windows[one.reader, one.readout, unit]
                rule = self._rules[one.reader][unit]
                decisions.append(replace(rule, windows=(window, window)))
        states = zip(self._generators, self._cuts, strict=True)
        return replace(
            halt,
            drives=drives,
            captures=captures,
            listeners=listeners,
            decisions=tuple(decisions),
            place=tuple(one.place(cut.state) for one, cut in states),
        )

    @staticmethod
    def _over(pattern: ReadoutPattern, place: Place, at_ns: int) -> int:
        """Return the index behind the last readout that is over by a time."""
        closed = at_ns - BEHIND_NS - place.shift_ns
        return max(int(np.searchsorted(pattern.reader.closes_ns, closed, "right")), place.index)

    def _done(self) -> Done:
        return Done(tuple(one.rows for one in self._cuts))


def _tick(generator: GeneratorWays, at_fs: int) -> int:
    """Return the sample of a generator at which a word is heard."""
    run = generator.participant.run
    return run.tick(at_fs + run.start_fs - generator.begin_ns * FS_PER_NS)


def _never_known(_: Hashable, _at_ns: int) -> bool:
    return False


def _rule(reader: Reader, unit: int) -> Decision:
    """Return the rule by which a window of an integrator becomes a bit; it names no window."""
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
    return Decision(((-1, -1), (-1, -1)), rule, partial(_above, reader, unit, gain, threshold))


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
