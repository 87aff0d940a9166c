"""Errors of drivers, each named by what its caller should do next.

    InstrumentError
     +-- Refused         it said no: its state is what it was; fix the request
     +-- NotStarted      armed, but no trigger came: nothing has played; disarm it
     +-- Unreachable     no answer: its state is unknown; reconnect and read it again
     +-- ProtocolError   it broke the rules of its protocol: close the connection

Every message names the instrument, what was asked of it and what came back.
"""

from podium.firmware_interfaces.printable_text import printable


class InstrumentError(Exception):
    """Root of all errors of drivers. What the instrument said stands in it as it may be shown."""

    def __init__(self, *words: object) -> None:
        super().__init__(*(printable(one) if isinstance(one, str) else one for one in words))


class Refused(InstrumentError):
    """The instrument said no. Its outputs are as they were: fix the request."""


class NotStarted(InstrumentError):
    """It was armed and no trigger started it. Nothing has played, and it still waits: disarm it."""


class Unreachable(InstrumentError):
    """No (complete) answer. The instrument's state is unknown: reconnect and read it again."""


class ProtocolError(InstrumentError):
    """The instrument's answer breaks its protocol. The connection is of no more use: close it."""
