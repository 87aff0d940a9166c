"""Sequencers of a cluster that go from one reading that they depend on to the next.

They halt where :mod:`.feedback_sequencers` would ask the world, with the same signals and windows.
Sequencers without conditions are kept from running ahead, so that what a halt is made of ends a
moment after it. What shows in nothing but an underflow or a full queue of results is left out of a
halt (the classical side's time, its queue): whoever adds up what was done has the whole program
executed once more, with all triggers known (:mod:`.outcome_run`).
"""

from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from itertools import accumulate, count
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.execution.firmware import (
    STEP_NS,
    TURNS_MAX,
    CannotBranch,
    Decision,
    Unbounded,
)
from podium.sim_instruments.physics.signals import CaptureTrain
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import FOR_EVER, Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import FIRST_CONSTANT
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Q1Processor, Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import (
    AT_A_STRETCH,
    Q1Run,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import Ending
from podium.sim_instruments.twins.qblox_cluster.processor.register_flow import register_use
from podium.sim_instruments.twins.qblox_cluster.runs.external_triggers import (
    waits_for_measured,
    watched_addresses,
)
from podium.sim_instruments.twins.qblox_cluster.runs.group_playback import (
    THRESHOLD_TRIGGER_NS,
    GroupPlayback,
)
from podium.sim_instruments.twins.qblox_cluster.runs.halts import Acquired, Gone, Moment, Stop
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_content import (
    decisions_of,
    seen_from,
    triggers_seen,
)
from podium.sim_instruments.twins.qblox_cluster.runs.outcome_ways import Bits, Content, Done
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_playback import SEEN
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun
from podium.sim_instruments.twins.qblox_cluster.runs.unread_outcomes import unread_outcomes
from podium.sim_instruments.twins.qblox_cluster.trigger_network import DEAD_NS

UNLIKE_ANY: Final = 10_000
TIMES_THE_LONGEST: Final = 16
"""A sequencer whose counters are far from their ends is doubted after so many instructions, and so
many times those of its longest way so far. Where that is wrong, a way holds for less counts."""


class HaltingSequencers:
    """All sequencers of a run, at one of its halts."""

    def __init__(
        self,
        runs: Sequence[SequencerRun],
        processors: Sequence[Q1Processor],
        external: Sequence[Trigger],
        *,
        decides_all: bool = False,
    ) -> None:
        """``runs`` with the phases that their oscillators have; ``external``: all that come.

        ``decides_all``: outcomes are decided even if nobody reads them.
        """
        self._together = Q1Group(processors)
        self._group = GroupPlayback(runs, self._together, external)
        sent = {runs[n].configuration.trigger_address for n in self._group.senders}
        self._waits = [waits_for_measured(run.program, sent) for run in runs]
        uses = [register_use(run.program) for run in runs]
        self.counted = [use.counters for use in uses]
        """Registers that only count, by sequencer."""
        self.asks_at_once = all(use.asks_at_once for use in uses)
        self._shown = [
            np.array([r for r in range(FIRST_CONSTANT) if r not in {*use.counters, *use.labels}])
            for use in uses
        ]
        """Slots of the setting: registers, and their shadows."""
        for q1_run, shown in zip(self._together.runs, self._shown, strict=True):
            q1_run.watch_slots(shown.tolist())
            # a halt is gone on from in other points than the one in which it was met first
            q1_run.admit_every_bin()
        self._longest = [0] * len(runs)
        """Instructions of the longest way that each has gone, from one halt to the next."""
        self._decides_all = decides_all
        self.leaves_undecided = False
        """Whether there was an outcome that nobody reads."""
        self._finishing = False
        self._delivered: list[Trigger] = []
        self._own: dict[Hashable, int] = {}
        """Numbers of parts of contents."""
        self.watched = [watched_addresses(run.program) for run in runs]
        """Addresses of the triggers that each sequencer may look at; None: all."""

    @property
    def begin_ns(self) -> int:
        """Return when the dialogue with the world begins, from the start."""
        return self._group.begin_ns

    def begin(self) -> Gone:
        """Go from the start to the first halt."""
        for run, waits in zip(self._together.runs, self._waits, strict=True):
            run.pause_ns = FOR_EVER if waits else STEP_NS
        found = self._onward(bounded=True)
        self._note_ways([0] * len(self._longest))
        if found is None:
            raise CannotBranch("the program depends on nothing that it measures")
        self._group.begin()
        stop = self._stop(*found)
        done = self._done([0] * len(self._together.runs), 0, stop)
        used = (True,) * len(self._together.runs)
        return Gone(stop, done, self._counters(), self._setting(), used)

    def go_on(
        self,
        moment: Moment,
        bits: Bits,
        counters: Sequence[int],
        setting: Sequence[bytes],
        *,
        bounded: bool,
    ) -> Gone:
        """Go on from a moment with these outcomes, counters and setting."""
        self._go_back(moment)
        left = iter(counters)
        for run, registers in zip(self._together.runs, self.counted, strict=True):
            for register in registers:
                run.registers[register] = next(left)
        for run, shown, values in zip(self._together.runs, self._shown, setting, strict=True):
            run.put_values(shown, np.frombuffer(values, np.int64))
            run.slots_used = False
        self._bound_stretches(bounded=bounded)
        rows = [run.written.count for run in self._together.runs]
        before = [run.instructions for run in self._together.runs]
        for (number, end_ns), bit in zip(moment.asked, bits, strict=True):
            self._group.add_measured(number, [(end_ns, bool(bit))])
        found = None if self._finishing else self._onward(bounded=bounded)
        self._note_ways(before)
        used = tuple(run.slots_used for run in self._together.runs)
        if found is None:
            found = self._group.asks_at_the_end()
        stop = None if found is None else self._stop(*found)
        done = self._done(rows, moment.at_ns, stop)
        return Gone(stop, done, self._counters(), self._setting(), used)

    def moment(self, stop: Stop) -> Moment:
        """Return all that goes on from a halt at which they are; rows that are played are dropped.

        To be asked for before they go on.
        """
        for playback in self._group.playbacks:
            playback.drop_played()
        return Moment(
            stop.at_ns,
            tuple(run.moment() for run in self._together.runs),
            tuple(playback.moment() for playback in self._group.playbacks),
            self._group.moment(),
            self._finishing,
            stop.asked,
        )

    def _counters(self) -> tuple[tuple[int, ...], ...]:
        return tuple(
            tuple(int(run.registers[register]) for register in registers)
            for run, registers in zip(self._together.runs, self.counted, strict=True)
        )

    def _setting(self) -> tuple[bytes, ...]:
        """Return what the registers hold that are neither counters nor labels."""
        runs = zip(self._together.runs, self._shown, strict=True)
        return tuple(run.values(shown).tobytes() for run, shown in runs)

    def _onward(self, *, bounded: bool) -> tuple[int, int] | None:
        """Go to the next halt; return until when is played and read there, None: it is over."""
        together, group = self._together, self._group
        for turn in count():
            if turn > TURNS_MAX and not bounded:
                raise Unbounded
            together.proceed(self._deliver(), group.known_ns)
            group.collect_acquisitions()
            cut = [n for n, run in enumerate(together.runs) if run.ending is Ending.CUT]
            if cut:
                raise CannotBranch("it does not end") if bounded else Unbounded(self._loops(cut))
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

    def _bound_stretches(self, *, bounded: bool) -> None:
        """Set after how many instructions a sequencer is taken for one that does not end."""
        for run, longest in zip(self._together.runs, self._longest, strict=True):
            doubted = UNLIKE_ANY + TIMES_THE_LONGEST * longest
            run.stretch = AT_A_STRETCH if bounded or not longest else min(doubted, AT_A_STRETCH)

    def _note_ways(self, before: Sequence[int]) -> None:
        """Note how many instructions each sequencer has taken, at most, to a halt."""
        self._longest = [
            max(longest, run.instructions - count)
            for longest, run, count in zip(self._longest, self._together.runs, before, strict=True)
        ]

    def _loops(self, numbers: Sequence[int]) -> list[tuple[int, ...]]:
        """Return the places of the counters of some sequencers, among those of all."""
        ends = list(accumulate(map(len, self.counted), initial=0))
        return [tuple(range(ends[n], ends[n + 1])) for n in numbers]

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

    def _stop(self, played_ns: int, end_ns: int) -> Stop:
        """Return a halt: what is played and asked for until then."""
        at_ns, group = played_ns, self._group
        due = [(n, one) for n, of in enumerate(group.playbacks) for one in of.due(end_ns)]
        unread = self._unread(end_ns)
        senders = () if self._finishing else group.senders
        sending = [(n, end) for n, one in due if n in senders for end in one.ends_ns()]
        asked = tuple(one for one in sending if one not in unread)
        stands = [self._stands(number, at_ns) for number in range(len(group.runs))]
        content = self._content(at_ns, end_ns, asked, stands)
        drives = group.drives(played_ns)
        captures: list[CaptureTrain] = []
        listeners: list[int] = []
        decisions: list[Decision] = []
        for number, one in due:
            if number in senders:
                rows = [row for row, end in enumerate(one.ends_ns()) if (number, end) in asked]
                decisions += decisions_of(group.runs[number], one, rows, len(captures))
            captures += [group.moved(train) for train in one.trains]
            listeners += [2 * number + path for path in range(len(one.trains))]
            one.take()
        behind = self._content(at_ns, end_ns, asked, stands)
        undecided = tuple(one for one in sending if one in unread)
        self.leaves_undecided |= bool(undecided)
        return Stop(
            at_ns,
            content,
            behind,
            drives,
            captures,
            listeners,
            tuple(decisions),
            asked,
            undecided,
        )

    def _unread(self, end_ns: int) -> Collection[Acquired]:
        """Return acquisitions that are over by a time, and at whose outcomes nobody looks."""
        if self._finishing or self._decides_all:
            return ()
        return unread_outcomes(self._group, self.watched, end_ns)

    def _content(
        self, at_ns: int, end_ns: int, asked: Sequence[Acquired], stands: Sequence[Hashable]
    ) -> Content:
        """Return the content of a halt; ``stands``: what each processor goes on from."""
        group = self._group
        shared: list[Hashable] = [
            self._finishing,
            end_ns - at_ns,
            group.played_ns - at_ns,
            group.known_ns - at_ns,
            max(group.pulses.latest_ns, group.known_ns - DEAD_NS) - at_ns,
            tuple((number, end_ns - at_ns) for number, end_ns in asked),
        ]
        if not self.asks_at_once:  # flags count as well, and nobody watches them
            shared.append(self._setting())
        waiting = tuple((p.arrival_ns - at_ns, p.address, p.sender) for p in group.pulses.waiting)
        own = tuple(self._own_content(*one, at_ns) for one in enumerate(stands))
        return Content(tuple(shared), waiting, own)

    def _stands(self, number: int, at_ns: int) -> Hashable:
        """Return what a processor goes on from, seen from a time."""
        run, watched = self._together.runs[number], self.watched[number]
        # nobody else looks at triggers
        triggers = triggers_seen(run, at_ns, watched) if self._waits[number] else None
        return seen_from(run, at_ns, watched), triggers

    def _own_content(self, number: int, stands: Hashable, at_ns: int) -> int:
        """Return the number of a sequencer's part of the content."""
        playback = self._group.playbacks[number]
        wide, narrow = playback.shown_rows(at_ns)
        found = number, stands, wide.tobytes(), narrow.tobytes(), playback.unanswered(at_ns)
        return self._own.setdefault(found, len(self._own))

    def _done(self, first_rows: Sequence[int], at_ns: int, stop: Stop | None) -> Done:
        delivered = tuple(replace(t, time_ns=t.time_ns - at_ns) for t in self._delivered)
        rows64: list[NDArray[np.int64]] = []
        rows32: list[NDArray[np.int32]] = []
        for run, first in zip(self._together.runs, first_rows, strict=True):
            wide, narrow = run.written.view(first)
            rows64.append(wide - np.array([[at_ns], [0]]))
            rows32.append(narrow[SEEN])
        self._delivered = []
        left_open = () if stop is None else stop.undecided
        undecided = tuple((end_ns - at_ns, number) for number, end_ns in left_open)
        return Done(delivered, tuple(rows64), tuple(rows32), undecided)

    def _go_back(self, moment: Moment) -> None:
        for run, one in zip(self._together.runs, moment.runs, strict=True):
            run.go_back(one)
        for playback, seen in zip(self._group.playbacks, moment.playbacks, strict=True):
            playback.go_back(seen)
        self._group.go_back(moment.triggers)
        self._finishing = moment.finishing
        self._delivered = []
