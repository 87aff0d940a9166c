"""Describes what the link layer works on: stations with qubits, links, pairs and requests.

All are values. Fidelities are lower bounds, errors upper ones, by the sigmas of what was measured:
whoever builds these values from parameters takes so many sigmas off (``SIGMAS``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.links.storage import Memory, stored_bound, time_above
from podium.control.timebase.epochs import Epochs
from podium.firmware_interfaces.exact_time import FS_PER_S

SIGMAS = 3.0
"""A measured fidelity counts for its value less so many sigmas."""
Ends = tuple[str, str]
"""Names of two stations, in the order of the alphabet."""


def ends_of(first: str, second: str) -> Ends:
    """Return two stations in the order that pairs and links have them in."""
    return (first, second) if first < second else (second, first)


@dataclass(frozen=True, slots=True)
class Station:
    """A node, or a hub that has qubits, as the link layer sees it."""

    name: str
    qubits: int
    """How many halves of pairs it can hold at a time."""
    memory: Memory
    operation_error: float
    """At most this chance that a swap or its part of a check goes wrong: gate and readouts."""
    operation_s: float
    """How long a swap or a check takes, its results' way to the ends included."""
    relay: bool = False
    """It swaps pairs for others: a hub."""


@dataclass(frozen=True, slots=True)
class Switch:
    """An optical switch that leads arms of stations, two by two, to herald stations behind it."""

    name: str
    heralds: int
    """So many links have a herald station at a time."""
    reconfigure_s: float
    """From one setting to another; for so long none of its links that changes has light."""


@dataclass(frozen=True, slots=True)
class Link:
    """Describes the link of two stations, as it was calibrated."""

    name: str
    ends: Ends
    fidelity: float
    """Of a new pair, at least."""
    pairs_per_s: float
    """Expected."""
    epochs: Epochs
    """Under which it was calibrated; a pair made under others is none of it."""
    switch: str = ""
    """The switch that it goes over: at a time, a station has one link there. Empty: none."""


@dataclass(frozen=True, slots=True)
class Pair:
    """An entangled pair, with its label."""

    number: int
    ends: Ends
    links: tuple[str, ...]
    """The links that it came over."""
    fidelity: float
    """At ``made_fs``, at least."""
    made_fs: int
    """TAI of that fidelity, fs since 1970."""
    memories: tuple[Memory, Memory]
    epochs: Epochs
    """Of all clocks that had a part; when one has moved, the pair is worth nothing."""
    level: int = 0
    """How many checks it has passed since it came over its link."""
    origins: frozenset[int] = field(default_factory=frozenset)
    """Numbers of all pairs that had a part in it: errors of two with a common one go together."""

    def fidelity_at(self, now_fs: int) -> float:
        """Return what it is worth at least at ``now_fs``."""
        return stored_bound(self.fidelity, self.memories, max(0, now_fs - self.made_fs) / FS_PER_S)

    def expiry_fs(self, wanted: float) -> int:
        """Return until when it is worth ``wanted`` at least."""
        return self.made_fs + int(time_above(self.fidelity, self.memories, wanted) * FS_PER_S)


@dataclass(frozen=True, slots=True)
class Request:
    """Somebody wants pairs. They are delivered together, or not at all."""

    number: int
    """Of the request."""
    ends: Ends
    fidelity: float
    """At least, of each pair, when it is delivered."""
    pairs: int
    deadline_fs: int
    """TAI; from then on nobody waits for them."""


@dataclass(frozen=True, slots=True)
class Network:
    """All stations and links, and which of them are down."""

    stations: Mapping[str, Station]
    links: Mapping[str, Link]
    down: Mapping[str, str] = field(default_factory=dict)
    """Names of links, stations and switches that are down, and why."""
    switches: Mapping[str, Switch] = field(default_factory=dict)

    def usable(self, link: Link) -> bool:
        """Tell whether a link, both its ends and its switch are up."""
        return not any(name in self.down for name in (link.name, link.switch, *link.ends))

    def memories(self, ends: Ends) -> tuple[Memory, Memory]:
        """Return what the qubits of two stations are worth."""
        return self.stations[ends[0]].memory, self.stations[ends[1]].memory
