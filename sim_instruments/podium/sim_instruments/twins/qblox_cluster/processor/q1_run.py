"""One Q1 processor on its way through its program, from one thing it waits for to the next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS
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
    EventKind,
    RealTimeTrace,
    RepeatedTrace,
)
from podium.sim_instruments.twins.qblox_cluster.processor.row_store import (
    PackedRows,
    RepeatedRows,
    RowStore,
    StoredRows,
    constant,
)

if TYPE_CHECKING:
    from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
        Limits,
        Q1Processor,
        SequencerSetup,
        Trigger,
    )

FIRST_ROWS = 4096
MOST_ROWS = 1 << 16
"""At a stretch: 4 MB, which the allocator keeps for the next time. What it returns to the system
costs more to get back than the kernel takes to fill it."""
FIRST_SENT = 64
SPARE = 2
"""Rows, and entries that are sent, that one instruction may make."""
MIN_ROWS = SPARE
WIDE = 2
"""Columns of 64 bits in each row."""
COUNTERS = (WIDE + q1.ROW_BIN,)
"""Columns that count from row to row, besides the times: where each shot has a bin of its own, all
rows would differ."""
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
    rows64: NDArray[np.int64]
    rows32: NDArray[np.int32]
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
        self._store = RowStore(COUNTERS)
        self._rows64, self._rows32 = _row_buffers(max(MIN_ROWS, min(FIRST_ROWS, limits.rows)))
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
        if self._store.count:
            self.drop_rows(0)
        rows = int(self._state[q1.ROWS])
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
            self._rows64[:, :rows].copy(),
            self._rows32[:, :rows].copy(),
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
        self._store = RowStore(COUNTERS)
        rows = moment.rows64.shape[1]
        if rows + SPARE > self._rows64.shape[1]:
            self._rows64, self._rows32 = _row_buffers(2 * rows)
        self._rows64[:, :rows] = moment.rows64
        self._rows32[:, :rows] = moment.rows32

    def drop_rows(self, count: int) -> None:
        """Forget the first rows."""
        if not self._store.count:
            last = int(self._state[q1.ROWS])
            if count:
                left = last - count
                self._rows64[:, :left] = self._rows64[:, count:last].copy()
                self._rows32[:, :left] = self._rows32[:, count:last].copy()
                self._state[q1.ROWS] = left
            return
        columns = self._columns(self._between(count, q1.FOR_EVER), _WRITTEN)
        left = columns[0].size
        if left + SPARE > self._rows64.shape[1]:
            self._rows64, self._rows32 = _row_buffers(2 * left)
        for row, column in zip([*self._rows64, *self._rows32], columns, strict=True):
            row[:left] = column
        self._store = RowStore(COUNTERS)
        self._state[q1.ROWS] = left

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
                self._rows64,
                self._rows32,
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
        if self.ending in (Ending.STOPPED, Ending.CUT) and self._store.count:
            self._pack()  # others of the run may fill buffers in the same place
            self._rows64, self._rows32 = _row_buffers(MIN_ROWS)

    def _repeat(self, until_ns: int, most: int) -> None:
        """Go on at once by as many passes of a loop as are alike, none beyond the limits."""
        if self._passes is None:
            return
        state, here = self._state, self.row_count
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
            self._pack()
            if rows is not None:
                self._store.append_repeated(rows)
                self._resize(self._rows64.shape[1])
            self._passes.go_on(state, self._slots, self._queue, found, passes)

    def _repeated(self, found: Repetition, passes: int) -> tuple[RepeatedRows, int]:
        """Return the rows of the passes to come, and how many passes there may be.

        Bins count on by as much as they did from the pass before to the last one, as far as the
        acquisition has any.
        """
        two = self._columns(self._between(self.row_count - 2 * found.rows, q1.FOR_EVER), _KINDS)
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
        rows = int(self._state[q1.ROWS])
        if rows <= self._rows64.shape[1] - SPARE:
            return True
        self._pack()
        if self._store.count >= self._limits.rows:
            return False
        self._resize(min(4 * rows, MOST_ROWS))
        return True

    def _resize(self, most: int) -> None:
        """Take other buffers, which are empty: of so many rows, or of as many as there may be."""
        size = max(MIN_ROWS, min(most, self._limits.rows - self._store.count))
        if size != self._rows64.shape[1]:
            self._rows64, self._rows32 = _row_buffers(size)

    def _pack(self) -> None:
        """Put the rows that the kernel has written into the store."""
        rows = int(self._state[q1.ROWS])
        self._store.append([*self._rows64[:, :rows], *self._rows32[:, :rows]])
        self._state[q1.ROWS] = 0

    def trace(self) -> RealTimeTrace:
        """Return what was done so far."""
        self._pack()
        return self._told(self._store.join(_KINDS))

    def take_trace(self) -> RealTimeTrace:
        """Return what was done so far, and keep none of it."""
        trace = self.trace()
        self.forget_rows()
        return trace

    def forget_rows(self) -> None:
        """Keep none of what was done so far."""
        self._pack()
        self._store = RowStore(COUNTERS)

    def stretches(self) -> Iterator[RealTimeTrace | RepeatedTrace]:
        """Yield what was played so far in parts, each made when it is asked for; nothing is logged.

        The trace of a long run is a hundred times as large. Of markers and of what is acquired the
        parts say nothing: their columns are 0.
        """
        self._pack()
        for rows in self._store.stretches:
            if isinstance(rows, RepeatedRows) and rows.times > PASSES:
                begin = self._played(rows, PASSES * rows.each)
                yield RepeatedTrace(begin, rows.times, int(rows.step(0)), int(rows.step(1)))
            else:
                yield self._played(rows, rows.count)

    def _played(self, rows: StoredRows, count: int) -> RealTimeTrace:
        """Return what the first rows of a stretch play."""
        columns = [
            rows.part(k, 0, count).astype(kind, copy=False)
            if k in _PLAYED
            else constant(0, count, kind)
            for k, kind in enumerate(_KINDS)
        ]
        return self._traced(columns, flags=(), log=())

    def acquisitions_and_markers(self) -> RealTimeTrace:
        """Return the trace without rows that only play, or change nothing but what is played."""
        self._pack()
        stretches, marker = self._store.stretches, -1
        kept: list[NDArray[np.int64]] = []
        for rows in stretches:
            picked, marker = _kept(rows, marker)
            kept.append(picked)
        return self._told([_picked(stretches, kept, k, one) for k, one in enumerate(_KINDS)])

    def _told(self, columns: Sequence[NDArray[Any]]) -> RealTimeTrace:
        flags = int(self._state[q1.FLAGS])
        return self._traced(
            columns,
            flags=tuple(name for bit, name in q1.FLAG_NAMES.items() if flags & bit),
            log=tuple(self._log(flags)),
        )

    def marker_changes(self) -> tuple[NDArray[np.int64], NDArray[np.int8]]:
        """Return rows at which the markers may have changed: time and markers from there on."""
        self._pack()
        times, markers = self._store.changes(2 + q1.ROW_MARKER)
        return times, markers.astype(np.int8)

    def rows(self, first: int, before_ns: int) -> RealTimeTrace:
        """Return the rows from number ``first`` on that begin before a time; nothing is logged."""
        if not self._store.count:
            return self._traced(self._written(first, before_ns), flags=(), log=())
        columns = self._columns(self._between(first, before_ns), _KINDS)
        return self._traced(columns, flags=(), log=())

    def written_rows(self, first: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
        """Return the rows from number ``first`` on as the kernel writes them, a view.

        Time and phase, (2, n), and the other columns, (ROW_COLUMNS, n).
        """
        if self._store.count:
            self.drop_rows(0)
        last = int(self._state[q1.ROWS])
        return self._rows64[:, first:last], self._rows32[:, first:last]

    @property
    def row_count(self) -> int:
        """Return how many rows there are that were not dropped."""
        return self._store.count + int(self._state[q1.ROWS])

    def _written(self, first: int, before_ns: int) -> list[NDArray[Any]]:
        """Return the columns of rows that the kernel's buffers hold, a copy."""
        last = int(self._state[q1.ROWS])
        if before_ns < q1.FOR_EVER:
            last = int(np.searchsorted(self._rows64[0, :last], before_ns))
        wide = self._rows64[:, first:last].copy()
        narrow = self._rows32[:, first:last].copy()
        columns: list[NDArray[Any]] = [*wide, *narrow]
        for k in _BYTES:
            columns[k] = columns[k].astype(np.int8)
        return columns

    @staticmethod
    def _columns(
        found: Sequence[tuple[StoredRows, int, int]], kinds: Sequence[type[np.signedinteger]]
    ) -> list[NDArray[Any]]:
        """Return copies of all columns of parts of stretches, in types of one's own."""
        return [
            _joined([rows.part(k, *part) for rows, *part in found], kind)
            for k, kind in enumerate(kinds)
        ]

    def _between(self, first: int, before_ns: int) -> list[tuple[StoredRows, int, int]]:
        """Return stretches with their rows from number ``first`` on that begin before a time."""
        last = int(self._state[q1.ROWS])
        new = PackedRows([*self._rows64[:, :last], *self._rows32[:, :last]], last)
        found: list[tuple[StoredRows, int, int]] = list(self._store.between(first, before_ns))
        low = max(first - self._store.count, 0)
        if low < last and (not found or found[-1][2] == found[-1][0].count):
            found.append(
                (new, low, max(low, int(np.searchsorted(new.part(0, 0, last), before_ns))))
            )
        return found

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


_KINDS: tuple[type[np.signedinteger], ...] = (
    np.int64,
    np.int64,
    *(np.int8 if k in (q1.ROW_KIND, q1.ROW_MARKER) else np.int32 for k in range(q1.ROW_COLUMNS)),
)
"""Of the columns of a trace: time, phase and those of the kernel."""
_PLAYED = range(WIDE + q1.ROW_MARKER)
"""Those that say what is played: they stand before the markers."""
_WRITTEN: tuple[type[np.signedinteger], ...] = (
    *(np.int64,) * WIDE,
    *(np.int32,) * q1.ROW_COLUMNS,
)
"""Of the same, as the kernel writes them."""
_BYTES: tuple[int, ...] = tuple(k for k, kind in enumerate(_KINDS) if kind is np.int8)
"""Columns of a trace that take a byte each."""


def _kept(rows: StoredRows, marker: int) -> tuple[NDArray[np.int64], int]:
    """Return which of some rows acquire, or may change the markers, and the markers at the end.

    ``marker``: those before, -1: there is none.
    """
    kinds = rows.part(WIDE + q1.ROW_KIND, 0, rows.count)
    markers = rows.part(WIDE + q1.ROW_MARKER, 0, rows.count)
    changes = np.diff(markers, prepend=np.array([marker], markers.dtype)) != 0
    return np.flatnonzero((kinds > EventKind.PLAY) | changes), int(markers[-1])


def _picked(
    stretches: Sequence[StoredRows],
    kept: Sequence[NDArray[np.int64]],
    column: int,
    kind: type[np.signedinteger],
) -> NDArray[Any]:
    """Return the entries of a column at some rows of each stretch."""
    values = {rows.only(column) for rows in stretches}
    if len(values) == 1 and (value := values.pop()) is not None:
        return constant(value, sum(rows.size for rows in kept), kind)
    out = np.empty(sum(rows.size for rows in kept), kind)
    at = 0
    for rows, picked in zip(stretches, kept, strict=True):
        out[at : at + picked.size] = rows.at(column, picked)
        at += picked.size
    return out


def _joined(parts: Sequence[NDArray[Any]], kind: type[np.signedinteger]) -> NDArray[Any]:
    """Return a copy: the kernel goes on writing into its buffers."""
    if len(parts) == 1:
        return np.array(parts[0], kind)
    return np.concatenate([np.zeros(0, kind), *parts], dtype=kind)


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


def _row_buffers(size: int) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    # Columns an odd number of cache lines apart, so that they do not fall into the same set.
    padded = size // 32 * 32 + 48
    return (
        np.empty((2, size), dtype=np.int64),
        np.empty((q1.ROW_COLUMNS, padded), dtype=np.int32),
    )
