"""A program as the kernel takes it: words, peripherals and command table in arrays of integers."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.command_table import (
    Change,
    CommandTable,
    WavePlay,
    ZeroPlay,
)
from podium.firmware_interfaces.zurich.elf import SequencerElf, Waveform
from podium.firmware_interfaces.zurich.sequencer_assembly import (
    SEQUENCER_MEMORY,
    Address,
    Instruction,
    Operation,
    decode,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    ABSENT,
    AMPLITUDE_ONE,
    DEFAULT_RATE,
    MASK_AT,
    MISSING,
    OFFSET,
    PHASE_TURN,
    SHIFT_AT,
    SUPPRESS_SHIFT,
    SUPPRESS_STEP,
    USER_REGISTERS,
    Entry,
    Kind,
    Op,
    Result,
    Source,
    State,
)

Integers = NDArray[np.int64]
_SCRATCH: Final = 16
_MASK_32: Final = 0xFFFF_FFFF


class DoesNotRun(ValueError):
    """The program and what it is to play do not fit. The message names both."""


@dataclass(frozen=True, slots=True)
class Model:
    """Differences between the models of sequencers."""

    name: str
    table_bits: int
    """Of an entry's index in ``wvfet``; what is above says where the index comes from."""
    analyser: bool
    """It starts readout; it plays no waveforms."""
    sample_rate_hz: int
    zsync_over_dio: bool
    """``waitZSyncTrigger`` compiles to the wait for DIO."""


HDAWG: Final = Model("HDAWG", 10, False, 2_400_000_000, True)
SHFSG: Final = Model("SHFSG", 12, False, 2_000_000_000, False)
SHFQA: Final = Model("SHFQA", 12, True, 2_000_000_000, False)
MODELS: Final = {model.name: model for model in (HDAWG, SHFSG, SHFQA)}


@dataclass(frozen=True, slots=True)
class Feedback:
    """Shift, mask and offset applied to a result before it is read."""

    shift: int = 0
    mask: int = 0xFF
    offset: int = 0

    def packed(self) -> int:
        """Return it as the kernel takes it."""
        return self.mask << MASK_AT | self.shift << SHIFT_AT | self.offset & OFFSET


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """All that a sequencer executes and plays."""

    model: Model
    code: Integers
    """Shape (instructions, 4): operation, destination, source, constant."""
    table: Integers
    """Shape (entries, Entry.COLUMNS)."""
    waveforms: tuple[Waveform, ...]

    def nowhere(self, addresses: Integers) -> tuple[int, ...]:
        """Return which of the addresses of plays have no waveform."""
        begins = np.array([waveform.address for waveform in self.waveforms], np.int64)
        played = np.unique(addresses & _MASK_32)
        return tuple(played[~np.isin(played, begins)].tolist())

    def waveform_at(self, address: int) -> Waveform:
        """Return what a play reads. Raises :class:`DoesNotRun`."""
        for waveform in self.waveforms:
            if waveform.address == address & _MASK_32:
                return waveform
        raise DoesNotRun(
            f"the {self.model.name} plays from address 0x{address & _MASK_32:x}, where no waveform "
            "begins"
        )


def make_image(elf: SequencerElf, model: Model, commands: CommandTable | None = None) -> Image:
    """Decode a program. Raises IllegalInstruction, :class:`DoesNotRun`."""
    words = elf.words().tolist()
    if len(words) > SEQUENCER_MEMORY[model.name]:
        raise DoesNotRun(
            f"a program of {len(words)} instructions; the {model.name} has room for "
            f"{SEQUENCER_MEMORY[model.name]}"
        )
    known: dict[int, Lowered] = {}  # programs repeat themselves
    rows = []
    for at, word in enumerate(words):
        if word not in known:
            known[word] = _lower(decode(word, at), model)
        rows.append(known[word])
    code = np.array(rows, np.int64)
    return Image(model, code, _table(commands, elf.waveforms), elf.waveforms)


_PLAIN: Final = {
    Operation.END: Op.END,
    Operation.PREFETCH: Op.NOP,  # what it does to a memory of infinite speed
    Operation.PLAY_LONG: Op.PLAY_LONG,
    Operation.PLAY_ZERO: Op.PLAY_ZERO,
    Operation.ADD_IMMEDIATE: Op.ADD_CONSTANT,
    Operation.ADD: Op.ADD,
    Operation.SUBTRACT: Op.SUBTRACT,
    Operation.AND: Op.AND,
    Operation.OR: Op.OR,
    Operation.SHIFT_LEFT: Op.SHIFT_LEFT,
    Operation.SHIFT_RIGHT: Op.SHIFT_RIGHT,
    Operation.AND_IMMEDIATE: Op.AND_CONSTANT,
    Operation.OR_IMMEDIATE: Op.OR_CONSTANT,
    Operation.XNOR_IMMEDIATE: Op.XNOR_CONSTANT,
    Operation.WAIT_TRIGGER: Op.WAIT_TIMER,
    Operation.WAIT_PLAY_QUEUE: Op.WAIT_QUEUE,
    Operation.WAIT_WAVE: Op.WAIT_WAVE,
    Operation.CONFIGURE: Op.CONFIGURE,
    Operation.CONFIGURE_REGISTER: Op.CONFIGURE_REGISTER,
    Operation.BRANCH_ZERO: Op.BRANCH_ZERO,
    Operation.BRANCH_NOT_ZERO: Op.BRANCH_NOT_ZERO,
    Operation.BRANCH_POSITIVE: Op.BRANCH_POSITIVE,
    Operation.PLAY: Op.PLAY,
    Operation.JUMP: Op.JUMP,
}
_WAITS: Final = {
    Address.WAIT_DIGITAL_TRIGGER_1: Source.DIGITAL_1,
    Address.WAIT_DIGITAL_TRIGGER_2: Source.DIGITAL_2,
    Address.WAIT_ZSYNC: Source.ZSYNC,
    Address.WAIT_DIO: Source.DIO,
    Address.WAIT_COUNTER: Source.COUNTER,
    Address.WAIT_OSCILLATOR_PHASE_1: Source.PHASE_1,
    Address.WAIT_OSCILLATOR_PHASE_2: Source.PHASE_2,
    Address.WAIT_TIMESTAMP: Source.TIMESTAMP,
}
_OUTPUTS: Final = {
    Address.TRIGGER: Kind.TRIGGER,
    Address.DIO: Kind.DIO,
    Address.ID: Kind.ID,
    Address.RESET_LOGGER_TIMESTAMP: Kind.RESET_LOGGER,
    Address.INTERRUPT_ARGUMENT: Kind.INTERRUPT,
    Address.NODE: Kind.NODE,
}
_REMEMBERED: Final = {
    Address.LATENCY: State.LATENCY,
    Address.PRNG_SEED: State.PRNG,
    Address.PRNG_LOWER: State.PRNG_LOWER,
    Address.PRNG_SPAN: State.PRNG_SPAN,
}
_IGNORED: Final = (Address.INTERRUPT_CAUSE, Address.NODE_VALUE, Address.SYNC)
"""SYNC holds AWG cores together that all start together here."""
_OSCILLATOR: Final = {
    Address.SWEEP_STEP: 0,
    Address.START_LOW: 1,
    Address.START_HIGH: 2,
    Address.STEP_LOW: 3,
    Address.STEP_HIGH: 4,
}
_RESULTS: Final = {
    Address.RAW_DATA: Result.RAW,
    Address.RAW_DATA_QA: Result.RAW,
    Address.PROCESSED_A: Result.PROCESSED_A,
    Address.PROCESSED_B: Result.PROCESSED_B,
    Address.QA_DATA_RAW: Result.QA_RAW,
    Address.QA_DATA_PROCESSED: Result.QA,
}
_LEVELS: Final = {
    Address.DIO: State.DIO_IN,
    Address.TRIGGER: State.TRIGGER_IN,
    Address.COUNTER: State.COUNTER_IN,
}
_TABLE_SOURCES: Final = {
    0b0_0000: Result.CONSTANT,
    0b0_0001: Result.RAW,
    0b0_0010: Result.REGISTER,
    0b0_1001: Result.PROCESSED_A,
    0b0_1101: Result.PROCESSED_B,
    0b1_0000: Result.QA,
}
"""The constant of ``wvfet`` above the index."""

Lowered = tuple[int, int, int, int]


def _lower(instruction: Instruction, model: Model) -> Lowered:
    operation, constant = instruction.form.operation, instruction.constant
    source, destination = instruction.source, instruction.destination or _SCRATCH
    match operation:
        case Operation.ADD_IMMEDIATE if instruction.destination == 0:
            return (Op.NOP, 0, 0, 0)
        case Operation.ADD_UPPER:
            return (Op.ADD_CONSTANT, destination, source, constant << 12)
        case Operation.PLAY_ZERO:
            if instruction.destination > 1:
                return (Op.ILLEGAL, 0, 0, instruction.destination)
            return (Op.PLAY_ZERO, instruction.destination, source, constant)
        case Operation.PLAY_LONG:
            return (Op.PLAY_LONG, instruction.destination, source, constant)
        case Operation.WAIT_TRIGGER:
            return (Op.WAIT_TIMER, instruction.destination, source, 0)
        case Operation.TRAP:
            return (Op.NOP, 0, 0, 0)  # the host reads a user register that it reads anyway
        case Operation.FEEDBACK:
            if constant >> 21 > 2:
                return (Op.ILLEGAL, 0, 0, constant)
            bits = (constant >> 12 & 15) + 1
            taken = Feedback(constant >> 16 & 31, (1 << bits) - 1, constant & OFFSET)
            return (Op.SET_FEEDBACK, 0, constant >> 21, taken.packed())
        case Operation.PLAY_TABLE:
            where = _TABLE_SOURCES.get(constant >> model.table_bits)
            if where is None or model.analyser:
                return (Op.ILLEGAL, 0, 0, constant)
            return (Op.TABLE, where, source, constant & ((1 << model.table_bits) - 1))
        case Operation.STORE:
            return _store(constant, source, model)
        case Operation.LOAD:
            return _load(constant, destination, model)
        case _:
            return (_PLAIN[operation], destination, source, constant)


def _store(address: int, source: int, model: Model) -> Lowered:
    if address < USER_REGISTERS:
        return (Op.USER_REGISTER, 0, source, address)
    if address not in Address.__members__.values():
        return (Op.ILLEGAL, 0, 0, address)
    known = Address(address)
    if known is Address.START_QA and model.analyser:
        return (Op.START_QA, 0, source, 0)
    if known is Address.RESET_OSCILLATORS:
        if model.analyser:  # the same address
            return (Op.REMEMBER, 0, source, State.QA_GENERATORS)
        return (Op.OUTPUT, Kind.RESET_OSCILLATORS, source, 0)
    if known is Address.RESET_OSCILLATORS_QA and model.analyser:
        return (Op.OUTPUT, Kind.RESET_OSCILLATORS, source, 0)
    if known in _WAITS:
        return (Op.WAIT_INPUT, 0, source, _WAITS[known])
    if known in _OUTPUTS:
        return (Op.OUTPUT, _OUTPUTS[known], source, 0)
    if known in _REMEMBERED:
        return (Op.REMEMBER, 0, source, _REMEMBERED[known])
    if known in _IGNORED:
        return (Op.NOP, 0, 0, 0)
    if known in _OSCILLATOR:
        return (Op.PEND, 0, source, _OSCILLATOR[known])
    if known in (Address.SINE_PHASE_0, Address.SINE_PHASE_1):
        return (Op.SINE_PHASE, 0, source, known - Address.SINE_PHASE_0)
    if known in (Address.SINE_INCREMENT_0, Address.SINE_INCREMENT_1):
        return (Op.SINE_INCREMENT, 0, source, known - Address.SINE_INCREMENT_0)
    match known:
        case Address.WAIT_CYCLES:
            return (Op.WAIT_CYCLES, 0, source, 0)
        case Address.TIMER:
            return (Op.SET_TIMER, 0, source, 0)
        case Address.START:
            return (Op.START, 0, 0, 0)
        case Address.OSCILLATOR:
            return (Op.COMMIT, 0, source, 0)
    return (Op.ILLEGAL, 0, 0, address)


def _load(address: int, destination: int, model: Model) -> Lowered:
    if address < USER_REGISTERS:
        return (Op.RECALL, destination, 0, State.MEMORY + address)
    if address not in Address.__members__.values():
        return (Op.ILLEGAL, 0, 0, address)
    known = Address(address)
    if known in _RESULTS:
        return (Op.LOAD_RESULT, destination, 0, _RESULTS[known])
    if known in _LEVELS:
        return (Op.LOAD_LEVEL, destination, 0, _LEVELS[known])
    if known is Address.PRNG_VALUE and not model.analyser:
        return (Op.LOAD_PRNG, destination, 0, 0)
    return (Op.ILLEGAL, 0, 0, address)


def _table(commands: CommandTable | None, waveforms: tuple[Waveform, ...]) -> Integers:
    entries = () if commands is None else commands.entries
    size = max((entry.index for entry in entries), default=-1) + 1
    table = np.zeros((size, Entry.COLUMNS), np.int64)
    table[:, Entry.KIND] = ABSENT
    for entry in entries:
        row = table[entry.index]
        row[Entry.KIND], row[Entry.RATE] = Kind.SETTING, -1
        row[Entry.SELECT] = -1 if entry.oscillator is None else entry.oscillator
        match entry.play:
            case ZeroPlay(length, rate):
                row[Entry.KIND], row[Entry.SAMPLES] = Kind.ZERO, length
                row[Entry.RATE] = -1 if rate is None else rate
            case WavePlay() as play:
                _wave(row, play, waveforms)
        _changes(row, Entry.AMPLITUDE_MODES, Entry.AMPLITUDES, entry.amplitudes, AMPLITUDE_ONE)
        # ASSUMED: a table's phases are as fine as those that setSinePhase sets.
        _changes(row, Entry.PHASE_MODES, Entry.PHASES, entry.phases, PHASE_TURN / 360)
    return table


def _changes(
    row: Integers, modes: int, values: int, changes: tuple[Change | None, ...], scale: float
) -> None:
    for k, change in enumerate(changes):
        if change is not None:
            row[modes + k] = 2 if change.increment else 1
            row[values + k] = round(change.value * scale)


def _wave(row: Integers, play: WavePlay, waveforms: tuple[Waveform, ...]) -> None:
    wave = waveforms[play.index] if play.index < len(waveforms) else None
    length = play.length or (0 if wave is None else wave.length)
    if wave is None or length > wave.length:
        row[Entry.KIND] = MISSING  # an error of the run that plays it, not of the upload
        return
    config = wave.play_config
    for channel, outputs in enumerate(play.outputs):
        if outputs is not None:
            shift = SUPPRESS_SHIFT + SUPPRESS_STEP * channel
            config |= 3 << shift
            for output in outputs:
                config &= ~(1 << shift + output)
    row[Entry.KIND], row[Entry.SAMPLES] = Kind.WAVE, length
    if play.rate is not None:
        row[Entry.RATE] = play.rate
    elif not config & DEFAULT_RATE:
        row[Entry.RATE] = config >> 2 & 15
    address = wave.address
    row[Entry.ADDRESS] = address - (1 << 32) if address >= 1 << 31 else address
    row[Entry.CONFIG] = config
