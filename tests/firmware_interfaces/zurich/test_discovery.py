import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.zurich.discovery import QUESTION

from podium.firmware_interfaces.zurich.discovery import (
    DATAGRAM_BYTES_MAX,
    DiscoveredDevice,
    DiscoveredServer,
    answer,
    parse_question,
)
from podium.firmware_interfaces.zurich.errors import ProtocolError

FREE = DiscoveredDevice("dev12000", "SHFQC", ("16W", "RTR"), ("1GbE", "USB"), "", "")


def test_the_question_of_the_vendors_client_is_understood():
    assert parse_question(QUESTION) == "vm-5897301b-a3b5-4cf0-acd9-6cc8d0c96e00"


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b'{"request":"zi-discovery-request"}',
        b'{"request":"zi-discovery-request","id":1}',
        b'{"request":"zi-discovery-request","id":""}',
        b'{"request":"zi-discovery-answer","id":"a"}',
        b"[" * DATAGRAM_BYTES_MAX,
        QUESTION.replace(b"vm-", b"v" * 300),
        QUESTION + b" " * DATAGRAM_BYTES_MAX,
    ],
)
def test_whatever_else_comes_is_no_question(datagram):
    with pytest.raises(ProtocolError):
        parse_question(datagram)


@given(st.binary() | st.integers(0, len(QUESTION)).map(lambda end: QUESTION[:end]))
def test_no_datagram_raises_anything_else(datagram):
    with contextlib.suppress(ProtocolError):
        assert parse_question(datagram)


def test_an_answer_bears_the_questions_id_and_says_where_the_data_server_is():
    server = DiscoveredServer("podium-1", "127.0.0.1", 8004, "26.7.2", (FREE,))
    (told,) = json.loads(answer("asked", server))["servers"]
    assert json.loads(answer("asked", server))["id"] == "asked"
    assert (told["addresses"], told["port"]) == (["127.0.0.1"], "8004")
    (device,) = told["devices"]
    assert (device["serial"], device["type"]) == ("DEV12000", "SHFQC")
    assert (device["available"], device["status"]) == ("1", "free")
    assert "connectedServerUid" not in device


@pytest.mark.parametrize(("connected_by", "owner"), [("1GbE", "podium-1"), ("", "upstairs")])
def test_an_instrument_that_somebody_has_is_not_available(connected_by, owner):
    taken = DiscoveredDevice("dev1", "PQSC", (), ("1GbE",), connected_by, owner)
    server = DiscoveredServer("podium-1", "127.0.0.1", 8004, "26.7.2", (taken,))
    (device,) = json.loads(answer("asked", server))["servers"][0]["devices"]
    assert (device["available"], device["status"], device["owner"]) == ("0", "In use", owner)
    assert device.get("connectedServerUid") == ("podium-1" if connected_by else None)


def test_an_answer_with_all_instruments_of_a_large_rack_fits_a_datagram_of_the_client():
    devices = tuple(
        DiscoveredDevice(f"dev{12000 + n}", "SHFQC", FREE.options, FREE.interfaces, "1GbE", "p")
        for n in range(12)
    )
    server = DiscoveredServer("podium-91127935", "127.0.0.1", 8004, "26.7.2", devices)
    assert len(answer("x" * 39, server)) <= DATAGRAM_BYTES_MAX
