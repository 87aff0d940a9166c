"""A client of the data server that speaks bytes: what it sends and what it makes of answers."""

from dataclasses import dataclass, field

from podium.firmware_interfaces.zurich import handshake, rpc, session_messages
from podium.firmware_interfaces.zurich.capnp_framing import Splitter
from podium.firmware_interfaces.zurich.capnp_reader import StructReader, root
from podium.firmware_interfaces.zurich.capnp_writer import MessageWriter
from podium.firmware_interfaces.zurich.values import Value, read_value, write_value


def request(kernel: str, **query: str) -> bytes:
    """Return the HTTP request for a kernel."""
    path = "zi" if kernel == "zi" else f"devid/{kernel}"
    asked = "&".join(f"{key}={value}" for key, value in query.items())
    return (
        f"GET /api/v1/kernel/{path}?{asked} HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: capnp\r\n"
        "Accept: application/capnp\r\n\r\n"
    ).encode()


def bootstrap(question: int) -> bytes:
    message = MessageWriter(1, 1)
    message.root.u16(0, rpc.BOOTSTRAP)
    message.root.struct(0, 1, 1).u32(0, question)
    return message.framed()


def call(
    question, method, data_words, pointers, write, handle=None, target=0,
    interface=session_messages.SESSION,
) -> bytes:  # fmt: skip
    """Return a call of the session, exported as ``target``; ``handle`` is handed over with it."""
    message = MessageWriter(1, 1)
    message.root.u16(0, rpc.CALL)
    body = message.root.struct(0, 3, 3)
    body.u32(0, question)
    body.u16(4, method)
    body.u64(8, interface)
    body.struct(0, 1, 1).u32(0, target)
    payload = body.struct(1, 0, 2)
    write(payload.struct(0, data_words, pointers))
    if handle is not None:
        entry = payload.structs(1, 1, 1, 1)[0]
        entry.u16(0, 1)
        entry.u32(4, handle)
    return message.framed()


def get(question: int, path: str, expand: bool = False, flags: int = 0) -> bytes:
    def write(params):
        params.text(0, path)
        params.u16(0, int(expand))
        params.u32(4, flags)

    return call(question, 10, 1, 2, write)


def set_value(question: int, path: str, value: Value, expand: bool = False) -> bytes:
    def write(params):
        params.text(0, path)
        params.u16(0, int(expand))
        write_value(value, params.struct(1, 2, 1))

    return call(question, 9, 1, 3, write)


def list_nodes(question: int, path: str, flags: int, json: bool = False) -> bytes:
    def write(params):
        params.text(0, path)
        params.u32(0, flags)

    return call(question, 5 if json else 0, 1, 2, write)


def subscribe(question: int, path: str, handle: int | None, name: bytes = b"me") -> bytes:
    def write(params):
        subscription = params.struct(0, 0, 3)
        subscription.text(0, path)
        subscription.data(2, name)
        if handle is not None:
            subscription.capability(1, 0)

    return call(question, 3, 0, 1, write, handle)


def unsubscribe(question: int, name: bytes, paths: tuple[str, ...]) -> bytes:
    def write(params):
        params.data(0, name)
        params.texts(1, paths)

    return call(question, 6, 0, 2, write)


def returned(question: int, done: bool = True) -> bytes:
    """Return that a send of the server was taken, or not."""
    if done:
        return rpc.results_return(question, 0, 0, lambda results: None)
    return rpc.exception_return(question, "enough")


@dataclass
class Told:
    """What came back."""

    answers: dict[int, StructReader] = field(default_factory=dict)
    """Results by question."""
    exceptions: dict[int, str] = field(default_factory=dict)
    sends: list[tuple[int, int, list[tuple[str, Value]]]] = field(default_factory=list)
    """Question, handle, and path and value of each."""
    aborts: list[str] = field(default_factory=list)
    released: list[tuple[int, int]] = field(default_factory=list)

    def values(self, question: int) -> list[Value]:
        """Return values; a refusal is (code, message)."""
        found = []
        for entry in self.answers[question].structs(0):
            if entry.u16(0):
                error = entry.struct(0)
                found.append((error.u32(0), error.text(0)))
            else:
                found.append(read_value(entry.struct(0).struct(1)))
        return found


def told(data: bytes) -> Told:
    found = Told()
    for frame in Splitter().feed(data):
        message = root(frame)
        kind, body = message.u16(0), message.struct(0)
        if kind == rpc.RETURN and body.struct(0).structs(1):
            continue  # the session, handed over
        if kind == rpc.RETURN and body.u16(6) == 0:
            found.answers[body.u32(0)] = body.struct(0).struct(0)
        elif kind == rpc.RETURN:
            found.exceptions[body.u32(0)] = body.struct(0).text(0)
        elif kind == rpc.CALL:
            values = [
                (one.struct(0).text(0), read_value(one.struct(1)))
                for one in body.struct(1).struct(0).structs(0)
            ]
            found.sends.append((body.u32(0), body.struct(0).u32(0), values))
        elif kind == rpc.ABORT:
            found.aborts.append(body.text(0))
        elif kind == rpc.RELEASE:
            found.released.append((body.u32(0), body.u32(4)))
    return found


def opened(server, kernel: str):
    """Return a connection to a kernel, with the session at hand as object 0."""
    connection = server.open("data_server")
    assert connection.feed(b"", 0) == handshake.hello(server.version)
    said = connection.feed(request(kernel), 0)
    assert said.startswith(b"HTTP/1.1 101 "), said
    connection.feed(bootstrap(0) + rpc.finish(0), 0)
    return connection
