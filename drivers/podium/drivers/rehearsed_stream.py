"""In place of a connection when nothing may be sent: answers as if all had been done."""

from collections.abc import Callable, Iterable

from podium.drivers.errors import ProtocolError

Note = Callable[[str], None]
"""Called with every message that would have set something."""


class RehearsedStream:
    """Has the methods of :class:`.byte_stream.ByteStream`, and nobody behind it."""

    def __init__(self, name: str, answer: Callable[[bytes], Iterable[bytes]]) -> None:
        """``answer`` gives the lines, without their ends, that follow on what is sent."""
        self.name, self.where = name, "nowhere"
        self._answer = answer
        self._lines: list[bytes] = []

    def send(self, data: bytes) -> None:
        """Take what would be sent."""
        self._lines.extend(self._answer(data))

    def line(self, end: bytes, asked: str) -> bytes:
        """Return the next line of the answer."""
        if not self._lines:
            raise ProtocolError(f"{self.name} was asked {asked}, which a rehearsal does not know")
        return self._lines.pop(0)

    def discard(self) -> None:
        """Forget what was not asked for."""
        self._lines.clear()

    def close(self) -> None:
        """Do nothing: nothing is open."""
