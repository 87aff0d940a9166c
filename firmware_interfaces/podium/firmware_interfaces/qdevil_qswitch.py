"""QDevil QSwitch, a breakout box with relays: its commands, relays and limits.

24 lines, each with ten relays: 0 to ground through 1 MOhm, 1 to 8 to the BNC breakouts, 9 to the
input. Sources: the vendor's ``qdac2-tools`` (``qswitch.py``, ``qswitch_driver.py``) and
``qcodes_contrib_drivers`` 0.24.1 (``QSwitch.py``) for headers, words and printed sessions; the
controller of nernst-bit/Special-Measure for what manual D22019-B00 (2025-03-21) says of limits,
channel lists (5.1), *OPC? (5.2) and *RST.
"""

from collections.abc import Iterable

from podium.firmware_interfaces.ieee4882.channel_list import (
    ChannelList,
    parse_channel_list,
    write_channel_list,
)
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Switch, Value

PORT = 5025
VENDOR = "Quantum Machines"
MODEL = "QSwitch"
RELEASES = ("1.3", "2.0")
"""Of its firmware. Ethernet is TCP up to 1.3, and UDP since 1.9 (``qdac2-tools``)."""
UDP_SINCE = (1, 9)
NO_ERROR = '0,"No error"'

Relay = tuple[int, int]
"""Line and tap."""
LINES = range(1, 25)
GROUND, INPUT = 0, 9
BREAKOUTS = range(1, 9)
TAPS = range(10)
BREAKOUTS_MAX = 40
"""Relays to breakouts that may be closed at once."""
LISTED_TAPS = (GROUND, INPUT, *BREAKOUTS)
"""In the order in which it lists them: the session that QDevil prints has 9 before 2. ASSUMED:
otherwise they ascend."""
RESET = frozenset((line, GROUND) for line in LINES)
"""What *RST closes."""


class OnOff(Switch):
    """On or off; answered as words. ASSUMED: QDevil's simulation answers so."""

    def answer(self, value: Value) -> str:
        """Write on or off."""
        return "on" if value else "off"


_RELAYS = (ChannelList(),)
CLOSE = Command("[:ROUTe]:CLOSe", _RELAYS, _RELAYS)
OPEN = Command("[:ROUTe]:OPEN", _RELAYS, _RELAYS)
STATE = Command("[:ROUTe][:CLOSe]:STATe", asks=())
AUTOSAVE = Command("[:SYSTem]:AUTosave", (OnOff(),), ())
BEEPER = Command("[:SYSTem]:BEEPer:STATe", (OnOff(),), ())
ABORT = Command(":ABORt", ())
RESTART = Command("[:SYSTem]:RESTart", ())
ERROR = Command("[:SYSTem]:ERRor", asks=())
ERROR_NEXT = Command("[:SYSTem][:ERRor]:NEXT", asks=())
ERRORS = Command("[:SYSTem][:ERRor]:ALL", asks=())
ERROR_COUNT = Command("[:SYSTem]:ERRor:COUNt", asks=())
MAC = Command(":SYSTem:COMMunicate:LAN:MAC", asks=())
LAN_CLOSE = Command(":SYSTem:COMMunicate:LAN:CLOSe", ())
"""It drops the Ethernet connection that there is, so that another may come (Debugging.ipynb)."""


def takes_datagrams(release: str) -> bool:
    """Tell whether a release of its firmware is reached over UDP; raises ValueError."""
    return tuple(int(part) for part in release.split(".")) >= UDP_SINCE


def relays_of(text: str) -> tuple[Relay, ...]:
    """Return the relays of a channel list; raises :class:`ScpiError`.

    A range goes over lines, at one tap, upwards: others are refused. ASSUMED: the code.
    """
    found: list[Relay] = []
    for entry in parse_channel_list(text):
        if len(entry.first) != 2:
            raise ScpiError(-171, text[:60])
        (first, tap), (last, other) = entry.first, entry.last
        if first not in LINES or last not in LINES or tap not in TAPS or other not in TAPS:
            raise ScpiError(-222, f"{entry.first} to {entry.last}: there is no such relay")
        if tap != other or last < first:
            raise ScpiError(-171, f"{first}!{tap}:{last}!{other} is no range of lines")
        found += ((line, tap) for line in range(first, last + 1))
    return tuple(found)


def channel_list_of(relays: Iterable[Relay]) -> str:
    """Return the shortest list of relays, in the order in which it lists them."""
    closed = frozenset(relays)
    return write_channel_list(tuple(entry for tap in LISTED_TAPS for entry in _ranges(closed, tap)))


def _ranges(closed: frozenset[Relay], tap: int) -> list[str]:
    found: list[str] = []
    first: int | None = None
    for line in (*LINES, LINES.stop):
        here = (line, tap) in closed
        if here and first is None:
            first = line
        elif not here and first is not None:
            last = line - 1
            found.append(f"{first}!{tap}" if last == first else f"{first}!{tap}:{last}!{tap}")
            first = None
    return found
