"""A lease: something counts as so for a while after it was seen so, and not any longer.

The pattern of every interlock between agents. What is leased is a condition on readings, perhaps
of another agent's instruments; it is renewed by each good reading that fulfils it, ends at once
by one that does not, and by itself when nobody reports any longer. No process has to live for
that.
"""

from math import inf

LAST_FIRST_S = -inf


class Lease:
    """One condition. Pure: who calls says what time it is, in s that never go back."""

    def __init__(self, lasts_s: float) -> None:
        self.lasts_s = lasts_s
        self.broken = False
        """Whether the last good reading did not fulfil it."""
        self.fulfilled_s = LAST_FIRST_S
        """When a good reading fulfilled it last; minus infinity: never."""

    def hear(self, fulfils: bool | None, now_s: float) -> None:
        """Take a reading; None: one that is not good, which changes nothing."""
        if fulfils is not None:
            self.broken = not fulfils
        if fulfils:
            self.fulfilled_s = now_s

    def held(self, now_s: float) -> bool:
        """Tell whether it counts as so."""
        return not self.broken and self.for_s(now_s) < self.lasts_s

    def for_s(self, now_s: float) -> float:
        """Return how long ago it was fulfilled last, s."""
        return now_s - self.fulfilled_s
