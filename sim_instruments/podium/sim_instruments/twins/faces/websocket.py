"""The server's end of a WebSocket: frames in, text messages to a conversation, frames out."""

from typing import Protocol, Self

from wsproto import WSConnection
from wsproto.connection import ConnectionType
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

MESSAGE_MAX = 1 << 20
"""Bytes of a message. ASSUMED: many times what clients send."""


class Conversation(Protocol):
    """Text messages over one WebSocket."""

    def receive(self, text: str, now_fs: int) -> list[str]:
        """Take a message; return what is answered at once."""
        ...

    def due(self, now_fs: int) -> list[str]:
        """Return what has fallen due since it was asked last."""
        ...


class WebSocketConnection:
    """One WebSocket, from its upgrade on."""

    def __init__(self, wire: WSConnection, conversation: Conversation) -> None:
        self._wire = wire
        self._conversation = conversation
        self._parts: list[str] = []
        self._size = 0
        self.ended = False

    @classmethod
    def upgrade(
        cls, headers: list[tuple[bytes, bytes]], target: str, conversation: Conversation
    ) -> tuple[Self, bytes]:
        """Return the WebSocket that an HTTP request asks for, and the answer to the request.

        Where the request is none of RFC 6455, the answer refuses it and the WebSocket has ended.
        """
        wire = WSConnection(ConnectionType.SERVER)
        self = cls(wire, conversation)
        try:
            wire.initiate_upgrade_connection(headers, target)
            for event in wire.events():
                if isinstance(event, Request):
                    return self, wire.send(AcceptConnection())
        except RemoteProtocolError as error:
            self.ended = True
            hint = error.event_hint
            if isinstance(hint, RejectConnection):
                return self, wire.send(hint)
        except (LocalProtocolError, UnicodeDecodeError):  # of a header that is no ASCII
            pass
        self.ended = True
        return self, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return frames that are due."""
        if self.ended:
            return b""
        replies = b""
        if data:
            try:
                self._wire.receive_data(data)
                for event in self._wire.events():
                    replies += self._take(event, now_fs)
                    if self.ended:
                        return replies
            except RemoteProtocolError:
                return replies + self._close(CloseReason.PROTOCOL_ERROR)
        return replies + self._texts(self._conversation.due(now_fs))

    def _take(self, event: Event, now_fs: int) -> bytes:
        match event:
            case TextMessage():
                self._size += len(event.data)
                if self._size > MESSAGE_MAX:
                    return self._close(CloseReason.MESSAGE_TOO_BIG)
                self._parts.append(event.data)
                if not event.message_finished:
                    return b""
                text = "".join(self._parts)
                self._parts, self._size = [], 0
                return self._texts(self._conversation.receive(text, now_fs))
            case BytesMessage():
                return self._close(CloseReason.UNSUPPORTED_DATA)
            case Ping():
                return self._wire.send(event.response())
            case CloseConnection():
                self.ended = True
                return self._wire.send(event.response())
        return b""

    def _texts(self, texts: list[str]) -> bytes:
        return b"".join(self._wire.send(TextMessage(data=text)) for text in texts)

    def _close(self, reason: CloseReason) -> bytes:
        self.ended = True
        try:
            return self._wire.send(CloseConnection(code=reason))
        except LocalProtocolError:
            return b""
