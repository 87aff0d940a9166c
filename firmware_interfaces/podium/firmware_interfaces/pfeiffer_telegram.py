"""Telegrams of the Pfeiffer Vacuum protocol for RS-485: address, action, parameter, data, checksum.

``aaa`` ``00`` ``nnn`` ``02=?`` asks, ``aaa`` ``10`` ``nnn`` ``ll`` data sets and answers; then the
checksum (sum of all characters, modulo 256, three digits) and a carriage return. A device does
not answer group (9xx) and global (000) addresses, and keeps silent where a checksum is wrong.
Source: operating instructions of the TC 400, chapter 8, and of the TC 110 PB, chapter 8.
"""

from dataclasses import dataclass
from typing import Final

END = b"\r"
DATA_MAX = 99
"""Length field: two digits."""
ASKS, SETS = 0, 10
QUESTION: Final = "=?"
NO_SUCH_PARAMETER, OUT_OF_RANGE, NOT_ALLOWED = "NO_DEF", "_RANGE", "_LOGIC"
"""What a device says in place of data."""
_HEAD = 10
"""Characters before the data: address, action, parameter, length."""


class TelegramError(ValueError):
    """Characters are no telegram."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """One telegram, either way."""

    address: int
    action: int
    """:data:`ASKS` or :data:`SETS`; answers have the latter."""
    parameter: int
    data: str

    @property
    def asks(self) -> bool:
        """Whether it asks for the parameter's value."""
        return self.action == ASKS

    @property
    def refusal(self) -> str:
        """What the device says in place of data; empty: it has not refused."""
        refusals = (NO_SUCH_PARAMETER, OUT_OF_RANGE, NOT_ALLOWED)
        return self.data if self.data in refusals else ""


def question(address: int, parameter: int) -> Telegram:
    """Return the telegram that asks for a parameter."""
    return Telegram(address, ASKS, parameter, QUESTION)


def setting(address: int, parameter: int, data: str) -> Telegram:
    """Return the telegram that sets a parameter, or answers."""
    return Telegram(address, SETS, parameter, data)


def checksum(text: bytes) -> int:
    """Return the sum of all characters, modulo 256."""
    return sum(text) % 256


def encode(telegram: Telegram) -> bytes:
    """Return the characters of a telegram, with its carriage return."""
    text = (
        f"{telegram.address:03d}{telegram.action:02d}{telegram.parameter:03d}"
        f"{len(telegram.data):02d}{telegram.data}"
    ).encode("ascii")
    return text + f"{checksum(text):03d}".encode("ascii") + END


def decode(line: bytes) -> Telegram:
    """Return the telegram in a line without its carriage return; raises :class:`TelegramError`."""
    text, sum_text = line[:-3], line[-3:]
    numbers = text[:_HEAD] + sum_text
    if len(line) < _HEAD + 3 or not numbers.isdigit():
        raise TelegramError(f"{line!r} is too short, or has no digits where they belong")
    if int(sum_text) != checksum(text):
        raise TelegramError(f"the checksum of {line!r} would be {checksum(text):03d}")
    address, action, parameter, length = (
        int(text[at:to]) for at, to in ((0, 3), (3, 5), (5, 8), (8, 10))
    )
    data = text[_HEAD:]
    if action not in (ASKS, SETS) or length != len(data) or not data.isascii():
        raise TelegramError(f"{line!r} has another action or length than it says")
    return Telegram(address, action, parameter, data.decode("ascii"))
