"""Boxes on a fridge that tells nothing of times that it has passed."""

import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.twins.fridge_readings import FridgeReadings
from podium.sim_instruments.twins.lakeshore_336 import lakeshore_336
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372
from podium.sim_instruments.twins.oxford_mercury_ips import OxfordMercuryIps


class Forward:
    """A fridge whose temperature is its time, on a grid of 10 s that it passes when it is asked."""

    def __init__(self) -> None:
        self.at_fs = 0
        self.written: list[tuple[str, float, int]] = []

    def reading(self, channel: int, now_fs: int) -> float:
        self._pass(now_fs)
        return 1.0 + now_fs / S / 1000

    def write(self, name: str, value: float, now_fs: int) -> None:
        self._pass(now_fs)
        if name.startswith("magnet"):
            raise KeyError(name)
        self.written.append((name, value, now_fs))

    def _pass(self, now_fs: int) -> None:
        if now_fs < self.at_fs:
            raise ValueError("passed")
        self.at_fs = now_fs // (10 * S) * 10 * S


@pytest.fixture
def fridge() -> Forward:
    return Forward()


def test_what_has_been_read_stays_what_a_channel_shows(fridge: Forward) -> None:
    readings = FridgeReadings(fridge.reading)
    assert readings.kelvin(1, 12 * S) == pytest.approx(1.012)
    assert readings.kelvin(2, 55 * S) == pytest.approx(1.055)
    readings.now_fs = 58 * S
    assert readings.kelvin(1, 30 * S) == pytest.approx(1.012)
    assert readings.kelvin(3, 30 * S) == pytest.approx(1.058)  # never read before


def test_a_scanned_channel_is_answered_though_the_fridge_has_gone_on(fridge: Forward) -> None:
    session = LakeShore372(fridge.reading, {5: "still", 6: "mxc"}, "S").open("scpi")
    for second in range(1, 90, 4):
        said = session.feed(b"KRDG? 5;KRDG? 6;RDGST? 6\n", second * S).decode().strip().split(";")
        assert float(said[0]) == pytest.approx(1.0, rel=0.1)
        assert said[2] == "000"


def test_a_loop_that_is_behind_acts_now(fridge: Forward) -> None:
    box = lakeshore_336({1: "4k"}, "S", fridge.reading, {1: "4k"}, fridge.write)
    session = box.open("scpi")
    session.feed(b"OUTMODE 1,1,1,0;SETP 1,3;RANGE 1,3\n", 5 * S)
    fridge.reading(1, 95 * S)  # somebody else has looked
    session.feed(b"HTR? 1\n", 95 * S)
    assert fridge.written
    assert all(at_fs >= 90 * S for _, _, at_fs in fridge.written)


def test_a_magnets_supply_at_a_fridge_without_a_magnet_goes_on(fridge: Forward) -> None:
    session = OxfordMercuryIps("S", write=fridge.write).open("control")
    session.feed(b"SET:DEV:GRPX:SPSU:SIG:FSET:0.1\nSET:DEV:GRPX:SPSU:ACTN:RTOS\n", 0)
    assert session.feed(b"READ:DEV:GRPX:SPSU:SIG:FLD\n", 200 * S).endswith(b":0.100000T\n")
