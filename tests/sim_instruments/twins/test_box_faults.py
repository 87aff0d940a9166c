"""Faults of every box on a bench with TCP, by the back door, as a client meets them.

Each box is asked in its own bytes: text, telegrams, Modbus, HTTP.
"""

import json
import re
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from podium.firmware_interfaces.pfeiffer_telegram import encode, question, setting
from podium.sim_instruments.testing import TwinInstrument, TwinPool, twin_instrument

SILENT_S = 0.1
ANSWER_S = 5.0


@dataclass(frozen=True)
class Talk:
    """What is said to a box; of what it answers, regular expressions."""

    identify: bytes
    identity: bytes
    set_and_ask: bytes
    """Sets something, and asks for it."""
    set_to: bytes
    ask: bytes
    after: bytes
    """The answer to ``ask`` once it was off."""


def scpi(setting: str, question: str, then: str, after: str, end: str = "\n") -> Talk:
    """Return a talk of lines, in which ``then`` and ``after`` are the answers themselves."""
    return Talk(
        b"*IDN?\n",
        rb"[^\n]*,[^\n]*" + end.encode(),
        f"{setting}\n{question}\n".encode(),
        re.escape(then + end).encode(),
        f"{question}\n".encode(),
        re.escape(after + end).encode(),
    )


def oxford(noun: str, value: str, after: str, end: str = "\n") -> Talk:
    """Return a talk in Oxford's grammar: what is set is confirmed, then read."""
    said, read = f"SET:{noun}:{value}", f"READ:{noun}"
    confirmed = f"STAT:SET:{noun}:{value}:VALID{end}STAT:{noun}:{value}{end}"
    return Talk(
        b"*IDN?\n",
        rb"IDN:O[^\n]*\n",
        f"{said}\n{read}\n".encode(),
        re.escape(confirmed).encode(),
        f"{read}\n".encode(),
        re.escape(f"STAT:{noun}:{after}{end}").encode(),
    )


def modbus(setting: str, ask: str, then: str, after: str) -> Talk:
    """Return a talk of requests to unit 1, in hexadecimal, without the number of a transaction."""

    def framed(pdu: str) -> bytes:
        body = bytes.fromhex(pdu)
        return b"\x07\x07\0\0" + (len(body) + 1).to_bytes(2, "big") + b"\1" + body

    return Talk(
        framed(ask),
        rb"(?s).{9,}",
        framed(setting) + framed(ask),
        re.escape(framed(setting) + framed(then)),
        framed(ask),
        re.escape(framed(after)),
    )


def post(path: str, **content: Any) -> bytes:
    """Return a request over HTTP that keeps its connection."""
    body = json.dumps(content).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: box\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def get(path: str) -> bytes:
    """Return a request for what stands at a path."""
    return f"GET {path} HTTP/1.1\r\nHost: box\r\n\r\n".encode()


HEATER = "driver.bftc.data.heaters.heater_4"
SETPOINT = "/values/" + HEATER.replace(".", "/") + "/setpoint"
CHANGED_SETPOINT = post("/values/", data={f"{HEATER}.setpoint": {"content": {"value": 0.03}}})
TALKS = {
    "qdevil_qdac2": scpi("sour1:filt dc", "sour1:filt?", "DC", "HIGH"),
    "qdevil_qswitch": scpi("clos (@3!9)", "clos? (@3!9)", "1", "0"),
    "keysight_33512b": scpi(":SOUR2:FUNC SQU", ":SOUR2:FUNC?", "SQU", "SIN"),
    "yokogawa_gs200": scpi(":SOUR:FUNC CURR", ":SOUR:FUNC?", "CURR", "VOLT"),
    "rohde_schwarz_sgs100a": scpi(":OUTP ON", ":OUTP?", "1", "0"),
    "keysight_n5183b": scpi(":OUTP ON", ":OUTP?", "1", "0"),
    "srs_sg384": scpi("NOSU;PHAS 20", "LERR?;PHAS?", "111;20", "0;0", "\r\n"),
    "tektronix_awg70002a": scpi(":OUTP1 ON", ":OUTP1?", "1", "0"),
    "tektronix_awg5208": scpi(":OUTP7 ON", ":OUTP7?", "1", "0"),
    "lakeshore_336": scpi("OUTMODE 1,3,0,0;RANGE 1,2", "RANGE? 1", "2", "0", "\r\n"),
    "lakeshore_350": scpi("OUTMODE 1,3,0,0;RANGE 1,2", "RANGE? 1", "2", "0", "\r\n"),
    "lakeshore_372": scpi("OUTMODE 0,2,6,0;RANGE 0,5", "RANGE? 0", "5", "0", "\r\n"),
    "oxford_mercury_ips": oxford("DEV:GRPZ:SPSU:SIG:SWHT", "ON", "OFF"),
    "oxford_triton": oxford("SYS:DR:ACTN", "COND", "NONE", "\r\n"),
    "pfeiffer_tpg366": Talk(
        b"AYT\r\x05",
        rb"\x06\r\nTPG366[^\n]*\r\n",
        b"UNI,2\r\x05",
        rb"\x06\r\n2\r\n",
        b"UNI\r\x05",
        rb"\x06\r\n4\r\n",
    ),
    "pfeiffer_tc400": Talk(
        encode(question(1, 349)),
        re.escape(encode(setting(1, 349, "TC_400"))),
        encode(setting(1, 2, "111111")) + encode(question(1, 2)),
        re.escape(2 * encode(setting(1, 2, "111111"))),
        encode(question(1, 2)),
        re.escape(encode(setting(1, 2, "111111"))),
    ),
    "srs_fs725": Talk(
        b"ID?\r", rb"PRS10_[^\r]*\r", b"PL 0\rPL?\r", rb"0\r", b"PL?\rLO?\r", rb"1\r0\r"
    ),
    "dicon_gp600": Talk(
        b"*IDN?\r",
        rb"Dicon[^\r]*\r",
        b"X1 CH 2 3\rX1 CH 2?\r",
        rb"2, 3\r",
        b"X1 CH 2?\r",
        rb"2, 0\r",
    ),
    "cryomech_cpa": modbus("06 0001 0001", "04 0001 0001", "04 02 0003", "04 02 0000"),
    "smc_hrs100": modbus("06 000B 00AE", "03 000B 0001", "03 02 00AE", "03 02 00AE"),
    "nut_ups": Talk(
        b"VER\n",
        rb"Network UPS Tools[^\n]*\n",
        b"USERNAME a\nUSERNAME a\n",
        rb"OK\nERR ALREADY-SET-USERNAME\n",
        b"USERNAME a\n",
        rb"OK\n",
    ),
    "bluefors_control": Talk(
        get("/system"),
        rb'(?s)HTTP/1.1 200 .*"status": "SUCCEEDED".*\}',
        CHANGED_SETPOINT + get(SETPOINT),
        rb'(?s)(HTTP/1.1 200 .*"value": "0.03".*"CHANGED".*){2}\}',
        get(SETPOINT),
        rb'(?s)HTTP/1.1 200 .*"value": "0".*\}',
    ),
    "bluefors_tc": Talk(
        get("/system"),
        rb'(?s)HTTP/1.1 200 .*"label".*\}',
        post("/heater/update", heater_nr=1, active=True, power=0.01) + post("/heater", heater_nr=1),
        rb'(?s)(HTTP/1.1 200 .*"active": true.*"power": 0.01.*){2}\}',
        post("/heater", heater_nr=1),
        rb'(?s)HTTP/1.1 200 .*"active": false.*"power": 0.01.*\}',
    ),
}
OPTIONS = {"qdevil_qswitch": {"firmware": "1.3"}}


class Client:
    """One TCP connection."""

    def __init__(self, box: TwinInstrument) -> None:
        self.wire = socket.create_connection((box.host, box.port), ANSWER_S)

    def ask(self, request: bytes, answer: bytes, wait_s: float = ANSWER_S) -> bytes:
        """Return what comes once it is ``answer``; before that, what came until it hung up.

        Raises TimeoutError.
        """
        self.wire.settimeout(wait_s)
        self.wire.sendall(request)
        come = b""
        while not re.fullmatch(answer, come):
            more = self.wire.recv(65536)
            come += more
            if not more:
                break
        return come


@pytest.fixture(scope="module")
def pool() -> Iterator[TwinPool]:
    with TwinPool() as pool:
        yield pool


@pytest.fixture(scope="module", params=TALKS)
def box(request, pool) -> Iterator[TwinInstrument]:
    with pool.instrument(request.param, options=OPTIONS.get(request.param)) as box:
        yield box


@pytest.fixture
def talk(box) -> Talk:
    return TALKS[box.model]


@pytest.fixture
def connect(box) -> Iterator[Callable[[], Client]]:
    clients: list[Client] = []

    def connect() -> Client:
        clients.append(Client(box))
        return clients[-1]

    yield connect
    for client in clients:
        client.wire.close()


def gone(client: Client, talk: Talk) -> bool:
    """Tell whether the box has hung up, or does as soon as it is asked."""
    try:
        return client.ask(talk.identify, talk.identity) == b""
    except ConnectionError:
        return True


def answers(client: Client, talk: Talk) -> bool:
    """Tell whether the box says who it is."""
    return bool(re.fullmatch(talk.identity, client.ask(talk.identify, talk.identity)))


def test_a_frozen_box_says_nothing_until_it_is_thawed(connect, box, talk) -> None:
    box.fault("freeze")
    client = connect()
    with pytest.raises(TimeoutError):
        client.ask(talk.identify, rb"(?s).+", SILENT_S)
    client.wire.close()
    box.fault("thaw")
    assert answers(connect(), talk)


def test_half_an_answer_has_no_end(connect, box, talk) -> None:
    box.fault("halve")
    client = connect()
    half = client.ask(talk.identify, rb"(?s).+")
    box.fault("whole")
    whole = client.ask(talk.identify, talk.identity)
    assert re.fullmatch(talk.identity, whole)
    assert not re.fullmatch(talk.identity, half)
    assert len(half) == pytest.approx(len(whole) / 2, abs=2)  # a time may have a digit less


def test_a_connection_that_is_cut_can_be_made_again(connect, box, talk) -> None:
    client = connect()
    assert answers(client, talk)
    box.fault("drop")
    assert gone(client, talk)
    assert answers(connect(), talk)


def test_a_box_that_refuses_hangs_up_at_once(connect, box, talk) -> None:
    box.fault("refuse")
    assert gone(connect(), talk)
    box.fault("accept")
    assert answers(connect(), talk)


def test_a_box_that_was_off_has_forgotten_what_it_forgets(connect, box, talk) -> None:
    client = connect()
    assert re.fullmatch(talk.set_to, client.ask(talk.set_and_ask, talk.set_to))
    box.fault("restart")
    assert gone(client, talk)
    assert re.fullmatch(talk.after, connect().ask(talk.ask, talk.after))


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
