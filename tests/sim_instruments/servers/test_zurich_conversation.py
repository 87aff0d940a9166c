"""A session with a data server, replayed: compared by requests and answers, not by bytes."""

from dataclasses import replace

import pytest
from tests.benches.zurich.requests import bootstrap, get, list_nodes, request, set_value, subscribe

from podium.firmware_interfaces.trace import Piece, TraceError
from podium.firmware_interfaces.zurich import rpc
from podium.sim_instruments.servers.replay import replay
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer

ON = "/dev12000/sgchannels/0/output/on"
RANGE = "/dev12000/sgchannels/0/output/range"
PORT = "data_server"


def server() -> DataServer:
    return DataServer("1", {12000: "SHFQC"})


def recorded(*sent: bytes) -> tuple[Piece, ...]:
    """Return the pieces of one connection to the kernel of the instrument."""
    connection = server().open(PORT)
    pieces = [Piece(0.0, 1, PORT, "client", connection.feed(b"", 0))]
    for number, data in enumerate((request("dev12000"), bootstrap(0), *sent), start=1):
        pieces.append(Piece(0.01 * number, 1, PORT, "instrument", data))
        answer = connection.feed(data, number * 10**13)
        if answer:
            pieces.append(Piece(0.01 * number + 0.005, 1, PORT, "client", answer))
    return tuple(pieces)


SESSION = (
    get(1, ON) + rpc.finish(1),
    set_value(1, ON, 1) + rpc.finish(1),  # the number is used again
    list_nodes(2, "/dev12000/sgchannels/0/output", 0),
    set_value(3, "/dev12000/nothing", 1),
    subscribe(4, RANGE, 9),
    set_value(5, RANGE, 5.0),
)


def test_a_session_is_told_request_by_request_and_answered_the_same() -> None:
    found = replay(server(), recorded(*SESSION))
    told = [(one.sent.decode(), one.recorded.decode()) for one in found]
    assert [sent for sent, _ in told] == [
        "GET /api/v1/kernel/devid/dev12000?",
        f"get {ON}",
        f"set {ON} 1",
        "list nodes /dev12000/sgchannels/0/output",
        "set /dev12000/nothing 1",
        f"subscribe {RANGE}",
        f"set {RANGE} 5.0",
        "(told to subscribers)",
    ]
    assert told[1][1] == f"{ON} = 0"
    assert told[2][1] == f"{ON} = 1"
    assert told[4][1].startswith("refused, 0x")
    assert told[5][1] == "done"
    assert told[7][1] == RANGE
    assert {one.verdict for one in found} == {"same"}


def test_what_the_instrument_answered_otherwise_is_told() -> None:
    pieces = recorded(*SESSION)
    spoilt = tuple(replace(p, data=p.data.replace(b"range", b"ranke")) for p in pieces)
    kept = tuple(s if s.to == "client" else p for p, s in zip(pieces, spoilt, strict=True))
    differs = [one.sent.decode() for one in replay(server(), kept) if one.verdict == "differs"]
    assert f"set {RANGE} 5.0" in differs
    assert f"get {ON}" not in differs


def test_an_answer_that_never_came_is_told() -> None:
    pieces = recorded(SESSION[0])
    (told,) = (one for one in replay(server(), pieces[:-1]) if one.sent.startswith(b"get"))
    assert (told.recorded, told.answered, told.verdict) == (b"", f"{ON} = 0".encode(), "differs")


def test_another_level_is_another_number() -> None:
    pieces = recorded(get(1, ON))
    last = pieces[-1]
    changed = replace(last, data=last.data[:-24] + b"\1" + last.data[-23:])
    (told,) = (one for one in replay(server(), (*pieces[:-1], changed)) if b"get" in one.sent)
    assert (told.recorded, told.verdict) == (f"{ON} = 1".encode(), "numbers")


def test_what_is_no_conversation_is_refused() -> None:
    pieces = (*recorded(), Piece(1.0, 1, PORT, "instrument", b"*IDN?\n" * 20))
    with pytest.raises(TraceError, match="this is no conversation with a data server"):
        replay(server(), pieces)
