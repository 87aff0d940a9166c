"""Requests of a client to a data server's session, and the layout of the answers.

Places are those that the schema compiler gives for ``session.capnp``; a test holds them against it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from struct import Struct as Packing

from podium.firmware_interfaces.zurich import rpc
from podium.firmware_interfaces.zurich.capnp_reader import StructReader
from podium.firmware_interfaces.zurich.capnp_writer import StructWriter
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.refusals import CATEGORY, Refusal
from podium.firmware_interfaces.zurich.values import (
    AnnotatedValue,
    Value,
    WriteValue,
    read_value,
    write_annotated,
    write_value,
)

_U32, _U64, _I64, _F64 = (Packing(f"<{kind}") for kind in "IQqd")
_QUESTION_AT, _TIMESTAMP_AT = 32, 120
"""In the answer that holds one number; its value is in the last three words. The question stands
there in every answer."""
SESSION = 0xB9D445582DA4A55C
HPK = 0xA621130A90860008
"""The session together with what tells its schema."""
REFLECTION = 0xF9A52E68104BC776
PATH_MAX = 8192
"""Characters of a path or an expression. ASSUMED: clients write a hundred."""
STREAMING_HANDLE = 0xF51E28A7F5B41574
SESSION_VERSION = "1.10.0"
"""What the session can do (labone 1.1.0, ``TESTED_CAPABILITY_VERSION``)."""


@dataclass(frozen=True, slots=True)
class GetValue:
    """Values of a node, or of all that an expression fits."""

    paths: tuple[str, ...]
    expand: bool
    flags: int


@dataclass(frozen=True, slots=True)
class SetValue:
    """A new value for a node, or for all that an expression fits."""

    path: str
    value: Value
    expand: bool
    form: int
    """Method that was called: its answers differ in form (2, 8 or 9)."""


@dataclass(frozen=True, slots=True)
class ListNodes:
    """Names of nodes."""

    path: str
    flags: int


@dataclass(frozen=True, slots=True)
class ListNodesJson:
    """Nodes and what they are, as JSON."""

    path: str
    flags: int


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Send what changes at a node to a handle of the client."""

    path: str
    subscriber: bytes
    capability: int | None
    """Entry of the call's table of capabilities that is the handle."""


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Send no more."""

    subscriber: bytes
    paths: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DisconnectDevice:
    """Let go of the device."""


@dataclass(frozen=True, slots=True)
class GetSessionVersion:
    """Get the version of the session's interface."""


@dataclass(frozen=True, slots=True)
class GetTheSchema:
    """Of which types all messages are; asked by clients that have no schema of their own."""


Request = (
    GetValue
    | SetValue
    | ListNodes
    | ListNodesJson
    | Subscribe
    | Unsubscribe
    | DisconnectDevice
    | GetSessionVersion
    | GetTheSchema
)


def decode(call: rpc.Call) -> Request | None:
    """Return what a call asks; None: no session has such a method.

    Raises :class:`ProtocolError` where its parameters are none of that method.
    """
    if call.interface == REFLECTION and call.method == 0:
        return GetTheSchema()
    if call.interface not in (SESSION, HPK):
        return None
    reader = _READERS.get(call.method)
    return None if reader is None else reader(call.params.struct(0))


def _path(params: StructReader) -> str:
    """Return the path, or the expression for several, that stands first in the parameters."""
    path = params.text(0)
    if len(path) > PATH_MAX:
        raise ProtocolError(f"a path of {len(path)} characters, at most {PATH_MAX} are taken")
    return path


def _get_value(params: StructReader) -> Request:
    return GetValue((_path(params),), params.u16(0) == 1, params.u32(4))


def _get_values(params: StructReader) -> Request:
    return GetValue(params.texts(0), True, 0)


def _set_value(params: StructReader) -> Request:
    return SetValue(_path(params), read_value(params.struct(1)), params.u16(0) == 1, 9)


def _deprecated_set_value(params: StructReader) -> Request:
    return SetValue(_path(params), read_value(params.struct(1)), False, 2)


def _deprecated_set_value_2(params: StructReader) -> Request:
    return SetValue(_path(params), read_value(params.struct(1)), False, 8)


def _subscribe(params: StructReader) -> Request:
    subscription = params.struct(0)
    return Subscribe(_path(subscription), subscription.data(2), subscription.capability(1))


_READERS: dict[int, Callable[[StructReader], Request]] = {
    0: lambda params: ListNodes(_path(params), params.u32(0)),
    1: _get_values,
    2: _deprecated_set_value,
    3: _subscribe,
    4: lambda params: DisconnectDevice(),
    5: lambda params: ListNodesJson(_path(params), params.u32(0)),
    6: lambda params: Unsubscribe(params.data(0), params.texts(1)),
    7: lambda params: GetSessionVersion(),
    8: _deprecated_set_value_2,
    9: _set_value,
    10: _get_value,
}


def values_answer(
    question: int, found: Sequence[AnnotatedValue | Refusal], write: WriteValue = write_value
) -> bytes:
    """Return the answer to a get or a set: a list of results."""
    if len(found) == 1 and type(one := found[0]) is AnnotatedValue:
        if type(one.value) is int:
            return _number_answer(question, one.path, one.timestamp, _I64.pack(one.value), 0)
        if type(one.value) is float:
            return _number_answer(question, one.path, one.timestamp, _F64.pack(one.value), 1)
    return _values_answer(question, found, write)


def _number_answer(question: int, path: str, timestamp: int, value: bytes, kind: int) -> bytes:
    """Return what :func:`_values_answer` returns for one number: by far the commonest answer.

    All such answers with the same path are alike but for four places.
    """
    answer = bytearray(_shape_of_number_answer(path))
    _U32.pack_into(answer, _QUESTION_AT, question)
    _U64.pack_into(answer, _TIMESTAMP_AT, timestamp)
    answer[-24:-16] = value
    answer[-16] = kind
    return bytes(answer)


@lru_cache(maxsize=8192)
def _shape_of_number_answer(path: str) -> bytes:
    return _values_answer(0, (AnnotatedValue(path, 0, 0),))


def _values_answer(
    question: int, found: Sequence[AnnotatedValue | Refusal], write: WriteValue = write_value
) -> bytes:
    def fill(results: StructWriter) -> None:
        entries = results.structs(0, len(found), 1, 1)
        for entry, one in zip(entries, found, strict=True):
            _result(entry, one, write)

    return rpc.results_return(question, 0, 1, fill)


def value_answer(
    question: int, found: AnnotatedValue | Refusal, write: WriteValue = write_value
) -> bytes:
    """Return the answer to the second form of set: one result."""
    return rpc.results_return(
        question, 0, 1, lambda results: _result(results.struct(0, 1, 1), found, write)
    )


def done_answer(question: int, refusal: Refusal | None, *, keep: bool = False) -> bytes:
    """Return that it is done, or why not, where there is nothing to add.

    ``keep``: the handle that the caller sent along is held from now on.
    """

    def write(results: StructWriter) -> None:
        entry = results.struct(0, 1, 1)
        if refusal is None:
            entry.struct(0, 0, 0)
        else:
            _result(entry, refusal, write_value)

    return rpc.results_return(question, 0, 1, write, keep_capabilities=keep)


def void_answer(question: int) -> bytes:
    """Return that a call without results is done."""
    return rpc.results_return(question, 0, 0, lambda results: None)


def text_answer(question: int, text: str) -> bytes:
    """Return the answer to what asks for one text."""
    return rpc.results_return(question, 0, 1, lambda results: results.text(0, text))


def schema_answer(question: int) -> bytes:
    """Return the answer to :class:`GetTheSchema`: ``session.capnp``, compiled.

    The schema compiler has written all of the message but the number of the question.
    """
    answer = bytearray(_schema_answer())
    _U32.pack_into(answer, _QUESTION_AT, question)
    return bytes(answer)


@lru_cache(maxsize=1)
def _schema_answer() -> bytes:
    return files(__package__).joinpath("schema_answer.bin").read_bytes()


def paths_answer(question: int, paths: tuple[str, ...]) -> bytes:
    """Return the answer to :class:`ListNodes`."""
    return rpc.results_return(question, 0, 1, lambda results: results.texts(0, paths))


def send_values(
    question: int,
    handle: int,
    values: Sequence[AnnotatedValue],
    write: WriteValue = write_value,
) -> bytes:
    """Return the call that brings values to a subscriber's handle."""

    def fill(params: StructWriter) -> None:
        entries = params.structs(0, len(values), 0, 2)
        for entry, value in zip(entries, values, strict=True):
            write_annotated(value, entry, write)

    return rpc.call(question, handle, STREAMING_HANDLE, 0, 1, fill)


def handle_of(call: rpc.Call, subscribe: Subscribe) -> int:
    """Return the client's number of the handle that it sent. Raises :class:`ProtocolError`."""
    if subscribe.capability is None:
        raise ProtocolError(f"a subscription to {subscribe.path!r} without a handle to send to")
    return call.capability(subscribe.capability)


def _result(entry: StructWriter, found: AnnotatedValue | Refusal, write: WriteValue) -> None:
    if isinstance(found, AnnotatedValue):
        write_annotated(found, entry.struct(0, 0, 2), write)
        return
    entry.u16(0, 1)
    error = entry.struct(0, 1, 3)
    error.u32(0, found.code)
    error.u16(4, found.kind)
    error.text(0, found.message)
    error.text(1, CATEGORY)
