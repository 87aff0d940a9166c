"""Cap'n Proto's remote calls between two parties, as far as a data server needs them.

Places of fields are those of ``rpc.capnp`` (Cap'n Proto 1.0); a test holds them against what the
schema compiler says. Capabilities are sent by callers only (a subscriber's handle); what is
exported is one object, the session.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from podium.firmware_interfaces.zurich.capnp_framing import Frame
from podium.firmware_interfaces.zurich.capnp_reader import StructReader, root
from podium.firmware_interfaces.zurich.capnp_writer import MessageWriter, StructWriter
from podium.firmware_interfaces.zurich.errors import ProtocolError

UNIMPLEMENTED, ABORT, CALL, RETURN, FINISH, RESOLVE, RELEASE = range(7)
BOOTSTRAP, DISEMBARGO = 8, 13
"""Kinds of message, as ``rpc.capnp`` numbers them."""
FAILED, OVERLOADED, DISCONNECTED, UNIMPLEMENTED_CALL = range(4)
"""Kinds of exception."""


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """The peer asks for the object that the connection is for."""

    question: int


@dataclass(frozen=True, slots=True)
class Call:
    """The peer calls a method."""

    question: int
    imported: int | None
    """Number of the object that is called, as it was exported; None: the answer of another call."""
    promised: int
    """The question whose answer is called."""
    deep: bool
    """Not the answer itself is called but something within it."""
    interface: int
    method: int
    params: StructReader
    """Payload: its content is pointer 0."""

    def capability(self, entry: int) -> int:
        """Return the peer's number of an object that it hands over.

        Raises :class:`ProtocolError` where that entry of the table hands over none.
        """
        table = self.params.structs(1)
        if entry >= len(table) or table[entry].u16(0) not in (1, 2):
            raise ProtocolError(f"capability {entry} of a call is not one that its sender has")
        return table[entry].u32(4)


@dataclass(frozen=True, slots=True)
class CallReturn:
    """The peer has carried out a call of ours, or not."""

    question: int
    done: bool


@dataclass(frozen=True, slots=True)
class Finish:
    """The peer needs an answer no more."""

    question: int


@dataclass(frozen=True, slots=True)
class Release:
    """The peer holds an exported object no more."""

    exported: int
    count: int


@dataclass(frozen=True, slots=True)
class Disembargo:
    """The peer wants to know when all calls that it sent before have arrived."""

    embargo: int


@dataclass(frozen=True, slots=True)
class Abort:
    """The peer ends the connection; or, sent, we do."""

    reason: str = field(default="")


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """The peer does not know a message that we sent."""


RpcMessage = (
    Bootstrap | Call | CallReturn | Finish | Release | Disembargo | Abort | NotUnderstood
)  # fmt: skip


def decode(frame: Frame) -> RpcMessage:
    """Return the message in a frame. Raises :class:`ProtocolError` for what is none."""
    message = root(frame)
    kind = message.u16(0)
    body = message.struct(0)
    if kind == CALL:
        target = body.struct(0)
        if target.u16(4) == 0:
            imported, promised, deep = target.u32(0), 0, False
        elif target.u16(4) == 1:
            answer = target.struct(0)
            imported, promised = None, answer.u32(0)
            deep = any(op.u16(0) for op in answer.structs(0))
        else:
            raise ProtocolError(f"a call to a target of unknown kind {target.u16(4)}")
        return Call(
            body.u32(0), imported, promised, deep, body.u64(8), body.u16(4), body.struct(1)
        )  # fmt: skip
    if kind == FINISH:
        return Finish(body.u32(0))
    if kind == RETURN:
        return CallReturn(body.u32(0), body.u16(6) == 0)
    if kind == BOOTSTRAP:
        return Bootstrap(body.u32(0))
    if kind == RELEASE:
        return Release(body.u32(0), body.u32(4))
    if kind == DISEMBARGO and body.u16(4) == 0:
        return Disembargo(body.u32(0))
    if kind == ABORT:
        return Abort(body.text(0))
    if kind == UNIMPLEMENTED:
        return NotUnderstood()
    raise ProtocolError(f"a message of kind {kind}, which means nothing here")


def bootstrap_return(question: int, exported: int) -> bytes:
    """Return the answer to :class:`Bootstrap`: the object exported under that number."""
    message, payload = _return(question)
    payload.capability(0, 0)
    entry = payload.structs(1, 1, 1, 1)[0]
    entry.u16(0, 1)
    entry.u32(4, exported)
    return message.framed()


def results_return(
    question: int,
    data_words: int,
    pointers: int,
    write: Callable[[StructWriter], None],
    *,
    keep_capabilities: bool = False,
) -> bytes:
    """Return the answer to a call, whose results ``write`` fills.

    ``keep_capabilities``: what the caller handed over is held beyond the call.
    """
    message, payload = _return(question, keep_capabilities)
    write(payload.struct(0, data_words, pointers))
    return message.framed()


def exception_return(question: int, reason: str, kind: int = FAILED) -> bytes:
    """Return the answer to a call that cannot be carried out."""
    message = MessageWriter(1, 1)
    message.root.u16(0, RETURN)
    body = message.root.struct(0, 2, 1)
    body.u32(0, question)
    body.u16(6, 1)
    _exception(body.struct(0, 1, 2), reason, kind)
    return message.framed()


def call(
    question: int,
    target: int,
    interface: int,
    method: int,
    pointers: int,
    write: Callable[[StructWriter], None],
) -> bytes:
    """Return a call of an object of the peer; ``write`` fills its parameters."""
    message = MessageWriter(1, 1)
    message.root.u16(0, CALL)
    body = message.root.struct(0, 3, 3)
    body.u32(0, question)
    body.u16(4, method)
    body.u64(8, interface)
    body.struct(0, 1, 1).u32(0, target)
    write(body.struct(1, 0, 2).struct(0, 0, pointers))
    return message.framed()


def finish(question: int) -> bytes:
    """Return that an answer of the peer is needed no more."""
    message = MessageWriter(1, 1)
    message.root.u16(0, FINISH)
    message.root.struct(0, 1, 0).u32(0, question)
    return message.framed()


def release(imported: int, count: int = 1) -> bytes:
    """Return that an object of the peer is held no more, so many times."""
    message = MessageWriter(1, 1)
    message.root.u16(0, RELEASE)
    body = message.root.struct(0, 1, 0)
    body.u32(0, imported)
    body.u32(4, count)
    return message.framed()


def disembargo_reply(embargo: int, target: int) -> bytes:
    """Return that all calls sent before :class:`Disembargo` have arrived."""
    message = MessageWriter(1, 1)
    message.root.u16(0, DISEMBARGO)
    body = message.root.struct(0, 1, 1)
    body.u32(0, embargo)
    body.u16(4, 1)
    body.struct(0, 1, 1).u32(0, target)
    return message.framed()


def abort(reason: str) -> bytes:
    """Return that the connection ends, and why."""
    message = MessageWriter(1, 1)
    message.root.u16(0, ABORT)
    _exception(message.root.struct(0, 1, 2), reason, FAILED)
    return message.framed()


def _return(question: int, keep_capabilities: bool = False) -> tuple[MessageWriter, StructWriter]:
    message = MessageWriter(1, 1)
    message.root.u16(0, RETURN)
    body = message.root.struct(0, 2, 1)
    body.u32(0, question)
    body.boolean(32, keep_capabilities)
    return message, body.struct(0, 0, 2)


def _exception(body: StructWriter, reason: str, kind: int) -> None:
    body.text(0, reason)
    body.u16(4, kind)
