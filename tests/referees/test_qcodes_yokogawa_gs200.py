"""The unmodified QCoDeS driver against the twin of the GS200."""

import pytest
from qcodes.instrument_drivers.yokogawa import YokogawaGS200 as QCoDeSDriver

from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200


@pytest.fixture
def twin():
    return YokogawaGS200("91T926459")


@pytest.fixture
def driver(serve, twin):
    driver = QCoDeSDriver("source", serve(twin).visa, visalib="@py")
    yield driver
    driver.close()


def test_qcodes_connects_without_setting_anything(driver, twin):
    assert driver.get_idn()["vendor"] == "YOKOGAWA"
    assert driver.get_idn()["serial"] == "91T926459"
    assert driver.output() == "off"
    assert twin.level_v(0) == 0.0
    assert twin.tallies()["unknown"] == 0


def test_a_full_snapshot_of_qcodes_is_answered_and_no_command_is_unknown(driver, twin):
    parameters = driver.snapshot(update=True)["parameters"]
    assert parameters["voltage_range"]["value"] == 10.0
    assert parameters["voltage_limit"]["value"] == 30
    assert parameters["current_limit"]["value"] == 0.2
    assert parameters["line_freq"]["value"] == 50
    assert parameters["system_errors"]["value"] == '0,"No error"'
    assert parameters["ramp_rate"]["value"] == 0.01
    assert twin.tallies()["unknown"] == 0


def test_a_level_that_qcodes_sets_is_at_the_terminals_when_the_output_is_on(driver, twin):
    driver.voltage_range(1)
    driver.voltage(0.25)
    assert driver.voltage() == 0.25
    assert twin.level_v(0) == 0.0
    driver.output("on")
    assert driver.output() == "on"
    assert twin.level_v(0) == 0.25


def test_auto_range_of_qcodes_finds_the_smallest_range(driver):
    driver.auto_range(True)
    driver.voltage(0.009)
    assert driver.voltage_range() == 0.01
    driver.voltage(0.3)
    assert driver.voltage_range() == 1.0


def test_a_hardware_ramp_of_qcodes_ends_at_its_target_after_its_time(driver, twin, twin_servers):
    driver.voltage_range(1)
    driver.output("on")
    driver.ramp_rate(0.1)
    began_fs = twin_servers.clock.now_fs()
    driver.ramp_voltage(0.5)
    took_s = (twin_servers.clock.now_fs() - began_fs) / 1e15
    assert driver.voltage() == 0.5
    assert took_s >= 5.0
    assert driver.program.slope() == 5.0
    assert driver.status_byte() == 0


def test_an_output_beyond_the_range_is_refused_by_the_box_too(driver):
    driver.voltage_range(1)
    driver.write(":SOUR:LEV 1.3")
    assert driver.system_errors() == '-222,"Data out of range"'
    assert driver.voltage() == 0.0


def test_current_mode_is_understood(driver):
    driver.source_mode("CURR")
    driver.current_range(1e-3)
    driver.current(0.5e-3)
    assert driver.current() == 0.5e-3
