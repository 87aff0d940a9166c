"""Message-based faces (HiSLIP, VXI-11) ask this of an instrument's firmware."""

from typing import Protocol

QUERY_INTERRUPTED = -410
QUERY_UNTERMINATED = -420


class MessageDevice(Protocol):
    """A connection to a firmware that takes program messages and has a status byte."""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes and return response messages that are due; see :class:`.twin.Session`."""
        ...

    def clear(self) -> None:
        """Forget what was received and not carried out (IEEE 488.2, 5.8)."""
        ...

    def poll(self, available: bool, now_fs: int) -> int:
        """Return the status byte; ``available``: a response waits to be read."""
        ...

    def report(self, code: int) -> None:
        """Queue an error of the exchange (IEEE 488.2, 6.3.2)."""
        ...


def terminated(message: bytes) -> bytes:
    """Return a program message that END has ended, with the newline that END stands for.

    One that it ends with already may be the last byte of a block; else what follows it is nothing.
    """
    return message + b"\n"
