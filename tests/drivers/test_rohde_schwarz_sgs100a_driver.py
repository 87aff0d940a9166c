"""The driver over real TCP against the twin."""

import socket

import pytest

from podium.drivers.errors import Refused
from podium.drivers.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.drivers.roles import Instrument, MicrowaveSource, Tone
from podium.firmware_interfaces import rohde_schwarz_sgs100a as box
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A as Twin
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import Tone as Emitted


@pytest.fixture
def twin():
    return Twin("102345")


@pytest.fixture
def driver(serve, twin):
    driver = RohdeSchwarzSGS100A("lo_q2", serve(twin).visa)
    yield driver
    driver.close()


def test_it_plays_its_roles(driver):
    source: MicrowaveSource = driver
    instrument: Instrument = driver
    assert instrument.identity().model == "SGS100A"
    assert source.tone() == Tone(1e9, -30.0, modulated=False, on=False)
    assert instrument.snapshot()


def test_its_messages_go_out_as_they_come(driver):
    handle = driver._session.instrument.visa_handle
    wire = handle.visalib.sessions[handle.session].interface
    assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_snapshot_asks_of_an_option_only_where_it_is_fitted(serve, monkeypatch):
    found = {}
    for options in (box.OPTIONS, "SGS-B106,SGS-K22"):
        monkeypatch.setattr(box, "OPTIONS", options)
        driver = RohdeSchwarzSGS100A("lo", serve(Twin("102345")).visa)
        found[options] = driver.snapshot()
        assert driver.snapshot() == found[options]
        driver.close()
    whole, plain = found.values()
    assert (len(whole), len(plain)) == (30, 22)
    assert whole["lo_source"] == "INT"
    assert whole.keys() - plain.keys() >= {"lo_source", "lo_output", "iq_angle_deg"}
    assert plain["pulse_width_s"] == 2e-6


def test_a_tone_is_set_and_the_output_is_switched_apart_from_it(driver, twin):
    driver.set_tone(4.9e9, -3.5, modulated=True)
    assert driver.tone() == Tone(4.9e9, -3.5, modulated=True, on=False)
    assert twin.tone(0) is None
    driver.output(on=True)
    assert twin.tone(0) == Emitted(4.9e9, -3.5, iq=True)
    driver.set_tone(5.1e9, 0.0, modulated=False)
    assert driver.tone() == Tone(5.1e9, 0.0, modulated=False, on=True)
    driver.safe()
    assert twin.tone(0) is None


@pytest.mark.parametrize(
    ("frequency_hz", "power_dbm", "modulated", "why"),
    [
        (13e9, 0.0, False, "1e.06 to 1.275e.10 Hz"),
        (50e6, 0.0, True, "8e.07"),
        (5e9, 26.0, False, "-120 to 25 dBm"),
    ],
)
def test_a_tone_that_the_instrument_cannot_make_is_refused(
    driver, twin, frequency_hz, power_dbm, modulated, why
):
    with pytest.raises(Refused, match=why):
        driver.set_tone(frequency_hz, power_dbm, modulated)
    assert driver.tone() == Tone(1e9, -30.0, modulated=False, on=False)


def test_an_older_error_of_somebody_else_is_not_taken_for_a_refusal(driver, twin):
    twin.open("scpi").feed(b"NONSENSE\n", 0)
    driver.set_tone(5e9, 0.0, modulated=True)
    assert driver.tone().modulated


def test_going_below_the_modulators_band_with_the_modulator_on_is_possible(driver):
    driver.set_tone(5e9, 0.0, modulated=True)
    driver.set_tone(50e6, 0.0, modulated=False)
    assert driver.tone() == Tone(50e6, 0.0, modulated=False, on=False)
    driver.set_tone(5e9, 0.0, modulated=True)
    assert driver.tone().modulated
