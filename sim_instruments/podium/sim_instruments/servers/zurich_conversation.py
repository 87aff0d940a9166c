"""Bytes of one connection to a data server become requests and answers that a person reads.

Both ends number and stamp as they like, and answers come when they are ready: bytes cannot be
compared, words can. Time stamps are left out. Of what is sent to subscribers by itself only the
nodes are compared: when it comes depends on the world.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from zlib import crc32

from podium.firmware_interfaces.zurich import rpc, session_messages
from podium.firmware_interfaces.zurich.capnp_framing import Frame, Splitter
from podium.firmware_interfaces.zurich.capnp_reader import StructReader, root
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.handshake import HELLO_BYTES
from podium.firmware_interfaces.zurich.session_messages import (
    GetSessionVersion,
    GetTheSchema,
    GetValue,
    ListNodes,
    ListNodesJson,
    Request,
    SetValue,
)
from podium.firmware_interfaces.zurich.values import Element, Value, Vector, read_value
from podium.sim_instruments.twins.zurich.data_server.request_words import request_words, value_words

_HEAD_END = b"\r\n\r\n"
_ONE_RESULT = 8
"""Form of a set whose answer is one result; that of form 9 is a list of them."""


@dataclass(slots=True)
class ServerMessages:
    """Messages of a server on one connection."""

    hello: str = ""
    """And the first line of its HTTP answer."""
    returns: dict[int, list[StructReader]] = field(default_factory=dict)
    """Bodies of returns, by question: a number is used again once it is free."""
    sent_by_itself: set[str] = field(default_factory=set)
    """Nodes whose values went to subscribers."""


@dataclass(slots=True)
class ClientRequest:
    """One request."""

    place: int
    """Among all that was sent, on all connections."""
    words: str
    question: int | None
    """None: it is how the connection begins."""
    use: int = 0
    """Of that number: its first, its second ..."""
    request: Request | None = None


class RequestReader:
    """Takes what a client sends, in pieces."""

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._splitter = Splitter()
        self._uses: Counter[int] = Counter()
        self.asked: list[ClientRequest] = []

    def feed(self, place: int, data: bytes) -> None:
        """Take a piece. Raises :class:`ProtocolError` for what no client sends."""
        if self._head is not None:
            self._head += data
            head, end, data = self._head.partition(_HEAD_END)
            if not end:
                return
            self._head = None
            line = head.partition(b"\r\n")[0].decode("ascii", "backslashreplace")
            self.asked.append(ClientRequest(place, line.removesuffix(" HTTP/1.1"), None))
        for frame in self._splitter.feed(data) if data else ():
            message = rpc.decode(frame)
            if not isinstance(message, rpc.Call | rpc.Bootstrap):
                continue
            use = self._uses[message.question]
            self._uses[message.question] += 1
            if isinstance(message, rpc.Call):
                request = session_messages.decode(message)
                words = f"method {message.method} of interface {message.interface:#x}"
                if request is not None:
                    words = request_words(request)
                self.asked.append(ClientRequest(place, words, message.question, use, request))


def heard(stream: bytes) -> ServerMessages:
    """Return what a server said; a last message that is cut short is left out."""
    found = ServerMessages(
        stream[:HELLO_BYTES].rstrip(b"\0").decode("ascii", "backslashreplace").strip()
    )
    head, end, rest = stream[HELLO_BYTES:].partition(_HEAD_END)
    if not end:
        return found
    line = head.partition(b"\r\n")[0].decode("ascii", "backslashreplace")
    found.hello = f"{found.hello} {line}"
    if b" 101 " not in head.partition(b"\r\n")[0]:
        return found
    for frame in Splitter().feed(rest):
        _take(found, frame)
    return found


def _take(found: ServerMessages, frame: Frame) -> None:
    message = root(frame)
    kind, body = message.u16(0), message.struct(0)
    if kind == rpc.RETURN:
        found.returns.setdefault(body.u32(0), []).append(body)
    elif kind == rpc.CALL and body.u64(8) == session_messages.STREAMING_HANDLE:
        for one in body.struct(1).struct(0).structs(0):
            found.sent_by_itself.add(one.struct(0).text(0).lower())


def answer_words(asked: ClientRequest, told: ServerMessages) -> str:
    """Return how a request was answered; empty: not at all."""
    if asked.question is None:
        return told.hello
    returns = told.returns.get(asked.question, [])
    if len(returns) <= asked.use:
        return ""
    body = returns[asked.use]
    try:
        if body.u16(6):
            return f"exception: {body.struct(0).text(0)}"
        return _results_words(asked.request, body.struct(0).struct(0))
    except ProtocolError as error:
        return f"an answer that means nothing: {error}"


def _results_words(request: Request | None, results: StructReader) -> str:
    match request:
        case SetValue(form=form) if form == _ONE_RESULT:
            return _result_words(results.struct(0))
        case GetValue() | SetValue(form=9):
            return "; ".join(map(_result_words, results.structs(0)))
        case ListNodes():
            return " ".join(results.texts(0)).lower()
        case ListNodesJson() | GetSessionVersion():
            return results.text(0)
        case GetTheSchema() | None:
            return "an answer"
    return _done_words(results.struct(0))


def _done_words(entry: StructReader) -> str:
    return _error_words(entry) if entry.u16(0) else "done"


def _result_words(entry: StructReader) -> str:
    if entry.u16(0):
        return _error_words(entry)
    annotated = entry.struct(0)
    path, value = annotated.struct(0).text(0), read_value(annotated.struct(1))
    return f"{path.lower()} = {_value_words(value)}"


def _error_words(entry: StructReader) -> str:
    error = entry.struct(0)
    return f"refused, {error.u32(0):#x}: {error.text(0)}"


def _value_words(value: Value) -> str:
    words = value_words(value)
    if isinstance(value, Vector) and value.element is not Element.STRING:
        return f"{words} with checksum {crc32(value.content)}"
    return words


def by_itself(told: Iterable[str]) -> str:
    """Return nodes that a server told subscribers of."""
    return " ".join(sorted(told))
