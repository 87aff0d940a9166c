"""Channel lists of SCPI: ``(@1:4,7)`` of channels, ``(@1!0:24!0)`` of crosspoints.

SCPI-1999, volume 1, 8.3.2: entries with commas between, ranges with a colon, dimensions with an
exclamation mark.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.program_message import (
    Empty,
    Expression,
    Parameter,
)

ENTRIES_MAX = 1000
"""Entries and ranges of one list. ASSUMED: what an instrument takes differs."""

_LIST = re.compile(r"\(\s*+@([^()]*+)\)")
_NUMBERS = re.compile(r"\s*+(\d{1,4}+(?:!\d{1,4}+)*+)\s*+")

Place = tuple[int, ...]
"""One channel; a number for each dimension."""


@dataclass(frozen=True, slots=True)
class ChannelRange:
    """One entry of a list, from a channel to a channel, both included."""

    first: Place
    last: Place


def parse_channel_list(text: str) -> tuple[ChannelRange, ...]:
    """Return the entries of ``text`` as written; raises :class:`ScpiError` -171, or -223."""
    whole = _LIST.fullmatch(text)
    if whole is None:
        raise ScpiError(-171, text[:60])
    if not whole[1].strip():
        return ()
    entries = whole[1].split(",", ENTRIES_MAX)
    if len(entries) > ENTRIES_MAX:
        raise ScpiError(-223, f"more than {ENTRIES_MAX} entries in a channel list")
    return tuple(_entry(entry) for entry in entries)


def channel_numbers(text: str, highest: int) -> tuple[int, ...]:
    """Return the channels of a list of one dimension, each from 1 to ``highest``, in order.

    A range may go down. Raises :class:`ScpiError` -171 for other dimensions, -222 for a channel
    that there is not.
    """
    found: list[int] = []
    for entry in parse_channel_list(text):
        if len(entry.first) != 1:
            raise ScpiError(-171, text[:60])
        first, last = entry.first[0], entry.last[0]
        for one in (first, last):
            if not 1 <= one <= highest:
                raise ScpiError(-222, f"channel {one} of {highest}")
        found += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    return tuple(found)


def write_channel_list(places: Iterator[str] | tuple[str, ...]) -> str:
    """Return the list of entries that are written already, such as ``1!0:24!0``."""
    return f"(@{','.join(places)})"


@dataclass(frozen=True, slots=True)
class ChannelList:
    """A channel list as the parameter of a command; what channels there are the firmware knows."""

    def take(self, parameter: Parameter) -> Expression:
        """Take a list that is written as one."""
        match parameter:
            case Expression(text):
                parse_channel_list(text)
                return parameter
            case Empty():
                raise ScpiError(-109)
        raise ScpiError(-171, "a channel list is wanted")

    def answer(self, value: Value) -> str:
        """Write the list."""
        return value.text if isinstance(value, Expression) else ""


def _entry(text: str) -> ChannelRange:
    first, colon, last = text.partition(":")
    begin = _place(first, text)
    end = _place(last, text) if colon else begin
    if len(begin) != len(end):
        raise ScpiError(-171, text[:60])
    return ChannelRange(begin, end)


def _place(text: str, entry: str) -> Place:
    match = _NUMBERS.fullmatch(text)
    if match is None:
        raise ScpiError(-171, entry[:60])
    return tuple(int(number) for number in match[1].split("!"))
