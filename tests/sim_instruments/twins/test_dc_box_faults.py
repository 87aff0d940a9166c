"""Faults of the QDAC-II, the QSwitch and the 33512B, by the back door, as a client meets them."""

import socket
from collections.abc import Callable, Iterator

import pytest

from podium.sim_instruments.testing import TwinInstrument, twin_instrument

SILENT_S = 0.3
ANSWER_S = 20.0
BOXES = {
    "qdevil_qdac2": ("sour1:filt dc", "sour1:filt?", "DC", "HIGH"),
    "qdevil_qswitch": ("clos (@3!9)", "clos? (@3!9)", "1", "0"),
    "keysight_33512b": (":SOUR2:FUNC SQU", ":SOUR2:FUNC?", "SQU", "SIN"),
}
"""By model: a setting, its question, and the answers after it and after power was off."""
OPTIONS = {"qdevil_qswitch": {"firmware": "1.3"}}


class Client:
    """One TCP connection."""

    def __init__(self, box: TwinInstrument) -> None:
        self.wire = socket.create_connection((box.host, box.ports["scpi"]), ANSWER_S)

    def ask(self, question: str, wait_s: float = ANSWER_S) -> str:
        """Return the answer; empty: the box has hung up. Raises TimeoutError."""
        self.wire.settimeout(wait_s)
        self.wire.sendall(f"{question}\n".encode())
        return self.wire.recv(1000).decode()


@pytest.fixture(scope="module", params=BOXES)
def box(request) -> Iterator[TwinInstrument]:
    with twin_instrument(request.param, options=OPTIONS.get(request.param)) as box:
        yield box


@pytest.fixture
def connect(box) -> Iterator[Callable[[], Client]]:
    clients: list[Client] = []

    def connect() -> Client:
        clients.append(Client(box))
        return clients[-1]

    yield connect
    for client in clients:
        client.wire.close()


def gone(client: Client) -> bool:
    """Tell whether the box has hung up, or does as soon as it is asked."""
    try:
        return client.ask("*IDN?") == ""
    except ConnectionError:
        return True


def test_a_frozen_box_says_nothing_until_it_is_thawed(box, connect) -> None:
    box.fault("freeze")
    client = connect()
    with pytest.raises(TimeoutError):
        client.ask("*IDN?", SILENT_S)
    client.wire.close()
    box.fault("thaw")
    assert connect().ask("*OPC?") == "1\n"


def test_half_an_answer_has_no_end(box, connect) -> None:
    box.fault("halve")
    client = connect()
    half = client.ask("*IDN?")
    box.fault("whole")
    whole = client.ask("*IDN?")
    assert half == whole[: len(whole) // 2]
    assert whole.endswith("\n")


def test_a_connection_that_is_cut_can_be_made_again(box, connect) -> None:
    client = connect()
    assert client.ask("*OPC?") == "1\n"
    box.fault("drop")
    assert gone(client)
    assert connect().ask("*OPC?") == "1\n"


def test_a_box_that_refuses_hangs_up_at_once(box, connect) -> None:
    box.fault("refuse")
    assert gone(connect())
    box.fault("accept")
    assert connect().ask("*OPC?") == "1\n"


def test_a_box_that_was_off_has_forgotten_its_settings(box, connect) -> None:
    setting, question, then, after = BOXES[box.model]
    client = connect()
    client.wire.sendall(f"{setting}\n".encode())
    assert client.ask(question) == f"{then}\n"
    box.fault("restart")
    assert gone(client)
    assert connect().ask(question) == f"{after}\n"


def test_datagrams_to_a_qswitch_get_lost_and_come_twice() -> None:
    with (
        twin_instrument("qdevil_qswitch") as box,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire,
    ):
        wire.connect((box.host, box.ports["scpi"]))
        box.fault("lose")
        wire.settimeout(SILENT_S)
        wire.send(b"*opc?\n")
        with pytest.raises(TimeoutError):
            wire.recv(100)
        box.fault("deliver")
        box.fault("duplicate")
        wire.settimeout(ANSWER_S)
        wire.send(b"*opc?\n")
        assert [wire.recv(100) for _ in range(2)] == [b"1\n", b"1\n"]
