"""The unmodified QCoDeS driver and the vendor's own against the twin of the Lake Shore 372."""

import math

import pytest
from lakeshore import Model372, Model372InputChannelSettings
from lakeshore.generic_instrument import InstrumentException
from lakeshore.model_372 import Model372InputSetupSettings
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372

from podium.sim_instruments.twins.lakeshore_372 import LakeShore372

STAGES = {5: "still", 6: "mixing_chamber"}
TEMPERATURES_K = {5: 0.85, 6: 0.0102}


@pytest.fixture
def twin():
    return LakeShore372(lambda channel, now_fs: TEMPERATURES_K[channel], STAGES, "LSA12AB")


@pytest.fixture
def qcodes_driver(serve, twin):
    driver = LakeshoreModel372("bridge", serve(twin).visa, visalib="@py")
    yield driver
    driver.close()


@pytest.fixture
def vendor_driver(serve, twin):
    address = serve(twin)
    with Model372(None, ip_address=address.host, tcp_port=address.port) as driver:
        yield driver


def test_qcodes_reads_who_it_is(qcodes_driver):
    assert qcodes_driver.get_idn() == {
        "vendor": "LSCI",
        "model": "372",  # QCoDeS leaves the word MODEL out
        "serial": "LSA12AB",
        "firmware": "1.8",
    }


def test_qcodes_reads_temperatures_to_the_noise(qcodes_driver):
    assert qcodes_driver.ch06.temperature() == pytest.approx(0.0102, rel=6e-3)
    assert qcodes_driver.ch05.temperature() == pytest.approx(0.85, rel=6e-3)
    assert qcodes_driver.ch06.sensor_status() == "OK"
    assert qcodes_driver.ch06.sensor_name() == "mixing_chamber"
    assert qcodes_driver.ch06.sensor_raw() > qcodes_driver.ch05.sensor_raw() > 1000


def test_a_full_snapshot_of_qcodes_is_answered_and_no_command_is_unknown(qcodes_driver, twin):
    snapshot = qcodes_driver.snapshot(update=True)
    inputs = snapshot["submodules"]
    assert inputs["ch06"]["parameters"]["enabled"]["value"] is True
    assert inputs["ch07"]["parameters"]["enabled"]["value"] is False
    assert inputs["ch06"]["parameters"]["excitation_mode"]["value"] == "voltage"
    assert inputs["sample_heater"]["parameters"]["mode"]["value"] == "off"
    assert inputs["sample_heater"]["parameters"]["P"]["value"] == 10.0
    assert inputs["analog_heater"]["parameters"]["setpoint"]["value"] == 0.0
    assert twin.tallies()["unknown"] == 0
    assert twin.tallies()["commands"] > 300


def test_what_qcodes_sets_it_reads_back(qcodes_driver):
    qcodes_driver.ch07.enabled(True)
    qcodes_driver.ch07.dwell(12)
    qcodes_driver.ch07.sensor_name("magnet, outside")  # QCoDeS wants 15 characters at least
    qcodes_driver.sample_heater.mode("closed_loop")
    qcodes_driver.sample_heater.P(42.5)
    qcodes_driver.sample_heater.output_range("1mA")
    assert qcodes_driver.ch07.enabled() is True
    assert qcodes_driver.ch07.dwell() == 12
    assert qcodes_driver.ch07.sensor_name() == "magnet, outside"
    assert qcodes_driver.sample_heater.mode() == "closed_loop"
    assert qcodes_driver.sample_heater.P() == 42.5
    assert qcodes_driver.sample_heater.output_range() == "1mA"


def test_qcodes_heats(serve):
    delivered = {}
    heated = LakeShore372(
        lambda channel, now_fs: TEMPERATURES_K[channel],
        STAGES,
        "S",
        {0: "mixing_chamber"},
        lambda name, power_w, now_fs: delivered.update({name: power_w}),
    )
    driver = LakeshoreModel372("heating", serve(heated).visa, visalib="@py")
    driver.sample_heater.mode("closed_loop")
    driver.sample_heater.input_channel(6)
    driver.sample_heater.setpoint(0.02)
    driver.sample_heater.output_range("1mA")
    assert driver.sample_heater.setpoint() == 0.02
    heated.advance(2**62)  # long after
    assert driver.sample_heater.output() == 100.0  # half the setpoint: all that the range has
    assert delivered == {"heater.mixing_chamber.power": pytest.approx(1e-6 * 120)}
    driver.sample_heater.output_range("off")
    assert delivered == {"heater.mixing_chamber.power": 0.0}
    driver.close()


def test_the_vendors_driver_connects_and_reads(vendor_driver, twin):
    assert vendor_driver.serial_number == "LSA12AB"
    assert vendor_driver.model_number == "MODEL372"
    readings = vendor_driver.get_all_input_readings(6)
    assert readings["kelvin"] == pytest.approx(0.0102, rel=6e-3)
    assert readings["resistance"] > 1e5
    status = vendor_driver.get_reading_status(6)
    assert not any(vars(status).values())
    assert twin.tallies()["unknown"] == 0


def test_the_vendors_driver_sets_and_reads_back(vendor_driver):
    settings = Model372InputChannelSettings(True, 20, 5, 21, None)
    vendor_driver.set_input_channel_parameters(6, settings)
    read = vendor_driver.get_input_channel_parameters(6)
    assert (read.enable, read.dwell_time, read.pause_time, read.curve_number) == (True, 20, 5, 21)
    setup = Model372InputSetupSettings(
        vendor_driver.SensorExcitationMode.VOLTAGE,
        vendor_driver.MeasurementInputVoltageRange.RANGE_6_POINT_32_MICRO_VOLTS,
        vendor_driver.AutoRangeMode.CURRENT,
        False,
        vendor_driver.InputSensorUnits.KELVIN,
        vendor_driver.MeasurementInputResistance.RANGE_63_POINT_2_KIL_OHMS,
    )
    vendor_driver.configure_input(6, setup)
    assert vars(vendor_driver.get_input_setup_parameters(6)) == vars(setup)
    vendor_driver.setup_sample_heater(87.5, vendor_driver.HeaterOutputUnits.POWER)
    assert vendor_driver.get_sample_heater_setup() == {
        "resistance": 87.5,
        "units": vendor_driver.HeaterOutputUnits.POWER,
    }
    vendor_driver.set_scanner_status(6, False)
    assert vendor_driver.get_scanner_status()["input_channel"] in (6, "6", "06")


def test_the_vendors_driver_switches_an_input_off(vendor_driver):
    vendor_driver.disable_input(5)
    assert vendor_driver.get_input_channel_parameters(5).enable is False
    assert vendor_driver.get_input_channel_parameters(5).dwell_time == 10


@pytest.mark.parametrize(
    ("message", "complaint"),
    [("NONSENSE 1", "Command Error"), ("INSET 17,1,10,3,0,1", "Execution Error")],
)
def test_the_vendors_driver_hears_what_is_refused(vendor_driver, message, complaint):
    with pytest.raises(InstrumentException, match=complaint):
        vendor_driver.command(message)


def test_an_input_without_a_sensor_reads_zero_kelvin(vendor_driver):
    assert math.isclose(vendor_driver.get_kelvin_reading(9), 0.0)
