"""A generator that goes on from one reading that it depends on to the next, and can go back."""

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
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    CYCLE,
    Row,
    Source,
    State,
    Status,
)

AT_ONCE: Final = 1_000_000
"""Instructions from one halt to the next, at most: about 4 ms."""
UNIFORM: Final = 4
"""Triggers that are not counted: more have to come at equal distances."""
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
        self.asks = run.asks_for_results
        """Whether it depends on results; else it is let go on from one time to the next."""
        state = self._processor.moment().state
        pc, feedback = int(state[State.PC]), int(state[State.FEEDBACK_QA])
        self.looks_at = self._registers.result_bits(pc, feedback)
        """Bits of words that it may look at."""
        due = run.due
        if any(one.source not in TRIGGERS or one.value for one in due):
            raise CannotBranch("a client writes registers")
        self._triggers: Integers = np.array([one.time for one in due], np.int64)
        self._source = due[0].source if due else Source.DIGITAL_1
        self._counted = len(due) > UNIFORM
        if any(one.source is not self._source for one in due) or (
            self._counted and np.ptp(np.diff(self._triggers))
        ):
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

    def hear(self, at: int, word: int) -> None:
        """Have a word of its own analyser reach it: the bits of it that it may look at."""
        self._words.append(Input(at, Source.QA, word & self.looks_at))

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
            inputs.append(Input(int(self._triggers[k]) + self._shift, self._source))
        self._trigger = max(self._trigger, upto)
        self._processor.feed(sorted(inputs, key=lambda one: (one.time, one.source)))
        limit = self._processor.trace().instructions + AT_ONCE
        trace = self._processor.run(until=self._pause, known=known, instructions=limit)
        self._trace, self._status, self._needs = trace, trace.status, trace.needs
        if len(trace.rows):
            self._fresh.append(trace.rows.copy())
            self._unplayed.append(self._fresh[-1])
        self._processor.forget()
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

    def reads(self, at_ns: int) -> int | None:
        """Return when it reads the last word that has come by then, and none before, in samples
        from a time; None: it is at its end."""
        if self._status is Status.ENDED:
            return None
        return (
            self._needs - 2 * (at_ns - self.begin_ns) if self._status is Status.UNKNOWN else -NEVER
        )

    def _ns(self, tick: int) -> int:
        run = self.participant.run
        return self.begin_ns + (run.time_fs(tick) - run.start_fs) // FS_PER_NS

    def plays(self, until_ns: int) -> list[PulseTrain]:
        """Return what leaves the connector before a time, from where the last call ended."""
        rows = self._joined(self._unplayed)
        self._unplayed = []
        return self._output.plays(replace(self._trace, rows=rows), until_ns)

    def shown(self, until_ns: int) -> tuple[object, ...]:
        """Return all that this depends on, seen from that time."""
        return self._to_play(2 * (until_ns - self.begin_ns), self._joined(self._unplayed))

    def rows(self, at: int) -> Integers:
        """Return the rows that came since the last call, seen from a sample."""
        rows = self._joined(self._fresh)
        rows[:, Row.TIME] -= at
        self._fresh = []
        return rows

    def _to_play(self, at: int, fresh: Integers) -> tuple[object, ...]:
        """Return all that its output depends on, seen from a sample; ``fresh``: rows to come."""
        state = self._processor.moment().state
        silent = bool(state[State.SILENT]) and not state[State.LOG_SILENCE]
        return self._output.content(at, fresh, silent=silent)

    def _joined(self, rows: list[Integers]) -> Integers:
        return np.concatenate([self._trace.rows[:0], *rows])

    # --- going back -----------------------------------------------------------------------

    @property
    def place(self) -> tuple[int, bytes]:
        """Return the number of the instruction that it goes on with, and registers that show."""
        moment = self._processor.moment()
        pc = int(moment.state[State.PC])
        return pc, moment.registers[list(self._registers.at(pc).shown)].tobytes()

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
        """Return its counters, those that are none now as far from their ends; then its triggers to
        come."""
        moment = self._processor.moment()
        used = (
            ()
            if self._status is Status.ENDED
            else self._registers.at(int(moment.state[State.PC])).counters
        )
        values = [int(moment.registers[r]) if r in used else FAR for r in self.counters]
        return *values, len(self._triggers) - self._trigger if self._counted else FAR

    def count(self, counters: tuple[int, ...], far: int) -> None:
        """Have other counters, and triggers to come; ``far`` of them: many."""
        moment = self._processor.moment()
        used = (
            ()
            if self._status is Status.ENDED
            else self._registers.at(int(moment.state[State.PC])).counters
        )
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

    def content(self, at_ns: int) -> tuple[object, ...]:
        """Return what it goes on from, seen from a time, but for its counters."""
        at = 2 * (at_ns - self.begin_ns)
        moment = self._processor.moment()
        output = self._to_play(at, self._trace.rows[:0])
        if self._status is Status.ENDED:
            return (output,)
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
        state[_IGNORED] = 0
        inputs = moment.inputs.copy()
        inputs[:, 0] -= at
        if self._status is Status.UNKNOWN:
            # It reads once another word has come: none of those before is looked at again.
            state[State.QA_RAW] = 0
            inputs = inputs[inputs[:, 1] != Source.QA]
        following = self._triggers[self._trigger : None if not self._counted else self._trigger + 1]
        return (
            output,
            state.tobytes(),
            shown.tobytes(),
            times.tobytes(),
            inputs.tobytes(),
            (following + self._shift - at).tobytes(),
            tuple((one.time - at, one.value) for one in self._words),
            self._status,
            self._pause - at if self._status is Status.TIME_LIMIT else 0,
        )
