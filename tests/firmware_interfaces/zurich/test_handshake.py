import json

import pytest

from podium.firmware_interfaces.zurich import handshake
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.handshake import KernelRequest, NoKernel, Reason

SEEN = (
    b"GET /api/v1/kernel/devid/dev12000?interface=1GbE&autolaunch=1&api=6 HTTP/1.1\r\n"
    b"Connection: Upgrade\r\nUpgrade: capnp,binmsg\r\nHost: 127.0.0.1:8004\r\n"
    b"Accept: application/capnp\r\nZhinst.Client.WantsCntAndTriggersAsVectors: true\r\n\r\n"
)
"""What zhinst.core 26.7.2 sends."""


def test_the_hello_is_a_line_of_json_in_256_bytes():
    said = handshake.hello("26.7.2")
    assert len(said) == 256
    words = json.loads(said.rstrip(b"\0"))
    assert words == {
        "kind": "orchestrator",
        "protocol": "http",
        "schema": "1.4.0",
        "l1Ver": "26.7.2",
    }
    assert said.rstrip(b"\0").endswith(b"\n")
    with pytest.raises(ValueError, match="a hello of"):
        handshake.hello("2" * 300)


def test_a_request_of_the_vendors_client_is_understood_wherever_it_is_cut():
    for cut in range(len(SEEN) - 1):
        assert handshake.split_request(SEEN[:cut]) is None
    split = handshake.split_request(SEEN + b"rest")
    assert split is not None
    head, rest = split
    assert rest == b"rest"
    request = handshake.parse_request(head)
    assert isinstance(request, KernelRequest)
    assert (request.kernel, request.upgrade) == ("dev12000", True)
    assert request.query == {"interface": "1GbE", "autolaunch": "1", "api": "6"}
    assert request.headers["accept"] == "application/capnp"


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("/", Reason.BAD_REQUEST),
        ("/api/v1/kernel/other", Reason.KERNEL_NOT_FOUND),
        ("/api/v1/kernel/devid/abc", Reason.ILLEGAL_DEVICE_IDENTIFIER),
    ],
)
def test_what_is_not_served_is_refused_with_a_reason(target, reason):
    request = handshake.parse_request(f"GET {target} HTTP/1.1".encode())
    assert isinstance(request, NoKernel)
    assert request.reason is reason
    told = handshake.refused(request, "application/json")
    assert json.loads(told.partition(b"\r\n\r\n")[2])["err"]["code"] == reason.word()
    assert b"\r\nConnection: close\r\n" in told


def test_a_reason_is_written_as_clients_of_python_read_it():
    assert Reason.ILLEGAL_DEVICE_IDENTIFIER.word() == "illegalDeviceIdentifier"


@pytest.mark.parametrize(
    "received",
    [b"POST / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b"G\0", b"GET " + b"x" * 20_000],
)
def test_what_begins_like_no_request_breaks_the_rules(received):
    with pytest.raises(ProtocolError):
        handshake.split_request(received)


@pytest.mark.parametrize(
    "head", [b"GET /", b"GET / FTP/1", b"GET / HTTP/1.1\r\nno header", b"GET http://[ HTTP/1.1"]
)
def test_half_a_request_breaks_the_rules(head):
    with pytest.raises(ProtocolError):
        handshake.parse_request(head)
