"""Calls of the core channel, and what a firmware behind it makes of them."""

import struct

import pytest

from podium.firmware_interfaces import vxi11
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.vxi11 import Accept, Code, Flag, Procedure, Reason
from podium.sim_instruments.twins.twin import HangsUp
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

AT_FS = 10**15


class Client:
    def __init__(self, box: YokogawaGS200) -> None:
        self.now_fs = AT_FS
        self.connection = box.open("vxi11")
        assert isinstance(self.connection, HangsUp)
        self.xid = 0
        code, self.link, abort_port, most = self.call(
            Procedure.CREATE_LINK, vxi11.words(1, 0, 0) + vxi11.opaque(b"inst0")
        )
        assert (code, abort_port, most) == (Code.NONE, 0, vxi11.RECEIVE_MAX)

    def sent(self, procedure, arguments=b"", program=0x0607AF, version=1, rpc=2) -> bytes:
        self.xid += 1
        record = vxi11.words(self.xid, 0, rpc, program, version, procedure, 0, 0, 0, 0) + arguments
        return vxi11.words(len(record) | 1 << 31) + record

    def replied(self, data: bytes) -> tuple[int, bytes]:
        """Return how the call was accepted, and its results."""
        (length, xid, kind, denied, flavour, size, how) = struct.unpack("!7I", data[:28])
        assert (length & 0x7FFF_FFFF, xid) == (len(data) - 4, self.xid)
        assert (length >> 31, kind, denied, flavour, size) == (1, 1, 0, 0, 0)
        return how, data[28:]

    def call(self, procedure, arguments=b"") -> tuple[int, ...]:
        how, results = self.replied(
            self.connection.feed(self.sent(procedure, arguments), self.now_fs)
        )
        assert how == Accept.SUCCESS
        return struct.unpack(f"!{len(results) // 4}I", results)

    def generic(self, procedure) -> int:
        return self.call(procedure, vxi11.words(self.link, 0, 0, 0))[0]

    def write(self, text: str, flags: int = Flag.END) -> tuple[int, ...]:
        data = vxi11.opaque(text.encode())
        return self.call(Procedure.DEVICE_WRITE, vxi11.words(self.link, 1000, 0, flags) + data)

    def ask_read(self, size=1000, io_ms=1000, flags=0, terminator=0) -> bytes:
        arguments = vxi11.words(self.link, size, io_ms, 0, flags, terminator)
        return self.connection.feed(self.sent(Procedure.DEVICE_READ, arguments), self.now_fs)

    def heard(self, data: bytes) -> tuple[int, int, bytes]:
        how, results = self.replied(data)
        assert how == Accept.SUCCESS
        code, reason, size = struct.unpack("!3I", results[:12])
        assert len(results) == 12 + size + -size % 4
        return code, reason, results[12 : 12 + size]

    def read(self, **more) -> tuple[int, int, bytes]:
        return self.heard(self.ask_read(**more))

    def query(self, text: str) -> bytes:
        assert self.write(text) == (Code.NONE, len(text))
        code, reason, data = self.read()
        assert (code, reason) == (Code.NONE, Reason.END)
        return data


@pytest.fixture
def box() -> YokogawaGS200:
    return YokogawaGS200("1")


@pytest.fixture
def client(box) -> Client:
    return Client(box)


@pytest.fixture
def other(box, client) -> Client:
    return Client(box)


def test_a_question_is_written_and_its_answer_read(client) -> None:
    assert client.query("*IDN?").startswith(b"YOKOGAWA,GS210")
    assert client.query("*OPC?\n") == b"1\n"


def test_a_question_may_come_in_parts_and_an_answer_go_in_parts(client) -> None:
    client.write("*ID", flags=0)
    client.write("N?")
    code, reason, data = client.read(size=8)
    assert (code, reason, data) == (Code.NONE, Reason.REQUEST_COUNT, b"YOKOGAWA")
    code, reason, data = client.read(flags=Flag.TERMINATOR_SET, terminator=ord(","))
    assert (reason, data) == (Reason.TERMINATOR, b",")
    assert client.read()[1] == Reason.END


def test_a_read_waits_for_what_is_due_and_then_for_no_longer_than_was_said(client) -> None:
    client.write(":SOUR:FUNC VOLT;RANG 10;:OUTP ON;:SOUR:LEV 0")
    client.write(":PROG:EDIT:STAR;:SOUR:LEV 1;:PROG:EDIT:END;:PROG:SLOP 5;INT 5;REP 0;:PROG:RUN")
    client.write("*OPC?")
    assert client.ask_read(io_ms=2000) == b""
    client.now_fs += 2 * FS_PER_S
    assert client.heard(client.connection.feed(b"", client.now_fs))[0] == Code.IO_TIMEOUT
    assert client.ask_read(io_ms=5000) == b""
    client.now_fs += 4 * FS_PER_S
    assert client.heard(client.connection.feed(b"", client.now_fs))[2] == b"1\n"


def test_to_read_what_nobody_asked_for_is_an_error_of_the_device(client) -> None:
    assert client.read(io_ms=0)[0] == Code.IO_TIMEOUT
    assert b"-420" in client.query(":SYST:ERR?")


def test_a_question_before_the_answer_was_read_interrupts(client) -> None:
    client.write("*IDN?")
    client.write("*OPC?")
    assert client.read()[2] == b"1\n"
    assert b"-410" in client.query(":SYST:ERR?")


def test_the_status_byte_says_whether_an_answer_waits(client) -> None:
    assert client.call(Procedure.DEVICE_READSTB, vxi11.words(client.link, 0, 0, 0)) == (0, 0)
    client.write("*IDN?")
    code, status = client.call(Procedure.DEVICE_READSTB, vxi11.words(client.link, 0, 0, 0))
    assert (code, status & 16) == (Code.NONE, 16)


def test_a_device_clear_forgets_what_was_begun_and_what_was_answered(client) -> None:
    client.write("*IDN?")
    assert client.generic(Procedure.DEVICE_CLEAR) == Code.NONE
    client.write("*ID", flags=0)
    assert client.generic(Procedure.DEVICE_CLEAR) == Code.NONE
    assert client.query("*OPC?") == b"1\n"
    assert client.query(":SYST:ERR?").startswith(b"0,")


def test_who_holds_the_lock_is_served_alone(client, other) -> None:
    assert client.generic(Procedure.DEVICE_LOCK) == Code.NONE
    assert other.generic(Procedure.DEVICE_LOCK) == Code.LOCKED_BY_OTHER
    assert other.write("*IDN?") == (Code.LOCKED_BY_OTHER, 0)
    assert other.read(io_ms=0)[0] == Code.LOCKED_BY_OTHER
    assert other.generic(Procedure.DEVICE_CLEAR) == Code.LOCKED_BY_OTHER
    assert other.generic(Procedure.DEVICE_UNLOCK) == Code.NO_LOCK_HELD
    assert client.query("*OPC?") == b"1\n"
    client.connection.hung_up()
    assert other.query("*OPC?") == b"1\n"


def test_a_link_of_another_connection_is_none(client, other) -> None:
    assert client.link != other.link
    client.link = other.link
    assert client.write("*IDN?") == (Code.INVALID_LINK, 0)
    assert client.read()[0] == Code.INVALID_LINK
    assert client.generic(Procedure.DEVICE_CLEAR) == Code.INVALID_LINK
    assert client.generic(Procedure.DEVICE_READSTB) == Code.INVALID_LINK


def test_a_link_that_was_destroyed_is_none(client) -> None:
    assert client.generic(Procedure.DESTROY_LINK) == Code.NONE
    assert client.write("*IDN?") == (Code.INVALID_LINK, 0)


def test_a_device_that_there_is_not_has_no_link(client) -> None:
    arguments = vxi11.words(1, 0, 0) + vxi11.opaque(b"gpib0,5")
    assert client.call(Procedure.CREATE_LINK, arguments)[0] == Code.NOT_ACCESSIBLE


@pytest.mark.parametrize(
    "procedure",
    [Procedure.DEVICE_TRIGGER, Procedure.DEVICE_ENABLE_SRQ, Procedure.DEVICE_DOCMD,
     Procedure.CREATE_INTR_CHAN],
)  # fmt: skip
def test_what_is_not_simulated_is_not_supported(client, procedure) -> None:
    assert client.generic(procedure) == Code.NOT_SUPPORTED


def test_calls_that_make_no_sense_are_answered_as_the_rfc_has_it(client) -> None:
    for sent, how in (
        (client.sent(0, program=100_000), Accept.PROGRAM_UNAVAILABLE),
        (client.sent(0, version=9), Accept.PROGRAM_MISMATCH),
        (client.sent(99), Accept.PROCEDURE_UNAVAILABLE),
        (client.sent(Procedure.DEVICE_WRITE, b"\0\0"), Accept.GARBAGE_ARGUMENTS),
        (client.sent(Procedure.NULL), Accept.SUCCESS),
    ):
        client.xid = struct.unpack("!I", sent[4:8])[0]
        assert client.replied(client.connection.feed(sent, AT_FS))[0] == how
    denied = client.connection.feed(client.sent(0, rpc=3), AT_FS)
    assert struct.unpack("!6I", denied[4:28])[1:] == (1, 1, 0, 2, 2)
    assert client.query("*OPC?") == b"1\n"


def test_what_is_no_call_is_hung_up_on(client) -> None:
    assert client.connection.feed(b"GET / HTTP/1.1\r\n\r\n", AT_FS) == b""
    assert client.connection.ended
