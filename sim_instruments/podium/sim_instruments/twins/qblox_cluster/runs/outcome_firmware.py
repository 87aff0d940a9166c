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
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import output_lines
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
    TriggerMoment,
)
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_content import (
    decisions_of,
    row_columns,
    seen_from,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import PlaybackMoment
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
    at_ns: int
    runs: tuple[RunMoment, ...]
    playbacks: tuple[PlaybackMoment, ...]
    triggers: TriggerMoment
    finishing: bool
    asked: tuple[tuple[int, int], ...]
    """Sender and end of each acquisition that is decided."""
    state: int = -1
    """Number of what it goes on from, as seen from ``at_ns``: what was played until then, and which
    windows were asked for, is not among it."""


@dataclass(frozen=True, slots=True, eq=False)
class _Stretch:
    """A way from one halt to the next, as every moment of the same state goes it."""

    content: Hashable
    """Of the halt that it came to; None: to the end."""
    lasts_ns: int
    reached: Reached


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
        self._states: dict[Hashable, int] = {}
        self._stretches: dict[Hashable, _Stretch] = {}
        """By state, outcomes and counters, and setting; None: any."""

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
        halt = self._halt(*found, _none_is_known)
        done = self._done([0] * len(self._runs), 0)
        return Reached(self._kept(halt), self.counters, done, self._setting())

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
        if not isinstance(moment, _Moment):
            raise TypeError("not a moment of this firmware")
        way = moment.state, tuple(bits), tuple(counters), bounded
        gone_before = self._gone_before(way, setting, moment.at_ns, known)
        if gone_before is not None:
            return gone_before
        reached = self._go_on(moment, bits, counters, setting, known, bounded=bounded)
        content, lasts_ns = None, 0
        if reached.halt is not None:
            content = reached.halt.content
            lasts_ns = reached.halt.at_ns + self.begin_ns - moment.at_ns
        held_by = setting if reached.used else None
        self._stretches[way, held_by] = _Stretch(content, lasts_ns, replace(reached, halt=None))
        return reached

    def _gone_before(
        self, way: Hashable, setting: Hashable, at_ns: int, known: Known
    ) -> Reached | None:
        """Return what a way comes to that was gone from another moment, to a halt that is known."""
        found = self._stretches.get((way, None)) or self._stretches.get((way, setting))
        if found is None:
            return None
        reached = found.reached if found.reached.used else replace(found.reached, setting=setting)
        if found.content is None:
            return reached
        halt_ns = at_ns + found.lasts_ns - self.begin_ns
        if not known(found.content, halt_ns):
            return None
        return replace(reached, halt=_known_halt(found.content, halt_ns))

    def _go_on(
        self,
        moment: _Moment,
        bits: Sequence[int],
        counters: Sequence[int],
        setting: Hashable,
        known: Known,
        *,
        bounded: bool,
    ) -> Reached:
        self._go_back(moment)
        for (n, register), value in zip(self._counted, counters, strict=True):
            self._together.runs[n].registers[register] = value
        self._put_setting(setting)
        rows = [run.row_count for run in self._together.runs]
        for (number, end_ns), bit in zip(moment.asked, bits, strict=True):
            self._group.add_measured(number, [(end_ns, bool(bit))])
        if self._finishing:
            halt = self._finish(known)
        else:
            found = self._onward(bounded=bounded)
            halt = self._finish(known) if found is None else self._halt(*found, known)
        done = self._done(rows, moment.at_ns)
        used = any(run.slots_used for run in self._together.runs)
        return Reached(self._kept(halt), self.counters, done, self._setting(), used)

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
        open_ns = tuple((number, closes_ns - at_ns) for number, closes_ns in asked)
        now = self._content(at_ns, end_ns), open_ns
        state = self._states.setdefault(now, len(self._states))
        moment = _Moment(at_ns, (), (), group.moment(), self._finishing, tuple(asked), state)
        return Halt(
            content,
            at_ns - self.begin_ns,
            drives,
            [group.moved(train) for train in captures],
            listeners,
            tuple(decisions),
            moment,
        )

    def _content(self, at_ns: int, end_ns: int) -> tuple[object, ...]:
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
            rows = playback.stretch(FOR_EVER)
            kept = np.stack([rows.time_ns - at_ns, rows.nco_phase])
            found.append(kept.tobytes())
            found.append(b"".join(column.tobytes() for column in row_columns(rows)))
            found.append(playback.unanswered(at_ns))
        return tuple(found)

    def _done(self, first_rows: Sequence[int], at_ns: int) -> Done:
        delivered = tuple(replace(t, time_ns=t.time_ns - at_ns) for t in self._delivered)
        rows64: list[NDArray[np.int64]] = []
        rows32: list[NDArray[np.int32]] = []
        for run, first in zip(self._together.runs, first_rows, strict=True):
            rows = run.rows(first, FOR_EVER)
            rows64.append(np.stack([rows.time_ns - at_ns, rows.nco_phase]))
            rows32.append(np.stack([column.astype(np.int32) for column in row_columns(rows)]))
        self._delivered = []
        return Done(delivered, tuple(rows64), tuple(rows32))

    def _kept(self, halt: Halt | None) -> Halt | None:
        """Return a halt with everything from which it goes on; rows that are done are dropped."""
        if halt is None or not isinstance(halt.moment, _Moment):
            return halt
        for playback in self._group.playbacks:
            playback.drop_played()
        runs = tuple(run.moment() for run in self._together.runs)
        playbacks = tuple(playback.moment() for playback in self._group.playbacks)
        return replace(halt, moment=replace(halt.moment, runs=runs, playbacks=playbacks))

    def _go_back(self, moment: _Moment) -> None:
        for run, one in zip(self._together.runs, moment.runs, strict=True):
            run.go_back(one)
        for playback, seen in zip(self._group.playbacks, moment.playbacks, strict=True):
            playback.go_back(seen)
        self._group.go_back(moment.triggers)
        self._finishing = moment.finishing
        self._delivered = []
