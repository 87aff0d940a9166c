from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.snmp import (
    END_OF_MIB_VIEW,
    NO_SUCH_INSTANCE,
    NO_SUCH_OBJECT,
    NULL,
    Binding,
    Kind,
    Message,
    Operation,
    SnmpError,
    Value,
    decode,
    encode,
    encode_value,
)

numbers = st.integers(0, 2**32 - 1)
oids = st.tuples(st.integers(0, 2), st.integers(0, 39)).flatmap(
    lambda head: st.lists(numbers, max_size=12).map(lambda tail: (*head, *tail))
)
values = st.one_of(
    st.sampled_from([NULL, NO_SUCH_OBJECT, NO_SUCH_INSTANCE, END_OF_MIB_VIEW]),
    st.integers(-(2**31), 2**31 - 1).map(lambda number: Value(Kind.INTEGER, number)),
    st.binary(max_size=300).map(lambda octets: Value(Kind.OCTETS, octets)),
    oids.map(lambda oid: Value(Kind.OID, oid)),
    numbers.map(lambda number: Value(Kind.COUNTER32, number)),
    numbers.map(lambda number: Value(Kind.TIME_TICKS, number)),
    st.integers(0, 2**64 - 1).map(lambda number: Value(Kind.COUNTER64, number)),
)
messages = st.builds(
    Message,
    st.sampled_from(Operation),
    st.binary(max_size=20),
    st.integers(-(2**31), 2**31 - 1),
    st.lists(st.builds(Binding, oids, values), max_size=5).map(tuple),
    st.integers(0, 18),
    st.integers(0, 100),
)


@given(messages)
def test_a_message_survives_the_wire(message) -> None:
    assert decode(encode(message)) == message


@given(st.binary(max_size=80))
def test_any_datagram_is_a_message_or_a_refusal(datagram) -> None:
    try:
        message = decode(datagram)
    except SnmpError:
        return
    assert decode(encode(message)) == message


@given(messages, st.data())
def test_a_message_that_is_cut_or_changed_is_a_message_or_a_refusal(message, data) -> None:
    datagram = bytearray(encode(message))
    at = data.draw(st.integers(0, len(datagram) - 1))
    datagram[at] = data.draw(st.integers(0, 255))
    for broken in (bytes(datagram), bytes(datagram[:at])):
        with suppress(SnmpError):
            decode(broken)


def test_the_example_of_the_encoding_rules_is_as_published() -> None:
    # X.690, 8.19.5: {2 999 3} is 06 03 88 37 03; integers shortest, in two's complement
    assert encode_value(Value(Kind.OID, (2, 999, 3))).hex() == "0603883703"
    assert encode_value(Value(Kind.INTEGER, 0)).hex() == "020100"
    assert encode_value(Value(Kind.INTEGER, 127)).hex() == "02017f"
    assert encode_value(Value(Kind.INTEGER, 128)).hex() == "02020080"
    assert encode_value(Value(Kind.INTEGER, -128)).hex() == "020180"
    assert encode_value(Value(Kind.INTEGER, -129)).hex() == "0202ff7f"
    assert encode_value(Value(Kind.COUNTER64, 2**64 - 1)).hex() == "460900ffffffffffffffff"
    assert encode_value(Value(Kind.OCTETS, b"x" * 200))[:3].hex() == "0481c8"


def test_a_get_request_is_octet_for_octet_what_a_library_of_others_sends() -> None:
    # snmpget -v2c -c public of sysUpTime.0, request id 1, as Net-SNMP 5.9.3 sends it
    published = "302602010104067075626c6963a019020101020100020100300e300c06082b060102010103000500"
    wanted = Message(Operation.GET, b"public", 1, (Binding((1, 3, 6, 1, 2, 1, 1, 3, 0)),))
    assert decode(bytes.fromhex(published)) == wanted
    assert encode(wanted).hex() == published


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda d: d[:4] + b"\x00" + d[5:], "version 0 is not 2c"),
        (lambda d: d + b"\x00", "1 octets too many"),
        (lambda d: b"\x31" + d[1:], "tag 0x30 is wanted, got 0x31"),
        (lambda d: d[:13] + b"\xa7" + d[14:], "no operation has the tag 0xA7"),
        (lambda d: d[:-2] + b"\x09\x00", "no value has the tag 0x09"),
        (lambda d: d[:-3] + b"\x81" + d[-2:], "is cut off"),
        (lambda d: b"\x30\x80" + d[2:], "a length of 0 octets"),
        (lambda d: b"", "1 octets are wanted, 0 are left"),
    ],
)
def test_what_is_wrong_is_said(change, complaint) -> None:
    datagram = encode(Message(Operation.GET, b"public", 1, (Binding((1, 3, 6, 1)),)))
    with pytest.raises(SnmpError, match=complaint):
        decode(change(datagram))


@pytest.mark.parametrize(
    "value",
    [
        Value(Kind.INTEGER, 2**31),
        Value(Kind.COUNTER32, -1),
        Value(Kind.COUNTER64, 2**64),
        Value(Kind.INTEGER, None),
        Value(Kind.OID, (1,)),
        Value(Kind.OID, (3, 1)),
        Value(Kind.OID, (1, 40)),
    ],
)
def test_a_value_that_cannot_be_said_is_refused(value) -> None:
    with pytest.raises(SnmpError):
        encode_value(value)
