"""Gives every parser many wrong texts: it may refuse them by its own errors, and soon."""

import random
import time
from dataclasses import dataclass
from typing import Final

from tests.hostile.mutants import mutant
from tests.hostile.parser import Parser

LONGEST_S: Final = 0.2
"""For a text of 4 kB, of the processor's time."""
TRIES: Final = 3
"""What takes longer is tried again: the shortest counts."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One text that a parser does not stand."""

    parser: str
    text: bytes
    what: str

    def __str__(self) -> str:
        shown = repr(self.text)
        shown = shown if len(shown) <= 400 else f"{shown[:400]}... ({len(self.text)} bytes)"
        return f"{self.parser}: {self.what}: {shown}"


def fuzz(parser: Parser, count: int, seed: int) -> list[Finding]:
    """Return what was found with ``count`` texts of that seed; one finding of each sort."""
    found: dict[str, Finding] = {}
    chance = random.Random(f"{seed} {parser.name}")
    for _ in range(count):
        text = mutant(parser, chance)
        try:
            taken_s = _taken_s(parser, text)
        except Exception as error:  # whatever is unexpected is what is looked for
            found.setdefault(type(error).__name__, Finding(parser.name, text, f"{error!r:.200}"))
            continue
        if taken_s > LONGEST_S:
            found.setdefault("slow", Finding(parser.name, text, f"{taken_s:.2f} s"))
    return list(found.values())


def _taken_s(parser: Parser, text: bytes) -> float:
    shortest = float("inf")
    for _ in range(TRIES):
        begun = time.thread_time()
        parser.try_to_read(text)
        shortest = min(shortest, time.thread_time() - begun)
        if shortest <= LONGEST_S:
            break
    return shortest
