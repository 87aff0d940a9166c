"""A client's handle to which values of nodes are sent."""

from collections import deque
from collections.abc import Callable

from podium.firmware_interfaces.zurich.values import AnnotatedValue, Vector

IN_FLIGHT_MAX = 64
"""Sends that the client has not confirmed. ASSUMED: how many the real server allows itself."""
KEPT_MAX = 100_000
"""Values that wait for a client that confirms none; then its subscription ends. ASSUMED."""
AT_ONCE_MAX = 256
"""Values in one send."""
BYTES_AT_ONCE_MAX = 2**20
"""Of vectors, after which a send takes no more values, and no other send begins before some of
those that go before were confirmed: a run's results are tens of megabytes. ASSUMED."""


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
        self._in_flight: deque[int] = deque()
        """Bytes of vectors in each send that was not confirmed, in their order."""

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
        going = len(self._in_flight) >= IN_FLIGHT_MAX or sum(self._in_flight) >= BYTES_AT_ONCE_MAX
        if self.ended or going or not self._waiting:
            return ()
        found: list[AnnotatedValue] = []
        size = 0
        while self._waiting and len(found) < AT_ONCE_MAX and size < BYTES_AT_ONCE_MAX:
            found.append(self._waiting.popleft())
            value = found[-1].value
            size += len(value.content) if isinstance(value, Vector) else 0
        self._in_flight.append(size)
        return tuple(found)

    def confirmed(self) -> None:
        """Hear that the client has taken one send."""
        self._in_flight.popleft()

    def end(self) -> None:
        """Send no more."""
        self.ended = True
        self._waiting.clear()
