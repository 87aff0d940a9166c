"""Instants at which branches begin: who acts on which condition, and whether there is time."""

from collections.abc import Sequence
from typing import TypeAlias

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import IntArray
from podium.control.compilers.qblox.gates import FORK_NS, Gate
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS, Event

Way: TypeAlias = tuple[Gate | None, list[Event]]
"""What must have been measured (None: nothing), and all that then happens."""


def ways_of(frame: str, events: Sequence[Event]) -> list[Way]:
    """Return what happens at one instant, one way or two; raise :class:`DoesNotFit`.

    What happens in any case happens on both ways.
    """
    gates = list(dict.fromkeys(event.gate for event in events))
    if len(gates) == 1:
        return [(gates[0], list(events))]
    first = next(gate for gate in gates if gate is not None)
    second = first.opposite
    strange = [event for event in events if event.gate not in (None, first, second)]
    if strange:
        notes = ", ".join(repr(event.note) for event in events)
        raise DoesNotFit(
            f"{frame}: {notes} come at one instant and depend on {first} and on {strange[0].gate}; "
            "at one instant a sequencer tells two ways apart: move one by "
            f"{FORK_NS + REAL_TIME_MIN_NS} ns"
        )
    return [
        (gate, [event for event in events if event.gate in (None, gate)])
        for gate in (first, second)
    ]


def fork_hold_ns(gap_ns: IntArray) -> int:
    """Return how long the second way's instruction is, of a gap that is at least FORK_NS."""
    low_ns, high_ns = int(gap_ns.min()), int(gap_ns.max())
    if low_ns == high_ns < FORK_NS + REAL_TIME_MIN_NS:
        return low_ns
    return FORK_NS


def check_room(
    frame: str, events: Sequence[Event], least_ns: int, begins: bool, forks: bool, ahead: bool
) -> None:
    """Raise :class:`DoesNotFit` where a fork has no time before it or behind it.

    ``least_ns``: from this instant to where the next one's code begins; ``begins``: it is the
    shot's start; ``forks``: branches begin here; ``ahead``: they do at the next instant.
    """
    notes = ", ".join(repr(event.note) for event in events)
    if forks and begins:
        raise DoesNotFit(f"{frame}: {notes}: branches begin at the very start of the shot")
    needed_ns = FORK_NS if forks else REAL_TIME_MIN_NS
    if (forks or ahead) and least_ns < needed_ns:
        raise DoesNotFit(
            f"{frame}: where branches begin at one instant, a sequencer needs "
            f"{FORK_NS + REAL_TIME_MIN_NS} ns before it and {FORK_NS} ns behind; around {notes} "
            f"there are {needed_ns - least_ns} ns too few: add a Delay of as much"
        )
