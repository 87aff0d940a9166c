"""Messages between the driver of a data server and the process of the vendor's client."""

from dataclasses import dataclass
from typing import Any

from podium.drivers.errors import InstrumentError


@dataclass(frozen=True, slots=True)
class Connect:
    """Connect to the server and have it take these instruments. The first request."""

    host: str
    port: int
    serials: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SetAll:
    """Set nodes in one transaction: path and value, which may be an array."""

    items: tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class GetInteger:
    """Get the integer of a node."""

    path: str


@dataclass(frozen=True, slots=True)
class PollIntegers:
    """Get the integers of nodes, after a pause."""

    paths: tuple[str, ...]
    after_s: float = 0.0
    """The longest pause; it ends when the server has told that each of them..."""
    wanted: int | None = None
    """... is this now; None: has changed."""


@dataclass(frozen=True, slots=True)
class GetValues:
    """Get the numbers and texts of nodes, by their paths, in one request of the server."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetText:
    """Get the text of a node."""

    path: str


@dataclass(frozen=True, slots=True)
class GetVectors:
    """Get the vectors of nodes, in one request of the server."""

    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GetResultStamp:
    """Get the time stamp of the first sample in a result logger's vector."""

    path: str


@dataclass(frozen=True, slots=True)
class GetSettings:
    """Get all settings below a node."""

    path: str


@dataclass(frozen=True, slots=True)
class CompileSource:
    """Compile the program of one sequencer."""

    text: str
    """SeqC."""
    model: str
    options: str
    """As the instrument tells them, a line each."""
    index: int
    sequencer: str
    """``sg``, ``qa`` or ``auto``."""
    rate_hz: float | None
    """Of an HDAWG's samples; None: of others."""


Step = SetAll | GetInteger | PollIntegers | GetValues | GetText | GetVectors | GetResultStamp
"""What may be asked together with others."""


@dataclass(frozen=True, slots=True, eq=False)
class RequestSequence:
    """Do one step after the other, and return each answer; the first failure ends it."""

    steps: tuple[Step, ...]


Request = Connect | Step | RequestSequence | GetSettings | CompileSource


@dataclass(frozen=True, slots=True, eq=False)
class RequestDone:
    """It was done."""

    value: Any = None


@dataclass(frozen=True, slots=True)
class RequestFailed:
    """It was not done."""

    what: type[InstrumentError]
    """What to raise."""
    said: str
    step: int = 0
    """Which of several it was."""


Answer = RequestDone | RequestFailed
