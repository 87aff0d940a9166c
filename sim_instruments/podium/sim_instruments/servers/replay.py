"""A recorded trace played to the instrument's twin: what does it answer otherwise?"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.trace import Head, Piece, TraceError
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.sim_instruments.physics.clock_makes import ClockMake
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import still_air
from podium.sim_instruments.servers.silent_playback import SilentPlayback
from podium.sim_instruments.servers.twin_factory import Supplies, build_twin
from podium.sim_instruments.servers.zurich_conversation import (
    RequestReader,
    answer_words,
    by_itself,
    heard,
)
from podium.sim_instruments.twins.twin import Session, Twin

Verdict = Literal["same", "numbers", "differs"]
"""``numbers``: the same words, other numbers (a reading, a time, a build)."""

START_FS = 1_800_000_000 * FS_PER_S
READING_K = 0.01
"""What every sensor reads: the world of the recording is not known."""
_NUMBER = re.compile(rb"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SERIAL = re.compile(rb"^[^,\n]*,[^,\n]*,\s*([^,\n]*),")


@dataclass(slots=True)
class Exchange:
    """Bytes sent on one connection, and the answer until more was sent."""

    port: str
    sent: bytes = b""
    recorded: bytes = b""
    answered: bytes = b""
    """By the twin."""

    @property
    def complete(self) -> bool:
        """Tell whether the next bytes sent are another command."""
        return bool(self.recorded) or self.sent.endswith(b"\n")

    @property
    def verdict(self) -> Verdict:
        """Return how well the twin did."""
        if self.recorded == self.answered:
            return "same"
        alike = _NUMBER.sub(b"0", self.recorded) == _NUMBER.sub(b"0", self.answered)
        return "numbers" if alike else "differs"


@dataclass(slots=True)
class _Connection:
    exchange: Exchange | None = None
    waiting: bytes = b""
    """Answers of the twin for which no recorded ones have come yet."""


def twin_of(head: Head, pieces: tuple[Piece, ...]) -> Twin:
    """Return the twin of the recorded instrument, with its serial number if it was given.

    Raises :class:`.twin_factory.TwinError`.
    """
    options = {
        key: {int(number): word for number, word in value.items()}
        if isinstance(value, Mapping) and all(str(number).isdigit() for number in value)
        else value
        for key, value in head.options.items()
    }
    entry: dict[str, Any] = {"model": head.model, **options}
    supplies = Supplies(
        serial=serial_in(pieces), playback=SilentPlayback(), reading=_reading, clock_of=_clock
    )
    return build_twin(head.instrument, entry, supplies)


def serial_in(pieces: tuple[Piece, ...]) -> str:
    """Return the serial number of the first answer to ``*IDN?``, or one of zeros."""
    asked: set[int] = set()
    for piece in pieces:
        if piece.to == "instrument" and piece.data.upper().lstrip().startswith(b"*IDN?"):
            asked.add(piece.connection)
        elif piece.to == "client" and piece.connection in asked:
            found = _SERIAL.match(piece.data)
            if found is not None:
                return found[1].decode("ascii", "replace").strip().rpartition("/")[2]
    return "00000000"


def replay(twin: Twin, pieces: tuple[Piece, ...], *, leap: bool = False) -> list[Exchange]:
    """Send what clients sent, at the recorded times, and return every exchange in its order.

    ``leap``: world time leaps over what runs, as it did if a twin was recorded. What passed between
    clients and a data server of Zurich Instruments is listed in words, request by request; where it
    is no such conversation, :class:`.trace.TraceError` is raised.
    """
    if getattr(twin, "kernels", "") == "zurich":  # its module is heavy, and not asked for here
        return _replay_conversations(twin, pieces, leap)
    connections: dict[int, _Connection] = {}
    found: list[Exchange] = []
    for piece, answer in _played(twin, pieces, leap):
        here = connections.setdefault(piece.connection, _Connection())
        if here.exchange is None or (piece.to == "instrument" and here.exchange.complete):
            here.exchange = Exchange(piece.port)
            found.append(here.exchange)
        if piece.to == "instrument":
            here.exchange.sent += piece.data
            here.waiting += answer
        else:
            here.exchange.recorded += piece.data
            here.exchange.answered += here.waiting + answer
            here.waiting = b""
    for here in connections.values():
        if here.exchange is not None:
            here.exchange.answered += here.waiting
    return found


def _played(twin: Twin, pieces: tuple[Piece, ...], leap: bool) -> Iterator[tuple[Piece, bytes]]:
    """Send what clients sent; yield each piece with what the twin says when it passes."""
    sessions: dict[int, Session] = {}
    leapt_fs = 0
    for piece in pieces:
        if piece.connection not in sessions:
            sessions[piece.connection] = twin.open(piece.port)
        now_fs = START_FS + round(piece.at_s * FS_PER_S) + leapt_fs
        if piece.to == "instrument":
            yield piece, sessions[piece.connection].feed(piece.data, now_fs)
            leapt_fs += _leap_fs(twin, now_fs) if leap else 0
        else:
            yield piece, sessions[piece.connection].feed(b"", now_fs)


@dataclass(slots=True)
class _Conversation:
    port: str
    asking: RequestReader = field(default_factory=RequestReader)
    recorded: bytes = b""
    answered: bytes = b""


def _replay_conversations(twin: Twin, pieces: tuple[Piece, ...], leap: bool) -> list[Exchange]:
    """Compare conversations with a data server request by request, in the order of requests."""
    conversations: dict[int, _Conversation] = {}
    placed: list[tuple[int, Exchange]] = []
    try:
        for place, (piece, answer) in enumerate(_played(twin, pieces, leap)):
            here = conversations.setdefault(piece.connection, _Conversation(piece.port))
            here.answered += answer
            if piece.to == "instrument":
                here.asking.feed(place, piece.data)
            else:
                here.recorded += piece.data
        for here in conversations.values():
            theirs, ours = heard(here.recorded), heard(here.answered)
            for one in here.asking.asked:
                answers = (answer_words(one, each).encode() for each in (theirs, ours))
                placed.append((one.place, Exchange(here.port, one.words.encode(), *answers)))
            if theirs.sent_by_itself or ours.sent_by_itself:
                told = (by_itself(each.sent_by_itself).encode() for each in (theirs, ours))
                said = Exchange(here.port, b"(told to subscribers)", *told)
                placed.append((len(pieces), said))
    except ProtocolError as error:
        raise TraceError(f"this is no conversation with a data server: {error}") from error
    return [exchange for _, exchange in sorted(placed, key=lambda one: one[0])]


def told(exchanges: list[Exchange]) -> list[dict[str, str]]:
    """Return what was exchanged as plain values, long answers cut."""
    return [
        {
            "port": exchange.port,
            "sent": words(exchange.sent),
            "recorded": words(exchange.recorded),
            "twin": words(exchange.answered),
            "verdict": exchange.verdict,
        }
        for exchange in exchanges
    ]


def _leap_fs(twin: Twin, now_fs: int) -> int:
    horizon = twin.horizon(now_fs)
    if horizon.armed or horizon.computing or horizon.busy_until_fs is None:
        return 0
    return max(0, horizon.busy_until_fs - now_fs)


def _clock(make: ClockMake) -> Clock:
    """Return a clock in still air: the world of the recording is not known."""
    return Clock(0, "replay", make, still_air())


def _reading(channel: int, now_fs: int) -> float:
    return READING_K


def words(data: bytes, most: int = 160) -> str:
    """Return bytes for a person, long ones cut."""
    text = data.decode("ascii", "backslashreplace").strip()
    return text if len(text) <= most else f"{text[:most]}... ({len(data)} bytes)"
