"""HTTP and WebSockets of a twin: messages in pieces, several in one, and none at all."""

import base64
import hashlib
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.sim_instruments.twins.faces.http_server import (
    BODY_MAX,
    HttpRequest,
    HttpResponse,
    HttpSession,
)
from podium.sim_instruments.twins.twin import HangsUp

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (
    "GET /ws/values/?key=1 HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
).encode()
MASK = bytes.fromhex("37fa213d")


class Echo:
    """Says what it was asked; over a WebSocket in capitals, and on the hour."""

    def __init__(self) -> None:
        self.asked: list[HttpRequest] = []

    def respond(self, request: HttpRequest, now_fs: int) -> HttpResponse:
        self.asked.append(request)
        return HttpResponse(HTTPStatus.OK, f"{request.path} {len(request.body)}".encode())

    def converse(self, request: HttpRequest, now_fs: int):
        self.asked.append(request)
        if request.path != "/ws/values/":
            return HttpResponse(HTTPStatus.NOT_FOUND, b"nothing there")
        return self

    def receive(self, text: str, now_fs: int) -> list[str]:
        return [text.upper()]

    def due(self, now_fs: int) -> list[str]:
        return ["the hour"] if now_fs == 3600 else []


def frame(payload: bytes, opcode: int = 1, last: bool = True) -> bytes:
    """A client's frame, masked, as RFC 6455 5.2 draws it."""
    size = len(payload)
    length = bytes((0x80 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    masked = bytes(one ^ MASK[at % 4] for at, one in enumerate(payload))
    return bytes((0x80 * last | opcode,)) + length + MASK + masked


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def session(echo) -> HttpSession:
    return HttpSession(echo)


def post(path: str, body: bytes) -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def bodies(answers: bytes) -> list[bytes]:
    found = []
    while answers:
        head, _, rest = answers.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 OK")
        size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        found.append(rest[:size])
        answers = rest[size:]
    return found


def test_a_request_is_answered_and_the_connection_stays(session, echo) -> None:
    assert isinstance(session, HangsUp)
    request = b"GET /a%20b/c?x=1&y=&x=2 HTTP/1.1\r\nHost: a\r\n\r\n"
    assert bodies(session.feed(request, 0)) == [b"/a b/c 0"]
    assert echo.asked == [HttpRequest("GET", "/a b/c", {"x": "2", "y": ""})]
    assert bodies(session.feed(request, 0)) == [b"/a b/c 0"]
    assert not session.ended


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=4), st.integers(1, 50))
def test_chopping_the_stream_changes_nothing(given_bodies, size) -> None:
    echo = Echo()
    session = HttpSession(echo)
    stream = b"".join(post(f"/{n}", body) for n, body in enumerate(given_bodies))
    answers = b"".join(
        session.feed(stream[at : at + size], 0) for at in range(0, len(stream), size)
    )
    assert [one.body for one in echo.asked] == given_bodies
    assert bodies(answers) == [f"/{n} {len(body)}".encode() for n, body in enumerate(given_bodies)]


@given(st.binary(max_size=300))
def test_any_bytes_are_answered_or_refused(data) -> None:
    session = HttpSession(Echo())
    session.feed(data, 0)
    session.feed(b"\r\n\r\n", 0)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET //[ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 20_000, 431),
        (post("/", b"a" * (BODY_MAX + 1)), 413),
    ],
)
def test_what_is_no_request_is_refused_and_hung_up_on(session, echo, request_, status) -> None:
    assert session.feed(request_, 0).startswith(b"HTTP/1.1 %d " % status)
    assert session.ended
    assert session.feed(post("/", b""), 0) == b""
    assert echo.asked == []


def test_half_a_body_is_waited_for(session, echo) -> None:
    whole = post("/", b'{"data": 1}')
    assert session.feed(whole[:-1], 0) == b""
    assert echo.asked == []
    assert bodies(session.feed(whole[-1:], 0)) == [b"/ 11"]


def test_a_client_that_asks_to_be_hung_up_on_is(session) -> None:
    answer = session.feed(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 0)
    assert b"Connection: close" in answer
    assert session.ended


def test_of_a_head_only_the_head_is_answered(session) -> None:
    answer = session.feed(b"HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", 0)
    assert answer.endswith(b"Content-Length: 4\r\n\r\n")


def test_who_waits_before_sending_a_body_is_told_to_go_on(session) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    assert session.feed(head, 0).startswith(b"HTTP/1.1 100 ")
    assert bodies(session.feed(b"ab", 0)) == [b"/ 2"]


def test_an_upgrade_is_accepted_as_the_rfc_computes_it(session, echo) -> None:
    answer = session.feed(UPGRADE, 0)
    guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    accept = base64.b64encode(hashlib.sha1((KEY + guid).encode()).digest())
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"Sec-WebSocket-Accept: " + accept in answer
    assert echo.asked == [HttpRequest("GET", "/ws/values/", {"key": "1"})]


def test_messages_go_both_ways_in_pieces_and_at_their_time(session) -> None:
    early = UPGRADE + frame(b"he")  # with the request itself
    assert session.feed(early, 0).endswith(b"\x81\x02HE")
    parts = frame(b"hel", last=False) + frame(b"lo", opcode=0)
    answers = [session.feed(parts[at : at + 1], 0) for at in range(len(parts))]
    assert b"".join(answers) == b"\x81\x05HELLO"
    assert session.feed(b"", 3600) == b"\x81\x08the hour"
    assert session.feed(b"", 3601) == b""


def test_pings_are_answered_and_a_close_is_confirmed(session) -> None:
    session.feed(UPGRADE, 0)
    assert session.feed(frame(b"you?", opcode=9), 0) == b"\x8a\x04you?"
    assert session.feed(frame((1000).to_bytes(2, "big"), opcode=8), 0) == b"\x88\x02\x03\xe8"
    assert session.ended
    assert session.feed(frame(b"more"), 3600) == b""


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (frame(b"\0\1", opcode=2), 1003),
        (b"\x81\x02hi", 1002),
        (frame(b"x", opcode=3), 1002),
        (frame(b"\xff\xfe"), 1007),
    ],
    ids=["bytes", "not masked", "an opcode that there is not", "no text"],
)
def test_what_breaks_the_rules_closes_the_socket_with_the_reason(session, sent, reason) -> None:
    session.feed(UPGRADE, 0)
    answer = session.feed(sent, 0)
    assert answer[0] == 0x88
    assert session.ended
    assert int.from_bytes(answer[2:4], "big") == reason


def test_an_upgrade_of_what_there_is_not_is_answered_as_a_request(session) -> None:
    answer = session.feed(UPGRADE.replace(b"/ws/values/", b"/ws/other/"), 0)
    assert answer.startswith(b"HTTP/1.1 404 ")


@pytest.mark.parametrize("missing", [b"Sec-WebSocket-Version: 13\r\n", b"Connection: Upgrade\r\n"])
def test_half_an_upgrade_is_refused(session, missing) -> None:
    answer = session.feed(UPGRADE.replace(missing, b""), 0)
    assert answer.startswith(b"HTTP/1.1 4")
    assert session.ended
