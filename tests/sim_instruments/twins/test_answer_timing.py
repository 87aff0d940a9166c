"""Answers take as long as those of the box, by the documents that each test names.

Measured over a socket on a manual clock, on which an answer's way to the client takes 1 ms.
"""

import socket
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from podium.sim_instruments.testing import TwinInstrument, TwinPool

WAY_S = 0.001
WAIT_S = 5.0
LAKE_SHORE = ("lakeshore_336", "lakeshore_350", "lakeshore_372")


class Client:
    """One connection, and the laboratory's clock."""

    def __init__(self, box: TwinInstrument) -> None:
        self.box = box
        self.wire = socket.create_connection((box.host, box.port), WAIT_S)

    def ask(self, message: bytes, whole: Callable[[bytes], bool]) -> bytes:
        self.wire.sendall(message)
        come = b""
        while not whole(come):
            come += self.wire.recv(4096)
        return come

    def line(self, message: bytes) -> float:
        """Return when the answer to a line was there, s."""
        self.ask(message + b"\n", lambda come: come.endswith(b"\n"))
        return self.box.facility.time_s()

    def registers(self, pdu: str, unit: int = 1) -> tuple[bytes, float]:
        """Return a response, function and data, and how long it took, s."""
        body = bytes((unit,)) + bytes.fromhex(pdu)
        began_s = self.box.facility.time_s()
        sent = struct.pack(">HHH", 7, 0, len(body)) + body
        come = self.ask(
            sent, lambda come: len(come) > 5 and len(come) == 6 + int.from_bytes(come[4:6], "big")
        )
        return come[7:], self.box.facility.time_s() - began_s


@pytest.fixture(scope="module")
def pool() -> Iterator[TwinPool]:
    with TwinPool() as pool:
        yield pool


@pytest.fixture
def connect(pool: TwinPool) -> Iterator[Callable[[str], Client]]:
    from contextlib import ExitStack

    with ExitStack() as stack:

        def connect(model: str) -> Client:
            client = Client(stack.enter_context(pool.instrument(model, clock="manual")))
            stack.callback(client.wire.close)
            return client

        yield connect


@pytest.mark.parametrize("model", LAKE_SHORE)
def test_lakeshore_begins_an_answer_after_10_ms_and_wants_50_ms_of_quiet(connect, model) -> None:
    """Manuals of the lakeshore_336, 350 and 372, 6.3.4: at most 20 messages a second, 50 ms after
    each; manual of the 370, 6.2.5: typically 10 ms until a response begins."""
    client = connect(model)
    at_s = [client.box.facility.time_s()] + [client.line(b"*IDN?") for _ in range(4)]
    spans_s = [later - earlier for earlier, later in pairwise(at_s)]
    assert spans_s == pytest.approx([0.010 + WAY_S, *(3 * [0.060])], abs=1e-9)


@pytest.mark.parametrize("model", LAKE_SHORE)
def test_lakeshore_carries_out_twenty_commands_a_second(connect, model) -> None:
    client = connect(model)
    began_s = client.box.facility.time_s()
    client.wire.sendall(19 * b"MODE 1\n")
    assert client.line(b"*OPC?") - began_s == pytest.approx(19 * 0.050 + 0.010 + WAY_S)


def test_several_queries_in_one_message_are_one_answer(connect) -> None:
    client = connect("lakeshore_336")
    began_s = client.box.facility.time_s()
    assert client.line(b"KRDG? A;KRDG? B;*ESR?") - began_s == pytest.approx(0.010 + WAY_S)


def serial_s(*pdus: int) -> float:
    """Return how long messages of so many bytes of function and data take at 19200 baud.

    Counted out: one colon, unit, PDU and LRC in two characters each, CR, LF; 10 bits each.
    """
    return sum((1 + 2 + 2 * pdu + 2 + 2) * 10 / 19200 for pdu in pdus)


def test_smc_hrs100_sends_on_a_serial_line(connect) -> None:
    """HRX-OM-M091: 19200 baud, 7E1, ASCII (4.2, 4.5); 100 ms between requests (4.1.2)."""
    client = connect("smc_hrs100")
    for pdu, answered in (("03 0000 0010", 34), ("03 0000 0001", 4), ("06 000B 00AE", 5)):
        client.box.advance(1.0)
        response, took_s = client.registers(pdu)
        assert len(response) == answered
        assert took_s == pytest.approx(serial_s(5, answered) + WAY_S, abs=1e-9)
    assert serial_s(5, 34) == pytest.approx(0.0479, abs=1e-4)


def test_smc_hrs100_is_asked_100_ms_after_it_answered(connect) -> None:
    client = connect("smc_hrs100")
    client.registers("03 0000 0001")
    _, took_s = client.registers("03 0000 0001")
    assert took_s == pytest.approx(serial_s(5, 4) + 0.100, abs=1e-9)


def test_nobody_at_the_line_is_known_after_a_second_only(connect) -> None:
    client = connect("smc_hrs100")
    response, took_s = client.registers("03 0000 0001", unit=9)
    assert response == b"\x83\x0b"
    assert took_s == pytest.approx(serial_s(5) + 1.0 + WAY_S, abs=1e-9)


def test_pfeiffer_tc400_sends_telegrams_at_9600_baud(connect) -> None:
    """Operating instructions of the TC 400: 9600 baud, 8N1; telegrams as in chapter 8."""
    client = connect("pfeiffer_tc400")
    for asked, answered in ((b"0010030902=?107\r", 20), (b"0010034902=?111\r", 20)):
        began_s = client.box.facility.time_s()
        come = client.ask(asked, lambda come: come.endswith(b"\r"))
        assert len(come) == answered
        took_s = client.box.facility.time_s() - began_s
        assert took_s == pytest.approx((len(asked) + answered) * 10 / 9600 + WAY_S, abs=1e-9)


def test_what_is_for_another_drive_holds_the_line_for_its_length(connect) -> None:
    client = connect("pfeiffer_tc400")
    began_s = client.box.facility.time_s()
    client.wire.sendall(b"0020030902=?108\r")
    client.ask(b"0010030902=?107\r", lambda come: come.endswith(b"\r"))
    took_s = client.box.facility.time_s() - began_s
    assert took_s == pytest.approx((16 + 16 + 20) * 10 / 9600 + WAY_S, abs=1e-9)
