"""A sequencer as somebody sees it who looks: :mod:`...execution.processor_watch` stops it.

Lines are those of SeqC, as the compiler's table in the ELF has them, by address. It has a jump with
the line of what stands before it (seen in what zhinst-core 26.7.2.5 compiles): a jump alone begins
no line. An instruction that the table has as nobody's has line 0.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.sim_instruments.execution.processor_watch import (
    TIME,
    ConditionWords,
    ProcessorWatch,
    Rows,
    SequencerStops,
)
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    PHASE_TURN,
    REGISTERS,
    USER_REGISTERS,
    Kind,
    Op,
    Row,
    State,
)

_USER: Final = "user"
_WRITABLE: Final = REGISTERS - 1
"""R0 to R15; what is behind them takes what is written to R0."""
WORDS: Final = ConditionWords(
    (*(f"R{k}" for k in range(_WRITABLE)), *(f"{_USER}{k}" for k in range(USER_REGISTERS))),
    (),
    f"R3 == 5 (R0 to R{_WRITABLE - 1}), user0 == 1 (to user{USER_REGISTERS - 1})",
    signed=True,
)
LAST_ROWS: Final = 16
"""Of what was put out so far, the latest are shown."""
_NS_PER_S: Final = 10**9
_PLAYS: Final = (Kind.WAVE, Kind.ZERO, Kind.HOLD)


@dataclass(frozen=True, slots=True, eq=False)
class ProgramListing:
    """Source and assembly of a program, and which instruction is of which line."""

    lines: Integers
    """Of each instruction: its line of the source, from 1; 0: nobody's."""
    first: Rows
    """Which instructions a stretch of a line begins with."""
    source: tuple[str, ...]
    assembly: tuple[str, ...]
    rate_hz: int
    """Samples in a second."""


def listing_of(elf: SequencerElf, image: Image, rate_hz: int) -> ProgramListing:
    """Return the listing of a program, as far as its ELF has one."""
    lines = np.zeros(len(image.code), np.int64)
    for address, line in elf.lines:
        if 0 <= address < len(lines):
            lines[address] = max(0, line)
    changes = np.flatnonzero(np.diff(lines)) + 1
    begins = np.concatenate([np.zeros(1, np.int64), changes])
    ends = np.append(changes, len(lines))
    alone = (ends - begins == 1) & (image.code[begins, 0] == Op.JUMP)
    first = np.zeros(len(lines), np.bool_)
    first[begins[~alone]] = True
    assembly = tuple(line for line in elf.assembly.splitlines() if line.strip())
    return ProgramListing(lines, first, tuple(elf.source.splitlines()), assembly, rate_hz)


@dataclass(frozen=True, slots=True, eq=False)
class SequencerView:
    """One sequencer as it stands; arrays are its own and change as it goes on."""

    image: Image
    listing: ProgramListing
    registers: Integers
    state: Integers
    rows: Callable[[], Integers]
    """Returns all that it has put out so far."""

    @property
    def at(self) -> tuple[int, int]:
        """Row of the next instruction, and how many were executed before."""
        return int(self.state[State.PC]), int(self.state[State.COUNT])

    @property
    def real(self) -> Rows:
        """Return which rows are instructions of the program: all."""
        return np.ones(len(self.image.code), np.bool_)

    @property
    def timed(self) -> Rows:
        """Return which rows play, wait, or put something out."""
        return np.asarray(self.image.code[:, 0] >= int(Op.PLAY_ZERO))

    @property
    def address(self) -> NDArray[np.int64]:
        """Return the address of each instruction: its row."""
        return np.arange(len(self.image.code), dtype=np.int64)

    @property
    def samples(self) -> int:
        """Return how far what it has put out reaches, in samples from its start."""
        return int(max(self.state[State.PLAYER_END], self.state[State.CORE]))

    @property
    def line(self) -> int:
        """Line of the next instruction in the source, from 1; 0: nobody's."""
        at = self.at[0]
        return int(self.listing.lines[at]) if at < len(self.listing.lines) else 0

    def begins(self, lines: Sequence[int]) -> Rows:
        """Return the rows that lines begin with; without an instruction, the next that has one."""
        known = np.unique(self.listing.lines)
        found = []
        for wanted in lines:
            later = known[(known >= wanted) & (known > 0)]
            found += later[:1].tolist()
        return np.isin(self.listing.lines, found) & self.listing.first

    def value(self, name: str) -> int:
        """Return what a register is now, or the time up to which all is put out, ns."""
        if name == TIME:
            return self._ns(self.samples)
        if name.startswith(_USER):
            return int(self.state[State.MEMORY + int(name.removeprefix(_USER))])
        return int(self.registers[int(name[1:])])

    def stopping(self, rows: Rows) -> Integers:
        """Return a copy of the code that comes back before some rows."""
        code = self.image.code.copy()
        code[rows, 0] = Op.STOP
        return code

    def told(self) -> dict[str, Any]:
        """Return it in words and numbers, as JSON has them."""
        state, address, listing = self.state, self.at[0], self.listing
        core = int(state[State.CORE])
        registers = {f"R{k}": int(self.registers[k]) for k in range(1, _WRITABLE)}
        registers |= {f"{_USER}{k}": self.value(f"{_USER}{k}") for k in range(USER_REGISTERS)}
        rows = self.rows()
        waiting = rows[rows[:, Row.TIME] > core, Row.TIME].tolist()
        shown = listing.assembly[address] if address < len(listing.assembly) else ""
        line = self.line
        return {
            "line": line,
            "instruction": " ".join(shown.split()),
            "source": listing.source[line - 1].strip() if 0 < line <= len(listing.source) else "",
            "address": address,
            "time_ns": self._ns(self.samples),
            "classical_ns": self._ns(core),
            "instructions": int(state[State.COUNT]),
            "registers": {name: value for name, value in registers.items() if value},
            "flags": {},
            "queue_ns": [self._ns(at) for at in waiting],
            "condition": False,
            "played": [self._row(row) for row in rows[-LAST_ROWS:].tolist()],
        }

    def _row(self, row: list[int]) -> dict[str, Any]:
        """Return one row that it has put out."""
        kind = Kind(row[Row.KIND])
        found: dict[str, Any] = {"time_ns": self._ns(row[Row.TIME]), "what": kind.name.lower()}
        if kind in _PLAYS:
            found["samples"] = row[Row.A]
        else:
            found["values"] = [row[Row.A], row[Row.B]]
        if kind is Kind.WAVE:
            found["waveform"] = self.image.waveform_at(row[Row.B]).name
            pairs = row[Row.AMPLITUDES_01], row[Row.AMPLITUDES_23]
            found["amplitudes"] = [
                round(one / AMPLITUDE_ONE, 6) for pair in pairs for one in _signed_words(pair)
            ]
            phases = _signed_words(row[Row.PHASES])
            found["phases_deg"] = [round(360 * one / PHASE_TURN, 6) for one in phases]
        return found

    def _ns(self, samples: int) -> int:
        return samples * _NS_PER_S // self.listing.rate_hz


def _signed_words(pair: int) -> tuple[int, int]:
    """Return the lower and the upper one of two signed words of 32 bits."""
    low = pair & 0xFFFF_FFFF
    return low - (low >> 31 << 32), pair >> 32


SequencerBreaks = SequencerStops[SequencerView]
SequencerWatch = ProcessorWatch[SequencerView]
