"""The unmodified QCoDeS driver against the twin of the SGS100A."""

import pytest
from qcodes.instrument_drivers.rohde_schwarz import RohdeSchwarzSGS100A as QCoDeSDriver

from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A, Tone

SETTINGS = {
    "phase": 90.0,
    "pulsemod_state": True,
    "pulsemod_source": "EXT",
    "ref_osc_source": "EXT",
    "LO_source": "EXT",
    "ref_LO_out": "LO",
    "ref_osc_output_freq": "100MHz",
    "ref_osc_external_freq": "1000MHz",
    "IQ_impairments": True,
    "I_offset": 1.5,
    "Q_offset": -2.5,
    "IQ_gain_imbalance": 0.25,
    "IQ_angle": -3.0,
    "trigger_connector_mode": "PVO",
    "pulsemod_delay": 2e-6,
    "pulsemod_double_delay": 4e-6,
    "pulsemod_double_width": 1e-6,
    "pulsemod_mode": "DOUB",
    "pulsemod_period": 20e-6,
    "pulsemod_polarity": "INV",
    "pulsemod_trig_ext_gate_polarity": "INV",
    "pulsemod_trig_ext_impedance": "G50",
    "pulsemod_trig_ext_slope": "NEG",
    "pulsemod_trig_mode": "EGAT",
    "pulsemod_width": 3e-6,
}


@pytest.fixture
def twin():
    return RohdeSchwarzSGS100A("102345")


@pytest.fixture
def driver(serve, twin):
    driver = QCoDeSDriver("generator", serve(twin).visa, visalib="@py")
    yield driver
    driver.close()


def test_qcodes_connects_without_setting_anything(driver, twin):
    assert driver.get_idn()["vendor"] == "Rohde&Schwarz"
    assert driver.get_idn()["model"] == "SGS100A"
    assert driver.status() is False
    assert twin.tone(0) is None


def test_a_full_snapshot_of_qcodes_is_answered_and_no_command_is_unknown(driver, twin):
    parameters = driver.snapshot(update=True)["parameters"]
    assert parameters["frequency"]["value"] == 1e9
    assert parameters["power"]["value"] == -30
    assert parameters["ref_osc_source"]["value"] == "INT"
    assert all(entry.get("value", 0) is not None for entry in parameters.values())
    assert twin.tallies()["unknown"] == 0


def test_the_tone_that_qcodes_sets_leaves_the_connector(driver, twin):
    driver.frequency(4.9e9)
    driver.power(-7.25)
    driver.IQ_state(True)
    assert driver.status() is False
    assert twin.tone(0) is None
    driver.on()
    assert driver.status() is True
    assert twin.tone(0) == Tone(4.9e9, -7.25, iq=True)
    driver.off()
    assert driver.status() is False
    assert twin.tone(0) is None


def test_every_setting_of_qcodes_is_read_back_and_causes_no_error(driver, twin):
    for name, value in SETTINGS.items():
        driver.parameters[name](value)
    for name, value in SETTINGS.items():
        read = driver.parameters[name].get()
        assert str(read).upper() == str(value).upper(), name
    assert driver.ask("SYST:ERR?") == '0,"No error"'
    assert twin.tallies()["unknown"] == 0


def test_reset_of_qcodes_switches_the_output_off(driver, twin):
    driver.on()
    driver.reset()
    assert driver.status() is False
    assert twin.tone(0) is None
