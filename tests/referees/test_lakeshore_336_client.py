"""QCoDeS and the vendor's clients, unmodified, against the twins of the Lake Shore 336 and 350.

What the vendor's own unit tests (lakeshorecryotronics/python-driver, ``tests/test_model_336.py``)
ask of a fake connection is asked of the twin over a socket, and read back.
"""

import pytest
from lakeshore import (
    AlarmSettings,
    Model336,
    Model336ControlLoopZoneSettings,
    Model336CurveHeader,
    Model336InputSensorSettings,
    Model350,
)
from lakeshore.generic_instrument import InstrumentException
from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336

from podium.sim_instruments.twins.lakeshore_336 import lakeshore_336
from podium.sim_instruments.twins.lakeshore_350 import lakeshore_350

STAGES = {1: "first_stage", 2: "second_stage"}
TEMPERATURES_K = {1: 45.0, 2: 3.0}
HEATERS = {1: "4k", 2: "50k", 3: "still"}


@pytest.fixture
def delivered():
    return {}


def built(make, delivered):
    return make(
        STAGES,
        "LSA36X",
        lambda channel, now_fs: TEMPERATURES_K[channel],
        HEATERS,
        lambda name, power_w, now_fs: delivered.update({name: power_w}),
    )


@pytest.fixture
def twin(delivered):
    return built(lakeshore_336, delivered)


@pytest.fixture
def box(serve, twin):
    address = serve(twin)
    with Model336(ip_address=address.host, tcp_port=address.port) as driver:
        yield driver
        assert twin.tallies()["unknown"] == 0, "the vendor's client knows no unknown command"


@pytest.fixture
def qcodes_driver(serve, twin):
    driver = LakeshoreModel336("controller", serve(twin).visa, visalib="@py")
    yield driver
    driver.close()


# --- QCoDeS


def test_qcodes_reads_who_it_is_and_temperatures(qcodes_driver):
    assert qcodes_driver.get_idn()["model"] == "336"  # QCoDeS leaves the word MODEL out
    assert qcodes_driver.A.temperature() == pytest.approx(45.0, rel=6e-4)
    assert qcodes_driver.B.temperature() == pytest.approx(3.0, rel=6e-4)
    assert qcodes_driver.B.sensor_raw() > qcodes_driver.A.sensor_raw() > 300
    assert qcodes_driver.A.sensor_status() == "OK"
    assert qcodes_driver.A.sensor_name() == "first_stage"
    assert qcodes_driver.A.sensor_type() == "ntc_rtd"
    assert qcodes_driver.C.sensor_type() == "disabled"
    assert qcodes_driver.A.curve_number() == 21
    assert qcodes_driver.C.curve_name() == "DT-470"


def test_a_full_snapshot_of_qcodes_is_answered_and_no_command_is_unknown(qcodes_driver, twin):
    parts = qcodes_driver.snapshot(update=True)["submodules"]
    assert parts["output_1"]["parameters"]["mode"]["value"] == "off"
    assert parts["output_1"]["parameters"]["P"]["value"] == 50.0
    assert parts["output_3"]["parameters"]["setpoint"]["value"] == 0.0
    assert parts["D"]["parameters"]["temperature"]["value"] == 0.0
    assert twin.tallies()["unknown"] == 0
    assert twin.tallies()["commands"] > 100


def test_qcodes_regulates_and_the_fridge_is_heated(qcodes_driver, twin, delivered):
    heater = qcodes_driver.output_1
    heater.mode("closed_loop")
    heater.input_channel("B")
    heater.P(30)
    heater.setpoint(4.0)
    heater.output_range("low")
    assert (heater.mode(), heater.input_channel(), heater.P()) == ("closed_loop", "B", 30.0)
    assert heater.setpoint() == 4.0
    twin.advance(2**62)  # long after: 3 K stays 3 K, the integral has wound up
    assert heater.output() == 100.0
    assert delivered == {"heater.4k.power": pytest.approx(0.1**2 * 50)}  # low: 1/100 of 50 W
    heater.output_range("off")
    assert heater.output_range() == "off"  # QCoDeS does not wait for what it sets
    assert delivered == {"heater.4k.power": 0.0}


# --- the vendor's client of the 336


def test_readings_are_numbers(box):
    assert box.serial_number == "LSA36X"
    assert box.get_kelvin_reading("A") == pytest.approx(45.0, rel=6e-4)
    assert box.get_celsius_reading("B") == pytest.approx(-270.15, abs=2e-3)
    assert box.get_all_kelvin_reading() == pytest.approx([45.0, 3.0, 0.0, 0.0], rel=6e-4)
    assert box.get_all_sensor_reading()[1] > 1000
    assert not any(vars(box.get_input_reading_status("A")).values())
    assert box.get_thermocouple_junction_temp() > 290
    assert box.get_min_max_data("A")["minimum"] == pytest.approx(45.0, rel=6e-4)


def test_an_input_that_is_enabled_with_nothing_connected_is_over_range(box):
    sensor = Model336InputSensorSettings(
        box.InputSensorType.NTC_RTD, True, True, box.InputSensorUnits.KELVIN
    )
    box.set_input_sensor("C", sensor)
    assert vars(box.get_input_sensor("C")) == vars(sensor) | {"input_range": 0}
    assert box.get_input_reading_status("C").sensor_units_overrange
    assert box.get_kelvin_reading("C") == 0.0


def test_a_range_that_is_too_small_is_over(box):
    sensor = Model336InputSensorSettings(
        box.InputSensorType.NTC_RTD, False, True, box.InputSensorUnits.SENSOR, box.RTDRange.TEN_OHM
    )
    box.set_input_sensor("A", sensor)
    assert vars(box.get_input_sensor("A")) == vars(sensor)
    assert box.get_input_reading_status("A").sensor_units_overrange


def test_heaters_deliver_what_the_client_has_set(box, delivered):
    box.set_heater_setup(1, box.HeaterResistance.HEATER_50_OHM, 0.8, box.HeaterOutputUnits.POWER)
    assert box.get_heater_setup(1) == {
        "heater_resistance": box.HeaterResistance.HEATER_50_OHM,
        "max_current": pytest.approx(0.8),
        "output_display_mode": box.HeaterOutputUnits.POWER,
    }
    box.set_heater_output_mode(1, box.HeaterOutputMode.OPEN_LOOP, box.InputChannel.CHANNEL_B, True)
    assert box.get_heater_output_mode(1)["channel"] == box.InputChannel.CHANNEL_B
    box.set_manual_output(1, 24.3)
    assert box.get_manual_output(1) == 24.3
    box.set_heater_range(1, box.HeaterRange.MEDIUM)
    assert box.get_heater_range(1) == box.HeaterRange.MEDIUM
    assert delivered["heater.4k.power"] == pytest.approx(0.243 * 0.8**2 * 50 / 10)
    assert box.get_heater_output(1) == pytest.approx(24.3)
    box.set_heater_output_mode(3, box.HeaterOutputMode.WARMUP_SUPPLY, box.InputChannel.CHANNEL_A)
    box.set_warmup_supply_parameter(3, box.ControlTypes.CONTINUOUS, 50.5)
    assert box.get_warmup_supply_parameter(3)["percentage"] == 50.5
    box.set_heater_range(3, box.HeaterVoltageRange.VOLTAGE_ON)
    assert box.get_analog_output_percentage(3) == pytest.approx(50.5)
    assert delivered["heater.still.power"] == pytest.approx(0.505**2)
    assert box.get_heater_status(1) == box.HeaterError.NO_ERROR
    box.all_heaters_off()
    assert set(delivered.values()) == {0.0}


def test_loops_zones_and_setpoints_are_read_back(box):
    box.set_heater_pid(1, 4.2, 6.1, 10)
    gains = box.get_heater_pid(1)
    assert (gains["gain"], gains["integral"], gains["derivative"]) == (4.2, 6.1, 10)
    box.set_setpoint_ramp_parameter(2, True, 45)
    assert box.get_setpoint_ramp_parameter(2) == {"ramp_enable": True, "rate_value": 45}
    box.set_control_setpoint(1, 2.35)
    assert box.get_control_setpoint(1) == 2.35
    assert box.get_setpoint_ramp_status(1) is False
    box.set_temperature_limit("A", 325)
    assert box.get_temperature_limit("A") == 325
    zone = Model336ControlLoopZoneSettings(
        25.36, 11, 18, 1.6, 54, box.HeaterRange.LOW, box.InputChannel.CHANNEL_C, 55.6
    )
    box.set_control_loop_zone_table(2, 9, zone)
    assert vars(box.get_control_loop_zone_table(2, 9)) == vars(zone)


def test_switches_curves_and_alarms_are_read_back(box):
    alarm = AlarmSettings(320.15, 210.54, 3, False, audible=True, visible=True, alarm_enable=True)
    box.set_alarm_parameters("A", True, alarm)
    assert vars(box.get_alarm_parameters("A")) == vars(alarm)
    box.set_monitor_output_heater(
        4, box.InputChannel.CHANNEL_D, box.InputSensorUnits.SENSOR, 236.54, 200.36, 1
    )
    assert box.get_monitor_output_heater(4)["high_value"] == pytest.approx(236.54)
    header = Model336CurveHeader(
        "some_curve",
        "5555444411",
        box.CurveFormat.LOG_OHMS_PER_KELVIN,
        15.65,
        box.CurveTemperatureCoefficient.NEGATIVE,
    )
    box.set_curve_header(44, header)
    assert vars(box.get_curve_header(44)) == vars(header)
    box.set_curve_data_point(44, 3, 0.521, 4.35)
    assert box.get_curve_data_point(44, 3) == (0.521, 4.35)
    box.delete_curve(44)
    assert box.get_curve_header(44).curve_name == "User Curve"
    box.set_input_curve("A", 44)
    assert box.get_input_curve("A") == 44
    box.set_sensor_name("A", "Some_Channel")
    assert box.get_sensor_name("A") == "Some_Channel"
    box.set_filter("A", True, 26, 5)
    assert box.get_filter("A")["data_points"] == 26
    box.set_keypad_lock(True, 987)
    assert box.get_keypad_lock()["code"] == 987
    box.set_display_setup(box.DisplaySetupMode.CUSTOM, box.DisplayFields.LARGE_4, 1)
    assert box.get_display_setup()["num_fields"] == box.DisplayFields.LARGE_4
    box.set_led_state(False)
    assert box.get_led_state() is False
    box.set_relay_alarms(1, "B", box.RelayControlAlarm.BOTH_ALARMS)
    assert box.get_relay_alarm_control_parameters(1)["activating_input_channel"] == "B"
    box.set_website_login("user", "word")
    assert box.get_website_login() == {"username": "user", "password": "word"}


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        ("NONSENSE 1", "Command Error"),
        ("RANGE 1,4", "Execution Error"),
        ("RANGE 3,2", "Execution Error"),
        ("HTRSET 3,1,1,0,1", "Execution Error"),
        ("OUTMODE 1,4,1,0", "Execution Error"),
        ("TLIMIT E,1", "Execution Error"),
        ("PID 1,0,1,1", "Execution Error"),
    ],
)
def test_the_vendors_client_hears_what_is_refused(box, twin, message, complaint):
    with pytest.raises(InstrumentException, match=complaint):
        box.command(message)
    twin._device.unknown = 0  # NONSENSE was ours


# --- the vendor's client of the 350, which sends what it is given


def test_the_350_has_five_ranges_of_decades(serve, delivered):
    twin = built(lakeshore_350, delivered)
    address = serve(twin)
    with Model350(ip_address=address.host, tcp_port=address.port) as box:
        assert (box.model_number, box.serial_number) == ("MODEL350", "LSA36X")
        assert float(box.query("KRDG? B")) == pytest.approx(3.0, rel=6e-4)
        assert box.query("INTYPE? A") == "3,1,0,1,1,1"
        box.command("HTRSET 1,2,2,0,1")
        box.command("OUTMODE 1,3,2,0")
        box.command("MOUT 1,100")
        powers = []
        for heater_range in range(1, 6):
            box.command(f"RANGE 1,{heater_range}")
            assert box.query("RANGE? 1") == str(heater_range)
            powers.append(delivered["heater.4k.power"])
        assert powers == pytest.approx([50e-4, 50e-3, 50e-2, 5.0, 50.0])
        box.command("HTRSET 2,2,1,0,1")
        box.command("OUTMODE 2,3,1,0")
        box.command("MOUT 2,100")
        box.command("RANGE 2,5")
        assert box.query("HTR? 2") == "+100.0"
        assert delivered["heater.50k.power"] == pytest.approx(0.1**2 * 50)
        assert twin.tallies()["unknown"] == 0


# --- the vendor's published example


def test_the_vendors_example_of_the_336_sets_heaters_up(box, twin, delivered):
    """``docs/examples/336_heater_setup_example.py`` of python-driver, call by call."""
    box.set_heater_pid(1, 40, 27, 0)
    box.set_heater_pid(3, 35, 20, 0)
    box.set_heater_setup(1, box.HeaterResistance.HEATER_50_OHM, 0.75, box.HeaterOutputUnits.POWER)
    box.set_monitor_output_heater(
        3,
        box.InputChannel.CHANNEL_A,
        box.InputSensorUnits.KELVIN,
        3.65,
        1.02,
        box.Polarity.UNIPOLAR,
    )
    closed = box.HeaterOutputMode.CLOSED_LOOP
    box.set_heater_output_mode(1, closed, box.InputChannel.CHANNEL_A)
    box.set_heater_output_mode(3, closed, box.InputChannel.CHANNEL_B)
    box.set_control_setpoint(1, 1.5)
    box.set_control_setpoint(3, 2.5)
    box.set_heater_range(1, box.HeaterRange.MEDIUM)
    box.set_heater_range(3, box.HeaterVoltageRange.VOLTAGE_ON)
    assert [box.get_heater_output(1), box.get_analog_output_percentage(3)] == [0.0, 0.0]
    twin.advance(2**62)  # 45 K and 3 K are above their setpoints: nothing is to be heated
    assert [box.get_heater_output(1), box.get_analog_output_percentage(3)] == [0.0, 0.0]
    assert not any(delivered.values())
    assert [box.get_control_setpoint(output) for output in (1, 3)] == [1.5, 2.5]
    assert box.get_heater_range(3) == box.HeaterVoltageRange.VOLTAGE_ON
