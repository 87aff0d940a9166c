"""A firmware behind HiSLIP: each client has two connections, one session of the firmware.

Synchronous mode. A client that holds a lock is served alone: messages of others wait.
"""

from collections.abc import Callable

from podium.firmware_interfaces import hislip
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.hislip import (
    Fatal,
    HislipError,
    Lock,
    Message,
    MessageSplitter,
    Type,
    Wrong,
)
from podium.sim_instruments.twins.faces.message_device import (
    QUERY_INTERRUPTED,
    MessageDevice,
    terminated,
)

VENDOR_ID = int.from_bytes(b"PD", "big")
FS_PER_MS = FS_PER_S // 1000
MASTER_SUMMARY = 64
CLIENTS_MAX = 32
"""ASSUMED."""


class HislipServer:
    """The HiSLIP port of one instrument."""

    def __init__(self, open_device: Callable[[], MessageDevice]) -> None:
        self._open_device = open_device
        self._clients: dict[int, _Client] = {}
        self._next = 0
        self.locks = Locks()

    def open(self) -> "HislipConnection":
        """Return a fresh connection; which of a client's two it is, its first message says."""
        return HislipConnection(self)

    def begin(self) -> "_Client | None":
        """Return a new client; None where there are too many."""
        if len(self._clients) >= CLIENTS_MAX:
            return None
        self._next = self._next % 0xFFFF + 1
        while self._next in self._clients:
            self._next = self._next % 0xFFFF + 1
        client = _Client(self._next, self._open_device())
        self._clients[self._next] = client
        return client

    def known(self, number: int) -> "_Client | None":
        """Return the client of that session."""
        return self._clients.get(number)

    def end(self, client: "_Client") -> None:
        """Forget a client: one of its connections is gone."""
        client.ended = True
        self._clients.pop(client.number, None)
        self.locks.forget(client.number)


class Locks:
    """Who may talk to the instrument: everybody, or who holds a lock (IVI-6.1, 6.5)."""

    def __init__(self) -> None:
        self.exclusive: int | None = None
        self.shared: set[int] = set()
        self._word = b""

    def take(self, client: int, word: bytes) -> Lock:
        """Lock for a client, with others that say the same word, or alone without one."""
        if self.exclusive not in (None, client):
            return Lock.FAILURE
        if word:
            if client in self.shared or self.exclusive == client:
                return Lock.ERROR
            if self.shared and word != self._word:
                return Lock.FAILURE
            self._word = word
            self.shared.add(client)
            return Lock.SUCCESS
        if self.exclusive == client:
            return Lock.ERROR
        if self.shared - {client}:
            return Lock.FAILURE
        self.exclusive = client
        return Lock.SUCCESS

    def release(self, client: int) -> Lock:
        """Release the exclusive lock of a client, else its shared one."""
        if self.exclusive == client:
            self.exclusive = None
            return Lock.SUCCESS
        if client in self.shared:
            self.shared.discard(client)
            return Lock.SUCCESS_SHARED
        return Lock.ERROR

    def forget(self, client: int) -> None:
        """Release all that a client held."""
        self.exclusive = None if self.exclusive == client else self.exclusive
        self.shared.discard(client)

    def keep_out(self, client: int) -> bool:
        """Tell whether a client has to wait."""
        if self.exclusive is not None:
            return self.exclusive != client
        return bool(self.shared) and client not in self.shared


class _Client:
    """What the two connections of a client have in common."""

    def __init__(self, number: int, device: MessageDevice) -> None:
        self.number = number
        self.device = device
        self.joined = False
        """Its asynchronous connection is there."""
        self.ended = False
        self.payload_max = hislip.PAYLOAD_MAX
        self.clearing = False
        """From the clear on one connection until it is complete on the other."""
        self.delivered = True
        """The client has had all of the last response, as far as it has said."""
        self.interrupted: list[int] = []
        """Messages that came before the response to the one before was read."""


class HislipConnection:
    """One of a client's two connections."""

    def __init__(self, server: HislipServer) -> None:
        self._server = server
        self._splitter = MessageSplitter()
        self._client: _Client | None = None
        self._synchronous = True
        self._waiting: list[Message | Wrong] = []
        self._message = b""
        self._message_id = 0
        self._lock_until_fs: int | None = None
        self._lock_word = b""
        self._requested = False
        """Service, as far as the client knows."""
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether the connection is to be closed."""
        return self._ended or (self._client is not None and self._client.ended)

    def hung_up(self) -> None:
        """End the client whose connection is gone."""
        if self._client is not None:
            self._server.end(self._client)

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return messages that are due; see :class:`Session`."""
        if self.ended:
            return b""
        try:
            self._waiting += self._splitter.feed(data)
        except HislipError as error:
            return self._fatal(Fatal.BAD_HEADER, str(error))
        replies = b""
        while self._waiting and not self._kept_out() and not self.ended:
            replies += self._take(self._waiting.pop(0), now_fs)
        return replies + self._due(now_fs)

    def _kept_out(self) -> bool:
        """Tell whether somebody else's lock holds up what came on the synchronous connection."""
        client = self._client
        return (
            client is not None and self._synchronous and self._server.locks.keep_out(client.number)
        )

    def _due(self, now_fs: int) -> bytes:
        client = self._client
        if client is None or self.ended:
            return b""
        if self._synchronous:
            return b"" if self._kept_out() or client.clearing else self._answers(b"", now_fs)
        replies = b""
        for message_id in client.interrupted:
            replies += _one(Type.ASYNC_INTERRUPTED, 0, message_id)
        client.interrupted.clear()
        if self._lock_until_fs is not None:
            replies += self._lock_again(now_fs)
        status = client.device.poll(not client.delivered, now_fs)
        requested = bool(status & MASTER_SUMMARY)
        if requested and not self._requested:
            replies += _one(Type.ASYNC_SERVICE_REQUEST, status)
        self._requested = requested
        return replies

    def _take(self, message: Message | Wrong, now_fs: int) -> bytes:
        if isinstance(message, Wrong):
            return _error(message)
        if self._client is None:
            return self._initialize(message)
        if not self._client.joined:
            return self._fatal(Fatal.CHANNELS_NOT_ESTABLISHED, "there is one connection only")
        if self._synchronous:
            return self._take_synchronous(self._client, message, now_fs)
        return self._take_asynchronous(self._client, message, now_fs)

    def _initialize(self, message: Message) -> bytes:
        if message.type == Type.INITIALIZE:
            if message.payload.decode("latin-1").lower() != hislip.SUB_ADDRESS:
                return self._fatal(Fatal.BAD_INITIALIZATION, f"there is {hislip.SUB_ADDRESS} only")
            self._client = self._server.begin()
            if self._client is None:
                return self._fatal(Fatal.TOO_MANY_CLIENTS, f"{CLIENTS_MAX} clients are there")
            version = min(hislip.VERSION, message.parameter >> 16)
            return _one(Type.INITIALIZE_RESPONSE, 0, version << 16 | self._client.number)
        known = self._server.known(message.parameter)
        if message.type != Type.ASYNC_INITIALIZE or known is None or known.joined:
            return self._fatal(Fatal.BAD_INITIALIZATION, "no session begins so")
        self._client, self._synchronous = known, False
        known.joined = True
        return _one(Type.ASYNC_INITIALIZE_RESPONSE, 0, VENDOR_ID)

    # --- synchronous ------------------------------------------------------------------

    def _take_synchronous(self, client: _Client, message: Message, now_fs: int) -> bytes:
        match message.type:
            case Type.DEVICE_CLEAR_COMPLETE:
                client.clearing, self._message = False, b""
                return _one(Type.DEVICE_CLEAR_ACKNOWLEDGE)
            case _ if client.clearing:
                return b""  # 6.12: what was on its way when the clear came
            case Type.DATA | Type.DATA_END:
                interrupted = b"" if self._message else self._interrupt(client, message)
                self._message += message.payload
                if len(self._message) > hislip.PAYLOAD_MAX:
                    self._message = b""
                    return interrupted + _error(Wrong.TOO_LARGE)
                self._message_id = message.parameter
                if message.type == Type.DATA:
                    return interrupted
                whole, self._message = self._message, b""
                return interrupted + self._answers(terminated(whole), now_fs)
            case Type.TRIGGER:
                self._message_id = message.parameter
                return self._interrupt(client, message)  # nothing here is triggered by it
            case Type.ERROR | Type.FATAL_ERROR:
                return b""
        return _error(Wrong.MESSAGE_TYPE)

    def _interrupt(self, client: _Client, message: Message) -> bytes:
        """Handle a message that comes before the last response was read (3.1.2)."""
        if message.control & hislip.RMT_DELIVERED:
            client.delivered = True
        if client.delivered:
            return b""
        client.delivered = True
        client.device.report(QUERY_INTERRUPTED)
        client.interrupted.append(message.parameter)
        return _one(Type.INTERRUPTED, 0, message.parameter)

    def _answers(self, data: bytes, now_fs: int) -> bytes:
        client = self._client
        if client is None:
            return b""
        answer = client.device.feed(data, now_fs)
        if not answer:
            return b""
        client.delivered = False
        return hislip.response(answer, self._message_id, client.payload_max)

    # --- asynchronous -----------------------------------------------------------------

    def _take_asynchronous(self, client: _Client, message: Message, now_fs: int) -> bytes:
        match message.type:
            case Type.ASYNC_MAX_MESSAGE_SIZE:
                size = hislip.size_of(message.payload)
                if not size:
                    return _error(Wrong.UNIDENTIFIED)
                client.payload_max = min(size, hislip.PAYLOAD_MAX)
                payload = hislip.size_payload(hislip.PAYLOAD_MAX)
                return _one(Type.ASYNC_MAX_MESSAGE_SIZE_RESPONSE, payload=payload)
            case Type.ASYNC_STATUS_QUERY:
                if message.control & hislip.RMT_DELIVERED:
                    client.delivered = True
                status = client.device.poll(not client.delivered, now_fs)
                return _one(Type.ASYNC_STATUS_RESPONSE, status)
            case Type.ASYNC_DEVICE_CLEAR:
                client.clearing, client.delivered = True, True
                client.interrupted.clear()
                client.device.clear()
                return _one(Type.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE)
            case Type.ASYNC_LOCK:
                return self._lock(client, message, now_fs)
            case Type.ASYNC_LOCK_INFO:
                locks = self._server.locks
                holders = len(locks.shared | ({locks.exclusive} - {None}))
                exclusive = int(locks.exclusive is not None)
                return _one(Type.ASYNC_LOCK_INFO_RESPONSE, exclusive, holders)
            case Type.ASYNC_REMOTE_LOCAL_CONTROL:
                return _one(Type.ASYNC_REMOTE_LOCAL_RESPONSE)
            case Type.ERROR | Type.FATAL_ERROR:
                return b""
        return _error(Wrong.MESSAGE_TYPE)

    def _lock(self, client: _Client, message: Message, now_fs: int) -> bytes:
        if message.control == 0:
            return _one(Type.ASYNC_LOCK_RESPONSE, self._server.locks.release(client.number))
        if message.control != 1 or len(message.payload) > 256:
            return _error(Wrong.CONTROL_CODE)
        self._lock_until_fs = now_fs + message.parameter * FS_PER_MS
        self._lock_word = message.payload
        return b""  # _due answers it

    def _lock_again(self, now_fs: int) -> bytes:
        client = self._client
        if client is None or self._lock_until_fs is None:
            return b""
        taken = self._server.locks.take(client.number, self._lock_word)
        if taken is Lock.FAILURE and now_fs < self._lock_until_fs:
            return b""
        self._lock_until_fs = None
        return _one(Type.ASYNC_LOCK_RESPONSE, taken)

    def _fatal(self, code: Fatal, what: str) -> bytes:
        self._ended = True
        self.hung_up()
        return _one(Type.FATAL_ERROR, code, payload=what.encode())


def _one(kind: Type, control: int = 0, parameter: int = 0, payload: bytes = b"") -> bytes:
    return hislip.encode(Message(kind, control, parameter, payload))


def _error(code: Wrong) -> bytes:
    return _one(Type.ERROR, code, payload=code.name.lower().replace("_", " ").encode())
