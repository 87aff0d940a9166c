"""One Q1 processor on its way through its program, from one thing it waits for to the next."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.qblox_cluster import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.q1_kernel import execute
from podium.sim_instruments.twins.qblox_cluster.q1_latches import next_trigger
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import Ending, RealTimeTrace

if TYPE_CHECKING:
    from podium.sim_instruments.twins.qblox_cluster.q1_processor import (
        Limits,
        Q1Processor,
        SequencerSetup,
        Trigger,
    )

FIRST_ROWS = 4096


class Q1Run:
    """One processor on its way."""

    def __init__(self, processor: "Q1Processor", limits: "Limits") -> None:
        setup = processor.setup
        self.processor = processor
        self.ending: Ending | None = None
        self._limits = limits
        self._slots = processor._image.slots.copy()
        self._state = _initial_state(setup)
        self._chunks: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._finished_rows = 0
        self._rows64, self._rows32 = _row_buffers(min(FIRST_ROWS, limits.rows))
        self._queues = (
            np.zeros(q1.QUEUE_SIZE, dtype=np.int64),
            np.zeros(q1.ACQ_BUFFER, dtype=np.int64),
            _table(setup.waveform_lengths, q1.WAVEFORMS),
            _table(setup.weight_lengths, q1.WEIGHTS),
            _table(setup.acquisition_bins, q1.ACQUISITIONS),
        )
        self._trigger_ns = np.zeros(0, dtype=np.int64)
        self._trigger_address = np.zeros(0, dtype=np.int64)
        self._trigger_counts = np.zeros(q1.TRIGGERS + 1, dtype=np.int64)
        self._thresholds = (
            np.array((0, *setup.trigger_counts), dtype=np.int64),
            np.array((False, *setup.trigger_inverts), dtype=np.bool_),
        )

    @property
    def time_ns(self) -> int:
        """Where the real-time side stands."""
        return int(self._state[q1.TIME_NS])

    def expect(self, triggers: Sequence["Trigger"]) -> None:
        """Add triggers that come after all that were known."""
        if triggers:
            times = [trigger.time_ns for trigger in triggers]
            addresses = [trigger.address for trigger in triggers]
            self._trigger_ns = np.append(self._trigger_ns, times)
            self._trigger_address = np.append(self._trigger_address, addresses)

    def triggered_ns(self) -> int:
        """Return when the trigger comes that the processor waits for, -1: it is not known."""
        return int(
            next_trigger(
                self._state,
                self._trigger_ns,
                self._trigger_address,
                self._trigger_counts,
                int(self._state[q1.WAIT_ADDRESS]),
                self.time_ns,
            )
        )

    def resume_at(self, time_ns: int) -> None:
        """Go on from a ``wait_sync`` or ``wait_trigger`` that was met at ``time_ns``."""
        self._state[q1.TIME_NS] = time_ns + self._state[q1.SYNC_AFTER_NS]
        self.proceed()

    def proceed(self) -> None:
        """Execute up to the next ``wait_sync``, an unknown trigger or the end; see ``ending``."""
        while True:
            status = execute(
                self.processor._code,
                self.processor._image.length,
                self._slots,
                self._state,
                *self._queues,
                self._trigger_ns,
                self._trigger_address,
                self._trigger_counts,
                *self._thresholds,
                self._rows64,
                self._rows32,
                self._limits.time_ns,
                self._limits.instructions,
            )
            if status != q1.ROWS_FULL:
                break
            if self._finished_rows + self._rows64.shape[1] >= self._limits.rows:
                status = q1.CUT
                break
            self._put_rows_aside()
        self.ending = {
            q1.STOPPED: Ending.STOPPED,
            q1.WAITS_FOR_SYNC: Ending.WAITS_FOR_SYNC,
            q1.WAITS_FOR_TRIGGER: Ending.WAITS_FOR_TRIGGER,
            q1.CUT: Ending.CUT,
        }[status]

    def _put_rows_aside(self) -> None:
        self._chunks.append((self._rows64, self._rows32))
        self._finished_rows += self._rows64.shape[1]
        size = min(4 * self._rows64.shape[1], self._limits.rows - self._finished_rows)
        self._rows64, self._rows32 = _row_buffers(size)
        self._state[q1.ROWS] = 0

    def trace(self) -> RealTimeTrace:
        """Return what was done so far."""
        last = int(self._state[q1.ROWS])
        chunks = [*self._chunks, (self._rows64[:, :last], self._rows32)]
        wide = [np.concatenate([rows64[k] for rows64, _ in chunks]) for k in range(2)]
        columns = [
            np.concatenate([rows32[k, : rows64.shape[1]] for rows64, rows32 in chunks])
            for k in range(q1.ROW_COLUMNS)
        ]
        flags = int(self._state[q1.FLAGS])
        return RealTimeTrace(
            time_ns=wide[0],
            nco_phase=wide[1],
            kind=columns[q1.ROW_KIND].astype(np.int8),
            wave0=columns[q1.ROW_WAVE_0],
            wave1=columns[q1.ROW_WAVE_1],
            gain0=columns[q1.ROW_GAIN_0],
            gain1=columns[q1.ROW_GAIN_1],
            offs0=columns[q1.ROW_OFFS_0],
            offs1=columns[q1.ROW_OFFS_1],
            nco_freq=columns[q1.ROW_FREQ],
            marker=columns[q1.ROW_MARKER].astype(np.int8),
            acq=columns[q1.ROW_ACQ],
            bin=columns[q1.ROW_BIN],
            weight0=columns[q1.ROW_WEIGHT_0],
            weight1=columns[q1.ROW_WEIGHT_1],
            end_ns=self.time_ns,
            ending=self.ending or Ending.CUT,
            flags=tuple(name for bit, name in q1.FLAG_NAMES.items() if flags & bit),
            exit_code=int(self._state[q1.EXIT_CODE]),
            instructions=int(self._state[q1.COUNT]),
            log=tuple(self._log(flags)),
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
    state[q1.MARKER] = setup.marker
    return state


def _table(values: Mapping[int, int], size: int) -> NDArray[np.int64]:
    table = np.full(size, -1, dtype=np.int64)
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
