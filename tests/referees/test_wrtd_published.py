"""Event messages against what others have published of them.

No other implementation could be installed (CERN's library speaks to a card in its own computer,
D-TACQ's tools are C++ programs of its boxes). So the judge is their published layout, taken down
here independently of our codec: offsets and byte order of D-TACQ's Wireshark dissector for UDP
port 5044, and the ``struct`` format of a Python sender for their boxes, packed by that format.
"""

import struct

from podium.firmware_interfaces.wrtd import SIZE, UDP_PORT, EventMessage, EventTime, decode, encode

SENDER = struct.Struct("<3sb16sIIIHHbxxx")
"""Native on the x86 and ARM computers that it runs on: little-endian, without holes."""
DISSECTED = {"hw_detect": (0, 3), "domain": (3, 1), "event_id": (4, 15)}
DISSECTED_LITTLE_ENDIAN = {"seq": 20, "ts_sec": 24, "ts_ns": 28}


def test_what_the_published_sender_packs_is_read() -> None:
    packed = SENDER.pack(b"LXI", 0, b"START", 0, 1_658_762_453, 500_000_000, 0, 0, 0)
    assert decode(packed) == EventMessage("START", EventTime(1_658_762_453, 500_000_000))


def test_what_we_pack_is_what_the_published_dissector_shows() -> None:
    datagram = encode(EventMessage("acq2106_112.0", EventTime(1_658_762_453, 500_000_000), 62))
    assert (len(datagram), UDP_PORT) == (SIZE, 5044)
    shown = {name: datagram[at : at + size] for name, (at, size) in DISSECTED.items()}
    assert shown == {
        "hw_detect": b"LXI",
        "domain": b"\0",
        "event_id": b"acq2106_112.0\0\0",
    }
    numbers = {
        name: int.from_bytes(datagram[at : at + 4], "little")
        for name, at in DISSECTED_LITTLE_ENDIAN.items()
    }
    assert numbers == {"seq": 62, "ts_sec": 1_658_762_453, "ts_ns": 500_000_000}
