"""Defines what makes pairs for the link layer, and what keeps time for it.

A source of microwave links has two nodes run a calibrated program; one of optical links arms a
herald station until it announces a pair. The layer knows neither.
"""

from dataclasses import dataclass
from typing import Protocol

from podium.control.links.layer_state import CheckPairs, Swap
from podium.control.links.network import Link
from podium.control.timebase.epochs import Epochs


class PairSourceFailed(Exception):
    """Something that was asked of a source could not be done; ``place`` is down for it.

    The layer takes the place out and goes round it. Pairs that had a part are lost.
    """

    def __init__(self, place: str, reason: str) -> None:
        super().__init__(reason)
        self.place, self.reason = place, reason


@dataclass(frozen=True, slots=True)
class NewPair:
    """A pair that a link has made."""

    made_fs: int
    """TAI at which both halves were there."""
    epochs: Epochs
    """Of the clocks of both ends, read with the pair."""
    fidelity: float = 1.0
    """At least, where the herald itself says so; 1: the link's calibration says all."""


class PairSource(Protocol):
    """Does with qubits what the layer asks for. Any call may be cancelled."""

    async def attempt(self, number: int, link: Link) -> NewPair:
        """Have a link try until there is a pair, which is known as ``number`` from then on."""

    async def swap(self, swap: Swap) -> None:
        """Measure two pairs' qubits at a hub and correct: one pair is left, ``swap.number``."""

    async def check(self, check: CheckPairs) -> bool:
        """Twirl pairs, check some by another one; tell whether they have passed."""

    async def discard(self, pair: int) -> None:
        """Free a pair's qubits at both ends; a pair that does not exist is no error."""


class LayerClock(Protocol):
    """TAI as the layer reads it: the facility's clock, never the host's."""

    def now_fs(self) -> int:
        """Return TAI, fs since 1970."""

    async def wait_until(self, at_fs: int) -> None:
        """Return once it is ``at_fs``."""
