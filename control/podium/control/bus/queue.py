"""Defines messages of the queue: what is on, who waits for whom, and what people ask of it.

The coordinator publishes :class:`QueueNews` under :func:`queue_key` when it changes, at most
:data:`EVERY_S` apart, whole each time; who comes late asks the coordinator (:class:`AskQueue`).
Times are those of the host's clock, Unix time in s: people ask how long they will wait.
"""

from dataclasses import dataclass
from typing import Literal

EVERY_S = 0.1
"""Changes within this time are one message."""
WAITING_MAX = 100
"""So many of those who wait are in a message, the next first; their number is always there."""
PRIORITY_MAX = 10
"""Priorities are whole numbers from minus this to this; higher goes first, 0 is usual."""

Kind = Literal["run", "stream", "fire", "bias", "mixers", "manual"]
"""``fire``: a program held prepared. ``manual``: asked of one instrument by hand."""


def queue_key(facility: str) -> str:
    """Key under which the coordinator publishes :class:`QueueNews`."""
    return f"podium/{facility}/queue"


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """Describes one piece of work that is on or waits."""

    ticket: str
    """Names it: for a cancellation, or another priority."""
    run: str
    """The run's id, once it has one."""
    kind: Kind
    what: str
    """``run 17-00003 rabi``, ``bias node_a.q0.flux to 0.1 V``."""
    by: str
    """Who asked."""
    agents: tuple[str, ...]
    """Whose instruments it takes."""
    priority: int
    procedure: str
    """Id of the procedure that it is a part of; empty: of none."""
    asked_s: float
    """When it was asked for; of work that yielded, when it did."""
    began_s: float
    """When its turn came; 0: it waits."""
    lasts_s: float
    """Estimated wall time from its turn to its end."""
    lasts_sigma_s: float
    laboratory_s: float
    """Time that its instruments play, as compiled, or as such work has taken; 0: not known."""
    starts_s: float
    """When its turn is expected, or came."""
    starts_sigma_s: float
    """Standard deviation of that; 0 of what is on."""
    behind: tuple[str, ...]
    """Tickets of those that it waits for first: what is on, or ids of reservations."""
    why: str
    """For whom it waits and about how long, for a person; empty: it is on."""
    yields: bool
    """Whether it lets others in at its safe points."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """Keeps agents for somebody between two instants: nobody else's work is begun into it."""

    id: str
    agents: tuple[str, ...]
    begins_s: float
    ends_s: float
    by: str
    """Whose work goes in: of whose name this is all, or the user before ``@``."""
    why: str


@dataclass(frozen=True, slots=True)
class QueueNews:
    """The whole queue."""

    number: int
    """Goes up with each message of this coordinator."""
    at_s: float
    on: tuple[QueueEntry, ...]
    waiting: tuple[QueueEntry, ...]
    """In the order in which they are expected to start; at most :data:`WAITING_MAX`."""
    waiting_in_all: int
    reservations: tuple[Reservation, ...]


# What people ask of the coordinator


@dataclass(frozen=True, slots=True)
class AskQueue:
    """Asks for :class:`QueueNews` as of now, with all who wait."""


@dataclass(frozen=True, slots=True)
class CancelWork:
    """Cancels what waits under a ticket. Answered with ``Done``; refused where none waits."""

    ticket: str
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class SetPriority:
    """Gives what waits, or yields, another priority. Answered with ``Done``."""

    ticket: str
    priority: int
    by: str


@dataclass(frozen=True, slots=True)
class Reserve:
    """Reserves agents, by their names or those of nodes. Answered with the ``Reservation``."""

    agents: tuple[str, ...]
    begins_s: float
    ends_s: float
    by: str
    why: str


@dataclass(frozen=True, slots=True)
class CancelReservation:
    """Gives a reservation back. Answered with ``Done``; refused where there is none."""

    id: str
    by: str
