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
from podium.sim_instruments.physics.signals import CaptureTrain
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
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import (
    SEEN,
    PlaybackMoment,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS


@dataclass(frozen=True, slots=True, eq=False)
class Done:
    """Acts of the sequencers from one halt to the next; times are against the first one's."""

    triggers: tuple[Trigger, ...]
    """Those that were delivered."""
    rows64: tuple[NDArray[np.int64], ...]
    """By sequencer, time and phase."""
    rows32: tuple[NDArray[np.int32], ...]


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


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """A way from a state to the next halt, as it was gone from the state's first moment."""

    content: Hashable
    """Of the halt that it came to; None: to the end."""
    at_ns: int
    """When that is."""
    halt: Halt | None
    """None: it was known, so nothing more is known of it here."""
    reached: Reached
    """Its halt is left out."""


def _none_is_known(content: Hashable, at_ns: int) -> bool:
    return False


def _known_halt(content: Hashable, at_ns: int) -> Halt:
    """Return a halt of which nothing else is asked."""
    return Halt(content, at_ns, (), (), (), (), None)


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
        self._counted = [(n, register) for n, use in enumerate(uses) for register in use.counters]
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
        self._contents: dict[Hashable, int] = {}
        self._states: dict[Hashable, int] = {}
        self._moments: list[_Moment] = []
        """By number of the state: the first of it, from which all ways are gone."""
        self._stretches: dict[Hashable, _Stretch] = {}
        """By state, outcomes and counters, and setting; None: any."""
        self._lo_hz = _oscillators(runs)

    @property
    def begin_ns(self) -> int:
        """Return when the dialogue with the world begins, from the start."""
        return self._group.begin_ns

    @property
    def counters(self) -> tuple[int, ...]:
        """Return the registers that only count, at the last halt."""
        runs = self._together.runs
        return tuple(int(runs[n].registers[register]) for n, register in self._counted)

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
        halt = self._halt(*found, _none_is_known)
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
        begun = self._moments[moment.state]
        later_ns = moment.at_ns - begun.at_ns
        way = moment.state, tuple(bits), tuple(counters), bounded
        gone = self._stretches.get((way, None)) or self._stretches.get((way, setting))
        if gone is None or not _leads_on(gone, later_ns, known):
            gone = self._go_on(
                begun,
                bits,
                counters,
                setting,
                lambda content, at_ns: known(content, at_ns + later_ns),
                bounded=bounded,
            )
            self._stretches[way, setting if gone.reached.used else None] = gone
        reached = gone.reached if gone.reached.used else replace(gone.reached, setting=setting)
        if gone.content is None:
            return reached
        at_ns = gone.at_ns + later_ns
        if gone.halt is None or known(gone.content, at_ns):
            return replace(reached, halt=_known_halt(gone.content, at_ns))
        return replace(reached, halt=self._later(gone.halt, later_ns))

    def _later(self, halt: Halt, later_ns: int) -> Halt:
        """Return a halt as it would be at a later time; oscillators of modules turn meanwhile."""
        if not later_ns:
            return halt
        if not isinstance(halt.moment, _Place):
            raise TypeError("not a halt of this firmware")
        turns = {name: _turns(hz, later_ns) for name, hz in self._lo_hz.items()}
        return replace(
            halt,
            at_ns=halt.at_ns + later_ns,
            drives=[_shifted(train, later_ns, turns[train.line]) for train in halt.drives],
            captures=[_shifted(train, later_ns, turns[train.line]) for train in halt.captures],
            moment=_Place(halt.moment.state, halt.moment.at_ns + later_ns),
        )

    def _go_on(
        self,
        moment: _Moment,
        bits: Sequence[int],
        counters: Sequence[int],
        setting: Hashable,
        known: Known,
        *,
        bounded: bool,
    ) -> _Stretch:
        """Have the sequencers go on from the first moment of a state."""
        self._go_back(moment)
        for (n, register), value in zip(self._counted, counters, strict=True):
            self._together.runs[n].registers[register] = value
        self._put_setting(setting)
        rows = [run.row_count for run in self._together.runs]
        for (number, end_ns), bit in zip(moment.asked, bits, strict=True):
            self._group.add_measured(number, [(end_ns, bool(bit))])
        found = None if self._finishing else self._onward(bounded=bounded)
        used = any(run.slots_used for run in self._together.runs)
        done = self._done(rows, moment.at_ns)
        halt = self._finish(known) if found is None else self._halt(*found, known)
        reached = Reached(None, self.counters, done, self._setting(), used)
        if halt is None:
            return _Stretch(None, 0, None, reached)
        return _Stretch(halt.content, halt.at_ns, None if halt.moment is None else halt, reached)

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

    def _finish(self, known: Known) -> Halt | None:
        """Ask for the next window that nobody depends on; None: there is none."""
        wanted = self._group.asks_at_the_end()
        return None if wanted is None else self._halt(*wanted, known)

    def _halt(self, played_ns: int, end_ns: int, known: Known) -> Halt:
        at_ns, group = played_ns, self._group
        content = self._content(at_ns, end_ns)
        if known(content, at_ns - self.begin_ns):
            return _known_halt(content, at_ns - self.begin_ns)
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
        return Halt(
            content,
            at_ns - self.begin_ns,
            drives,
            [group.moved(train) for train in captures],
            listeners,
            tuple(decisions),
            _Place(self._state(at_ns, end_ns, tuple(asked)), at_ns),
        )

    def _state(self, at_ns: int, end_ns: int, asked: tuple[tuple[int, int], ...]) -> int:
        """Return the number of what the sequencers go on from now; keep its first moment.

        Rows that are played are dropped.
        """
        open_ns = tuple((number, closes_ns - at_ns) for number, closes_ns in asked)
        now = self._content(at_ns, end_ns), open_ns
        state = self._states.setdefault(now, len(self._moments))
        if state == len(self._moments):
            for playback in self._group.playbacks:
                playback.drop_played()
            runs = tuple(run.moment() for run in self._together.runs)
            playbacks = tuple(playback.moment() for playback in self._group.playbacks)
            triggers = self._group.moment()
            self._moments.append(_Moment(at_ns, runs, playbacks, triggers, self._finishing, asked))
        return state

    def _content(self, at_ns: int, end_ns: int) -> int:
        """Return the number of everything that the future depends on, seen from a time."""
        group = self._group
        found: list[object] = [
            self._finishing,
            end_ns - at_ns,
            group.played_ns - at_ns,
            group.known_ns - at_ns,
            max(group.pulses.latest_ns, group.known_ns - DEAD_NS) - at_ns,
            tuple(
                (one.arrival_ns - at_ns, one.address, one.sender) for one in group.pulses.waiting
            ),
        ]
        if not self._asks_at_once:  # flags count as well, and nobody watches them
            found.append(self._setting())
        for run, playback, waits in zip(
            self._together.runs, group.playbacks, self._waits, strict=True
        ):
            found.append(seen_from(run, at_ns))
            if waits:  # nobody else looks at triggers
                unread = run.unread_triggers.copy()
                unread[0] -= at_ns
                found.append((unread.tobytes(), run.latches.tobytes()))
            wide, narrow = playback.shown_rows(at_ns)
            found += [wide.tobytes(), narrow.tobytes(), playback.unanswered(at_ns)]
        return self._contents.setdefault(tuple(found), len(self._contents))

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


def _leads_on(gone: _Stretch, later_ns: int, known: Known) -> bool:
    """Tell whether all is known of where a way comes to, gone so much later."""
    if gone.content is None or gone.halt is not None:
        return True
    return known(gone.content, gone.at_ns + later_ns)


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
