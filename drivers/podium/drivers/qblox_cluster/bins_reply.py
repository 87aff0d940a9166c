"""Looks through the answer of a module to the question for its bins.

Acquisitions come as blocks (``#`` and a length before each) with scopes of 32,768 samples between
the bins. Answers to one question are mostly laid out alike: then all that stands between scopes and
bins is compared at once with what stood there before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

SCOPE_BLOCKS = 6
"""Of each acquisition of a QRM: samples, whether it clipped, and how often averaged, of two
paths (ditto, ``_read_acquisition_raw_data``)."""
BLOCKS = 3 + SCOPE_BLOCKS
"""Of each acquisition: its name, its index, its scope, its bins."""
HASH, ZERO = b"#0"
LINE_BYTES = 256
"""A status line is hardly longer."""

Acquisitions = Mapping[str, Any]
"""By name: bins as the module has sent them, ``bytes``, or what the vendor's client makes of all of
an acquisition (``get_all_acquisitions(as_numpy=True)``)."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplyLayout:
    """Says where what stands in an answer with bins; another one may be laid out alike."""

    size: int
    """Bytes, without its lines."""
    fixed: tuple[slice, ...]
    """All but the contents of scopes and bins, behind the lines."""
    said: bytes
    """What stands there."""
    bins: tuple[tuple[tuple[str, slice], ...], ...]
    """Of each sequencer: names of acquisitions, and where their bins stand."""


class BinsReply:
    """One module's answer: lines first, then the acquisitions of so many sequencers.

    It is looked through once, as it comes.
    """

    def __init__(self, lines: int, sequencers: int, before: ReplyLayout | None = None) -> None:
        """``before``: of an answer to the same question; it is compared with that first."""
        self._lines = lines
        self._sequencers = sequencers
        self._before = before
        self._alike = False
        """Whether it is laid out as the one before."""
        self._at = 0
        """So far it was looked through."""
        self._ends = 0
        """Where its lines end."""
        self._blocks_left = 0
        """Of the sequencer that is looked through."""
        self._blocks: list[list[tuple[int, int]]] = []
        """Of each sequencer: where the content of each block begins and ends."""
        self._begun = False
        """Whether the count of its acquisitions has come."""

    def complete(self, held: memoryview) -> bool:
        """Return whether all of it is there; raises ``ValueError`` where it is none, or more."""
        while self._lines:
            end = _line_end(held, self._at)
            if end is None:
                return False
            self._at = self._ends = end
            self._lines -= 1
        if self._is_as_before(held):
            return True
        while self._sequencers:
            if not self._take_blocks(held) or len(held) < self._at + 2:  # the end of the line
                return False
            self._at += 2
            self._sequencers -= 1
            self._begun = False
        if len(held) != self._at:
            raise ValueError(f"invalid literal: {len(held) - self._at} bytes more than asked for")
        return True

    def _take_blocks(self, held: memoryview) -> bool:
        """Look through the blocks of a sequencer; return whether all of them are there."""
        at, there = self._at, len(held)
        while not self._begun or self._blocks_left:
            if there > at and held[at] != HASH:
                head = bytes(held[at : at + 2])
                raise ValueError(
                    f"invalid literal: a block begins with #, got {head!r}: header error"
                )
            if there < at + 2 or there < (begins := at + 2 + held[at + 1] - ZERO):
                return False
            if there < (ends := begins + int(bytes(held[at + 2 : begins]))):
                return False
            at = self._at = ends
            if self._begun:
                self._blocks[-1].append((begins, ends))
                self._blocks_left -= 1
            else:
                self._begun = True
                self._blocks.append([])
                count = int.from_bytes(held[begins:ends], "little")
                self._blocks_left = BLOCKS * count
        return True

    def _is_as_before(self, held: memoryview) -> bool:
        """Return whether all of it is there, and laid out as the answer before."""
        before, behind = self._before, held[self._ends :]
        if before is None or len(behind) != before.size:
            return False
        self._alike = b"".join([behind[one] for one in before.fixed]) == before.said
        return self._alike

    def states(self, held: memoryview) -> list[bytes]:
        """Return the lines."""
        return bytes(held[: self._ends]).splitlines()

    def acquisitions(self, held: memoryview) -> list[Acquisitions]:
        """Return what each sequencer holds, by name."""
        behind = held[self._ends :]
        bins = self._bins(behind) if self._before is None or not self._alike else self._before.bins
        return [{name: bytes(behind[where]) for name, where in one} for one in bins]

    def layout(self, held: memoryview) -> ReplyLayout:
        """Return how it is laid out, once it is complete."""
        if self._before is not None and self._alike:
            return self._before
        behind, at = held[self._ends :], 0
        fixed: list[slice] = []
        for blocks in self._blocks:
            for number, (begins, ends) in enumerate(blocks):
                if number % BLOCKS > 1:  # of a scope, or bins; before them are name and index
                    fixed.append(slice(at, begins - self._ends))
                    at = ends - self._ends
        fixed.append(slice(at, len(behind)))
        said = b"".join([behind[one] for one in fixed])
        return ReplyLayout(len(behind), tuple(fixed), said, self._bins(behind))

    def _bins(self, behind: memoryview) -> tuple[tuple[tuple[str, slice], ...], ...]:
        """Return of each sequencer the names of acquisitions, and where their bins stand."""
        found = []
        for blocks in self._blocks:
            where = [slice(begins - self._ends, ends - self._ends) for begins, ends in blocks]
            names = [str(behind[one], "utf-8") for one in where[::BLOCKS]]
            found.append(tuple(zip(names, where[BLOCKS - 1 :: BLOCKS], strict=True)))
        return tuple(found)


def _line_end(held: memoryview, begins: int) -> int | None:
    """Return where a line ends; None: not yet. Bins of a megabyte may follow it."""
    for within in (LINE_BYTES, len(held)):
        if end := bytes(held[begins : begins + within]).find(b"\n") + 1:
            return begins + end
    return None
