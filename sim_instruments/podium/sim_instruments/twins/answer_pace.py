"""A box answers one message at a time, and each takes it a while.

A twin that knows how long its box takes has an :class:`AnswerPace`; the server puts every
connection through it. All ports of one box share the one pace, as they share the one processor.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.modbus import PDU_MAX
from podium.sim_instruments.twins.twin import IDLE, HangsUp, Horizon, Session

HELD_MAX = 1 << 16
"""Bytes without the end of a message that are kept back; more are the twin's own business."""

_MODBUS_HEAD = 6
"""Bytes of a frame up to its length, which counts those that follow."""

Cut = Callable[[bytearray, int], int]
"""Takes what was received, and how much of it was looked at before and holds no end; returns how
long the first message in it is, 0: it is not whole."""


@dataclass(frozen=True, slots=True)
class AnswerTimes:
    """Time that a box takes, by its documents."""

    cut: Cut
    """Finds where a message ends."""
    takes_fs: Callable[[bytes, bytes], int]
    """Returns what lies between taking up a message and its answer (both given), fs; of a
    message without an answer how long it is carried out."""
    rests_fs: int = 0
    """After an answer, or a message without one, until the next message is taken up."""


def line_end(received: bytearray, looked: int) -> int:
    """Return how long the first line is, with its end; 0: it has none. See :data:`Cut`."""
    return received.find(b"\n", looked) + 1


def carriage_return_end(received: bytearray, looked: int) -> int:
    """Return how long the first line is that a carriage return ends; 0: it has none."""
    return received.find(b"\r", looked) + 1


def modbus_end(received: bytearray, looked: int) -> int:
    """Return how long the first Modbus TCP frame is (MTG 3.1.3); 0: it is not whole.

    What is no frame is one message: the twin hangs up on it.
    """
    if len(received) < _MODBUS_HEAD:
        return 0
    length = _MODBUS_HEAD + int.from_bytes(received[4:6], "big")
    if any(received[2:4]) or length > _MODBUS_HEAD + PDU_MAX + 1:
        return len(received)
    return length if len(received) >= length else 0


def lines_with_rests(begins_s: float, quiet_s: float) -> AnswerTimes:
    """Return the times of a box that is sent lines and wants to be left alone after each."""
    begins_fs, quiet_fs = round(begins_s * FS_PER_S), round(quiet_s * FS_PER_S)
    return AnswerTimes(
        line_end, lambda message, answer: begins_fs if answer else 0, rests_fs=quiet_fs
    )


class AnswerPace:
    """Work of one box: the message that it is at, and those that wait."""

    def __init__(self, times: AnswerTimes) -> None:
        self.times = times
        self._free_fs = 0
        """It takes up the next message then, or later."""
        self._waiting: dict[PacedSession, None] = {}
        """Sessions that have messages or an answer left, in the order in which they came."""

    def through(self, session: Session) -> "PacedSession":
        """Return a connection that is answered when the box would."""
        return PacedSession(self, session)

    def horizon(self, now_fs: int, of_twin: Horizon = IDLE) -> Horizon:
        """Return the twin's horizon ``of_twin``, with when the next answer or message is due."""
        due = [one.due_fs(self._free_fs) for one in self._waiting]
        if not due:
            return of_twin
        if of_twin.busy_until_fs is not None:
            due.append(of_twin.busy_until_fs)
        return replace(of_twin, busy_until_fs=min(due))

    def goes_on_fs(self, session: "PacedSession") -> int:
        """Return when a session goes on, at the earliest."""
        return session.due_fs(self._free_fs)

    def is_free(self, session: "PacedSession", now_fs: int) -> bool:
        """Tell whether it takes up a message of this session now."""
        first = next(iter(self._waiting), session)
        return self._free_fs <= now_fs and first is session

    def take_up(self, session: "PacedSession", message: bytes, answer: bytes, at_fs: int) -> int:
        """Be busy with a message from ``at_fs`` on; return when its answer is due."""
        self._waiting.pop(session, None)  # whoever waits besides comes before its next one
        at_fs = max(at_fs, self._free_fs)
        done_fs = at_fs + self.times.takes_fs(message, answer)
        self._free_fs = done_fs + self.times.rests_fs
        return done_fs

    def wait(self, session: "PacedSession", waits: bool) -> None:
        """Take that a session has something left, or no more; who waits keeps its place."""
        if waits:
            self._waiting.setdefault(session)
        else:
            self._waiting.pop(session, None)


class PacedSession:
    """One connection to a box that takes its time.

    What a client sends early is not lost: it waits, as in a socket's buffer.
    """

    def __init__(self, pace: AnswerPace, session: Session) -> None:
        self._pace = pace
        self._session = session
        self._hangs_up = session if isinstance(session, HangsUp) else None
        self._received = bytearray()
        self._looked = 0
        self._messages: deque[bytes] = deque()
        self._answer = b""
        self._answer_fs = 0

    @property
    def ended(self) -> bool:
        """Tell whether it has no more to say."""
        return not self.behind and self._hangs_up is not None and self._hangs_up.ended

    @property
    def behind(self) -> int:
        """Return how many messages and answers are left."""
        return len(self._messages) + bool(self._answer)

    def hung_up(self) -> None:
        """Forget what was not taken up."""
        self._messages.clear()
        self._answer = b""
        self._pace.wait(self, False)
        if self._hangs_up is not None:
            self._hangs_up.hung_up()

    @property
    def goes_on_fs(self) -> int:
        """Return when what is left goes on, at the earliest."""
        return self._pace.goes_on_fs(self)

    def due_fs(self, free_fs: int) -> int:
        """Return when it goes on: its answer is due, or the box is free."""
        return self._answer_fs if self._answer else free_fs

    def feed(self, data: bytes, now_fs: int, *, at_once: bool = False) -> bytes:
        """Take bytes, return the answers that are due; see :class:`Session`.

        ``at_once``: all that is left is due, and the box is as free as it was.
        """
        self._cut(data)
        replies = b""
        while True:
            if self._answer:
                if self._answer_fs > now_fs and not at_once:
                    break
                replies += self._answer
                self._answer = b""
            if not self._messages:
                replies += self._session.feed(b"", now_fs)  # what the twin says by itself
                break
            if at_once:
                self._answer = self._session.feed(self._messages.popleft(), now_fs)
                continue
            if not self._pace.is_free(self, now_fs):
                break
            self._take_up(self._messages.popleft(), now_fs)
        self._pace.wait(self, bool(self.behind))
        return replies

    def _take_up(self, message: bytes, now_fs: int) -> None:
        answer = self._session.feed(message, now_fs)
        if message.strip():
            self._answer_fs = self._pace.take_up(self, message, answer, now_fs)
        else:
            self._answer_fs = now_fs
        self._answer = answer

    def _cut(self, data: bytes) -> None:
        self._received += data
        while self._received and (end := self._pace.times.cut(self._received, self._looked)):
            self._messages.append(bytes(self._received[:end]))
            del self._received[:end]
            self._looked = 0
        self._looked = len(self._received)
        if self._looked > HELD_MAX:
            self._messages.append(bytes(self._received))
            self._received.clear()
            self._looked = 0


@runtime_checkable
class KeepsPace(Protocol):
    """A twin that knows how long its box takes to answer."""

    @property
    def pace(self) -> AnswerPace:
        """The pace of all its connections."""
        ...
