"""The driver over real TCP against the twin."""

import pytest

from podium.drivers.dicon_gp600 import DiconGp600
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.optical_roles import OpticalSwitch
from podium.drivers.roles import Identity, Instrument
from podium.sim_instruments.twins.dicon_gp600 import DiconGp600 as Twin


class Tap:
    """A wire to the twin on which answers can be changed."""

    def __init__(self, size: str = "4x4") -> None:
        self.twin, self.heard = Twin("19A0", size=size), b""
        self.tamper = lambda answer: answer

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        self.heard += data
        return self.tamper(self.session.feed(data, now_fs))

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)


@pytest.fixture
def tap():
    return Tap()


@pytest.fixture
def driver(serve, tap):
    driver = DiconGp600("osw", serve(tap, "commands").visa)
    yield driver
    driver.close()


def test_it_plays_its_roles_and_connecting_only_reads(driver, tap) -> None:
    switch: OpticalSwitch = driver
    instrument: Instrument = driver
    assert instrument.identity() == Identity("Dicon Fiberoptics Inc", "GP600", "19A0", "7.0")
    assert (switch.size(), switch.routes()) == ((4, 4), {})
    assert instrument.snapshot() == {"routes": {}, "wavelength_nm": 1550.0, "auto_save": False}
    assert all(line.endswith(b"?") for line in tap.heard.split(b"\r") if line)


def test_routes_are_exchanged_without_wanting_an_output_twice(driver, tap) -> None:
    driver.set_routes({1: 2, 2: 1, 3: 3})
    tap.heard = b""
    driver.set_routes({1: 1, 2: 2, 3: 3})
    assert driver.routes() == {1: 1, 2: 2, 3: 3}
    commands = [line for line in tap.heard.split(b"\r") if line and not line.endswith(b"?")]
    assert commands == [b"X1 CH 1 0", b"X1 CH 2 0", b"X1 CH 1 1", b"X1 CH 2 2"]
    driver.set_routes({})
    assert driver.routes() == {}


def test_what_cannot_be_is_refused_before_anything_is_said(driver, tap) -> None:
    tap.heard = b""
    with pytest.raises(Refused, match="osw is 4x4: it has no way from input 1 to output 5"):
        driver.set_routes({1: 5})
    with pytest.raises(Refused, match="an output takes one input"):
        driver.set_routes({1: 2, 3: 2})
    assert tap.heard == b""
    with pytest.raises(Refused, match="-222, Data Out of Range"):
        driver.set_wavelength(1064)
    driver.set_wavelength(1310)
    assert driver.get("wavelength") == (1310.0, "nm")


def test_another_size_than_the_files_is_refused(serve, tap) -> None:
    with pytest.raises(Refused, match="osw is 4x4, the facility file says 8x8"):
        DiconGp600("osw", serve(tap, "commands").visa, size="8x8")


def test_another_box_is_told_apart(serve, tap) -> None:
    tap.tamper = lambda answer: b"LSCI,MODEL372,1,1\r"
    with pytest.raises(Refused, match="the facility file says a DiCon GP600"):
        DiconGp600("osw", serve(tap, "commands").visa)


def test_routes_that_do_not_read_back_are_no_routes(driver, tap) -> None:
    tap.tamper = lambda answer: answer.replace(b"1, 2\r", b"1, 0\r")
    with pytest.raises(ProtocolError, match=r"was asked for routes \{1: 2\}.*reads back \{\}"):
        driver.set_routes({1: 2})


def test_an_answer_that_makes_no_sense_costs_the_connection(driver, tap) -> None:
    tap.tamper = lambda answer: b"what?\r"
    with pytest.raises(ProtocolError, match=r"was asked 'X1 CH 1\?' and said 'what\?'"):
        driver.routes()
    with pytest.raises(Unreachable):
        driver.routes()
