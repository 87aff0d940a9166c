import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.hislip import (
    PAYLOAD_MAX,
    HislipError,
    Message,
    MessageSplitter,
    Type,
    Wrong,
    encode,
    response,
    size_of,
    size_payload,
)

messages = st.builds(
    Message,
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=40),
)


def test_a_header_is_laid_out_as_table_3_has_it() -> None:
    message = Message(Type.DATA_END, 1, 0xFFFFFF00, b"*IDN?")
    assert encode(message) == b"HS\x07\x01\xff\xff\xff\x00\0\0\0\0\0\0\0\x05*IDN?"


@given(st.lists(messages, max_size=5), st.integers(1, 40))
def test_chopping_the_stream_changes_nothing(sent, size) -> None:
    stream = b"".join(map(encode, sent))
    splitter, found = MessageSplitter(), []
    for at in range(0, len(stream), size):
        found += splitter.feed(stream[at : at + size])
    assert found == sent


def test_of_a_message_that_is_too_large_the_rest_is_passed_over() -> None:
    splitter = MessageSplitter()
    head = struct.pack("!2sBBIQ", b"HS", Type.DATA, 0, 5, PAYLOAD_MAX + 1)
    assert splitter.feed(head + bytes(1000)) == [Wrong.TOO_LARGE]
    after = encode(Message(Type.DATA_END, 0, 7, b"x"))
    assert splitter.feed(bytes(PAYLOAD_MAX + 1 - 1000) + after) == [
        Message(Type.DATA_END, 0, 7, b"x")
    ]


def test_what_begins_as_no_header_ends_the_stream_after_what_came_before() -> None:
    splitter = MessageSplitter()
    good = Message(Type.TRIGGER)
    assert splitter.feed(encode(good) + b"GET / HTTP/1.1\r\n\r\n") == [good]
    with pytest.raises(HislipError, match="begins with b'GE'"):
        splitter.feed(b"")


@given(st.binary(min_size=1, max_size=60), st.integers(1, 20))
def test_a_response_goes_in_parts_no_larger_than_the_client_takes(data, most) -> None:
    parts = MessageSplitter().feed(response(data, 9, most))
    assert b"".join(part.payload for part in parts) == data
    assert all(0 < len(part.payload) <= most and part.parameter == 9 for part in parts)
    assert [part.type for part in parts] == [Type.DATA] * (len(parts) - 1) + [Type.DATA_END]


def test_sizes_are_eight_bytes() -> None:
    assert size_of(size_payload(1 << 40)) == 1 << 40
    assert size_of(b"\0" * 4) is None
