"""Two connections and one firmware: what the standard has of clears, interruptions and locks."""

import pytest

from podium.firmware_interfaces import hislip
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.hislip import Fatal, Lock, Message, MessageSplitter, Type, Wrong
from podium.sim_instruments.twins.faces.hislip_server import HislipServer
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.sim_instruments.twins.twin import HangsUp
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

AT_FS = 10**15


class Client:
    """Speaks both connections, and remembers what it had of responses."""

    def __init__(self, open_connection) -> None:
        self.now_fs = AT_FS
        self.sync, self.asynchronous = open_connection(), open_connection()
        self.id = 0xFFFF_FF00
        parameter = 0x0100 << 16 | int.from_bytes(b"xx", "big")
        (answer,) = self.say(self.sync, Type.INITIALIZE, 0, parameter, b"hislip0")
        assert (answer.type, answer.control) == (Type.INITIALIZE_RESPONSE, 0)
        assert answer.parameter >> 16 == 0x0100
        self.number = answer.parameter & 0xFFFF
        (answer,) = self.ask(Type.ASYNC_INITIALIZE, 0, self.number)
        assert answer.type == Type.ASYNC_INITIALIZE_RESPONSE

    def say(self, connection, kind, control=0, parameter=0, payload=b"") -> list[Message]:
        sent = hislip.encode(Message(kind, control, parameter, payload))
        return MessageSplitter().feed(connection.feed(sent, self.now_fs))

    def ask(self, kind, control=0, parameter=0, payload=b"") -> list[Message]:
        return self.say(self.asynchronous, kind, control, parameter, payload)

    def send(self, text: str, had: bool = True, end: bool = True) -> list[Message]:
        self.id += 2
        kind = Type.DATA_END if end else Type.DATA
        return self.say(self.sync, kind, int(had), self.id, text.encode())

    def query(self, text: str, had: bool = True) -> str:
        (answer,) = self.send(text, had)
        assert (answer.type, answer.parameter) == (Type.DATA_END, self.id)
        return answer.payload.decode()

    def hears(self, connection) -> list[Message]:
        return MessageSplitter().feed(connection.feed(b"", self.now_fs))


@pytest.fixture
def box() -> RohdeSchwarzSGS100A:
    return RohdeSchwarzSGS100A("1")


@pytest.fixture
def client(box) -> Client:
    return Client(lambda: box.open("hislip"))


@pytest.fixture
def other(box, client) -> Client:
    return Client(lambda: box.open("hislip"))


def test_an_answer_is_a_message_with_the_number_of_its_question(client) -> None:
    assert client.query("*IDN?").startswith("Rohde&Schwarz,SGS100A")
    assert client.query("*OPC?\n") == "1\n"


def test_a_question_may_come_in_parts(client) -> None:
    assert client.send("*ID", end=False) == []
    assert client.query("N?").startswith("Rohde&Schwarz")


def test_an_answer_goes_in_parts_that_the_client_takes(client) -> None:
    (answer,) = client.ask(Type.ASYNC_MAX_MESSAGE_SIZE, payload=hislip.size_payload(8))
    assert hislip.size_of(answer.payload) == hislip.PAYLOAD_MAX
    parts = client.send("*IDN?")
    assert [part.type for part in parts[:2]] == [Type.DATA, Type.DATA]
    assert parts[-1].type == Type.DATA_END
    assert b"".join(part.payload for part in parts).startswith(b"Rohde&Schwarz,SGS100A")


def test_what_waits_is_answered_when_it_is_due() -> None:
    source = YokogawaGS200("1")
    server = HislipServer(lambda: source.open("scpi"))
    client = Client(server.open)
    client.send(":SOUR:FUNC VOLT;RANG 10;:OUTP ON;:SOUR:LEV 0")
    client.send(":PROG:EDIT:STAR;:SOUR:LEV 1;:PROG:EDIT:END;:PROG:SLOP 5;INT 5;REP 0;:PROG:RUN")
    assert client.send("*OPC?") == []
    client.now_fs += 60 * FS_PER_S
    (answer,) = client.hears(client.sync)
    assert (answer.type, answer.parameter, answer.payload) == (Type.DATA_END, client.id, b"1\n")


def test_a_question_before_the_answer_was_read_interrupts(client) -> None:
    client.query("*IDN?")
    interrupted, answer = client.send("*OPC?", had=False)
    assert (interrupted.type, interrupted.parameter) == (Type.INTERRUPTED, client.id)
    assert answer.payload == b"1\n"
    (told,) = client.hears(client.asynchronous)
    assert (told.type, told.parameter) == (Type.ASYNC_INTERRUPTED, client.id)
    assert client.query("SYST:ERR?") == '-410,"Query INTERRUPTED"\n'


def test_the_status_byte_says_whether_an_answer_waits(client) -> None:
    (status,) = client.ask(Type.ASYNC_STATUS_QUERY, 0)
    assert (status.type, status.control & 16) == (Type.ASYNC_STATUS_RESPONSE, 0)
    client.query("*IDN?")
    (status,) = client.ask(Type.ASYNC_STATUS_QUERY, 0)
    assert status.control & 16
    (status,) = client.ask(Type.ASYNC_STATUS_QUERY, hislip.RMT_DELIVERED)
    assert not status.control & 16


def test_service_is_requested_once(client) -> None:
    client.send("*SRE 4;NO:SUCH")
    (request,) = client.hears(client.asynchronous)
    assert request.type == Type.ASYNC_SERVICE_REQUEST
    assert request.control & 0x44 == 0x44
    assert client.hears(client.asynchronous) == []


def test_a_device_clear_forgets_what_was_begun_and_what_is_on_its_way(client) -> None:
    client.send("*ID", end=False)
    (answer,) = client.ask(Type.ASYNC_DEVICE_CLEAR)
    assert answer.type == Type.ASYNC_DEVICE_CLEAR_ACKNOWLEDGE
    assert client.send("*OPC?") == []  # was on its way
    (answer,) = client.say(client.sync, Type.DEVICE_CLEAR_COMPLETE)
    assert answer.type == Type.DEVICE_CLEAR_ACKNOWLEDGE
    assert client.query("*OPC?") == "1\n"
    assert client.query("SYST:ERR?").startswith("0,")


def test_a_device_clear_ends_a_wait() -> None:
    source = YokogawaGS200("1")
    client = Client(HislipServer(lambda: source.open("scpi")).open)
    client.send(":SOUR:FUNC VOLT;RANG 10;:OUTP ON;:SOUR:LEV 0")
    client.send(":PROG:EDIT:STAR;:SOUR:LEV 1;:PROG:EDIT:END;:PROG:SLOP 5;INT 5;REP 0;:PROG:RUN")
    assert client.send("*OPC?") == []
    client.ask(Type.ASYNC_DEVICE_CLEAR)
    client.say(client.sync, Type.DEVICE_CLEAR_COMPLETE)
    assert client.query(":SOUR:FUNC?") == "VOLT\n"
    client.now_fs += 60 * FS_PER_S
    assert client.hears(client.sync) == []


def test_who_holds_the_lock_is_served_alone(client, other) -> None:
    (taken,) = client.ask(Type.ASYNC_LOCK, 1, 0)
    assert (taken.type, taken.control) == (Type.ASYNC_LOCK_RESPONSE, Lock.SUCCESS)
    assert other.send("*OPC?") == []
    assert client.query("*OPC?") == "1\n"
    (refused,) = other.ask(Type.ASYNC_LOCK, 1, 0)
    assert refused.control == Lock.FAILURE
    (info,) = other.ask(Type.ASYNC_LOCK_INFO)
    assert (info.control, info.parameter) == (1, 1)
    (released,) = client.ask(Type.ASYNC_LOCK, 0)
    assert released.control == Lock.SUCCESS
    (answer,) = other.hears(other.sync)
    assert answer.payload == b"1\n"


def test_a_lock_is_waited_for_as_long_as_was_said(client, other) -> None:
    client.ask(Type.ASYNC_LOCK, 1, 0)
    assert other.ask(Type.ASYNC_LOCK, 1, 1000) == []
    client.ask(Type.ASYNC_LOCK, 0)
    (taken,) = other.hears(other.asynchronous)
    assert taken.control == Lock.SUCCESS
    assert client.ask(Type.ASYNC_LOCK, 1, 1000) == []
    client.now_fs += FS_PER_S
    (late,) = client.hears(client.asynchronous)
    assert late.control == Lock.FAILURE


def test_who_shares_a_word_shares_the_lock_and_whose_connection_goes_loses_it(box, client, other):
    third = Client(lambda: box.open("hislip"))
    for one in (client, other):
        (taken,) = one.ask(Type.ASYNC_LOCK, 1, 0, b"us")
        assert taken.control == Lock.SUCCESS
    assert third.ask(Type.ASYNC_LOCK, 1, 0, b"them")[0].control == Lock.FAILURE
    assert other.query("*OPC?") == "1\n"
    assert third.send("*OPC?") == []
    client.sync.hung_up()
    assert client.asynchronous.ended
    other.ask(Type.ASYNC_LOCK, 0)
    (answer,) = third.hears(third.sync)
    assert answer.payload == b"1\n"


def test_a_client_of_one_connection_is_told_so(box) -> None:
    connection = box.open("hislip")
    assert isinstance(connection, HangsUp)
    connection.feed(hislip.encode(Message(Type.INITIALIZE, 0, 0x0100 << 16, b"hislip0")), AT_FS)
    sent = hislip.encode(Message(Type.DATA_END, 0, 2, b"*IDN?"))
    (fatal,) = MessageSplitter().feed(connection.feed(sent, AT_FS))
    assert (fatal.type, fatal.control) == (Type.FATAL_ERROR, Fatal.CHANNELS_NOT_ESTABLISHED)
    assert connection.ended


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", Fatal.BAD_HEADER),
        (hislip.encode(Message(Type.DATA_END, 0, 2, b"*IDN?")), Fatal.BAD_INITIALIZATION),
        (hislip.encode(Message(Type.ASYNC_INITIALIZE, 0, 7)), Fatal.BAD_INITIALIZATION),
        (hislip.encode(Message(Type.INITIALIZE, 0, 0, b"hislip7")), Fatal.BAD_INITIALIZATION),
    ],
)
def test_what_begins_no_session_is_a_fatal_error(box, sent, code) -> None:
    connection = box.open("hislip")
    (fatal,) = MessageSplitter().feed(connection.feed(sent, AT_FS))
    assert (fatal.type, fatal.control) == (Type.FATAL_ERROR, code)
    assert connection.ended
    assert connection.feed(sent, AT_FS) == b""


def test_a_message_that_there_is_not_is_an_error_and_no_more(client) -> None:
    for connection in (client.sync, client.asynchronous):
        (wrong,) = client.say(connection, 200)
        assert (wrong.type, wrong.control) == (Type.ERROR, Wrong.MESSAGE_TYPE)
    assert client.query("*OPC?") == "1\n"


def test_there_is_no_room_for_any_number_of_clients(box) -> None:
    clients = [Client(lambda: box.open("hislip")) for _ in range(32)]
    connection = box.open("hislip")
    sent = hislip.encode(Message(Type.INITIALIZE, 0, 0x0100 << 16, b"hislip0"))
    (fatal,) = MessageSplitter().feed(connection.feed(sent, AT_FS))
    assert (fatal.type, fatal.control) == (Type.FATAL_ERROR, Fatal.TOO_MANY_CLIENTS)
    clients[0].sync.hung_up()
    assert Client(lambda: box.open("hislip")).query("*OPC?") == "1\n"
