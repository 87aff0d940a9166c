"""One sequencer: a program, its inputs, and what it puts out when."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from podium.sim_instruments.twins.zurich.sequencer.image import Feedback, Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.kernel import execute
from podium.sim_instruments.twins.zurich.sequencer.row_columns import columns_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    REGISTERS,
    USER_REGISTERS,
    Kind,
    Row,
    Source,
    State,
    Status,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_view import (
    ProgramListing,
    SequencerView,
    SequencerWatch,
)

NEVER: Final = 2**62
RUNNING: Final = 0b00001
WAITING_FOR_TRIGGER: Final = 0b00100
"""Bits of the node ``sequencer/status``, as its documentation has them."""
_ROOM: Final = 4096
"""Rows that there is room for at first; whenever it is full, it grows fourfold."""
_SIGN: Final = 1 << 31
_PRNG_SEED: Final = 0xACE1
_PRNG_SPAN: Final = 0xFFFF
"""LabOne Q (Apache-2.0), ``core/utilities/prng.py``: the generator of HDAWG and SHFSG."""


@dataclass(frozen=True, slots=True, order=True)
class Input:
    """Something that reaches a sequencer from outside; ordered by time."""

    time: int
    """Samples from the program's start."""
    source: Source
    value: int = 0
    """The message of a trigger, a result, or levels."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Values of the instrument's nodes for a sequencer before it starts."""

    user_registers: tuple[int, ...] = ()
    rate: int = 0
    """Node ``awg/time``: divider of the sample rate, as a power of two."""
    amplitudes: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0)
    """What a command table changes: an SHFSG's gains 00, 01, 10, 11, from the nodes
    ``awg/outputs/*/gains/*``; ones on an HDAWG, whose gains come on top."""
    feedback: tuple[Feedback, Feedback, Feedback] = (Feedback(), Feedback(), Feedback())
    """Of results processed A and B, and of those of the own analyser: nodes ``zsync/register``,
    ``zsync/decoder`` and ``intfeedback/direct``, until a program says otherwise."""
    log_silence: bool = False
    """Keep rows of zeros, too, and of holds of them."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Rows that a program wrote, and its state."""

    rows: Integers
    """Shape (n, Row.COLUMNS), in the order of the program."""
    status: Status
    pc: int
    """Of the next instruction, or of the one that failed."""
    instructions: int
    end: int
    """Samples from the start to the end of what was played."""
    played: int
    """Samples that were played, zeros and holds included, gaps left out."""
    gaps: int
    """How often the player had nothing to play for a program that was too slow..."""
    gap_samples: int
    """... and for how long."""
    late: int
    """How often a result was asked for at a time that had gone by."""
    user_registers: tuple[int, ...]
    fault: int
    """The word, address or index that cannot be, where the status says so."""
    waiting: Source | None
    """What is waited for."""
    needs: int
    """Until when inputs must be known before it goes on, where the status is UNKNOWN."""
    _oscillator_rows: list[Integers] = field(default_factory=list, init=False, repr=False)
    """Those of :meth:`oscillator_rows`, once they have been sought."""

    def status_word(self) -> int:
        """Return what the node ``sequencer/status`` shows.

        A sequencer that waits shows that bit alone: LabOne Q 26.7.0 begins when it reads 4, no
        other number (``qachannel.py``, ``sgchannel.py``, ``hdawg_core.py``). ASSUMED: a program
        that did what it cannot has ended.
        """
        if self.status is Status.WAITING:
            return WAITING_FOR_TRIGGER
        going_on = (Status.FULL, Status.TIME_LIMIT, Status.COUNT_LIMIT, Status.UNKNOWN)
        return RUNNING if self.status in going_on else 0

    def kinds(self, *kinds: int) -> Integers:
        """Return the rows of some kinds, a copy whose columns stand in memory of their own."""
        return columns_of(self.rows, kinds, range(Row.COLUMNS)).T

    def columns(self, kinds: Sequence[int], columns: Sequence[int]) -> Integers:
        """Return columns of the rows of some kinds, shape (columns, rows)."""
        return columns_of(self.rows, kinds, columns)

    def oscillator_rows(self) -> Integers:
        """Return the rows that tune or reset an oscillator.

        They are few, and asked for once for each slot of a readout and each of its weights: the
        rows are looked through once.
        """
        if not self._oscillator_rows:
            self._oscillator_rows.append(self.kinds(Kind.FREQUENCY, Kind.RESET_OSCILLATORS))
        return self._oscillator_rows[0]


@dataclass(frozen=True, slots=True, eq=False)
class ProcessorMoment:
    """Everything that a processor goes on from."""

    registers: Integers
    state: Integers
    inputs: Integers
    """Those that it has not taken."""
    status: Status


class Processor:
    """Executes a program; goes on from where it stopped when more inputs are known."""

    def __init__(self, image: Image, setup: Setup | None = None) -> None:
        self.image = image
        setup = Setup() if setup is None else setup
        self._registers = np.zeros(REGISTERS, np.int64)
        self._state = np.zeros(State.SIZE, np.int64)
        given = np.array(setup.user_registers[:USER_REGISTERS], np.int64)
        self._state[State.MEMORY : State.MEMORY + len(given)] = given
        self._state[State.RATE] = setup.rate
        self._state[State.LOG_SILENCE] = setup.log_silence
        self._state[State.LATENCY] = -1
        self._state[State.SILENT] = 1
        self._state[State.PRNG] = _PRNG_SEED
        self._state[State.PRNG_SPAN] = _PRNG_SPAN
        for k, amplitude in enumerate(setup.amplitudes):
            self._state[State.AMPLITUDE_0 + k] = round(amplitude * AMPLITUDE_ONE)
        for k, feedback in enumerate(setup.feedback):
            self._state[State.FEEDBACK_A + k] = feedback.packed()
        self._inputs = np.zeros((0, 3), np.int64)
        self._rows = np.empty((_ROOM, Row.COLUMNS), np.int64)
        self._used = 0
        self._status = Status.WAITING
        self._watched: tuple[SequencerWatch, ProgramListing] | None = None

    def watch(self, watch: SequencerWatch, listing: ProgramListing) -> None:
        """Have it stand where somebody wants to look, from now on."""
        self._watched = watch, listing

    def unwatch(self) -> None:
        """Have it stand nowhere any longer; in any thread."""
        self._watched = None

    def feed(self, inputs: Sequence[Input]) -> None:
        """Add inputs, none earlier than those before. Raises ValueError if one is."""
        if not inputs:
            return
        new = np.array([(one.time, one.source, one.value) for one in inputs], np.int64)
        before = self._inputs[-1:, 0]
        if np.any(np.diff(np.concatenate([before, new[:, 0]])) < 0):
            raise ValueError(
                f"inputs have to come in the order of time: {new[:, 0].tolist()[:8]} after "
                f"{before.tolist()}"
            )
        self._inputs = np.concatenate([self._inputs, new])

    def write_register(self, index: int, value: int) -> None:
        """Set a user register: the program reads it from where it is now."""
        signed = value - (1 << 32) if value >= 1 << 31 else value
        self._state[State.MEMORY + index] = signed

    def run(
        self,
        *,
        until: int = NEVER,
        instructions: int = NEVER,
        known: int = NEVER,
        rows: int = NEVER,
    ) -> Trace:
        """Execute until the end, a wait, or a limit; the trace tells all since the start, or since
        :meth:`forget`.

        ``until`` is in samples; ``instructions`` counts from the start and is looked at where
        something is played or jumped to; inputs are complete up to ``known``; with ``rows`` of
        them, or some more where that is little, it comes back with the status FULL.
        """
        self._state[State.KNOWN] = known
        while True:
            end = max(rows, self._used + _ROOM)
            self._status = Status(self._execute(until, instructions, self._rows[self._used : end]))
            self._used += int(self._state[State.ROWS])
            if self._status is Status.AT_STOP:
                if (watched := self._watched) is not None:
                    watched[0].stopped(self._view(watched[1]))
                continue
            if self._status is not Status.FULL or self._used >= rows:
                return self.trace()
            if end < len(self._rows):
                continue
            room = np.empty((4 * len(self._rows), Row.COLUMNS), np.int64)
            room[: self._used] = self._rows[: self._used]
            self._rows = room

    def fork(self) -> "Processor":
        """Return one that is where this one is, without its rows, and goes on by itself."""
        other = Processor(self.image)
        other._registers[:] = self._registers
        other._state[:] = self._state
        other._inputs = self._inputs
        return other

    def moment(self) -> ProcessorMoment:
        """Return where it is, a copy."""
        state = self._state.copy()
        inputs = self._inputs[state[State.CURSOR] :].copy()
        state[State.CURSOR] = 0
        return ProcessorMoment(self._registers.copy(), state, inputs, self._status)

    @property
    def state(self) -> Integers:
        """Return the state vector as it is now, to be read before anything else is asked."""
        return self._state

    @property
    def registers(self) -> Integers:
        """Return the registers of the core, as :attr:`state`."""
        return self._registers

    def go_back(self, moment: ProcessorMoment) -> None:
        """Return to a moment, without rows."""
        self._registers[:], self._state[:] = moment.registers, moment.state
        self._inputs, self._status, self._used = moment.inputs, moment.status, 0

    @property
    def has_read_undecided(self) -> bool:
        """Tell whether it has read a bit of a result that nobody has decided."""
        return bool(self._state[State.UNDECIDED])

    def set_register(self, register: int, value: int) -> None:
        """Give a register of its core another value."""
        self._registers[register] = value

    def forget(self) -> None:
        """Drop the rows so far: their memory is used again, traces of them end here."""
        self._used = 0

    def keep(self, rows: Integers) -> Integers:
        """Have these in place of the rows so far, in memory of their own, and return them there.

        Traces that others have stay as they are.
        """
        self._rows = np.empty((len(rows) + _ROOM, Row.COLUMNS), np.int64)
        self._rows[: len(rows)] = rows
        self._used = len(rows)
        return self._done()

    def _done(self) -> Integers:
        """Return the rows so far, which nobody may write to."""
        rows = self._rows[: self._used]
        rows.flags.writeable = False
        return rows

    def _view(self, listing: ProgramListing) -> SequencerView:
        return SequencerView(
            self.image, listing, self._registers, self._state, lambda: self._rows[: self._used]
        )

    def _code(self) -> Integers:
        watched = self._watched
        return self.image.code if watched is None else watched[0].code(self._view(watched[1]))

    def _execute(self, until: int, instructions: int, room: Integers) -> int:
        return int(
            execute(
                self._code(),
                self._registers,
                self._state,
                self.image.table,
                self._inputs,
                room,
                until,
                instructions,
            )
        )

    def trace(self) -> Trace:
        """Return what has happened so far."""
        state = self._state
        memory = state[State.MEMORY : State.MEMORY + USER_REGISTERS].copy()
        # Set by a client, and not yet asked for; triggers may come by the hundred thousand.
        unread = self._inputs[state[State.CURSOR] :]
        for value in unread[unread[:, 1] == Source.REGISTER, 2].tolist():
            memory[value >> 32] = (value & 0xFFFF_FFFF ^ _SIGN) - _SIGN
        waiting = self._status is Status.WAITING
        return Trace(
            self._done(),
            self._status,
            int(state[State.PC]),
            int(state[State.COUNT]),
            int(max(state[State.PLAYER_END], state[State.CORE])),
            int(state[State.PLAYED]),
            int(state[State.GAPS]),
            int(state[State.GAP_TIME]),
            int(state[State.LATE]),
            tuple(int(value) for value in memory),
            int(state[State.FAULT_WORD]),
            Source(int(state[State.WAITING])) if waiting else None,
            int(state[State.NEEDS]),
        )
