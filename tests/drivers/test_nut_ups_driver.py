"""The driver over real TCP against the twin."""

import threading

import pytest

from podium.drivers.cryogenic_roles import BatterySupply, SupplyStatus
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.nut_ups import NutUps
from podium.drivers.roles import Examinable, HasReadings, Instrument
from podium.sim_instruments.twins.nut_ups import NutUps as Twin


class Tap:
    def __init__(self) -> None:
        self.shown = {"mains.on": 1.0, "ups.charge": 1.0}
        self.twin = Twin("4711", lambda name, now_fs: self.shown[name])
        self.tamper = lambda answer: answer
        self.came = threading.Event()

    def open(self, port):
        session = self.twin.open(port)

        class Session:
            def feed(_, data, now_fs):
                answer = self.tamper(session.feed(data, now_fs))
                self.came.set()
                return answer

        return Session()

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def driver(serve, tap):
    at = serve(tap, "nut")
    driver = NutUps("supply", at.host, {"nut": at.port})
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    instrument: Instrument = driver
    supply: BatterySupply = driver
    readings: HasReadings = driver
    examined: Examinable = driver
    assert instrument.identity().serial == "4711"
    assert supply.supply() == SupplyStatus(True, False, 1.0, 900.0)
    assert readings.readings()["battery_charge"] == (1.0, "1")
    assert readings.readings()["input_voltage"] == (230.0, "V")
    assert examined.examine().complaints == ()
    assert instrument.snapshot()["ups.status"] == "OL"


def test_another_release_of_its_server_is_a_complaint(serve, tap):
    at = serve(tap, "nut")
    for release, complaints in {"2.7.4": ("its upsd is 2.8.0, not 2.7.4",), "2.8.0": ()}.items():
        driver = NutUps("supply", at.host, {"nut": at.port}, release=release)
        try:
            assert driver.examine().complaints == complaints
        finally:
            driver.close()


def test_a_supply_on_its_battery_is_complained_of(driver, tap):
    tap.shown = {"mains.on": 0.0, "ups.charge": 0.1}
    assert driver.supply() == SupplyStatus(False, True, 0.1, 90.0)
    assert driver.examine().complaints == (
        "it runs on its battery",
        "its battery is nearly empty",
    )


@pytest.mark.parametrize(
    ("status", "complaint"),
    [(b"OL OVER", "overloaded"), (b"OL RB", "its battery is to be replaced")],
)
def test_what_it_says_is_wrong_is_told(driver, tap, status, complaint):
    tap.tamper = lambda answer: answer.replace(b'"OL"', b'"' + status + b'"')
    assert driver.supply().complaints == (complaint,)


def test_what_it_does_not_say_is_never_a_reading(driver, tap):
    tap.tamper = lambda answer: answer.replace(b'"OL"', b'"WAIT"').replace(b'"100"', b'"nan"')
    with pytest.raises(Refused, match="does not say whether it is on mains: 'WAIT'"):
        driver.supply()
    assert "battery_charge" not in driver.readings()
    assert driver.read_channels().missing.keys() == {"battery_charge"}


def test_a_supply_that_there_is_not_is_refused(serve, tap):
    at = serve(tap, "nut")
    with pytest.raises(Refused, match="'LIST VAR other': UNKNOWN-UPS"):
        NutUps("supply", at.host, {"nut": at.port}, ups="other")


def test_stale_data_is_refused_and_the_connection_stays(driver, tap):
    tap.tamper = lambda answer: b"ERR DATA-STALE\n"
    with pytest.raises(Refused, match="DATA-STALE"):
        driver.supply()
    tap.tamper = lambda answer: answer
    assert driver.supply().on_mains


@pytest.mark.parametrize(
    "answer",
    [
        b"hello\n",
        b"BEGIN LIST VAR no\nEND LIST VAR no\n",
        b"BEGIN LIST VAR ups\nx\nEND LIST VAR ups\n",
    ],
)
def test_what_is_no_answer_closes_the_connection(driver, tap, answer):
    tap.tamper = lambda _: answer
    with pytest.raises(ProtocolError):
        driver.supply()
    with pytest.raises(Unreachable, match="its connection was closed"):
        driver.supply()


def test_it_can_be_closed_while_a_call_hangs(driver, tap):
    tap.tamper = lambda answer: answer[:20]
    tap.came.clear()
    failed = []

    def ask():
        try:
            driver.supply()
        except Unreachable as error:
            failed.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    assert tap.came.wait(5)
    driver.close()
    asking.join(3)
    assert not asking.is_alive()
    assert failed


def test_nobody_there_is_unreachable(unused_tcp_port):
    with pytest.raises(Unreachable, match="takes no connection"):
        NutUps("supply", "127.0.0.1", {"nut": unused_tcp_port})


def test_a_rehearsal_finds_nothing_wrong():
    driver = NutUps.rehearse("supply", lambda message: None)
    assert driver.supply().on_mains
    assert driver.examine().complaints == ()
    driver.close()
