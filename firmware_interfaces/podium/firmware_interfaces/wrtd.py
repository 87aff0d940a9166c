"""LXI event messages as White Rabbit Trigger Distribution sends them: 40 bytes in one datagram.

Sources, each for what it is cited for: ``wrtd-common.h`` of CERN's WRTD (order and widths of
the fields, length of an id, unit of its 32-bit fraction), the WRTD manual "Basic concepts"
(what an event id may be), D-TACQ's open WRTD tools (byte order, port, group), and the table of
contents of the LXI Consortium's "LXI Event Messaging Extended Function" 1.0 (that there are
rules for the domain, for a time stamp of zero, for acknowledgements). The text of that standard
was not at hand: what depends on it is marked ASSUMED.
"""

import re
import struct
from dataclasses import dataclass
from enum import IntFlag
from fractions import Fraction
from typing import Literal, Self

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, TickGrid
from podium.firmware_interfaces.tai import Tai

UDP_PORT = 5044  # LXI event port; IANA lxi-evntsvc
MULTICAST_GROUP = "224.0.23.159"
"""Group of the standard. A setting of real networks only: nothing joins it unasked."""
SIZE = 40
ID_SIZE = 16  # wrtd-common.h: WRTD_ID_LEN
ID_MAX = ID_SIZE - 1  # WRTD manual 3.2.1: 15 characters and a null
HARDWARE_DETECT = b"LXI"
FRACTIONS_PER_NS = 2**16
"""Unit of the fraction field: 2**-16 ns. ASSUMED: the field holds the upper half of the
library's 32-bit fraction, whose unit is 2**-32 ns."""
GRID = TickGrid(Fraction(FS_PER_NS, FRACTIONS_PER_NS))
"""The instants that a message can name: every 15.2587890625 fs."""
SECONDS_MAX = 2**48 - 1

ByteOrder = Literal["little", "big"]
BYTE_ORDER: ByteOrder = "little"
"""ASSUMED: D-TACQ's sender packs and its Wireshark dissector reads little-endian numbers;
what the LXI standard asks was not found, and is a setting wherever messages are made."""

_LOCAL = re.compile(r"LC-[IO][1-9]\d*")
_RESERVED = re.compile(r"LXI\d+|LXIERROR|LAN\d+")


class MessageError(ValueError):
    """A datagram is no event message, or a message cannot be put on the wire."""


class EventFlag(IntFlag):
    """Bits of the flags byte. ASSUMED: from memory of the LXI standard; CERN's nodes send 0."""

    ERROR = 1
    RETRANSMISSION = 2
    HARDWARE_VALUE = 4
    ACKNOWLEDGEMENT = 8
    STATELESS = 16


NO_FLAGS = EventFlag(0)


@dataclass(frozen=True, slots=True, order=True)
class EventTime:
    """The time of an event, in TAI, as the message holds it."""

    seconds: int
    """Since 1970-01-01 00:00:00 TAI, 48 bits."""
    nanoseconds: int
    fraction: int = 0
    """Of a nanosecond, in units of 2**-16 ns."""

    def __post_init__(self) -> None:
        for name, value, most in (
            ("seconds", self.seconds, SECONDS_MAX),
            ("nanoseconds", self.nanoseconds, 10**9 - 1),
            ("fraction", self.fraction, FRACTIONS_PER_NS - 1),
        ):
            if not 0 <= value <= most:
                raise MessageError(f"{name} of an event's time lie in 0 ... {most}, got {value}")

    @classmethod
    def from_fs(cls, total_fs: int) -> Self:
        """Return the instant ``total_fs`` after 1970-01-01 TAI.

        Raises :class:`.OffGridError` where no message can say it (:data:`GRID`; every whole
        nanosecond can be said), and :class:`MessageError` before 1970.
        """
        nanoseconds, fraction = divmod(GRID.ticks(total_fs), FRACTIONS_PER_NS)
        return cls(*divmod(nanoseconds, 10**9), fraction)

    @property
    def total_fs(self) -> int:
        """Femtoseconds since 1970-01-01 TAI; the last whole one where it lies between two."""
        nanoseconds_fs = self.seconds * FS_PER_S + self.nanoseconds * FS_PER_NS
        return nanoseconds_fs + self.fraction * FS_PER_NS // FRACTIONS_PER_NS

    @property
    def tai(self) -> Tai:
        """The instant, to the femtosecond at or before it."""
        return Tai.from_fs(self.total_fs)


def check_event_id(event_id: str) -> str:
    """Return ``event_id`` if it can be on the wire; raises :class:`MessageError` otherwise."""
    if not 1 <= len(event_id) <= ID_MAX or not all("!" <= letter <= "~" for letter in event_id):
        raise MessageError(
            f"an event id has 1 to {ID_MAX} printable ASCII characters without blanks, "
            f"got {event_id!r}"
        )
    return event_id


def is_local_channel(event_id: str) -> bool:
    """Tell whether it names an input or output of the node itself (``LC-I1``, ``LC-O2``)."""
    return _LOCAL.fullmatch(event_id) is not None


def is_alarm(event_id: str) -> bool:
    """Tell whether it names an alarm (WRTD manual 3.2.1: the prefix in either case)."""
    return event_id.startswith(("alarm", "ALARM"))


def is_reserved(event_id: str) -> bool:
    """Tell whether the LXI standard keeps it for itself (``LAN0``, ``LXI1``, ``LXIERROR``).

    WRTD manual 3.2.1 warns of them; they go over the wire like any other.
    """
    return _RESERVED.fullmatch(event_id) is not None


@dataclass(frozen=True, slots=True)
class EventMessage:
    """One event on its way over the network."""

    event_id: str
    at: EventTime
    sequence: int = 0
    """Counts up at the sender."""
    domain: int = 0
    """Keeps several systems on one network apart."""
    flags: EventFlag = NO_FLAGS

    def __post_init__(self) -> None:
        check_event_id(self.event_id)
        for name, value, most in (
            ("sequence", self.sequence, 2**32 - 1),
            ("domain", self.domain, 255),
            ("flags", int(self.flags), 255),
        ):
            if not 0 <= value <= most:
                raise MessageError(f"the {name} of a message lies in 0 ... {most}, got {value}")


def _layout(byte_order: ByteOrder) -> struct.Struct:
    # hw_detect, domain, event_id, seq, ts_sec, ts_ns, ts_frac, ts_hi_sec, flags, zero[2], pad
    return struct.Struct(("<" if byte_order == "little" else ">") + "3sB16sIIIHHB2sx")


_LAYOUTS: dict[ByteOrder, struct.Struct] = {"little": _layout("little"), "big": _layout("big")}


def encode(message: EventMessage, byte_order: ByteOrder = BYTE_ORDER) -> bytes:
    """Return the datagram of ``message``: always :data:`SIZE` bytes."""
    high_seconds, low_seconds = divmod(message.at.seconds, 2**32)
    return _LAYOUTS[byte_order].pack(
        HARDWARE_DETECT,
        message.domain,
        message.event_id.encode("ascii"),
        message.sequence,
        low_seconds,
        message.at.nanoseconds,
        message.at.fraction,
        high_seconds,
        int(message.flags),
        b"\0\0",
    )


def decode(datagram: bytes, byte_order: ByteOrder = BYTE_ORDER) -> EventMessage:
    """Return the message in ``datagram``; raises :class:`MessageError` with what is wrong."""
    if len(datagram) != SIZE:
        raise MessageError(f"an event message has {SIZE} bytes, this datagram has {len(datagram)}")
    fields = _LAYOUTS[byte_order].unpack(datagram)
    detect, domain, event_id, sequence, low_seconds, nanoseconds, fraction, high_seconds = fields[
        :8
    ]
    flags, zeros = fields[8:]
    if detect != HARDWARE_DETECT:
        raise MessageError(
            f"an event message begins with {HARDWARE_DETECT!r}, this with {detect!r}"
        )
    if zeros != b"\0\0":
        raise MessageError(f"bytes 37 and 38 are zero: no data fields follow; got {zeros!r}")
    text, _, rest = event_id.partition(b"\0")
    if rest.strip(b"\0"):
        raise MessageError(f"an event id is filled up with nulls, got {event_id!r}")
    return EventMessage(
        text.decode("latin-1"),
        EventTime(high_seconds * 2**32 + low_seconds, nanoseconds, fraction),
        sequence,
        domain,
        EventFlag(flags),
    )
