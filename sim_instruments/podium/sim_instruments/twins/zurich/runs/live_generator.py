"""A generator that goes on from one reading that it depends on to the next, and can go back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.execution.conversation import FOR_EVER
from podium.sim_instruments.execution.firmware import CannotBranch, Unbounded
from podium.sim_instruments.execution.outcome_tree import FAR
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Integers
from podium.sim_instruments.twins.zurich.runs.generator_output import (
    GeneratorOutput,
    OutputMoment,
)
from podium.sim_instruments.twins.zurich.runs.participants import Participant
from podium.sim_instruments.twins.zurich.runs.program_run import TRIGGERS
from podium.sim_instruments.twins.zurich.sequencer.processor import (
    NEVER,
    Input,
    ProcessorMoment,
)
from podium.sim_instruments.twins.zurich.sequencer.register_use import ProgramRegisters
from podium.sim_instruments.twins.zurich.sequencer.result_bits import bits_read, bits_read_next
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    CYCLE,
    UNDECIDED_AT,
    Row,
    Source,
    State,
    Status,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import RATE_HZ

AT_ONCE: Final = 1_000_000
"""Instructions from one halt to the next, at most: about 4 ms."""
UNIFORM: Final = 4
"""Triggers that are not counted: more have to come at equal distances."""
_WORDS: Final = {Source.QA: State.QA_RAW, Source.FORWARDED: State.RAW}
"""Sources of words, and where the last one is kept."""
_IGNORED: Final = [
    State.COUNT,
    State.ROWS,
    State.GAPS,
    State.GAP_TIME,
    State.CURSOR,
    State.FAULT_WORD,
    State.PLAYED,
    State.LATE,
    State.KNOWN,
    State.NEEDS,
]
"""Shows in no signal."""


class ReadsUndecided(CannotBranch):
    """A generator reads bits of a word other than those that it was waiting for."""


@dataclass(frozen=True, slots=True, eq=False)
class GeneratorMoment:
    """Everything that a generator goes on from."""

    processor: ProcessorMoment
    output: OutputMoment
    words: tuple[Input, ...]
    trigger: int
    shift: int
    status: Status
    needs: int
    pause: int


class LiveGenerator:
    """One generator; times are samples from its start where nothing else is said."""

    def __init__(self, participant: Participant, begin_ns: int) -> None:
        run = participant.run
        self.participant, self.begin_ns = participant, begin_ns
        self._processor = run.fork()
        self._output = GeneratorOutput(participant, begin_ns)
        self._registers = ProgramRegisters(run.image.code)
        self.counters = self._registers.counters
        """Registers that may count, and the place of the triggers behind them."""
        _refuse_outputs(participant)
        feedback = self._processor.state[State.FEEDBACK_A : State.FEEDBACK_QA + 1]
        self.read = {one: bits_read(run.image.code, feedback.tolist(), one) for one in _WORDS}
        """By what it hears words as: the bits that it reads of them."""
        self.asks = any(self.read.values())
        """Whether it depends on results; else it is let go on from one time to the next."""
        self._sources, self._triggers = _triggers_of(run.due)
        self._counted = len(self._triggers) > UNIFORM
        if self._counted and np.ptp(np.diff(self._triggers)):
            raise CannotBranch("triggers come at different distances")
        self._trigger, self._shift = 0, 0
        """The next one, and so much later all of them come."""
        self._words: list[Input] = []
        self._status, self._needs, self._pause = Status.COUNT_LIMIT, 0, NEVER
        if not self.asks:
            self._pause = 0
        self._bounded = True
        """Whether all counters are as they are in the run."""
        self._trace = run.trace
        self._fresh: list[Integers] = []
        self._unplayed: list[Integers] = []

    # --- going on -------------------------------------------------------------------------

    def heard(self, source: Source, word: int, undecided: int) -> int:
        """Return what it hears of a word; ``undecided``: a mask of the bits that are 0 or 1."""
        read = self.read[source]
        return word & read | (undecided & read) << UNDECIDED_AT

    def hear(self, at: int, source: Source, value: int) -> None:
        """Have that reach it at a sample."""
        self._words.append(Input(at, source, value))

    def reads(self, source: Source) -> int:
        """Return the bits that it reads next of the last word from a source, or may read later."""
        if self._status is not Status.UNKNOWN:
            return self.read[source]
        state = self._processor.state
        found = bits_read_next(self.participant.run.image.code, state, source)
        return self.read[source] if found is None else found & self.read[source]

    def sample(self, at_fs: int) -> int:
        """Return the sample of an instant, counted from the origin of the run."""
        run = self.participant.run
        return run.tick(at_fs + run.start_fs - self.begin_ns * FS_PER_NS)

    def pause(self, until_ns: int) -> bool:
        """Let one that asks for nothing go on to a time; tell whether it waits for that."""
        until = 2 * (until_ns - self.begin_ns)
        if self.asks or self._pause >= until or self._status is Status.ENDED:
            return False
        self._pause = until
        return True

    def go_on(self, known: int, *, bounded: bool) -> None:
        """Go on where all is known that comes up to a sample."""
        self._bounded = bounded
        if self._status is Status.ENDED:
            return
        inputs = [one for one in self._words if one.time <= known]
        self._words = [one for one in self._words if one.time > known]
        upto = int(np.searchsorted(self._triggers, known - self._shift, side="right"))
        for k in range(self._trigger, upto):
            at = int(self._triggers[k]) + self._shift
            inputs += [Input(at, source) for source in self._sources]
        self._trigger = max(self._trigger, upto)
        self._processor.feed(sorted(inputs, key=lambda one: (one.time, one.source)))
        limit = int(self._processor.state[State.COUNT]) + AT_ONCE
        trace = self._processor.run(until=self._pause, known=known, instructions=limit)
        self._trace, self._status, self._needs = trace, trace.status, trace.needs
        if len(trace.rows):
            self._fresh.append(trace.rows.copy())
            self._unplayed.append(self._fresh[-1])
        self._processor.forget()
        if self._processor.has_read_undecided:
            raise ReadsUndecided("it reads a result more than once")
        if self._status is Status.COUNT_LIMIT:
            raise CannotBranch("it goes on without end") if bounded else Unbounded
        if self._status not in (Status.ENDED, Status.UNKNOWN, Status.WAITING, Status.TIME_LIMIT):
            raise CannotBranch("it did what it cannot")

    @property
    def paused_ns(self) -> int | None:
        """Return until when it has been let go on, None: it was not stopped there."""
        if self._status is not Status.TIME_LIMIT:
            return None
        return self.begin_ns + self._pause // 2

    def waits_ns(self) -> int:
        """Return until when words must be known for it to go on; FOR_EVER: it does not wait."""
        if self._status is Status.UNKNOWN:
            return self._ns(self._needs)
        if self._status is Status.WAITING:
            if self._trigger >= len(self._triggers):
                waits = CannotBranch("it waits for what does not come")
                raise waits if self._bounded else Unbounded
            return self._ns(int(self._triggers[self._trigger]) + self._shift)
        return FOR_EVER

    def _ns(self, tick: int) -> int:
        run = self.participant.run
        return self.begin_ns + (run.time_fs(tick) - run.start_fs) // FS_PER_NS

    def plays(self, until_ns: int) -> list[PulseTrain]:
        """Return what leaves the connector before a time, from where the last call ended."""
        rows = self._joined(self._unplayed)
        self._unplayed = []
        return self._output.plays(replace(self._trace, rows=rows), until_ns)

    def shown(self, at_ns: int) -> tuple[object, ...]:
        """Return all on which depends what it has played last, seen from a time."""
        return self._output.shown(2 * (at_ns - self.begin_ns))

    def rows(self, at: int) -> Integers:
        """Return the rows that came since the last call, seen from a sample."""
        rows = self._joined(self._fresh)
        rows[:, Row.TIME] -= at
        self._fresh = []
        return rows

    def _joined(self, rows: list[Integers]) -> Integers:
        return np.concatenate([self._trace.rows[:0], *rows])

    # --- going back -----------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, bytes]:
        """Return the number of the instruction that it goes on with, and registers that show."""
        pc = int(self._processor.state[State.PC])
        return pc, self._processor.registers[list(self._registers.at(pc).shown)].tobytes()

    @property
    def _counters_now(self) -> tuple[int, ...]:
        """Return the registers that count where it is."""
        if self._status is Status.ENDED:
            return ()
        return self._registers.at(int(self._processor.state[State.PC])).counters

    def moment(self) -> GeneratorMoment:
        """Return where it is; what it has done was played."""
        return GeneratorMoment(
            self._processor.moment(),
            self._output.moment(),
            tuple(self._words),
            self._trigger,
            self._shift,
            self._status,
            self._needs,
            self._pause,
        )

    def go_back(self, moment: GeneratorMoment) -> None:
        """Return to a moment."""
        self._processor.go_back(moment.processor)
        self._output.go_back(moment.output)
        self._words = list(moment.words)
        self._trigger, self._shift = moment.trigger, moment.shift
        self._status, self._needs, self._pause = moment.status, moment.needs, moment.pause
        self._fresh, self._unplayed = [], []

    def counted(self) -> tuple[int, ...]:
        """Return its counters, then its triggers to come; FAR where nothing counts now."""
        used = self._counters_now
        values = [int(self._processor.registers[r]) if r in used else FAR for r in self.counters]
        return *values, len(self._triggers) - self._trigger if self._counted else FAR

    def count(self, counters: tuple[int, ...], far: int) -> None:
        """Have other counters, and triggers to come; ``far`` of them: many."""
        used = self._counters_now
        for register, value in zip(self.counters, counters, strict=False):
            if register in used:
                self._processor.set_register(register, value)
        left, count = counters[-1], len(self._triggers)
        if not self._counted or self._trigger >= count:
            return
        index = self._trigger if left >= far else count - left
        if left >= far and count - index < count // 2:
            index = 1
        if index < count:
            self._shift += int(self._triggers[self._trigger] - self._triggers[index])
        self._trigger = index

    def content(self, at_ns: int, coming: Mapping[Source, int]) -> tuple[object, ...]:
        """Return what it goes on from, seen from a time, but for its counters.

        ``coming``: by source, when the last word comes, whichever it is,
        of those that come before it reads next.
        """
        at = 2 * (at_ns - self.begin_ns)
        moment = self._processor.moment()
        silent = bool(moment.state[State.SILENT]) and not moment.state[State.LOG_SILENCE]
        output = self._output.content(at, silent=silent)
        if self._status is Status.ENDED:
            return (output,)
        words, overwritten = self._unread(moment, at, coming)
        following = self._triggers[self._trigger : None if not self._counted else self._trigger + 1]
        return (
            output,
            *self._seen(moment, at, overwritten),
            words,
            (following + self._shift - at).tobytes(),
            self._status,
            self._pause - at if self._status is Status.TIME_LIMIT else 0,
        )

    def _seen(
        self, moment: ProcessorMoment, at: int, overwritten: Sequence[int]
    ) -> tuple[bytes, ...]:
        """Return the processor's state and registers, seen from a sample."""
        state, pc = moment.state.copy(), int(moment.state[State.PC])
        use = self._registers.at(pc)
        shown = moment.registers[list(use.shown)]
        start = int(state[State.START_TRIGGER])
        times = moment.registers[list(use.times)] * CYCLE + start - at
        if len(use.times):
            state[State.START_TRIGGER] = 0
            if state[State.LATENCY] >= 0:
                state[State.LATENCY] += (start - at) // CYCLE
        else:
            state[State.START_TRIGGER] -= at
        core = int(state[State.CORE])
        state[State.PLAYER_END] = max(int(state[State.PLAYER_END]), core) - at
        state[State.TIMER] = max(int(state[State.TIMER]), core) - at
        if state[State.OUT] < state[State.LAST_START]:
            state[[State.OUT, State.OUT_CORE]] = 0
        else:
            state[[State.OUT, State.OUT_CORE]] -= at
        state[[State.CORE, State.LAST_START]] -= at
        state[[*_IGNORED, *overwritten]] = 0
        return state.tobytes(), shown.tobytes(), times.tobytes()

    def _unread(
        self, moment: ProcessorMoment, at: int, coming: Mapping[Source, int]
    ) -> tuple[tuple[tuple[int, int, int], ...], list[int]]:
        """Return the words and triggers that it has not read, as far as they may show.

        They are seen from a sample: time, source, value. Also, which places of its state are
        written anew before it reads them. Of words that are there by when it reads next the last
        one alone shows.
        """
        unread: list[tuple[int, int, int]] = [tuple(one) for one in moment.inputs.tolist()]
        unread += [(one.time, one.source, one.value) for one in self._words]
        reads = self.reads_next()
        overwritten: list[int] = []
        triggered = any(time <= reads and source not in _WORDS for time, source, _ in unread)
        for source, place in _WORDS.items():
            here = [one for one in unread if one[1] == source and one[0] <= reads]
            if source is Source.FORWARDED and triggered:  # they write to the same place
                continue
            comes = coming.get(source, -NEVER)
            last = here[-1:] if not here or here[-1][0] > comes else []
            unread = [one for one in unread if one not in here]
            unread += [(reads, source, value) for _, _, value in last]
            if last or here or comes > -NEVER:
                overwritten.append(place)
        return tuple(
            (time - at, source, value) for time, source, value in sorted(unread)
        ), overwritten

    def reads_next(self) -> int:
        """Return the sample up to which all that comes is there when it reads next.

        -NEVER: it is not known.
        """
        if self._status is Status.UNKNOWN:
            return self._needs
        if self._status is Status.WAITING and self._trigger < len(self._triggers):
            return int(self._triggers[self._trigger]) + self._shift - 1
        return -NEVER


def _triggers_of(due: Sequence[Input]) -> tuple[tuple[Source, ...], Integers]:
    """Return as what triggers are heard, and when; raises :class:`CannotBranch`."""
    if any(one.source not in TRIGGERS or one.value for one in due):
        raise CannotBranch("a client writes registers")
    times: dict[Source, list[int]] = {}
    for one in due:
        times.setdefault(one.source, []).append(one.time)
    first = next(iter(times.values()), [])
    if any(one != first for one in times.values()):
        raise CannotBranch("triggers come at different distances")
    return tuple(sorted(times)), np.array(first, np.int64)


def _refuse_outputs(participant: Participant) -> None:
    """Raise :class:`CannotBranch` where what an HDAWG sends depends on more than its rows."""
    for one in participant.flux:
        if one.on and one.filters is not None:
            raise CannotBranch(f"{one.connector}: its filters keep what was played before")
    if participant.run.rate_hz != RATE_HZ:
        raise CannotBranch(f"{participant.sender} does not run at 2 GSa/s, as the others do")
