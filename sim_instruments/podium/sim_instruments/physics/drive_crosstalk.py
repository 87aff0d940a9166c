"""Pulses on one qubit's drive line reach other qubits, weaker and turned.

What reaches a qubit so is added to what its own line brings: one more train on that line, with the
source's carrier, at the source line's delay. Everything else follows from the qubit: far from its
transitions it shifts levels, at one of them it excites. ASSUMED: the ratio is the same at all
frequencies, and what mixers add on another's line is too weak to count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from podium.sim_instruments.physics.signals import Piece, PulseTrain


@dataclass(frozen=True, slots=True)
class ReachedQubit:
    """A qubit that the drive line of another reaches."""

    line: str
    """Its own drive line."""
    ratio: complex
    """Amplitude on its own line that does the same as 1 on the other's, sqrt(W) both."""
    later_ns: int
    """How much longer a pulse on the other line is under way than one on its own."""

    def turns_at(self, carrier_hz: float) -> float:
        """Return by how much it feels the other's wave ahead of the same on its own line, turns."""
        own = float(np.angle(self.ratio)) / (2 * np.pi)
        return (own - 1e-9 * carrier_hz * self.later_ns) % 1.0


@dataclass(frozen=True, slots=True)
class DriveCrosstalk:
    """The drive lines of a chip that reach other qubits than their own."""

    reached: Mapping[str, Sequence[ReachedQubit]] = field(default_factory=dict)
    """By the line's name."""

    def spread(self, trains: Iterable[PulseTrain]) -> list[PulseTrain]:
        """Return trains, and behind them what of them is heard on other qubits' lines."""
        played = list(trains)
        if not self.reached:
            return played
        heard = [
            _heard(train, one)
            for train in played
            if not train.spur and train.start_ns.size
            for one in self.reached.get(train.line, ())
        ]
        return played + heard


NO_CROSSTALK = DriveCrosstalk()
"""Each drive line reaches its own qubit alone."""


def _heard(train: PulseTrain, by: ReachedQubit) -> PulseTrain:
    pieces = tuple(
        Piece(one.carrier_hz, by.ratio * one.samples, by.ratio * one.level, one.duration_ns)
        for one in train.pieces
    )
    start_ns = train.start_ns + by.later_ns
    return replace(train, line=by.line, start_ns=start_ns, pieces=pieces, spur="crosstalk")
