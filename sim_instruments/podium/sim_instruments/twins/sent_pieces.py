"""Pieces of a signal that leave one after the other, some of them again and again."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.deduplicate import distinct, offsets, rows_of
from podium.sim_instruments.physics.signals import Piece, PulseTrain


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedPieces:
    """Pieces that leave with each stretch of a kind."""

    start_ns: NDArray[np.int64]
    """From the stretch."""
    piece: NDArray[np.int64]


class SentPieces:
    """Pieces that leave one after the other; equal ones are one."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._places: dict[tuple[bytes, complex, int], int] = {}
        self._start_ns: list[NDArray[np.int64]] = []
        self._piece: list[NDArray[np.int64]] = []

    def add(self, train: PulseTrain | None) -> None:
        """Take what leaves after all that was added."""
        one = self.repeated(train)
        self._start_ns.append(one.start_ns)
        self._piece.append(one.piece)

    def repeated(self, train: PulseTrain | None) -> RepeatedPieces:
        """Return the pieces of a train, as :meth:`repeat` takes them."""
        if train is None:
            return RepeatedPieces(np.zeros(0, np.int64), np.zeros(0, np.int64))
        places = [self._place(one) for one in train.pieces]
        return RepeatedPieces(train.start_ns, np.array(places, np.int64)[train.piece])

    def repeat(
        self, each: list[RepeatedPieces], number: NDArray[np.int64], begin_ns: NDArray[np.int64]
    ) -> None:
        """Take stretches: which of ``each`` begins when."""
        counts = np.array([len(one.piece) for one in each])
        rows = rows_of(offsets(counts)[number], counts[number])
        start_ns = np.concatenate([one.start_ns for one in each])
        self._start_ns.append(start_ns[rows] + np.repeat(begin_ns, counts[number]))
        self._piece.append(np.concatenate([one.piece for one in each])[rows])

    def train(self, line: str, sender: str) -> PulseTrain | None:
        """Return all of them, pieces in the order of time; None: nothing leaves."""
        start_ns = np.concatenate(self._start_ns)
        if not len(start_ns):
            return None
        number, first = distinct(np.concatenate(self._piece).reshape(-1, 1))
        pieces = tuple(self._pieces[k] for k in np.concatenate(self._piece)[first].tolist())
        return PulseTrain(line, start_ns, number, np.zeros(len(start_ns)), pieces, sender)

    def _place(self, piece: Piece) -> int:
        key = (piece.samples.tobytes(), piece.level, piece.duration_ns)
        if key not in self._places:
            self._places[key] = len(self._pieces)
            self._pieces.append(piece)
        return self._places[key]
