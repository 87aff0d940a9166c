"""A run in which generators do what their own analyser measures: sequencers and world in turns.

Analysers hang on nothing: they are executed to their ends first, so that it is known when each of
their words can be heard. Generators go on as far as all words are known. Where none can, the world
is asked for the readouts that are heard by then, with all that plays until they are over; what the
integrators make of the answers becomes words.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.latency import SHORTEST_READOUT
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import Captured, CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.twins.zurich.foretelling import (
    TAIL_NS,
    Analyser,
    CannotForetell,
    Foretold,
    Key,
    Member,
    check_ended,
    to_the_end,
)
from podium.sim_instruments.twins.zurich.playback import Play
from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import discriminate
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import (
    integrators_of,
    states_of,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    Complexes,
    busy,
    part_of,
    readouts,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.results import heard_at, words
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER
from podium.sim_instruments.twins.zurich.sequencer.render import oscillators_later
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    Kind,
    Op,
    Result,
    Row,
    Source,
    Status,
)
from podium.sim_instruments.twins.zurich.trains import (
    RATE_HZ,
    capture_trains,
    drive_trains,
    readout_trains,
    record_of,
    results_of,
    scope_train,
)

FOR_EVER: Final = 2**62
"""Times are fs, or ns, from the origin of the run."""
_OWN: Final = (Result.QA, Result.QA_RAW)


def hangs_on_results(members: Sequence[Member]) -> bool:
    """Whether a generator asks for results of the analyser in its own instrument."""
    analysed = {one.run.device for one in members if isinstance(one.analyser, Analyser)}
    return any(
        one.analyser is None and one.run.device in analysed and _asks(one) for one in members
    )


def _asks(member: Member) -> bool:
    code = member.run.image.code
    entries = np.isin(code[code[:, 0] == Op.TABLE, 1], _OWN)
    loads = np.isin(code[code[:, 0] == Op.LOAD_RESULT, 3], _OWN)
    return bool(entries.any() or loads.any())


def converse(members: Sequence[Member], number: int, origin_fs: int, play: Play) -> Foretold:
    """Execute and play a run in pieces; raises :class:`CannotForetell`."""
    return _Conversation(members, number, origin_fs).held(play)


class _Generator:
    """A sequencer that plays, and may hang on words."""

    def __init__(self, member: Member, origin_fs: int) -> None:
        self.member = member
        self._origin_fs = origin_fs
        self.begin_ns = (member.run.start_fs - origin_fs) // FS_PER_NS
        self._context = 0
        """First row that still shows in what is played."""
        self._oscillators = member.oscillators

    @property
    def waits_until_fs(self) -> int:
        """When it asks for a word that is not known; FOR_EVER: it is at its end."""
        trace = self.member.run.trace
        if trace.status is Status.UNKNOWN:
            return self.member.run.time_fs(trace.needs) - self._origin_fs
        check_ended(self.member.run)
        return FOR_EVER

    def plays(self, until_ns: int) -> Iterator[PulseTrain]:
        """Yield what leaves the connector before a time, from where the last call ended."""
        member, run = self.member, self.member.run
        until = min(2 * (until_ns - self.begin_ns) - member.late, NEVER)
        rows = run.trace.rows[self._context :]
        earlier = rows[:, Row.TIME] < until
        trace = replace(run.trace, rows=rows[earlier])
        if member.on and run.model is not HDAWG:
            yield from drive_trains(
                member.connector,
                member.sender,
                trace,
                run.image,
                self._oscillators,
                member.centre_hz,
                member.range_dbm,
                self.begin_ns,
                member.late,
                self._oscillators.since,
            )
        if until < NEVER:
            self._oscillators = oscillators_later(trace, self._oscillators, RATE_HZ, until)
            played = np.flatnonzero(earlier & (rows[:, Row.KIND] == Kind.WAVE))
            later = np.flatnonzero(~earlier)
            last = int(played[-1]) if len(played) else 0
            self._context += min(last, int(later[0])) if len(later) else last

    def all_plays(self) -> list[PulseTrain]:
        """Return all that has left its connectors."""
        member, run = self.member, self.member.run
        if not member.on or run.model is HDAWG:
            return []
        return list(
            drive_trains(
                member.connector,
                member.sender,
                run.trace,
                run.image,
                member.oscillators,
                member.centre_hz,
                member.range_dbm,
                self.begin_ns,
                member.late,
            )
        )


class _Reader:
    """A sequencer of an analyser: all that it starts is known beforehand."""

    def __init__(self, member: Member, origin_fs: int, first_listener: int) -> None:
        run, at = member.run, member.analyser
        if not isinstance(at, Analyser):
            raise CannotForetell(
                f"{member.sender}: spectroscopy is not simulated where generators do what another "
                "channel measures"
            )
        self.member, self.at = member, at
        to_the_end(run)
        begin_ns = (run.start_fs - origin_fs) // FS_PER_NS
        started = readouts(run.trace)
        duration = at.settings.delay + at.settings.length
        self.count = len(started.time)
        self.kept = np.flatnonzero(~busy(started.time, duration))
        """Which readouts are integrated; the others come during another one."""
        self.started = part_of(started, self.kept)
        self.heard_fs = np.zeros(0, np.int64)
        if duration >= SHORTEST_READOUT and len(self.kept):
            ticks = heard_at(self.started.time, duration, run.route)
            begin_fs, step_fs = run.start_fs - origin_fs, FS_PER_S // run.rate_hz
            self.heard_fs = begin_fs + step_fs * ticks
        late = replace(self.started, time=self.started.time + member.late)
        self.ends_ns = begin_ns + (late.time + duration >> 1) + 1
        self.drives = (
            list(
                readout_trains(
                    f"{member.connector}_out",
                    member.sender,
                    replace(started, time=started.time + member.late),
                    at.waves,
                    at.delay,
                    member.centre_hz,
                    member.range_dbm,
                    begin_ns,
                )
            )
            if member.on
            else []
        )
        line = f"{member.connector}_in"
        asked = late
        if at.qudits:
            asked = replace(late, integrators=integrators_of(late.integrators, at.qudits))
        self.listening = capture_trains(line, asked, at.settings, member.centre_hz, begin_ns)
        self.listeners = range(first_listener, first_listener + len(self.listening) + 1)
        self.values = {
            unit: np.zeros(len(one.readouts), np.complex128) for unit, one in self.listening.items()
        }
        self.scope = None
        if at.record:
            self.scope = scope_train(line, late, at.record, member.centre_hz, begin_ns)
        self.record: Complexes | None = None
        self.answered = 0
        """How many of those that are kept."""

    @property
    def next_fs(self) -> int:
        """When the next word can be heard that is not known; FOR_EVER: none."""
        if self.answered < len(self.heard_fs):
            return int(self.heard_fs[self.answered])
        return FOR_EVER

    def due(self, until_fs: int) -> int:
        """Return how many readouts are heard by a time."""
        if until_fs >= FOR_EVER:
            return len(self.kept)
        return int(np.searchsorted(self.heard_fs, until_fs, side="right"))

    def asks(self, upto: int) -> tuple[list[CaptureTrain], list[int]]:
        """Return the windows of readouts up to one, and who listens by them."""
        trains: list[CaptureTrain] = []
        for one in self.listening.values():
            part = slice(*np.searchsorted(one.readouts, (self.answered, upto)).tolist())
            trains.append(_window_part(one.train, part))
        listeners = list(self.listeners[: len(trains)])
        if self.scope is not None and self.record is None and self._scoped() < upto:
            trains.append(self.scope)
            listeners.append(self.listeners[-1])
        return trains, listeners

    def _scoped(self) -> int:
        """Return which readout the scope records."""
        return int(np.flatnonzero(self.started.monitor)[0])

    def takes(self, answers: Sequence[Captured], upto: int) -> Iterator[tuple[int, int]]:
        """Keep answers; yield when words are heard, and the words."""
        first, self.answered = self.answered, upto
        part = {}
        for (unit, one), answer in zip(self.listening.items(), answers, strict=False):
            rows = np.searchsorted(one.readouts, (first, upto))
            self.values[unit][slice(*rows.tolist())] = answer.integrated
            part[unit] = replace(one, readouts=one.readouts[slice(*rows.tolist())] - first)
        found = results_of(upto - first, self.at.units, part, tuple(answers[: len(part)]))
        states = (
            states_of(found, self.at.qudits, self.at.units)
            if self.at.qudits
            else discriminate(found, self.at.settings)
        )
        told = words(states, self.started.integrators[first:upto]).tolist()
        yield from zip(self.heard_fs[first:upto].tolist(), told, strict=False)

    def hears_scope(self, dialogue: Dialogue) -> None:
        """Take the trace of the scope's window, where it was asked for just now."""
        if self.scope is None or self.record is not None:
            return
        trace = dialogue.trace(self.listeners[-1])
        if trace is not None:
            whole = Captured(np.zeros(1, np.complex128), *trace)
            self.record = record_of(whole, self.at.record, self.member.centre_hz)

    def results(self) -> Complexes:
        """Return the sums of all readouts, those that were lost 0."""
        answers = tuple(Captured(values, None) for values in self.values.values())
        found = np.zeros((self.count, self.at.units), np.complex128)
        found[self.kept] = results_of(len(self.kept), self.at.units, self.listening, answers)
        return found


class _Conversation:
    def __init__(self, members: Sequence[Member], number: int, origin_fs: int) -> None:
        self._number, self._origin_fs = number, origin_fs
        readers = [one for one in members if one.analyser is not None]
        self._generators = [_Generator(m, origin_fs) for m in members if m.analyser is None]
        _refuse_flux(self._generators)
        self._readers: list[_Reader] = []
        listener = 0
        for one in readers:
            self._readers.append(_Reader(one, origin_fs, listener))
            listener = self._readers[-1].listeners.stop
        self._played_ns = -FOR_EVER

    def held(self, play: Play) -> Foretold:
        """Return what came of it."""
        dialogue = play.begin(self._number, self._origin_fs)
        while True:
            for one in self._generators:
                if one.member.run.trace.status is not Status.ENDED:
                    one.member.run.proceed(self._known(one.member))
            needs_fs = min((one.waits_until_fs for one in self._generators), default=FOR_EVER)
            self._ask(dialogue, needs_fs)
            if needs_fs == FOR_EVER:
                break
        return self._foretold(dialogue)

    def _known(self, member: Member) -> int:
        """Return up to which sample a generator knows all words of its instrument."""
        own = [one.next_fs for one in self._readers if one.member.run.device == member.run.device]
        next_fs = min(own, default=FOR_EVER)
        return NEVER if next_fs == FOR_EVER else member.run.tick(self._origin_fs + next_fs) - 1

    def _ask(self, dialogue: Dialogue, needs_fs: int) -> None:
        """Play on until a generator asks, and give it the words that can be heard then."""
        until_ns = FOR_EVER
        if needs_fs < FOR_EVER:
            until_ns = needs_fs // FS_PER_NS
        drives = [train for one in self._generators for train in one.plays(until_ns)]
        for reader in self._readers:
            drives += [
                part
                for train in reader.drives
                if (part := _pulse_part(train, self._played_ns, until_ns)) is not None
            ]
        self._played_ns = until_ns
        asked: list[tuple[_Reader, int, int]] = []
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        for reader in self._readers:
            upto = reader.due(needs_fs)
            if upto > reader.answered and int(reader.ends_ns[upto - 1]) > until_ns:
                raise CannotForetell(
                    f"{reader.member.sender}: a word is asked for while its readout goes on"
                )
            trains, who = reader.asks(upto)
            captures += trains
            listeners += who
            asked.append((reader, upto, len(trains)))
        answers = dialogue.go_on(drives, captures, listeners)
        places = [0, *np.cumsum([count for _, _, count in asked]).tolist()]
        for (reader, upto, _), (begin, end) in zip(asked, pairwise(places), strict=True):
            self._tell(reader, answers[begin:end], upto)
            reader.hears_scope(dialogue)

    def _tell(self, reader: _Reader, answers: Sequence[Captured], upto: int) -> None:
        for at_fs, word in reader.takes(answers, upto):
            for one in self._generators:
                if one.member.run.device == reader.member.run.device:
                    one.member.run.expect(self._origin_fs + at_fs, Source.QA, word)

    def _foretold(self, dialogue: Dialogue) -> Foretold:
        members = [one.member for one in self._generators]
        members += [one.member for one in self._readers]
        ends = {one.key: one.run.time_fs(one.run.trace.end) + FS_PER_NS for one in members}
        drives = [train for one in self._generators for train in one.all_plays()]
        drives += [train for one in self._readers for train in one.drives]
        captures = [one.train for reader in self._readers for one in reader.listening.values()]
        duration_ns = (max(ends.values()) - self._origin_fs) // FS_PER_NS + TAIL_NS
        dialogue.end(
            RunSignals(
                self._number, self._origin_fs, duration_ns, tuple(drives), tuple(captures), {}
            )
        )
        results: dict[Key, Complexes] = {r.member.key: r.results() for r in self._readers}
        records = {r.member.key: r.record for r in self._readers if r.record is not None}
        return Foretold(ends, results, records)


def _refuse_flux(generators: Sequence[_Generator]) -> None:
    """Raise :class:`CannotForetell` where an HDAWG plays: the world hears flux as a whole only."""
    for one in generators:
        if one.member.run.model is HDAWG and any(output.on for output in one.member.flux):
            raise CannotForetell(
                f"{one.member.sender}: an HDAWG's outputs are on; flux is not simulated where "
                "generators do what is measured"
            )


def _pulse_part(train: PulseTrain, begin_ns: int, end_ns: int) -> PulseTrain | None:
    """Return what of a train begins from one time on and before another."""
    part = slice(*np.searchsorted(train.start_ns, (begin_ns, end_ns)).tolist())
    if part.start == part.stop:
        return None
    return replace(
        train,
        start_ns=train.start_ns[part],
        piece=train.piece[part],
        phase_turns=train.phase_turns[part],
    )


def _window_part(train: CaptureTrain, part: slice) -> CaptureTrain:
    return replace(
        train,
        start_ns=train.start_ns[part],
        window=train.window[part],
        phase_turns=train.phase_turns[part],
    )
