import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.wrtd_node import (
    Attribute,
    ErrorCode,
    LineError,
    Link,
    Request,
    ServiceError,
    Timestamp,
    decode_answer,
    decode_request,
    encode_answer,
    encode_request,
)

plain = st.none() | st.booleans() | st.integers(-(2**31), 2**31) | st.text(max_size=20)
requests = st.builds(
    Request, st.integers(0, 2**31), st.text(max_size=20), st.lists(plain, max_size=3).map(tuple)
)
stamps = st.builds(
    Timestamp, st.integers(0, 2**32 - 1), st.integers(0, 10**9 - 1), st.integers(0, 2**32 - 1)
)


@given(requests)
def test_a_call_is_one_line_and_survives_the_wire(request_) -> None:
    line = encode_request(request_)
    assert line.count(b"\n") == 1
    assert decode_request(line) == request_


@given(st.integers(0, 2**31), plain)
def test_an_answer_survives_the_wire(number, value) -> None:
    assert decode_answer(encode_answer(number, value), number) == value


@given(st.binary(max_size=60) | plain.map(lambda value: json.dumps({"id": value}).encode()))
def test_any_line_is_a_call_or_an_answer_or_a_refusal(line) -> None:
    for decode in (decode_request, lambda line: decode_answer(line, 1)):
        with contextlib.suppress(LineError, ServiceError):
            decode(line)


def test_a_refusal_is_told_with_its_code() -> None:
    line = encode_answer(3, ServiceError(ErrorCode.RULE_EXISTS, "there is one"))
    with pytest.raises(ServiceError, match="there is one") as told:
        decode_answer(line, 3)
    assert told.value.code == 0xBFFA6006


def test_the_answer_to_another_call_is_not_taken_for_this_one() -> None:
    with pytest.raises(LineError, match="to call 4 says that it is to 3"):
        decode_answer(encode_answer(3, True), 4)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"[1]", "one JSON object a line"),
        (b'{"id": 1, "call": 2}', "a request is"),
        (b'{"id": 1, "call": "a", "args": {}}', "a request is"),
        (b'{"id": "1", "call": "a"}', "id is a whole number"),
        (b'{"id": true, "call": "a"}', "id is a whole number"),
        (b"[" * 100_000, "one JSON object a line"),
    ],
)
def test_what_is_no_call_is_refused_with_what_would_be(line, complaint) -> None:
    with pytest.raises(LineError, match=complaint):
        decode_request(line)


@given(stamps)
def test_a_time_stamp_survives_the_wire(stamp) -> None:
    assert Timestamp.of(json.loads(json.dumps(stamp.as_json()))) == stamp


@given(st.integers(0, 2**32 * 10**15 - 1))
def test_every_femtosecond_has_a_time_stamp(total_fs) -> None:
    assert Timestamp.from_fs(total_fs).total_fs == total_fs


@pytest.mark.parametrize(
    "value", [None, 5, {"seconds": 1, "ns": 2}, {"seconds": 1, "ns": 10**9, "frac": 0}]
)
def test_what_is_no_time_stamp_is_refused(value) -> None:
    with pytest.raises(LineError, match="time stamp"):
        Timestamp.of(value)


def test_numbers_are_those_of_the_library() -> None:
    base = 1_150_000  # PyWrtd.py, __WRTD_ATTR_BASE, and offsets as published there
    published = {
        "IS_TIME_SYNCHRONIZED": 0x02,
        "SYS_TIME": 0x03,
        "RULE_COUNT": 0x20,
        "RULE_ENABLED": 0x21,
        "RULE_SOURCE": 0x23,
        "RULE_DESTINATION": 0x24,
        "RULE_SEND_LATE": 0x25,
        "RULE_DELAY": 0x26,
        "RULE_HOLDOFF": 0x27,
        "STAT_RULE_RX_EVENTS": 0x30,
        "STAT_RULE_TX_EVENTS": 0x32,
        "STAT_RULE_MISSED_LATE": 0x34,
        "STAT_RULE_MISSED_HOLDOFF": 0x35,
        "STAT_RULE_MISSED_NOSYNC": 0x36,
        "STAT_RULE_MISSED_OVERFLOW": 0x37,
        "FW_MAX_RULES": 0x85,
        "FW_LOCAL_OUTPUTS": 0x8B,
    }
    assert {name: Attribute[name] - base for name in published} == published
    assert [link.name for link in Link] == ["OFFLINE", "ONLINE", "SYNCING", "WAIT", "SYNCED"]
