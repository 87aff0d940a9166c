from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, OffGridError
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.wrtd import (
    FRACTIONS_PER_NS,
    SECONDS_MAX,
    SIZE,
    EventFlag,
    EventMessage,
    EventTime,
    MessageError,
    check_event_id,
    decode,
    encode,
    is_alarm,
    is_local_channel,
    is_reserved,
)

ids = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=15)
times = st.builds(
    EventTime,
    st.integers(0, SECONDS_MAX),
    st.integers(0, 10**9 - 1),
    st.integers(0, FRACTIONS_PER_NS - 1),
)
messages = st.builds(
    EventMessage,
    ids,
    times,
    st.integers(0, 2**32 - 1),
    st.integers(0, 255),
    st.integers(0, 255).map(EventFlag),
)
orders = st.sampled_from(["little", "big"])
FIRE = EventMessage("START", EventTime(1_800_000_000, 25_000_000), sequence=7)


@given(messages, orders)
def test_a_message_survives_the_wire_in_either_byte_order(message, order) -> None:
    datagram = encode(message, order)
    assert len(datagram) == SIZE
    assert decode(datagram, order) == message


@given(st.binary(max_size=60), orders)
def test_any_datagram_is_a_message_or_a_refusal(datagram, order) -> None:
    try:
        message = decode(datagram, order)
    except MessageError:
        return
    assert decode(encode(message, order), order) == message


@given(st.binary(min_size=36, max_size=36), st.integers(0, 255), st.integers(0, 255))
def test_what_begins_like_a_message_is_a_message_or_a_refusal(middle, flags, pad) -> None:
    datagram = b"LXI" + middle[:33] + bytes([flags, 0, 0, pad])
    try:
        message = decode(datagram)
    except MessageError:
        return
    assert encode(message)[:39] == datagram[:39]


@pytest.mark.parametrize("length", [0, 39, 41, 1500])
def test_a_datagram_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(MessageError, match=f"has 40 bytes, this datagram has {length}"):
        decode(encode(FIRE).ljust(length, b"\0")[:length])


@pytest.mark.parametrize(
    ("at", "put", "complaint"),
    [
        (0, b"LXJ", "begins with b'LXI', this with b'LXJ'"),
        (4, bytes(16), "1 to 15 printable ASCII characters"),
        (4, b"A" * 16, "1 to 15 printable ASCII characters"),
        (4, b"ST\xe4RT\0", "1 to 15 printable ASCII characters"),
        (19, b"\x01", "filled up with nulls"),
        (28, (10**9).to_bytes(4, "little"), "nanoseconds .* 999999999, got 1000000000"),
        (37, b"\0\x08", "no data fields follow"),
    ],
)
def test_a_broken_field_is_named(at: int, put: bytes, complaint: str) -> None:
    datagram = bytearray(encode(FIRE))
    datagram[at : at + len(put)] = put
    with pytest.raises(MessageError, match=complaint):
        decode(bytes(datagram))


@pytest.mark.parametrize(
    ("field", "value"), [("sequence", 2**32), ("domain", 256), ("domain", -1), ("flags", 256)]
)
def test_a_number_that_its_field_cannot_hold_is_refused(field: str, value: int) -> None:
    with pytest.raises(MessageError, match=f"the {field} of a message lies in"):
        replace(FIRE, **{field: value})


@pytest.mark.parametrize("event_id", ["", "A" * 16, "two words", "tab\t", "null\0", "ü"])
def test_an_id_that_cannot_be_on_the_wire_is_refused(event_id: str) -> None:
    with pytest.raises(MessageError, match="1 to 15 printable ASCII"):
        check_event_id(event_id)


@given(times)
def test_an_instant_is_never_late_and_less_than_a_femtosecond_early(time) -> None:
    exact = (time.seconds * 10**9 + time.nanoseconds) * FRACTIONS_PER_NS + time.fraction
    early = exact * FS_PER_NS - time.total_fs * FRACTIONS_PER_NS
    assert 0 <= early < FRACTIONS_PER_NS
    assert time.tai == Tai.from_fs(time.total_fs)


@given(st.integers(0, SECONDS_MAX), st.integers(0, 10**9 - 1), st.integers(0, 63))
def test_whole_nanoseconds_and_sixty_fourths_of_one_are_exact(seconds, nanoseconds, part) -> None:
    total_fs = seconds * FS_PER_S + nanoseconds * FS_PER_NS + part * 15_625
    assert EventTime.from_fs(total_fs).total_fs == total_fs


def test_an_instant_between_two_that_a_message_can_say_is_refused_not_rounded() -> None:
    with pytest.raises(OffGridError, match="is between tick"):
        EventTime.from_fs(1_800_000_000 * FS_PER_S + 1)


def test_a_time_before_1970_is_refused() -> None:
    with pytest.raises(MessageError, match="seconds of an event's time"):
        EventTime.from_fs(-FS_PER_S)


def test_ids_say_what_kind_of_event_they_name() -> None:
    assert is_local_channel("LC-I1")
    assert is_local_channel("LC-O12")
    assert not is_local_channel("LC-O0")
    assert not is_local_channel("LC-X1")
    assert is_alarm("ALARM-1")
    assert is_alarm("alarm")
    assert not is_alarm("Alarm")
    assert [is_reserved(one) for one in ("LAN0", "LXI7", "LXIERROR", "START")] == [True] * 3 + [
        False
    ]
