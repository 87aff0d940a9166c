"""Defines the link layer's state, the events that change it, and the actions it asks for.

Numbers of attempts, operations and pairs come from one row: the pair of an attempt has the
attempt's number, that of a swap the swap's. A check keeps the numbers of the pairs that it keeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.links.network import Ends, Link, Network, Pair, Request
from podium.control.links.routes import Plan
from podium.control.timebase.epochs import Epochs


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody has asked for pairs."""

    request: Request


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Nobody wants a request's pairs any longer."""

    request: int


@dataclass(frozen=True, slots=True)
class Made:
    """An attempt has made a pair."""

    attempt: int
    made_fs: int
    epochs: Epochs
    fidelity: float = 1.0
    """What the herald says at least; the link's calibration says so too, and the lesser counts."""


@dataclass(frozen=True, slots=True)
class Missed:
    """An attempt is over and there is no pair: the link has failed."""

    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """A swap or a check is done."""

    operation: int
    passed: bool = True


@dataclass(frozen=True, slots=True)
class Broken:
    """A swap or a check could not be done; its pairs are lost. ``place``: who is down for it."""

    operation: int
    reason: str
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Released:
    """Delivered pairs have been used."""

    pairs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WentDown:
    """A link or a station is down."""

    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class CameUp:
    """A link or a station is up again, as it was calibrated. A station holds no pairs then."""

    name: str


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A link was calibrated: it is up, with these figures."""

    link: Link


@dataclass(frozen=True, slots=True)
class EpochsNow:
    """These clock domains have these epochs."""

    epochs: Epochs


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


Event = (
    Asked
    | Withdrawn
    | Made
    | Missed
    | Finished
    | Broken
    | Released
    | WentDown
    | CameUp
    | Calibrated
    | EpochsNow
    | Tick
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """Have a link make a pair. :class:`Made` or :class:`Missed` is the answer."""

    number: int
    link: str
    until_fs: int
    """Without an answer until then the link counts as down."""


@dataclass(frozen=True, slots=True)
class Swap:
    """Join two pairs at a hub to one. :class:`Finished` or :class:`Broken` is the answer."""

    number: int
    hub: str
    left: Pair
    right: Pair
    until_fs: int


@dataclass(frozen=True, slots=True)
class CheckPairs:
    """Twirl pairs, check some by another one, and report whether they have passed."""

    number: int
    ends: Ends
    kept: tuple[Pair, ...]
    sacrificed: Pair
    until_fs: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Give an attempt up; its pair, if there is one all the same, is not wanted."""

    attempt: int


@dataclass(frozen=True, slots=True)
class Discard:
    """Free the qubits of a pair."""

    pair: int


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand a request its pairs."""

    request: int
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Refuse:
    """Say why a request has no pairs."""

    request: int
    reason: str


@dataclass(frozen=True, slots=True)
class Wake:
    """Come back with :class:`Tick` at this time; only the last one counts."""

    at_fs: int


Operation = Swap | CheckPairs
Action = Attempt | Swap | CheckPairs | Stop | Discard | Deliver | Refuse | Wake


@dataclass(frozen=True, slots=True)
class LayerState:
    """All that the link layer knows."""

    network: Network
    epochs: Mapping[str, int] = field(default_factory=dict)
    """Of all clock domains that were heard of."""
    requests: Mapping[int, Request] = field(default_factory=dict)
    plans: Mapping[int, Plan] = field(default_factory=dict)
    """Of requests, made for the network as it is."""
    pairs: Mapping[int, Pair] = field(default_factory=dict)
    """Those that wait in qubits."""
    delivered: Mapping[int, Pair] = field(default_factory=dict)
    """Those that a user has; they take qubits until they are released."""
    attempts: Mapping[int, Attempt] = field(default_factory=dict)
    operations: Mapping[int, Operation] = field(default_factory=dict)
    next_number: int = 1


def pairs_of(operation: Operation) -> tuple[Pair, ...]:
    """Return the pairs that an operation works on."""
    match operation:
        case Swap():
            return (operation.left, operation.right)
        case CheckPairs():
            return (*operation.kept, operation.sacrificed)
