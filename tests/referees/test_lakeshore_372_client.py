"""What Lake Shore's own unit tests of the 372 ask of a fake connection, asked of the twin.

The vendor's client, unmodified, over a socket. Its tests (lakeshorecryotronics/python-driver,
``tests/test_372.py``) compare texts that a fake has received; these call the same methods with
the same arguments, and what was set is read back. The values in ``assert`` are the vendor's.
"""

import math

import pytest
from lakeshore import Model372, Model372InputChannelSettings
from lakeshore.generic_instrument import InstrumentException
from lakeshore.model_372 import (
    Model372AlarmParameters,
    Model372ControlLoopZoneSettings,
    Model372DigitalOutputRegister,
    Model372HeaterOutputSettings,
    Model372InputSetupSettings,
)

from podium.sim_instruments.twins.lakeshore_372 import LakeShore372

STAGES = {5: "still", 6: "mixing_chamber"}
TEMPERATURES_K = {5: 0.85, 6: 0.0102}


@pytest.fixture
def delivered():
    return {}


@pytest.fixture
def twin(delivered):
    return LakeShore372(
        lambda channel, now_fs: TEMPERATURES_K[channel],
        STAGES,
        "LSA12AB",
        {0: "mixing_chamber", 1: "4k", 2: "still"},
        lambda name, power_w, now_fs: delivered.update({name: power_w}),
    )


@pytest.fixture
def bridge(serve, twin):
    address = serve(twin)
    with Model372(None, ip_address=address.host, tcp_port=address.port) as driver:
        yield driver
        assert twin.tallies()["unknown"] == 0, "the vendor's client knows no unknown command"


# --- readings


def test_readings_are_numbers(bridge):
    assert bridge.get_kelvin_reading(6) == pytest.approx(0.0102, rel=6e-3)
    assert bridge.get_resistance_reading(6) == bridge.get_sensor_reading(6) > 1e5
    assert set(bridge.get_all_input_readings("A")) == {"kelvin", "resistance", "power"}
    readings = bridge.get_all_input_readings(6)
    assert set(readings) == {"kelvin", "resistance", "power", "quadrature"}
    assert bridge.get_quadrature_reading(1) == 0.0
    assert bridge.get_analog_heater_output(1) == 0.0
    assert not any(vars(bridge.get_reading_status(1)).values())


def current_excitation(bridge, excitation, *, shunted=False):
    return Model372InputSetupSettings(
        bridge.SensorExcitationMode.CURRENT,
        excitation,
        bridge.AutoRangeMode.CURRENT,
        shunted,
        bridge.InputSensorUnits.KELVIN,
        bridge.MeasurementInputResistance.RANGE_20_KIL_OHMS,
    )


def test_the_excitation_heats_the_sensor_by_current_squared_times_resistance(bridge):
    ranges = bridge.MeasurementInputCurrentRange
    bridge.configure_input(
        5, current_excitation(bridge, ranges.RANGE_31_POINT_6_MICRO_AMPS)
    )  # as in the vendor's docs/examples/372_input_setup_example.py
    readings = bridge.get_all_input_readings(5)
    assert readings["power"] == pytest.approx(31.6e-6**2 * readings["resistance"], rel=5e-3)
    bridge.configure_input(5, current_excitation(bridge, ranges.RANGE_3_POINT_16_MICRO_AMPS))
    colder_ohm = bridge.get_resistance_reading(5)  # the sensor heats itself less
    assert colder_ohm > readings["resistance"]
    power_w = bridge.get_excitation_power(5)
    assert power_w == pytest.approx(3.16e-6**2 * colder_ohm, rel=5e-3)
    bridge.configure_input(
        5, current_excitation(bridge, ranges.RANGE_3_POINT_16_MICRO_AMPS, shunted=True)
    )
    assert bridge.get_excitation_power(5) == 0.0
    assert bridge.get_excitation_power(9) == 0.0  # nothing is connected


# --- settings with a method for each way


@pytest.mark.parametrize("group", [0, "A"])
def test_excitation_frequencies_are_of_all_measurement_inputs_or_of_the_control_input(
    bridge, group
):
    other = "A" if group == 0 else 0
    before = bridge.get_excitation_frequency(other)
    bridge.set_excitation_frequency(group, bridge.InputFrequency(5))
    assert bridge.get_excitation_frequency(group) == bridge.InputFrequency.FREQUENCY_18_POINT_2_HZ
    assert bridge.get_excitation_frequency(other) == before


def test_a_single_measurement_input_has_no_excitation_frequency_of_its_own(bridge):
    with pytest.raises(InstrumentException, match="Execution Error"):
        bridge.set_excitation_frequency(3, bridge.InputFrequency(5))


def test_the_gpib_address_is_set_by_both_methods_and_asked_by_both(bridge):
    bridge.set_ieee_interface_parameter(4)
    assert bridge.get_ieee_interface_parameter() == bridge.get_ieee_488() == 4
    bridge.set_ieee_488(30)
    assert bridge.get_ieee_interface_parameter() == 30


def test_an_address_that_the_vendors_fake_takes_is_refused(bridge):
    with pytest.raises(InstrumentException, match="Execution Error"):
        bridge.set_ieee_interface_parameter(123)  # its docstring: 1 to 30
    assert bridge.get_ieee_interface_parameter() == 12


def test_switches_and_numbers_are_read_back(bridge):
    bridge.set_common_mode_reduction(True)
    assert bridge.get_common_mode_reduction() is True
    bridge.set_alarm_beep(False)
    assert bridge.get_alarm_beep_status() is False
    bridge.set_filter(3, True, 5, 50)
    assert bridge.get_filter(3) == {"state": True, "settle_time": 5, "window": 50}
    bridge.set_digital_output(Model372DigitalOutputRegister(True, False, True, False, True))
    register = bridge.get_digital_output()
    assert vars(register) == vars(Model372DigitalOutputRegister.from_integer(21))
    bridge.set_interface(bridge.Interface(0))
    assert bridge.get_interface() == bridge.Interface(0)
    bridge.set_ieee_interface_mode(2)
    assert bridge.get_ieee_interface_mode() == bridge.InterfaceMode(2)
    bridge.set_monitor_output_source(5)
    assert bridge.get_monitor_output_source() == bridge.MonitorOutputSource(5)
    bridge.set_website_login("user", "password")
    assert bridge.get_website_login() == {"username": "user", "password": "password"}


def test_the_filter_of_all_inputs_is_set_by_zero(bridge):
    bridge.set_filter(0, True, 7, 20)
    for channel in (1, 6, 16):
        assert bridge.get_filter(channel)["settle_time"] == 7
    assert bridge.get_filter("A")["settle_time"] == 10
    with pytest.raises(InstrumentException, match="Execution Error"):
        bridge.get_filter(0)


def test_the_display_is_read_back(bridge):
    bridge.set_display_settings(
        bridge.DisplayMode.CUSTOM, bridge.DisplayFields.LARGE_4, bridge.DisplayInfo.SAMPLE_HEATER
    )
    assert bridge.get_display_mode() == bridge.DisplayMode.CUSTOM
    assert bridge.get_custom_display_settings() == {
        "mode": bridge.DisplayMode.CUSTOM,
        "number_of_fields": bridge.DisplayFields.LARGE_4,
        "displayed_info": bridge.DisplayInfo.SAMPLE_HEATER,
    }


def test_relays_follow_the_zones(bridge):
    bridge.set_relay_for_sample_heater_control_zone(1)
    bridge.set_relay_for_warmup_heater_control_zone(2)
    assert bridge.query("RELAY? 1") == "3,00,0"
    assert bridge.query("RELAY? 2") == "4,00,0"


def test_alarms_are_read_back(bridge):
    wanted = Model372AlarmParameters(276, 10, 100, True, True, True)
    bridge.set_alarm_parameters(4, True, wanted)
    read = bridge.get_alarm_parameters(4)
    assert read["alarm_enable"] is True
    settings = read["alarm_settings"]
    assert (settings.high_value, settings.low_value, settings.deadband) == (276, 10, 100)
    assert (settings.latch_enable, settings.visible, settings.audible) == (True, True, True)
    assert bridge.get_alarm_status(4) == {"high_state_enabled": False, "low_state_enabled": False}


# --- heaters


def test_all_heaters_are_switched_off_at_once(bridge):
    bridge.set_heater_output_range(0, bridge.SampleHeaterOutputRange(6))
    bridge.set_heater_output_range(2, True)
    assert bridge.get_heater_output_range(0) == bridge.SampleHeaterOutputRange(6)
    assert bridge.get_heater_output_range(2) is True
    bridge.all_off()
    assert bridge.get_heater_output_range(0) == bridge.SampleHeaterOutputRange.OFF
    assert bridge.get_heater_output_range(1) is False
    assert bridge.get_heater_output_range(2) is False


def test_still_and_warmup_outputs_take_their_modes_along(bridge):
    bridge.set_still_output(80)
    assert bridge.get_still_output() == 80
    assert bridge.get_heater_output_settings(2).output_mode == bridge.OutputMode.STILL
    bridge.set_warmup_output(True, 80)
    assert bridge.get_warmup_output() == {"auto_control": True, "current": 80}
    assert bridge.get_heater_output_settings(1).output_mode == bridge.OutputMode.WARMUP


def test_heaters_deliver_what_the_client_has_set(bridge, delivered):
    bridge.set_still_output(12)
    bridge.set_heater_output_range(2, True)
    assert delivered["heater.still.power"] == pytest.approx(0.12 * 10**2 / 120)
    settings = Model372HeaterOutputSettings(
        bridge.OutputMode.OPEN_LOOP, bridge.InputChannel(6), True, False, 5
    )
    bridge.configure_heater(0, settings)
    bridge.set_manual_output(0, 25)
    bridge.set_heater_output_range(0, bridge.SampleHeaterOutputRange.RANGE_10_MILLI_AMPS)
    assert delivered["heater.mixing_chamber.power"] == pytest.approx((2.5e-3) ** 2 * 120)
    assert bridge.get_heater_output(0) == pytest.approx(25)
    bridge.all_off()
    assert set(delivered.values()) == {0.0}


def test_the_heaters_are_set_up(bridge):
    fifty = bridge.HeaterResistance.HEATER_50_OHM
    bridge.setup_warmup_heater(fifty, 0.707, bridge.HeaterOutputUnits.CURRENT)
    read = bridge.get_warmup_heater_setup()
    assert (read["resistance"], read["units"]) == (fifty, bridge.HeaterOutputUnits.CURRENT)
    assert read["max_current"] == pytest.approx(0.707)
    bridge.setup_sample_heater(55.0, bridge.HeaterOutputUnits.POWER)
    assert bridge.get_sample_heater_setup() == {
        "resistance": 55.0,
        "units": bridge.HeaterOutputUnits.POWER,
    }


@pytest.mark.parametrize("polarity", [None, "BIPOLAR"])
def test_an_output_is_configured(bridge, polarity):
    chosen = None if polarity is None else bridge.Polarity[polarity]
    wanted = Model372HeaterOutputSettings(
        bridge.OutputMode.OPEN_LOOP, bridge.InputChannel(5), True, False, 250, chosen
    )
    bridge.configure_heater(0, wanted)
    read = bridge.get_heater_output_settings(0)
    assert (read.output_mode, read.input_channel) == (wanted.output_mode, wanted.input_channel)
    assert (read.powerup_enable, read.reading_filter, read.delay) == (True, False, 250)
    assert read.polarity == (chosen or bridge.Polarity.UNIPOLAR)


def test_zones_of_the_control_loop_are_read_back(bridge):
    wanted = Model372ControlLoopZoneSettings(276, 123.4, 2500, 1500, 75, False, 5, False, False)
    bridge.set_control_loop_parameters(1, 5, wanted)
    assert vars(bridge.get_control_loop_zone_parameters(1, 5)) == vars(wanted)


@pytest.mark.parametrize("unit", ["kelvin", "ohms"])
def test_a_setpoint_makes_its_unit_that_of_the_input(bridge, unit):
    bridge.configure_heater(
        1, Model372HeaterOutputSettings(bridge.OutputMode.CLOSED_LOOP, "A", True, False, 5)
    )
    getattr(bridge, f"set_setpoint_{unit}")(1, 4.32)
    assert getattr(bridge, f"get_setpoint_{unit}")(1) == 4.32
    assert bridge.get_input_setup_parameters("A").units.name == unit.upper()


def test_the_monitor_output_is_configured(bridge):
    settings = Model372HeaterOutputSettings(
        bridge.OutputMode.WARMUP,
        bridge.InputChannel.SEVEN,
        True,
        True,
        125,
        bridge.Polarity.BIPOLAR,
    )
    bridge.configure_analog_monitor_output_heater(bridge.InputSensorUnits.KELVIN, 10, 5, settings)
    assert bridge.get_analog_monitor_output_settings() == {
        "source": bridge.InputSensorUnits.KELVIN,
        "high_value": 10.0,
        "low_value": 5.0,
    }
    assert bridge.get_analog_manual_value(2) == 0


def test_the_vendors_other_analog_method_is_refused(bridge):
    """It sends mode before polarity, against the order of its own queries and of its monitor.

    A polarity of 3 and a source of 0 do not exist. Other drivers of the 372 have polarity first.
    """
    settings = Model372HeaterOutputSettings(
        bridge.OutputMode.ZONE, bridge.InputChannel.SEVEN, True, True, 25, bridge.Polarity.UNIPOLAR
    )
    with pytest.raises(InstrumentException, match="Execution Error"):
        bridge.configure_analog_heater(bridge.HeaterOutput.WARM_UP_HEATER, 50, settings)


# --- inputs


def test_an_input_channel_is_set_up_and_disabled(bridge):
    negative = bridge.CurveTemperatureCoefficient.NEGATIVE
    wanted = Model372InputChannelSettings(True, 34, 15, 22, negative)
    bridge.set_input_channel_parameters(3, wanted)
    assert vars(bridge.get_input_channel_parameters(3)) == vars(wanted)
    bridge.disable_input(12)
    assert bridge.get_input_channel_parameters(12).enable is False


def excitations(bridge):
    voltage, current = bridge.SensorExcitationMode.VOLTAGE, bridge.SensorExcitationMode.CURRENT
    range_11 = bridge.MeasurementInputResistance(11)
    return {
        "control current": ("A", current, bridge.ControlInputCurrentRange(2), None),
        "voltage": (3, voltage, bridge.MeasurementInputVoltageRange(6), range_11),
        "current": (3, current, bridge.MeasurementInputCurrentRange(6), range_11),
    }


@pytest.mark.parametrize("which", ["control current", "voltage", "current"])
def test_inputs_are_excited_by_voltage_or_by_current(bridge, which):
    channel, mode, excitation, resistance_range = excitations(bridge)[which]
    ohms = bridge.InputSensorUnits.OHMS
    off = bridge.AutoRangeMode.OFF
    wanted = Model372InputSetupSettings(mode, excitation, off, True, ohms, resistance_range)
    bridge.configure_input(channel, wanted)
    read = bridge.get_input_setup_parameters(channel)
    assert (read.mode, read.excitation_range) == (mode, excitation)
    assert (read.auto_range, read.current_source_shunted, read.units) == (off, True, ohms)
    assert read.resistance_range == resistance_range


@pytest.mark.parametrize(
    "message",
    [
        "INTYPE 3,0,13,0,11,0,1",  # voltages are numbered to 12
        "INTYPE A,1,7,0,0,0,1",  # currents of the control input to 6
        "INTYPE A,0,1,0,0,0,1",  # it has no voltages
    ],
)
def test_an_excitation_that_the_vendors_client_cannot_name_is_refused(bridge, message):
    with pytest.raises(InstrumentException, match="Execution Error"):
        bridge.command(message)


def test_the_scanner_goes_where_it_is_sent(bridge):
    bridge.set_scanner_status(6, False)
    status = bridge.get_scanner_status()
    assert (int(status["input_channel"]), status["status"]) == (6, False)
    assert math.isclose(bridge.get_kelvin_reading(6), 0.0102, rel_tol=6e-3)


# --- the vendor's published examples


def test_the_vendors_example_regulates_the_warm_up_heater_by_zones(bridge):
    """``docs/examples/372_control_loop_example.py`` of python-driver, call by call."""
    heater = Model372HeaterOutputSettings(
        bridge.OutputMode.ZONE, bridge.InputChannel.CONTROL, True, True, 10
    )
    bridge.configure_heater(1, heater)
    bridge.set_relay_for_warmup_heater_control_zone(1)
    zone = Model372ControlLoopZoneSettings(15, 50.0, 5000, 2000, 50, True, 10, True, False)
    bridge.set_control_loop_parameters(1, 4, zone)
    bridge.set_setpoint_kelvin(1, 5.0)
    bridge.set_setpoint_ramp_parameter(1, True, 10)
    assert bridge.query("OUTMODE? 1") == "3,A,1,0,1,010"
    assert bridge.query("RELAY? 1").split(",")[0] == "4"
    assert vars(bridge.get_control_loop_zone_parameters(1, 4)) == vars(zone)
    assert bridge.get_setpoint_kelvin(1) == 5.0
    assert bridge.get_setpoint_ramp_parameter(1)["ramp_enable"]


def test_the_vendors_example_sets_an_input_up_and_reads_all_of_it(bridge):
    """``docs/examples/372_input_setup_example.py``, but for the file; here channel 6 is wired."""
    sensor = Model372InputSetupSettings(
        bridge.SensorExcitationMode.CURRENT,
        bridge.MeasurementInputCurrentRange.RANGE_31_POINT_6_MICRO_AMPS,
        bridge.AutoRangeMode.CURRENT,
        False,
        bridge.InputSensorUnits.KELVIN,
        bridge.MeasurementInputResistance.RANGE_20_KIL_OHMS,
    )
    for channel in (1, 6):
        bridge.configure_input(channel, sensor)
        readings = bridge.get_all_input_readings(channel)
        assert set(readings) == {"kelvin", "resistance", "power", "quadrature"}
        assert bridge.query(f"INTYPE? {channel}").startswith("1,")
    assert readings["power"] > 0
