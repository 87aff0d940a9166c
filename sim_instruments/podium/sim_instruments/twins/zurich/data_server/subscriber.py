"""A client's handle to which values of nodes are sent."""

from collections import deque
from collections.abc import Callable

from podium.firmware_interfaces.zurich.values import AnnotatedValue

IN_FLIGHT_MAX = 64
"""Sends that the client has not confirmed. ASSUMED: how many the real server allows itself."""
KEPT_MAX = 100_000
"""Values that wait for a client that confirms none; then its subscription ends. ASSUMED."""
AT_ONCE_MAX = 256
"""Values in one send."""


class Subscriber:
    """Sends values as fast as the client confirms them."""

    def __init__(self, handle: int, send: Callable[["Subscriber"], None]) -> None:
        """``handle``: the client's number for it; ``send`` is called when there is something."""
        self.handle = handle
        self.references = 0
        """So often the client has handed it over."""
        self.ended = False
        self._send = send
        self._waiting: deque[AnnotatedValue] = deque()
        self._in_flight = 0

    def heard(self, value: AnnotatedValue) -> None:
        """Take a value that a node has got."""
        if self.ended:
            return
        self._waiting.append(value)
        if len(self._waiting) > KEPT_MAX:
            self.end()
        self._send(self)

    def take(self) -> tuple[AnnotatedValue, ...]:
        """Return what may be sent now, as one send; empty: nothing."""
        if self.ended or self._in_flight >= IN_FLIGHT_MAX or not self._waiting:
            return ()
        self._in_flight += 1
        count = min(len(self._waiting), AT_ONCE_MAX)
        return tuple(self._waiting.popleft() for _ in range(count))

    def confirmed(self) -> None:
        """Hear that the client has taken one send."""
        self._in_flight -= 1

    def end(self) -> None:
        """Send no more."""
        self.ended = True
        self._waiting.clear()
