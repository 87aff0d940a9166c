"""Pieces and windows of a run get numbers, equal ones the same; drives use these."""

from collections.abc import Iterator, Sequence

import numpy as np

from podium.sim_instruments.physics.drive_line import Shape, drives_of
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.signals import (
    Piece,
    PulseTrain,
    Window,
)
from podium.sim_instruments.physics.trajectory import Drive


class Contents:
    """Numbers for things that are equal, whoever made them."""

    def __init__(self) -> None:
        self.pieces: list[Piece] = []
        self.windows: list[Window] = []
        self._piece_of: dict[tuple[object, ...], int] = {}
        self._window_of: dict[tuple[object, ...], int] = {}

    def piece(self, piece: Piece) -> int:
        """Return the number of a piece, -1: it is silent."""
        content = piece.carrier_hz, piece.samples.tobytes(), piece.level, piece.duration_ns
        number = self._piece_of.get(content)
        if number is None:
            sounds = piece.duration_ns > 0 and (piece.level != 0 or bool(np.any(piece.samples)))
            number = len(self.pieces) if sounds else -1
            if sounds:
                self.pieces.append(piece)
            self._piece_of[content] = number
        return number

    def window(self, window: Window) -> int:
        """Return the number of a window."""
        weights = None if window.weights is None else window.weights.tobytes()
        content = window.demod_hz, window.duration_ns, weights
        number = self._window_of.setdefault(content, len(self.windows))
        if number == len(self.windows):
            self.windows.append(window)
        return number


class QubitLine:
    """From what a drive line carries to the drives of its qubit."""

    def __init__(self, qubit: QubitPoint, later_ns: int, contents: Contents) -> None:
        self.line = f"{qubit.name}.drive"
        self.shapes: list[Shape] = []
        self._later_ns = later_ns
        self._contents = contents
        self._of_piece: dict[int, int] = {}
        self._of_content: dict[tuple[object, ...], int] = {}

    def drives(self, trains: Sequence[PulseTrain]) -> Iterator[Drive]:
        """Return the drives of one chunk in the order of time."""
        found = sorted(self._single(trains), key=lambda drive: drive.start_ns)
        ends = [drive.end_ns for drive in found]
        if any(end > later.start_ns for end, later in zip(ends, found[1:], strict=False)):
            yield from self._merged(trains)
        else:
            yield from found

    def _single(self, trains: Sequence[PulseTrain]) -> Iterator[Drive]:
        for train in trains:
            number = [self._contents.piece(piece) for piece in train.pieces]
            rows = zip(
                train.start_ns.tolist(),
                train.piece.tolist(),
                train.phase_turns.tolist(),
                strict=True,
            )
            for start, piece, turns in rows:
                if number[piece] >= 0:
                    begin = start + self._later_ns
                    end = begin + train.pieces[piece].duration_ns
                    yield Drive(begin, end, self._shape_of(number[piece]), turns)

    def _shape_of(self, number: int) -> int:
        if number not in self._of_piece:
            piece = self._contents.pieces[number]
            samples = np.array(piece.samples, np.complex128)
            self.shapes.append(
                Shape(piece.carrier_hz, samples, 1.0, complex(piece.level), piece.duration_ns)
            )
            self._of_piece[number] = len(self.shapes) - 1
        return self._of_piece[number]

    def _merged(self, trains: Sequence[PulseTrain]) -> Iterator[Drive]:
        drives = drives_of(trains)
        numbers: list[int] = []
        for shape in drives.shapes:
            content = (
                shape.carrier_hz,
                shape.samples.tobytes(),
                shape.step_ns,
                shape.level,
                shape.duration_ns,
            )
            number = self._of_content.setdefault(content, len(self.shapes))
            if number == len(self.shapes):
                self.shapes.append(shape)
            numbers.append(number)
        rows = zip(
            drives.start_ns.tolist(),
            drives.shape.tolist(),
            drives.phase_turns.tolist(),
            strict=True,
        )
        for start, shape_, turns in rows:
            begin = start + self._later_ns
            duration = drives.shapes[shape_].duration_ns
            yield Drive(begin, begin + duration, numbers[shape_], turns)
