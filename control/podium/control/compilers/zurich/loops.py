"""Steps become SeqC: loops that count, and rows of the command table where no counting helps.

Outer axes on which the kinds of the points don't depend are loops around; what is inside is taken
in a row and cut where the kinds change, or no longer take turns, and each piece is a loop again. In
a loop a number is written out where it is the same at all points, counted where it grows by equal
steps, and looked up in the command table otherwise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.steps import (
    Choose,
    FixedText,
    Hold,
    Kinds,
    NumberedText,
    Row,
    Silence,
    Steps,
    Sweep,
)
from podium.control.compilers.zurich.tables import Entry, PlaySilence, Table
from podium.firmware_interfaces.zurich.awg_limits import TABLE_PLAY_MAX

COUNTERS = 8
"""Variables that a program has at most: compile_seqc has 15 registers, and takes three for loops
and two to reckon with."""

TURNS_MAX = 16
"""Kinds that take turns: shots that lie unevenly on the grid of 16 samples are again as they were
after so many."""

Strides = tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Code:
    """Text of SeqC, indented by nothing."""

    lines: tuple[str, ...]
    counters: int
    """How many variables ``v0``, ``v1`` ... it uses."""
    written_out: int
    """Points that are in no loop."""


class _NoCounting(Exception):
    """There are too many counters, or numbers that neither grow evenly nor stand in a table."""


Rows = Sequence[tuple[Entry, ...]]
"""What numbers of rows count: each one entry, or those of which results choose one."""


def code_of(
    steps: Steps,
    counts: Sequence[int],
    table: Table | None,
    entries: Rows,
    most: int = COUNTERS,
) -> Code:
    """Return the code that goes once through all points.

    ``counts``: how often each axis of the shape is gone along; ``entries``: those that the
    numbers of rows count; ``table``: None of a core that has none; ``most``: variables that it may
    have.
    """
    shape = steps.shape
    for outer in range(_outer(steps), -1, -1):
        try:
            return _nested(
                steps, shape[:outer], counts[:outer], counts[outer:], table, entries, most
            )
        except _NoCounting:
            continue
    return _written_out(steps, counts, table, entries)


def _outer(steps: Steps) -> int:
    """Return along how many axes, from the first on, the kinds do not change."""
    pattern = steps.pattern.reshape(steps.shape)
    outer = 0
    while outer < pattern.ndim:
        first = pattern[(slice(None),) * outer + (slice(0, 1),)]
        if not (pattern == first).all():
            break
        outer += 1
    return outer


def _nested(
    steps: Steps,
    shape: tuple[int, ...],
    counts: Sequence[int],
    inner: Sequence[int],
    table: Table | None,
    entries: Rows,
    most: int,
) -> Code:
    every = np.arange(len(steps.pattern)).reshape(steps.shape)
    every = np.broadcast_to(every, (*shape, *inner)).reshape(*shape, -1)
    row = steps.pattern[every[(0,) * len(shape)]]
    loops = [(count, axis) for axis, count in enumerate(counts) if count > 1]
    pieces: list[_Piece] = []
    for begin, end, turns in _stretches(row, inner[-1] if inner else 1):
        taking_turns = [every[..., begin + k : end : turns] for k in range(turns)]
        try:
            pieces.append(_Piece(steps, taking_turns, table, entries))
        except _NoCounting:
            if loops:
                raise
            pieces += [
                _Piece(steps, [every[..., point : point + 1]], table, entries)
                for point in range(begin, end)
            ]
    used = 0
    lines: list[str] = []
    for piece in pieces:
        first = used if loops else 0  # without loops around, counters start anew in each piece
        piece.take(first)
        used = max(used, first + len(piece.counters))
        if used > most:
            raise _NoCounting
        text = [*piece.start(), *piece.lines()] if not loops else piece.lines()
        lines += text
    for depth in range(len(loops) - 1, -1, -1):
        count, axis = loops[depth]
        advance = [line for piece in pieces for line in piece.advance(axis, counts)]
        lines = [f"repeat ({count}) {{", *_indented([*lines, *advance]), "}"]
    if loops:
        lines = [*(line for piece in pieces for line in piece.start()), *lines]
    alone = sum(piece.length == 1 for piece in pieces) if len(pieces) > 1 else 0
    return Code(tuple(lines), used, alone)


def _stretches(row: IntArray, width: int) -> Iterator[tuple[int, int, int]]:
    """Yield begin, end and period of stretches that can share code, the longest first.

    ``width``: how many points the innermost axis has; kinds take turns along it alone.
    """
    begin = 0
    while begin < len(row):
        end, turns = begin + 1, 1
        edge = min(len(row), (begin // width + 1) * width)
        for period in range(1, TURNS_MAX + 1):
            stop = len(row) if period == 1 else edge
            if begin + 2 * period > stop:
                continue
            same = row[begin + period : stop] == row[begin : stop - period]
            goes_on = len(same) if same.all() else int(np.argmin(same))
            whole = (period + goes_on) // period * period
            if whole >= 2 * period and begin + whole > end:
                end, turns = begin + whole, period
        yield begin, end, turns
        begin = end


class _Piece:
    """Points in a row that share code, at all points of the loops around."""

    def __init__(
        self,
        steps: Steps,
        taking_turns: Sequence[IntArray],
        table: Table | None,
        entries: Rows,
    ) -> None:
        """``taking_turns``: points that share code, one after another in each turn."""
        self.length = taking_turns[0].shape[-1]
        self.counters: dict[Strides, int] = {}
        self._said: list[tuple[str, int, Strides]] = []
        for points in taking_turns:
            kinds, numbers = steps.of(points)
            for place, kind in enumerate(kinds):
                self._add(kind, numbers[..., place], table, entries)

    def _add(self, kind: object, numbers: IntArray, table: Table | None, entries: Rows) -> None:
        match kind:
            case FixedText(text):
                self._say(text, 0, (0,) * numbers.ndim)
            case Sweep(oscillator):
                self._say(f"setSweepStep({oscillator}, {{}});", *self._counted(numbers))
            case NumberedText(text):
                self._say(text, *self._counted(numbers))
            case Row() | Choose() if table is not None:
                rows = [entries[int(n)] for n in _reduced(numbers).flat]
                chosen = f"{kind.variable} + " if isinstance(kind, Choose) else ""
                self._look_up(rows, numbers, table, chosen)
            case Silence() | Hold():
                name = "playZero" if isinstance(kind, Silence) else "playHold"
                even = _strides(numbers)
                fits = bool(numbers.max() <= TABLE_PLAY_MAX)
                if even is not None:
                    self._say(f"{name}({{}});", int(numbers.flat[0]), even)
                elif table is not None and isinstance(kind, Silence) and fits:
                    self._look_up(
                        [(PlaySilence(int(n)),) for n in _reduced(numbers).flat], numbers, table
                    )
                else:
                    raise _NoCounting

    def _counted(self, numbers: IntArray) -> tuple[int, Strides]:
        strides = _strides(numbers)
        if strides is None:
            raise _NoCounting
        return int(numbers.flat[0]), strides

    def _look_up(
        self, rows: list[tuple[Entry, ...]], numbers: IntArray, table: Table, chosen: str = ""
    ) -> None:
        base = table.row([entry for row in rows for entry in row])
        strides = tuple(len(rows[0]) * one for one in _row_major(_reduced(numbers).shape))
        self._say(f"executeTableEntry({chosen}{{}});", base, strides)

    def _say(self, text: str, base: int, strides: Strides) -> None:
        if any(strides):
            self.counters.setdefault(strides, -1)
        self._said.append((text, base, strides))

    def take(self, first: int) -> None:
        """Name the counters from ``v<first>`` on."""
        for offset, strides in enumerate(self.counters):
            self.counters[strides] = first + offset

    def start(self) -> list[str]:
        """Return what is said before the loops around it."""
        return [f"v{number} = 0;" for number in self.counters.values()]

    def lines(self) -> list[str]:
        """Return the code, the loop along the piece included."""
        lines = []
        for text, base, strides in self._said:
            if not any(strides):
                lines.append(text.replace("{}", str(base)) if "{}" in text else text)
                continue
            counter = f"v{self.counters[strides]}"
            lines.append(text.replace("{}", f"{counter} + {base}" if base else counter))
        if self.length > 1:
            for strides, number in self.counters.items():
                lines += _advance(number, strides[-1])
            lines = [f"repeat ({self.length}) {{", *_indented(lines), "}"]
        return lines

    def advance(self, axis: int, counts: Sequence[int]) -> list[str]:
        """Return how the counters go on at the end of a turn of the loop along ``axis``."""
        lines = []
        for strides, number in self.counters.items():
            run = (*counts, self.length)
            inner = next((k for k in range(axis + 1, len(run)) if run[k] > 1), None)
            back = strides[inner] * run[inner] if inner is not None else 0
            lines += _advance(number, strides[axis] - back)
        return lines


def _advance(number: int, step: int) -> list[str]:
    return [f"v{number} += {step};"] if step else []


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _strides(numbers: IntArray) -> Strides | None:
    """Return by how much ``numbers`` grow along each axis; None where the steps are not equal."""
    strides = []
    for axis, count in enumerate(numbers.shape):
        if count == 1:
            strides.append(0)
            continue
        steps = np.diff(numbers, axis=axis)
        if (steps != steps.flat[0]).any():
            return None
        strides.append(int(steps.flat[0]))
    return tuple(strides)


def _reduced(numbers: IntArray) -> IntArray:
    """Return ``numbers`` with length 1 along axes on which they do not depend."""
    for axis, count in enumerate(numbers.shape):
        first = np.take(numbers, [0], axis=axis)
        if count > 1 and (numbers == first).all():
            numbers = first
    return numbers


def _row_major(shape: tuple[int, ...]) -> Strides:
    """Return how an index into the flat row of an array of ``shape`` grows along each axis."""
    strides = []
    for axis, count in enumerate(shape):
        strides.append(int(np.prod(shape[axis + 1 :])) if count > 1 else 0)
    return tuple(strides)


def _written_out(steps: Steps, counts: Sequence[int], table: Table | None, entries: Rows) -> Code:
    """Return the code with each point by itself."""
    every = np.arange(len(steps.pattern)).reshape(steps.shape)
    flat = np.broadcast_to(every, tuple(counts)).ravel()
    lines: list[str] = []
    for point in flat:
        piece = _Piece(steps, [np.array([point])], table, entries)
        lines += piece.lines()
    return Code(tuple(lines), 0, len(flat))


__all__ = ["COUNTERS", "Code", "Kinds", "code_of"]
