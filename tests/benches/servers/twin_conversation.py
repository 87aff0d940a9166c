"""One connection to a twin in memory: a line is sent, and its answer is there at once."""

from typing import Any

from podium.firmware_interfaces.exact_time import FS_PER_S

US_PER_S = 1_000_000


class TwinConversation:
    """A twin, a session with it, and the time of lines that name none."""

    def __init__(self, twin: Any, port: str = "scpi", end: bytes = b"\n", now_s: int = 0) -> None:
        """``twin``: a ``Twin``; tests also call what only the one in hand has."""
        self.twin = twin
        self.session = twin.open(port)
        self.now_fs = now_s * FS_PER_S
        self._end = end

    def say(self, message: str | bytes, at_s: float | None = None) -> str:
        """Send one line at ``at_s`` (to the microsecond: time never goes back); return its answer.

        It comes without its end of line; empty where there is none yet.
        """
        now_fs = self.now_fs
        if at_s is not None:
            now_fs = round(at_s * US_PER_S) * (FS_PER_S // US_PER_S)
        data = message if isinstance(message, bytes) else message.encode()
        return self.session.feed(data + self._end, now_fs).decode("latin-1").rstrip("\r\n")

    def later(self, seconds: float) -> str:
        """Let time pass; return what the twin sent meanwhile."""
        self.now_fs += round(seconds * FS_PER_S)
        return self.session.feed(b"", self.now_fs).decode("latin-1").rstrip("\r\n")

    def number(self, query: str) -> float:
        """Return the answer to a query as a number."""
        return float(self.say(query))

    def error(self) -> str:
        """Take the oldest entry of the error queue (SCPI)."""
        return self.say("SYST:ERR?")
