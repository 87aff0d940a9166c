"""What Pfeiffer Vacuum's manuals print, and what SOCS sends, against the twins.

Telegrams: operating instructions of the TC 400, chapter 8 (speed of pump 123: 633 Hz; start of
pumping station 042), and of the PPT 100, 6.3. Mnemonics: TPG 261 and TPG 361 communication
protocols, pages 71 and 13. SOCS (simonsobs/socs): the order of its exchanges, in our words.
"""

import pytest

from podium.firmware_interfaces import pfeiffer_telegram as telegrams
from podium.firmware_interfaces.pfeiffer_telegram import Telegram
from podium.sim_instruments.twins.pfeiffer_tc400 import PfeifferTc400
from podium.sim_instruments.twins.pfeiffer_tpg366 import PfeifferTpg366

TURBO = {
    "pump.turbo1.on": 0.0,
    "turbo1.speed": 633.0,
    "turbo1.current": 1.57,
    "turbo1.voltage": 48.0,
    "turbo1.power": 163.0,
    "turbo1.error": 0.0,
}
PRESSURES = {
    "pressure.p1": 1.2e-4,
    "pressure.p2": 1.1,
    "pressure.p3": 35e3,
    "pressure.p4": 20.0,
    "pressure.p5": 80e3,
    "pressure.p6": 99e3,
}
PUBLISHED = [
    (b"0010074002=?106", Telegram(1, 0, 740, "=?")),  # PPT 100, pressure
    (b"0011074006100023025", Telegram(1, 10, 740, "100023")),
    (b"0011074103001130", Telegram(1, 10, 741, "001")),
    (b"1230030902=?112", Telegram(123, 0, 309, "=?")),  # TC 400, example 1
    (b"1231030906000633037", Telegram(123, 10, 309, "000633")),
    (b"0421001006111111020", Telegram(42, 10, 10, "111111")),  # example 2
]


@pytest.mark.parametrize(("line", "telegram"), PUBLISHED, ids=lambda one: str(one)[:24])
def test_published_telegrams_are_read_and_written(line, telegram):
    assert telegrams.decode(line) == telegram
    assert telegrams.encode(telegram) == line + b"\r"


def drive(address: int, written: list[tuple[str, float, int]]):
    twin = PfeifferTc400(
        "1",
        lambda name, now_fs: TURBO[name],
        lambda *what: written.append(what),
        "turbo1",
        str(address),
    )
    return twin, twin.open("serial")


def test_the_manuals_first_example_is_answered_as_printed():
    _, session = drive(123, [])
    assert session.feed(b"1230030902=?112\r", 0) == b"1231030906000633037\r"


def test_the_manuals_second_example_starts_the_pump_and_is_echoed():
    written: list[tuple[str, float, int]] = []
    _, session = drive(42, written)
    assert session.feed(b"0421001006111111020\r", 7) == b"0421001006111111020\r"
    assert written == [("pump.turbo1.on", 1.0, 7)]


def test_socs_reads_temperatures_speed_and_error_and_switches_the_motor():
    written: list[tuple[str, float, int]] = []
    twin, session = drive(94, written)

    def asked(parameter: int) -> str:
        sent = telegrams.encode(telegrams.question(94, parameter))
        return telegrams.decode(session.feed(sent, 0).removesuffix(b"\r")).data

    for parameter in (324, 326, 330, 342, 346):  # get_turbo_temperatures
        assert 20 < int(asked(parameter)) < 60
    assert int(asked(309)) == 633
    assert int(asked(308)) == 820
    assert asked(303) == "000000"
    for parameter, data in (
        (10, "111111"),
        (23, "111111"),
        (23, "000000"),
        (10, "000000"),
        (9, "111111"),
    ):
        sent = telegrams.encode(telegrams.setting(94, parameter, data))
        assert session.feed(sent, 0) == sent  # SOCS takes it for a success if it is echoed
    assert [value for _, value, _ in written] == [1.0, 0.0]
    assert twin.tallies()["unknown"] == 0


# --- TPG 366


@pytest.fixture
def gauges():
    twin = PfeifferTpg366(
        "44012345", lambda name, now_fs: PRESSURES[name], {1: "p1", 2: "p2", 3: "p3"}
    )
    return twin, twin.open("mnemonics")


def test_the_printed_dialogue_of_prx(gauges):
    """TPG 261, page 71: PRX, ACK, ENQ, ``x,sx.xxxxEsxx,...``; without a sensor 5,2.0000E-2."""
    _, session = gauges
    assert session.feed(b"PRX\r", 0) == b"\x06\r\n"
    assert session.feed(b"\x05", 0) == (
        b"0,+1.2000E-06,0,+1.1000E-02,0,+3.5000E+02,5,+2.0000E-02,5,+2.0000E-02,5,+2.0000E-02\r\n"
    )


def test_a_syntax_error_is_not_acknowledged_and_named_by_the_error_word(gauges):
    """TPG 300, page 58: NAK, then the error word 0001."""
    _, session = gauges
    assert session.feed(b"FOO,3,2\r\n", 0) == b"\x15\r\n"
    assert session.feed(b"\x05", 0) == b"0001\r\n"
    assert session.feed(b"ERR\r\n", 0) == b"\x06\r\n"
    assert session.feed(b"\x05", 0) == b"0000\r\n"


def test_socs_connects_and_reads(gauges):
    twin, session = gauges
    assert session.feed(b"\x05", 0).endswith(b"\r\n")  # its first word, to end what is sent anyway

    def exchanged(mnemonic: bytes) -> str:
        assert session.feed(mnemonic, 0) == b"\x06\r\n"
        return session.feed(b"\x05", 0).decode()

    # read_pressure: what follows the last comma, up to the carriage return
    assert float(exchanged(b"PR1\r\n").split(",")[-1].split("\r")[0]) == 1.2e-6
    fields = exchanged(b"PRX\r\n").split("\r")[0].split(",")
    assert [int(one) for one in fields[::2]] == [0, 0, 0, 5, 5, 5]
    assert [float(one) for one in fields[1:6:2]] == [1.2e-6, 1.1e-2, 350.0]
    states = [int(one) for one in exchanged(b"SEN\r\n").split("\r")[0].split(",")]
    assert len(states) == 6
    assert twin.tallies() == {"commands": 3, "unknown": 0, "unmeant": 0}
