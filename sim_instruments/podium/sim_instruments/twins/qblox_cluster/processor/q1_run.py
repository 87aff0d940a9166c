"""One Q1 processor on its way through its program, from one thing it waits for to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS, Operation
from podium.sim_instruments.twins.qblox_cluster.processor import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.processor.loop_passes import (
    LISTENING,
    LoopPasses,
    Repetition,
    may_repeat,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_image import (
    COST,
    OPERATION,
    STOP_HERE,
    using,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_kernel import execute
from podium.sim_instruments.twins.qblox_cluster.processor.q1_latches import (
    next_trigger,
    reset_latches,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_watch import SeenProcessor
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    PASSES,
    Ending,
    RealTimeTrace,
    RepeatedTrace,
)
from podium.sim_instruments.twins.qblox_cluster.processor.row_store import RepeatedRows, StoredRows
from podium.sim_instruments.twins.qblox_cluster.processor.written_rows import (
    MOST_ROWS,
    SPARE,
    WIDE,
    WrittenRows,
    played_columns,
)

if TYPE_CHECKING:
    from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
        Limits,
        Q1Processor,
        SequencerSetup,
        Trigger,
    )

FIRST_SENT = 64
AT_A_STRETCH = 1_000_000
"""Instructions of a processor that is run from halt to halt: more are an end that never comes."""

_ENDINGS = {
    q1.STOPPED: Ending.STOPPED,
    q1.WAITS_FOR_SYNC: Ending.WAITS_FOR_SYNC,
    q1.WAITS_FOR_TRIGGER: Ending.WAITS_FOR_TRIGGER,
    q1.WAITS_FOR_MESSAGE: Ending.WAITS_FOR_MESSAGE,
    q1.WAITS_TO_KNOW: Ending.WAITS_TO_KNOW,
    q1.CUT: Ending.CUT,
}


@dataclass(frozen=True, slots=True, eq=False)
class RunMoment:
    """Everything that a processor has come to, but for rows that were dropped."""

    ending: Ending | None
    slots: NDArray[np.int64]
    state: NDArray[np.int64]
    queue: NDArray[np.int64]
    latches: NDArray[np.int64]
    triggers: NDArray[np.int64]
    wide: NDArray[np.int64]
    narrow: NDArray[np.int32]
    pause_ns: int


class Q1Run:
    """One processor on its way."""

    def __init__(self, processor: "Q1Processor", limits: "Limits") -> None:
        setup = processor.setup
        self.processor = processor
        self.ending: Ending | None = None
        self._limits = limits
        self._slots = processor._image.slots.copy()
        self._slots[:REGISTERS] = setup.registers
        self.pause_ns: int | None = None
        """It is run from halt to halt, and no further than to here. None: as far as it goes."""
        self.stretch = AT_A_STRETCH
        """Instructions after which it is cut, where it is run from halt to halt."""
        self.slots_used = False
        """Whether it has come to an instruction that uses one of the slots that are watched."""
        self._watching: NDArray[np.uint32] | None = None
        """The code, with stops before such instructions."""
        self._passes: LoopPasses | None = None
        """Once it has been executed for long, if passes of its loops may be left out."""
        self._state = _initial_state(setup)
        self.written = WrittenRows(self._state, limits.rows)
        """The rows that its real-time side has written."""
        self._sent = np.empty((q1.SENT_COLUMNS, FIRST_SENT), dtype=np.int64)
        self._inbox = np.empty((q1.INBOX_COLUMNS, 0), dtype=np.int64)
        self._queue = np.zeros(q1.QUEUE_SIZE, dtype=np.int64)
        self._tables = np.stack(
            [
                _table(setup.waveform_lengths),
                _table(setup.weight_lengths),
                _table(setup.acquisition_bins),
            ]
        )
        self._triggers = np.zeros((2, 0), dtype=np.int64)
        counts = (0,) * (q1.TRIGGERS + 1)
        self._latches = np.array(
            [counts, (0, *setup.trigger_counts), (0, *setup.trigger_inverts)], dtype=np.int64
        )
        reset_latches(self._state, self._latches)

    @property
    def time_ns(self) -> int:
        """Return the time that the real-time side has reached."""
        return int(self._state[q1.TIME_NS])

    def expect(self, triggers: Sequence["Trigger"], known_ns: int) -> None:
        """Add triggers that come after all that were known; all until ``known_ns`` are now."""
        self._state[q1.KNOWN_NS] = known_ns
        if triggers:
            times = [trigger.time_ns for trigger in triggers]
            addresses = [trigger.address for trigger in triggers]
            more = np.array([times, addresses], dtype=np.int64)
            self._triggers = np.concatenate([self._triggers, more], axis=1)

    def expect_all(self, triggers: NDArray[np.int64]) -> None:
        """Take triggers for all that come; shape (2, n): times, ascending, and addresses."""
        self._triggers = np.ascontiguousarray(triggers)

    @property
    def instructions(self) -> int:
        """Return how many instructions it has executed."""
        return int(self._state[q1.COUNT])

    @property
    def knows_enough(self) -> bool:
        """Tell whether all triggers until its time are known."""
        return self.time_ns <= int(self._state[q1.KNOWN_NS])

    def triggered_ns(self) -> int:
        """Return when the trigger comes that the processor waits for, -1: it is not known."""
        address = int(self._state[q1.WAIT_ADDRESS])
        known = self._triggers, self._latches
        return int(next_trigger(self._state, *known, address, self.time_ns))

    @property
    def forgets_ns(self) -> int:
        """Return until when triggers may come without being looked at; -1: not a moment.

        Before a ``latch_rst`` those are all that come by its time, whether they were counted or
        not. Whoever has stopped looks at none.
        """
        if self.ending in (Ending.STOPPED, Ending.CUT):
            return q1.FOR_EVER
        stands = self.ending in (Ending.WAITS_TO_KNOW, Ending.PAUSED)
        following = int(self.processor._code[int(self._state[q1.PC]), OPERATION])
        return self.time_ns if stands and following == Operation.LATCH_RST else -1

    def take_sent(self) -> list[tuple[int, int, int]]:
        """Return the commands of its real-time side since the last call: time, number, value."""
        count = int(self._state[q1.SENT])
        self._state[q1.SENT] = 0
        return [(time, number, value) for time, number, value in self._sent[:, :count].T.tolist()]

    def receive(self, words: Sequence[tuple[int, int, int]]) -> None:
        """Put words (time, id, value) into its queue, and go on."""
        unread = self._inbox[:, int(self._state[q1.INBOX_NEXT]) :]
        self._inbox = np.concatenate([unread, np.array(words, dtype=np.int64).T], axis=1)
        self._state[q1.INBOX_NEXT] = 0
        self.proceed()

    def starve(self) -> None:
        """End the wait for a message that never comes: the real-time side runs dry, if it runs."""
        if self._state[q1.STARTED]:
            self._state[q1.FLAGS] |= q1.FLAG_UNDERFLOW
            self._state[q1.PC] += 1  # as if the instruction had been fetched: the log names it
            self.ending = Ending.STOPPED

    def resume_at(self, time_ns: int) -> None:
        """Go on from a ``wait_sync`` or ``wait_trigger`` that was met at ``time_ns``."""
        self._state[q1.TIME_NS] = time_ns + self._state[q1.SYNC_AFTER_NS]
        self.proceed()

    def moment(self) -> RunMoment:
        """Return what it has come to, a copy; triggers that were counted are left out."""
        wide, narrow = self.written.view(0)
        state = self._state.copy()
        state[q1.TRIGGER_NEXT] = 0
        hears = not LISTENING.isdisjoint(self.processor.operations)
        return RunMoment(
            self.ending,
            self._slots.copy(),
            state,
            self._queue.copy(),
            self._latches.copy(),
            self.unread_triggers.copy() if hears else np.zeros((2, 0), dtype=np.int64),
            wide.copy(),
            narrow.copy(),
            self.pause_ns or 0,
        )

    def go_back(self, moment: RunMoment) -> None:
        """Return to a moment."""
        self.ending, self.pause_ns = moment.ending, moment.pause_ns
        self._slots[:] = moment.slots
        self._state[:] = moment.state
        self._queue[:] = moment.queue
        self._latches[:] = moment.latches
        self._triggers = moment.triggers
        self.written.put(moment.wide, moment.narrow)

    @property
    def state(self) -> NDArray[np.int64]:
        """Return the state vector, see q1_state."""
        return self._state

    @property
    def registers(self) -> NDArray[np.int64]:
        """Return the registers, to be read and written."""
        return self._slots[:REGISTERS]

    @property
    def unread_triggers(self) -> NDArray[np.int64]:
        """Return times and addresses of triggers that were not counted yet."""
        return self._triggers[:, int(self._state[q1.TRIGGER_NEXT]) :]

    @property
    def latches(self) -> NDArray[np.int64]:
        """Return counts, thresholds and inversions of its latches."""
        return self._latches

    def watch_slots(self, slots: Sequence[int]) -> None:
        """Note from now on whether it uses some of its slots, registers and their shadows."""
        code = self.processor._code.copy()
        code[using(code, slots), OPERATION] = STOP_HERE
        self._watching = code

    def admit_every_bin(self) -> None:
        """Lose no acquisition for its bin from now on: what numbers bins may hold anything."""
        bins = self._tables[q1.BINS]
        bins[bins >= 0] = np.iinfo(bins.dtype).max

    def values(self, slots: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return what some of its slots hold, a copy."""
        return np.asarray(self._slots[slots])

    def put_values(self, slots: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        """Put values into slots."""
        self._slots[slots] = values

    def _code_now(self) -> NDArray[np.uint32]:
        watch = self.processor.setup.watch
        if watch is not None:
            return watch.code(self.seen())
        if self._watching is not None and not self.slots_used:
            return self._watching
        return self.processor._code if self._passes is None else self._passes.code

    def proceed(self) -> None:
        """Execute up to the next ``wait_sync``, an unknown trigger or the end; see ``ending``."""
        until_ns, most = self._limits.time_ns, self._limits.instructions
        if self.pause_ns is not None:
            until_ns = min(until_ns, self.pause_ns)
            most = min(most, int(self._state[q1.COUNT]) + self.stretch)
        watch = self.processor.setup.watch
        stood_at = -1
        if self._passes is not None:
            self._passes.forget()
        while True:
            status = execute(
                self._code_now(),
                self.processor._image.length,
                self._slots,
                self._state,
                self._queue,
                self._tables,
                self._triggers,
                self._latches,
                self.written.wide,
                self.written.narrow,
                self._sent,
                self._inbox,
                until_ns,
                most,
            )
            if status == q1.AT_STOP:
                if watch is not None:
                    watch.stopped(self.seen())
                else:
                    self.slots_used, stood_at = True, int(self._state[q1.COUNT])
                continue
            if status == q1.AT_LOOP:
                self._repeat(until_ns, most)
                continue
            if status != q1.ROWS_FULL:
                break
            if not self._make_room():
                status = q1.CUT
                break
            if self._passes is None and self.pause_ns is None and self._watching is None:
                self._passes = LoopPasses(self.processor) if may_repeat(self.processor) else None
        self.ending = _ENDINGS[status]
        if status == q1.CUT and self.pause_ns is not None and self._state[q1.COUNT] < most:
            self._pause()
        if self._state[q1.COUNT] == stood_at:  # it still stands before that instruction
            self.slots_used = False
        if self.ending in (Ending.STOPPED, Ending.CUT):
            self.written.let_go_of_buffers()

    def _repeat(self, until_ns: int, most: int) -> None:
        """Go on at once by as many passes of a loop as are alike, none beyond the limits."""
        if self._passes is None:
            return
        state, here = self._state, self.written.count
        found = self._passes.at_end(state, self._slots, self._queue, here)
        if found is None or self.pause_ns is not None or found.rows > MOST_ROWS:
            return
        passes = min(
            found.passes,
            (until_ns - self.time_ns) // max(found.time_ns, 1) - 1,
            (most - int(state[q1.COUNT])) // found.instructions - 1,
        )
        rows = None
        if found.rows:
            passes = min(passes, (self._limits.rows - here) // found.rows - 1)
            rows, passes = self._repeated(found, passes)
        if passes > 0:
            self.written.pack()
            if rows is not None:
                self.written.repeat(rows)
            self._passes.go_on(state, self._slots, self._queue, found, passes)

    def _repeated(self, found: Repetition, passes: int) -> tuple[RepeatedRows, int]:
        """Return the rows of the passes to come, and how many passes there may be.

        Bins count on by as much as they did from the pass before to the last one, as far as the
        acquisition has any.
        """
        two = self.written.columns(self.written.count - 2 * found.rows, q1.FOR_EVER)
        last = [column[found.rows :] for column in two]
        steps: dict[int, int | NDArray[np.signedinteger]] = {0: found.time_ns}
        if found.phase:
            steps[1] = found.phase >> 2
        if found.labels.any():
            place = WIDE + q1.ROW_BIN
            slope = last[place] - two[place][: found.rows]
            steps[place] = slope
            passes = min(passes, self._bins_left(last, slope))
        for column, step in steps.items():
            last[column] = last[column] + step
        last[1] %= q1.TURN >> 2
        return RepeatedRows(last, max(passes, 0), steps, {1: q1.TURN >> 2}), passes

    def _bins_left(
        self, rows: Sequence[NDArray[np.signedinteger]], slope: NDArray[np.signedinteger]
    ) -> int:
        """Return for how many passes the bins of some rows may go on by a slope each."""
        moves = np.flatnonzero(slope)
        if int(self._state[q1.FLAGS]) & q1.FLAG_ACQ_BIN:
            return 0
        slope, bins = slope[moves].astype(np.int64), rows[WIDE + q1.ROW_BIN][moves]
        there = self._tables[q1.BINS, rows[WIDE + q1.ROW_ACQ][moves]]
        last = np.minimum(there, np.iinfo(np.int32).max) - 1
        left = np.where(slope > 0, (last - bins) // np.abs(slope), bins // np.abs(slope))
        return int(left.min(initial=q1.FOR_EVER))

    def _pause(self) -> None:
        """Stand before the instruction that would begin too late, as if it had not been fetched."""
        self._state[q1.PC] -= 1
        self._state[q1.COUNT] -= 1
        self._state[q1.CORE_NS] -= int(self.processor._code[int(self._state[q1.PC]), COST])
        self.ending = Ending.PAUSED

    def seen(self) -> SeenProcessor:
        """Return what somebody sees who looks at the processor; arrays are its own."""
        return SeenProcessor(
            self.processor._code,
            self.processor._image.address,
            self.processor.program,
            self._state,
            self._slots,
            self._queue,
            self._triggers,
            lambda: self.rows(0, q1.FOR_EVER),
        )

    def _make_room(self) -> bool:
        """Make room for more rows or more that is sent; False at the limit."""
        sent = self._sent.shape[1]
        if self._state[q1.SENT] > sent - SPARE:
            self._sent = np.concatenate([self._sent, np.empty_like(self._sent)], axis=1)
        return self.written.make_room()

    def trace(self) -> RealTimeTrace:
        """Return what was done so far."""
        return self._told(self.written.all_columns())

    def take_trace(self) -> RealTimeTrace:
        """Return what was done so far, and keep none of it."""
        trace = self.trace()
        self.written.forget()
        return trace

    def stretches(self) -> Iterator[RealTimeTrace | RepeatedTrace]:
        """Yield what was played so far in parts, each made when it is asked for; nothing is logged.

        The trace of a long run is a hundred times as large. Of markers and of what is acquired the
        parts say nothing: their columns are 0.
        """
        for rows in self.written.stretches():
            if isinstance(rows, RepeatedRows) and rows.times > PASSES:
                begin = self._played(rows, PASSES * rows.each)
                yield RepeatedTrace(begin, rows.times, int(rows.step(0)), int(rows.step(1)))
            else:
                yield self._played(rows, rows.count)

    def _played(self, rows: StoredRows, count: int) -> RealTimeTrace:
        """Return what the first rows of a stretch play."""
        return self._traced(played_columns(rows, count), flags=(), log=())

    def acquisitions_and_markers(self) -> RealTimeTrace:
        """Return the trace without rows that only play, or change nothing but what is played."""
        return self._told(self.written.events())

    def rows(self, first: int, before_ns: int) -> RealTimeTrace:
        """Return the rows from number ``first`` on that begin before a time; nothing is logged."""
        return self._traced(self.written.columns(first, before_ns), flags=(), log=())

    def _told(self, columns: Sequence[NDArray[Any]]) -> RealTimeTrace:
        flags = int(self._state[q1.FLAGS])
        return self._traced(
            columns,
            flags=tuple(name for bit, name in q1.FLAG_NAMES.items() if flags & bit),
            log=tuple(self._log(flags)),
        )

    def _traced(
        self, columns: Sequence[NDArray[Any]], flags: tuple[str, ...], log: tuple[str, ...]
    ) -> RealTimeTrace:
        time_ns, nco_phase, *columns = columns
        return RealTimeTrace(
            time_ns=time_ns,
            nco_phase=nco_phase,
            kind=columns[q1.ROW_KIND],
            wave0=columns[q1.ROW_WAVE_0],
            wave1=columns[q1.ROW_WAVE_1],
            gain0=columns[q1.ROW_GAIN_0],
            gain1=columns[q1.ROW_GAIN_1],
            offs0=columns[q1.ROW_OFFS_0],
            offs1=columns[q1.ROW_OFFS_1],
            nco_freq=columns[q1.ROW_FREQ],
            marker=columns[q1.ROW_MARKER],
            acq=columns[q1.ROW_ACQ],
            bin=columns[q1.ROW_BIN],
            weight0=columns[q1.ROW_WEIGHT_0],
            weight1=columns[q1.ROW_WEIGHT_1],
            end_ns=self.time_ns,
            ending=self.ending or Ending.CUT,
            flags=flags,
            exit_code=int(self._state[q1.EXIT_CODE]),
            registers=tuple(self._slots[:REGISTERS].tolist()),
            instructions=int(self._state[q1.COUNT]),
            log=log,
        )

    def _log(self, flags: int) -> list[str]:
        image, program = self.processor._image, self.processor.program
        name = self.processor.name or "sequencer"
        log = [
            f"{name}: {self._where(address)} reads a register that the instruction before it "
            "writes: it gets the old value (a nop between them gives the new one)"
            for address in image.stale_reads
        ]
        stopping = q1.FLAG_Q1_ILLEGAL | q1.FLAG_RT_ILLEGAL | q1.FLAG_UNDERFLOW
        if flags & stopping:
            address = int(image.address[int(self._state[q1.PC]) - 1])
            at = self._where(address) if address < len(program) else "the end of the program"
            names = ", ".join(n for bit, n in q1.FLAG_NAMES.items() if flags & bit & stopping)
            log.append(
                f"{name}: {names} at {at}, {self.time_ns} ns after the start "
                f"(classical side: {int(self._state[q1.CORE_NS])} ns)"
            )
        return log

    def _where(self, address: int) -> str:
        instruction = self.processor.program.instruction(address)
        return f"line {instruction.line} ({instruction})"


def _initial_state(setup: "SequencerSetup") -> NDArray[np.int64]:
    state = np.zeros(q1.STATE_SIZE, dtype=np.int64)
    state[q1.CORE_NS] = -q1.CORE_LEAD_NS
    state[q1.GAIN_0], state[q1.GAIN_1] = setup.gain
    state[q1.OFFS_0], state[q1.OFFS_1] = setup.offset
    state[q1.FREQ] = setup.nco_freq
    state[q1.PHASE_SET] = 4 * setup.nco_phase % q1.TURN
    state[q1.NEXT_PHASE] = -1
    state[q1.KNOWN_NS] = q1.FOR_EVER
    state[q1.ACQ_SPACING] = setup.acquisition_spacing_ns
    state[q1.MARKER] = setup.marker
    return state


def _table(values: Mapping[int, int]) -> NDArray[np.int64]:
    table = np.full(q1.WAVEFORMS, -1, dtype=np.int64)
    for index, value in values.items():
        table[index] = value
    return table
