"""Executes assembled Q1ASM programs and yields their real-time events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm import Assembled
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Operation
from podium.sim_instruments.twins.qblox_cluster import q1_state as q1
from podium.sim_instruments.twins.qblox_cluster.q1_image import OPERATION, build_image
from podium.sim_instruments.twins.qblox_cluster.q1_kernel import execute
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import Ending, RealTimeTrace

SYNC_NS: Final = 200
"""From the last sequencer's ``wait_sync`` to the common start; q1simulator sync_barrier.py."""

_FIRST_ROWS = 4096
_NOT_EMULATED = frozenset(
    {
        Operation.ACQUIRE_TTL,
        Operation.ACQUIRE_TIMETAGS,
        Operation.ACQUIRE_DIGITAL,
        Operation.PLAY_PULSE,
        Operation.SET_DIGITAL,
        Operation.SET_TIME_REF,
        Operation.RESET_NETZERO,
        Operation.FB_CMD,
        Operation.FB_POP_DATA,
        Operation.FB_PULL_DATA,
    }
)
_NEEDS_TRIGGERS = frozenset({Operation.SET_COND, Operation.WAIT_TRIGGER})
_ACQUIRES = frozenset({Operation.ACQUIRE, Operation.ACQUIRE_WEIGHED})


class NotEmulated(Exception):
    """The program is correct, but uses an instruction that this twin cannot execute."""


@dataclass(frozen=True, slots=True)
class Trigger:
    """A pulse on the trigger network as one sequencer sees it."""

    time_ns: int
    """When it arrives, from the start of the run."""
    address: int
    """1 to 15."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where a run is cut that might never end. Another program of the lab may loop for ever."""

    time_ns: int = 9_000_000_000_000
    """Femtoseconds from the start fit 64 bits up to 9.2e12 ns."""
    rows: int = 8_000_000
    """About 70 bytes each while the run lasts."""
    instructions: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class SequencerSetup:
    """What a sequencer's parameters and memories say when it starts."""

    waveform_lengths: Mapping[int, int] = field(default_factory=dict)
    """Samples (ns) of each waveform index."""
    weight_lengths: Mapping[int, int] = field(default_factory=dict)
    acquisition_bins: Mapping[int, int] = field(default_factory=dict)
    """Number of bins of each acquisition index."""
    readout: bool = False
    """Whether the module can acquire (QRM, QRM-RF)."""
    sync: bool = False
    """``sync_en``: whether ``wait_sync`` waits for the others."""
    gain: tuple[int, int] = (32767, 32767)
    """``gain_awg_path0/1`` as signed 16 bit."""
    offset: tuple[int, int] = (0, 0)
    """``offset_awg_path0/1`` as signed 16 bit."""
    nco_freq: int = 0
    """``nco_freq`` in steps of 0.25 Hz."""
    nco_phase: int = 0
    """``nco_phase_offs`` in 1e-9 turns."""
    marker: int = 0
    trigger_counts: tuple[int, ...] = (1,) * q1.TRIGGERS
    """``trigger1_count_threshold`` ... ``trigger15_count_threshold``."""
    trigger_inverts: tuple[bool, ...] = (False,) * q1.TRIGGERS
    """``trigger1_threshold_invert`` ... ``trigger15_threshold_invert``."""


class Q1Processor:
    """One sequencer's processor with a program in its memory. Each run starts from reset."""

    def __init__(self, program: Assembled, setup: SequencerSetup, *, name: str = "") -> None:
        """Load the program; raise :class:`NotEmulated` where it holds what cannot be executed."""
        self.program = program
        self.setup = setup
        self.name = name
        """Named in errors, e.g. ``slot2.sequencer0``."""
        self.operations = frozenset(FORMS[opcode].operation for opcode in set(program.opcode))
        _refuse(self, _NOT_EMULATED, "this twin does not emulate it")
        self._image = build_image(program)
        self._code = self._image.code
        if not setup.readout and self.operations & _ACQUIRES:
            # ASSUMED: to a module that cannot acquire these are no instructions.
            self._code = self._code.copy()
            self._code[
                np.isin(self._code[:, OPERATION], [int(operation) for operation in _ACQUIRES]),
                OPERATION,
            ] = int(Operation.ILLEGAL)

    def run(
        self, *, limits: Limits | None = None, triggers: Sequence[Trigger] | None = None
    ) -> RealTimeTrace:
        """Run from the start to the end, alone. See :func:`run_together`."""
        return run_together((self,), limits=limits, triggers=triggers)[0]


def run_together(
    processors: Sequence[Q1Processor],
    *,
    limits: Limits | None = None,
    triggers: Sequence[Trigger] | None = None,
) -> tuple[RealTimeTrace, ...]:
    """Start all processors at the same instant and run them to their ends.

    Sequencers with ``sync`` meet at every ``wait_sync``; a program without end is cut at the
    limits (``limits`` or the default ones). ``triggers`` are those that all of them see, in the
    order of time; without them a program that asks for triggers raises :class:`NotEmulated`.
    """
    limits = limits or Limits()
    if triggers is None:
        for processor in processors:
            _refuse(processor, _NEEDS_TRIGGERS, "it needs the triggers of the run")
    runs = [_Run(processor, triggers or (), limits) for processor in processors]
    for run in runs:
        run.proceed()
    synced = [run for run in runs if run.processor.setup.sync]
    while True:
        for run in runs:
            if not run.processor.setup.sync:
                while run.ending is Ending.WAITS_FOR_SYNC:
                    run.resume_at(run.time_ns)  # ASSUMED: without sync_en it waits for nobody
        if not synced or any(run.ending is not Ending.WAITS_FOR_SYNC for run in synced):
            break
        together_ns = max(run.time_ns for run in synced) + SYNC_NS
        for run in synced:
            run.resume_at(together_ns)
    return tuple(run.trace() for run in runs)


class _Run:
    """One processor on its way."""

    def __init__(self, processor: Q1Processor, triggers: Sequence[Trigger], limits: Limits) -> None:
        setup = processor.setup
        self.processor = processor
        self.ending: Ending | None = None
        self._limits = limits
        self._slots = processor._image.slots.copy()
        self._state = _initial_state(setup)
        self._chunks: list[tuple[NDArray[np.int64], NDArray[np.int32]]] = []
        self._finished_rows = 0
        self._rows64, self._rows32 = _row_buffers(min(_FIRST_ROWS, limits.rows))
        self._fixed = (
            np.zeros(q1.QUEUE_SIZE, dtype=np.int64),
            np.zeros(q1.ACQ_BUFFER, dtype=np.int64),
            _table(setup.waveform_lengths, q1.WAVEFORMS),
            _table(setup.weight_lengths, q1.WEIGHTS),
            _table(setup.acquisition_bins, q1.ACQUISITIONS),
            np.array([trigger.time_ns for trigger in triggers], dtype=np.int64),
            np.array([trigger.address for trigger in triggers], dtype=np.int64),
            np.zeros(q1.TRIGGERS + 1, dtype=np.int64),
            np.array((0, *setup.trigger_counts), dtype=np.int64),
            np.array((False, *setup.trigger_inverts), dtype=np.bool_),
        )

    @property
    def time_ns(self) -> int:
        """Where the real-time side stands."""
        return int(self._state[q1.TIME_NS])

    def resume_at(self, time_ns: int) -> None:
        """Go on from a ``wait_sync`` that was met at ``time_ns``."""
        self._state[q1.TIME_NS] = time_ns + self._state[q1.SYNC_AFTER_NS]
        self.proceed()

    def proceed(self) -> None:
        """Execute up to the next ``wait_sync`` or the end; says which in ``ending``."""
        while True:
            status = execute(
                self.processor._code,
                self.processor._image.length,
                self._slots,
                self._state,
                *self._fixed,
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


def _refuse(processor: Q1Processor, operations: frozenset[Operation], why: str) -> None:
    if not processor.operations & operations:
        return
    for address, opcode in enumerate(processor.program.opcode.tolist()):
        if FORMS[opcode].operation in operations:
            instruction = processor.program.instruction(address)
            where = f"{processor.name}: " if processor.name else ""
            raise NotEmulated(f"{where}line {instruction.line}: {instruction}: {why}")


def _initial_state(setup: SequencerSetup) -> NDArray[np.int64]:
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
