"""A firmware behind the core channel of VXI-11: each link has a session of the firmware.

Without the abort channel and without interrupts: their procedures are answered "not supported".
A read waits for a response until its time is over, in world time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from podium.firmware_interfaces import vxi11
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.vxi11 import (
    Accept,
    Call,
    CallSplitter,
    Code,
    Flag,
    GarbageArguments,
    Procedure,
    Reason,
    RpcError,
)
from podium.sim_instruments.twins.faces.message_device import (
    QUERY_INTERRUPTED,
    QUERY_UNTERMINATED,
    MessageDevice,
    terminated,
)

DEVICES = frozenset({"inst0", ""})
FS_PER_MS = FS_PER_S // 1000
LINKS_MAX = 32
"""ASSUMED."""
NO_ABORT_PORT = 0


@dataclass(slots=True)
class _Link:
    """One link of a client."""

    device: MessageDevice
    message: bytes = b""
    """Received so far of a message that has not ended."""
    response: bytes = b""
    """Left of the responses."""
    asked: bool = False
    """Something was sent since the last response."""


@dataclass(slots=True)
class Vxi11Server:
    """The core channel of one instrument."""

    open_device: Callable[[], MessageDevice]
    links: dict[int, _Link] = field(default_factory=dict)
    locked_by: int | None = None
    """Link that has the lock."""
    message_max: int = vxi11.RECEIVE_MAX
    """Bytes of a message, in as many pieces as it may come."""
    _next: int = 0

    def open(self) -> "Vxi11Connection":
        """Return a fresh connection."""
        return Vxi11Connection(self)

    def create(self) -> int | None:
        """Return a new link; None where there are too many."""
        if len(self.links) >= LINKS_MAX:
            return None
        self._next += 1
        self.links[self._next] = _Link(self.open_device())
        return self._next

    def destroy(self, number: int) -> None:
        """Forget a link and its lock."""
        self.links.pop(number, None)
        if self.locked_by == number:
            self.locked_by = None


class Vxi11Connection:
    """One TCP connection: calls are answered in order; one that waits holds the next ones up."""

    def __init__(self, server: Vxi11Server) -> None:
        self._server = server
        self._splitter = CallSplitter()
        self._calls: list[Call] = []
        self._since_fs: int | None = None
        """When the first of them came to be carried out; None: it has not."""
        self._own: set[int] = set()
        self.ended = False

    def hung_up(self) -> None:
        """Destroy the links of a client that is gone."""
        for number in self._own:
            self._server.destroy(number)
        self._own.clear()

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the replies that are due; see :class:`Session`."""
        if self.ended:
            return b""
        try:
            self._calls += self._splitter.feed(data)
        except RpcError:
            self.ended = True
            self.hung_up()
            return b""
        replies = b""
        while self._calls:
            if self._since_fs is None:
                self._since_fs = now_fs
            reply = self._reply(self._calls[0], now_fs - self._since_fs, now_fs)
            if reply is None:
                break
            replies += reply
            self._calls.pop(0)
            self._since_fs = None
        return replies

    def _reply(self, call: Call, waited_fs: int, now_fs: int) -> bytes | None:
        """Return the reply to a call; None: it waits."""
        if call.rpc_version != vxi11.RPC_VERSION:
            return vxi11.wrong_rpc_version(call)
        if call.program != vxi11.CORE_PROGRAM:
            return vxi11.accepted(call, Accept.PROGRAM_UNAVAILABLE)
        if call.version != vxi11.CORE_VERSION:
            versions = vxi11.words(vxi11.CORE_VERSION, vxi11.CORE_VERSION)
            return vxi11.accepted(call, Accept.PROGRAM_MISMATCH, versions)
        try:
            procedure = Procedure(call.procedure)
        except ValueError:
            return vxi11.accepted(call, Accept.PROCEDURE_UNAVAILABLE)
        try:
            results = self._results(procedure, call.arguments, waited_fs, now_fs)
        except GarbageArguments:
            return vxi11.accepted(call, Accept.GARBAGE_ARGUMENTS)
        return None if results is None else vxi11.accepted(call, Accept.SUCCESS, results)

    def _results(
        self, procedure: Procedure, arguments: bytes, waited_fs: int, now_fs: int
    ) -> bytes | None:
        match procedure:
            case Procedure.NULL:
                return b""
            case Procedure.CREATE_LINK:
                return self._create(arguments, waited_fs)
            case Procedure.CREATE_INTR_CHAN | Procedure.DESTROY_INTR_CHAN:
                return vxi11.words(Code.NOT_SUPPORTED)
            case Procedure.DEVICE_DOCMD:
                return vxi11.words(Code.NOT_SUPPORTED, 0)
        number = vxi11.read_link_id(arguments)
        link = self._server.links.get(number) if number in self._own else None
        match procedure:
            case Procedure.DEVICE_WRITE:
                return self._write(link, arguments, waited_fs, now_fs)
            case Procedure.DEVICE_READ:
                return self._read(link, arguments, waited_fs, now_fs)
            case Procedure.DEVICE_READSTB:
                if link is None:
                    return vxi11.words(Code.INVALID_LINK, 0)
                return vxi11.words(Code.NONE, link.device.poll(bool(link.response), now_fs))
        return self._command(procedure, number, link)

    def _command(self, procedure: Procedure, number: int, link: _Link | None) -> bytes:
        """Carry out what is answered by an error code alone."""
        server = self._server
        if link is None:
            return vxi11.words(Code.INVALID_LINK)
        match procedure:
            case Procedure.DESTROY_LINK:
                server.destroy(number)
                self._own.discard(number)
            case Procedure.DEVICE_UNLOCK:
                if server.locked_by != number:
                    return vxi11.words(Code.NO_LOCK_HELD)
                server.locked_by = None
            case Procedure.DEVICE_LOCK:
                if server.locked_by not in (None, number):
                    return vxi11.words(Code.LOCKED_BY_OTHER)  # ASSUMED: at once
                server.locked_by = number
            case Procedure.DEVICE_TRIGGER | Procedure.DEVICE_ENABLE_SRQ:
                return vxi11.words(Code.NOT_SUPPORTED)
            case Procedure.DEVICE_CLEAR:
                if self._kept_out(number):
                    return vxi11.words(Code.LOCKED_BY_OTHER)
                link.device.clear()
                link.message, link.response, link.asked = b"", b"", False
        return vxi11.words(Code.NONE)

    def _kept_out(self, number: int) -> bool:
        return self._server.locked_by not in (None, number)

    def _create(self, arguments: bytes, waited_fs: int) -> bytes | None:
        asked = vxi11.read_link(arguments)
        server = self._server
        if asked.lock and server.locked_by is not None:
            if waited_fs < asked.lock_timeout_ms * FS_PER_MS:
                return None
            return vxi11.words(Code.LOCKED_BY_OTHER, 0, NO_ABORT_PORT, 0)
        if asked.device.lower() not in DEVICES:
            return vxi11.words(Code.NOT_ACCESSIBLE, 0, NO_ABORT_PORT, 0)
        number = server.create()
        if number is None:
            return vxi11.words(Code.OUT_OF_RESOURCES, 0, NO_ABORT_PORT, 0)
        self._own.add(number)
        if asked.lock:
            server.locked_by = number
        return vxi11.words(Code.NONE, number, NO_ABORT_PORT, vxi11.RECEIVE_MAX)

    def _write(
        self, link: _Link | None, arguments: bytes, waited_fs: int, now_fs: int
    ) -> bytes | None:
        asked = vxi11.read_write(arguments)
        if link is None:
            return vxi11.words(Code.INVALID_LINK, 0)
        if self._kept_out(asked.link):
            if asked.flags & Flag.WAIT_LOCK and waited_fs < asked.lock_timeout_ms * FS_PER_MS:
                return None
            return vxi11.words(Code.LOCKED_BY_OTHER, 0)
        if len(asked.data) > vxi11.RECEIVE_MAX or len(link.message) > self._server.message_max:
            link.message = b""
            return vxi11.words(Code.PARAMETER, 0)
        if link.response and not link.message:
            link.response = b""
            link.device.report(QUERY_INTERRUPTED)
        link.message += asked.data
        if asked.flags & Flag.END:
            whole, link.message = link.message, b""
            link.response += link.device.feed(terminated(whole), now_fs)
            link.asked = True
        return vxi11.words(Code.NONE, len(asked.data))

    def _read(
        self, link: _Link | None, arguments: bytes, waited_fs: int, now_fs: int
    ) -> bytes | None:
        asked = vxi11.read_read(arguments)
        if link is None:
            return _read_results(Code.INVALID_LINK)
        if self._kept_out(asked.link):
            if asked.flags & Flag.WAIT_LOCK and waited_fs < asked.lock_timeout_ms * FS_PER_MS:
                return None
            return _read_results(Code.LOCKED_BY_OTHER)
        link.response += link.device.feed(b"", now_fs)
        if not link.response:
            if waited_fs < asked.io_timeout_ms * FS_PER_MS:
                return None
            if not link.asked:
                link.device.report(QUERY_UNTERMINATED)
            return _read_results(Code.IO_TIMEOUT)
        size, reason = min(asked.size, len(link.response)), Reason(0)
        if asked.flags & Flag.TERMINATOR_SET:
            at = link.response.find(asked.terminator, 0, size)
            if at >= 0:
                size, reason = at + 1, Reason.TERMINATOR
        data, link.response = link.response[:size], link.response[size:]
        if size == asked.size:
            reason |= Reason.REQUEST_COUNT
        if not link.response:
            reason |= Reason.END
            link.asked = False
        return _read_results(Code.NONE, reason, data)


def _read_results(code: Code, reason: int = 0, data: bytes = b"") -> bytes:
    return vxi11.words(code, reason) + vxi11.opaque(data)
