"""Sequencers of a cluster from one reading that they depend on to the next, for a tree of outcomes.

It halts where :mod:`.feedback_sequencers` would ask the world, with the same signals and windows.
Sequencers without conditions are kept from running ahead, so that what a halt is made of ends a
moment after it. What shows in nothing but an underflow or a full queue of results is left out of a
halt (the classical side's time, its queue): whoever adds up what was done has the whole program
executed once more, with all triggers known (:mod:`.outcome_run`).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
from numpy.typing import NDArray

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
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.twins.qblox_cluster.inputs.input_stage import input_line
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import lo_turns, output_lines
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_kernel import PHASE_TURN
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER, Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import FIRST_CONSTANT
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor, Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run, RunMoment
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
)
from podium.sim_instruments.twins.qblox_cluster.processor.register_flow import register_use
from podium.sim_instruments.twins.qblox_cluster.runs.external_triggers import (
    waits_for_measured,
    watched_addresses,
)
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import (
    THRESHOLD_TRIGGER_NS,
    GroupPlayback,
    Train,
    TriggerMoment,
)
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_content import (
    decisions_of,
    seen_from,
    triggers_seen,
)
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import (
    Bits,
    Content,
    Done,
    Start,
    Way,
    WayParts,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import (
    SEEN,
    PlaybackMoment,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS


@dataclass(frozen=True, slots=True, eq=False)
class _Moment:
    """Everything that the sequencers have come to at a halt, of the first one of its state."""

    at_ns: int
    runs: tuple[RunMoment, ...]
    playbacks: tuple[PlaybackMoment, ...]
    triggers: TriggerMoment
    finishing: bool
    asked: tuple[tuple[int, int], ...]
    """Sender and end of each acquisition that is decided."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A halt, by what it goes on from and when."""

    state: int
    """Number of what it goes on from, as seen from ``at_ns``: what was played until then, and which
    windows were asked for, is not among it."""
    at_ns: int
    """From the begin of the dialogue."""


_Start = tuple[int, tuple[int, ...], bool]
"""A state, counters, and whether they bound the way."""
_Left = tuple[_Start, Bits, tuple[bytes, ...]]
"""A start, outcomes and setting."""


@dataclass(slots=True, eq=False)
class _State:
    """A state of all sequencers at halts."""

    behind: Content
    open_ns: tuple[tuple[int, int], ...]
    """Sender and end of what is decided, seen from the halt."""
    left: _Left | None
    """A way that leads to it; None: the begin."""
    moment: _Moment | None = None
    """The first of it, from which ways are gone; None: nobody was there."""


class OutcomeFirmware:
    """All sequencers of a run. Messages, time tags and counted triggers are not for it."""

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        processors: Sequence[Q1Processor],
        external: Sequence[Trigger] = (),
    ) -> None:
        """``runs`` with the phases that their oscillators have; ``external``: all that come."""
        self._runs = tuple(runs)
        self._together = Q1Group(processors)
        self._group = GroupPlayback(runs, self._together, external)
        sent = {runs[n].configuration.trigger_address for n in self._group.senders}
        self._waits = [waits_for_measured(run.program, sent) for run in runs]
        uses = [register_use(run.program) for run in runs]
        self._counted = [use.counters for use in uses]
        self._asks_at_once = all(use.asks_at_once for use in uses)
        self._shown = [
            np.array([r for r in range(FIRST_CONSTANT) if r not in {*use.counters, *use.labels}])
            for use in uses
        ]
        """Slots of the setting: registers, and their shadows."""
        for q1_run, shown in zip(self._together.runs, self._shown, strict=True):
            q1_run.watch_slots(shown.tolist())
            # a halt is gone on from in other points than the one in which it was met first
            q1_run.admit_every_bin()
        self._finishing = False
        self._delivered: list[Trigger] = []
        self._own: dict[Hashable, int] = {}
        """Numbers of parts of contents."""
        self._contents: dict[Content, int] = {}
        self._states: dict[tuple[Content, tuple[tuple[int, int], ...]], int] = {}
        """By content, and sender and end of what is decided."""
        self._kinds: list[_State] = []
        """By number of the state."""
        self._ways: dict[tuple[_Start, Hashable], dict[Bits, Way]] = {}
        """By start and setting (None: any), and by outcomes."""
        self._watched = [watched_addresses(run.program) for run in runs]
        self._parts = WayParts([run.sender for run in runs], self._watched)
        self._joins = self._asks_at_once
        """Whether ways may be put together."""
        self._lo_hz = _oscillators(runs)

    @property
    def begin_ns(self) -> int:
        """Return when the dialogue with the world begins, from the start."""
        return self._group.begin_ns

    @property
    def counters(self) -> tuple[int, ...]:
        """Return the registers that only count, at the last halt."""
        return tuple(value for values in self._counters() for value in values)

    def _counters(self) -> tuple[tuple[int, ...], ...]:
        """Return them by sequencer."""
        return tuple(
            tuple(int(run.registers[register]) for register in registers)
            for run, registers in zip(self._together.runs, self._counted, strict=True)
        )

    @property
    def carriers(self) -> dict[str, float]:
        """Return the frequency of the oscillator behind each output connector, Hz."""
        found: dict[str, float] = {}
        for run in self._runs:
            for line in output_lines(run):
                found[line.name] = float(line.lo_hz)
        return found

    def begin(self) -> Reached:
        """Go from the start to the first halt."""
        for run, waits in zip(self._together.runs, self._waits, strict=True):
            run.pause_ns = FOR_EVER if waits else STEP_NS
        found = self._onward(bounded=True)
        if found is None:
            raise CannotBranch("the program depends on nothing that it measures")
        self._group.begin()
        done = self._done([0] * len(self._runs), 0)
        halt, _, _ = self._halt(*found, None)
        return Reached(halt, self.counters, done, self._setting())

    def _setting(self) -> tuple[bytes, ...]:
        """Return what the registers hold that are neither counters nor labels."""
        runs = zip(self._together.runs, self._shown, strict=True)
        return tuple(run.values(shown).tobytes() for run, shown in runs)

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
        """Go on from a moment with these outcomes, counters and setting."""
        if not isinstance(moment, _Place):
            raise TypeError("not a moment of this firmware")
        start = moment.state, tuple(counters), bounded
        if not isinstance(setting, tuple):
            raise TypeError("not a setting of this firmware")
        way = self._way(start, tuple(bits), setting)
        used = any(way.used)
        # where nothing was used it would be the same with any other setting
        after = tuple(way.setting) if used else setting
        found = Reached(None, sum(way.counters, ()), way.done, after, used)
        if way.halt is None:
            return found
        later_ns = moment.at_ns - way.from_ns
        at_ns = way.halt.at_ns + later_ns
        if known(way.halt.content, at_ns):
            return replace(found, halt=Halt(way.halt.content, at_ns, (), (), (), (), None))
        return replace(found, halt=self._later(way.halt, later_ns))

    def _way(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Way:
        """Return the way from a state, gone or put together of some that were."""
        gone = {**self._ways.get((start, None), {}), **self._ways.get((start, setting), {})}
        if bits in gone:
            return gone[bits]
        way = self._join(start, bits, setting)
        if way is None and gone and len(bits) > 1 and self._joins:
            # with the opposite of outcomes all others can be put together
            opposite = tuple(1 - bit for bit in next(iter(gone)))
            if opposite not in gone and opposite != bits:
                self._try(start, opposite, setting)
                way = self._join(start, bits, setting)
        return self._keep(start, bits, setting, way or self._go_on(start, bits, setting))

    def _keep(self, start: _Start, bits: Bits, setting: tuple[bytes, ...], way: Way) -> Way:
        held_by = setting if any(way.used) else None
        self._ways.setdefault((start, held_by), {})[bits] = way
        return way

    def _try(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> None:
        """Go a way that nobody has asked for, if it is one; else put none together any more."""
        try:
            self._keep(start, bits, setting, self._go_on(start, bits, setting))
        except (CannotBranch, Unbounded):
            self._joins = False

    def _start(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Start:
        number, counters, bounded = start
        state, left = self._kinds[number], iter(counters)
        shared = state.behind.shared, state.behind.waiting, state.open_ns, bounded
        mine = tuple(tuple(next(left) for _ in registers) for registers in self._counted)
        return Start(shared, state.behind.own, bits, mine, setting)

    def _addresses(self, state: int) -> list[int]:
        """Return the addresses of the triggers of what is decided."""
        senders = [number for number, _ in self._kinds[state].open_ns]
        return [self._runs[n].configuration.trigger_address for n in senders]

    def _join(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Way | None:
        """Return a way put together of others, None where that cannot be done."""
        if not self._joins:
            return None
        addresses = self._addresses(start[0])
        found = self._parts.joined(self._start(start, bits, setting), addresses)
        if found is None:
            return None
        way, ways = found
        halt, content, behind = way.halt, way.content, way.behind
        if halt is None or content is None or behind is None:
            return None
        if not isinstance(halt.moment, _Place):
            raise TypeError("not a halt of this firmware")
        drives: list[PulseTrain] = []
        for run, one in zip(self._runs, ways, strict=True):
            later_ns = way.from_ns - one.from_ns
            trains = () if one.halt is None else one.halt.drives
            mine = [train for train in trains if train.sender == run.sender]
            drives += self._moved(mine, later_ns)
        open_ns = self._kinds[halt.moment.state].open_ns
        state = self._number(_State(behind, open_ns, (start, bits, setting)))
        number = self._contents.setdefault(content, len(self._contents))
        moment = _Place(state, halt.moment.at_ns)
        return replace(way, halt=replace(halt, content=number, drives=drives, moment=moment))

    def _number(self, state: _State) -> int:
        """Return the number of a state."""
        number = self._states.setdefault((state.behind, state.open_ns), len(self._kinds))
        if number == len(self._kinds):
            self._kinds.append(state)
        return number

    def _moment(self, state: int) -> _Moment:
        """Return the first moment of a state; where nobody was there yet, go there."""
        one = self._kinds[state]
        if one.moment is None and one.left is not None:
            self._go_on(*one.left)
        if one.moment is None:
            raise CannotBranch("what was put together is not what sequencers come to")
        return one.moment

    def _later(self, halt: Halt, later_ns: int) -> Halt:
        """Return a halt as it would be at a later time; oscillators of modules turn meanwhile."""
        if not later_ns:
            return halt
        if not isinstance(halt.moment, _Place):
            raise TypeError("not a halt of this firmware")
        return replace(
            halt,
            at_ns=halt.at_ns + later_ns,
            drives=self._moved(halt.drives, later_ns),
            captures=self._moved(halt.captures, later_ns),
            moment=_Place(halt.moment.state, halt.moment.at_ns + later_ns),
        )

    def _moved(self, trains: Sequence[Train], later_ns: int) -> list[Train]:
        """Return trains as they would be at a later time."""
        if not later_ns:
            return list(trains)
        turns = {name: _turns(self._lo_hz[name], later_ns) for name in {t.line for t in trains}}
        return [_shifted(train, later_ns, turns[train.line]) for train in trains]

    def _go_on(self, start: _Start, bits: Bits, setting: tuple[bytes, ...]) -> Way:
        """Have the sequencers go on from the first moment of a state."""
        state, counters, bounded = start
        moment, left = self._moment(state), iter(counters)
        self._go_back(moment)
        for run, registers in zip(self._together.runs, self._counted, strict=True):
            for register in registers:
                run.registers[register] = next(left)
        self._put_setting(setting)
        rows = [run.row_count for run in self._together.runs]
        for (number, end_ns), bit in zip(moment.asked, bits, strict=True):
            self._group.add_measured(number, [(end_ns, bool(bit))])
        found = None if self._finishing else self._onward(bounded=bounded)
        used = tuple(run.slots_used for run in self._together.runs)
        done, after, counted = self._done(rows, moment.at_ns), self._setting(), self._counters()
        come_from = start, bits, setting
        halts = self._finish(come_from) if found is None else self._halt(*found, come_from)
        halt, content, behind = halts or (None, None, None)
        way = Way(moment.at_ns - self.begin_ns, halt, content, behind, done, counted, after, used)
        if self._joins:
            self._parts.add(self._start(*come_from), self._addresses(state), way)
        return way

    def _put_setting(self, setting: Hashable) -> None:
        if not isinstance(setting, tuple):
            raise TypeError("not a setting of this firmware")
        for run, shown, values in zip(self._together.runs, self._shown, setting, strict=True):
            run.put_values(shown, np.frombuffer(values, np.int64))
            run.slots_used = False

    def _onward(self, *, bounded: bool) -> tuple[int, int] | None:
        """Go to the next halt; return until when is played and read there, None: it is over."""
        together, group = self._together, self._group
        for turn in count():
            if turn > TURNS_MAX and not bounded:
                raise Unbounded
            together.proceed(self._deliver(), group.known_ns)
            group.collect_acquisitions()
            if any(run.ending is Ending.CUT for run in together.runs):
                raise CannotBranch("it does not end") if bounded else Unbounded
            paused = [run for run in together.runs if run.ending is Ending.PAUSED]
            if not together.waits_for_triggers and not paused:
                self._finishing = True
                return None
            if not together.waits_for_triggers and not self._may_wait():
                if not bounded:
                    raise Unbounded
                self._resume(paused, FOR_EVER - 1)
                continue
            arrival_ns = group.next_end_ns(group.senders) + THRESHOLD_TRIGGER_NS
            upto_ns = group.knows(arrival_ns - 1)
            if upto_ns > group.known_ns:
                group.known_ns = upto_ns
            elif together.waits_for_triggers and group.known_ns == arrival_ns - 1 < FOR_EVER:
                played_ns, end_ns = group.asks_until(arrival_ns)
                late = [run for run in paused if run.time_ns <= played_ns]
                if not late:
                    return played_ns, end_ns
                self._resume(late, played_ns)
            elif paused:
                self._resume(paused, max(group.known_ns, min(r.time_ns for r in paused)) + STEP_NS)
            else:
                raise CannotBranch("sequencers wait for what nobody measures")
        raise AssertionError("count() has no end")

    def _may_wait(self) -> bool:
        """Tell whether somebody goes on who may wait for a trigger."""
        return any(
            waits and run.ending is not Ending.STOPPED
            for run, waits in zip(self._together.runs, self._waits, strict=True)
        )

    @staticmethod
    def _resume(runs: Sequence[Q1Run], until_ns: int) -> None:
        for run in runs:
            run.pause_ns = max(until_ns, run.time_ns)

    def _deliver(self) -> list[Trigger]:
        found = [Trigger(pulse.arrival_ns, pulse.address) for pulse in self._group.deliver()]
        self._delivered += found
        return found

    def _finish(self, left: _Left) -> tuple[Halt, Content, Content] | None:
        """Ask for the next window that nobody depends on; None: there is none."""
        wanted = self._group.asks_at_the_end()
        return None if wanted is None else self._halt(*wanted, left)

    def _halt(
        self, played_ns: int, end_ns: int, left: _Left | None
    ) -> tuple[Halt, Content, Content]:
        """Return a halt, its content, and that behind it."""
        at_ns, group = played_ns, self._group
        content = self._content(at_ns, end_ns)
        drives = group.drives(played_ns)
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        decisions: list[Decision] = []
        asked: list[tuple[int, int]] = []
        for number, playback in enumerate(group.playbacks):
            for due in playback.due(end_ns):
                if number in group.senders and not self._finishing:
                    decisions += decisions_of(playback.run, due, len(captures))
                    asked += [(number, one) for one in due.ends_ns()]
                captures += due.trains
                listeners += [2 * number + path for path in range(len(due.trains))]
                due.take()
        behind = self._content(at_ns, end_ns)
        halt = Halt(
            self._contents.setdefault(content, len(self._contents)),
            at_ns - self.begin_ns,
            drives,
            [group.moved(train) for train in captures],
            listeners,
            tuple(decisions),
            _Place(self._state(at_ns, behind, tuple(asked), left), at_ns - self.begin_ns),
        )
        return halt, content, behind

    def _state(
        self,
        at_ns: int,
        behind: Content,
        asked: tuple[tuple[int, int], ...],
        left: _Left | None,
    ) -> int:
        """Return the number of what the sequencers go on from now; keep its first moment.

        Rows that are played are dropped.
        """
        open_ns = tuple((number, closes_ns - at_ns) for number, closes_ns in asked)
        number = self._number(_State(behind, open_ns, left))
        if self._kinds[number].moment is None:
            for playback in self._group.playbacks:
                playback.drop_played()
            runs = tuple(run.moment() for run in self._together.runs)
            playbacks = tuple(playback.moment() for playback in self._group.playbacks)
            triggers = self._group.moment()
            self._kinds[number].moment = _Moment(
                at_ns, runs, playbacks, triggers, self._finishing, asked
            )
        return number

    def _content(self, at_ns: int, end_ns: int) -> Content:
        group = self._group
        shared: list[Hashable] = [
            self._finishing,
            end_ns - at_ns,
            group.played_ns - at_ns,
            group.known_ns - at_ns,
            max(group.pulses.latest_ns, group.known_ns - DEAD_NS) - at_ns,
        ]
        if not self._asks_at_once:  # flags count as well, and nobody watches them
            shared.append(self._setting())
        waiting = tuple((p.arrival_ns - at_ns, p.address, p.sender) for p in group.pulses.waiting)
        own = tuple(self._own_content(number, at_ns) for number in range(len(self._runs)))
        return Content(tuple(shared), waiting, own)

    def _own_content(self, number: int, at_ns: int) -> int:
        """Return the number of a sequencer's part of the content."""
        run, playback = self._together.runs[number], self._group.playbacks[number]
        wide, narrow = playback.shown_rows(at_ns)
        found: list[Hashable] = [number, wide.tobytes(), narrow.tobytes()]
        found += [seen_from(run, at_ns, self._watched[number]), playback.unanswered(at_ns)]
        if self._waits[number]:  # nobody else looks at triggers
            found.append(triggers_seen(run, at_ns, self._watched[number]))
        return self._own.setdefault(tuple(found), len(self._own))

    def _done(self, first_rows: Sequence[int], at_ns: int) -> Done:
        delivered = tuple(replace(t, time_ns=t.time_ns - at_ns) for t in self._delivered)
        rows64: list[NDArray[np.int64]] = []
        rows32: list[NDArray[np.int32]] = []
        for run, first in zip(self._together.runs, first_rows, strict=True):
            wide, narrow = run.written_rows(first)
            rows64.append(wide - np.array([[at_ns], [0]]))
            rows32.append(narrow[SEEN])
        self._delivered = []
        return Done(delivered, tuple(rows64), tuple(rows32))

    def _go_back(self, moment: _Moment) -> None:
        for run, one in zip(self._together.runs, moment.runs, strict=True):
            run.go_back(one)
        for playback, seen in zip(self._group.playbacks, moment.playbacks, strict=True):
            playback.go_back(seen)
        self._group.go_back(moment.triggers)
        self._finishing = moment.finishing
        self._delivered = []


def _oscillators(runs: Sequence[SequencerRun]) -> dict[str, int]:
    """Return the frequency of the oscillator behind each connector, Hz."""
    found = {line.name: line.lo_hz for run in runs for line in output_lines(run)}
    for run in runs:
        name = input_line(run) if run.afe.model.readout else None
        if name is not None:
            found[name] = run.afe.lo_hz[run.rf_input] if run.afe.model.rf else 0
    return found


def _turns(hz: int, later_ns: int) -> float:
    return float(lo_turns(hz, np.array([later_ns % PHASE_TURN]))[0])


def _shifted(train: Train, later_ns: int, turns: float) -> Train:
    phases = (train.phase_turns + turns) % 1.0
    return replace(train, start_ns=train.start_ns + later_ns, phase_turns=phases)
