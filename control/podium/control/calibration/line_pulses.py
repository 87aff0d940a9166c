"""Defines the flux pulses of shots by which a line is looked at."""

from dataclasses import dataclass

DURATIONS_NS = (2, 3, 4, 6, 8, 11, 16, 22, 32, 44, 64, 96, 140, 200, 300, 440, 640, 880)
WHOLE_NS = 920
"""From the begin of the pulse that counts to the second half pi pulse."""
GAP_NS = 24
"""Between two pulses of a train: the qubit is back, and so is what is reflected. Where it is less,
what a pulse leaves meets the next one."""


@dataclass(frozen=True, slots=True)
class Before:
    """A pulse whose tail is looked at."""

    long_ns: int
    later_ns: int
    """From its end to the pulses of the qubit."""
    is_led: bool = False
    """One as long of the other sign goes before it: to a bias tee the mean of both is nothing."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The flux pulses of one shot."""

    duration_ns: int
    count: int = 1
    """Pulses between the pulses of the qubit, whose phases add up."""
    before: Before | None = None
    gap_ns: int = GAP_NS
    """Between two of them."""
    alternates: bool = True
    """They are of one sign and the other: of the rest of the line they leave little. Of one sign,
    each meets what others have left with the other sign, next to its own."""

    def sign(self, number: int) -> int:
        """Return the sign of one of the pulses."""
        return -1 if self.alternates and number % 2 else 1

    @property
    def shots(self) -> int:
        """Times the usual number of shots that are played."""
        return 1 if self.count == 1 and self.before is None else 2

    def describe(self) -> str:
        """Return words for the run's title."""
        text = f"{self.duration_ns} ns"
        if self.count > 1:
            text = f"{self.count} of {text}"
        if self.gap_ns != GAP_NS:
            text += f" with gaps of {self.gap_ns} ns"
        if not self.alternates:
            text += ", of one sign"
        if self.before is not None:
            led = "-" if self.before.is_led else ""
            text += f", {self.before.later_ns} ns after {led}{self.before.long_ns}"
        return text


SINGLE = tuple(Kind(ns) for ns in DURATIONS_NS)
LADDER = (
    *(Kind(ns, 4) for ns in (2, 10, 24)),
    *(Kind(ns, 12) for ns in (2, 4, 7, 9, 11, 13, 16, 20, 26, 34, 44)),
    *(Kind(ns, 24) for ns in (9, 12)),
)
"""By these the whole turns of longer trains are known."""
TRAINS = (
    *LADDER,
    *(Kind(ns, 40, gap_ns=gap_ns) for ns, gap_ns in ((4, 10), (7, 14))),
    Kind(16, 34, gap_ns=10),
    *(Kind(ns, 40, gap_ns=gap_ns, alternates=False) for ns, gap_ns in ((4, 8), (4, 14), (9, 10))),
    Kind(16, 22, alternates=False),
)
"""The last seven are those, of many lengths, gaps and signs, that fix a step best between 5 ns and
20 us (what phases fix, worked out for eight lines)."""
LONG_NS = 16_000
LONGEST_NS = 64_000
TAILS = (
    *(Kind(ns, before=Before(2000, 200)) for ns in (8, 48)),
    *(Kind(80, before=Before(2000, later)) for later in (600, 2000)),
    Kind(20, before=Before(LONG_NS, 1000)),
    Kind(100, before=Before(LONG_NS, 600)),
    Kind(400, before=Before(LONG_NS, 2000)),
    Kind(800, before=Before(LONG_NS, 6000)),
    *(Kind(80, before=Before(LONG_NS, later)) for later in (16_000, 50_000)),
    Kind(800, before=Before(8000, 600)),
    Kind(800, before=Before(LONGEST_NS // 2, 50_000, is_led=True)),
    *(
        Kind(ns, before=Before(LONGEST_NS, later, is_led=True))
        for ns in (80, 800)
        for later in (35_000, 120_000)
    ),
)
"""At rest a qubit at its sweet spot hardly feels a tail: a pulse makes it do so, the longer the
better, as soon as it is known to a turn of that. The last exponential is told from the high-pass by
pulses of 32 and 64 us: alone they would detune the qubit, by what the high-pass makes of all shots,
but those of the other sign before them take that away. The others lead up to their whole turns."""
TELLING = (
    *(
        Kind(
            ns, min(40, (WHOLE_NS - GAP_NS) // (ns + gap_ns)), gap_ns=gap_ns, alternates=alternates
        )
        for alternates in (True, False)
        for gap_ns in (8, 10, 12, 14, 18, 24)
        for ns in (3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 20, 24)
    ),
    *(
        Kind(ns, before=before)
        for ns in (80, 200, 400, 800)
        for later_ns in (6000, 16_000, 35_000, 60_000, 90_000, 120_000)
        for before in (
            Before(LONG_NS, later_ns),
            Before(LONGEST_NS // 2, later_ns, is_led=True),
            Before(LONGEST_NS, later_ns, is_led=True),
        )
    ),
)
"""Some of these are played where two lines explain those above: what tells one weak reflection from
another, or a last exponential of 50 us from one of 80 us, depends on both."""
KINDS = (*SINGLE, *TRAINS, *TAILS)
COUPLER_TAILS = (
    *(Kind(ns, before=Before(300, 60)) for ns in (100, 200)),
    *(Kind(ns, before=Before(2000, 100)) for ns in (100, 200)),
    *(Kind(200, before=Before(2000, later)) for later in (200, 400)),
    *(Kind(400, before=Before(2000, later)) for later in (800, 1500)),
)
COUPLER_KINDS = (*SINGLE, *COUPLER_TAILS, *TAILS)
"""The same of a coupler: each edge of a square pulse leaves some hundredths of an excitation in it,
which trains would add up. What they show of the first 40 ns is left as it is expected."""
CHECKS = (
    *(Kind(ns) for ns in (12, 32, 76, 200, 560)),
    Kind(5, 12),
    Kind(80, before=Before(1600, 1000)),
    Kind(80, before=Before(LONG_NS, 3000)),
)
COUPLER_CHECKS = tuple(kind for kind in CHECKS if kind.count == 1)
LOOKS = tuple(Kind(ns) for ns in (2, 3, 5, 200))
"""By which the other end is looked at, where pulses do not move the one they should."""
