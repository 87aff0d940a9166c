"""A twin behind HTTP/1.1, with WebSockets on the same port: bytes in, bytes out.

h11 reads and writes the messages (RFC 9112), wsproto the frames (RFC 6455).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import h11

from podium.sim_instruments.twins.faces.websocket import (
    MESSAGE_MAX,
    Conversation,
    WebSocketConnection,
)

BODY_MAX = MESSAGE_MAX
HEADERS_MAX = 16_384
"""Bytes of a request's head. ASSUMED: what servers usually take."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole."""

    method: str
    path: str
    """Without the query; ``%20`` and the like are decoded."""
    query: Mapping[str, str]
    """The last one of each name."""
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """The answer to a request."""

    status: HTTPStatus
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = field(default=())


class HttpApplication(Protocol):
    """Answers for a twin over HTTP."""

    def respond(self, request: HttpRequest, now_fs: int) -> HttpResponse:
        """Answer a request."""
        ...

    def converse(self, request: HttpRequest, now_fs: int) -> Conversation | HttpResponse:
        """Begin the conversation of a WebSocket, or say why not."""
        ...


class HttpSession:
    """One connection of a client."""

    def __init__(self, application: HttpApplication) -> None:
        self._application = application
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEADERS_MAX)
        self._request: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._socket: WebSocketConnection | None = None
        self._ended = False

    @property
    def ended(self) -> bool:
        """Tell whether the connection is to be closed."""
        return self._ended if self._socket is None else self._socket.ended

    def hung_up(self) -> None:
        """Nothing depends on a connection."""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return what is due; see :class:`Session`."""
        if self._socket is not None:
            return self._socket.feed(data, now_fs)
        if not data or self._ended:
            return b""
        self._http.receive_data(data)
        replies = b""
        while self._socket is None and not self._ended:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                replies += self._refuse(HTTPStatus(error.error_status_hint))
                break
            if event is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    replies += self._send(h11.InformationalResponse(status_code=100, headers=[]))
                break
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                break
            replies += self._take(event, now_fs)
        return replies

    def _take(self, event: object, now_fs: int) -> bytes:
        if isinstance(event, h11.Request):
            self._request, self._body, self._size = event, [], 0
        elif isinstance(event, h11.Data):
            self._size += len(event.data)
            if self._size > BODY_MAX:
                return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            self._body.append(bytes(event.data))
        elif isinstance(event, h11.EndOfMessage) and self._request is not None:
            return self._answer(self._request, b"".join(self._body), now_fs)
        return b""

    def _answer(self, head: h11.Request, body: bytes, now_fs: int) -> bytes:
        request = _request(head, body)
        if request is None:
            return self._refuse(HTTPStatus.BAD_REQUEST)
        if _header(head, b"upgrade").lower() == b"websocket":
            begun = self._application.converse(request, now_fs)
            if not isinstance(begun, HttpResponse):
                early = self._http.trailing_data[0]
                headers = [(bytes(name), bytes(value)) for name, value in head.headers]
                self._socket, accepted = WebSocketConnection.upgrade(
                    headers, head.target.decode("ascii"), begun
                )
                return accepted + self._socket.feed(early, now_fs)
            response = begun
        else:
            response = self._application.respond(request, now_fs)
        return self._respond(response, with_body=request.method != "HEAD")

    def _respond(self, response: HttpResponse, with_body: bool = True) -> bytes:
        headers = [
            ("Content-Type", response.content_type),
            ("Content-Length", str(len(response.body))),
            *response.headers,
        ]
        replies = self._send(
            h11.Response(
                status_code=response.status,
                reason=response.status.phrase.encode(),
                headers=headers,
            )
        )
        if response.body and with_body:
            replies += self._send(h11.Data(data=response.body))
        replies += self._send(h11.EndOfMessage())
        if self._http.our_state is h11.MUST_CLOSE:
            self._ended = True
        elif self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return replies

    def _refuse(self, status: HTTPStatus) -> bytes:
        """Answer what is no request, and close."""
        self._ended = True
        if self._http.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            return b""
        replies = self._respond(
            HttpResponse(status, status.phrase.encode(), "text/plain", (("Connection", "close"),))
        )
        self._ended = True
        return replies

    def _send(self, event: h11.Event) -> bytes:
        return self._http.send(event) or b""


def _header(head: h11.Request, name: bytes) -> bytes:
    return next((bytes(value) for key, value in head.headers if key == name), b"")


def _request(head: h11.Request, body: bytes) -> HttpRequest | None:
    """Return the request; None where its target is no path."""
    try:
        parts = urlsplit(head.target.decode("ascii"))
        query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=100))
        return HttpRequest(head.method.decode("ascii"), unquote(parts.path), query, body)
    except ValueError:
        return None
