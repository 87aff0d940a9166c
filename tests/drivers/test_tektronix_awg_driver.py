"""Our drivers of the AWG70002A and the AWG5208 against their twins."""

import numpy as np
import pytest

from podium.drivers.errors import Refused, Unreachable
from podium.drivers.roles import Examinable, Identity, Instrument, MakesSafe
from podium.drivers.tektronix_awg5208 import TektronixAWG5208
from podium.drivers.tektronix_awg70002a import TektronixAWG70002A
from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208
from podium.sim_instruments.twins.tektronix_awg70002a import tektronix_awg70002a

WAVE = np.sin(np.linspace(0, 2 * np.pi, 2400))


@pytest.fixture
def twin():
    return tektronix_awg70002a("B020397")


@pytest.fixture(params=["a socket", "VXI-11"])
def driver(serve, twin, request):
    if request.param == "a socket":
        visa = serve(twin).visa
    else:
        at = serve(twin, "vxi11")
        visa = f"TCPIP::{at.host},{at.port}::inst0::INSTR"
    driver = TektronixAWG70002A("awg", visa)
    yield driver
    driver.close()


def test_it_plays_its_roles_and_connecting_sets_nothing(driver, twin):
    instrument: Instrument = driver
    safe: MakesSafe = driver
    examined: Examinable = driver
    driver.tell('MMEM:CDIR "\\x"')
    assert driver.ask("MMEM:CDIR?") == '"\\x"'
    assert instrument.identity() == Identity(
        "TEKTRONIX", "AWG70002A", "B020397", "SCPI:99.0 FW:7.5.0197.0"
    )
    assert examined.examine().options == ("225", "03")
    found = instrument.snapshot()
    assert found["sample_rate"] == 25e9
    assert found["ch2.resolution"] == 10
    assert len(found) == 5 + 2 * 5
    safe.safe()


def test_a_waveform_is_played(driver, twin):
    driver.send_waveform("sine", WAVE, [WAVE > 0])
    assert driver.waveforms() == ("sine",)
    driver.send_waveform("sine", -WAVE)  # in place of it
    driver.assign(1, "sine")
    driver.set_amplitude_v(1, 0.4)
    driver.output(1, True)
    driver.play()
    assert np.allclose(twin.samples(1, 0, 2400).volts, -0.2 * WAVE, rtol=0, atol=0.4 / 2**10)
    driver.safe()
    assert driver.snapshot()["ch1.on"] == 0
    assert not any(twin.samples(1, 0, 2400).volts)
    assert twin.tallies()["unknown"] == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda d: d.send_waveform("a b", WAVE), "letters"),
        (lambda d: d.send_waveform("a", WAVE[:100]), "2400 samples"),
        (lambda d: d.send_waveform("a", 2 * WAVE), "between -1 and 1"),
        (lambda d: d.send_waveform("a", WAVE * np.nan), "between -1 and 1"),
        (lambda d: d.send_waveform("a", WAVE, [WAVE > 0] * 3), "up to 2 markers"),
        (lambda d: d.send_waveform("a", WAVE, [WAVE]), "on or off"),
        (lambda d: d.assign(1, "b"), "-224"),
        (lambda d: d.assign(3, "b"), "channels 1 to 2"),
        (lambda d: d.set_amplitude_v(1, 0.6), "0.125 V to 0.5 V"),
        (lambda d: d.play(), "-221"),
    ],
)
def test_refusals_are_told(serve, twin, call, said):
    driver = TektronixAWG70002A("awg", serve(twin).visa)
    with pytest.raises(Refused, match=said):
        call(driver)
    assert driver.waveforms() == ()
    driver.close()


def test_another_box_is_refused(serve, twin):
    with pytest.raises(Refused, match="AWG5208"):
        TektronixAWG5208("awg", serve(twin).visa)
    driver = TektronixAWG5208("awg", serve(tektronix_awg5208("B1")).visa)
    assert len(driver.snapshot()) == 5 + 8 * 5
    driver.close()
    with pytest.raises(Unreachable):
        driver.identity()
